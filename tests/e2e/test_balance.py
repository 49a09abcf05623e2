"""Balancing, health and retries over real sockets: several `sluice mock` backends of one model."""
import collections
import concurrent.futures
import json
import re
import time

import httpx
import pytest
from conftest import SLOW, Process, free_port, is_listening, keyword_decision, model, policy, wait_until
from upstream import Upstream, error

ONE_LOOP = {"global": {"router": {"limits": {"loops": 1}}}}  # balancers and budgets belong to a loop


class Mock(Process):
    """`sluice mock` on its own port. Faults are set and requests read over its control paths."""

    def __init__(self, log, *arguments):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/mock/"
        super().__init__("mock", "--listen", f"127.0.0.1:{self.port}", "--record", "2000", *arguments, log=log)
        wait_until(lambda: is_listening(self.port), 10, "the mock's port")

    def fail(self, **knobs):
        assert httpx.post(self.url + "faults", json=knobs, timeout=10).status_code == 200

    def heal(self):
        httpx.delete(self.url + "faults", timeout=10)

    def forget(self):
        httpx.delete(self.url + "requests", timeout=10)

    def chats(self):
        """Texts of the chats received, without health checks."""
        got = httpx.get(self.url + "requests", timeout=10).json()["requests"]
        return [json.loads(r["body"])["messages"][-1]["content"] for r in got if r["method"] == "POST"]


@pytest.fixture
def mocks(tmp_path):
    """mocks(n, *arguments) -> n backends, stopped at the end."""
    started = []

    def make(n, *arguments):
        for _ in range(n):
            started.append(Mock(tmp_path / f"mock{len(started)}.log", *arguments))
        return started[-n:]

    yield make
    for process in started:
        process.stop()


def served_by(backends, **reliability):
    """(card, provider) of model m; a backend keeps its name wherever it stands in the list."""
    refs = [{"name": f"p{b.port}", "endpoint": f"127.0.0.1:{b.port}"} for b in backends]
    return {"name": "m"}, {"name": "m", "backend_refs": refs, "reliability": reliability}


def send(router, texts, threads=1, headers=lambda text: {}):
    """Statuses of one chat a text."""
    with httpx.Client(timeout=30 * SLOW) as client, concurrent.futures.ThreadPoolExecutor(threads) as pool:
        def one(text):
            body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
            return client.post(router.url + "/v1/chat/completions", json=body, headers=headers(text)).status_code
        return list(pool.map(one, texts))


def sample(router, name, **labels):
    """Sum of a metric's samples that carry these labels."""
    total = 0.0
    for line in router.metrics().splitlines():
        found = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
        if found and all(f'{k}="{v}"' in (found[1] or "") for k, v in labels.items()):
            total += float(found[2])
    return total


