#!/usr/bin/env python3
"""The reference's labelled keyword cases (a fixture of the specification): the rule that must match, matches.

Run against the policy in configs/values.yaml, whose keyword rules the cases were written for. Left
out, as they rest on a learned classifier or on an interface that reports only the first rule:
cases with an expected method other than `keyword`, and the rule `exclude_spam`, which that policy does not
have. usage: keyword_cases_test.py [--bin build/sluice]
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

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = ("keyword_routing_cases.json", "routing_fallback_cases.json")


def wanted(folder):
    for name in FILES:
        for case in json.loads((folder / "cases" / name).read_text()):
            if case.get("expected_method", "keyword") == "keyword":
                yield name, case


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default=os.environ.get("SLUICE_BIN", str(ROOT / "build/sluice")))
    parser.add_argument("--compat", default=fixtures.COMPAT, type=pathlib.Path)
    args = parser.parse_args()
    if not (args.compat / "cases").is_dir():
        fixtures.skip(args.compat / "cases")
        return 0
    cases = list(wanted(args.compat))
    lines = "".join(json.dumps({"text": case["query"]}) + "\n" for _, case in cases)
    policy = yaml.safe_load((args.compat / "configs/values.yaml").read_text())["config"]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        yaml.safe_dump(policy, config, allow_unicode=True)
        config.flush()
        done = subprocess.run([args.bin, "route", "-c", config.name, "--jsonl"],
                              input=lines.encode(), stdout=subprocess.PIPE, check=True)
    failures = left_out = 0
    for (name, case), line in zip(cases, done.stdout.decode().splitlines(), strict=True):
        rules = [rule for rule in case["matched_keywords"] if rule != "exclude_spam"]
        left_out += not rules
        found = json.loads(line)["decision_result"]["matched_signals"].get("keywords", [])
        missing = [rule for rule in rules if rule not in found]
        if missing:
            failures += 1
            print(f"FAIL {name}: {case['query']!r}: found {found}, expected {missing}")
    print(f"{len(cases) - left_out} cases, {left_out} left out, {failures} failures")
    return 1 if failures or len(cases) == left_out else 0


if __name__ == "__main__":
    sys.exit(main())
