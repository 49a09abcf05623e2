/*
 * Toy embeddings: every word adds a direction drawn from its hash, then the vector is scaled to
 * length one. Texts that share words are near each other; equal texts are equal.
 */
#include "mock/mock_impl.h"

#include "base/hash.h"
#include "codec/json_write.h"

#include <math.h>

#define MAX_DIMENSIONS 4096

static void embed(sl_str text, float *vector, size_t n)
{
    for (size_t i = 0; i < n; i++)
        vector[i] = 0;
    sl_str word;
    while (sl_str_split(&text, ' ', &word)) {
        uint64_t seed = sl_hash(word, 7);
        for (size_t i = 0; i < n && word.n; i++) {
            seed = sl_hash_u64(i, seed);
            vector[i] += (float)(int64_t)seed * 0x1p-63f;
        }
    }
    float norm = 0;
    for (size_t i = 0; i < n; i++)
        norm += vector[i] * vector[i];
    norm = norm > 0 ? 1.0f / sqrtf(norm) : 0;
    for (size_t i = 0; i < n; i++)
        vector[i] *= norm;
}

static void put_base64(struct sl_buf *out, const void *data, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) |
                     (i + 2 < n ? p[i + 2] : 0);
        sl_buf_add_char(out, digits[v >> 18]);
        sl_buf_add_char(out, digits[v >> 12 & 63]);
        sl_buf_add_char(out, i + 1 < n ? digits[v >> 6 & 63] : '=');
        sl_buf_add_char(out, i + 2 < n ? digits[v & 63] : '=');
    }
}

static void put_vector(struct sl_mock_request *r, sl_str text, size_t n, bool is_base64,
                       uint32_t index)
{
    struct sl_buf *out = &r->mock->out;
    float *vector = sl_arena_alloc(r->x->arena, n * sizeof(float));
    sl_buf_printf(out, "%s{\"object\":\"embedding\",\"index\":%u,\"embedding\":", index ? "," : "",
                  index);
    if (!vector) {
        out->is_full = true;
        return;
    }
    embed(text, vector, n);
    if (is_base64) {
        sl_buf_add_char(out, '"');
        put_base64(out, vector, n * sizeof(float));
        sl_buf_add_char(out, '"');
    } else {
        for (size_t i = 0; i < n; i++)
            sl_buf_printf(out, "%c%.7g", i ? ',' : '[', (double)vector[i]);
        sl_buf_add_char(out, ']');
    }
    sl_buf_add_char(out, '}');
}

void sl_mock_embeddings(struct sl_mock_request *r)
{
    const struct sl_json *j = &r->body;
    struct sl_buf *out = &r->mock->out;
    sl_json_ref input = sl_json_get(j, 0, SL_STR("input"));
    int64_t n = 64, bytes = 0;
    if (input == SL_JSON_NONE) {
        sl_mock_reply_error(r, 400, "invalid_request_error", "you must provide an input parameter");
        return;
    }
    sl_json_i64(j, sl_json_get(j, 0, SL_STR("dimensions")), &n);
    n = n < 1 ? 1 : n > MAX_DIMENSIONS ? MAX_DIMENSIONS : n;
    bool is_base64 =
        sl_json_is_str(j, sl_json_get(j, 0, SL_STR("encoding_format")), SL_STR("base64"));
    sl_buf_reset(out);
    sl_buf_add(out, SL_STR("{\"object\":\"list\",\"data\":["));
    if (sl_json_type(j, input) == SL_JSON_ARRAY) {
        uint32_t index = 0;
        for (sl_json_ref v = sl_json_first(j, input); v != SL_JSON_NONE;
             v = sl_json_after(j, input, v)) {
            sl_str text = sl_json_str(j, v, r->x->arena);
            bytes += (int64_t)text.n;
            put_vector(r, text.p ? text : sl_json_raw(j, v), (size_t)n, is_base64, index++);
        }
    } else {
        sl_str text = sl_json_str(j, input, r->x->arena);
        bytes = (int64_t)text.n;
        put_vector(r, text, (size_t)n, is_base64, 0);
    }
    sl_buf_add(out, SL_STR("],\"model\":"));
    sl_json_escape(out, r->model);
    sl_buf_printf(out, ",\"usage\":{\"prompt_tokens\":%lld,\"total_tokens\":%lld}}",
                  (long long)(bytes + 3) / 4, (long long)(bytes + 3) / 4);
    if (out->is_full)
        sl_mock_reply_error(r, 500, "server_error", "the answer is too large");
    else
        sl_mock_reply(r, 200, sl_buf_str(out));
}
