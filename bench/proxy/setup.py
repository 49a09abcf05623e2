"""What the proxy benchmarks share: configurations, processes on their cores, CPU accounting."""
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from ports import free_port  # noqa: E402,F401

BIN = pathlib.Path(os.environ.get("SLUICE_BIN", ROOT / "build" / "sluice"))
CORES = sorted(os.sched_getaffinity(0))
PROXY_CORE, LOAD_CORE = CORES[0], CORES[-1]

WORDS = ["invoice", "refund", "kubernetes", "docker", "theorem", "integral", "contract", "liability",
         "diagnosis", "symptom", "recipe", "ingredient", "galaxy", "orbit", "sonnet", "stanza"]


def policy(port, upstream, management):
    """10 decisions over 12 rules: 8 of keywords, 4 of structure."""
    lines = ["version: v0.3", "listeners:",
             f"- {{name: http, address: 127.0.0.1, port: {port}}}",
             "providers:", "  defaults: {default_model: m0}", "  models:"]
    for i in range(4):
        lines += [f"  - name: m{i}", "    backend_refs:",
                  f"    - {{name: local, endpoint: '127.0.0.1:{upstream}'}}"]
    lines += ["routing:", "  modelCards:", *[f"  - name: m{i}" for i in range(4)], "  signals:", "    keywords:"]
    for i in range(8):
        lines += [f"    - {{name: k{i}, operator: OR, keywords: [{WORDS[2 * i]}, {WORDS[2 * i + 1]}]}}"]
    lines += ["    structure:",
              "    - {name: s0, feature: {type: count, source: {type: regex, pattern: '[?]'}}, predicate: {gte: 4}}",
              "    - {name: s1, feature: {type: count, source: {type: keyword_set, keywords: [first, then, finally]}}, predicate: {gte: 3}}",
              "    - {name: s2, feature: {type: count, source: {type: regex, pattern: '[0-9]+'}}, predicate: {gte: 20}}",
              "    - {name: s3, feature: {type: exists, source: {type: regex, pattern: 'def [a-z_]+[(]'}}}",
              "  decisions:"]
    for i in range(10):
        leaves = [f"{{type: keyword, name: k{i % 8}}}", f"{{type: structure, name: s{i % 4}}}"]
        lines += [f"  - name: d{i}", f"    priority: {100 - i}",
                  "    rules:", f"      operator: {'OR' if i % 2 else 'AND'}",
                  f"      conditions: [{', '.join(leaves)}]",
                  f"    modelRefs: [{{model: m{i % 4}, use_reasoning: false}}]"]
    lines += ["global:", f"  services: {{management_api: {{port: {management}}}}}"]
    return "\n".join(lines) + "\n"


NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_max_body_size 64m; client_body_buffer_size 1m; keepalive_requests 100000000;
  upstream mock {{ server 127.0.0.1:{upstream}; keepalive 1024; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} reuseport backlog=4096;
    location / {{
      proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering {buffering}; proxy_read_timeout 300s;
    }}
  }}
}}
"""


def wait_for(port):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        time.sleep(0.002)
    raise SystemExit(f"nothing listens on port {port}")


class Bench:
    """Processes of one benchmark; all end with it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-bench-"))
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.running):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            if process.poll() is None:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def spawn(self, core, *command):
        log = open(self.folder / "log.txt", "ab")
        process = subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], stdout=log, stderr=log)
        self.running.append(process)
        return process

    def mock(self, *options):
        port = free_port()
        self.spawn(LOAD_CORE, BIN, "mock", "--listen", f"127.0.0.1:{port}", "--record", 0, "--quiet", *options)
        wait_for(port)
        return port

    def sluice(self, upstream):
        port = free_port()
        file = self.folder / f"policy{port}.yaml"
        file.write_text(policy(port, upstream, free_port()))
        process = self.spawn(PROXY_CORE, BIN, "serve", "-c", file, "--metrics-port", 0)
        wait_for(port)
        return port, [process.pid]

    def nginx(self, upstream, buffering="on"):
        port = free_port()
        folder = self.folder / f"nginx{port}"
        folder.mkdir()
        folder.chmod(0o777)
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, upstream=upstream, port=port, buffering=buffering))
        process = self.spawn(PROXY_CORE, "nginx", "-p", folder, "-c", folder / "nginx.conf")
        wait_for(port)
        children = []
        while not children:  # the port listens before the worker exists
            children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return port, [process.pid, *map(int, children)]


def cpu_us(pids):
    """CPU microseconds that the threads of these processes have used."""
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1000


def rss_kib(pids):
    total = 0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
        total += int(re.search(r"VmRSS:\s+(\d+)", text)[1])
    return total


PROSE = (
    "The committee met on a grey morning and went through the minutes, the open points and the plans for spring. "
    "Some members asked for a second reading; others, who had travelled far, wanted the vote at once. "
    "In the end the chair proposed a compromise that nobody loved and everybody could live with. ")


def body(size):
    """A chat request of about `size` bytes: ordinary prose with one rule word near its end."""
    end = " What does the invoice say?"
    text = (PROSE * (size // len(PROSE) + 1))[:max(size - 64 - len(end), 16)] + end
    return '{"model": "auto", "messages": [{"role": "user", "content": "%s"}]}' % text


def wrk(folder, port, payload, seconds, connections):
    """(requests, requests/s, errors) of wrk on the load core."""
    script = folder / f"post{len(payload)}.lua"
    data = folder / f"post{len(payload)}.json"
    data.write_text(payload)
    script.write_text(
        f'local f = io.open("{data}"); wrk.body = f:read("*a"); f:close(); wrk.method = "POST"\n'
        'wrk.headers["Content-Type"] = "application/json"\nwrk.headers["Authorization"] = "Bearer client-key"\n')
    out = subprocess.run(
        ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script),
         f"http://127.0.0.1:{port}/v1/chat/completions"], capture_output=True, text=True).stdout
    n = int(re.search(r"(\d+) requests in", out)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return n, rate, int(bad[1]) if bad else 0
