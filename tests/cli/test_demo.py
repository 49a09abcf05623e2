"""What `make run` shows, and `sluice serve` without a configuration."""
import os
import pathlib
import re
import socket
import subprocess
import unittest

import program
from program import call

ROOT = pathlib.Path(__file__).resolve().parents[2]


def is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


class Demo(unittest.TestCase):
    def test_every_request_goes_where_it_should(self):
        with socket.socket() as taken:  # the default port is in use: it takes another
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if is_free(8801):
                taken.bind(("127.0.0.1", 8801))
                taken.listen()
            run = subprocess.run([ROOT / "scripts/run", "--once"], capture_output=True, text=True,
                                 timeout=60, env={**os.environ, "SLUICE": program.PROGRAM})
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertNotIn("127.0.0.1:8801 ", run.stdout)
        lines = re.findall(r"^.{37}(\w+) +(\S+) +([\d.]+) us  \S", run.stdout, re.M)
        self.assertEqual(len(lines), 9, run.stdout)
        self.assertEqual(len({decision for decision, _, _ in lines}), 8)
        self.assertIn("streamed: 15 frames", run.stdout)

    def test_what_to_type_next_stands_in_two_columns(self):
        run = subprocess.Popen([ROOT / "scripts/run"], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "SLUICE": program.PROGRAM})
        text = ""
        while "Ctrl-C stops" not in text:
            line = run.stdout.readline()
            self.assertTrue(line, text)
            text += line
        run.terminate()
        run.communicate(timeout=20)
        starts = [len(m.group(0)) for m in re.finditer(
            r"^  \S*sluice (?:explain|top|bench|init)\b.*? {3,}(?=\S)", text, re.M)]
        self.assertEqual((len(starts), len(set(starts))), (4, 1), text)


class ZeroConfiguration(unittest.TestCase):
    def start(self, env):
        return subprocess.Popen([program.PROGRAM, "serve", "--listen", "127.0.0.1:18841",
                                 "--metrics-port", "0"], env=env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_finds_a_local_server_and_routes_to_it(self):
        if not (is_free(1234) and is_free(8080) and is_free(18841)):
            self.skipTest("a port this test needs is in use")
        env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        mock = subprocess.Popen([program.PROGRAM, "mock", "--listen", "127.0.0.1:1234",
                                 "--models", "tiny:1b,large:70b"], text=True,
                                stdout=subprocess.PIPE)
        mock.stdout.readline()
        router = self.start(env)
        try:
            text = ""
            while "curl" not in text:
                line = router.stdout.readline()
                self.assertTrue(line, text)
                text += line
            self.assertIn("LM Studio at 127.0.0.1:1234: tiny:1b, large:70b", text)
            self.assertIn("small_talk       -> tiny:1b, the cheapest and fastest", text)
            self.assertRegex(text, r"health, metrics and evaluation are on http://127.0.0.1:808\d;")
            self.assertIn("  curl -i http://127.0.0.1:18841/v1/chat/completions ", text)
            status, headers, answer = call(18841, "/v1/chat/completions", {
                "model": "auto", "messages": [{"role": "user", "content": "Hello!"}]})
            self.assertEqual((status, headers["x-vsr-selected-decision"], answer["model"]),
                             (200, "small_talk", "tiny:1b"))
        finally:
            for process in (router, mock):
                process.terminate()
                process.communicate(timeout=20)

    def test_says_what_to_do_when_nothing_is_found(self):
        ports = (11434, 8080, 8000, 1234, 30000)
        if not all(is_free(p) for p in ports):
            self.skipTest("something answers on a usual port")
        env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        router = self.start(env)
        _, err = router.communicate(timeout=20)
        self.assertEqual(router.returncode, 1)
        self.assertIn("OPENAI_API_KEY", err)


if __name__ == "__main__":
    program.main()
