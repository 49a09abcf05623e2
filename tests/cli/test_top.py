"""sluice top against a server that plays a router's metrics."""
import http.server
import threading
import unittest

import program
from program import sluice

TEXT = """# TYPE llm_decision_match_total counter
llm_decision_match_total{{decision_name="code"}} {n}
llm_decision_match_total{{decision_name="quiet"}} 5
sluice_http_requests_total{{path="/v1/chat/completions",code="200"}} {n}
llm_model_requests_total{{model="m1"}} {n}
llm_model_ttft_seconds_bucket{{model="m1",le="0.01"}} {n}
llm_model_ttft_seconds_bucket{{model="m1",le="+Inf"}} {n}
sluice_config_generation 7
sluice_loops 2
process_resident_memory_bytes 10485760
process_start_time_seconds 1
"""


class Metrics(http.server.BaseHTTPRequestHandler):
    n = 0

    def do_GET(self):
        Metrics.n += 100
        body = TEXT.format(n=Metrics.n).encode()
        self.send_response(200 if self.path == "/metrics" else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Top(unittest.TestCase):
    def test_rates_between_two_looks(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            run = sluice("top", url, "--once", "--interval", "500ms")
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertRegex(run.stdout, r"generation 7   2 loops   RSS 10\.0 MiB")
            self.assertRegex(run.stdout, r"(?m)^code +1\d\d\.\d #{30}$")
            self.assertRegex(run.stdout, r"(?m)^quiet +0\.0 *$")
            self.assertRegex(run.stdout, r"(?m)^m1 +1\d\d\.\d +5\.00 ms +9\.90 ms")
            self.assertNotIn("\033", run.stdout)
            self.assertEqual(sluice("top", url + "/other", "--once").returncode, 1)
        finally:
            server.shutdown()
            server.server_close()

    def test_mistakes(self):
        run = sluice("top", "http://127.0.0.1:1")
        self.assertEqual(run.returncode, 1)
        self.assertIn("127.0.0.1:1", run.stderr)
        self.assertEqual(sluice("top", "ftp://x").returncode, 2)
        self.assertEqual(sluice("top", "--interval", "soon").returncode, 2)


if __name__ == "__main__":
    program.main()
