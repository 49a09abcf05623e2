/* Answers in the OpenAI shape. See the header. */
#include "dialect/openai/answer.h"
#include "codec/json_write.h"

#include <stdio.h>

static const sl_str router_model = SL_STR_INIT("router");

static uint64_t count_of(const struct sl_json *j, sl_json_ref object, sl_str key)
{
    int64_t value;
    return sl_json_i64(j, sl_json_get(j, object, key), &value) && value > 0 ? (uint64_t)value : 0;
}

bool sl_answer_usage(const struct sl_json *answer, struct sl_usage *out)
{
    *out = (struct sl_usage){0};
    sl_json_ref usage = sl_json_get(answer, 0, SL_STR("usage"));
    if (usage == SL_JSON_NONE || sl_json_type(answer, usage) != SL_JSON_OBJECT)
        return false;
    sl_json_ref prompt = sl_json_get(answer, usage, SL_STR("prompt_tokens_details"));
    sl_json_ref completion = sl_json_get(answer, usage, SL_STR("completion_tokens_details"));
    out->is_present = true;
    out->prompt_tok = count_of(answer, usage, SL_STR("prompt_tokens"));
    out->completion_tok = count_of(answer, usage, SL_STR("completion_tokens"));
    out->total_tok = count_of(answer, usage, SL_STR("total_tokens"));
    out->cached_tok = count_of(answer, prompt, SL_STR("cached_tokens"));
    out->cache_write_tok = count_of(answer, prompt, SL_STR("cache_write_tokens"));
    out->reasoning_tok = count_of(answer, completion, SL_STR("reasoning_tokens"));
    return true;
}

const char *sl_error_type(int status)
{
    switch (status) {
    case 401:
        return "authentication_error";
    case 403:
        return "permission_error";
    case 408:
    case 504:
        return "timeout_error";
    case 429:
        return "rate_limit_error";
    default:
        return status >= 500 ? "server_error" : "invalid_request_error";
    }
}

void sl_answer_error(struct sl_buf *out, int status, sl_str message)
{
    struct sl_json_writer w;
    sl_json_writer_init(&w, out);
    sl_json_open(&w, '{');
    sl_json_key(&w, SL_STR("error"));
    sl_json_open(&w, '{');
    sl_json_key(&w, SL_STR("message"));
    sl_json_put_str(&w, message);
    sl_json_key(&w, SL_STR("type"));
    sl_json_put_str(&w, sl_str_from(sl_error_type(status)));
    sl_json_key(&w, SL_STR("code"));
    sl_json_put_i64(&w, status);
    sl_json_close(&w, '}');
    sl_json_close(&w, '}');
}

/* ---- fast_response ----------------------------------------------------------------------- */

static void put_head(struct sl_json_writer *w, const char *object, int64_t unix_s)
{
    char id[48];
    int n = snprintf(id, sizeof id, "chatcmpl-fast-%lld", (long long)unix_s);
    sl_json_open(w, '{');
    sl_json_key(w, SL_STR("id"));
    sl_json_put_str(w, sl_str_of(id, (size_t)n));
    sl_json_key(w, SL_STR("object"));
    sl_json_put_str(w, sl_str_from(object));
    sl_json_key(w, SL_STR("created"));
    sl_json_put_i64(w, unix_s);
    sl_json_key(w, SL_STR("model"));
    sl_json_put_str(w, router_model);
    sl_json_key(w, SL_STR("choices"));
    sl_json_open(w, '[');
}

static void put_no_usage(struct sl_json_writer *w)
{
    sl_json_key(w, SL_STR("usage"));
    sl_json_put_raw(w, SL_STR("{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}"));
}

/* Every field that the reference writes is written, the empty ones too: clients may read them. */
void sl_answer_fast_json(struct sl_buf *out, sl_str message, int64_t unix_s)
{
    sl_buf_printf(out, "{\"id\":\"chatcmpl-fast-%lld\",\"choices\":[{\"finish_reason\":\"stop\",",
                  (long long)unix_s);
    sl_buf_add(out, SL_STR("\"index\":0,\"logprobs\":{\"content\":null,\"refusal\":null},"
                           "\"message\":{\"content\":"));
    sl_json_escape(out, message);
    sl_buf_add(out,
               SL_STR(",\"refusal\":\"\",\"role\":\"assistant\",\"annotations\":null,\"audio\":"
                      "{\"id\":\"\",\"data\":\"\",\"expires_at\":0,\"transcript\":\"\"},"
                      "\"function_call\":{\"arguments\":\"\",\"name\":\"\"},"
                      "\"tool_calls\":null}}]"));
    sl_buf_printf(out, ",\"created\":%lld,\"model\":\"router\",\"object\":\"chat.completion\",",
                  (long long)unix_s);
    sl_buf_add(out, SL_STR("\"service_tier\":\"\",\"system_fingerprint\":\"\",\"usage\":"
                           "{\"completion_tokens\":0,\"prompt_tokens\":0,\"total_tokens\":0,"
                           "\"completion_tokens_details\":{\"accepted_prediction_tokens\":0,"
                           "\"audio_tokens\":0,\"reasoning_tokens\":0,"
                           "\"rejected_prediction_tokens\":0},"
                           "\"prompt_tokens_details\":{\"audio_tokens\":0,\"cached_tokens\":0}}}"));
}

