/*
 * Chat completions and completions: what to answer (words, a tool call, an instance of the asked
 * schema), with the right finish reason and usage, and the whole JSON form of it.
 */
#include "mock/mock_impl.h"

#include "base/clock.h"
#include "codec/json_write.h"

sl_str sl_mock_word(const struct sl_mock_answer *answer, sl_str model, int64_t i)
{
    static const sl_str opening[] = {SL_STR_INIT("This"), SL_STR_INIT(" is"), SL_STR_INIT(" an"),
                                     SL_STR_INIT(" answer"), SL_STR_INIT(" from ")};
    static const sl_str filler[] = {
        SL_STR_INIT(","),      SL_STR_INIT(" word"),  SL_STR_INIT(" by"), SL_STR_INIT(" word"),
        SL_STR_INIT(","),      SL_STR_INIT(" as"),    SL_STR_INIT(" a"),  SL_STR_INIT(" model"),
        SL_STR_INIT(" would"), SL_STR_INIT(" write"), SL_STR_INIT(" it"),
    };
    if (answer->content.p)
        return i ? SL_STR("") : answer->content;
    if (i < (int64_t)SL_COUNT(opening))
        return opening[i];
    if (i == (int64_t)SL_COUNT(opening))
        return model;
    return filler[(uint64_t)(i - (int64_t)SL_COUNT(opening) - 1) % SL_COUNT(filler)];
}

/* Text bytes of a message's content: a string, or the text parts of a list. */
static int64_t content_bytes(const struct sl_json *json, sl_json_ref content)
{
    int64_t bytes = 0;
    if (content == SL_JSON_NONE)
        return 0;
    if (sl_json_type(json, content) == SL_JSON_STRING)
        return json->nodes[content].len;
    if (sl_json_type(json, content) != SL_JSON_ARRAY)
        return 0;
    for (sl_json_ref r = sl_json_first(json, content); r != SL_JSON_NONE;
         r = sl_json_after(json, content, r)) {
        sl_json_ref text = sl_json_get(json, r, SL_STR("text"));
        if (text != SL_JSON_NONE)
            bytes += json->nodes[text].len;
    }
    return bytes;
}

/* Four bytes a token, four tokens a message: near enough for a fake bill. */
static int64_t prompt_tokens(const struct sl_json *json, sl_json_ref *last_message)
{
    int64_t tokens = 0;
    *last_message = SL_JSON_NONE;
    sl_json_ref messages = sl_json_get(json, 0, SL_STR("messages"));
    if (messages != SL_JSON_NONE && sl_json_type(json, messages) == SL_JSON_ARRAY) {
        for (sl_json_ref r = sl_json_first(json, messages); r != SL_JSON_NONE;
             r = sl_json_after(json, messages, r)) {
            tokens += 4 + (content_bytes(json, sl_json_get(json, r, SL_STR("content"))) + 3) / 4;
            *last_message = r;
        }
    }
    sl_json_ref prompt = sl_json_get(json, 0, SL_STR("prompt"));
    if (prompt != SL_JSON_NONE)
        tokens += (json->nodes[prompt].len + 3) / 4;
    return tokens;
}

/* The tool to call: the one tool_choice names, or the first; NONE when text is wanted. */
static sl_json_ref wanted_tool(struct sl_mock_request *r, sl_json_ref last_message)
{
    const struct sl_json *j = &r->body;
    sl_json_ref tools = sl_json_get(j, 0, SL_STR("tools"));
    sl_json_ref choice = sl_json_get(j, 0, SL_STR("tool_choice"));
    if (tools == SL_JSON_NONE || sl_json_type(j, tools) != SL_JSON_ARRAY ||
        !sl_json_count(j, tools))
        return SL_JSON_NONE;
    if (choice != SL_JSON_NONE && sl_json_is_str(j, choice, SL_STR("none")))
        return SL_JSON_NONE;
    bool is_forced = choice != SL_JSON_NONE && !sl_json_is_str(j, choice, SL_STR("auto"));
    if (!is_forced && last_message != SL_JSON_NONE &&
        !sl_json_is_str(j, sl_json_get(j, last_message, SL_STR("role")), SL_STR("user")))
        return SL_JSON_NONE; /* a tool has answered: now the text */
    sl_json_ref named = SL_JSON_NONE;
    if (choice != SL_JSON_NONE && sl_json_type(j, choice) == SL_JSON_OBJECT)
        named = sl_json_get(j, sl_json_get(j, choice, SL_STR("function")), SL_STR("name"));
    sl_str name = sl_json_str(j, named, r->x->arena);
    for (sl_json_ref t = sl_json_first(j, tools); t != SL_JSON_NONE;
         t = sl_json_after(j, tools, t)) {
        sl_json_ref function = sl_json_get(j, t, SL_STR("function"));
        if (function == SL_JSON_NONE)
            continue;
        if (!name.p || sl_json_is_str(j, sl_json_get(j, function, SL_STR("name")), name))
            return function;
    }
    return SL_JSON_NONE;
}

