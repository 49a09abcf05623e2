"""Metrics of the running router."""
import re

import httpx

from conftest import ROOT, keyword_decision, model, policy, wait_until
from upstream import completion, error, reset, respond, stream


def value(text, name, **labels):
    """Sum of the samples of `name` that carry these labels; None when there is none."""
    found = [float(v) for n, l, v in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", text, re.M)
             if n == name and all(f'{k}="{w}"' in (l or "") for k, w in labels.items())]
    return sum(found) if found else None


def test_a_model_is_in_flight_until_its_answer_ends(start, upstream):
    router = start(policy([model("m", upstream.port)]))
    seen = []

    def behave(connection, request):
        seen.append(value(router.metrics(), "llm_model_inflight_requests", model="m"))
        return respond(completion())(connection, request)
    upstream.plan.append(behave)
    assert router.chat().status_code == 200
    assert seen == [1]
    wait_until(lambda: value(router.metrics(), "llm_model_inflight_requests", model="m") == 0, what="an idle model")
    text = router.metrics()
    assert value(text, "llm_decision_evaluation_total") == 1
    assert value(text, "llm_decision_evaluation_latency_seconds_count") == 1
    tpot = value(text, "llm_model_tpot_seconds_sum", model="m")
    assert abs(tpot - value(text, "llm_model_completion_latency_seconds_sum", model="m") / 3) < 1e-6


def cost(start, upstream, prices, details):
    card, provider = model("m", upstream.port, pricing=prices)
    router = start(policy([(card, provider)]))
    body = completion()
    body["usage"] = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100, "prompt_tokens_details": details}
    upstream.plan.append(respond(body))
    assert router.chat().status_code == 200
    wait_until(lambda: value(router.metrics(), "llm_model_cost_total", model="m") is not None, what="the cost")
    return value(router.metrics(), "llm_model_cost_total", model="m")


def test_written_and_read_tokens_have_their_own_price(start, upstream):
    prices = {"prompt_per_1m": 2.0, "completion_per_1m": 10.0, "cached_input_per_1m": 0.5, "cache_write_per_1m": 3.0}
    got = cost(start, upstream, prices, {"cached_tokens": 400, "cache_write_tokens": 200})
    assert abs(got - (400 * 2.0 + 400 * 0.5 + 200 * 3.0 + 100 * 10.0) * 1e-6) < 1e-9


def test_token_counts_of_a_bill_are_clamped_to_the_prompt(start, upstream):
    prices = {"prompt_per_1m": 2.0, "completion_per_1m": 10.0, "cached_input_per_1m": 0.5}
    got = cost(start, upstream, prices, {"cached_tokens": 900, "cache_write_tokens": 5000})
    assert abs(got - (900 * 0.5 + 100 * 2.0 + 100 * 10.0) * 1e-6) < 1e-9


def catalogue():
    rows = [line.split("\t") for line in (ROOT / "spec" / "metrics.tsv").read_text().splitlines()
            if line and not line.startswith("#")]
    return [(row[1], row[2]) for row in rows]


def everything(upstream, other):
    """A configuration whose decisions reach every counter."""
    words = {"alpha": "m", "beta": ["m", "n"], "gamma": "m", "delta": "n"}
    pairs = [keyword_decision(word, name) for word, name in words.items()]
    signals = {"keywords": [rule for rule, _ in pairs]}
    alpha, beta, gamma, _ = decisions = [decision for _, decision in pairs]
    alpha["modelRefs"] = [{"model": "m", "use_reasoning": True, "reasoning_effort": "high"}]
    alpha["plugins"] = [
        {"type": "request_params", "configuration": {"blocked_params": ["logprobs"], "max_tokens_limit": 10, "max_n": 1,
                                                     "strip_unknown": True}},
        {"type": "system_prompt", "configuration": {"system_prompt": "Be short."}}]
    gamma["plugins"] = [{"type": "fast_response", "configuration": {"message": "No."}}]
    beta["priority"] = 20
    prices = {"currency": "USD", "prompt_per_1m": 2.0, "completion_per_1m": 10.0}
    card, provider = model("m", upstream.port, pricing=prices, reasoning_family="qwen")
    provider["reliability"] = {"retry_on": "5xx,connect-failure,reset", "retry_count": 1}
    ejects = {"consecutive_5xx": 1}
    config = policy([(card, provider), model("n", other.port, other.port, reliability=ejects)], decisions, signals)
    config["providers"]["defaults"]["reasoning_families"] = {
        "qwen": {"type": "reasoning_effort", "parameter": "reasoning_effort"}}
    return config


