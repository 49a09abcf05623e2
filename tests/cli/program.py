"""What the tests of the command line share: the program under test and a way to run it."""
import contextlib
import http.client
import json
import re
import subprocess
import sys
import unittest

PROGRAM = "build/sluice"


def sluice(*args, stdin=None, env=None, timeout=30):
    return subprocess.run([PROGRAM, *args], input=stdin, env=env, timeout=timeout, text=True,
                          capture_output=True)


@contextlib.contextmanager
def mock(*args):
    """A running `sluice mock` on a free port; yields the port."""
    process = subprocess.Popen([PROGRAM, "mock", "--listen", "127.0.0.1:0", *args], text=True,
                               stdout=subprocess.PIPE)
    try:
        yield int(re.search(r":(\d+)/v1", process.stdout.readline()).group(1))
    finally:
        process.terminate()
        status = process.wait(10)
        process.stdout.close()
    if status:  # a sanitizer had something to say
        raise AssertionError(f"sluice mock ended with status {status}")


def call(port, path, body=None, method=None, headers=None, timeout=10):
    """One request; (status, headers, parsed JSON or text)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method or ("GET" if body is None else "POST"), path,
                           None if body is None else json.dumps(body), headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    with contextlib.suppress(ValueError):
        text = json.loads(text)
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, text


def events(text):
    return [line[6:] for line in text.split("\n") if line.startswith("data: ")]


def main():
    global PROGRAM
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        PROGRAM = sys.argv.pop(1)
    unittest.main()
