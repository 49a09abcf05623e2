"""What goes wrong between router and provider, and between client and router."""
import json
import re
import socket
import struct
import time

import httpx
import pytest
from conftest import SLOW, free_port, keyword_decision, model, policy, wait_until
from upstream import (SSE, Upstream, chunk, chunked, completion, error, frame, head, raw, reset, respond, stream)

OK = json.dumps(completion()).encode()


@pytest.fixture
def router(start, upstream):
    return start(policy([model("m", upstream.port)]))


def events(text):
    return [part[5:].strip() for part in text.replace("\r\n", "\n").split("\n\n") if part.startswith("data:")]


def test_an_answer_that_comes_byte_by_byte(router, upstream):
    whole = head(content_type="application/json", content_length=len(OK)) + OK
    upstream.plan.append(raw(*[whole[i:i + 1] for i in range(len(whole))], close=False))
    assert router.chat().json()["choices"][0]["message"]["content"] == "Hello there."


def test_a_stream_that_comes_byte_by_byte(router, upstream):
    body = b"".join([frame(chunk("Grüße, 你好")), frame(chunk(finish="stop")), frame("[DONE]")])
    upstream.plan.append(raw(head(**SSE), *[chunked(body[i:i + 1]) for i in range(len(body))], b"0\r\n\r\n", close=False))
    got = events(router.chat(stream=True).text)
    assert json.loads(got[0])["choices"][0]["delta"]["content"] == "Grüße, 你好" and got[-1] == "[DONE]"


def test_a_request_that_comes_byte_by_byte(router, upstream):
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "slow typing"}]}).encode()
    request = (b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
               b"Content-Length: %d\r\n\r\n" % len(body)) + body
    with socket.create_connection(("127.0.0.1", router.port)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(request)):
            s.sendall(request[i:i + 1])
        assert s.recv(65536).startswith(b"HTTP/1.1 200")
    assert upstream.last.json["messages"][0]["content"] == "slow typing"


def test_a_client_that_half_closes_still_gets_its_answer(router, upstream):
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "x"}]}).encode()
    with socket.create_connection(("127.0.0.1", router.port)) as s:
        s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                  b"Content-Length: %d\r\n\r\n" % len(body) + body)
        s.shutdown(socket.SHUT_WR)
        got = b""
        while piece := s.recv(65536):
            got += piece
    assert b"200 OK" in got and b"Hello there." in got


def test_a_slow_reader_gets_every_byte_and_holds_back_the_source(router, upstream):
    text, n = "x" * 4096, 2000
    upstream.plan.append(stream(*[text] * n))
    body = json.dumps({"model": "auto", "stream": True, "messages": [{"role": "user", "content": "much"}]}).encode()
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        s.connect(("127.0.0.1", router.port))
        s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                  b"Content-Length: %d\r\n\r\n" % len(body) + body)
        time.sleep(1.0)
        # 8 MB wait at the provider; the router must not have taken them all.
        status = open(f"/proc/{router.process.pid}/status").read()
        rss_kib = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
        got = b""
        while piece := s.recv(1 << 20):
            got += piece
    assert got.count(text.encode()) == n and got.rstrip().endswith(b"0")
    assert b"[DONE]" in got
    if SLOW == 1:
        assert rss_kib < 30 * 1024


def test_a_cut_stream_ends_in_an_explicit_error(router, upstream):
    upstream.plan.append(raw(head(**SSE), chunked(frame(chunk("Half an ans")))))
    got = events(router.chat(stream=True).text)
    assert json.loads(got[0])["choices"][0]["delta"]["content"] == "Half an ans"
    assert "error" in json.loads(got[-1]) and "[DONE]" not in got


def test_a_stream_reset_ends_in_an_explicit_error(router, upstream):
    upstream.plan.append(reset(head(**SSE), chunked(frame(chunk("Half")))))
    assert "error" in json.loads(events(router.chat(stream=True).text)[-1])


def test_a_connection_that_breaks_behind_done_spoils_nothing(router, upstream):
    upstream.plan.append(reset(head(**SSE) + chunked(frame(chunk("all of it"))) + chunked(frame(chunk(finish="stop"))) +
                               chunked(frame("[DONE]"))))
    got = router.chat(stream=True)
    assert events(got.text)[-1] == "[DONE]" and '"error"' not in got.text
    assert 'sluice_http_request_ends_total{end="complete"} 1' in router.metrics()


def test_a_stream_that_stops_in_order_without_done_is_cut_too(router, upstream):
    upstream.plan.append(raw(head(**SSE), chunked(frame(chunk("Half"))), b"0\r\n\r\n", close=False))
    assert "error" in json.loads(events(router.chat(stream=True).text)[-1])


