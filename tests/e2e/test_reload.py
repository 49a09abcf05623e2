"""Hot reload: atomic, validated, unnoticed by requests."""
import copy
import signal
import socket
import ssl
import subprocess
import threading
import time

import httpx
import pytest
from conftest import SLOW, free_port, is_listening, model, policy, wait_until
from upstream import Upstream, stream

N_RELOADS = 100 if SLOW == 1 else 20


def test_a_new_file_takes_effect(start, upstream):
    router = start(policy([model("one", upstream.port), model("two", upstream.port)]))
    assert router.chat().headers["x-vsr-selected-model"] == "one"
    before = router.generation()
    changed = copy.deepcopy(router.config)
    changed["providers"]["defaults"]["default_model"] = "two"
    router.write(changed)
    wait_until(lambda: router.chat().headers["x-vsr-selected-model"] == "two", 5, "the new default")
    assert router.generation() == before + 1


def test_an_invalid_file_changes_nothing_and_says_why(start, upstream):
    router = start(policy([model("one", upstream.port)]))
    before = router.generation()
    broken = copy.deepcopy(router.config)
    broken["providers"]["defaults"]["default_modell"] = "one"
    router.write(broken)
    wait_until(lambda: "default_modell" in router.text(), 5, "the reason in the log")
    assert router.chat().status_code == 200 and router.generation() == before
    router.path.write_text("routing: [")
    time.sleep(1)
    assert router.chat().status_code == 200 and router.generation() == before


def test_sighup_reloads(start, upstream):
    router = start(policy([model("one", upstream.port), model("two", upstream.port)]))
    changed = copy.deepcopy(router.config)
    changed["providers"]["defaults"]["default_model"] = "two"
    router.write(changed)
    router.process.send_signal(signal.SIGHUP)
    wait_until(lambda: router.chat().headers["x-vsr-selected-model"] == "two", 5, "the new default")


def test_a_running_stream_keeps_its_configuration(start, upstream):
    router = start(policy([model("one", upstream.port), model("two", upstream.port)]))
    upstream.plan.append(stream(*[f"p{i} " for i in range(20)], delay=0.1))
    got = {}
    reader = threading.Thread(target=lambda: got.update(answer=router.chat(stream=True)))
    reader.start()
    wait_until(lambda: upstream.requests, 5, "the stream")
    changed = copy.deepcopy(router.config)
    changed["providers"]["defaults"]["default_model"] = "two"
    router.write(changed)
    wait_until(lambda: router.chat().headers["x-vsr-selected-model"] == "two", 5, "the reload")
    reader.join(30 * SLOW)
    assert got["answer"].headers["x-vsr-selected-model"] == "one" and "p19" in got["answer"].text


def test_no_request_fails_across_many_reloads_under_load(start, upstream):
    router = start(policy([model("one", upstream.port), model("two", upstream.port)]))
    stop, failures, done = threading.Event(), [], [0]

    def load(is_stream):
        with httpx.Client(timeout=20 * SLOW) as session:
            while not stop.is_set():
                try:
                    got = session.post(router.url + "/v1/chat/completions", json={
                        "model": "auto", "stream": is_stream, "messages": [{"role": "user", "content": "x"}]})
                    if got.status_code != 200 or (is_stream and "[DONE]" not in got.text):
                        failures.append((got.status_code, got.text[:200]))
                    done[0] += 1
                except httpx.HTTPError as problem:
                    failures.append(repr(problem))
    workers = [threading.Thread(target=load, args=(bool(i % 2),)) for i in range(4)]
    for worker in workers:
        worker.start()
    first = router.generation()
    for i in range(N_RELOADS):
        changed = copy.deepcopy(router.config)
        changed["providers"]["defaults"]["default_model"] = ("two", "one")[i % 2]
        changed["routing"]["modelCards"][0]["description"] = f"revision {i}"
        router.write(changed)
        expected = first + i + 1
        router.process.send_signal(signal.SIGHUP)
        wait_until(lambda: router.generation() >= expected, 10, f"generation {expected}")
    stop.set()
    for worker in workers:
        worker.join(30 * SLOW)
    assert not failures, failures[:5]
    assert done[0] > N_RELOADS
    assert router.generation() == first + N_RELOADS


def reload(router, change):
    changed = copy.deepcopy(router.config)
    change(changed)
    before = router.text().count(" reloaded")
    router.write(changed)
    router.process.send_signal(signal.SIGHUP)
    wait_until(lambda: router.text().count(" reloaded") > before, 10, "the reload")
    time.sleep(0.1 * SLOW)  # every loop takes it over on its next turn


def set_limits(**limits):
    return lambda config: config["global"].setdefault("router", {}).update(limits=limits)


def test_limits_of_listeners_follow_a_reload(start, upstream):
    router = start(policy([model("one", upstream.port)]))
    long = "x" * 5000
    assert router.chat(long).status_code == 200
    with httpx.Client(timeout=20 * SLOW) as kept:  # a connection from before the reload
        body = {"model": "auto", "messages": [{"role": "user", "content": long}]}
        assert kept.post(router.url + "/v1/chat/completions", json=body).status_code == 200
        reload(router, set_limits(max_body_bytes=4096, max_header_bytes=2048))
        assert kept.post(router.url + "/v1/chat/completions", json=body).status_code == 413
    for _ in range(8):  # every loop
        assert router.chat(long).status_code == 413
        assert router.chat("short").status_code == 200
        assert router.chat("short", headers={"x-long": "y" * 4000}).status_code == 431
    assert httpx.get(router.admin + "/health", headers={"x-long": "y" * 4000}, timeout=10).status_code == 431
    reload(router, set_limits())
    assert router.chat(long, headers={"x-long": "y" * 4000}).status_code == 200


