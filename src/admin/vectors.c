/* See vectors.h. */
#include "admin/vectors.h"

#include "admin/envelope.h"
#include "codec/json.h"
#include "codec/json_write.h"
#include "route/bank.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_DIMENSION 768

struct sl_vectors {
    enum sl_vectors_kind kind;
    const struct sl_config *config;
    struct sl_arena *arena;
    uint64_t (*now_ns)(void);
    uint64_t from_ns;
    int64_t unix_s;
    struct sl_json body;
    struct sl_infer infer;
    sl_str *texts; /* of similarity: the query first */
    uint32_t n;
    uint32_t dimension; /* asked for; vectors that are shorter stay as they are */
    int64_t top_k;
};

static const char *const failures[] = {
    [SL_VECTORS_EMBED] = "EMBEDDING_GENERATION_FAILED",
    [SL_VECTORS_SIMILARITY] = "SIMILARITY_CALCULATION_FAILED",
    [SL_VECTORS_BATCH] = "BATCH_SIMILARITY_FAILED",
};

static int fail(const struct sl_vectors *v, struct sl_buf *out, int status, const char *code,
                const char *message)
{
    sl_admin_error(out, v->unix_s, code, message);
    return status;
}

static int fail_input(const struct sl_vectors *v, struct sl_buf *out, const char *message)
{
    return fail(v, out, 400, "INVALID_INPUT", message);
}

/* ---- reading ------------------------------------------------------------------------------- */

static sl_json_ref get(const struct sl_vectors *v, const char *key)
{
    return sl_json_get(&v->body, 0, sl_str_from(key));
}

/* A list of texts into v->texts from v->n on; false with an error. `name` for messages. */
static bool read_texts(struct sl_vectors *v, const char *name, struct sl_buf *out, int *status)
{
    char message[160];
    sl_json_ref list = get(v, name);
    if (list == SL_JSON_NONE || sl_json_type(&v->body, list) != SL_JSON_ARRAY) {
        (void)snprintf(message, sizeof(message), "%s must be a list of texts", name);
        *status = fail_input(v, out, message);
        return false;
    }
    uint32_t i = 0;
    for (sl_json_ref r = sl_json_first(&v->body, list); r != SL_JSON_NONE;
         r = sl_json_after(&v->body, list, r), i++) {
        sl_str text = sl_json_str(&v->body, r, v->arena);
        if (!text.p || !sl_str_trim(text).n) {
            (void)snprintf(message, sizeof(message), "%s[%u] must not be empty or whitespace", name,
                           i);
            *status = fail_input(v, out, message);
            return false;
        }
        v->texts[v->n++] = text;
    }
    return true;
}

static bool read_text(struct sl_vectors *v, const char *name, struct sl_buf *out, int *status)
{
    char message[160];
    sl_str text = sl_json_str(&v->body, get(v, name), v->arena);
    if (sl_str_trim(text).n) {
        v->texts[v->n++] = text;
        return true;
    }
    (void)snprintf(message, sizeof(message), "%s must not be empty or whitespace", name);
    *status = fail_input(v, out, message);
    return false;
}

static bool is_dimension(int64_t d)
{
    return d == 64 || d == 128 || d == 256 || d == 512 || d == 768 || d == 1024;
}

/* There is one embedding model: "auto" or its own names. */
static bool is_our_model(const struct sl_vectors *v, sl_str name)
{
    const struct sl_embedding_cfg *e = &v->config->global.embedding;
    return !name.n || sl_str_eq_nocase(name, SL_STR("auto")) ||
           sl_str_eq_nocase(name, e->model_type) ||
           (e->is_remote && sl_str_eq(name, e->remote.model));
}

