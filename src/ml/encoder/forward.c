/*
 * Embeddings, then for each layer: queries, keys and values of all rows; attention, sequence by
 * sequence; the rest of all rows. Rows pass in chunks, and a chunk belongs to one lane. One layer's
 * weights serve all lanes before the next layer's are touched.
 *
 * int8: s->x_codes holds the quantised input of a layer's next product whenever that input is x
 * itself; a norm writes it in the same pass.
 */
#include "ml/encoder/forward.h"

#include "ml/encoder/product.h"

static enum sl_rc check_input(const struct sl_run *r, struct sl_err *err)
{
    const struct sl_sequences *in = r->in;
    const struct sl_model_config *c = &r->e->config;
    if (in->starts[0] != 0)
        return sl_err_set(err, SL_INVALID, "sequences must start at 0");
    for (uint32_t i = 0; i < in->n; i++) {
        if (in->starts[i + 1] < in->starts[i])
            return sl_err_set(err, SL_INVALID, "sequence %u ends before it starts", i);
        if (in->starts[i + 1] - in->starts[i] > r->e->max_tokens)
            return sl_err_set(err, SL_LIMIT, "sequence %u has %u tokens, the encoder takes %u", i,
                              in->starts[i + 1] - in->starts[i], r->e->max_tokens);
    }
    if (r->n_tokens > r->s->max_tokens || r->n_lanes > r->s->max_lanes)
        return sl_err_set(err, SL_LIMIT, "%u tokens in %u lanes, the scratch is for %u in %u",
                          r->n_tokens, r->n_lanes, r->s->max_tokens, r->s->max_lanes);
    for (uint32_t i = 0; i < r->n_tokens; i++) {
        if (in->ids[i] >= c->vocab_size)
            return sl_err_set(err, SL_INVALID, "token id %u, the vocabulary has %u", in->ids[i],
                              c->vocab_size);
        if (in->types && c->type_vocab && in->types[i] >= c->type_vocab)
            return sl_err_set(err, SL_INVALID, "token type %u, the model has %u", in->types[i],
                              c->type_vocab);
    }
    return SL_OK;
}

/* The position of each token of a chunk inside its sequence; *sequence is where the search starts
 * and is left at the chunk's last. */
static void positions_of(const struct sl_run *r, uint32_t from, uint32_t m, uint32_t *sequence)
{
    for (uint32_t i = 0; i < m; i++) {
        while (from + i >= r->in->starts[*sequence + 1])
            ++*sequence;
        r->s->positions[i] = from + i - r->in->starts[*sequence];
    }
}

static void add_learned(const struct sl_run *r, uint32_t from, uint32_t m, float *x, size_t stride)
{
    const struct sl_encoder *e = r->e;
    uint32_t *ids = r->s->positions;
    if (e->positions.data) {
        for (uint32_t i = 0; i < m; i++)
            ids[i] += e->config.position_offset;
        r->k->gather(&e->positions, m, ids, true, x, stride);
    }
    if (e->types.data) {
        for (uint32_t i = 0; i < m; i++)
            ids[i] = r->in->types ? r->in->types[from + i] : 0;
        r->k->gather(&e->types, m, ids, true, x, stride);
    }
}

static void embed(struct sl_run *r)
{
    const struct sl_encoder *e = r->e;
    struct sl_encoder_scratch *s = r->s;
    bool projects = e->embed_projection.exists;
    for (uint32_t from = 0, sequence = 0; from < r->n_tokens; from += SL_CHUNK) {
        uint32_t m = r->n_tokens - from < SL_CHUNK ? r->n_tokens - from : SL_CHUNK;
        float *x = s->x + from * s->x_stride;
        float *sum = projects ? s->a : x;
        size_t stride = projects ? s->a_stride : s->x_stride;
        r->k->gather(&e->words, m, r->in->ids + from, false, sum, stride);
        positions_of(r, from, m, &sequence);
        add_learned(r, from, m, sum, stride);
        if (projects) {
            struct sl_rows in = {.x = sum, .stride = stride};
            sl_product(r->k, s, &e->embed_projection, NULL, m, &in,
                       (struct sl_epilogue){.out = x, .out_stride = s->x_stride});
        }
        if (!e->embed_norm.exists)
            continue;
        struct sl_rows_i8 codes = sl_codes_at(&s->x_codes, from);
        sl_normalise(r->k, &e->embed_norm, m, x, s->x_stride, x, s->x_stride,
                     s->x_codes.codes ? &codes : NULL);
    }
}

/* Every lane starts from the same embeddings. */
static void spread_lanes(struct sl_run *r)
{
    struct sl_encoder_scratch *s = r->s;
    size_t n = r->n_tokens;
    for (uint32_t l = 1; l < r->n_lanes; l++) {
        memcpy(s->x + l * n * s->x_stride, s->x, n * s->x_stride * sizeof(float));
        if (!s->x_codes.codes)
            continue;
        memcpy(s->x_codes.codes + l * n * s->x_codes.stride, s->x_codes.codes,
               n * s->x_codes.stride);
        memcpy(s->x_codes.scale + l * n, s->x_codes.scale, n * sizeof(float));
    }
}

