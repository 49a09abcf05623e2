/*
 * Disentangled attention (DeBERTa, arXiv:2006.03654; log buckets of v2/v3):
 *   score_ij = (q_i . k_j + q_i . kr_b + k_j . qr_b) * scale,  b = position of i - j,
 * kr and qr being the table of positions through the layer's key and query projections. Neither
 * depends on the text, so both are computed when the model is opened and kept packed for each head;
 * a run multiplies queries with kr and keys with qr, then gathers a bias for each pair.
 */
#include "ml/encoder/relative.h"

#include "ml/encoder/forward.h"

#include <math.h>
#include <stdlib.h>

/* In f32 throughout, as the checkpoints were trained: a boundary between two buckets is decided by
 * its rounding. */
static int32_t log_bucket(int32_t distance, uint32_t buckets, uint32_t max_distance)
{
    int32_t mid = (int32_t)(buckets / 2), size = abs(distance);
    if (size <= mid)
        return distance;
    float ratio = logf((float)size / (float)mid) / logf((float)(max_distance - 1) / (float)mid);
    int32_t bucket = (int32_t)ceilf(ratio * (float)(mid - 1)) + mid;
    return distance < 0 ? -bucket : bucket;
}

uint32_t sl_relative_position(const struct sl_relative_config *r, int32_t distance)
{
    int32_t span = (int32_t)(r->buckets ? r->buckets : r->max_distance);
    int32_t at = (r->buckets ? log_bucket(distance, r->buckets, r->max_distance) : distance) + span;
    return (uint32_t)(at < 0 ? 0 : at > 2 * span - 1 ? 2 * span - 1 : at);
}

/* Columns [column, column + head_dim) of `rows` packed as the weights of one head. */
static void pack_head(const struct sl_encoder *e, const float *rows, size_t stride, size_t column,
                      char **blob, struct sl_weights *to)
{
    uint32_t d = e->config.head_dim;
    sl_pack(*blob, SL_DTYPE_F32, e->n_relative, d, rows + column, stride, false);
    *to = sl_weights_view(*blob, SL_DTYPE_F32, e->n_relative, d, false);
    *blob += sl_packed_bytes(SL_DTYPE_F32, e->n_relative, d, false);
}

struct project {
    const struct sl_encoder *e;
    float *table;            /* [n_relative, hidden], normed */
    struct sl_rows_i8 codes; /* of the table; int8 only */
    float *out;              /* [n_relative, 3 * width] */
    void *kernel;
};

static void project_table(const struct project *p, const struct sl_linear *w)
{
    const struct sl_kernels *k = p->e->kernels;
    uint32_t hidden = p->e->config.hidden, n = p->e->n_relative;
    struct sl_epilogue out = {
        .bias = w->bias, .out = p->out, .out_stride = 3 * (size_t)sl_query_width(p->e)};
    if (w->w.type == SL_DTYPE_I8)
        k->gemm_i8(n, &p->codes, &w->w, &out);
    else if (w->w.type == SL_DTYPE_BF16)
        k->gemm_bf16(n, p->table, hidden, &w->w, &out, p->kernel);
    else
        k->gemm_f32(n, p->table, hidden, &w->w, &out);
}

static enum sl_rc project_layers(struct sl_encoder *e, const struct project *p, char *blob,
                                 struct sl_err *err)
{
    const struct sl_relative_config *r = &e->config.relative;
    uint32_t heads = e->config.heads, width = sl_query_width(e), d = e->config.head_dim;
    for (uint32_t i = 0; i < e->config.n_layers; i++) {
        struct sl_layer *layer = &e->layers[i];
        struct sl_weights *keys = SL_NEW_ARRAY(&e->arena, struct sl_weights, heads);
        struct sl_weights *queries = SL_NEW_ARRAY(&e->arena, struct sl_weights, heads);
        if (!keys || !queries)
            return sl_err_set(err, SL_NOMEM, "relative positions: out of memory");
        const struct sl_linear *w = r->shares_keys ? &layer->qkv : &layer->position_keys;
        if (r->c2p)
            project_table(p, w);
        for (uint32_t h = 0; h < heads && r->c2p; h++)
            pack_head(e, p->out, 3 * (size_t)width, (r->shares_keys ? width : 0) + h * d, &blob,
                      &keys[h]);
        w = r->shares_keys ? &layer->qkv : &layer->position_queries;
        if (r->p2c && (!r->shares_keys || !r->c2p))
            project_table(p, w);
        for (uint32_t h = 0; h < heads && r->p2c; h++)
            pack_head(e, p->out, 3 * (size_t)width, h * d, &blob, &queries[h]);
        layer->relative.keys = r->c2p ? keys : NULL;
        layer->relative.queries = r->p2c ? queries : NULL;
    }
    return SL_OK;
}

static void fill_table(struct sl_encoder *e, struct project *p)
{
    const struct sl_kernels *k = e->kernels;
    uint32_t hidden = e->config.hidden;
    for (uint32_t i = 0; i < e->n_relative; i++)
        k->gather(&e->relative_table, 1, &i, false, p->table + (size_t)i * hidden, hidden);
    const struct sl_norm_weights *w = &e->relative_norm;
    struct sl_norm norm = {.m = e->n_relative,
                           .d = hidden,
                           .x = p->table,
                           .x_stride = hidden,
                           .weight = w->weight,
                           .bias = w->bias,
                           .epsilon = w->epsilon,
                           .out = p->table,
                           .out_stride = hidden};
    if (w->exists)
        k->layer_norm(&norm);
    if (p->codes.codes)
        k->quantise(e->n_relative, hidden, p->table, hidden, &p->codes);
}

