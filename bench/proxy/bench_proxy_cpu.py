#!/usr/bin/env python3
"""CPU per request through 10 decisions over 12 rules, beside nginx and Envoy as plain reverse proxies.

All proxies run on one core, load and provider on the other; rounds alternate and the smaller CPU
figure of each counts, since neighbours on the machine only ever add. Bars: 1.33 at 320 B, 1.5 at
2 KB, 1.7 at 56 KB of nginx, at 450 KB at most 1 ms more than nginx; 0.6 of Envoy
at 320 B. Without Envoy (no
package index, say) its columns are left out, with the reason.

usage: bench_proxy_cpu.py [--seconds 3] [--rounds 3] [SIZE ...]
"""
import argparse

import envoy
from setup import Bench, body, cpu_us, wrk

ENVOY_BARS = {320: 0.6}
BARS = {320: 1.33, 2048: 1.5, 57344: 1.7}


def measure(bench, proxy, payload, seconds, connections):
    port, pids = proxy
    before = cpu_us(pids)
    n, rate, bad = wrk(bench.folder, port, payload, seconds, connections)
    if bad:
        raise SystemExit(f"{bad} of {n} requests failed")
    return (cpu_us(pids) - before) / max(n, 1), rate


def print_head(proxies):
    print(f"{'body':>8}" + "".join(f" {name + ' us':>10}" for name in proxies) + f" {'/nginx':>7} {'bar':>5}" +
          (f" {'/envoy':>7} {'bar':>5}" if "envoy" in proxies else "") +
          "".join(f" {name + '/s':>9}" for name in proxies), flush=True)


def print_row(size, best):
    ours = best["sluice"][0]
    bar = f"{BARS[size]:.2f}" if size in BARS else "-"
    envoy_bar = f"{ENVOY_BARS[size]:.2f}" if size in ENVOY_BARS else "-"
    print(f"{size:8}" + "".join(f" {us:10.1f}" for us, _ in best.values()) + f" {ours / best['nginx'][0]:7.2f} {bar:>5}" +
          (f" {ours / best['envoy'][0]:7.2f} {envoy_bar:>5}" if "envoy" in best else "") +
          "".join(f" {rate:9.0f}" for _, rate in best.values()), flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=int, default=3)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--connections", type=int, default=32)
    options.add_argument("sizes", nargs="*", type=int, default=[320, 2048, 57344, 460800])
    options = options.parse_args()
    with Bench() as bench:
        upstream = bench.mock()
        proxies = {"nginx": bench.nginx(upstream), "sluice": bench.sluice(upstream)}
        rival, why = envoy.start(bench, upstream)
        if rival:
            proxies["envoy"] = rival
        else:
            print(f"SKIP Envoy: {why}")
        print_head(proxies)
        for size in options.sizes:
            best = {}
            for _ in range(options.rounds):
                for name, proxy in proxies.items():
                    got = measure(bench, proxy, body(size), options.seconds, options.connections)
                    best[name] = min(best.get(name, got), got)
            print_row(size, best)



if __name__ == "__main__":
    main()