def test_a_cut_json_answer_is_never_a_whole_one(router, upstream):
    upstream.plan.append(raw(head(content_type="application/json", content_length=len(OK)) + OK[:-10]))
    try:
        got = router.chat()
    except httpx.HTTPError:
        return  # the connection broke: the client knows
    assert got.status_code in (502, 504)


@pytest.mark.parametrize("answer", [b"hello\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"HTTP/1.1 200 OK\nX: 1\n\n",
                                    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
                                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b""])
def test_a_broken_answer_is_a_502(router, upstream, answer):
    upstream.plan.append(raw(answer))
    got = router.chat()
    assert got.status_code == 502
    assert re.fullmatch(rf'model "m": (no|broken) answer from 127.0.0.1:{upstream.port}: .+', got.json()["error"]["message"])
    assert router.chat().status_code == 200


def test_no_provider_is_a_typed_error(start):
    port = free_port()
    router = start(policy([model("m", port)]))
    got = router.chat()
    assert got.status_code == 502 and got.json()["error"]["type"]
    assert got.json()["error"]["message"] == f'model "m": connection refused by 127.0.0.1:{port}'
    assert got.headers["x-vsr-response-path"] == "error"


def test_a_name_that_does_not_resolve_is_named_without_its_query(start):
    card = {"name": "m"}
    provider = {"name": "m", "backend_refs": [{"name": "b", "provider": "p", "base_url": "http://nowhere.invalid:81/v1?key=s3cret"}]}
    del provider["backend_refs"][0]["provider"]
    router = start(policy([(card, provider)]))
    got = router.chat()
    assert got.status_code == 502
    assert got.json()["error"]["message"].startswith('model "m": cannot resolve nowhere.invalid: ') and "s3cret" not in got.text


def test_backends_that_are_all_ejected_are_named(start, upstream, second_upstream):
    ports = (upstream.port, second_upstream.port)
    router = start(policy([model("m", *ports, reliability={"consecutive_5xx": 1, "max_ejection_percent": 100})]))
    upstream.default = second_upstream.default = error(500)
    last = [router.chat() for _ in range(3)][-1]
    assert last.status_code == 503 and last.json()["error"]["message"] == (
        'no healthy backend for model "m": failed health checks or too many errors at '
        f"127.0.0.1:{ports[0]}, 127.0.0.1:{ports[1]}")


def test_a_model_without_backends_says_so(start, upstream):
    rule, decision = keyword_decision("go", "bare")
    router = start(policy([model("m", upstream.port), ({"name": "bare"}, {"name": "bare", "api_format": "openai"})], [decision], {"keywords": [rule]}))
    got = router.chat("go now")
    assert got.status_code == 503 and got.json()["error"]["message"] == 'no backend is configured for model "bare"'


def test_a_dead_candidate_falls_to_the_next(start, upstream):
    rule, decision = keyword_decision("go", ["first", "second"])
    router = start(policy([model("first", free_port()), model("second", upstream.port)], [decision], {"keywords": [rule]}))
    got = router.chat("go now")
    assert got.status_code == 200 and got.headers["x-vsr-selected-model"] == "second"
    assert upstream.last.json["model"] == "second"


def test_retries_follow_the_policy(start, upstream):
    router = start(policy([model("m", upstream.port, reliability={"retry_count": 2, "retry_on": "5xx,connect-failure"})]))
    upstream.plan += [error(503), error(503)]
    assert router.chat().status_code == 200 and len(upstream.requests) == 3
    upstream.plan += [error(503)] * 3
    assert router.chat().status_code == 503 and len(upstream.requests) == 6
    upstream.plan += [error(400)]
    assert router.chat().status_code == 400 and len(upstream.requests) == 7


def test_no_retry_once_a_byte_was_relayed(start, upstream):
    router = start(policy([model("m", upstream.port, reliability={"retry_count": 3, "retry_on": "5xx,reset,connect-failure"})]))
    upstream.plan.append(reset(head(**SSE), chunked(frame(chunk("Half")))))
    assert "error" in json.loads(events(router.chat(stream=True).text)[-1])
    assert len(upstream.requests) == 1


def test_a_second_endpoint_takes_over(start, upstream):
    router = start(policy([model("m", free_port(), upstream.port, reliability={
        "retry_count": 2, "retry_on": "connect-failure,refused-stream"})]))
    assert [router.chat().status_code for _ in range(6)] == [200] * 6


def test_weights_share_the_load(start, upstream, second_upstream):
    card, provider = model("m", upstream.port, second_upstream.port)
    provider["backend_refs"][0]["weight"] = 3
    router = start(policy([(card, provider)]))
    with httpx.Client(timeout=20 * SLOW) as session:
        for _ in range(80):
            session.post(router.url + "/v1/chat/completions", json={"model": "auto", "messages": [{"role": "user", "content": "x"}]})
    assert len(upstream.requests) == 60 and len(second_upstream.requests) == 20


