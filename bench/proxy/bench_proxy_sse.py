#!/usr/bin/env python3
"""2,000 concurrent streams of 64 frames at 20 ms through one core: lateness and memory a stream.

The provider stamps each frame with the time it sent it; lateness counts from there. The bar: p99 at
most 10 ms, at most 24 KiB a stream. In the same run: provider and load alone (direct), and nginx as a
plain reverse proxy. Rounds alternate and the one with the smallest p99 of each path counts. The busy
shares tell who was late: a load core near 100 % is late by itself, whatever the proxy does.

usage: bench_proxy_sse.py [--streams 2000] [--tokens 64] [--pace-ms 20] [--rounds 3]
"""
import argparse
import json
import os
import resource
import subprocess
import threading
import time

from setup import BIN, LOAD_CORE, Bench, cpu_us, rss_kib


def child_cpu_us():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1e6


def measure(bench, proxy, provider, options):
    """One run through `proxy` (port, pids): what came, how late, and who was busy with it."""
    port, pids = proxy
    idle_kib, before = rss_kib(pids), cpu_us(pids)
    load_before, begin = child_cpu_us() + cpu_us(provider), time.monotonic()
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
    wall_us = (time.monotonic() - begin) * 1e6
    proxy_us, load_us = cpu_us(pids) - before, child_cpu_us() + cpu_us(provider) - load_before
    done.set()
    watcher.join()
    result = json.loads(out.stdout)
    late = {key: result["frame_late_ns"][key] / 1e6 for key in ("p50", "p99", "max")}
    return {"late": late, "frames": result["frames"], "bad": result["streams_cut"] + result["failed"],
            "kib": (peak[0] - idle_kib) / options.streams, "us": proxy_us / max(result["frames"], 1),
            "proxy_busy": proxy_us / wall_us, "load_busy": load_us / wall_us}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--streams", type=int, default=2000)
    options.add_argument("--tokens", type=int, default=64)
    options.add_argument("--pace-ms", type=int, default=20)
    options.add_argument("--rounds", type=int, default=3)
    options = options.parse_args()
    with Bench() as bench:
        upstream = bench.mock("--set", f"tokens={options.tokens}", "--set", f"token-ms={options.pace_ms}",
                              "--set", "timestamps=1")
        provider = [bench.running[-1].pid]
        paths = {"direct": (upstream, []), "nginx": bench.nginx(upstream, "off"), "sluice": bench.sluice(upstream)}
        best, kib, bad = {}, {}, {}
        print(f"{options.streams} streams of {options.tokens} frames at {options.pace_ms} ms, load average {os.getloadavg()[0]:.1f}")
        for _ in range(options.rounds):
            for name, path in paths.items():
                time.sleep(0.3)
                got = measure(bench, path, provider, options)
                kib[name] = max(kib.get(name, 0), got["kib"])
                bad[name] = bad.get(name, 0) + got["bad"]
                if name not in best or got["late"]["p99"] < best[name]["late"]["p99"]:
                    best[name] = got
        for name, got in best.items():
            late = got["late"]
            print(f"{name:7} {got['frames']} frames, {bad[name]} cut or failed, late p50 {late['p50']:.1f} p99 {late['p99']:.1f} "
                  f"max {late['max']:.1f} ms, {kib[name]:.1f} KiB a stream, {got['us']:.1f} us CPU a frame; "
                  f"proxy core {got['proxy_busy']:.0%} busy, load core {got['load_busy']:.0%}", flush=True)
        print(f"p99 over direct: nginx {best['nginx']['late']['p99'] - best['direct']['late']['p99']:+.1f} ms, "
              f"sluice {best['sluice']['late']['p99'] - best['direct']['late']['p99']:+.1f} ms (bar: p99 at most 10 ms)")


if __name__ == "__main__":
    main()
