#!/usr/bin/env python3
"""Replays the reference's recorded routing decisions (fixtures of the specification) through Sluice.

2,076 requests go through `sluice route --jsonl`. Status, matched rules, values, confidences (1e-6),
decision and model must be those that the reference gave, but for DEVIATIONS: rules where the
reference is wrong. Where such a rule differs, projections, decision and model are computed here from
the matched rules (the naive way, from the YAML) and must agree with what Sluice says; RIGHT holds
what those rules must do instead.

usage: decision_test.py [--bin build/sluice] [--goldens DIR] [-v] [NAME ...]
"""
import argparse
import json
import math
import os
import pathlib
import subprocess
import sys

import fixtures
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]

SHORT = 40  # characters: below, the reference's pooled trigrams and ours agree

# rule -> may it differ for this text?
DEVIATIONS = {
    **{f"keyword:{name}": lambda text: True for name in (
        # an ASCII word boundary beside a keyword that begins or ends with a symbol
        "cpp", "csharp", "dotnet", "hash", "at", "brackets", "anchors",
        # the same beside letters outside ASCII
        "accent_end", "accent_start", "cyrillic", "arabic_thai",
        # "$100" expanded as an environment variable
        "dollar")},
    # one word character of ASCII beside a letter outside it ("a" in "gustaría"); "x*" ends in a symbol
    "keyword:one_letter": lambda text: not text.isascii(),
    "keyword:regexish": lambda text: "x*" in text,
    # trigrams pooled over the whole text
    **{f"keyword:{name}": lambda text: len(text) >= SHORT
       for name in ("ng_default", "ng_strict", "ng_two", "ng_and", "ng_nor")},
}
KEYS = {"keywords": "keyword", "embeddings": "embedding", "domains": "domain", "preferences": "preference"}
NAMES = {name: key for key, name in KEYS.items()}

# What the deviating rules must do: (rule, text, matches).
RIGHT = [
    ("keyword:cpp", "I write C++ every day", True), ("keyword:cpp", "C++11", True),
    ("keyword:csharp", "is C# still alive?", True), ("keyword:csharp", "c sharp", False),
    ("keyword:dotnet", "ported to .NET last year", True), ("keyword:dotnet", "the Internet", False),
    ("keyword:hash", "tag it #hash please", True), ("keyword:hash", "tag it #hashes", False),
    ("keyword:at", "working @home today", True), ("keyword:brackets", "a (test) of brackets", True),
    ("keyword:anchors", "the literal ^start here", True), ("keyword:anchors", "start", False),
    ("keyword:accent_end", "un café noir", True), ("keyword:accent_end", "cafés", False),
    ("keyword:accent_start", "avec élan et joie", True), ("keyword:accent_start", "Ångströms", False),
    ("keyword:cyrillic", "ну привет, друг", True), ("keyword:cyrillic", "ПРИВЕТ", True),
    ("keyword:cyrillic", "приветик", False),
    ("keyword:arabic_thai", "قال مرحبا ثم ذهب", True), ("keyword:arabic_thai", "พูดว่าสวัสดีครับ", True),
    ("keyword:dollar", "that costs $100 today", True), ("keyword:dollar", "hello", False),
    ("keyword:ng_default", "please look at this, it is urgnt and we need an answer by noon", True),
    ("keyword:ng_default", "a recipe for lentil soup with carrots, onions and a little cumin", False),
    ("keyword:one_letter", "me gustaría", False), ("keyword:one_letter", "a más b", True),
    ("keyword:regexish", "the pattern x* here", True),
    ("language:fr", "un café noir, s'il vous plaît, et l'addition", True),
    ("language:en", "un café noir, s'il vous plaît, et l'addition", False),
]


def route(binary, config, requests):
    """The answers of one `sluice route --jsonl`, in order."""
    lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in requests)
    done = subprocess.run([binary, "route", "-c", config, "--jsonl"], input=lines.encode(),
                          stdout=subprocess.PIPE, check=False, timeout=300)
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    if done.returncode != 0 or len(answers) != len(requests):
        raise SystemExit(f"{config}: exit {done.returncode}, {len(answers)} answers to {len(requests)} requests")
    return answers


