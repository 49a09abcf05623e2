"""Everything else a client or operator can reach: headers, eval, metrics, identity, the models list."""
import json
import re

import httpx
import pytest
from conftest import keyword_decision, model, policy, wait_until
from upstream import error


@pytest.fixture
def router(start, upstream):
    rule, decision = keyword_decision("python", "coder")
    rule2, decision2 = keyword_decision("stop", "general", plugins=[
        {"type": "fast_response", "configuration": {"message": "No.\n\nNot  today."}}])
    return start(policy([model("general", upstream.port), model("coder", upstream.port)], [decision, decision2],
                        {"keywords": [rule, rule2]}))


def test_the_default_header_surface(router):
    got = router.chat("a python question").headers
    assert got["x-vsr-schema-version"] == "2" and got["x-vsr-response-path"] == "upstream"
    assert got["x-vsr-selected-recipe"] == "default" and got["x-vsr-selected-decision"] == "d_python"
    assert got["x-vsr-selected-confidence"] == "1.0000" and got["x-vsr-selected-model"] == "coder"
    assert not [name for name in got if name.startswith(("x-vsr-matched", "x-vsr-injected", "x-vsr-selected-reasoning"))]


def test_the_debug_header_surface(router):
    got = router.chat("a python question", headers={"x-vsr-debug": "TRUE"}).headers
    assert got["x-vsr-matched-keywords"] == "k_python" and got["x-vsr-injected-system-prompt"] == "false"
    assert got["x-vsr-selected-reasoning"] == "off"


def test_an_upstream_error_shows_only_the_keystone_headers(router, upstream):
    upstream.plan.append(error(500))
    got = router.chat("a python question")
    assert got.status_code == 500 and got.headers["x-vsr-schema-version"] == "2"
    assert "x-vsr-selected-decision" not in got.headers


def test_a_fast_response_keeps_its_text(router, upstream):
    got = router.chat("stop it")
    body = got.json()
    assert body["choices"][0]["message"]["content"] == "No.\n\nNot  today." and body["model"] == "router"
    assert got.headers["x-vsr-fast-response"] == "true" and got.headers["x-vsr-response-path"] == "fast_response"
    streamed = router.chat("stop it", stream=True)
    text = "".join(json.loads(line[5:])["choices"][0]["delta"].get("content") or ""
                   for line in streamed.text.splitlines() if line.startswith("data:") and "[DONE]" not in line)
    assert text == "No.\n\nNot  today." and "text/event-stream" in streamed.headers["content-type"]
    assert upstream.requests == []


@pytest.mark.parametrize("body, message", [
    (b"{", "malformed JSON body"), (b'{"model":"auto"}', "messages field is required"),
    (b'{"model":"auto","messages":{}}', "messages field must be an array"),
    (b'{"messages":[]}', "missing required field: model"),
    (b'{"model":3,"messages":[{"role":"user","content":"x"}]}', "field model must be string, got Number"),
    (b'{"model":"auto","stream":"yes","messages":[{"role":"user","content":"x"}]}', "field stream must be boolean, got String"),
    (b'{"model":"auto","model":"b","messages":[{"role":"user","content":"x"}]}', "model"),
    (b'{"model":"auto","messages":[]}', "messages"),
    (b"", ""), (b"\xff\xfe{}", ""), (b'{"model":"auto","messages":[{"role":"user","content":"\xc3"}]}', "")])
def test_a_bad_body_is_a_400_that_says_why(router, upstream, body, message):
    got = httpx.post(router.url + "/v1/chat/completions", content=body, headers={"content-type": "application/json"}, timeout=10)
    problem = got.json()["error"]
    assert got.status_code == 400 and message in problem["message"] and problem["type"] == "invalid_request_error"
    assert problem["code"] == 400 and got.headers["x-vsr-response-path"] == "error" and upstream.requests == []


def test_a_nested_bomb_is_refused(router):
    body = b'{"model":"auto","messages":' + b"[" * 100000 + b"]" * 100000 + b"}"
    assert httpx.post(router.url + "/v1/chat/completions", content=body, timeout=10).status_code == 400


def test_unknown_fields_and_number_spelling_survive(router, upstream):
    body = b'{ "x_vendor" : {"b":1.0e+2,"a":[1.50, 12345678901234567890]},\n "model":"auto", "messages" :[{"role":"user","content":"h\\u0065llo"}]  }'
    assert httpx.post(router.url + "/v1/chat/completions", content=body, timeout=10).status_code == 200
    assert upstream.last.body == body.replace(b'"auto"', b'"general"')


def test_trust_headers_of_strangers_are_stripped(router, upstream):
    router.chat(headers={"x-authz-user-id": "admin", "x-authz-user-groups": "root", "x-authz-team-id": "t",
                         "x-user-openai-key": "k", "x-vsr-looper-request": "true", "x-vsr-internal-auth": "guess",
                         "x-vsr-debug": "true", "x-custom": "kept"})
    names = set(upstream.last.headers)
    assert "x-custom" in names
    assert not [n for n in names if n.startswith(("x-authz", "x-user-", "x-vsr-"))]


def test_trust_headers_in_another_spelling_are_stripped_too(router, upstream):
    router.chat(headers={"X_Authz_User_Id": "admin", "x_authz-user_groups": "root", "x-user-openai_key": "k",
                         "X_VSR_Skip_Processing": "true", "x_custom": "kept"})
    names = {n.replace("_", "-") for n in upstream.last.headers}
    assert "x-custom" in names
    assert not [n for n in names if n.startswith(("x-authz", "x-user-", "x-vsr-"))]


