#!/usr/bin/env python3
"""Replays the acceptance cases (tests/vectors/acceptance/*.json) through the built program.

A case gives a configuration and one of: `check` (what `sluice check` says), `route` (eval requests
through `sluice route --jsonl` with parts of their answers) or `serve` (HTTP exchanges with a live
router over a recording provider). The format is told in tests/vectors/acceptance/README.md. Python
standard library only.

usage: acceptance.py [--bin build/sluice] [-v] [ID ...]
"""
import argparse
import copy
import http.client
import json
import math
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors" / "acceptance"
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "e2e")]
from ports import free_port  # noqa: E402
from upstream import Upstream, answer, respond, stream  # noqa: E402

KINDS = {"keywords": "keyword", "embeddings": "embedding", "domains": "domain", "preferences": "preference"}
TOLERANCE = 5e-5  # of numbers in expectations: they have four or five digits
FORMS = ("check", "route", "serve")


# ---- expectations --------------------------------------------------------------------------------

def differences(want, got, place=""):
    """What of `want` does not hold in `got`. Objects may hold more than is asked for.

    {"$absent": true} wants no such member, {"$has": text} a part of a string or list,
    {"$only": object} exactly these members, {"$match": pattern} a string, {"$any": true} something.
    """
    if isinstance(want, dict) and len(want) == 1 and next(iter(want)).startswith("$"):
        yield from special(*next(iter(want.items())), got, place)
    elif isinstance(want, dict):
        if not isinstance(got, dict):
            yield f"{place}: expected an object, found {got!r}"
            return
        for key, value in want.items():
            if value == {"$absent": True}:
                if key in got:
                    yield f"{place}.{key}: expected nothing, found {got[key]!r}"
            elif key not in got:
                yield f"{place}.{key}: expected {value!r}, found nothing"
            else:
                yield from differences(value, got[key], f"{place}.{key}")
    elif isinstance(want, list):
        if not isinstance(got, list) or len(want) != len(got):
            yield f"{place}: expected {want!r}, found {got!r}"
            return
        for i, (w, g) in enumerate(zip(want, got)):
            yield from differences(w, g, f"{place}[{i}]")
    elif isinstance(want, float) and isinstance(got, (int, float)) and not isinstance(got, bool):
        if not math.isclose(want, got, abs_tol=TOLERANCE):
            yield f"{place}: expected {want}, found {got}"
    elif type(want) is not type(got) or want != got:
        yield f"{place}: expected {want!r}, found {got!r}"


def special(kind, value, got, place):
    holds = {
        "$any": lambda: got not in (None, ""),
        "$has": lambda: value in got,
        "$lacks": lambda: value not in got,
        "$match": lambda: re.search(value, got) is not None,
        "$not": lambda: got != value,
        "$only": lambda: got.keys() == value.keys(),
    }
    if kind not in holds:
        raise ValueError(f"{place}: no expectation is called {kind}")
    if not holds[kind]():
        yield f"{place}: expected {kind[1:]} {value!r}, found {got!r}"
    elif kind == "$only":
        yield from differences(value, got, place)