/* 0, or the status of an error. */
static int read_options(struct sl_vectors *v, struct sl_buf *out)
{
    char message[256];
    int64_t dimension = DEFAULT_DIMENSION;
    sl_str model = sl_str_trim(sl_json_str(&v->body, get(v, "model"), v->arena));
    if (get(v, "dimension") != SL_JSON_NONE &&
        (!sl_json_i64(&v->body, get(v, "dimension"), &dimension) ||
         (dimension && !is_dimension(dimension))))
        return fail(v, out, 400, "INVALID_DIMENSION",
                    "dimension must be one of 64, 128, 256, 512, 768, 1024");
    v->dimension = dimension ? (uint32_t)dimension : DEFAULT_DIMENSION;
    if (!is_our_model(v, model)) {
        (void)snprintf(message, sizeof(message), "model \"%.*s\" is not there; \"%.*s\" is",
                       SL_FMT(sl_str_sub(model, 0, 60)),
                       SL_FMT(sl_str_sub(v->config->global.embedding.model_type, 0, 60)));
        return fail(v, out, 400, "INVALID_PARAMETER", message);
    }
    v->top_k = 0;
    if (get(v, "top_k") != SL_JSON_NONE &&
        (!sl_json_i64(&v->body, get(v, "top_k"), &v->top_k) || v->top_k < 0))
        return fail_input(v, out, "top_k must be an integer of at least 0");
    return 0;
}

static int read_request(struct sl_vectors *v, struct sl_buf *out)
{
    int status = 0;
    const char *list = v->kind == SL_VECTORS_EMBED ? "texts" : "candidates";
    sl_json_ref items = get(v, list), images = get(v, "images");
    uint32_t n = items != SL_JSON_NONE && sl_json_type(&v->body, items) == SL_JSON_ARRAY
                     ? sl_json_count(&v->body, items)
                     : 0;
    v->texts = SL_NEW_ARRAY(v->arena, sl_str, n + 2);
    if (!v->texts)
        return fail(v, out, 500, failures[v->kind], "out of memory for this request");
    if (images != SL_JSON_NONE && sl_json_type(&v->body, images) == SL_JSON_ARRAY &&
        sl_json_count(&v->body, images))
        return fail(v, out, 400, "INVALID_IMAGE", "there is no model that embeds images");
    bool is_read = true;
    if (v->kind == SL_VECTORS_SIMILARITY) {
        is_read = read_text(v, "text1", out, &status) && read_text(v, "text2", out, &status);
    } else {
        if (v->kind == SL_VECTORS_BATCH)
            is_read = read_text(v, "query", out, &status);
        if (is_read && !n) {
            char message[64];
            (void)snprintf(message, sizeof(message), "%s must not be empty", list);
            return fail_input(v, out, message);
        }
        is_read = is_read && read_texts(v, list, out, &status);
    }
    return is_read ? read_options(v, out) : status;
}

int sl_vectors_start(struct sl_vectors **out_v, enum sl_vectors_kind kind,
                     const struct sl_config *config, sl_str body, uint64_t (*now_ns)(void),
                     int64_t unix_s, struct sl_arena *arena, struct sl_buf *out)
{
    struct sl_vectors *v = *out_v = SL_NEW(arena, struct sl_vectors);
    struct sl_err err = {0};
    if (!v) {
        sl_admin_error(out, unix_s, failures[kind], "out of memory for this request");
        return 500;
    }
    *v = (struct sl_vectors){.kind = kind,
                             .config = config,
                             .arena = arena,
                             .now_ns = now_ns,
                             .from_ns = now_ns(),
                             .unix_s = unix_s};
    sl_infer_init(&v->infer, arena, SL_INFER_MAX_ASKS);
    if (sl_json_parse(&v->body, arena, body, NULL, &err) != SL_OK)
        return fail_input(v, out, err.message);
    int status = read_request(v, out);
    if (status)
        return status;
    if (!config->engine)
        return fail(v, out, 503, failures[kind],
                    config->global.embedding.lacks ? config->global.embedding.lacks
                                                   : "no embedding model");
    for (uint32_t i = 0; i < v->n; i++)
        if (!sl_infer_embed(&v->infer, v->texts[i]))
            return fail_input(v, out, "too many texts for one request");
    return 0;
}

struct sl_infer *sl_vectors_asks(struct sl_vectors *v)
{
    return &v->infer;
}

/* ---- answering ----------------------------------------------------------------------------- */

static struct sl_vector vector_of(struct sl_vectors *v, uint32_t i)
{
    const struct sl_infer_ask *ask = sl_infer_embed(&v->infer, v->texts[i]);
    return sl_vector_cut(ask->vector, v->dimension, v->arena);
}

