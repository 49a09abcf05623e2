#!/usr/bin/env python3
"""Start to ready, idle memory, and what the first request's routing costs beside a warm one's.

Ready is the first 200 of /health, counted from exec. Bars: 50 ms, 10 MiB. Three routers: 12 rules on one
loop, the same on two, and the embedded policy, made without a file for the provider that discovery
finds. (What load leaves resident: bench_proxy_start.py.)

usage: bench_start.py
"""
import contextlib
import http.client
import pathlib
import re
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "proxy"))
from setup import BIN, LOAD_CORE, PROXY_CORE, Bench, body, free_port, policy, rss_kib, wait_for  # noqa: E402

USUAL_PORTS = [11434, 8000, 8080, 1234, 30000]  # where zero configuration looks for model servers
STARTS = 5


def get(port, path):
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(link):
        link.request("GET", path)
        return link.getresponse().read().decode()


def start(bench, cores, *arguments):
    """(milliseconds from exec to the first answer, port, pid, metrics port) of a router."""
    port, metrics = free_port(), free_port()
    begin = time.monotonic()
    process = bench.spawn(cores, BIN, "serve", "--listen", f"127.0.0.1:{port}", "--metrics-port", metrics, *arguments)
    while True:
        with contextlib.suppress(OSError):
            get(port, "/health")
            break
        if process.poll() is not None:
            raise SystemExit((bench.folder / "log.txt").read_text())
        time.sleep(0.0005)
    return (time.monotonic() - begin) * 1000, port, process.pid, metrics


def routing_us(metrics):
    found = re.search(r"^llm_model_routing_latency_seconds_sum (\S+)", get(metrics, "/metrics"), re.M)
    return float(found[1]) * 1e6 if found else 0.0


def post(link, payload):
    link.request("POST", "/v1/chat/completions", payload, {"Content-Type": "application/json"})
    answer = link.getresponse()
    answer.read()
    if answer.status != 200:
        raise SystemExit(f"status {answer.status}")


def first_requests(port, metrics):
    """Routing microseconds of the first request and, on average, of the second hundred."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    costs = []
    for n in (1, 99, 100):
        before = routing_us(metrics)
        for _ in range(n):
            post(link, body(320))
        costs.append((routing_us(metrics) - before) / n)
    link.close()
    return costs[0], costs[2]


def report_start(bench, name, cores, *arguments):
    starts = []
    for _ in range(STARTS):
        took, port, pid, metrics = start(bench, cores, *arguments)
        time.sleep(0.2)
        starts.append((took, rss_kib([pid]), *first_requests(port, metrics)))
        bench.running[-1].terminate()
        bench.running.pop().wait()
    took, idle, cold, warm = (min(column) for column in zip(*starts))
    print(f"{name:34} {took:7.1f} ms {idle / 1024:8.1f} MiB {cold:9.1f} us {warm:9.1f} us", flush=True)


def zero_configuration(bench):
    """Stands a provider where discovery looks, on the first of the usual ports that is free."""
    for port in USUAL_PORTS:
        with contextlib.suppress(OSError):
            with socket.socket() as s:
                s.bind(("127.0.0.1", port))
            bench.spawn(LOAD_CORE, BIN, "mock", "--listen", f"127.0.0.1:{port}", "--record", 0, "--quiet")
            wait_for(port)
            return True
    return False


def main():
    both = f"{PROXY_CORE},{LOAD_CORE}"
    with Bench() as bench:
        upstream = bench.mock()
        file = bench.folder / "policy.yaml"
        file.write_text(policy(free_port(), upstream, free_port()))
        print(f"{'best of ' + str(STARTS):34} {'ready':>10} {'idle':>12} {'first':>12} {'warm':>12}   (bars: 50 ms, 10 MiB)")
        report_start(bench, "12 rules, 1 loop", PROXY_CORE, "-c", file)
        report_start(bench, "12 rules, 2 loops", both, "-c", file)
        if zero_configuration(bench):
            report_start(bench, "no file: discovery, 1 loop", PROXY_CORE)
        else:
            print("SKIP without a file: every port that discovery asks is taken")


if __name__ == "__main__":
    main()