static sl_str instance(struct sl_mock_request *r, sl_json_ref schema)
{
    struct sl_buf text;
    sl_str out = SL_STR("{}");
    sl_buf_init(&text, 1 << 20);
    if (schema != SL_JSON_NONE && sl_mock_instance(&text, &r->body, schema, r->x->arena))
        out = sl_arena_dup(r->x->arena, sl_buf_str(&text));
    sl_buf_free(&text);
    return out.p ? out : SL_STR("{}");
}

static void decide_shape(struct sl_mock_request *r, struct sl_mock_answer *answer,
                         sl_json_ref last_message)
{
    const struct sl_json *j = &r->body;
    sl_json_ref tool = wanted_tool(r, last_message);
    if (tool != SL_JSON_NONE) {
        answer->tool_name = sl_json_str(j, sl_json_get(j, tool, SL_STR("name")), r->x->arena);
        answer->tool_args = instance(r, sl_json_get(j, tool, SL_STR("parameters")));
        answer->finish_reason = "tool_calls";
        answer->n_tok = 1 + (int64_t)answer->tool_args.n / 4;
        return;
    }
    sl_json_ref format = sl_json_get(j, 0, SL_STR("response_format"));
    sl_json_ref kind = sl_json_get(j, format, SL_STR("type"));
    if (sl_json_is_str(j, kind, SL_STR("json_schema"))) {
        sl_json_ref schema = sl_json_get(j, format, SL_STR("json_schema"));
        answer->content = instance(r, sl_json_get(j, schema, SL_STR("schema")));
    } else if (sl_json_is_str(j, kind, SL_STR("json_object"))) {
        answer->content = SL_STR("{\"answer\":\"mock\"}");
    }
    if (answer->content.p)
        answer->n_tok = 1 + (int64_t)answer->content.n / 4;
}

static void read_answer(struct sl_mock_request *r, enum sl_mock_kind kind,
                        struct sl_mock_answer *answer)
{
    const struct sl_json *j = &r->body;
    sl_json_ref last_message;
    int64_t limit = INT64_MAX, n = 1;
    *answer = (struct sl_mock_answer){
        .kind = kind,
        .tool_name = SL_STR(""),
        .n_tok = r->plan.tokens,
        .finish_reason = "stop",
        .id = ++r->mock->n_answers,
    };
    answer->prompt_tok = prompt_tokens(j, &last_message);
    if (kind == SL_MOCK_CHAT)
        decide_shape(r, answer, last_message);
    sl_json_i64(j, sl_json_get(j, 0, SL_STR("max_tokens")), &limit);
    sl_json_i64(j, sl_json_get(j, 0, SL_STR("max_completion_tokens")), &limit);
    if (limit >= 0 && answer->n_tok > limit && !answer->content.p && !answer->tool_name.n) {
        answer->n_tok = limit;
        answer->finish_reason = "length";
    }
    sl_json_i64(j, sl_json_get(j, 0, SL_STR("n")), &n);
    answer->n_choices = n < 1 ? 1 : n > 16 ? 16 : n;
    sl_json_bool(
        j, sl_json_get(j, sl_json_get(j, 0, SL_STR("stream_options")), SL_STR("include_usage")),
        &answer->wants_usage);
}

void sl_mock_put_usage(struct sl_buf *out, const struct sl_mock_answer *answer)
{
    int64_t completion = answer->n_tok * answer->n_choices;
    sl_buf_printf(out,
                  "{\"prompt_tokens\":%lld,\"completion_tokens\":%lld,\"total_tokens\":%lld,"
                  "\"prompt_tokens_details\":{\"cached_tokens\":0},"
                  "\"completion_tokens_details\":{\"reasoning_tokens\":0}}",
                  (long long)answer->prompt_tok, (long long)completion,
                  (long long)(answer->prompt_tok + completion));
}