def merged(base, over):
    """`over` laid upon `base`: objects member by member, everything else replaced, null removes."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return copy.deepcopy(over)
    out = copy.deepcopy(base)
    for key, value in over.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merged(out.get(key), value)
    return out


# ---- the program ---------------------------------------------------------------------------------

class Bench:
    """Where cases run: the program, a scratch folder, one recording provider."""

    def __init__(self, binary, scratch):
        self.binary, self.scratch = binary, pathlib.Path(scratch)
        self.upstream = Upstream()
        self.path = self.scratch / "policy.yaml"

    def write(self, config):
        text = config if isinstance(config, str) else json.dumps(config, ensure_ascii=False, indent=1)
        text = text.replace("{upstream}", f"127.0.0.1:{self.upstream.port}")
        fresh = self.scratch / "policy.new"
        fresh.write_text(text)
        fresh.replace(self.path)

    def environment(self, case):
        return {"PATH": os.environ["PATH"], "HOME": str(self.scratch),
                **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}, **case.get("env", {})}

    def run(self, case, *arguments, lines=None):
        return subprocess.run([self.binary, *arguments], input=lines, env=self.environment(case), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)


def run_check(bench, case):
    want = case["check"]
    done = bench.run(case, "check", *want.get("options", []), str(bench.path))
    said = done.stdout + done.stderr
    if done.returncode != want["exit"]:
        yield f"expected exit {want['exit']}, found {done.returncode}: {said.strip()[:400]}"
    for part in [f"{bench.path}: ok"] * (want["exit"] == 0) + want.get("says", []):
        if part not in said:
            yield f"expected to read {part!r}, found: {said.strip()[:600]}"
    for part in want.get("never", []):
        if part in said:
            yield f"expected not to read {part!r}, found: {said.strip()[:600]}"


def eval_request(request):
    """An eval request: a text is one user message to the automatic model."""
    return {"text": request} if isinstance(request, str) else request


def run_route(bench, case):
    lines = "".join(json.dumps(eval_request(step["ask"]), ensure_ascii=False) + "\n" for step in case["route"])
    done = bench.run(case, "route", "-c", str(bench.path), "--jsonl", *case.get("options", []), lines=lines)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0 or len(answers) != len(case["route"]):
        yield f"expected {len(case['route'])} answers, found {len(answers)} (exit {done.returncode}): {done.stderr[:600]}"
        return
    for step, got in zip(case["route"], answers):
        if "decision_result" in got:
            matched = got["decision_result"]["matched_signals"]
            got["matched"] = sorted(f"{KINDS.get(kind, kind)}:{name}" for kind, names in matched.items() for name in names)
        for problem in differences(step["want"], got):
            yield f"{json.dumps(step['ask'], ensure_ascii=False)[:80]}{problem}"


# ---- a live router -------------------------------------------------------------------------------

class Router:
    def __init__(self, bench, case):
        self.port = free_port()
        self.log = bench.scratch / "serve.log"
        with open(self.log, "wb") as sink:
            self.process = subprocess.Popen(
                [bench.binary, "serve", "-c", str(bench.path), "--listen", f"127.0.0.1:{self.port}",
                 "--metrics-port", "0", *case.get("options", [])],
                stdout=sink, stderr=subprocess.STDOUT, env=bench.environment(case))

    def is_up(self):
        for _ in range(400):
            if self.process.poll() is not None:
                return False
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return True
            except OSError:
                time.sleep(0.02)
        return False

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def ask(self, step):
        body = step.get("body")
        data = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False) if body is not None else None
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        link.request(step.get("method", "POST"), step.get("path", "/v1/chat/completions"),
                     data.encode() if data is not None else None,
                     {"content-type": "application/json", **step.get("headers", {})})
        got = link.getresponse()
        text = got.read().decode()
        link.close()
        return {"status": got.status, "headers": {k.lower(): v for k, v in got.getheaders()}, "text": text,
                "repeated": sorted({k.lower() for k, _ in got.getheaders() if
                                    len(got.headers.get_all(k)) > 1})}


def sse_events(text):
    return [e[len("data: "):] for e in text.split("\n\n") if e.startswith("data: ")]


def chat_stream(text):
    """(pieces of content, finish reasons, whether [DONE] ended it) of an SSE answer."""
    events = sse_events(text)
    chunks = [json.loads(e) for e in events if e != "[DONE]"]
    choices = [c for chunk in chunks for c in chunk.get("choices", [])]
    return {"content": [c["delta"]["content"] for c in choices if c.get("delta", {}).get("content")],
            "text": "".join(c["delta"].get("content") or "" for c in choices),
            "roles": [c["delta"]["role"] for c in choices if "role" in c.get("delta", {})],
            "finish": [c["finish_reason"] for c in choices if c.get("finish_reason")],
            "done": bool(events) and events[-1] == "[DONE]"}


def scripted(plan):
    """A behaviour of the provider from its description in a vector."""
    if "stream" in plan:
        return stream(*plan["stream"])
    return respond(plan["json"], plan.get("status", 200), plan.get("reason", "OK"),
                   **{k.replace("-", "_"): v for k, v in plan.get("headers", {}).items()})


def exchange(bench, router, step):
    """One HTTP exchange and what of it is not as expected."""
    if "reload" in step or "rewrite" in step:
        yield from reload(bench, router, step)
        return
    bench.upstream.requests.clear()
    bench.upstream.plan[:] = [scripted(p) for p in step.get("provider", [])]
    got = router.ask(step)
    want = step["want"]
    seen = list(bench.upstream.requests)
    if "status" in want and got["status"] != want["status"]:
        yield f"status: expected {want['status']}, found {got['status']}: {got['text'][:300]}"
        return
    yield from differences(want.get("headers", {}), got["headers"], "answer header ")
    if got["repeated"]:
        yield f"answer headers {got['repeated']}: expected once, found more often"
    if "json" in want:
        yield from differences(want["json"], json.loads(got["text"]), "answer ")
    if "text" in want:
        yield from differences(want["text"], got["text"], "answer text")
    if "sse" in want:
        yield from differences(want["sse"], chat_stream(got["text"]), "answer stream ")
    calls = want.get("calls", 1 if "provider_gets" in want or "provider_headers" in want else None)
    if calls is not None and len(seen) != calls:
        yield f"provider: expected {calls} requests, found {len(seen)}"
        return
    if "provider_gets" in want:
        yield from differences(want["provider_gets"], json.loads(seen[0].body), "provider body ")
    if "provider_text" in want:
        yield from differences(want["provider_text"], seen[0].body.decode(), "provider body text")
    if "provider_headers" in want:
        yield from differences(want["provider_headers"], seen[0].headers, "provider header ")
    if "provider_path" in want and seen[0].path != want["provider_path"]:
        yield f"provider path: expected {want['provider_path']}, found {seen[0].path}"


def reload(bench, router, step):
    """Writes another configuration and waits until the router's log shows the word about it.

    `rewrite` writes the same text again and gives the router time to do what it must not do.
    """
    if "rewrite" in step:
        bench.path.write_text(bench.path.read_text())
        time.sleep(1)
        return
    bench.write(step["reload"])
    for _ in range(400):
        if step["log"] in router.log.read_text(errors="replace"):
            return
        time.sleep(0.02)
    yield f"expected the log to say {step['log']!r} after the reload, found: {router.log.read_text()[-500:]}"


def run_serve(bench, case):
    router = Router(bench, case)
    try:
        if "refused" in case:
            up = router.is_up()
            log = router.log.read_text()
            if up:
                yield "expected a refusal to start, found it serving"
            elif case["refused"] not in log:
                yield f"expected to read {case['refused']!r}, found: {log[-500:]}"
            return
        if not router.is_up():
            yield f"the router did not start: {router.log.read_text()[-800:]}"
            return
        for i, step in enumerate(case["serve"]):
            for problem in exchange(bench, router, step):
                yield f"exchange {i + 1}: {problem}"
    finally:
        code = router.stop()
    if code != 0:
        yield f"expected the router to end with 0, found {code}: {router.log.read_text()[-500:]}"


# ---- the run -------------------------------------------------------------------------------------

def configuration(group, case):
    config = case.get("config", {})
    if isinstance(config, str):
        return config
    base = group.get("bases", {}).get(case.get("base", "default"), {})
    return merged(base, config)


def run_case(bench, group, case):
    forms = [form for form in FORMS if form in case]
    if len(forms) != 1 or not case.get("proves"):
        return [f"a case needs `proves` and one of {', '.join(FORMS)}, found {forms}"]
    bench.write(configuration(group, case))
    try:
        return list({"check": run_check, "route": run_route, "serve": run_serve}[forms[0]](bench, case))
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as problem:
        return [f"{type(problem).__name__}: {problem}"]


def listing_problems(group, path):
    """Cases are named once, and what is tested elsewhere names a file that tells of it."""
    names = [case["id"] for case in group["cases"]]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield f"{path.name}: {name} is there twice"
    for name, where in group.get("elsewhere", {}).items():
        file, _, word = where.partition("#")
        if not (ROOT / file).is_file():
            yield f"{path.name}: {name}: no file {file}"
        elif word and word not in (ROOT / file).read_text():
            yield f"{path.name}: {name}: {file} does not tell of {word!r}"
    covered = {n.split(" ")[0] for n in (*names, *group.get("elsewhere", {}), *group.get("later", {}))}
    for name in group["ids"]:
        if name not in covered:
            yield f"{path.name}: {name} is covered nowhere"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bin", default=os.environ.get("SLUICE_BIN", str(ROOT / "build" / "sluice")))
    options.add_argument("-v", action="store_true", help="name every case")
    options.add_argument("ids", nargs="*", help="run these cases only (03-C4 or C4)")
    options = options.parse_args()
    passed = failed = elsewhere = later = 0
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(options.bin, scratch)
        for path in sorted(VECTORS.glob("*.json")):
            group = json.loads(path.read_text())
            elsewhere += len(group.get("elsewhere", {}))
            later += len(group.get("later", {}))
            for problem in listing_problems(group, path):
                failed += 1
                print(f"FAIL {problem}")
            for case in group["cases"]:
                name = f"{path.stem} {case['id']}"
                if options.ids and not {case["id"], case["id"].split(" ")[0], path.stem} & set(options.ids):
                    continue
                problems = run_case(bench, group, case)
                passed += not problems
                failed += bool(problems)
                if options.v and not problems:
                    print(f"ok   {name}: {case['proves']}")
                if problems:
                    print(f"FAIL {name} ({case['proves']}): " + "; ".join(problems))
    print(f"{elsewhere} tested elsewhere, {later} wait for their engine")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
