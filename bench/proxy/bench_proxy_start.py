#!/usr/bin/env python3
"""Start to ready, resident memory idle, and after load. Bars: 50 ms; 10 MiB; back to within 2 MiB.

usage: bench_proxy_start.py [--requests 200000] [--connections 1000]
"""
import argparse
import contextlib
import http.client
import socket
import subprocess
import time

from setup import BIN, LOAD_CORE, PROXY_CORE, Bench, free_port, policy, rss_kib


def start_ms(bench, upstream):
    """From exec to the first answered request."""
    port = free_port()
    file = bench.folder / f"start{port}.yaml"
    file.write_text(policy(port, upstream, free_port()))
    begin = time.monotonic()
    process = bench.spawn(PROXY_CORE, BIN, "serve", "-c", file, "--metrics-port", 0)
    while True:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            break
        time.sleep(0.0005)
    link = http.client.HTTPConnection("127.0.0.1", port)
    link.request("GET", "/health")
    link.getresponse().read()
    took = (time.monotonic() - begin) * 1000
    return took, port, process.pid


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--requests", type=int, default=200000)
    options.add_argument("--connections", type=int, default=1000)
    options = options.parse_args()
    with Bench() as bench:
        upstream = bench.mock()
        starts = [start_ms(bench, upstream) for _ in range(5)]
        took, port, pid = min(starts)
        idle = rss_kib([pid])
        print(f"start to ready {took:.1f} ms (best of {len(starts)}; bar 50), idle {idle / 1024:.1f} MiB (bar 10)", flush=True)
        subprocess.run(["taskset", "-c", str(LOAD_CORE), str(BIN), "bench", f"http://127.0.0.1:{port}", "-c",
                        str(options.connections), "-n", str(options.requests), "-d", "600s", "--quiet"],
                       check=True, stdout=subprocess.DEVNULL)
        busy = rss_kib([pid])
        time.sleep(3)
        after = rss_kib([pid])
        print(f"after {options.requests} requests on {options.connections} connections: {busy / 1024:.1f} MiB, "
              f"3 s later {after / 1024:.1f} MiB: {(after - idle) / 1024:+.1f} MiB over idle (bar 2 + pools)")


if __name__ == "__main__":
    main()
