"""Providers and clients that mean harm, or behave as if: every answer has a clear end and a true count."""
import gzip
import json
import re
import socket
import threading
import time

import httpx
import pytest
from conftest import SLOW, model, policy, wait_until
from upstream import SSE, chunk, chunked, completion, frame, head, raw

OK = json.dumps(completion()).encode()
STREAM = b"".join([frame(chunk("Hi")), frame(chunk(finish="stop")), frame("[DONE]")])
LIMITS = {"stream_idle_timeout": f"{400 * SLOW}ms", "body_timeout": f"{400 * SLOW}ms"}


@pytest.fixture
def router(start, upstream):
    return start(policy([model("m", upstream.port)], **{"global": {"router": {"limits": LIMITS}}}))


def request(version="1.1", stream=False, path="/v1/chat/completions", fields="", **more):
    body = json.dumps({"model": "auto", "stream": stream, "messages": [{"role": "user", "content": "x"}], **more})
    return (f"POST {path} HTTP/{version}\r\nHost: h\r\nContent-Type: application/json\r\n{fields}"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


def talk(port, data):
    """(all bytes, how the connection ended: "end" in order or "reset")."""
    with socket.create_connection(("127.0.0.1", port), timeout=20 * SLOW) as s:
        s.sendall(data)
        got = b""
        try:
            while piece := s.recv(65536):
                got += piece
        except ConnectionResetError:
            return got, "reset"
        return got, "end"


def value(router, name, **labels):
    total = 0.0
    for line in router.metrics().splitlines():
        found = re.fullmatch(rf"{name}{{(.*)}} (\S+)", line)
        if found and all(f'{k}="{v}"' in found[1] for k, v in labels.items()):
            total += float(found[2])
    return total


def test_a_cut_answer_does_not_seem_whole_to_http_1_0(router, upstream):
    begun = head(content_type="application/json", transfer_encoding="chunked") + chunked(OK[:30])
    upstream.plan.append(raw(begun, b"", delay=0.2))
    got, end = talk(router.port, request("1.0"))
    assert end == "reset" or got.startswith(b"HTTP/1.1 502"), (got, end)
    upstream.plan.append(raw(head(content_type="application/json", transfer_encoding="chunked") + chunked(OK) + b"0\r\n\r\n"))
    got, end = talk(router.port, request("1.0"))
    assert got.endswith(OK) and end == "end"


@pytest.mark.parametrize("pause", [0, 0.2])
def test_json_that_ends_with_the_connection_is_whole_or_an_error(router, upstream, pause):
    def cut(connection, request):
        connection.sendall(head(content_type="application/json"))
        time.sleep(pause)
        connection.sendall(OK[:40])
        time.sleep(pause)
        return False
    upstream.plan.append(cut)
    got, _ = talk(router.port, request(fields="Connection: close\r\n"))
    assert got.startswith(b"HTTP/1.1 502") or not got.endswith(b"0\r\n\r\n"), got
    assert value(router, "sluice_upstream_failures_total", phase="body") == 1


def test_a_compressed_stream_passes_as_it_is(router, upstream):
    packed = gzip.compress(STREAM)
    upstream.plan.append(raw(head(content_encoding="gzip", **SSE), chunked(packed), b"0\r\n\r\n", close=False))
    got = router.chat(stream=True)
    assert got.text == STREAM.decode()


def test_a_compressed_stream_that_breaks_is_cut_not_written_into(router, upstream):
    upstream.plan.append(raw(head(content_encoding="gzip", **SSE), chunked(gzip.compress(STREAM)[:20]), b"", delay=0.1))
    got, _ = talk(router.port, request(stream=True, fields="Connection: close\r\n"))
    assert b"error" not in got and not got.endswith(b"0\r\n\r\n")


def test_a_head_that_trickles_has_one_limit(router, upstream):
    def trickle(connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        for _ in range(100 * SLOW):
            connection.sendall(b"x")
            time.sleep(0.05)
        return False
    upstream.plan.append(trickle)
    began = time.monotonic()
    got = router.chat()
    assert got.status_code == 504 and time.monotonic() - began < 3 * SLOW
    assert "did not end the head of its answer within" in got.json()["error"]["message"]


def test_a_stream_of_completions_that_is_cut_ends_in_an_error(router, upstream):
    piece = {"id": "c", "object": "text_completion", "choices": [{"index": 0, "text": "Hi", "finish_reason": None}]}
    upstream.plan.append(raw(head(content_type="text/event-stream"), frame(piece)))
    body = {"model": "m", "prompt": "x", "stream": True}
    got = httpx.post(router.url + "/v1/completions", json=body, timeout=20 * SLOW)
    assert json.loads(got.text.strip().split("data: ")[-1])["error"]["code"] == 502
    upstream.plan.append(raw(head(content_type="text/event-stream"), frame(piece), frame("[DONE]")))
    got = httpx.post(router.url + "/v1/completions", json=body, timeout=20 * SLOW)
    assert got.text == (frame(piece) + frame("[DONE]")).decode()


def test_an_interim_answer_does_not_stop_a_large_request(start):
    """The provider says 100 Continue before it reads a body that no socket buffer holds."""
    seen = {}

    def serve():
        connection, _ = server.accept()
        got = b""
        while b"\r\n\r\n" not in got:
            got += connection.recv(1024)
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.3)
        fields, body = got.split(b"\r\n\r\n", 1)
        length = int(re.search(rb"(?i)content-length: (\d+)", fields)[1])
        connection.settimeout(5 * SLOW)
        while len(body) < length:
            body += connection.recv(1 << 20)
        seen["length"] = len(body)
        connection.sendall(head(content_type="application/json", content_length=len(OK)) + OK)
        connection.close()
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    server.bind(("127.0.0.1", 0))
    server.listen()
    router = start(policy([model("m", server.getsockname()[1])], **{"global": {"router": {"limits": LIMITS}}}))
    worker = threading.Thread(target=serve, daemon=True)
    worker.start()
    got = router.chat("long " * 4_000_000)
    worker.join(10 * SLOW)
    server.close()
    assert got.status_code == 200, got.text
    assert seen["length"] > 20_000_000


def test_every_connection_field_counts(router, upstream):
    got, _ = talk(router.port, request(fields="Connection: x-one\r\nX-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\nConnection: X-Two, close\r\n"))
    assert got.startswith(b"HTTP/1.1 200")
    fields = upstream.last.headers
    assert "x-one" not in fields and "x-two" not in fields and fields["x-three"] == "3"


def test_an_error_that_quotes_a_huge_name_is_still_json(router):
    got = router.chat(model="\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 300_000)
    assert got.status_code == 400
    assert got.json()["error"]["type"] == "invalid_request_error" and len(got.content) < 8192


def test_what_the_listener_refuses_half_way_is_counted_as_that(router):
    with socket.create_connection(("127.0.0.1", router.port), timeout=20 * SLOW) as s:
        s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{")
        assert s.recv(65536).startswith(b"HTTP/1.1 408")
    talk(router.port, b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    wait_until(lambda: value(router, "sluice_http_requests_total", code="408") == 1, 5, "the count")
    assert value(router, "sluice_http_requests_total", code="400") == 1
    assert value(router, "sluice_http_requests_total", code="499") == 0
    assert value(router, "sluice_http_request_ends_total", end="refused") == 2
