#!/usr/bin/env python3
"""Encoding on one core beside the `tokenizers` package, same texts, same run; the best round of each counts.

WordPiece is MiniLM's own vocabulary; byte-level BPE and Unigram are trained here, small. The package runs on
one thread (TOKENIZERS_PARALLELISM=false), in batches. usage: bench_tokenizer.py [--seconds 2]
"""
import argparse
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv/bin/python"
BAR = {"minilm": 40.0}

try:
    import tokenizers  # noqa: F401
except ImportError:
    if pathlib.Path(sys.executable) == PYTHON or not PYTHON.exists():
        sys.exit("bench_tokenizer: needs the test environment; `scripts/test tools` makes it")
    os.execv(PYTHON, [str(PYTHON), *sys.argv])

os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.insert(0, str(ROOT / "tests/tokenizer"))
import corpus  # noqa: E402
import kinds  # noqa: E402


def build():
    out = ROOT / "build/bench/tokenizer"
    out.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["ninja", "-C", str(ROOT / "build"), "--quiet", "sluice_core"], check=True)
    subprocess.run(["cc", "-std=gnu17", "-O2", "-Wall", "-Wextra", "-D_GNU_SOURCE", f"-I{ROOT}/src",
                    str(ROOT / "bench/tokenizer/main.c"), str(ROOT / "build/libsluice_core.a"), "-lm", "-o", str(out)],
                   check=True)
    return out


def rival(tokenizer, texts, seconds):
    best, end = 0.0, time.monotonic() + seconds
    size = sum(len(t.encode()) for t in texts)
    while time.monotonic() < end:
        start = time.process_time()
        for at in range(0, len(texts), 64):
            tokenizer.encode_batch(texts[at:at + 64])
        best = max(best, size / 1e6 / (time.process_time() - start))
    return best


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=2)
    args = parser.parse_args()
    program = build()
    real = corpus.real_lines()
    english = [t for t in real if t.isascii()] or [" ".join(corpus.ENGLISH * 8)] * 500
    every = real or corpus.generated_lines(__import__("random").Random(1), 4000)
    print(f"{'tokenizer':<14}{'texts':<12}{'MB':>6}{'ours MB/s':>11}{'package':>9}{'ratio':>7}{'bar':>6}{'load ms':>9}")
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        for name in ("minilm", "modernbert", "qwen2", "mmbert", "deberta"):
            tokenizer = kinds.KINDS[name]()
            path = pathlib.Path(folder) / f"{name}.json"
            tokenizer.save(str(path))
            for label, texts in (("English", english), ("all scripts", every)):
                data = pathlib.Path(folder) / "corpus"
                data.write_bytes(b"".join(struct.pack("<I", len(b)) + b for b in (t.encode() for t in texts)))
                out = subprocess.run([str(program), str(path), str(data), str(args.seconds)], check=True,
                                     capture_output=True, text=True).stdout.split()
                ours, theirs = float(out[0]), rival(tokenizer, texts, args.seconds)
                bar = BAR.get(name) if label == "English" else None
                missed |= bool(bar and ours < bar)
                print(f"{name:<14}{label:<12}{int(out[1]) / 1e6:>6.2f}{ours:>11.1f}{theirs:>9.1f}{ours / theirs:>6.0f}x"
                      f"{bar or '':>6}{float(out[3]):>9.1f}", flush=True)
    print("bar missed" if missed else "bar met")


if __name__ == "__main__":
    main()