/* x through `norm` (or as it is) as the input of a product with w. */
static struct sl_rows input_rows(struct sl_run *r, const struct sl_norm_weights *norm,
                                 const struct sl_linear *w, const struct sl_lora *lora, size_t row,
                                 uint32_t m, struct sl_rows_i8 *codes)
{
    struct sl_encoder_scratch *s = r->s;
    float *x = s->x + row * s->x_stride;
    bool is_int8 = s->x_codes.codes != NULL;
    if (is_int8)
        *codes = sl_codes_at(&s->x_codes, row);
    if (!norm->exists)
        return (struct sl_rows){x, s->x_stride, is_int8 ? codes : NULL};
    float *a = sl_needs_floats(w, lora) ? s->a : NULL;
    sl_normalise(r->k, norm, m, x, s->x_stride, a, s->a_stride, is_int8 ? codes : NULL);
    return (struct sl_rows){a, s->a_stride, is_int8 ? codes : NULL};
}

static void norm_heads(struct sl_run *r, const struct sl_norm_weights *norm, uint32_t heads,
                       uint32_t m, float *x)
{
    uint32_t d = r->e->config.head_dim;
    for (uint32_t h = 0; h < heads && norm->exists; h++)
        sl_normalise(r->k, norm, m, x + h * d, r->s->qkv_stride, x + h * d, r->s->qkv_stride, NULL);
}

/* Rotates rows [row, row + m) of a lane, whose tokens start at `token`. */
static void rotate(struct sl_run *r, bool is_local, uint32_t token, uint32_t m, float *qkv)
{
    const struct sl_encoder *e = r->e;
    const struct sl_model_config *c = &e->config;
    if (!e->cos[is_local])
        return;
    uint32_t half = c->head_dim / 2, sequence = 0;
    for (uint32_t at = token; at < token + m;) {
        while (at >= r->in->starts[sequence + 1])
            sequence++;
        uint32_t end =
            r->in->starts[sequence + 1] < token + m ? r->in->starts[sequence + 1] : token + m;
        size_t position = at - r->in->starts[sequence];
        r->k->rope(end - at, c->heads + c->kv_heads, c->head_dim,
                   qkv + (at - token) * r->s->qkv_stride, r->s->qkv_stride,
                   e->cos[is_local] + position * half, e->sin[is_local] + position * half);
        at = end;
    }
}

/* Queries, keys and values of m rows from `token` on of a lane. */
static void project_in(struct sl_run *r, uint32_t layer, uint32_t lane, uint32_t token, uint32_t m)
{
    const struct sl_model_config *c = &r->e->config;
    const struct sl_layer *w = &r->e->layers[layer];
    const struct sl_lora *lora = r->lanes[lane] ? &r->lanes[lane]->layers[layer].qkv : NULL;
    size_t row = (size_t)lane * r->n_tokens + token;
    struct sl_rows_i8 codes;
    struct sl_rows in = input_rows(r, &w->attn_in, &w->qkv, lora, row, m, &codes);
    float *qkv = r->s->qkv + row * r->s->qkv_stride;
    sl_product(r->k, r->s, &w->qkv, lora, m, &in,
               (struct sl_epilogue){.out = qkv, .out_stride = r->s->qkv_stride});
    norm_heads(r, &w->q_norm, c->heads, m, qkv);
    norm_heads(r, &w->k_norm, c->kv_heads, m, qkv + sl_query_width(r->e));
    rotate(r, c->is_local[layer], token, m, qkv);
}

void sl_attend(struct sl_run *r, uint32_t layer, size_t row, uint32_t n)
{
    const struct sl_model_config *c = &r->e->config;
    struct sl_encoder_scratch *s = r->s;
    float *q = s->qkv + row * s->qkv_stride;
    float *k = q + sl_query_width(r->e);
    float *v = k + c->kv_heads * c->head_dim;
    uint32_t group = c->heads / c->kv_heads;
    for (uint32_t h = 0; h < c->heads; h++) {
        struct sl_attention a = {
            .n_q = n,
            .n_k = n,
            .head_dim = c->head_dim,
            .q = q + h * c->head_dim,
            .k = k + h / group * c->head_dim,
            .v = v + h / group * c->head_dim,
            .q_stride = s->qkv_stride,
            .k_stride = s->qkv_stride,
            .v_stride = s->qkv_stride,
            .scale = c->attention_scale,
            .is_causal = c->is_causal,
            .window = c->is_local[layer] ? c->window : 0,
            .out = s->attention + row * s->attention_stride + h * c->head_dim,
            .out_stride = s->attention_stride,
        };
        r->k->attention(&a, s->kernel);
    }
}

