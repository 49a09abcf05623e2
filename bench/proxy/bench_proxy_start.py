#!/usr/bin/env python3
"""Start to ready, resident memory idle and after load, and what one request of 450 KB takes.

Bars: 50 ms; 10 MiB idle; after the load back to within 2 MiB of idle and the pools (from /metrics);
450 KB: peak memory at most 1.5 of the body over what was resident, at most 1.0 ms of CPU more than
nginx as plain reverse proxy, in the same run.

usage: bench_proxy_start.py [--requests 200000] [--connections 10000]
"""
import argparse
import contextlib
import http.client
import pathlib
import re
import resource
import socket
import statistics
import subprocess
import time

from setup import BIN, LOAD_CORE, PROXY_CORE, Bench, body, cpu_us, free_port, policy, rss_kib

LONG_BYTES = 460800


def start_ms(bench, upstream):
    """From exec to the first answered request."""
    port, metrics = free_port(), free_port()
    file = bench.folder / f"start{port}.yaml"
    file.write_text(policy(port, upstream, free_port()))
    begin = time.monotonic()
    process = bench.spawn(PROXY_CORE, BIN, "serve", "-c", file, "--metrics-port", metrics)
    while True:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            break
        time.sleep(0.0005)
    link = http.client.HTTPConnection("127.0.0.1", port)
    link.request("GET", "/health")
    link.getresponse().read()
    return (time.monotonic() - begin) * 1000, port, metrics, process.pid


def pools_kib(metrics):
    link = http.client.HTTPConnection("127.0.0.1", metrics)
    link.request("GET", "/metrics")
    text = link.getresponse().read().decode()
    return sum(float(n) for n in re.findall(r"^sluice_arena_free_bytes(?:\{.*\})? (\S+)", text, re.M)) / 1024


def load(port, requests, connections):
    subprocess.run(["taskset", "-c", str(LOAD_CORE), str(BIN), "bench", f"http://127.0.0.1:{port}", "-c", str(connections),
                    "-n", str(requests), "-d", "600s", "--timeout", "120s", "--quiet"], check=True, stdout=subprocess.DEVNULL)


def crowd(port, connections):
    """So many connections at once, one request on each, then all leave."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    want = connections + 64
    if soft < want:
        resource.setrlimit(resource.RLIMIT_NOFILE, (want, max(hard, want)))
    links = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(connections)]
    for link in links:
        link.sendall(b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n")
    for link in links:
        if not link.recv(4096).startswith(b"HTTP/1.1 200"):
            raise SystemExit("a connection of the crowd got no answer")
    for link in links:
        link.close()


def peak_kib(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def long_request(port, pids):
    """(KiB of peak over resident before, CPU us) of one request of 450 KB."""
    link = http.client.HTTPConnection("127.0.0.1", port)
    link.connect()
    time.sleep(0.05)
    for pid in pids:
        pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak starts at what is resident now
    resident, before = rss_kib(pids), cpu_us(pids)
    link.request("POST", "/v1/chat/completions", body(LONG_BYTES), {"Content-Type": "application/json"})
    answer = link.getresponse()
    answer.read()
    if answer.status != 200:
        raise SystemExit(f"status {answer.status} for a request of {LONG_BYTES} bytes")
    time.sleep(0.05)
    return sum(map(peak_kib, pids)) - resident, cpu_us(pids) - before


def print_after(what, pid, metrics, idle):
    busy = rss_kib([pid])
    time.sleep(3)
    after, pools = rss_kib([pid]), pools_kib(metrics)
    print(f"after {what}: {busy / 1024:.1f} MiB, 3 s later {after / 1024:.1f} MiB: {(after - idle) / 1024:+.1f} MiB over idle "
          f"(bar 2 + pools, which hold {pools / 1024:.1f})", flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--requests", type=int, default=200000)
    options.add_argument("--connections", type=int, default=10000)
    options = options.parse_args()
    with Bench() as bench:
        upstream = bench.mock()
        starts = [start_ms(bench, upstream) for _ in range(5)]
        took, port, metrics, pid = min(starts)
        time.sleep(0.5)
        idle = rss_kib([pid])
        nginx_port, nginx_pids = bench.nginx(upstream)
        print(f"start to ready {took:.1f} ms (best of {len(starts)}; bar 50), idle {idle / 1024:.1f} MiB "
              f"(bar 10; nginx {rss_kib(nginx_pids) / 1024:.1f})", flush=True)
        for name, proxy in (("sluice", (port, [pid])), ("nginx", (nginx_port, nginx_pids))):
            cold, _ = long_request(*proxy)
            runs = [long_request(*proxy) for _ in range(15)]
            peak = max(kib for kib, _ in runs)
            print(f"450 KB, {name}: peak over what was resident: first {cold * 1024 / LONG_BYTES:.2f} of the body (code paged in "
                  f"included), later {peak * 1024 / LONG_BYTES:.2f} (most of {len(runs)}; bar 1.5), "
                  f"{statistics.median(us for _, us in runs):.0f} us CPU (median; bar 1,000 over nginx)", flush=True)
        load(port, options.requests, 32)
        print_after(f"{options.requests} requests on 32 connections", pid, metrics, idle)
        crowd(port, options.connections)
        print_after(f"{options.connections} connections at once", pid, metrics, idle)


if __name__ == "__main__":
    main()
