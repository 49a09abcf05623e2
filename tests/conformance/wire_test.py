#!/usr/bin/env python3
"""Replays the reference's recorded wire exchanges (a fixture of the specification) through Sluice.

A recording provider takes the place of the one that wire.yaml names, on a port of its own. Every exchange must give the same
provider request and the same answer, but for DEVIATIONS, where the reference is wrong: each of
those states what is right. Python standard library only.

usage: wire_test.py [--bin build/sluice] [--goldens DIR] [NAME ...]
"""
import argparse
import copy
import http.client
import http.server
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

import fixtures

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from ports import free_port  # noqa: E402

RECORDED_UPSTREAM = "127.0.0.1:9071"  # in wire.yaml and in the exchanges
RESPONSE_ONLY = {"x-vsr-config-generation"}  # ours, on every answer
USAGE = {"prompt_tokens": 20, "completion_tokens": 3, "total_tokens": 23}


class Number(str):
    """A number by its spelling."""


def parse(text):
    return json.loads(text, parse_int=Number, parse_float=Number)


class Provider(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []

    def log_message(self, *_):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        Provider.seen.append({"method": self.command, "path": self.path, "headers": headers, "body": body})
        asked = json.loads(body) if body else {}
        if self.path.startswith("/v1/embeddings"):
            self.send_json({"object": "list", "data": [], "model": asked.get("model")})
        elif asked.get("stream"):
            self.send_stream(asked)
        else:
            self.send_json({
                "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": asked.get("model"),
                "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello there."},
                             "finish_reason": "stop"}], "usage": USAGE})

    def send_json(self, value):
        text = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def send_stream(self, asked):
        def chunk(choices, **more):
            return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
                    "model": asked.get("model"), "choices": choices, **more}

        def delta(value, reason=None):
            return chunk([{"index": 0, "delta": value, "finish_reason": reason}])
        frames = [delta({"content": "Hello", "role": "assistant"}), delta({"content": " there"}),
                  delta({"content": "."}), delta({}, "stop")]
        if (asked.get("stream_options") or {}).get("include_usage"):
            frames.append(chunk([], usage=USAGE))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for frame in [*map(json.dumps, frames), "[DONE]"]:
            data = f"data: {frame}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    do_POST = do_GET = answer


# ---- what is right where the reference is wrong: name -> change of the expected exchange ---------

def error(status, message_part):
    def change(case):
        case["upstream"] = []
        case["response"] = {"status": status, "headers": {
            "content-type": "application/json", "x-vsr-response-path": "error", "x-vsr-schema-version": "2"},
            "error": message_part}
    return change


def keyed(case):
    like = json.loads(GOLDENS["route bearer"])
    case["upstream"] = like["upstream"]
    up = case["upstream"][0]
    for name in ("authorization", "x-selected-model"):
        del up["headers"][name]
    up["headers"].update({"x-api-key": "static-demo-key", "x-tenant": "acme"})
    up["body"] = '{"messages":[{"role":"user","content":"please keyed this"}],"model":"vendor/keyed-1"}'
    case["response"] = json.loads(json.dumps(like["response"]).replace("bearer", "keyed"))
    body = json.loads(case["response"]["body"])
    body["model"] = "vendor/keyed-1"
    case["response"]["body"] = json.dumps(body)


def edit_upstream(**fields):
    def change(case):
        body = parse(case["upstream"][0]["body"])
        body.update(fields)
        case["upstream"][0]["body"] = body
    return change


def no_usage_chunk(case):
    """The router asked for usage, the client did not."""
    frames = [f for f in case["response"]["body"].split("\n\n") if '"usage"' not in f]
    case["response"]["body"] = "\n\n".join(frames)


def strip_stream(case):
    """stream_options are the router's own: they are kept, and the client asked for usage."""
    edit_upstream(stream_options={"include_usage": True})(case)
    case["response"]["body"] = json.loads(GOLDENS["stream plain"])["response"]["body"]


def without_trust(*names):
    def change(case):
        for name in names:
            case["upstream"][0]["headers"].pop(name, None)
    return change


