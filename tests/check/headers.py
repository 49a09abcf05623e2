"""Checks that every header compiles on its own (twice, to prove its guard)."""
import concurrent.futures
import os
import pathlib
import subprocess
import sys


def compile_alone(root, gen, header):
    text = f'#include "{header}"\n#include "{header}"\n'
    done = subprocess.run(
        [os.environ.get("CC", "cc"), "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
         "-fsyntax-only", f"-I{root}/src", f"-I{gen}", "-I/usr/include/hs", "-xc", "-"],
        input=text, capture_output=True, text=True)
    return header, done.returncode, done.stderr


if __name__ == "__main__":
    root, gen = pathlib.Path(sys.argv[1]), sys.argv[2]
    headers = sorted(p.relative_to(root / "src").as_posix() for p in (root / "src").rglob("*.h"))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for header, code, errors in pool.map(lambda h: compile_alone(root, gen, h), headers):
            if code:
                failed += 1
                print(f"src/{header} does not compile alone:\n{errors}")
    print(f"{len(headers) - failed} of {len(headers)} headers stand alone")
    sys.exit(1 if failed else 0)
