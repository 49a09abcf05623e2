"""The listener as HTTP: framing, limits, keep-alive, pipelining, TLS, drain."""
import contextlib
import json
import socket
import ssl
import subprocess
import threading
import time

import conftest
import httpx
import pytest
from conftest import SLOW, model, policy, wait_until
from upstream import stream

BODY = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "hello"}]}).encode()


@pytest.fixture
def router(start, upstream):
    return start(policy([model("m", upstream.port)]))


def post(body=BODY, *lines, length=True):
    lines = [b"POST /v1/chat/completions HTTP/1.1", b"Host: h", b"Content-Type: application/json", *lines]
    if length:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def talk(router, data, wait=5.0):
    """Everything the router says to these bytes until it closes or is silent."""
    with socket.create_connection(("127.0.0.1", router.port), timeout=wait * SLOW) as s:
        s.sendall(data)
        got = b""
        with contextlib.suppress(TimeoutError):
            while piece := s.recv(65536):
                got += piece
        return got


def test_pipelined_requests_are_answered_in_order(router, upstream):
    bodies = [json.dumps({"model": "auto", "messages": [{"role": "user", "content": f"n{i}"}]}).encode() for i in range(5)]
    data = b"".join(post(b) for b in bodies[:-1]) + post(bodies[-1], b"Connection: close")
    got = talk(router, data)
    assert got.count(b"HTTP/1.1 200 OK") == 5
    assert [r.json["messages"][0]["content"] for r in upstream.requests] == [f"n{i}" for i in range(5)]


def test_a_chunked_request_is_taken(router, upstream):
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(BODY[i:i + 7]), BODY[i:i + 7]) for i in range(0, len(BODY), 7))
    got = talk(router, post(pieces + b"0\r\nX-Trailer: ignored\r\n\r\n", b"Transfer-Encoding: chunked", b"Connection: close", length=False))
    assert b"200 OK" in got and upstream.last.json["messages"][0]["content"] == "hello"
    assert "x-trailer" not in upstream.last.headers


def test_expect_continue(router):
    with socket.create_connection(("127.0.0.1", router.port), timeout=5 * SLOW) as s:
        request = post(BODY, b"Expect: 100-continue")
        s.sendall(request[:-len(BODY)])
        assert s.recv(1000).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        s.sendall(BODY)
        assert s.recv(65536).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("data, status", [
    (post(BODY, b"Content-Length: 5"), 400),
    (post(BODY, b"Transfer-Encoding: chunked"), 400),
    (post(BODY, b"X: a\r\n folded"), 400),
    (post(BODY, b"Bad Name: 1"), 400),
    (post(BODY, b"Name : 1"), 400),
    (b"POST /v1/chat/completions HTTP/1.1\nHost: h\nContent-Length: 0\n\n", 400),
    (b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400),
    (b"POST /v1/chat/completions HTTP/3.0\r\nHost: h\r\n\r\n", 505),
    (post(b"5;ext=\x00\r\nhello\r\n0\r\n\r\n", b"Transfer-Encoding: chunked", length=False), 400),
    (post(b"", b"Transfer-Encoding: gzip, chunked", length=False), 501),
    (b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", (414, 431)),
    (post(BODY, b"X-Big: " + b"a" * 70000), 431),
])
def test_bad_framing_is_refused_with_a_reason(router, upstream, data, status):
    got = talk(router, data)
    code = int(got.split(b" ", 2)[1])
    assert code in (status if isinstance(status, tuple) else (status,)), got[:300]
    assert json.loads(got.split(b"\r\n\r\n", 1)[1])["error"]["message"]
    assert upstream.requests == []
    assert router.chat().status_code == 200


def test_a_body_above_the_limit_is_a_413(start, upstream):
    router = start(policy([model("m", upstream.port)], **{"global": {"router": {"limits": {"max_body_bytes": 10000}}}}))
    got = router.chat("x" * 20000)
    assert got.status_code == 413 and got.json()["error"]["message"]
    big = b"%x\r\n" % 20000 + b"x" * 20000 + b"\r\n0\r\n\r\n"
    assert b" 413 " in talk(router, post(big, b"Transfer-Encoding: chunked", length=False))[:20]
    assert 'code="499"' not in router.metrics() and 'path="/v1/chat/completions",code="413"} 1' in router.metrics()
    assert router.chat("x" * 2000).status_code == 200


def test_a_slow_head_is_cut_off(start, upstream):
    router = start(policy([model("m", upstream.port)], **{"global": {"router": {"limits": {"header_timeout": "400ms"}}}}))
    with socket.create_connection(("127.0.0.1", router.port), timeout=5 * SLOW) as s:
        began = time.monotonic()
        s.sendall(b"POST /v1/chat")
        got = s.recv(1000)
        assert got == b"" or b" 408 " in got[:20]
        assert time.monotonic() - began < 3 * SLOW


def test_an_idle_connection_is_closed(start, upstream):
    router = start(policy([model("m", upstream.port)], **{"global": {"router": {"limits": {"idle_timeout": "300ms"}}}}))
    with socket.create_connection(("127.0.0.1", router.port), timeout=5 * SLOW) as s:
        s.sendall(post())
        assert s.recv(65536).startswith(b"HTTP/1.1 200")
        assert s.recv(1000) == b""


def few_descriptors(monkeypatch, tmp_path, n):
    """The program under test, started with at most n descriptors."""
    script = tmp_path / "few-descriptors"
    script.write_text(f'#!/bin/sh\nulimit -n {n}\nexec "{conftest.BIN}" "$@"\n')
    script.chmod(0o755)
    monkeypatch.setattr(conftest, "BIN", str(script))


def test_idle_connections_do_not_starve_requests_and_probes(start, upstream, monkeypatch, tmp_path):
    few_descriptors(monkeypatch, tmp_path, 160)
    router = start(policy([model("m", upstream.port)], **{"global": {"router": {"limits": {"max_connections": 1000}}}}))
    assert "connections_limited" in router.text()
    with contextlib.ExitStack() as held:
        first = held.enter_context(socket.create_connection(("127.0.0.1", router.port), timeout=5 * SLOW))
        first.sendall(post())
        assert first.recv(65536).startswith(b"HTTP/1.1 200 OK")
        for _ in range(300):
            held.enter_context(socket.create_connection(("127.0.0.1", router.port), timeout=5 * SLOW))
        upstream.plan.append(stream(delay=0.01))  # needs a second connection if the first is gone
        first.sendall(post())
        assert first.recv(65536).startswith(b"HTTP/1.1 200 OK")
        assert httpx.get(router.admin + "/health", timeout=5 * SLOW).status_code == 200
        assert router.text().count("accept_failed") <= 2
    wait_until(lambda: router.chat().status_code == 200, 5, "room for new clients")


def test_max_connections_is_for_all_loops_together(start, upstream):
    router = start(policy([model("m", upstream.port)], **{"global": {"router": {"limits": {"max_connections": 20, "loops": 2}}}}))
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_connection(("127.0.0.1", router.port), timeout=5 * SLOW)) for _ in range(60)]
        n_open = 0
        for s in sockets:
            with contextlib.suppress(ConnectionError):
                s.sendall(post())
                n_open += s.recv(65536).startswith(b"HTTP/1.1 200 OK")
        assert 15 <= n_open <= 22  # loops that accept at the same moment may pass by one each