static enum sl_rc prepare(struct sl_encoder *e, struct project *p, struct sl_err *err)
{
    size_t n = e->n_relative, hidden = e->config.hidden, width = sl_query_width(e);
    size_t per_head = sl_packed_bytes(SL_DTYPE_F32, e->n_relative, e->config.head_dim, false);
    size_t bytes = per_head * e->config.heads * e->config.n_layers * 2;
    p->table = malloc(n * hidden * sizeof(float));
    p->out = malloc(n * 3 * width * sizeof(float));
    p->kernel = aligned_alloc(
        64, (sl_gemm_bf16_scratch_bytes((uint32_t)n, (uint32_t)hidden) + 64 + 63) / 64 * 64);
    e->relative_memory = aligned_alloc(64, bytes + 64);
    e->relative_index = malloc((2 * (size_t)e->max_tokens) * sizeof(uint16_t));
    bool has_all = p->table && p->out && p->kernel && e->relative_memory && e->relative_index;
    if (e->precision == SL_DTYPE_I8) {
        p->codes.stride = sl_k_padded((uint32_t)hidden);
        p->codes.codes = malloc(n * p->codes.stride);
        p->codes.scale = malloc(n * sizeof(float));
        has_all = has_all && p->codes.codes && p->codes.scale;
    }
    if (!has_all || per_head == 0)
        return sl_err_set(err, SL_NOMEM, "relative positions: out of memory");
    for (int32_t at = 0; at < 2 * (int32_t)e->max_tokens - 1; at++)
        e->relative_index[at] =
            (uint16_t)sl_relative_position(&e->config.relative, at - ((int32_t)e->max_tokens - 1));
    fill_table(e, p);
    return project_layers(e, p, e->relative_memory, err);
}

enum sl_rc sl_relative_prepare(struct sl_encoder *e, struct sl_err *err)
{
    if (!e->n_relative)
        return SL_OK;
    if (e->n_relative > UINT16_MAX)
        return sl_err_set(err, SL_LIMIT, "%u relative positions are more than can be indexed",
                          e->n_relative);
    struct project p = {.e = e};
    enum sl_rc rc = prepare(e, &p, err);
    free(p.table);
    free(p.out);
    free(p.kernel);
    free(p.codes.codes);
    free(p.codes.scale);
    return rc;
}

/* bias_ij of query rows [from, from + m). */
static void gather_bias(const struct sl_run *r, const struct sl_relative *w, uint32_t n,
                        uint32_t from, uint32_t m)
{
    struct sl_encoder_scratch *s = r->s;
    float scale = r->e->config.attention_scale;
    for (uint32_t i = 0; i < m; i++) {
        /* Key 0 is at distance `query`; each next key one nearer. */
        const uint16_t *index = r->e->relative_index + (from + i) + (r->e->max_tokens - 1);
        const float *c2p = s->c2p + (from + i) * s->relative_stride;
        float *bias = s->bias + i * s->bias_stride;
        for (uint32_t j = 0; j < n; j++) {
            uint32_t at = *(index - j);
            float sum = w->keys ? c2p[at] : 0;
            if (w->queries)
                sum += s->p2c[j * s->relative_stride + at];
            bias[j] = sum * scale;
        }
    }
}

static void attend_head(struct sl_run *r, const struct sl_relative *w, uint32_t h, size_t row,
                        uint32_t n)
{
    const struct sl_model_config *c = &r->e->config;
    struct sl_encoder_scratch *s = r->s;
    float *q = s->qkv + row * s->qkv_stride + h * c->head_dim;
    float *k = q + sl_query_width(r->e), *v = k + sl_query_width(r->e);
    struct sl_epilogue out = {.out = s->c2p, .out_stride = s->relative_stride};
    if (w->keys)
        r->k->gemm_f32(n, q, s->qkv_stride, &w->keys[h], &out);
    out.out = s->p2c;
    if (w->queries)
        r->k->gemm_f32(n, k, s->qkv_stride, &w->queries[h], &out);
    for (uint32_t from = 0; from < n; from += SL_BIAS_ROWS) {
        uint32_t m = n - from < SL_BIAS_ROWS ? n - from : SL_BIAS_ROWS;
        gather_bias(r, w, n, from, m);
        struct sl_attention a = {
            .n_q = m,
            .n_k = n,
            .head_dim = c->head_dim,
            .q_position = from,
            .q = q + from * s->qkv_stride,
            .k = k,
            .v = v,
            .q_stride = s->qkv_stride,
            .k_stride = s->qkv_stride,
            .v_stride = s->qkv_stride,
            .scale = c->attention_scale,
            .bias = s->bias,
            .bias_stride = s->bias_stride,
            .out = s->attention + (row + from) * s->attention_stride + h * c->head_dim,
            .out_stride = s->attention_stride,
        };
        r->k->attention(&a, s->kernel);
    }
}

void sl_attend_relative(struct sl_run *r, uint32_t layer, size_t row, uint32_t n)
{
    for (uint32_t h = 0; h < r->e->config.heads; h++)
        attend_head(r, &r->e->layers[layer].relative, h, row, n);
}