def sysins_parts(case):
    edit_upstream(messages=[
        {"role": "system", "content": [{"type": "text", "text": "You are a domain expert."},
                                       {"type": "text", "text": "A"}, {"type": "text", "text": "B"}]},
        {"role": "user", "content": "please sysins this"}])(case)


def served(model, path):
    def change(case):
        body = parse(case["request"]["body"])
        body["model"] = model
        case["upstream"] = [{"method": "POST", "path": path, "body": body, "headers": {
            "authorization": "Bearer client-key", "content-type": "application/json"}}]
        case["response"] = {"status": 200, "body": None, "headers": {
            "content-type": "application/json", "x-vsr-response-path": "upstream", "x-vsr-schema-version": "2",
            "x-vsr-selected-model": model}}
        if path == "/v1/completions":
            case["response"]["headers"].update({
                "x-vsr-selected-algorithm": "single", "x-vsr-selected-confidence": "1.0000",
                "x-vsr-selected-decision": "d_plain", "x-vsr-selected-recipe": "default"})
    return change


def health(case):
    case["upstream"] = []
    case["response"] = {"status": 200, "headers": {"content-type": "application/json"},
                        "body": '{"status": "healthy", "service": "classification-api"}'}


DEVIATIONS = {
    "route keyed": keyed,
    "messages empty": error(400, "messages"),
    "empty": error(400, "JSON"),
    "duplicate keys": error(400, '"model"'),
    "client effort with plain": edit_upstream(reasoning_effort="minimal"),
    "client effort with plainon": edit_upstream(reasoning_effort="minimal"),
    "sysins with system parts": sysins_parts,
    "params completion tokens": edit_upstream(max_completion_tokens=Number("100")),
    "strip stream": strip_stream,
    "stream options kept": no_usage_chunk,
    "identity headers": without_trust("x-authz-user-id", "x-authz-user-groups"),
    "debug": without_trust("x-vsr-debug"),
    "debug combo": without_trust("x-vsr-debug"),
    "skip processing": without_trust("x-vsr-skip-processing"),
    "embeddings": served("plain", "/v1/embeddings"),
    "completions": served("plain", "/v1/completions"),
    "health": health,
}


def apply_deviation(case):
    name = case["name"]
    for seen in case["upstream"]:
        seen["headers"].pop("x-selected-model", None)  # only behind Envoy
    if name in DEVIATIONS:
        DEVIATIONS[name](case)
    elif name.startswith("stream ") and case["upstream"]:
        no_usage_chunk(case)


# ---- comparison ----------------------------------------------------------------------------------

def agrees(want, got):
    if want == "*":
        return True
    if isinstance(want, dict) and isinstance(got, dict):
        return want.keys() == got.keys() and all(agrees(want[k], got[k]) for k in want)
    if isinstance(want, list) and isinstance(got, list):
        return len(want) == len(got) and all(map(agrees, want, got))
    return type(want) is type(got) and want == got


def sse(text):
    events = [e[len("data: "):] for e in text.split("\n\n") if e.startswith("data: ")]
    return [e if e == "[DONE]" else parse(e) for e in events]


def body_problem(want, got, is_sse):
    if want is None:
        return None
    try:
        left = (sse(want) if is_sse else parse(want)) if isinstance(want, str) else want
        right = sse(got) if is_sse else parse(got)
    except ValueError as problem:
        return None if want == got else f"not comparable ({problem}): {got[:200]!r}"
    return None if agrees(left, right) else f"wanted {json.dumps(left)}\n         got {json.dumps(right)}"


def compare_upstream(case, seen):
    want = case["upstream"]
    if len(want) != len(seen):
        yield f"the provider was asked {len(seen)} times, not {len(want)}"
        return
    for w, g in zip(want, seen):
        if (w["method"], w["path"]) != (g["method"], g["path"]):
            yield f"the provider got {g['method']} {g['path']}, not {w['method']} {w['path']}"
        names = {n for n in (*w["headers"], *g["headers"])
                 if n in ("authorization", "content-type") or n.startswith("x-")}
        for name in sorted(names - {"x-request-id"}):
            if w["headers"].get(name) != g["headers"].get(name):
                yield f"provider header {name}: {g['headers'].get(name)!r}, not {w['headers'].get(name)!r}"
        if not g["headers"].get("x-request-id"):
            yield "the provider got no x-request-id"
        problem = body_problem(w["body"], g["body"], False)
        if problem:
            yield "provider body: " + problem


