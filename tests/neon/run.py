"""Builds the kernels for aarch64 with Debian's cross compiler and runs their cases under qemu-user.

    python3 tests/neon/run.py

Installs gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user when they are not there, and
prints SKIP with the reason only where that cannot be done.
"""
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "build" / "neon"
FLAGS = ["-std=gnu17", "-O2", "-g1", "-D_GNU_SOURCE", "-Isrc", "-Itests/unit", "-Wall", "-Wextra", "-Wshadow",
         "-Wvla", "-Werror", "-fno-strict-aliasing"]
DOTPROD = ["-O3", "-march=armv8.2-a+dotprod"]
SOURCES = {"src/ml/kernel/neon.c": DOTPROD, "src/ml/kernel/ref.c": [], "src/ml/kernel/pack.c": [],
           "src/ml/kernel/dispatch.c": [], "src/sys/cpu_features.c": [],
           "tests/unit/support/kernel_cases.c": [], "tests/neon/main.c": []}


def tools():
    if not (shutil.which("aarch64-linux-gnu-gcc") and shutil.which("qemu-aarch64")):
        done = subprocess.run(["scripts/install", "neon"], cwd=ROOT, text=True, capture_output=True)
        if done.returncode:
            return (done.stderr or done.stdout).strip().splitlines()[-1:] or ["scripts/install neon failed"]
    return None


def main():
    missing = tools()
    if missing:
        print(f"SKIP: no aarch64 tools: {missing[0]}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    OUT.mkdir(parents=True, exist_ok=True)
    objects = []
    for source, flags in SOURCES.items():
        target = OUT / (pathlib.Path(source).stem + ".o")
        subprocess.run(["aarch64-linux-gnu-gcc", *FLAGS, *flags, "-c", source, "-o", str(target)],
                       cwd=ROOT, check=True)
        objects.append(str(target))
    program = str(OUT / "kernel_cases")
    subprocess.run(["aarch64-linux-gnu-gcc", "-static", *objects, "-lm", "-o", program], check=True)
    done = subprocess.run(["qemu-aarch64", "-cpu", "max", program, "neon"], timeout=900)
    print("1 passed, 0 failed" if done.returncode == 0 else "0 passed, 1 failed")
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