def test_every_metric_of_the_catalogue_is_fed(start, upstream, second_upstream):
    router = start(everything(upstream, second_upstream))
    assert router.chat("alpha", logprobs=True, max_tokens=50, n=3, unheard_of=1).status_code == 200
    upstream.plan.append(stream("one ", "two ", "three", delay=0.1))
    assert router.chat("alpha", stream=True).status_code == 200
    assert router.chat("gamma").status_code == 200
    assert router.chat("nothing here").status_code == 200
    assert router.chat("hello", model="m").status_code == 200
    assert router.chat("hello", model="unknown").status_code == 400
    upstream.plan += [reset()] * 8
    assert router.chat("beta").status_code == 200, "moves on to n"
    upstream.plan.clear()
    second_upstream.plan += [error(503)] * 6
    for _ in range(6):
        router.chat("delta")
    generation = router.generation()
    config = everything(upstream, second_upstream)
    config["routing"]["decisions"][0]["priority"] = 11
    for key in ("listeners", "global"):
        config[key] = router.config[key]
    config["version"] = "v0.3"
    router.write(config)
    wait_until(lambda: router.generation() > generation, what="the reload")
    router.write({"version": "v0.3", "routing": 7})
    wait_until(lambda: value(router.metrics(), "sluice_config_reloads_total", result="rejected"), what="the refusal")
    wait_until(lambda: value(router.metrics(), "sluice_connections_accepted_total"), what="the watch")
    text = router.metrics()
    missing = [name for name, kind in catalogue()
               if value(text, name + ("_count" if kind == "histogram" else "")) is None]
    assert not missing
    may_be_zero = {"llm_model_inflight_requests", "sluice_http_streams", "sluice_connections", "sluice_arena_free_bytes",
                   "sluice_connections_rejected_total"}
    wait_until(lambda: value(router.metrics(), "sluice_upstream_pool_connections", state="idle"), what="an idle connection")
    idle = [name for name, kind in catalogue() if name not in may_be_zero
            and not value(text, name + ("_count" if kind == "histogram" else "")) > 0]
    assert not idle
    assert value(text, "sluice_config_reloads_total", result="ok") == 1
    assert value(text, "sr_request_params_blocked_total", decision="d_alpha", param="logprobs") == 1
    assert value(text, "sr_request_params_unknown_field_stripped_total", field="unheard_of") == 1
    assert value(text, "llm_reasoning_effort_usage_total", family="qwen", effort="high") == 2
    assert value(text, "llm_signal_match_total", signal_type="keyword", signal_name="k_alpha") == 2
    assert value(text, "llm_plugin_execution_total", plugin_type="fast_response", status="success") == 1
    assert value(text, "llm_model_itl_seconds_count", model="m") >= 2
    assert 0.1 < value(text, "llm_model_itl_seconds_sum", model="m") < 5
    wait_until(lambda: value(router.metrics(), "llm_model_inflight_requests") == 0, what="idle models")


def test_gauges_return_to_zero_after_aborts_and_fail_over(start, upstream, second_upstream):
    router = start(everything(upstream, second_upstream))
    upstream.plan.append(stream(*["word "] * 200, delay=0.02))
    with httpx.stream("POST", router.url + "/v1/chat/completions", json={
            "model": "auto", "stream": True, "messages": [{"role": "user", "content": "alpha"}]}) as answer:
        pieces = answer.iter_bytes()  # kept: its end closes the answer
        next(pieces)
        assert value(router.metrics(), "sluice_http_streams") == 1
    upstream.plan += [reset()] * 8
    assert router.chat("beta").status_code == 200
    wait_until(lambda: value(router.metrics(), "llm_model_inflight_requests") == 0, what="idle models")
    text = router.metrics()
    assert value(text, "sluice_http_streams") == 0
    assert value(text, "sluice_http_request_ends_total", end="client_aborted") == 1


def test_connections_to_backends_are_active_then_idle_then_gone(start, upstream):
    # one loop: each has its own connections
    router = start(policy([model("m", upstream.port)], **{"global": {"router": {"limits": {"loops": 1}}}}))

    def pool(state):
        return value(router.metrics(), "sluice_upstream_pool_connections", state=state)
    upstream.plan.append(stream("one ", *["more "] * 60, delay=0.05))
    body = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    with httpx.stream("POST", router.url + "/v1/chat/completions", json=body, timeout=60) as answer:
        wait_until(lambda: pool("active") == 1, what="an active connection")
        assert pool("idle") == 0
        answer.read()
    wait_until(lambda: pool("active") == 0 and pool("idle") == 1, what="an idle connection")

    def close_behind(connection, request):
        respond(completion())(connection, request)
        return False
    upstream.plan.append(close_behind)
    assert router.chat().status_code == 200
    wait_until(lambda: pool("idle") == 0, what="an empty pool")
