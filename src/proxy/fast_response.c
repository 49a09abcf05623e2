/* Every field that the reference writes is written, the empty ones too: clients may read them. */
#include "proxy/fast_response.h"

#include "codec/json_write.h"

void sl_fast_response_json(struct sl_buf *out, sl_str message, int64_t unix_s)
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

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* A word with the blanks behind it. */
static sl_str next_piece(sl_str *rest)
{
    size_t n = 0;
    while (n < rest->n && is_blank(rest->p[n]))
        n++;
    while (n < rest->n && !is_blank(rest->p[n]))
        n++;
    while (n < rest->n && is_blank(rest->p[n]))
        n++;
    sl_str piece = sl_str_sub(*rest, 0, n);
    *rest = sl_str_sub(*rest, n, rest->n);
    return piece;
}

static void put_chunk(struct sl_buf *out, sl_str content, bool is_first, bool is_last,
                      int64_t unix_s)
{
    sl_buf_add(out, SL_STR("data: {\"choices\":[{\"delta\":{"));
    if (!is_last) {
        sl_buf_add(out, SL_STR("\"content\":"));
        sl_json_escape(out, content);
    }
    if (is_first)
        sl_buf_add(out, SL_STR(",\"role\":\"assistant\""));
    sl_buf_printf(out,
                  "},\"finish_reason\":%s,\"index\":0}],\"created\":%lld,"
                  "\"id\":\"chatcmpl-fast-%lld\",\"model\":\"router\","
                  "\"object\":\"chat.completion.chunk\"}\n\n",
                  is_last ? "\"stop\"" : "null", (long long)unix_s, (long long)unix_s);
}

void sl_fast_response_sse(struct sl_buf *out, sl_str message, int64_t unix_s)
{
    bool is_first = true;
    do {
        put_chunk(out, next_piece(&message), is_first, false, unix_s);
        is_first = false;
    } while (message.n);
    put_chunk(out, message, false, true, unix_s);
    sl_buf_add(out, SL_STR("data: [DONE]\n\n"));
}
