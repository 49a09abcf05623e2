"""Checks that every C file is formatted as .clang-format says; --fix formats them."""
import pathlib
import shutil
import subprocess
import sys

if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1])
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not tool:
        print("clang-format-14 is not installed (scripts/install test)")
        sys.exit(1)
    files = sorted(str(p) for folder in ("src", "tests", "bench") for p in (root / folder).rglob("*.[ch]"))
    if "--fix" in sys.argv:
        sys.exit(subprocess.run([tool, "-i", *files]).returncode)
    done = subprocess.run([tool, "--dry-run", "--Werror", "--ferror-limit=1", *files], capture_output=True, text=True)
    bad = sorted({line.split(":")[0] for line in done.stderr.splitlines() if ": error:" in line})
    for name in bad:
        print(f"{pathlib.Path(name).relative_to(root)}: not formatted; run `make format`")
    print(f"{len(files) - len(bad)} of {len(files)} files formatted")
    sys.exit(1 if bad else 0)