def test_http_1_0_gets_an_answer_and_the_end(router):
    got = talk(router, b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
    assert got.split(b"\r\n")[0].endswith(b"200 OK") and b"chunked" not in got.lower() and b"Hello there." in got


def test_the_path_gate(router):
    for method, path, status in [("GET", "/v1/chat/completions", 405), ("GET", "/v1/nowhere", 404),
                                 ("POST", "/v1/router_replay/x", 404), ("GET", "/v1/models", 200),
                                 ("GET", "/health", 200)]:
        got = httpx.request(method, router.url + path, timeout=10)
        assert got.status_code == status, (method, path)
    ok = httpx.post(router.url + "/v1/chat/completions/?x=1", content=BODY, headers={"content-type": "application/json"}, timeout=10)
    assert ok.status_code == 200


def certificate(folder):
    files = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", files[1], "-out", files[0], "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
    return files


def test_tls_listener(start, upstream, tmp_path):
    cert, key = certificate(tmp_path)
    router = start(policy([model("m", upstream.port)], _listener={"tls": {"cert_file": str(cert), "key_file": str(key)}}))
    context = ssl.create_default_context(cafile=cert)
    with httpx.Client(verify=context, timeout=10 * SLOW) as session:
        for _ in range(3):
            got = session.post(f"https://localhost:{router.port}/v1/chat/completions", content=BODY)
            assert got.status_code == 200 and got.json()["choices"]
    with socket.create_connection(("127.0.0.1", router.port)) as plain, context.wrap_socket(plain, server_hostname="localhost") as s:
        assert s.version() in ("TLSv1.3", "TLSv1.2")
    with contextlib.suppress(ConnectionError):
        assert b"200" not in talk(router, post())[:20]
    assert httpx.post(f"https://localhost:{router.port}/v1/chat/completions", content=BODY, verify=context).status_code == 200


def test_drain_finishes_streams_and_refuses_new_ones(start, upstream):
    router = start(policy([model("m", upstream.port)]))
    upstream.plan.append(stream(*[f"piece{i} " for i in range(20)], delay=0.1))
    got = {}

    def read():
        got["text"] = router.chat(stream=True).text
    reader = threading.Thread(target=read)
    reader.start()
    wait_until(lambda: upstream.requests, 5, "the stream")
    time.sleep(0.3)
    router.process.terminate()
    time.sleep(0.4)
    with pytest.raises(httpx.HTTPError):
        httpx.post(router.url + "/v1/chat/completions", content=BODY, timeout=2)
    reader.join(20 * SLOW)
    assert "piece19" in got["text"] and "[DONE]" in got["text"]
    assert router.process.wait(10 * SLOW) == 0


def test_chunked_and_plain_answers_share_a_connection(router):
    with httpx.Client(timeout=10 * SLOW) as session:
        for i in range(10):
            got = session.post(router.url + "/v1/chat/completions", json={
                "model": "auto", "stream": bool(i % 2), "messages": [{"role": "user", "content": "x"}]})
            assert got.status_code == 200
