"""An OpenAI-compatible /v1/embeddings whose vectors anyone can compute.

For each run of [a-z0-9]+ in the lower-cased text, with c its CRC-32, add -1 if bit 31 of c is set, else
+1, at index c mod 128; divide by the Euclidean norm; a text without such runs is (1, 0, ..., 0).
"""
import http.server
import json
import math
import re
import threading
import zlib

DIMENSION = 128


def embed(text):
    vector = [0.0] * DIMENSION
    for word in re.findall(r"[a-z0-9]+", text.lower()):
        crc = zlib.crc32(word.encode())
        vector[crc % DIMENSION] += -1 if crc >> 31 & 1 else 1
    norm = math.sqrt(sum(x * x for x in vector))
    return [x / norm for x in vector] if norm else [1.0] + [0.0] * (DIMENSION - 1)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests.append((dict(self.headers), body))
        fault = self.server.faults.pop(0) if self.server.faults else None
        if fault == "close":
            self.close_connection = True
            return
        data = [{"object": "embedding", "index": i, "embedding": embed(t)} for i, t in enumerate(body["input"])]
        answer = {"object": "list", "model": body["model"], "data": data}
        status = 200
        if isinstance(fault, int):
            status, answer = fault, {"error": {"message": "a fault", "type": "server_error"}}
        elif callable(fault):
            answer = fault(answer)
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Provider(http.server.ThreadingHTTPServer):
    """Serves from construction on; `requests` holds (headers, body), `faults` what goes wrong next."""

    daemon_threads = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.requests, self.faults = [], []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]
