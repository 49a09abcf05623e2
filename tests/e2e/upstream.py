"""A scripted upstream on raw sockets: it records what it got and answers as told, byte by byte.

Behaviours are functions (connection, request) put into `plan`, used once each in order; when the
plan is empty `default` answers. A behaviour that returns False closes the connection.
"""
import json
import socket
import struct
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Request:
    method: str
    path: str
    headers: dict
    body: bytes
    lines: list = field(default_factory=list)

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def is_stream(self):
        return bool(self.json.get("stream"))


def completion(text="Hello there.", model="m"):
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 20, "completion_tokens": 3, "total_tokens": 23}}


def chunk(text=None, finish=None, **more):
    delta = {} if text is None else {"content": text}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def frame(data):
    return f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


def head(status=200, reason="OK", **headers):
    lines = [f"HTTP/1.1 {status} {reason}"] + [f"{k.replace('_', '-')}: {v}" for k, v in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunked(data):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


SSE = {"content_type": "text/event-stream", "transfer_encoding": "chunked"}


def respond(data, status=200, reason="OK", **headers):
    """A behaviour: one whole JSON answer."""
    body = json.dumps(data).encode()

    def behave(connection, request):
        connection.sendall(head(status, reason, content_type="application/json", content_length=len(body), **headers) + body)
    return behave


def error(status, message="no", **headers):
    return respond({"error": {"message": message, "type": "server_error", "code": status}}, status, "Error", **headers)


def stream(*texts, delay=0.0, usage=True, done=True):
    """A behaviour: a whole SSE answer, a chunk per text."""
    def behave(connection, request):
        connection.sendall(head(**SSE))
        for text in texts or ("Hello", " there."):
            connection.sendall(chunked(frame(chunk(text))))
            if delay:
                time.sleep(delay)
        connection.sendall(chunked(frame(chunk(finish="stop"))))
        wants = request.json.get("stream_options", {}).get("include_usage")
        if usage and wants:
            last = chunk()
            last["choices"] = []
            last["usage"] = {"prompt_tokens": 20, "completion_tokens": 3, "total_tokens": 23}
            connection.sendall(chunked(frame(last)))
        if done:
            connection.sendall(chunked(frame("[DONE]")))
        connection.sendall(b"0\r\n\r\n")
    return behave


def raw(*pieces, delay=0.0, close=True):
    """A behaviour: exactly these bytes, then the end of the connection."""
    def behave(connection, request):
        for piece in pieces:
            connection.sendall(piece)
            if delay:
                time.sleep(delay)
        return not close
    return behave


def reset(*pieces):
    """A behaviour: these bytes, then RST."""
    def behave(connection, request):
        for piece in pieces:
            connection.sendall(piece)
        time.sleep(0.05)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
    return behave


def answer(connection, request):
    """The default: what the request asks for."""
    if not request.body or request.method == "GET":
        return respond({"object": "list", "data": []})(connection, request)
    if request.is_stream:
        return stream()(connection, request)
    return respond(completion(model=request.json.get("model", "m")))(connection, request)


class Upstream:
    def __init__(self, default=answer):
        self.default, self.plan, self.requests = default, [], []
        self.closed_by_peer = threading.Event()
        self.server = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.server.getsockname()[1]
        self.n_connections = 0
        self.lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()

    @property
    def last(self):
        return self.requests[-1]

    def _accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.n_connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        reader = connection.makefile("rb")
        try:
            while (request := self._read(reader)) is not None:
                with self.lock:
                    self.requests.append(request)
                    behave = self.plan.pop(0) if self.plan else self.default
                if behave(connection, request) is False:
                    break
        except (BrokenPipeError, ConnectionResetError):
            self.closed_by_peer.set()
        except OSError:
            pass
        finally:
            connection.close()
            reader.close()

    @staticmethod
    def _read(reader):
        first = reader.readline()
        if not first:
            return None
        method, path, _ = first.decode().split(" ", 2)
        headers, lines = {}, []
        while (line := reader.readline()) not in (b"\r\n", b""):
            name, value = line.decode("latin-1").rstrip("\r\n").split(":", 1)
            headers[name.lower()] = value.strip()
            lines.append((name.lower(), value.strip()))
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(reader.readline(), 16):
                body += reader.read(size)
                reader.readline()
            reader.readline()
        else:
            body = reader.read(int(headers.get("content-length", 0)))
        return Request(method, path, headers, body, lines)
