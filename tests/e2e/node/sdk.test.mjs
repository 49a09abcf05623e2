// The official Node SDK against a running router (SLUICE_URL) whose models are mocks.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";

const api = new OpenAI({ baseURL: process.env.SLUICE_URL + "/v1", apiKey: "key", maxRetries: 0, timeout: 20000 });
const user = (content) => [{ role: "user", content }];

test("a question is routed", async () => {
  const { data, response } = await api.chat.completions.create({ model: "auto", messages: user("a python question") }).withResponse();
  assert.equal(response.headers.get("x-vsr-selected-decision"), "d_python");
  assert.ok(data.choices[0].message.content.length > 0);
});

test("many at once", async () => {
  const all = await Promise.all(Array.from({ length: 40 }, (_, i) => api.chat.completions.create({ model: "auto", messages: user(`q${i}`) })));
  assert.ok(all.every((answer) => answer.choices.length === 1));
});

test("streaming", async () => {
  let text = "", chunks = 0;
  for await (const chunk of await api.chat.completions.create({ model: "auto", stream: true, messages: user("tell me") })) {
    text += chunk.choices[0]?.delta?.content ?? "";
    chunks++;
    assert.ok(!chunk.usage);
  }
  assert.ok(text.length > 0 && chunks > 1);
});

test("streaming with usage", async () => {
  let usage = null;
  for await (const chunk of await api.chat.completions.create({ model: "auto", stream: true, stream_options: { include_usage: true }, messages: user("tell me") })) {
    usage = chunk.usage ?? usage;
  }
  assert.ok(usage.total_tokens > 0);
});

test("tools", async () => {
  const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } } }];
  const answer = await api.chat.completions.create({ model: "auto", tools, messages: user("weather in Bern?") });
  assert.ok(answer.choices[0].message.tool_calls || answer.choices[0].message.content);
});

test("a typed error", async () => {
  await assert.rejects(api.chat.completions.create({ model: "ghost", messages: user("x") }), (problem) => problem instanceof OpenAI.BadRequestError && /not available/.test(problem.message));
});

test("an aborted stream", async () => {
  const stream = await api.chat.completions.create({ model: "auto", stream: true, messages: user("tell me much") });
  for await (const _ of stream) {
    stream.controller.abort();
    break;
  }
  const answer = await api.chat.completions.create({ model: "auto", messages: user("still there?") });
  assert.equal(answer.choices.length, 1);
});

test("embeddings", async () => {
  const answer = await api.embeddings.create({ model: "general", input: ["a", "b"], encoding_format: "float" });
  assert.equal(answer.data.length, 2);
});

test("models", async () => {
  const ids = [];
  for await (const model of api.models.list()) ids.push(model.id);
  assert.ok(ids.includes("auto"));
});