def compare_response(case, status, headers, text):
    want = case["response"]
    if status != want["status"]:
        yield f"status {status}, not {want['status']}: {text[:200]}"
        return
    ours = {n: v for n, v in headers.items() if n.startswith("x-vsr-") and n not in RESPONSE_ONLY}
    theirs = {n: v for n, v in want["headers"].items() if n.startswith("x-vsr-")}
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name) and theirs.get(name) != "*":
            yield f"header {name}: {ours.get(name)!r}, not {theirs.get(name)!r}"
    kind = want["headers"].get("content-type", "")
    if headers.get("content-type", "").split(";")[0] != kind.split(";")[0]:
        yield f"content-type {headers.get('content-type')!r}, not {kind!r}"
    if "error" in want:
        got = json.loads(text)["error"]
        if want["error"] not in got["message"] or got["code"] != want["status"]:
            yield f"error {got}, wanted a message with {want['error']!r}"
        return
    problem = body_problem(want["body"], text, "event-stream" in kind)
    if problem:
        yield "body: " + problem


def exchange(port, request):
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    link.request(request["method"], request["path"], (request.get("body") or "").encode() or None,
                 request.get("headers") or {})
    answer = link.getresponse()
    text = answer.read().decode()
    link.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, text


# ---- the run -------------------------------------------------------------------------------------

GOLDENS = {}


def wait_for(port, process):
    for _ in range(200):
        if process.poll() is not None:
            return False
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def replay(port, names):
    failed, known = 0, 0
    for name, line in GOLDENS.items():
        if names and name not in names:
            continue
        case = json.loads(line)
        apply_deviation(case)
        Provider.seen.clear()
        status, headers, text = exchange(port, case["request"])
        problems = [*compare_upstream(case, copy.deepcopy(Provider.seen)), *compare_response(case, status, headers, text)]
        failed += bool(problems)
        known += 1
        for problem in problems:
            print(f"FAIL {name}: {problem}")
    print(f"wire exchanges, {len(DEVIATIONS)} of them named deviations:\n{known - failed} passed, {failed} failed")
    return failed


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--bin", default=os.environ.get("SLUICE_BIN", str(ROOT / "build" / "sluice")))
    options.add_argument("--goldens", default=fixtures.COMPAT / "goldens")
    options.add_argument("names", nargs="*")
    options = options.parse_args()
    folder = pathlib.Path(options.goldens)
    if not (folder / "wire.cases.jsonl").exists():
        fixtures.skip(folder)
        return 0
    upstream = f"127.0.0.1:{free_port()}"
    for line in (folder / "wire.cases.jsonl").read_text().replace(RECORDED_UPSTREAM, upstream).splitlines():
        GOLDENS[json.loads(line)["name"]] = line
    host, upstream_port = upstream.split(":")
    server = http.server.ThreadingHTTPServer((host, int(upstream_port)), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = free_port()
    with tempfile.TemporaryDirectory() as scratch:
        config = pathlib.Path(scratch) / "wire.yaml"
        config.write_text((folder / "wire.yaml").read_text().replace(RECORDED_UPSTREAM, upstream).replace(
            "\nglobal:\n", f"\nglobal:\n  services: {{management_api: {{port: {free_port()}}}}}\n"))
        router = subprocess.Popen([options.bin, "serve", "-c", str(config), "--listen", f"127.0.0.1:{port}",
                                   "--allow-inactive", "--metrics-port", "0"])
        try:
            if not wait_for(port, router):
                print("FAIL: the router did not start")
                return 1
            failed = replay(port, options.names)
        finally:
            router.terminate()
            code = router.wait(20)
        if code != 0:
            print(f"FAIL: the router ended with {code}")
        return 1 if failed or code else 0


if __name__ == "__main__":
    sys.exit(main())
