"""Metrics of the running router."""
import re

from conftest import model, policy, wait_until
from upstream import completion, respond


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