static void put_words(struct sl_buf *out, const struct sl_mock_answer *answer, sl_str model)
{
    struct sl_buf text;
    if (answer->content.p) {
        sl_json_escape(out, answer->content);
        return;
    }
    sl_buf_init(&text, SL_MOCK_MAX_ANSWER);
    for (int64_t i = 0; i < answer->n_tok; i++)
        sl_buf_add(&text, sl_mock_word(answer, model, i));
    sl_json_escape(out, sl_buf_str(&text));
    sl_buf_free(&text);
}

static void put_choice(struct sl_buf *out, const struct sl_mock_answer *answer,
                       struct sl_mock_request *r, int64_t index)
{
    sl_buf_printf(out, "%s{\"index\":%lld,", index ? "," : "", (long long)index);
    if (answer->kind == SL_MOCK_COMPLETION) {
        sl_buf_add(out, SL_STR("\"text\":"));
        put_words(out, answer, r->model);
    } else if (answer->tool_name.n) {
        sl_buf_printf(out,
                      "\"message\":{\"role\":\"assistant\",\"content\":null,\"refusal\":null,"
                      "\"tool_calls\":[{\"id\":\"call_%llu\",\"type\":\"function\","
                      "\"function\":{\"name\":",
                      (unsigned long long)answer->id);
        sl_json_escape(out, answer->tool_name);
        sl_buf_add(out, SL_STR(",\"arguments\":"));
        sl_json_escape(out, answer->tool_args);
        sl_buf_add(out, SL_STR("}}]}"));
    } else {
        sl_buf_add(out, SL_STR("\"message\":{\"role\":\"assistant\",\"content\":"));
        put_words(out, answer, r->model);
        sl_buf_add(out, SL_STR(",\"refusal\":null}"));
    }
    sl_buf_printf(out, ",\"logprobs\":null,\"finish_reason\":\"%s\"}", answer->finish_reason);
}

static void reply_json(struct sl_mock_request *r, const struct sl_mock_answer *answer, sl_str body)
{
    struct sl_buf *out = &r->mock->out;
    bool is_chat = answer->kind == SL_MOCK_CHAT;
    sl_buf_reset(out);
    sl_buf_printf(out, "{\"id\":\"%s-mock-%llu\",\"object\":\"%s\",\"created\":%lld,\"model\":",
                  is_chat ? "chatcmpl" : "cmpl", (unsigned long long)answer->id,
                  is_chat ? "chat.completion" : "text_completion", (long long)sl_clock_unix_s());
    sl_json_escape(out, r->model);
    sl_buf_add(out, SL_STR(",\"choices\":["));
    for (int64_t i = 0; i < answer->n_choices; i++)
        put_choice(out, answer, r, i);
    sl_buf_add(out, SL_STR("],\"usage\":"));
    sl_mock_put_usage(out, answer);
    sl_buf_add(out, SL_STR(",\"system_fingerprint\":\"mock\""));
    if (r->plan.echo) {
        sl_buf_add(out, SL_STR(",\"mock_received\":"));
        sl_mock_put_received(out, r->x, body);
    }
    sl_buf_add_char(out, '}');
    if (out->is_full)
        sl_mock_reply_error(r, 500, "server_error", "the answer is larger than 64 MiB");
    else
        sl_mock_reply(r, 200, sl_buf_str(out));
}

void sl_mock_chat(struct sl_mock_request *r, enum sl_mock_kind kind)
{
    struct sl_mock_answer answer;
    bool is_stream = false;
    const char *needed = kind == SL_MOCK_CHAT ? "messages" : "prompt";
    if (sl_json_get(&r->body, 0, sl_str_from(needed)) == SL_JSON_NONE) {
        sl_mock_reply_error(r, 400, "invalid_request_error",
                            kind == SL_MOCK_CHAT ? "you must provide a messages parameter"
                                                 : "you must provide a prompt parameter");
        return;
    }
    read_answer(r, kind, &answer);
    sl_json_bool(&r->body, sl_json_get(&r->body, 0, SL_STR("stream")), &is_stream);
    sl_mock_count(r->mock->shared, SL_MOCK_TOKENS, (uint64_t)answer.n_tok);
    if (is_stream)
        sl_mock_stream_start(r, &answer);
    else
        reply_json(r, &answer, r->body.text);
}