def test_a_failing_endpoint_is_ejected(start, upstream, second_upstream):
    upstream.default = error(500)
    router = start(policy([model("m", upstream.port, second_upstream.port, reliability={
        "consecutive_5xx": 3, "base_ejection_time": "60s", "max_ejection_percent": 50,
        "retry_count": 1, "retry_on": "5xx"})]))
    assert [router.chat().status_code for _ in range(30)].count(200) >= 24
    assert len(upstream.requests) <= 12


def test_an_idle_kept_connection_that_died_is_replaced(router, upstream):
    upstream.plan.append(raw(head(content_type="application/json", content_length=len(OK)) + OK))  # closes behind it
    assert router.chat().status_code == 200
    time.sleep(0.1)
    assert router.chat().status_code == 200


def test_connections_to_the_provider_are_kept(router, upstream):
    with httpx.Client(timeout=20 * SLOW) as session:
        for _ in range(20):
            session.post(router.url + "/v1/chat/completions", json={"model": "auto", "messages": [{"role": "user", "content": "x"}]})
    assert upstream.n_connections == 1


def test_a_client_that_vanishes_cancels_the_upstream(router, upstream):
    seen = {}

    def wait_for_end(connection, request):
        seen["closed"] = connection.recv(1) == b""
        return False
    upstream.plan.append(wait_for_end)
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "x"}]}).encode()
    s = socket.create_connection(("127.0.0.1", router.port))
    s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    wait_until(lambda: upstream.requests, 5, "the request upstream")
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()  # RST
    wait_until(lambda: seen.get("closed"), 5, "the end of the upstream connection")


def test_first_byte_timeout_is_a_504(start, upstream):
    router = start(policy([model("m", upstream.port)], **{"global": {"router": {"limits": {"first_byte_timeout": "300ms"}}}}))
    upstream.plan.append(lambda connection, request: time.sleep(3) or False)
    began = time.monotonic()
    got = router.chat()
    assert got.status_code == 504 and time.monotonic() - began < 2 * SLOW
    assert got.json()["error"]["message"] == f'model "m": no first byte from 127.0.0.1:{upstream.port} within 300 ms'


def test_a_total_timeout_is_a_504_that_says_so(start, upstream):
    router = start(policy([model("m", upstream.port)], **{"global": {"router": {"limits": {"total_timeout": "300ms"}}}}))
    upstream.plan.append(lambda connection, request: time.sleep(2) or False)
    got = router.chat()
    assert got.status_code == 504
    assert got.json()["error"]["message"] == f'model "m": no whole answer from 127.0.0.1:{upstream.port} within 300 ms'


def test_a_stalled_stream_ends_in_an_error(start, upstream):
    router = start(policy([model("m", upstream.port)], **{"global": {"router": {"limits": {"stream_idle_timeout": "300ms"}}}}))

    def stall(connection, request):
        connection.sendall(head(**SSE) + chunked(frame(chunk("Half"))))
        time.sleep(3)
        return False
    upstream.plan.append(stall)
    got = json.loads(events(router.chat(stream=True).text)[-1])
    assert got["error"]["message"] == f"127.0.0.1:{upstream.port} paused within its answer for 300 ms"


def test_a_hundred_continue_from_the_provider_is_swallowed(router, upstream):
    upstream.plan.append(raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" +
                             head(content_type="application/json", content_length=len(OK)) + OK))
    assert router.chat().status_code == 200


def test_an_answer_until_close_is_relayed_whole(router, upstream):
    upstream.plan.append(raw(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + OK))
    assert router.chat().json()["choices"][0]["message"]["content"] == "Hello there."


def test_crlf_frames_and_comments_pass(router, upstream):
    body = b": ping\r\n\r\ndata: " + json.dumps(chunk("hi")).encode() + b"\r\n\r\ndata:[DONE]\r\n\r\n"
    upstream.plan.append(raw(head(**SSE), chunked(body), b"0\r\n\r\n", close=False))
    text = router.chat(stream=True).text
    assert '"hi"' in text and "error" not in text


def test_frames_leave_as_they_come(router, upstream):
    upstream.plan.append(stream("one", "two", "three", delay=0.2))
    body = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    came = []
    with httpx.stream("POST", router.url + "/v1/chat/completions", json=body, timeout=20) as got:
        for line in got.iter_lines():
            if line.startswith("data:") and "content" in line:
                came.append(time.monotonic())
    gaps = [b - a for a, b in zip(came, came[1:])]
    assert all(gap > 0.1 for gap in gaps[:2]), gaps


def test_many_faulty_clients_leave_the_router_well(router, upstream):
    for i in range(200):
        s = socket.create_connection(("127.0.0.1", router.port))
        s.sendall([b"", b"GET", b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{",
                   b"\x16\x03\x01\x00\x05hello", b"\r\n\r\n\r\n"][i % 5])
        if i % 2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    assert router.chat().status_code == 200
