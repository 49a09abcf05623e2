/* Prompts from a fixed list of words. */
#include "load/target.h"

#include "codec/json_write.h"

static void put_prompt(struct sl_buf *out, uint64_t bytes)
{
    static const char words[] =
        "please explain in plain words how the tide follows the moon and why some harbours see two "
        "high waters a day while others see one; give an example from a place you know and say "
        "what "
        "a sailor has to plan for. ";
    while (bytes) {
        uint64_t n = bytes < sizeof(words) - 1 ? bytes : sizeof(words) - 1;
        sl_buf_add(out, sl_str_of(words, (size_t)n));
        bytes -= n;
    }
}

void sl_chat_body_write(struct sl_buf *out, const struct sl_chat_body *body)
{
    sl_buf_add(out, SL_STR("{\"model\":"));
    sl_json_escape(out, body->model);
    if (body->is_stream)
        sl_buf_add(out, SL_STR(",\"stream\":true"));
    if (body->max_tokens)
        sl_buf_printf(out, ",\"max_tokens\":%lld", (long long)body->max_tokens);
    sl_buf_add(out, SL_STR(",\"messages\":[{\"role\":\"user\",\"content\":\""));
    put_prompt(out, body->prompt_bytes); /* plain ASCII, nothing to escape */
    sl_buf_add(out, SL_STR("\"}]}"));
}
