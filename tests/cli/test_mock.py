"""The fake provider: shapes of its answers, its pace, its failures, its memory of requests."""
import http.client
import json
import socket
import time
import unittest

import program
from program import call, events, mock, sluice

CHAT = "/v1/chat/completions"


def chat(text="hello", **more):
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


class Mock(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.running = mock("--models", "small, large", "--set", "tokens=8")
        cls.port = cls.running.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.running.__exit__(None, None, None)

    def ask(self, body, **headers):
        return call(self.port, CHAT, body, headers={k.replace("_", "-"): v
                                                    for k, v in headers.items()})

    def test_json(self):
        status, _, answer = self.ask(chat(n=2))
        self.assertEqual(status, 200)
        self.assertEqual(answer["object"], "chat.completion")
        self.assertEqual([c["index"] for c in answer["choices"]], [0, 1])
        self.assertTrue(answer["choices"][0]["message"]["content"].startswith(
            "This is an answer from m"))
        self.assertEqual(answer["usage"]["completion_tokens"], 16)
        self.assertEqual(answer["choices"][0]["finish_reason"], "stop")

    def test_max_tokens_ends_with_length(self):
        for key in ("max_tokens", "max_completion_tokens"):
            answer = self.ask(chat(**{key: 3}))[2]
            self.assertEqual(answer["usage"]["completion_tokens"], 3)
            self.assertEqual(answer["choices"][0]["finish_reason"], "length")

    def test_stream_equals_json(self):
        whole = self.ask(chat())[2]["choices"][0]["message"]["content"]
        status, headers, text = self.ask(chat(stream=True,
                                              stream_options={"include_usage": True}))
        self.assertEqual((status, headers["content-type"]), (200, "text/event-stream"))
        frames = events(text)
        self.assertEqual(frames.pop(), "[DONE]")
        frames = [json.loads(f) for f in frames]
        self.assertEqual(frames[-1]["usage"]["completion_tokens"], 8)
        self.assertEqual(frames[-1]["choices"], [])
        self.assertEqual(frames[-2]["choices"][0]["finish_reason"], "stop")
        self.assertEqual("".join(f["choices"][0]["delta"].get("content", "")
                                 for f in frames[:-1]), whole)

    def test_pace(self):
        began = time.monotonic()
        self.ask(chat(stream=True), x_mock_first_token_ms="100", x_mock_token_ms="20",
                 x_mock_tokens="6")
        self.assertGreaterEqual(time.monotonic() - began, 0.195)
        self.assertLess(time.monotonic() - began, 2)

    def test_tool_call_then_text(self):
        tools = [{"type": "function", "function": {"name": "weather", "parameters": {
            "type": "object", "properties": {"city": {"type": "string", "enum": ["Oslo"]},
                                             "days": {"type": "integer", "minimum": 3}}}}}]
        answer = self.ask(chat(tools=tools))[2]["choices"][0]
        self.assertEqual(answer["finish_reason"], "tool_calls")
        function = answer["message"]["tool_calls"][0]["function"]
        self.assertEqual(function["name"], "weather")
        self.assertEqual(json.loads(function["arguments"]), {"city": "Oslo", "days": 3})
        frames = [json.loads(f) for f in events(self.ask(chat(tools=tools, stream=True))[2])[:-1]]
        parts = [c["function"] for f in frames for c in f["choices"][0]["delta"].get("tool_calls", [])]
        self.assertEqual(parts[0]["name"], "weather")
        self.assertEqual(json.loads("".join(p["arguments"] for p in parts)),
                         {"city": "Oslo", "days": 3})
        after = chat(tools=tools)
        after["messages"].append({"role": "tool", "tool_call_id": "call_1", "content": "rain"})
        self.assertEqual(self.ask(after)[2]["choices"][0]["finish_reason"], "stop")
        self.assertEqual(self.ask(chat(tools=tools, tool_choice="none"))[2]["choices"][0]
                         ["finish_reason"], "stop")

    def test_schema_instance(self):
        schema = {"type": "object", "$defs": {"p": {"type": "object", "properties": {
            "next": {"$ref": "#/$defs/p"}}}},
            "properties": {"name": {"type": "string", "minLength": 6},
                           "tags": {"type": "array", "items": {"type": "boolean"}},
                           "at": {"type": "string", "format": "date"},
                           "either": {"anyOf": [{"type": "null"}, {"type": "string"}]},
                           "chain": {"$ref": "#/$defs/p"}}}
        body = chat(response_format={"type": "json_schema",
                                     "json_schema": {"name": "x", "schema": schema}})
        text = self.ask(body)[2]["choices"][0]["message"]["content"]
        value = json.loads(text)
        self.assertEqual((value["name"], value["tags"], value["at"], value["either"]),
                         ("mockmo", [True], "2026-01-31", None))
        self.assertIn("next", value["chain"])
        body = chat(response_format={"type": "json_object"})
        json.loads(self.ask(body)[2]["choices"][0]["message"]["content"])

    def test_other_paths(self):
        self.assertEqual([m["id"] for m in call(self.port, "/v1/models")[2]["data"]],
                         ["small", "large"])
        self.assertEqual(call(self.port, "/v1/models/large")[2]["id"], "large")
        self.assertEqual(call(self.port, "/v1/models/none")[0], 404)
        self.assertEqual(call(self.port, "/health")[2], {"status": "ok"})
        self.assertEqual(call(self.port, "/nothing", {})[0], 404)
        text = call(self.port, "/v1/completions", {"model": "m", "prompt": "a"})[2]
        self.assertEqual(text["object"], "text_completion")
        self.assertTrue(text["choices"][0]["text"])

    def test_embeddings(self):
        def vectors(texts, **more):
            data = call(self.port, "/v1/embeddings", {"model": "m", "input": texts, **more})[2]
            return [d["embedding"] for d in data["data"]]

        def dot(a, b):
            return sum(x * y for x, y in zip(a, b))
        a, b, c = vectors(["red green blue", "red green grey", "something else entirely"])
        self.assertEqual(len(a), 64)
        self.assertAlmostEqual(dot(a, a), 1, 5)
        self.assertGreater(dot(a, b), dot(a, c))
        self.assertEqual(vectors("red green blue")[0], a)
        self.assertEqual(len(vectors("x", dimensions=8)[0]), 8)
        self.assertEqual(len(vectors("x", encoding_format="base64")[0]), 344)

    def test_bad_requests(self):
        self.assertEqual(call(self.port, CHAT, {"model": "m"})[0], 400)
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("POST", CHAT, "{not json")
        answer = connection.getresponse()
        self.assertEqual(answer.status, 400)
        self.assertIn("error", json.loads(answer.read()))
        connection.close()

    def test_failures_by_header_and_body(self):
        status, headers, answer = self.ask(chat(), x_mock_status="429", x_mock_retry_after="7")
        self.assertEqual((status, headers["retry-after"]), (429, "7"))
        self.assertEqual(answer["error"]["type"], "rate_limit_error")
        self.assertEqual(self.ask(chat(mock={"status": 503}))[0], 503)
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            self.ask(chat(), x_mock_close="1")
        with self.assertRaises(http.client.IncompleteRead):
            self.ask(chat(), x_mock_cut_after="20")
        with self.assertRaises(http.client.IncompleteRead):
            self.ask(chat(stream=True), x_mock_cut_after="3")
        self.assertIsInstance(self.ask(chat(), x_mock_malformed="1")[2], str)
        self.assertNotIn("[DONE]", self.ask(chat(stream=True), x_mock_end_early="1")[2])
        self.assertIn("error", json.loads(events(
            self.ask(chat(stream=True), x_mock_error_after="2")[2])[-1]))
        began = time.monotonic()
        self.ask(chat(), x_mock_delay_ms="120")
        self.assertGreater(time.monotonic() - began, 0.11)
        self.assertEqual(self.ask(chat(max_tokens=1), x_mock_slow_byte_ms="1")[0], 200)
        with self.assertRaises(TimeoutError):
            call(self.port, CHAT, chat(), headers={"x-mock-hang": "1"}, timeout=0.3)

    def test_echo_and_record(self):
        self.ask(chat("remember me"), X_Custom="yes")
        seen = call(self.port, "/mock/requests")[2]["requests"][-1]
        self.assertEqual((seen["method"], seen["path"]), ("POST", CHAT))
        self.assertIn(["X-Custom", "yes"], seen["headers"])
        self.assertIn("remember me", seen["body"])
        echo = self.ask(chat("echo"), x_mock_echo="1")[2]["mock_received"]
        self.assertEqual(json.loads(echo["body"])["messages"][0]["content"], "echo")
        call(self.port, "/mock/requests", method="DELETE")
        self.assertEqual(call(self.port, "/mock/requests")[2]["requests"], [])

    def test_faults_set_from_outside(self):
        self.assertEqual(call(self.port, "/mock/faults", {"status": 500, "count": 2,
                                                          "model": "faulty"})[0], 200)
        try:
            self.assertEqual(self.ask(chat())[0], 200)
            faulty = {**chat(), "model": "faulty"}
            self.assertEqual([self.ask(faulty)[0] for _ in range(3)], [500, 500, 200])
            call(self.port, "/mock/faults", {"status": 500, "every": 3})
            self.assertEqual([self.ask(chat())[0] for _ in range(6)],
                             [500, 200, 200, 500, 200, 200])
            status, _, answer = call(self.port, "/mock/faults", {"staus": 1})
            self.assertEqual(status, 400)
            self.assertIn("staus", answer["error"]["message"])
        finally:
            call(self.port, "/mock/faults", method="DELETE")
        self.assertEqual(self.ask(chat())[0], 200)

    def test_an_abandoned_stream_is_counted(self):
        call(self.port, "/mock/stats", method="DELETE")
        s = socket.create_connection(("127.0.0.1", self.port))
        body = json.dumps(chat(stream=True, mock={"token-ms": 20, "tokens": 1000}))
        s.sendall(f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n{body}"
                  .encode())
        s.recv(100)
        s.close()
        for _ in range(100):
            stats = call(self.port, "/mock/stats")[2]
            if stats["aborted"]:
                break
            time.sleep(0.02)
        self.assertEqual((stats["aborted"], stats["streams"]), (1, 1))


class Options(unittest.TestCase):
    def test_key_and_strict(self):
        with mock("--api-key", "k", "--strict", "--models", "m", "--loops", "2") as port:
            self.assertEqual(call(port, CHAT, chat())[0], 401)
            key = {"authorization": "Bearer k"}
            self.assertEqual(call(port, CHAT, chat(), headers=key)[0], 200)
            self.assertEqual(call(port, CHAT, {**chat(), "model": "x"}, headers=key)[0], 404)

    def test_mistakes(self):
        run = sluice("mock", "--set", "toknes=3")
        self.assertEqual(run.returncode, 2)
        self.assertIn("nearest name: tokens", run.stderr)
        self.assertEqual(sluice("mock", "--set", "status=99999").returncode, 2)
        self.assertEqual(sluice("mock", "--listen", "nowhere").returncode, 2)
        run = sluice("mock", "--listen", "192.0.2.1:1")
        self.assertEqual(run.returncode, 1)
        self.assertIn("192.0.2.1", run.stderr)
        self.assertIn("first-token-ms", sluice("mock", "--knobs").stdout)


if __name__ == "__main__":
    program.main()