def test_weights_are_kept_exactly_and_interleaved(start, mocks):
    backends = mocks(3)
    card, provider = served_by(backends)
    for ref, weight in zip(provider["backend_refs"], (5, 1, 1)):
        ref["weight"] = weight
    router = start(policy([(card, provider)], **ONE_LOOP))
    assert send(router, [str(i) for i in range(70)]) == [200] * 70
    got = [[int(text) for text in b.chats()] for b in backends]
    assert [len(g) for g in got] == [50, 10, 10]
    # Smooth: each seven requests in a row are shared 5:1:1, not fifty and then the others.
    assert all(len([t for t in got[1] if t // 7 == k]) == 1 for k in range(10)), got[1]


def test_round_robin_takes_turns(start, mocks):
    backends = mocks(3)
    router = start(policy([served_by(backends, lb_policy="round_robin")], **ONE_LOOP))
    send(router, [str(i) for i in range(30)])
    got = [[int(text) for text in b.chats()] for b in backends]
    assert sorted(tuple(sorted(t % 3 for t in g)) for g in got) == [(k,) * 10 for k in range(3)], got


@pytest.mark.parametrize("lb_policy,least,most", [("least_request", 1, 12), ("round_robin", 20, 20)])
def test_least_request_spares_a_slow_backend(start, mocks, lb_policy, least, most):
    slow, fast = mocks(2)
    slow.fail(**{"delay-ms": 400 * SLOW})
    router = start(policy([served_by([slow, fast], lb_policy=lb_policy)], **ONE_LOOP))
    assert send(router, [str(i) for i in range(40)], threads=4) == [200] * 40
    assert least <= len(slow.chats()) <= most


def owners(backends):
    """Session -> the ports that served it."""
    found = collections.defaultdict(set)
    for b in backends:
        for text in b.chats():
            found[text.split()[0]].add(b.port)
    return found


def test_sessions_stay_and_only_those_of_a_lost_backend_move(start, mocks):
    backends = mocks(4)
    config = policy([served_by(backends, lb_policy="consistent_hash")])
    router = start(config)
    sessions = [f"s{i}" for i in range(80)]

    def round_of(turn):
        for b in backends:
            b.forget()
        texts = [f"{s} {turn} {k}" for k in range(2) for s in sessions]
        assert send(router, texts, 4, lambda text: {"x-session-id": text.split()[0]}) == [200] * len(texts)
        return owners(backends)

    before = round_of("before")
    assert all(len(ports) == 1 for ports in before.values())
    shares = collections.Counter(port for ports in before.values() for port in ports)
    assert len(shares) == 4 and min(shares.values()) >= 6, shares

    lost = backends[1]
    smaller = policy([served_by([b for b in backends if b is not lost], lb_policy="consistent_hash")])
    for key in ("listeners", "version", "global"):
        smaller[key] = router.config[key]
    was = router.generation()
    router.write(smaller)
    wait_until(lambda: router.generation() > was, 10, "the reload")
    after = round_of("after")
    assert all(len(ports) == 1 for ports in after.values())
    moved = {s for s in sessions if after[s] != before[s]}
    assert moved == {s for s in sessions if before[s] == {lost.port}}
    # Those that move do not all go to one neighbour.
    assert len({next(iter(after[s])) for s in moved}) > 1

    again = router.generation()
    router.write(router.config)
    wait_until(lambda: router.generation() > again, 10, "the second reload")
    assert round_of("back") == before


def test_without_a_session_header_the_first_message_is_the_session(start, mocks):
    backends = mocks(3)
    router = start(policy([served_by(backends, lb_policy="consistent_hash")]))
    for turn in range(4):
        for s in range(12):
            messages = [{"role": "user", "content": f"conversation {s}"}]
            for k in range(turn):
                messages += [{"role": "assistant", "content": f"answer {k}"}, {"role": "user", "content": f"more {k}"}]
            body = {"model": "auto", "messages": messages}
            assert httpx.post(router.url + "/v1/chat/completions", json=body, timeout=20 * SLOW).status_code == 200
    firsts = collections.defaultdict(set)
    for b in backends:
        for r in httpx.get(b.url + "requests", timeout=10).json()["requests"]:
            firsts[json.loads(r["body"])["messages"][0]["content"]].add(b.port)
    assert len(firsts) == 12 and all(len(ports) == 1 for ports in firsts.values())
    assert len({port for ports in firsts.values() for port in ports}) > 1


def test_health_checks_take_a_backend_out_and_back(start, mocks):
    sick, well = mocks(2)
    router = start(policy([served_by([sick, well], health_check_path="/v1/models", health_check_interval="100ms")],
                          **ONE_LOOP))
    name = f"m_p{sick.port}"
    assert sample(router, "sluice_backend_healthy", backend=name) == 1
    sick.fail(status=503)
    wait_until(lambda: sample(router, "sluice_backend_healthy", backend=name) == 0, 10, "the failing check")
    assert send(router, ["down"] * 20) == [200] * 20
    assert len(sick.chats()) == 0 and len(well.chats()) == 20
    sick.heal()
    wait_until(lambda: sample(router, "sluice_backend_healthy", backend=name) == 1, 10, "the passing check")
    assert send(router, ["up"] * 20) == [200] * 20
    assert len(sick.chats()) == 10 and len(well.chats()) == 30


def test_a_check_without_an_answer_fails_too(start, mocks):
    sick, well = mocks(2)
    router = start(policy([served_by([sick, well], health_check_path="/v1/models", health_check_interval="100ms",
                                     health_check_timeout="100ms")], **ONE_LOOP))
    sick.fail(hang=1)
    wait_until(lambda: sample(router, "sluice_backend_healthy", backend=f"m_p{sick.port}") == 0, 10, "the hung check")
    assert send(router, ["x"] * 6) == [200] * 6 and len(well.chats()) == 6


def test_an_outlier_is_ejected_and_comes_back(start, mocks):
    bad, good = mocks(2)
    bad.fail(status=500)
    router = start(policy([served_by([bad, good], consecutive_5xx=3, base_ejection_time=f"{3 * SLOW}s",
                                     max_ejection_percent=50)], **ONE_LOOP))
    assert send(router, ["first"] * 6).count(500) == 3
    name = f"m_p{bad.port}"
    assert sample(router, "sluice_backend_ejections_total", backend=name, reason="consecutive_5xx") == 1
    assert sample(router, "sluice_backend_healthy", backend=name) == 0
    assert send(router, ["ejected"] * 10) == [200] * 10
    assert "ejected" not in bad.chats()
    bad.heal()
    wait_until(lambda: sample(router, "sluice_backend_healthy", backend=name) == 1, 10, "the end of the ejection")
    assert send(router, ["back"] * 10) == [200] * 10
    assert bad.chats().count("back") == 5


def test_at_most_the_given_share_is_ejected(start, mocks):
    backends = mocks(4)
    for b in backends:
        b.fail(status=500)
    router = start(policy([served_by(backends, consecutive_5xx=1, max_ejection_percent=50)], **ONE_LOOP))
    assert send(router, ["x"] * 30) == [500] * 30  # two stay in rotation, so no 503 of the router's own
    assert sum(sample(router, "sluice_backend_healthy", backend=f"m_p{b.port}") for b in backends) == 2


def test_all_ejected_moves_to_the_next_candidate(start, mocks):
    a, b, other = mocks(3)
    for m in (a, b):
        m.fail(status=500)
    rule, decision = keyword_decision("go", ["m", "second"])
    models = [served_by([a, b], consecutive_5xx=1, max_ejection_percent=100), model("second", other.port)]
    router = start(policy(models, [decision], {"keywords": [rule]}, **ONE_LOOP))
    assert send(router, ["go 1", "go 2"]) == [500, 500]
    got = router.chat("go 3")
    assert got.status_code == 200 and got.headers["x-vsr-selected-model"] == "second"
    assert len(a.chats()) + len(b.chats()) == 2 and other.chats() == ["go 3"]
    assert sample(router, "sluice_upstream_failovers_total", from_model="m", to_model="second") == 1
    # Without a decision there is no candidate to move to: an error that says why.
    got = router.chat("stay", model="m")
    assert got.status_code == 503 and "no healthy backend" in got.json()["error"]["message"]


def test_when_no_candidate_has_a_backend_left_the_client_reads_why(start, mocks):
    sick, stopped = mocks(2)
    rule, decision = keyword_decision("go", ["m", "second"])
    second = model("second", sick.port, free_port(), reliability={"consecutive_5xx": 1, "max_ejection_percent": 100})
    config = policy([served_by([stopped]), second], [decision], {"keywords": [rule]}, **ONE_LOOP)
    router = start(config)
    sick.fail(status=500)
    assert send(router, ["x"] * 2) == [200, 200]
    assert sorted(router.chat("x", model="second").status_code for _ in range(2)) == [500, 502]
    stopped.stop()
    got = router.chat("go")
    assert got.status_code == 503 and 'no healthy backend for model "second"' in got.json()["error"]["message"]


@pytest.mark.parametrize("knobs", [{"status": 429}, {"status": 500, "every": 2}])
def test_4xx_answers_and_lone_failures_eject_nothing(start, mocks, knobs):
    some, well = mocks(2)
    some.fail(**knobs)
    router = start(policy([served_by([some, well], consecutive_5xx=2)], **ONE_LOOP))
    assert len(set(send(router, ["x"] * 20))) == 2
    assert sample(router, "sluice_backend_ejections_total") == 0 and len(some.chats()) == 10


def test_every_call_is_counted_by_its_own_status(start, mocks):
    bad, good = mocks(2)
    bad.fail(status=503)
    router = start(policy([served_by([bad, good], retry_count=1, retry_on="5xx,connect-failure")], **ONE_LOOP))
    calls = "sluice_upstream_requests_total"
    assert send(router, ["x"] * 10) == [200] * 10
    assert sample(router, calls, backend=f"m_p{bad.port}", code="503") == len(bad.chats()) > 0
    assert sample(router, calls, backend=f"m_p{good.port}", code="200") == 10
    bad.stop()
    assert send(router, ["x"] * 10) == [200] * 10
    assert sample(router, calls, backend=f"m_p{bad.port}", code="0") > 0
    assert sample(router, "llm_model_requests_total", model="m") == 20, "requests, not calls"


@pytest.mark.parametrize("status,retry_on", [(429, "429"), (503, "5xx"), (500, "5xx"), (502, "gateway-error")])
@pytest.mark.parametrize("stream", [False, True])
def test_a_status_is_retried_before_the_first_byte(start, mocks, status, retry_on, stream):
    bad, good = mocks(2)
    bad.fail(status=status)
    router = start(policy([served_by([bad, good], retry_count=1, retry_on=retry_on)], **ONE_LOOP))
    got = [router.chat(f"t{i}", stream=stream) for i in range(4)]
    assert [g.status_code for g in got] == [200] * 4
    assert not stream or all("[DONE]" in g.text for g in got)
    assert len(bad.chats()) == 2 and sorted(good.chats()) == ["t0", "t1", "t2", "t3"]
    assert sample(router, "sluice_upstream_retries_total", backend=f"m_p{bad.port}",
                  reason="429" if status == 429 else "5xx") == 2


def test_a_status_that_the_policy_does_not_name_is_not_retried(start, mocks):
    bad, good = mocks(2)
    bad.fail(status=429)
    router = start(policy([served_by([bad, good], retry_count=3, retry_on="5xx")], **ONE_LOOP))
    assert sorted(send(router, ["x"] * 4)) == [200, 200, 429, 429]


def test_a_refused_connection_is_retried(start, mocks):
    (good,) = mocks(1)
    card, provider = served_by([good], retry_count=1, retry_on="connect-failure")
    provider["backend_refs"].insert(0, {"name": "dead", "endpoint": f"127.0.0.1:{free_port()}"})
    router = start(policy([(card, provider)], **ONE_LOOP))
    assert send(router, ["x"] * 6) == [200] * 6
    assert sample(router, "sluice_upstream_retries_total", backend="m_dead") == 3


def test_nothing_is_retried_after_the_first_byte(start, mocks):
    backends = mocks(2)
    for b in backends:
        b.fail(**{"cut-after": 3, "token-ms": 20})
    router = start(policy([served_by(backends, retry_count=5, retry_on="5xx,reset,connect-failure,refused-stream")]))
    got = router.chat("once", stream=True)
    assert got.status_code == 200 and '"error"' in got.text and "[DONE]" not in got.text
    time.sleep(0.4)  # longer than the longest backoff
    assert sum(len(b.chats()) for b in backends) == 1


def test_the_retry_budget_bounds_the_load_on_failing_backends(start, mocks):
    backends = mocks(2)
    for b in backends:
        b.fail(**{"status": 503, "delay-ms": 500 * SLOW})
    router = start(policy([served_by(backends, retry_count=1, retry_on="5xx")], **ONE_LOOP))
    assert send(router, ["x"] * 20, threads=20) == [503] * 20
    # Of twenty attempts that fail together three may be made again (a fifth of the active ones, but
    # always three); without a budget forty would arrive.
    assert 21 <= sum(len(b.chats()) for b in backends) <= 28
    # The budget is given back: one request alone is retried again.
    for b in backends:
        b.forget()
        b.fail(status=503)
    assert send(router, ["y"]) == [503]
    assert sum(len(b.chats()) for b in backends) == 2


def test_backoff_grows_with_full_jitter(start):
    came = collections.defaultdict(list)

    def fail(connection, request):
        came[request.json["messages"][0]["content"]].append(time.monotonic())
        return error(503)(connection, request)

    with Upstream(default=fail) as upstream:
        router = start(policy([model("m", upstream.port, reliability={"retry_count": 5, "retry_on": "5xx"})], **ONE_LOOP))
        assert send(router, [f"r{i}" for i in range(18)], threads=3) == [503] * 18
    gaps = [[(b - a) * 1000 for a, b in zip(times, times[1:])] for times in came.values()]
    assert len(gaps) == 18 and all(len(g) == 5 for g in gaps)
    slack_ms = 30 * SLOW  # the way there and back
    for k, bound in enumerate((25, 50, 100, 200, 250)):
        median = sorted(g[k] for g in gaps)[len(gaps) // 2]
        assert median < 0.8 * bound + slack_ms, (k, median)
    last = sorted(g[4] for g in gaps)
    assert last[-1] - last[0] > 60, last  # uniform in [0, 250): not a fixed pause
    assert 50 < sum(last) / len(last) < 210 + slack_ms, last
    first = [g[0] for g in gaps]
    assert sum(first) / len(first) < sum(last) / len(last)