/* A branch's product added to x, through the norm behind the branch where there is one. */
static void add_branch(struct sl_run *r, const struct sl_linear *w, const struct sl_lora *lora,
                       const struct sl_norm_weights *norm, uint32_t m, const struct sl_rows *in,
                       float *x)
{
    struct sl_encoder_scratch *s = r->s;
    if (!norm->exists) {
        sl_product(r->k, s, w, lora, m, in,
                   (struct sl_epilogue){.residual = x,
                                        .residual_stride = s->x_stride,
                                        .out = x,
                                        .out_stride = s->x_stride});
        return;
    }
    sl_product(r->k, s, w, lora, m, in,
               (struct sl_epilogue){.out = s->y, .out_stride = s->a_stride});
    sl_normalise(r->k, norm, m, s->y, s->a_stride, s->y, s->a_stride, NULL);
    for (uint32_t i = 0; i < m; i++) {
        for (uint32_t j = 0; j < norm->d; j++)
            x[i * s->x_stride + j] += s->y[i * s->a_stride + j];
    }
}

/* The norm of a post-norm family, in place; x and its codes in one pass. */
static void norm_behind(struct sl_run *r, const struct sl_norm_weights *norm, size_t row,
                        uint32_t m)
{
    struct sl_encoder_scratch *s = r->s;
    float *x = s->x + row * s->x_stride;
    struct sl_rows_i8 codes = sl_codes_at(&s->x_codes, row);
    if (norm->exists)
        sl_normalise(r->k, norm, m, x, s->x_stride, x, s->x_stride,
                     s->x_codes.codes ? &codes : NULL);
}

/* Attention's output projection and the MLP of m rows. */
static void project_out(struct sl_run *r, uint32_t layer, uint32_t lane, uint32_t token, uint32_t m)
{
    const struct sl_encoder *e = r->e;
    const struct sl_layer *w = &e->layers[layer];
    const struct sl_layer_lora *lora = r->lanes[lane] ? &r->lanes[lane]->layers[layer] : NULL;
    struct sl_encoder_scratch *s = r->s;
    size_t row = (size_t)lane * r->n_tokens + token;
    float *x = s->x + row * s->x_stride;
    struct sl_rows in = {.x = s->attention + row * s->attention_stride,
                         .stride = s->attention_stride};
    add_branch(r, &w->o, lora ? &lora->o : NULL, &w->attn_branch, m, &in, x);
    norm_behind(r, &w->attn_out, row, m);

    struct sl_rows_i8 codes;
    const struct sl_lora *wi = lora ? &lora->wi : NULL;
    in = input_rows(r, &w->mlp_in, &w->wi, wi, row, m, &codes);
    bool splits = e->is_gated && !w->wi.w.is_gated;
    sl_product(r->k, s, &w->wi, wi, m, &in,
               (struct sl_epilogue){.act = splits ? SL_ACT_NONE : e->config.act,
                                    .out = s->h,
                                    .out_stride = s->h_stride});
    for (uint32_t i = 0; i < m && splits; i++) {
        float *h = s->h + i * s->h_stride;
        r->k->glu(e->config.act, e->config.intermediate, h, h + e->config.intermediate, h);
    }
    in = (struct sl_rows){.x = s->h, .stride = s->h_stride};
    add_branch(r, &w->wo, lora ? &lora->wo : NULL, &w->mlp_branch, m, &in, x);
    norm_behind(r, &w->mlp_out, row, m);
}

static void run_layer(struct sl_run *r, uint32_t layer)
{
    typedef void step(struct sl_run *, uint32_t, uint32_t, uint32_t, uint32_t);
    step *const steps[] = {project_in, project_out};
    for (int i = 0; i < 2; i++) {
        for (uint32_t lane = 0; lane < r->n_lanes; lane++) {
            for (uint32_t at = 0; at < r->n_tokens; at += SL_CHUNK)
                steps[i](r, layer, lane, at,
                         r->n_tokens - at < SL_CHUNK ? r->n_tokens - at : SL_CHUNK);
        }
        for (uint32_t lane = 0; lane < r->n_lanes && i == 0; lane++) {
            for (uint32_t q = 0; q < r->in->n; q++) {
                uint32_t n = r->in->starts[q + 1] - r->in->starts[q];
                size_t row = (size_t)lane * r->n_tokens + r->in->starts[q];
                (r->e->n_relative ? sl_attend_relative : sl_attend)(r, layer, row, n);
            }
        }
    }
}

enum sl_rc sl_forward(struct sl_run *r, uint32_t n_layers, struct sl_err *err)
{
    const struct sl_encoder *e = r->e;
    r->k = e->kernels;
    r->n_tokens = r->in->n ? r->in->starts[r->in->n] : 0;
    enum sl_rc rc = r->in->n ? check_input(r, err) : SL_OK;
    if (rc)
        return rc;
    embed(r);
    spread_lanes(r);
    for (uint32_t i = 0; i < n_layers; i++)
        run_layer(r, i);
    size_t rows = (size_t)r->n_lanes * r->n_tokens;
    if (e->final_norm.exists)
        sl_normalise(r->k, &e->final_norm, (uint32_t)rows, r->s->x, r->s->x_stride, r->s->x,
                     r->s->x_stride, NULL);
    return SL_OK;
}
