"""The load generator: it counts what happened and hides no stall."""
import json
import unittest

import program
from program import call, mock, sluice


def bench(port, *args, path=""):
    run = sluice("bench", f"http://127.0.0.1:{port}{path}", "--json", *args)
    return run.returncode, json.loads(run.stdout)


class Bench(unittest.TestCase):
    def test_closed_loop_counts_requests(self):
        with mock("--record", "0") as port:
            code, r = bench(port, "-n", "500", "-c", "10", "-t", "2")
            self.assertEqual(code, 0)
            self.assertEqual((r["sent"], r["ok"], r["failed"]), (500, 500, 0))
            self.assertEqual(call(port, "/mock/stats")[2]["requests"], 500)
            self.assertGreater(r["latency_ns"]["p50"], 1000)
            self.assertLessEqual(r["latency_ns"]["p99"], r["latency_ns"]["max"])

    def test_open_loop_keeps_its_rate(self):
        with mock() as port:
            code, r = bench(port, "--rate", "500", "-d", "1s", "-c", "50")
            self.assertEqual(code, 0)
            self.assertTrue(480 <= r["sent"] <= 501, r["sent"])
            self.assertGreater(r["per_s"], 250)

    def test_a_stall_shows_in_every_request_that_was_due(self):
        # One connection, 100 ms a request, due every 20 ms: the queue grows, and latency from the
        # due time must show it while time from sending stays at 100 ms.
        with mock("--set", "delay-ms=100") as port:
            _, r = bench(port, "--rate", "50", "-n", "20", "-c", "1")
            self.assertEqual(r["ok"], 20)
            self.assertLess(r["service_ns"]["p50"], 400e6)
            self.assertGreater(r["latency_ns"]["max"], 1400e6)

    def test_streams(self):
        with mock("--set", "token-ms=10", "--set", "tokens=10", "--set", "timestamps=1") as port:
            code, r = bench(port, "--stream", "-n", "20", "-c", "20")
            self.assertEqual(code, 0)
            self.assertEqual((r["streams"], r["streams_cut"]), (20, 0))
            self.assertEqual(r["frames"], 20 * 13) # role, 10 words, finish, [DONE]
            self.assertTrue(5e6 < r["frame_gap_ns"]["p50"] < 100e6)
            self.assertIn("frame_late_ns", r)
            self.assertIn("first_frame_ns", r)

    def test_without_a_good_answer_there_are_no_percentiles(self):
        with mock() as port:
            address = f"http://127.0.0.1:{port}"
            self.assertIn("p99.9", sluice("bench", address, "-n", "2", "-c", "1").stdout)
            call(port, "/mock/faults", {"close": 1})
            run = sluice("bench", address, "-n", "2", "-c", "1")
            self.assertEqual(run.returncode, 1)
            self.assertIn("2 without a good answer", run.stdout)
            self.assertNotIn("p99.9", run.stdout)

    def test_failures_are_named(self):
        with mock() as port:
            call(port, "/mock/faults", {"status": 503, "every": 2})
            code, r = bench(port, "-n", "10", "-c", "1")
            self.assertEqual((code, r["ok"], r["status_5xx"]), (1, 5, 5))
            call(port, "/mock/faults", {"close": 1})
            code, r = bench(port, "-n", "4", "-c", "1")
            self.assertEqual((code, r["failed"]), (1, 4))
            self.assertTrue(r["first_error"])
            call(port, "/mock/faults", {"end-early": 1})
            code, r = bench(port, "-n", "4", "-c", "1", "--stream")
            self.assertEqual((code, r["streams_cut"]), (1, 4))
            call(port, "/mock/faults", {"hang": 1})
            code, r = bench(port, "-n", "2", "-c", "2", "--timeout", "200ms")
            self.assertEqual((code, r["timed_out"]), (1, 2))

    def test_generated_and_given_bodies(self):
        with mock() as port:
            bench(port, "-n", "1", "-c", "1", "--prompt", "2K", "--model", "x", "--tokens", "4",
                  "-H", "x-one: two")
            seen = call(port, "/mock/requests")[2]["requests"][-1]
            body = json.loads(seen["body"])
            self.assertEqual(len(body["messages"][0]["content"]), 2048)
            self.assertEqual((body["model"], body["max_tokens"]), ("x", 4))
            self.assertIn(["x-one", "two"], seen["headers"])
            code, _ = bench(port, "-n", "3", "-c", "1", "--get", path="/v1/models")
            self.assertEqual(code, 0)

    def test_text_and_mistakes(self):
        with mock() as port:
            text = sluice("bench", f"127.0.0.1:{port}", "-n", "50", "-c", "4").stdout
            self.assertIn("50 in ", text)
            self.assertIn("p99.9", text)
            self.assertIn("#", text)
        self.assertEqual(sluice("bench").returncode, 2)
        self.assertEqual(sluice("bench", "ftp://x").returncode, 2)
        self.assertEqual(sluice("bench", "http://x", "--duration", "soon").returncode, 2)
        run = sluice("bench", "http://127.0.0.1:1", "-n", "1", "--json")
        self.assertEqual(run.returncode, 1)
        self.assertIn("refused", json.loads(run.stdout)["first_error"].lower())


if __name__ == "__main__":
    program.main()
