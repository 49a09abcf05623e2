/*
 * OpenAI embeddings by the router's own model: the router as an embedding server. Input is a text
 * or a list of texts; vectors are numbers or, as the official SDKs ask, base64 of 32-bit floats.
 */
#include "proxy/parts.h"

#include "codec/base64.h"
#include "codec/json_write.h"
#include "route/bank.h"

#define MAX_TEXTS        1024
#define MAX_ANSWER_BYTES ((size_t)64 << 20)

struct embedding {
    sl_str *texts;
    uint32_t n, dimension;
    bool is_base64;
};

static sl_str folder_name(const struct sl_embedding_cfg *e)
{
    sl_str folder = e->folder;
    while (folder.n && folder.p[folder.n - 1] == '/')
        folder.n--;
    size_t from = folder.n;
    while (from && folder.p[from - 1] != '/')
        from--;
    return sl_str_sub(folder, from, folder.n);
}

bool sl_px_is_own_embedding(const struct sl_px *px)
{
    const struct sl_embedding_cfg *e = &px->lane->config->global.embedding;
    sl_str name = sl_str_trim(px->chat.model);
    return px->lane->engine && !e->is_remote && !sl_config_model(px->lane->config, name) &&
           (sl_str_eq(name, e->model_type) || sl_str_eq(name, folder_name(e)));
}

static bool refuse(struct sl_px *px, const char *why)
{
    sl_px_error(px, 400, "%s", why);
    return false;
}

static bool read_texts(struct sl_px *px, struct embedding *e)
{
    const struct sl_json *j = &px->json;
    sl_json_ref input = sl_json_get(j, 0, SL_STR("input"));
    bool is_list = input != SL_JSON_NONE && sl_json_type(j, input) == SL_JSON_ARRAY;
    uint32_t n = is_list ? sl_json_count(j, input) : 1;
    if (input == SL_JSON_NONE || !n || n > MAX_TEXTS)
        return refuse(px, "input must be a text or a list of 1 to 1024 texts");
    e->texts = SL_NEW_ARRAY(px->x->arena, sl_str, n);
    if (!e->texts)
        return refuse(px, "out of memory for this request");
    for (sl_json_ref r = is_list ? sl_json_first(j, input) : input; r != SL_JSON_NONE;
         r = is_list ? sl_json_after(j, input, r) : SL_JSON_NONE) {
        e->texts[e->n] = sl_json_str(j, r, px->x->arena);
        if (!e->texts[e->n].p)
            return refuse(px, "input must be texts; token ids are not taken, since they belong to "
                              "another model's vocabulary");
        e->n++;
    }
    return true;
}

static bool read_request(struct sl_px *px, struct embedding *e)
{
    const struct sl_json *j = &px->json;
    sl_json_ref format = sl_json_get(j, 0, SL_STR("encoding_format"));
    sl_json_ref dimensions = sl_json_get(j, 0, SL_STR("dimensions"));
    int64_t wanted = 0;
    if (!read_texts(px, e))
        return false;
    e->is_base64 = sl_json_is_str(j, format, SL_STR("base64"));
    if (format != SL_JSON_NONE && !e->is_base64 && !sl_json_is_str(j, format, SL_STR("float")))
        return refuse(px, "encoding_format must be float or base64");
    if (dimensions != SL_JSON_NONE &&
        (!sl_json_i64(j, dimensions, &wanted) || wanted < 1 || wanted > UINT32_MAX))
        return refuse(px, "dimensions must be a positive integer");
    e->dimension = (uint32_t)wanted;
    return true;
}

static void put_vector(struct sl_json_writer *w, struct sl_vector v, bool is_base64)
{
    sl_json_key(w, SL_STR("embedding"));
    if (!is_base64) {
        sl_json_open(w, '[');
        for (uint32_t k = 0; k < v.n; k++)
            sl_json_put_f64(w, (double)v.p[k]);
        sl_json_close(w, ']');
        return;
    }
    struct sl_buf text;
    sl_buf_init(&text, 1 << 20);
    sl_base64_encode(&text, sl_str_of((const char *)v.p, v.n * sizeof(float)));
    sl_json_put_str(w, sl_buf_str(&text));
    sl_buf_free(&text);
}

