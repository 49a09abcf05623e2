#!/usr/bin/env python3
"""Pass rates of the recipes' labelled probes (fixtures of the specification: recipes/*/probes.yaml).

A figure, not an assertion: many probes rest on models, and signals whose engine is not built never
match. Fails only where a recipe does not load or a probe gets no answer. With -v each miss.

usage: recipe_probes.py [--bin build/sluice] [--recipes DIR] [-v] [NAME ...]
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys

import fixtures
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]


def requests_of(document):
    """(decision, variant, request body) of every probe."""
    for decision in document["decisions"]:
        for variant in decision["variants"]:
            body = {key: variant[key] for key in ("messages", "tools") if key in variant}
            if "query" in variant:
                body["text"] = " ".join([variant["query"]] * variant.get("repeat", 1))
            yield decision, variant, body


def route(binary, config, bodies):
    lines = "".join(json.dumps(body, ensure_ascii=False) + "\n" for body in bodies)
    done = subprocess.run([binary, "route", "-c", str(config), "--jsonl"], input=lines.encode(),
                          stdout=subprocess.PIPE, check=False, timeout=300)
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    if done.returncode != 0 or len(answers) != len(bodies):
        raise SystemExit(f"{config}: exit {done.returncode}, {len(answers)} answers to {len(bodies)} probes")
    return answers


def rate(counts):
    return f"{counts[0]:3} of {counts[1]:3}  {100 * counts[0] / counts[1]:5.1f} %"


def recipe(binary, folder, verbose, tags):
    document = yaml.safe_load((folder / "probes.yaml").read_text())
    probes = list(requests_of(document))
    total = [0, 0]
    for (decision, variant, _), got in zip(probes, route(binary, folder / "config.yaml", [p[2] for p in probes])):
        if "error" in got:
            raise SystemExit(f"{folder.name} {variant['id']}: {got['error']}")
        found = got["decision_result"]["decision_name"]
        hit = found == decision["expected_decision"]
        for counts in [total] + [tags[tag.split(":")[0]] for tag in variant.get("tags", [])]:
            counts[0] += hit
            counts[1] += 1
        if verbose and not hit:
            print(f"  {folder.name} {variant['id']}: {found or '(none)'}, labelled {decision['expected_decision']}")
    print(f"{folder.name:12} {rate(total)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default=os.environ.get("SLUICE_BIN", str(ROOT / "build/sluice")))
    parser.add_argument("--recipes", default=fixtures.COMPAT / "recipes", type=pathlib.Path)
    parser.add_argument("-v", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    folders = sorted(p.parent for p in args.recipes.glob("*/probes.yaml"))
    if not folders:
        fixtures.skip(args.recipes)
        return 0
    tags = collections.defaultdict(lambda: [0, 0])
    for folder in folders:
        if not args.names or folder.name in args.names:
            recipe(args.bin, folder, args.v, tags)
    print("\nby tag")
    for tag, counts in sorted(tags.items(), key=lambda item: -item[1][1]):
        print(f"{tag:20} {rate(counts)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
