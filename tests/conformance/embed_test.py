#!/usr/bin/env python3
"""Replays the reference's recorded signals over embeddings (fixtures of the specification).

864 requests go through `sluice route --jsonl` with a provider of a toy embedding beside it. Matched
rules, every intermediate score, confidences (1e-5), decision and model must be those that the reference
gave, but that the default of a partition which nothing matched has confidence 0 here, not 1: where that
changes the decision, it is computed from the matched rules (the naive way, from the YAML).

usage: embed_test.py [--bin build/sluice] [--goldens DIR] [-v]
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import fixtures
import yaml
from decision_test import Naive, flat
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from toy_embeddings import Provider  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOLERANCE = 1e-5


def partition_defaults(document):
    """Rules that are reported without a match, as the default of a partition (confidence 0 here)."""
    partitions = document["routing"].get("projections", {}).get("partitions", [])
    return {f"embedding:{p['default']}" for p in partitions if p.get("default")}


class Replay:
    def __init__(self, verbose):
        self.verbose, self.cases, self.failures, self.excused = verbose, 0, 0, 0

    def fail(self, request, text):
        self.failures += 1
        if self.verbose or self.failures <= 20:
            print(f"FAIL {json.dumps(request)[:140]}\n     {text}")

    def numbers(self, request, what, got, want, excused):
        for key in sorted(set(got) | set(want)):
            if key in excused:
                continue
            if key not in got or key not in want or abs(got[key] - want[key]) > TOLERANCE:
                self.fail(request, f"{what} {key}: found {got.get(key)}, expected {want.get(key)}")

    def case(self, naive, defaults, case, got):
        self.cases += 1
        request, want = case["request"], case["expect"]
        if want["status"] != 200 or "error" in got:
            if (want["status"] != 200) != ("error" in got):
                self.fail(request, f"found {json.dumps(got)[:200]}, expected status {want['status']}")
            return
        ours = flat(got["decision_result"]["matched_signals"])
        theirs = flat(want["matched"])
        for key in sorted(ours ^ theirs):
            self.fail(request, f"{key}: {'matched' if key in ours else 'not matched'}, expected the opposite")
        confidences = got.get("signal_confidences", {})
        # A default that nothing matched has confidence 0 here, 1 (implied) in the reference.
        synthetic = {k for k in defaults if k in ours and confidences.get(k) == 0 and k not in want["confidences"]}
        self.numbers(request, "confidence", confidences, want["confidences"], synthetic)
        self.numbers(request, "value", got.get("signal_values", {}), want["values"], set())
        found = (got["decision_result"]["decision_name"], got.get("selected_model"))
        expected = (want["decision"], want["model"])
        if synthetic and found != expected:
            self.excused += 1
            winner = naive.decide(ours, confidences)
            expected = (winner["name"], winner["modelRefs"][0]["model"]) if winner else ("", None)
        if found != expected:
            self.fail(request, f"decision {found}, expected {expected}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default=os.environ.get("SLUICE_BIN", str(ROOT / "build/sluice")))
    parser.add_argument("--goldens", default=fixtures.COMPAT / "goldens" / "embed", type=pathlib.Path)
    parser.add_argument("-v", action="store_true")
    args = parser.parse_args()
    if not args.goldens.is_dir():
        fixtures.skip(args.goldens)
        return 0
    replay, provider = Replay(args.v), Provider()
    for cases in sorted(args.goldens.glob("*.cases.jsonl")):
        text = cases.with_name(cases.name.replace(".cases.jsonl", ".yaml")).read_text()
        rows = [json.loads(line) for line in cases.read_text().splitlines()]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
            config.write(text.replace("127.0.0.1:9081", f"127.0.0.1:{provider.port}"))
            config.flush()
            lines = "".join(json.dumps(r["request"]) + "\n" for r in rows)
            environment = {**os.environ, "TOY_KEY": "secret", "VLLM_SR_CONFIG_ASSET_ROOT": str(fixtures.COMPAT)}
            done = subprocess.run([args.bin, "route", "-c", config.name, "--jsonl"], input=lines.encode(),
                                  stdout=subprocess.PIPE, check=False, timeout=120, env=environment)
        answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
        if done.returncode or len(answers) != len(rows):
            raise SystemExit(f"{cases.name}: exit {done.returncode}, {len(answers)} answers to {len(rows)} requests")
        document = yaml.safe_load(text)
        before, naive, defaults = replay.failures, Naive(document), partition_defaults(document)
        for row, got in zip(rows, answers):
            replay.case(naive, defaults, row, got)
        print(f"{cases.name.split('.')[0]:18} {len(rows):4} requests, {replay.failures - before} differ")
    if any(h.get("authorization") != "Bearer secret" for h, _ in provider.requests):
        replay.fail({}, "a call came without the key")
    texts = [t for _, body in provider.requests for t in body["input"]]
    print(f"{len(provider.requests)} calls for {len(texts)} texts")
    print(f"{replay.cases} cases, {replay.excused} decided otherwise for a partition's default, {replay.failures} failures")
    return 1 if replay.failures or not replay.cases else 0


if __name__ == "__main__":
    sys.exit(main())