static void write_answer(struct sl_px *px, const struct embedding *e, struct sl_buf *out)
{
    struct sl_json_writer w;
    int64_t n_tok = 0;
    sl_json_writer_init(&w, out);
    sl_json_open(&w, '{');
    sl_json_key(&w, SL_STR("object"));
    sl_json_put_str(&w, SL_STR("list"));
    sl_json_key(&w, SL_STR("data"));
    sl_json_open(&w, '[');
    for (uint32_t i = 0; i < e->n; i++) {
        const struct sl_infer_ask *ask = sl_infer_embed(&px->infer, e->texts[i]);
        n_tok += ask->n_tok;
        sl_json_open(&w, '{');
        sl_json_key(&w, SL_STR("object"));
        sl_json_put_str(&w, SL_STR("embedding"));
        sl_json_key(&w, SL_STR("index"));
        sl_json_put_i64(&w, i);
        put_vector(&w, sl_vector_cut(ask->vector, e->dimension, px->x->arena), e->is_base64);
        sl_json_close(&w, '}');
    }
    sl_json_close(&w, ']');
    sl_json_key(&w, SL_STR("model"));
    sl_json_put_str(&w, px->chat.model);
    sl_json_key(&w, SL_STR("usage"));
    sl_json_open(&w, '{');
    sl_json_key(&w, SL_STR("prompt_tokens"));
    sl_json_put_i64(&w, n_tok);
    sl_json_key(&w, SL_STR("total_tokens"));
    sl_json_put_i64(&w, n_tok);
    sl_json_close(&w, '}');
    sl_json_close(&w, '}');
    px->prompt_tok = n_tok;
}

static const char *failure_of(const struct sl_infer *infer)
{
    for (uint32_t i = 0; i < infer->n; i++)
        if (infer->asks[i].status != SL_INFER_DONE)
            return infer->asks[i].error ? infer->asks[i].error : "no answer";
    return NULL;
}

static void on_vectors(void *ctx)
{
    struct sl_px *px = ctx;
    struct sl_headers headers = {NULL, 0, 0};
    struct sl_buf body;
    px->asking = NULL;
    const char *failure = failure_of(&px->infer);
    if (failure) {
        sl_px_error(px, 503, "the embedding model failed: %s", failure);
        return;
    }
    sl_buf_init(&body, MAX_ANSWER_BYTES);
    write_answer(px, px->embedding, &body);
    enum sl_rc rc =
        sl_headers_add(&headers, px->x->arena, SL_STR("content-type"), SL_STR("application/json"));
    if (rc == SL_OK)
        rc = sl_px_answer_headers(px, 200, &headers);
    if (rc != SL_OK || sl_buf_rc(&body) != SL_OK) {
        sl_px_error(px, 503, "out of memory for this request");
    } else {
        px->status = 200;
        px->path = "own_embedding";
        px->end = "complete";
        px->is_answered = true;
        px->bytes_out = body.n;
        sl_reply_all(px->x, 200, &headers, sl_buf_str(&body));
    }
    sl_buf_free(&body);
}

void sl_px_embed(struct sl_px *px)
{
    struct embedding *e = px->embedding = SL_NEW(px->x->arena, struct embedding);
    if (!e) {
        sl_px_error(px, 503, "out of memory for this request");
        return;
    }
    if (!read_request(px, e))
        return;
    sl_infer_init(&px->infer, px->x->arena, MAX_TEXTS);
    for (uint32_t i = 0; i < e->n; i++)
        if (!sl_infer_embed(&px->infer, e->texts[i])) {
            sl_px_error(px, 503, "out of memory for this request");
            return;
        }
    px->asking = sl_engine_start(px->lane->engine, &px->infer, on_vectors, px);
    if (!px->asking)
        on_vectors(px);
}
