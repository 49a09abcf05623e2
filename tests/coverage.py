"""Line coverage per room of src/, from the unit tests, the command-line tests and tests/e2e.

    python3 tests/coverage.py [--no-e2e] [--uncovered ROOM]

Builds the preset `cov` into build-cov, runs the tests on it and reads gcov. The table names for each
room its lines, the share that ran, and its least covered file; `--uncovered` lists the lines of one
room that never ran instead of running anything again.
"""
import argparse
import collections
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build-cov"
TARGET_PERCENT = 80


def run_tests(with_e2e):
    for old in BUILD.rglob("*.gcda"):
        old.unlink()
    failed = subprocess.run(["ctest", "--test-dir", str(BUILD), "-j", str(os.cpu_count() or 1), "-R", "^(unit|cli)/",
                             "--output-on-failure"]).returncode
    python = ROOT / ".venv" / "bin" / "python"
    if with_e2e and not python.exists():
        print("coverage: tests/e2e is left out: no .venv (make test makes it)")
    elif with_e2e:
        failed |= subprocess.run([str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/e2e"], cwd=ROOT,
                                 env={**os.environ, "SLUICE_BIN": str(BUILD / "sluice")}).returncode
    return failed


def lines_run():
    """path in src/ -> line -> how often it ran, summed over all objects that hold the file."""
    counts = collections.defaultdict(lambda: collections.defaultdict(int))
    notes = sorted(str(p) for p in BUILD.rglob("*.gcno") if "/CMakeFiles/sluice" in str(p))
    for at in range(0, len(notes), 50):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["gcov", "--json-format", *notes[at:at + 50]], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            for report in pathlib.Path(folder).glob("*.gcov.json.gz"):
                base = json.loads(gzip.decompress(report.read_bytes()))
                for file in base["files"]:
                    path = (pathlib.Path(base["current_working_directory"]) / file["file"]).resolve()
                    if path.is_relative_to(ROOT / "src"):
                        lines = counts[str(path.relative_to(ROOT / "src"))]
                        for line in file["lines"]:
                            lines[line["line_number"]] += line["count"]
    return counts


def room_of(path):
    parts = path.split("/")[:-1]
    return "/".join(parts)


def print_table(counts):
    rooms = collections.defaultdict(dict)
    for path, lines in counts.items():
        rooms[room_of(path)][path] = (sum(1 for n in lines.values() if n), len(lines))
    print(f"{'room':<24}{'lines':>8}{'run':>8}{'share':>8}   least covered")
    for room, files in sorted(rooms.items()):
        ran, total = (sum(f[i] for f in files.values()) for i in (0, 1))
        least = min(files, key=lambda f: files[f][0] / max(files[f][1], 1))
        mark = " " if 100 * ran >= TARGET_PERCENT * total else "*"
        print(f"{room:<24}{total:>8}{ran:>8}{100 * ran / total:>7.1f}%{mark}  "
              f"{least.rsplit('/')[-1]} {100 * files[least][0] / files[least][1]:.0f}%")
    ran, total = (sum(f[i] for files in rooms.values() for f in files.values()) for i in (0, 1))
    print(f"{'all':<24}{total:>8}{ran:>8}{100 * ran / total:>7.1f}%   (* below {TARGET_PERCENT} %)")


def print_uncovered(counts, room):
    for path, lines in sorted(counts.items()):
        text = (ROOT / "src" / path).read_text().splitlines()
        for line in sorted(lines) if room_of(path) == room else ():
            if not lines[line]:
                print(f"src/{path}:{line}: {text[line - 1]}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--no-e2e", action="store_true", help="unit and command-line tests only")
    options.add_argument("--uncovered", metavar="ROOM", help="lines of a room that the last run did not reach")
    given = options.parse_args()
    if given.uncovered:
        print_uncovered(lines_run(), given.uncovered)
        return 0
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "cov"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", str(BUILD), "--quiet"], check=True)
    failed = run_tests(not given.no_e2e)
    print_table(lines_run())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
