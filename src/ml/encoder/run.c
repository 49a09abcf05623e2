/* The public runs: embeddings, states, logits. Each is a forward pass and what follows it. */
#include "ml/encoder/heads.h"
#include "ml/encoder/product.h"

#include <math.h>

static enum sl_rc check_finite(const float *x, size_t n, const char *what, struct sl_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            return sl_err_set(err, SL_INVALID,
                              "the model gave a %s that is not a number: damaged weights?", what);
    }
    return SL_OK;
}

static enum sl_rc choose_layer(const struct sl_encoder *e, uint32_t asked, uint32_t *layer,
                               struct sl_err *err)
{
    *layer = asked ? asked : e->config.n_layers;
    if (*layer > e->config.n_layers)
        return sl_err_set(err, SL_INVALID, "layer %u: the model has 1 to %u", asked,
                          e->config.n_layers);
    return SL_OK;
}

/* One pooled vector through the dense modules; the result is in *v, of embedding_dim values. */
static void run_dense(struct sl_run *r, float **v)
{
    struct sl_encoder_scratch *s = r->s;
    float *other = *v == s->a ? s->y : s->a;
    for (uint32_t i = 0; i < r->e->n_dense; i++) {
        const struct sl_dense *dense = &r->e->dense[i];
        struct sl_rows in = {.x = *v, .stride = s->a_stride};
        sl_product(
            r->k, s, &dense->linear, NULL, 1, &in,
            (struct sl_epilogue){.act = dense->act, .out = other, .out_stride = s->a_stride});
        float *free_one = *v;
        *v = other;
        other = free_one;
    }
}

enum sl_rc sl_encoder_embed(const struct sl_encoder *e, const struct sl_sequences *in,
                            const struct sl_embed_options *options, struct sl_encoder_scratch *s,
                            float *out, struct sl_err *err)
{
    static const struct sl_embed_options plain;
    const struct sl_embed_options *o = options ? options : &plain;
    uint32_t layer, dim = o->dim ? o->dim : e->embedding_dim;
    enum sl_rc rc = choose_layer(e, o->layer, &layer, err);
    if (rc)
        return rc;
    if (dim > e->embedding_dim)
        return sl_err_set(err, SL_INVALID, "dimension %u: the model has 1 to %u", o->dim,
                          e->embedding_dim);
    struct sl_run r = {.e = e, .s = s, .in = in, .n_lanes = 1};
    rc = sl_forward(&r, layer, err);
    for (uint32_t i = 0; i < in->n && !rc; i++) {
        float *v = s->a;
        sl_pool(r.k, e->pooling, in->starts[i + 1] - in->starts[i], e->config.hidden,
                s->x + in->starts[i] * s->x_stride, s->x_stride, v);
        run_dense(&r, &v);
        if (!o->is_raw)
            r.k->l2_normalise(dim, v, 1e-12f);
        memcpy(out + (size_t)i * dim, v, dim * sizeof(float));
        rc = check_finite(v, dim, "value", err);
    }
    return rc;
}

enum sl_rc sl_encoder_hidden(const struct sl_encoder *e, const struct sl_sequences *in,
                             uint32_t layer, struct sl_encoder_scratch *s, float *out,
                             struct sl_err *err)
{
    enum sl_rc rc = choose_layer(e, layer, &layer, err);
    if (rc)
        return rc;
    struct sl_run r = {.e = e, .s = s, .in = in, .n_lanes = 1};
    rc = sl_forward(&r, layer, err);
    for (uint32_t i = 0; i < r.n_tokens && !rc; i++) {
        float *to = out + (size_t)i * e->config.hidden;
        memcpy(to, s->x + i * s->x_stride, e->config.hidden * sizeof(float));
        rc = check_finite(to, e->config.hidden, "state", err);
    }
    return rc;
}

static const struct sl_head *head_of(const struct sl_encoder *e, uint32_t adapter)
{
    return adapter < e->n_adapters ? &e->adapters[adapter].head : &e->head;
}

enum sl_rc sl_encoder_logits(const struct sl_encoder *e, const struct sl_sequences *in,
                             const struct sl_lane *lanes, uint32_t n_lanes,
                             struct sl_encoder_scratch *s, struct sl_err *err)
{
    struct sl_run r = {.e = e, .s = s, .in = in, .n_lanes = n_lanes};
    if (n_lanes == 0 || n_lanes > SL_COUNT(r.lanes))
        return sl_err_set(err, SL_LIMIT, "%u lanes in one run, expected 1 to %zu", n_lanes,
                          SL_COUNT(r.lanes));
    for (uint32_t l = 0; l < n_lanes; l++) {
        if (lanes[l].adapter != SL_NO_ADAPTER && lanes[l].adapter >= e->n_adapters)
            return sl_err_set(err, SL_INVALID, "adapter %u: the encoder has %u", lanes[l].adapter,
                              e->n_adapters);
        if (head_of(e, lanes[l].adapter)->kind == SL_HEAD_NONE)
            return sl_err_set(err, SL_UNSUPPORTED, "the model has no classifier");
        r.lanes[l] = lanes[l].adapter < e->n_adapters ? &e->adapters[lanes[l].adapter] : NULL;
    }
    for (uint32_t i = 0; i < in->n; i++) {
        if (in->starts[i + 1] == in->starts[i])
            return sl_err_set(err, SL_INVALID, "sequence %u has no tokens to classify", i);
    }
    enum sl_rc rc = sl_forward(&r, e->config.n_layers, err);
    for (uint32_t l = 0; l < n_lanes && !rc; l++) {
        const struct sl_head *head = head_of(e, lanes[l].adapter);
        size_t rows = head->kind == SL_HEAD_TOKENS ? r.n_tokens : in->n;
        sl_run_head(&r, l, head, lanes[l].logits);
        rc = check_finite(lanes[l].logits, rows * head->classifier.w.n, "logit", err);
    }
    return rc;
}

struct sl_encoder_info sl_encoder_info(const struct sl_encoder *e)
{
    return (struct sl_encoder_info){
        .config = &e->config,
        .kernels = e->kernels,
        .precision = e->precision,
        .max_tokens = e->max_tokens,
        .embedding_dim = e->embedding_dim,
        .pooling = e->pooling,
        .normalises = e->normalises,
        .weight_bytes = sl_pack_bytes(e->pack),
        .n_adapters = e->n_adapters,
        .was_packed_before = sl_pack_was_kept(e->pack),
        .note = sl_pack_note(e->pack),
    };
}

struct sl_head_info sl_encoder_head(const struct sl_encoder *e, uint32_t adapter)
{
    const struct sl_head *head = head_of(e, adapter);
    return (struct sl_head_info){head->kind, head->problem,
                                 head->kind == SL_HEAD_NONE ? 0 : head->classifier.w.n,
                                 &head->labels};
}