def test_the_header_timeout_follows_a_reload(start, upstream):
    router = start(policy([model("one", upstream.port)]))
    reload(router, set_limits(header_timeout="300ms"))
    for _ in range(4):
        with socket.create_connection(("127.0.0.1", router.port), 5 * SLOW) as s:
            s.sendall(b"POST /v1/chat")
            began = time.monotonic()
            while s.recv(65536):
                pass
            assert 0.2 < time.monotonic() - began < 3 * SLOW


def test_a_limit_that_needs_a_restart_says_so(start, upstream):
    router = start(policy([model("one", upstream.port)], **{"global": {"router": {"limits": {"loops": 1}}}}))
    reload(router, set_limits(loops=2))
    assert "global.router.limits.loops changed from 1 to 2, which takes a restart" in router.text()


def test_a_listener_that_moves_needs_a_restart_and_is_named(start, upstream):
    router = start(policy([model("one", upstream.port)]))
    port = free_port()
    reload(router, lambda config: config["listeners"][0].update(port=port))
    wait_until(lambda: "restart_needed" in router.text(), 5, "the warning")
    assert f'listener "http" goes on at 127.0.0.1:{router.port}' in router.text()
    assert f'listener "http" at 127.0.0.1:{port} is not opened: that takes a restart' in router.text()
    assert router.chat().status_code == 200 and not is_listening(port)
    reload(router, lambda config: config["global"]["services"]["management_api"].update(port=port))
    assert f"the management address goes on at 127.0.0.1:{router.admin_port}" in router.text()


def certificate(folder, name):
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return cert, key


def shown(port):
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port), timeout=5 * SLOW))


def test_certificates_of_listeners_follow_a_reload(start, upstream, tmp_path):
    (old, old_key), (new, new_key) = certificate(tmp_path, "old"), certificate(tmp_path, "new")
    router = start(policy([model("one", upstream.port)], _listener={"tls": {"cert_file": str(old), "key_file": str(old_key)}}))
    assert shown(router.port) == ssl.PEM_cert_to_DER_cert(old.read_text())

    def use(cert, key):
        return lambda config: config["listeners"][0].update(tls={"cert_file": str(cert), "key_file": str(key)})
    url = f"https://127.0.0.1:{router.port}/v1/chat/completions"
    body = {"model": "auto", "messages": [{"role": "user", "content": "x"}]}
    with httpx.Client(verify=False, timeout=20 * SLOW) as kept:
        assert kept.post(url, json=body).status_code == 200
        reload(router, use(new, new_key))
        assert kept.post(url, json=body).status_code == 200  # connections keep what they began with
    for _ in range(8):
        assert shown(router.port) == ssl.PEM_cert_to_DER_cert(new.read_text())

    # Renewed files of the same name: SIGHUP is enough.
    new.write_text(old.read_text())
    new_key.write_text(old_key.read_text())
    reload(router, use(new, new_key))
    assert shown(router.port) == ssl.PEM_cert_to_DER_cert(old.read_text())

    # A certificate that cannot be read changes nothing.
    refused = router.text().count("reload_refused")
    changed = copy.deepcopy(router.config)
    use(tmp_path / "none.pem", new_key)(changed)
    router.write(changed)
    wait_until(lambda: router.text().count("reload_refused") > refused, 10, "the refusal")
    assert "none.pem" in router.text()
    assert shown(router.port) == ssl.PEM_cert_to_DER_cert(old.read_text())

    reload(router, lambda config: config["listeners"][0].pop("tls"))
    assert router.chat().status_code == 200  # plain from now on


class TlsUpstream(Upstream):
    def __init__(self, cert, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        super().__init__()

    def _serve(self, connection):
        try:
            connection = self.context.wrap_socket(connection, server_side=True)
        except OSError:
            return
        super()._serve(connection)


@pytest.mark.parametrize("begins_with_tls", [True, False])
def test_tls_to_backends_outlives_reloads_and_may_come_with_one(start, upstream, tmp_path, monkeypatch, begins_with_tls):
    cert, key = certificate(tmp_path, "provider")
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    with TlsUpstream(cert, key) as secure:
        ref = {"name": "b0", "endpoint": f"127.0.0.1:{secure.port}", "protocol": "https"}
        plain = policy([model("one", upstream.port)])
        tls = copy.deepcopy(plain)
        tls["providers"]["models"][0]["backend_refs"] = [ref]
        router = start(tls if begins_with_tls else plain)
        if not begins_with_tls:
            reload(router, lambda config: config["providers"].update(tls["providers"]))
        for i in range(3):
            got = router.chat(f"turn {i}")
            assert got.status_code == 200, got.text
            assert secure.last.json["messages"][0]["content"] == f"turn {i}"
            reload(router, lambda config: config.update(
                providers=tls["providers"], routing={**config["routing"], "modelCards": [{"name": "one", "description": str(i)}]}))