def flat(matched):
    return {f"{KEYS.get(key, key)}:{name}" for key, names in matched.items() for name in names}


class Naive:
    """Projections and decisions from matched rules, straight from the YAML."""

    def __init__(self, document):
        self.routing = document["routing"]
        router = document.get("global", {}).get("router", {})
        self.strategy = self.routing.get("strategy") or router.get("strategy") or "priority"

    def project(self, matched, confidences, values):
        projections = self.routing.get("projections", {})
        out = {}
        for mapping in projections.get("mappings", []):
            score = next(s for s in projections["scores"] if s["name"] == mapping["source"])
            total = sum(i.get("weight", 0) * self.value(i, matched, confidences, values) for i in score["inputs"])
            slope = (mapping.get("calibration") or {}).get("slope") or 12.0
            for band in mapping["outputs"]:
                bounds = {k: band[k] for k in ("gt", "gte", "lt", "lte") if k in band}
                holds = {"gt": total > bounds.get("gt", 0), "gte": total >= bounds.get("gte", 0),
                         "lt": total < bounds.get("lt", 0), "lte": total <= bounds.get("lte", 0)}
                if all(holds[k] for k in bounds):
                    distance = min(abs(total - b) for b in bounds.values())
                    out[f"projection:{band['name']}"] = 1 / (1 + math.exp(-slope * distance))
                    break
        return out

    @staticmethod
    def value(item, matched, confidences, values):
        key = f"{item['type']}:{item['name']}"
        source = item.get("value_source", "binary")
        if source == "raw":
            return values.get(key, 0)
        if source == "confidence":
            return (confidences.get(key) or 1.0) if key in matched else 0
        return (item.get("match") or 1.0) if key in matched else item.get("miss", 0)

    def node(self, node, matched, confidences):
        if node.get("type"):
            key = f"{node['type'].strip().lower()}:{node['name']}"
            return (key in matched), confidences.get(key, 1.0)
        children = [self.node(c, matched, confidences) for c in node.get("conditions", [])]
        operator = (node.get("operator") or "").strip().upper()
        if operator == "AND":
            return all(m for m, _ in children), sum(c for _, c in children) / len(children) if children else 0
        if operator == "NOT":
            return len(children) == 1 and not children[0][0], 1.0
        return any(m for m, _ in children), max([c for m, c in children if m], default=0)

    def decide(self, matched, confidences):
        hits = []
        for d in self.routing.get("decisions", []):
            is_match, confidence = self.node(d["rules"], matched, confidences) if d.get("rules") else (True, 0)
            if is_match:
                hits.append((d, confidence))
        order = {"priority": lambda h: (-h[0].get("priority", 0), -h[1], h[0]["name"]),
                 "confidence": lambda h: (-h[1], -h[0].get("priority", 0), h[0]["name"])}[self.strategy]
        if any(d.get("tier", 0) > 0 for d, _ in hits):
            order = lambda h: (h[0].get("tier", 0), -h[1], -h[0].get("priority", 0), h[0]["name"])
        return min(hits, key=order)[0] if hits else None


