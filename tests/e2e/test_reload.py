"""Hot reload: atomic, validated, unnoticed by requests."""
import copy
import signal
import threading
import time

import httpx
from conftest import SLOW, model, policy, wait_until
from upstream import stream

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
