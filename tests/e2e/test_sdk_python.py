"""The official Python SDK against the router, as an application uses it."""
import asyncio
import json

import httpx
import openai
import pytest
from conftest import SLOW, keyword_decision, model, policy, wait_until
from upstream import completion, error, respond, stream


@pytest.fixture
def router(start, upstream):
    rule, decision = keyword_decision("python", "coder")
    return start(policy([model("general", upstream.port), model("coder", upstream.port)], [decision],
                        {"keywords": [rule]}))


def client(router, **options):
    options = {"max_retries": 0, "timeout": 20 * SLOW, **options}
    return openai.OpenAI(base_url=router.url + "/v1", api_key="client-key", **options)


def ask(api, text="hello", **more):
    return api.chat.completions.create(model="auto", messages=[{"role": "user", "content": text}], **more)


def test_a_question_is_routed_and_answered(router, upstream):
    raw = client(router).chat.completions.with_raw_response.create(
        model="auto", messages=[{"role": "user", "content": "a python question"}])
    assert raw.headers["x-vsr-selected-decision"] == "d_python"
    assert raw.headers["x-vsr-selected-model"] == "coder"
    assert raw.parse().choices[0].message.content == "Hello there."
    assert upstream.last.json["model"] == "coder"
    assert upstream.last.headers["authorization"] == "Bearer client-key"


def test_async_requests_run_side_by_side(router, upstream):
    async def run():
        async with openai.AsyncOpenAI(base_url=router.url + "/v1", api_key="k", max_retries=0) as api:
            return await asyncio.gather(*[ask(api, f"question {i}") for i in range(50)])
    answers = asyncio.run(run())
    assert [a.choices[0].message.content for a in answers] == ["Hello there."] * 50
    assert sorted(r.json["messages"][0]["content"] for r in upstream.requests) == sorted(f"question {i}" for i in range(50))


def test_streaming_yields_every_piece_and_no_usage_unasked(router, upstream):
    upstream.plan.append(stream("One", " two", " three"))
    chunks = list(ask(client(router), stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "One two three"
    assert all(c.choices for c in chunks) and all(c.usage is None for c in chunks)
    assert upstream.last.json["stream_options"] == {"include_usage": True}


def test_streaming_with_usage_asked_for(router, upstream):
    chunks = list(ask(client(router), stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].usage.total_tokens == 23 and chunks[-1].choices == []


def test_async_streaming(router, upstream):
    upstream.plan.append(stream(*"abcdef", delay=0.01))

    async def run():
        async with openai.AsyncOpenAI(base_url=router.url + "/v1", api_key="k") as api:
            return [c.choices[0].delta.content async for c in await ask(api, stream=True)]
    assert "".join(filter(None, asyncio.run(run()))) == "abcdef"


def test_tools_pass_both_ways_untouched(router, upstream):
    tool = {"type": "function", "function": {"name": "weather", "description": "of a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
    data = completion()
    data["choices"][0] = {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": None,
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Bern"}'}}]}}
    upstream.plan.append(respond(data))
    got = ask(client(router), tools=[tool], tool_choice="auto")
    assert got.choices[0].message.tool_calls[0].function.arguments == '{"city": "Bern"}'
    assert upstream.last.json["tools"] == [tool]
    again = client(router).chat.completions.create(model="auto", messages=[
        {"role": "user", "content": "weather?"}, got.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}])
    assert again.choices[0].message.content == "Hello there."
    assert upstream.last.json["messages"][1]["tool_calls"][0]["id"] == "call_1"


def test_structured_output(router, upstream):
    schema = {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": {
        "type": "object", "properties": {"age": {"type": "integer", "maximum": 12345678901234567890}},
        "required": ["age"], "additionalProperties": False}}}
    upstream.plan.append(respond(completion('{"age": 7}')))
    got = ask(client(router), response_format=schema)
    assert json.loads(got.choices[0].message.content) == {"age": 7}
    assert b"12345678901234567890" in upstream.last.body  # a number keeps its spelling


def test_images_reach_the_model(router, upstream):
    parts = [{"type": "text", "text": "what is this"},
             {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0KGgo" * 50}}]
    client(router).chat.completions.create(model="auto", messages=[{"role": "user", "content": parts}])
    assert upstream.last.json["messages"][0]["content"] == parts


def test_embeddings_and_completions_pass_by_model_name(router, upstream):
    upstream.plan.append(respond({"object": "list", "model": "general", "data": [
        {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}], "usage": {"prompt_tokens": 1, "total_tokens": 1}}))
    got = client(router).embeddings.create(model="general", input="text", encoding_format="float")
    assert got.data[0].embedding == [0.5, 0.25] and upstream.last.path == "/v1/embeddings"
    upstream.plan.append(respond({"id": "c", "object": "text_completion", "created": 1, "model": "general",
                                  "choices": [{"index": 0, "text": "done", "finish_reason": "stop", "logprobs": None}]}))
    assert client(router).completions.create(model="general", prompt="go").choices[0].text == "done"
    assert upstream.last.path == "/v1/completions"


def test_models_are_listed(router):
    assert "auto" in [m.id for m in client(router).models.list()]


@pytest.mark.parametrize("status, kind", [
    (400, openai.BadRequestError), (401, openai.AuthenticationError), (403, openai.PermissionDeniedError),
    (404, openai.NotFoundError), (429, openai.RateLimitError), (500, openai.InternalServerError)])
def test_upstream_errors_keep_status_and_body(router, upstream, status, kind):
    upstream.plan.append(error(status, f"upstream says {status}"))
    with pytest.raises(kind, match=f"upstream says {status}"):
        ask(client(router))


def test_router_errors_are_typed(router):
    api = client(router)
    with pytest.raises(openai.BadRequestError, match="not available"):
        api.chat.completions.create(model="ghost", messages=[{"role": "user", "content": "x"}])


def test_the_sdk_retries_what_it_should(router, upstream):
    upstream.plan += [error(503, "busy", retry_after=0), error(429, "slow down", retry_after=0)]
    assert ask(client(router, max_retries=3)).choices[0].message.content == "Hello there."
    assert len(upstream.requests) == 3


def test_a_client_timeout_cancels_the_upstream(router, upstream):
    def never(connection, request):
        upstream.closed = connection.recv(1) == b""
        return False
    upstream.plan.append(never)
    with pytest.raises(openai.APITimeoutError):
        ask(client(router, timeout=0.5))
    wait_until(lambda: getattr(upstream, "closed", False), 3, "the upstream connection's end")


def test_aborting_a_stream_cancels_the_upstream(router, upstream):
    upstream.plan.append(stream(*["piece "] * 2000, delay=0.01))
    answer = ask(client(router), stream=True)
    next(iter(answer))
    answer.close()
    assert upstream.closed_by_peer.wait(5 * SLOW)


def test_http_client_of_choice(router):
    with httpx.Client(base_url=router.url, timeout=10 * SLOW) as session:
        for _ in range(5):
            body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
            assert session.post("/v1/chat/completions", json=body).status_code == 200