class Replay:
    def __init__(self, verbose):
        self.verbose = verbose
        self.cases = self.failures = self.deviating = 0
        self.wrong_rules = {}
        self.excused = {}

    def fail(self, name, request, text):
        self.failures += 1
        if self.verbose or self.failures <= 20:
            print(f"FAIL {name}: {json.dumps(request, ensure_ascii=False)[:160]}\n     {text}")

    def numbers(self, name, request, what, got, want, may_differ):
        for key in sorted(set(got) | set(want)):
            if key in may_differ:
                continue
            if key not in got or key not in want or abs(got[key] - want[key]) > 1e-6:
                self.wrong_rules[key] = self.wrong_rules.get(key, 0) + 1
                self.fail(name, request, f"{what} {key}: found {got.get(key)}, expected {want.get(key)}")

    def case(self, name, naive, case, got):
        self.cases += 1
        request, want = case["request"], case["expect"]
        if want["status"] != 200:
            error, expected = got.get("error", {}), want["error"]["error"]
            if (error.get("code"), error.get("message")) != (expected["code"], expected["message"]):
                self.fail(name, request, f"found {got if error else 'an answer'}, expected {expected}")
            return
        if "error" in got:
            self.fail(name, request, f"found error {got['error']}")
            return
        text = got["original_text"]
        result = got["decision_result"]
        ours, theirs = flat(result["matched_signals"]), flat(want["matched"])
        excused = {key for key in ours ^ theirs
                   if key.startswith("language:") or (key in DEVIATIONS and DEVIATIONS[key](text))}
        for key in excused:
            key = "language" if key.startswith("language:") else key
            self.excused[key] = self.excused.get(key, 0) + 1
        follows = {key for key in ours | theirs if key.startswith("projection:")} if excused else set()
        for key in sorted((ours ^ theirs) - excused - follows):
            self.wrong_rules[key] = self.wrong_rules.get(key, 0) + 1
            self.fail(name, request, f"{key}: {'matched' if key in ours else 'not matched'}, expected the opposite")
        confidences = got.get("signal_confidences", {})
        values = got.get("signal_values", {})
        self.numbers(name, request, "confidence", confidences, want["confidences"], excused | follows)
        self.numbers(name, request, "value", values, want["values"], excused)
        decision, model = want["decision"], want["model"]
        if excused:
            self.deviating += 1
            base = {key for key in ours if not key.startswith("projection:")}
            outputs = naive.project(base, confidences, values)
            self.numbers(name, request, "projection", {k: v for k, v in confidences.items() if k in ours and k.startswith("projection:")}, outputs, set())
            winner = naive.decide(base | set(outputs), {**confidences, **outputs})
            decision = winner["name"] if winner else ""
            model = winner["modelRefs"][0]["model"] if winner and winner.get("modelRefs") else None
        if (result["decision_name"], got.get("selected_model")) != (decision, model):
            self.fail(name, request, f"decision {result['decision_name']!r} on {got.get('selected_model')}, expected {decision!r} on {model}")

    def file(self, binary, cases):
        config = cases.with_name(cases.name.replace(".cases.jsonl", ".yaml"))
        naive = Naive(yaml.safe_load(config.read_text()))
        rows = [json.loads(line) for line in cases.read_text().splitlines()]
        before = self.failures
        for row, got in zip(rows, route(binary, str(config), [r["request"] for r in rows])):
            self.case(config.stem, naive, row, got)
        print(f"{config.stem:18} {len(rows):4} requests, {self.failures - before} differ")


def right_behaviour(binary, goldens, replay):
    """Each deviation, tested for what is right."""
    answers = route(binary, str(goldens / "wide_priority.yaml"), [{"text": text} for _, text, _ in RIGHT])
    for (rule, text, matches), got in zip(RIGHT, answers):
        replay.cases += 1
        if (rule in flat(got["decision_result"]["matched_signals"])) != matches:
            replay.fail("right", {"text": text}, f"{rule}: expected {'a match' if matches else 'no match'}")
    print(f"{'deviations':18} {len(RIGHT):4} texts")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default=os.environ.get("SLUICE_BIN", str(ROOT / "build/sluice")))
    parser.add_argument("--goldens", default=fixtures.COMPAT / "goldens", type=pathlib.Path)
    parser.add_argument("-v", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    if not args.goldens.is_dir():
        fixtures.skip(args.goldens)
        return 0
    replay = Replay(args.v)
    files = sorted(args.goldens.glob("wide_*.cases.jsonl")) + sorted(args.goldens.glob("random_*.cases.jsonl"))
    for cases in files:
        if not args.names or any(cases.name.startswith(n) for n in args.names):
            replay.file(args.bin, cases)
    if not args.names:
        right_behaviour(args.bin, args.goldens, replay)
    print(f"{replay.cases} cases, {replay.deviating} with a deviating rule, {replay.failures} failures")
    print("deviations seen:", ", ".join(f"{key} {count}" for key, count in sorted(replay.excused.items())))
    for key, count in sorted(replay.wrong_rules.items(), key=lambda kv: -kv[1])[:20]:
        print(f"  {count:5} {key}")
    return 1 if replay.failures or not replay.cases else 0


if __name__ == "__main__":
    sys.exit(main())
