#!/usr/bin/env python3
"""2,000 concurrent streams of 64 frames at 20 ms through one core: lateness and memory a stream.

The provider stamps each frame with the time it sent it; lateness counts from there. The bar: p99 at
most 10 ms, at most 24 KiB a stream. nginx as a plain reverse proxy in the same run.

usage: bench_proxy_sse.py [--streams 2000] [--tokens 64] [--pace-ms 20]
"""
import argparse
import json
import subprocess
import threading
import time

from setup import BIN, LOAD_CORE, Bench, cpu_us, rss_kib


def measure(bench, proxy, options):
    port, pids = proxy
    idle_kib, before = rss_kib(pids), cpu_us(pids)
    peak = [idle_kib]
    done = threading.Event()

    def watch():
        while not done.wait(0.05):
            peak[0] = max(peak[0], rss_kib(pids))
    watcher = threading.Thread(target=watch)
    watcher.start()
    out = subprocess.run(
        ["taskset", "-c", str(LOAD_CORE), str(BIN), "bench", f"http://127.0.0.1:{port}", "--stream",
         "-c", str(options.streams), "-n", str(options.streams), "--tokens", str(options.tokens),
         "--frame", f"{options.pace_ms}ms", "--timeout", "120s", "-d", "120s", "--json", "--quiet"],
        capture_output=True, text=True)
    done.set()
    watcher.join()
    frames = options.streams * options.tokens
    return json.loads(out.stdout), peak[0] - idle_kib, (cpu_us(pids) - before) / frames


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--streams", type=int, default=2000)
    options.add_argument("--tokens", type=int, default=64)
    options.add_argument("--pace-ms", type=int, default=20)
    options = options.parse_args()
    with Bench() as bench:
        upstream = bench.mock("--set", f"tokens={options.tokens}", "--set", f"token-ms={options.pace_ms}",
                              "--set", "timestamps=1")
        for name, proxy in (("direct", (upstream, [])), ("nginx", bench.nginx(upstream, "off")),
                            ("sluice", bench.sluice(upstream))):
            time.sleep(0.3)
            result, grown_kib, us = measure(bench, proxy, options)
            late = {key: f"{value / 1e6:.1f}" for key, value in result["frame_late_ns"].items() if key in ("p50", "p99", "max")}
            print(f"{name:7} {result['frames']} frames, {result['streams_cut'] + result['failed']} cut or failed, late "
                  f"p50 {late['p50']} p99 {late['p99']} max {late['max']} ms, {grown_kib / options.streams:.1f} KiB a stream, "
                  f"{us:.1f} us CPU a frame", flush=True)


if __name__ == "__main__":
    main()
