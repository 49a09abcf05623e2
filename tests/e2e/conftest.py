"""Fixtures: a router over scripted upstreams. SLUICE_BIN names the program under test."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest
import yaml_text
from upstream import Upstream

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from ports import free_port  # noqa: E402

BIN = os.environ.get("SLUICE_BIN", str(ROOT / "build" / "sluice"))
# Sanitized programs are several times slower; waits grow with it, assertions do not change.
SLOW = 6 if any(kind in BIN for kind in ("asan", "tsan")) else 1


def wait_until(check, seconds=5.0, what="condition"):
    end = time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come true within {seconds * SLOW:.0f} s")


def is_listening(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


class Process:
    """A sluice process; its standard error is kept for failure messages."""

    def __init__(self, *arguments, log):
        self.log = log
        self.sink = open(log, "wb")
        self.process = subprocess.Popen([BIN, *arguments], stdout=self.sink, stderr=subprocess.STDOUT)

    def text(self):
        return self.log.read_text(errors="replace")

    def stop(self, seconds=10):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds * SLOW)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("did not stop on SIGTERM:\n" + self.text()[-3000:])
        self.sink.close()
        text = self.text()
        for mark in ("AddressSanitizer", "LeakSanitizer", "runtime error:", "ThreadSanitizer"):
            assert mark not in text, text[-8000:]
        return self.process.returncode


class Router(Process):
    """`sluice serve` on free ports. `config` is a dict in the canonical shape."""

    def __init__(self, config, folder, extra=()):
        self.port, self.admin_port = free_port(), free_port()
        config = dict(config)
        config.setdefault("version", "v0.3")
        config["listeners"] = [{"name": "http", "address": "127.0.0.1", "port": self.port,
                                **config.pop("_listener", {})}]
        services = config.setdefault("global", {}).setdefault("services", {})
        services["management_api"] = {"bind_address": "127.0.0.1", "port": self.admin_port}
        services.setdefault("observability", {}).setdefault("metrics", {"enabled": True})
        self.config, self.path = config, folder / "config.yaml"
        self.write(config)
        super().__init__("serve", "-c", str(self.path), *extra, log=folder / "serve.log")
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin = f"http://127.0.0.1:{self.admin_port}"
        self.wait_ready()

    def wait_ready(self):
        def ready():
            assert self.process.poll() is None, self.text()
            return is_listening(self.port)
        wait_until(ready, 10, "the router's port")

    def write(self, config):
        fresh = self.path.with_suffix(".new")
        fresh.write_text(yaml_text.dump(config))
        fresh.replace(self.path)

    def chat(self, text="hello", model="auto", stream=False, headers=None, **body):
        """One chat completion through httpx."""
        body = {"model": model, "messages": [{"role": "user", "content": text}], **body}
        if stream:
            body["stream"] = True
        return httpx.post(self.url + "/v1/chat/completions", json=body, headers=headers or {}, timeout=30 * SLOW)

    def metrics(self):
        return httpx.get(self.admin + "/metrics", timeout=10).text

    def generation(self):
        return int(self.chat("hello").headers["x-vsr-config-generation"])


@pytest.fixture
def start(tmp_path):
    """start(config, **) -> Router; stopped (in order, without sanitizer reports) at the end."""
    started = []

    def make(config, extra=()):
        folder = tmp_path / f"router{len(started)}"
        folder.mkdir()
        started.append(Router(config, folder, extra))
        return started[-1]

    yield make
    for process in started:
        process.stop()


@pytest.fixture
def upstream():
    with Upstream() as server:
        yield server


@pytest.fixture
def second_upstream():
    with Upstream() as server:
        yield server


@pytest.fixture(scope="session")
def mock(tmp_path_factory):
    """`sluice mock` for the session; yields its port."""
    port = free_port()
    process = Process("mock", "--listen", f"127.0.0.1:{port}", log=tmp_path_factory.mktemp("mock") / "mock.log")
    wait_until(lambda: is_listening(port), 10, "the mock's port")
    yield port
    process.stop()


def model(name, *ports, **provider):
    """(card, provider entry) of a model served on local ports."""
    return {"name": name}, {"name": name, "backend_refs": [
        {"name": f"b{i}", "endpoint": f"127.0.0.1:{port}"} for i, port in enumerate(ports)], **provider}


def policy(models, decisions=(), signals=None, default=None, **top):
    """A canonical configuration of these (card, provider) pairs and decisions."""
    cards, providers = zip(*models)
    return {
        "providers": {"defaults": {"default_model": default or cards[0]["name"]}, "models": list(providers)},
        "routing": {"modelCards": list(cards), "signals": signals or {}, "decisions": list(decisions)},
        **top,
    }


def keyword_decision(word, model_name, **more):
    """A (signal, decision) pair: texts with `word` go to `model_name`."""
    signal_rule = {"name": f"k_{word}", "operator": "OR", "keywords": [word]}
    decision = {"name": f"d_{word}", "priority": 10,
                "rules": {"operator": "AND", "conditions": [{"type": "keyword", "name": f"k_{word}"}]},
                "modelRefs": [{"model": m, "use_reasoning": False} for m in
                              ([model_name] if isinstance(model_name, str) else model_name)], **more}
    return signal_rule, decision