/* One event; content.p == NULL: the empty delta that ends the choice. */
static void put_chunk(struct sl_buf *out, sl_str content, bool is_first, int64_t unix_s)
{
    struct sl_json_writer w;
    sl_json_writer_init(&w, out);
    sl_buf_add(out, SL_STR("data: "));
    put_head(&w, "chat.completion.chunk", unix_s);
    sl_json_open(&w, '{');
    sl_json_key(&w, SL_STR("index"));
    sl_json_put_i64(&w, 0);
    sl_json_key(&w, SL_STR("delta"));
    sl_json_open(&w, '{');
    if (is_first) {
        sl_json_key(&w, SL_STR("role"));
        sl_json_put_str(&w, SL_STR("assistant"));
    }
    if (content.p) {
        sl_json_key(&w, SL_STR("content"));
        sl_json_put_str(&w, content);
    }
    sl_json_close(&w, '}');
    sl_json_key(&w, SL_STR("finish_reason"));
    if (content.p)
        sl_json_put_null(&w);
    else
        sl_json_put_str(&w, SL_STR("stop"));
    sl_json_close(&w, '}');
    sl_json_close(&w, ']');
    sl_json_close(&w, '}');
    sl_buf_add(out, SL_STR("\n\n"));
}

static inline bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next word with the blanks behind it; blanks at the start belong to the first word. */
static sl_str take_word(sl_str *rest)
{
    size_t n = 0;
    while (n < rest->n && is_blank(rest->p[n]))
        n++;
    while (n < rest->n && !is_blank(rest->p[n]))
        n++;
    while (n < rest->n && is_blank(rest->p[n]))
        n++;
    sl_str word = {rest->p, n};
    *rest = sl_str_sub(*rest, n, rest->n);
    return word;
}

void sl_answer_fast_sse(struct sl_buf *out, sl_str message, bool wants_usage, int64_t unix_s)
{
    bool is_first = true;
    do {
        put_chunk(out, message.n ? take_word(&message) : SL_STR(""), is_first, unix_s);
        is_first = false;
    } while (message.n);
    put_chunk(out, (sl_str){NULL, 0}, false, unix_s);
    if (wants_usage) {
        struct sl_json_writer w;
        sl_json_writer_init(&w, out);
        sl_buf_add(out, SL_STR("data: "));
        put_head(&w, "chat.completion.chunk", unix_s);
        sl_json_close(&w, ']');
        put_no_usage(&w);
        sl_json_close(&w, '}');
        sl_buf_add(out, SL_STR("\n\n"));
    }
    sl_buf_add(out, SL_STR("data: [DONE]\n\n"));
}

/* ---- models ------------------------------------------------------------------------------ */

static void put_model(struct sl_json_writer *w, const struct sl_config *config,
                      const struct sl_name_entry *entry, int64_t unix_s)
{
    bool is_concrete = entry->kind == SL_NAME_CONCRETE;
    sl_json_open(w, '{');
    sl_json_key(w, SL_STR("id"));
    sl_json_put_str(w, entry->name);
    sl_json_key(w, SL_STR("object"));
    sl_json_put_str(w, SL_STR("model"));
    sl_json_key(w, SL_STR("created"));
    sl_json_put_i64(w, unix_s);
    sl_json_key(w, SL_STR("owned_by"));
    sl_json_put_str(w, is_concrete ? SL_STR("upstream-endpoint") : SL_STR("vllm-semantic-router"));
    if (entry->description.n) {
        sl_json_key(w, SL_STR("description"));
        sl_json_put_str(w, entry->description);
    }
    sl_json_key(w, SL_STR("routing"));
    sl_json_open(w, '{');
    sl_json_key(w, SL_STR("resolution"));
    sl_json_put_str(w, is_concrete ? SL_STR("passthrough") : SL_STR("virtual"));
    sl_json_key(w, SL_STR("selectable"));
    sl_json_put_bool(w, !is_concrete);
    if (entry->kind == SL_NAME_AUTO) {
        sl_json_key(w, SL_STR("default_route"));
        sl_json_put_bool(w, true);
    }
    if (entry->recipe < config->n_recipes) {
        sl_json_key(w, SL_STR("recipe"));
        sl_json_put_str(w, config->recipes[entry->recipe].name);
    }
    sl_json_close(w, '}');
    sl_json_close(w, '}');
}

void sl_answer_models(struct sl_buf *out, const struct sl_config *config, int64_t unix_s)
{
    struct sl_json_writer w;
    sl_json_writer_init(&w, out);
    sl_json_open(&w, '{');
    sl_json_key(&w, SL_STR("object"));
    sl_json_put_str(&w, SL_STR("list"));
    sl_json_key(&w, SL_STR("data"));
    sl_json_open(&w, '[');
    for (uint32_t i = 0; i < config->n_names; i++)
        if (config->names[i].is_listed)
            put_model(&w, config, &config->names[i], unix_s);
    sl_json_close(&w, ']');
    sl_json_close(&w, '}');
}