static void put_embeddings(struct sl_json_writer *w, struct sl_vectors *v, sl_str model,
                           int64_t total_ms)
{
    sl_json_key(w, SL_STR("embeddings"));
    sl_json_open(w, '[');
    for (uint32_t i = 0; i < v->n; i++) {
        struct sl_vector vector = vector_of(v, i);
        sl_json_open(w, '{');
        sl_json_add_str(w, "text", v->texts[i]);
        sl_json_key(w, SL_STR("embedding"));
        sl_json_open(w, '[');
        for (uint32_t k = 0; k < vector.n; k++)
            sl_json_put_f64(w, (double)vector.p[k]);
        sl_json_close(w, ']');
        sl_json_add_i64(w, "dimension", vector.n);
        sl_json_add_str(w, "model_used", model);
        sl_json_add_i64(w, "processing_time_ms", total_ms / v->n);
        sl_json_close(w, '}');
    }
    sl_json_close(w, ']');
    sl_json_add_i64(w, "total_count", v->n);
    sl_json_add_i64(w, "total_processing_time_ms", total_ms);
    sl_json_add_f64(w, "avg_processing_time_ms", (double)total_ms / v->n);
}

struct match {
    uint32_t index;
    double similarity;
};

static int by_similarity(const void *a, const void *b)
{
    const struct match *x = a, *y = b;
    if (x->similarity != y->similarity)
        return x->similarity > y->similarity ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

/* False: out of memory. */
static bool put_matches(struct sl_json_writer *w, struct sl_vectors *v)
{
    uint32_t n = v->n - 1;
    struct match *matches = SL_NEW_ARRAY(v->arena, struct match, n);
    struct sl_vector query = vector_of(v, 0);
    if (!matches)
        return false;
    for (uint32_t i = 0; i < n; i++)
        matches[i] = (struct match){i, (double)sl_vector_dot(query, vector_of(v, i + 1))};
    qsort(matches, n, sizeof(*matches), by_similarity);
    sl_json_key(w, SL_STR("matches"));
    sl_json_open(w, '[');
    for (uint32_t i = 0; i < n && (!v->top_k || i < v->top_k); i++) {
        sl_json_open(w, '{');
        sl_json_add_i64(w, "index", matches[i].index);
        sl_json_add_f64(w, "similarity", matches[i].similarity);
        sl_json_add_str(w, "text", v->texts[matches[i].index + 1]);
        sl_json_close(w, '}');
    }
    sl_json_close(w, ']');
    sl_json_add_i64(w, "total_candidates", n);
    return true;
}

int sl_vectors_finish(struct sl_vectors *v, struct sl_buf *out)
{
    const struct sl_embedding_cfg *e = &v->config->global.embedding;
    sl_str model = e->is_remote ? e->remote.model : e->model_type;
    double took_ms = (double)(v->now_ns() - v->from_ns) / 1e6;
    for (uint32_t i = 0; i < v->infer.n; i++)
        if (v->infer.asks[i].status != SL_INFER_DONE)
            return fail(v, out, 500, failures[v->kind],
                        v->infer.asks[i].error ? v->infer.asks[i].error : "no answer");
    struct sl_json_writer w;
    size_t length = out->n;
    bool is_whole = true;
    sl_json_writer_init(&w, out);
    sl_json_open(&w, '{');
    if (v->kind == SL_VECTORS_EMBED) {
        put_embeddings(&w, v, model, (int64_t)took_ms);
    } else {
        if (v->kind == SL_VECTORS_BATCH)
            is_whole = put_matches(&w, v);
        else
            sl_json_add_f64(&w, "similarity",
                            (double)sl_vector_dot(vector_of(v, 0), vector_of(v, 1)));
        sl_json_add_str(&w, "model_used", model);
        sl_json_add_f64(&w, "processing_time_ms", took_ms);
    }
    sl_json_close(&w, '}');
    if (is_whole && sl_buf_rc(out) == SL_OK)
        return 200;
    out->n = length;
    out->is_full = false;
    return fail(v, out, 500, failures[v->kind], "the answer does not fit in memory");
}
