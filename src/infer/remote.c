/* See remote.h. */
#include "infer/remote.h"

#include "codec/json.h"
#include "codec/json_write.h"

#include <math.h>

#define MAX_DIMENSION 65536u

void sl_remote_write(struct sl_buf *out, const struct sl_embedding_cfg *cfg,
                     const struct sl_infer *infer, const uint32_t *ids, uint32_t n)
{
    struct sl_json_writer w;
    sl_json_writer_init(&w, out);
    sl_json_open(&w, '{');
    sl_json_key(&w, SL_STR("model"));
    sl_json_put_str(&w, cfg->remote.model);
    sl_json_key(&w, SL_STR("input"));
    sl_json_open(&w, '[');
    for (uint32_t i = 0; i < n; i++)
        sl_json_put_str(&w, infer->asks[ids[i]].text);
    sl_json_close(&w, ']');
    if (cfg->remote.dimensions > 0) {
        sl_json_key(&w, SL_STR("dimensions"));
        sl_json_put_i64(&w, cfg->remote.dimensions);
    }
    sl_json_close(&w, '}');
}

static enum sl_rc read_numbers(const struct sl_json *json, sl_json_ref list, float *to,
                               struct sl_err *err)
{
    uint32_t k = 0;
    double sum = 0;
    for (sl_json_ref r = sl_json_first(json, list); r != SL_JSON_NONE;
         r = sl_json_after(json, list, r)) {
        double number;
        if (!sl_json_f64(json, r, &number) || !(fabs(number) < 1e30))
            return sl_err_set(err, SL_INVALID, "an embedding holds something that is no number");
        sum += number * number;
    }
    double length = sqrt(sum), number = 0;
    for (sl_json_ref r = sl_json_first(json, list); r != SL_JSON_NONE;
         r = sl_json_after(json, list, r)) {
        (void)sl_json_f64(json, r, &number);
        to[k++] = length > 0 ? (float)(number / length) : 0;
    }
    return SL_OK;
}

static enum sl_rc read_item(const struct sl_json *json, sl_json_ref item, uint32_t place,
                            struct sl_vector *out, uint32_t n, struct sl_arena *arena,
                            struct sl_err *err)
{
    int64_t index = place;
    sl_json_ref list = sl_json_get(json, item, SL_STR("embedding"));
    sl_json_ref given = sl_json_get(json, item, SL_STR("index"));
    if (given != SL_JSON_NONE && !sl_json_i64(json, given, &index))
        return sl_err_set(err, SL_INVALID, "data[%u].index is no integer", place);
    if (index < 0 || index >= n)
        return sl_err_set(err, SL_INVALID, "data[%u].index is %lld, expected below %u", place,
                          (long long)index, n);
    if (out[index].p)
        return sl_err_set(err, SL_INVALID, "index %lld was answered twice", (long long)index);
    if (list == SL_JSON_NONE || sl_json_type(json, list) != SL_JSON_ARRAY)
        return sl_err_set(err, SL_INVALID, "data[%u].embedding is no array", place);
    uint32_t length = sl_json_count(json, list);
    if (!length || length > MAX_DIMENSION)
        return sl_err_set(err, SL_INVALID, "data[%u].embedding has %u numbers", place, length);
    float *numbers = SL_NEW_ARRAY(arena, float, length);
    if (!numbers)
        return sl_err_set(err, SL_NOMEM, "out of memory for the answer");
    out[index] = (struct sl_vector){numbers, length};
    return read_numbers(json, list, numbers, err);
}

enum sl_rc sl_remote_read(struct sl_vector *out, uint32_t n, sl_str body,
                          const struct sl_embedding_cfg *cfg, struct sl_arena *arena,
                          struct sl_err *err)
{
    struct sl_json json;
    enum sl_rc rc = sl_json_parse(&json, arena, body, NULL, err);
    if (rc != SL_OK)
        return rc;
    sl_json_ref data = sl_json_get(&json, 0, SL_STR("data"));
    if (data == SL_JSON_NONE || sl_json_type(&json, data) != SL_JSON_ARRAY)
        return sl_err_set(err, SL_INVALID, "the answer has no array \"data\"");
    if (sl_json_count(&json, data) != n)
        return sl_err_set(err, SL_INVALID, "%u embeddings for %u texts", sl_json_count(&json, data),
                          n);
    memset(out, 0, n * sizeof(*out));
    uint32_t place = 0;
    for (sl_json_ref r = sl_json_first(&json, data); r != SL_JSON_NONE && rc == SL_OK;
         r = sl_json_after(&json, data, r))
        rc = read_item(&json, r, place++, out, n, arena, err);
    uint32_t wanted = cfg->dimension ? cfg->dimension : rc == SL_OK ? out[0].n : 0;
    for (uint32_t i = 0; i < n && rc == SL_OK; i++)
        if (out[i].n != wanted)
            rc = sl_err_set(err, SL_INVALID, "an embedding has %u numbers, expected %u", out[i].n,
                            wanted);
    return rc;
}