def test_every_connection_header_names_what_stays_here(router, upstream):
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "hello"}]}).encode()
    httpx.post(router.url + "/v1/chat/completions", content=body, timeout=10, headers=[
        ("Connection", "x-one"), ("X-One", "1"), ("Connection", "keep-alive, x-two"), ("X-Two", "2"), ("X-Three", "3")])
    assert "x-three" in upstream.last.headers
    assert not {"x-one", "x-two"} & set(upstream.last.headers)


def test_an_error_about_a_very_long_name_is_whole_json(router):
    for name in ("m" * 100_000, "\u00e9" * 50_000, '"' * 70_000):
        got = router.chat(model=name)
        error = got.json()["error"]
        assert got.status_code == 400 and error["message"].startswith('model "') and len(error["message"]) < 2100


def test_a_body_of_too_many_values_is_a_413_that_nobody_retries(start, upstream):
    router = start(policy([model("m", upstream.port)], **{"global": {"router": {"limits": {"max_body_bytes": 4_000_000}}}}))
    got = router.chat(x=[[]] * 1_200_000)
    assert got.status_code == 413 and "values" in got.json()["error"]["message"]
    assert router.chat().status_code == 200


def authz_policy(port, trusted):
    config = policy([model("plain", port), model("premium", port)], [
        {"name": "paid", "priority": 5, "rules": {"operator": "AND", "conditions": [{"type": "authz", "name": "premium"}]},
         "modelRefs": [{"model": "premium"}]}],
        {"role_bindings": [{"name": "gold", "role": "premium", "subjects": [{"kind": "Group", "name": "gold"}]}]})
    identity = {"trusted_proxies": trusted} if trusted else {}
    config["global"] = {"services": {"authz": {"fail_open": True, "identity": identity}}}
    return config


def test_identity_counts_only_from_a_trusted_proxy(start, upstream):
    headers = {"x-authz-user-id": "alice", "x-authz-user-groups": "silver, gold"}
    trusted = start(authz_policy(upstream.port, ["127.0.0.0/8"]))
    assert trusted.chat(headers=headers).headers["x-vsr-selected-model"] == "premium"
    assert trusted.chat().headers["x-vsr-selected-model"] == "plain"
    double = [("x-authz-user-id", "bob"), *headers.items()]  # one of them may be the client's own
    assert httpx.post(trusted.url + "/v1/chat/completions", headers=double, timeout=10, json={
        "model": "auto", "messages": [{"role": "user", "content": "hello"}]}).status_code == 400
    stranger = start(authz_policy(upstream.port, []))
    assert stranger.chat(headers=headers).headers["x-vsr-selected-model"] == "plain"


def test_eval_answers_with_the_decision_and_forwards_nothing(router, upstream):
    got = httpx.post(router.admin + "/api/v1/eval?trace=true", json={"text": "a python question"}, timeout=10)
    body = got.json()
    assert got.status_code == 200 and body["decision_result"]["decision_name"] == "d_python"
    assert body["decision_result"]["matched_signals"]["keywords"] == ["k_python"]
    assert body["selected_model"] == "coder" and body["eval_trace"] and upstream.requests == []
    assert httpx.post(router.admin + "/api/v1/eval", json={"text": ""}, timeout=10).status_code == 400


def test_health_ready_and_startup(router):
    assert httpx.get(router.admin + "/health").json()["status"] == "healthy"
    assert httpx.get(router.admin + "/ready").json()["ready"] is True
    assert httpx.get(router.admin + "/startup-status").json()["phase"] == "ready"
    assert httpx.get(router.url + "/health").status_code == 200


def test_the_models_list(router):
    body = httpx.get(router.url + "/v1/models").json()
    assert [m["id"] for m in body["data"]] == ["vllm-sr/auto", "auto", "MoM"]
    assert body["object"] == "list" and body["data"][0]["routing"]["resolution"] == "virtual"


def test_metrics_count_what_happened(router):
    for _ in range(3):
        router.chat("a python question")
    text = router.metrics()
    found = re.search(r'^llm_model_requests_total\{model="coder"\} (\d+)', text, re.M)
    assert found and int(found[1]) == 3, text[:2000]
    assert re.search(r'^llm_decision_match_total\{[^}]*d_python[^}]*\} 3', text, re.M), text[:4000]
    assert "process_resident_memory_bytes" in text


def test_the_access_log_names_the_decision(start, upstream):
    rule, decision = keyword_decision("python", "coder")
    router = start(policy([model("coder", upstream.port)], [decision], {"keywords": [rule]}), extra=["--access-log"])
    router.chat("a python question")

    def lines():
        return [json.loads(line) for line in router.text().splitlines() if line.startswith("{")]
    wait_until(lines, 3, "a line in the access log")
    assert lines()[-1]["decision"] == "d_python" and lines()[-1]["status"] == 200


def test_recipes_are_reached_through_entrypoints(start, upstream):
    config = policy([model("a", upstream.port), model("b", upstream.port)])
    rule, decision = keyword_decision("fast", "b")
    config["recipes"] = [{"name": "quick", "routing": {"signals": {"keywords": [rule]}, "decisions": [decision]}}]
    config["entrypoints"] = [{"model_names": ["team/fast"], "recipe": "quick"}]
    router = start(config)
    got = router.chat("fast please", model="team/fast")
    assert got.headers["x-vsr-selected-recipe"] == "quick" and upstream.last.json["model"] == "b"
    assert router.chat("fast please").headers["x-vsr-selected-recipe"] == "default"
    assert upstream.last.json["model"] == "a"
