/*
 * Heads as transformers has them:
 *   BERT        sequence: classifier(tanh(pooler(x_0)))              tokens: classifier(x)
 *   RoBERTa     sequence: out_proj(tanh(dense(x_0)))                 tokens: classifier(x)
 *   ModernBERT  sequence: classifier(norm(gelu(dense(pool(x)))))     tokens: the same of each x
 *   DeBERTa     sequence: classifier(gelu(dense(x_0)))               tokens: classifier(x)
 *   Qwen3       sequence: score(x_last)                              tokens: score(x)
 */
#include "ml/encoder/heads.h"

#include "ml/encoder/product.h"

#include <math.h>
#include <string.h>

/* Heads stand beside the backbone, so their names have only the compiler's prefix. */
static const char *root_prefix(const char *prefix)
{
    static const char compiled[] = "_orig_mod.", adapter[] = "base_model.model.";
    if (strncmp(prefix, adapter, sizeof(adapter) - 1) == 0)
        return adapter;
    return strncmp(prefix, compiled, sizeof(compiled) - 1) == 0 ? compiled : "";
}

/* The name as it stands, or as an adapter keeps modules that were trained whole; NULL: neither. */
static const char *found_as(struct sl_loader *l, const char *name)
{
    if (sl_tensor_named(l, name, ".weight"))
        return name;
    const char *saved = sl_name(l, "%s.modules_to_save.default", name);
    return sl_tensor_named(l, saved, ".weight") ? saved : NULL;
}

static const char *classifier_name(struct sl_loader *l)
{
    static const char *const names[] = {"classifier", "score", "classifier.out_proj"};
    for (size_t i = 0; i < SL_COUNT(names); i++) {
        const char *found = found_as(l, names[i]);
        if (found)
            return found;
    }
    return NULL;
}

/* config.json counts the labels of the checkpoint's own head; an adapter brings its own number. */
static void want_classifier(struct sl_loader *l, struct sl_head *to, const char *name,
                            const struct sl_head *base)
{
    const struct sl_model_config *c = &l->encoder->config;
    const struct sl_tensor *t = sl_tensor_named(l, name, ".weight");
    uint64_t n = t->n_dims == 2 ? t->shape[0] : 0;
    if (n == 0 || n > SL_MAX_LABELS || (!base && c->n_labels && n != c->n_labels)) {
        char found[64];
        l->rc =
            sl_err_set(l->err, SL_INVALID, "%s.weight has shape %s, config.json names %u labels",
                       name, sl_tensor_shape(t, found), c->n_labels);
        return;
    }
    sl_want_linear(l, &to->classifier, name, (uint32_t)n, c->hidden);
    if (n == 1 && to->problem == SL_PROBLEM_SINGLE)
        to->problem = SL_PROBLEM_REGRESSION; /* one class alone would always be certain */
    to->labels = c->labels;
    if (!l->rc && to->labels.n != n)
        l->rc = sl_labels_numbered(&to->labels, &l->encoder->arena, (uint32_t)n, l->err);
}

/* What stands between the pooled states and the classifier. */
static void want_dense(struct sl_loader *l, struct sl_head *to, const char *backbone,
                       const struct sl_head *base)
{
    const struct sl_model_config *c = &l->encoder->config;
    const char *name = NULL;
    if (c->family == SL_FAMILY_MODERNBERT)
        name = "head.dense";
    else if (to->kind == SL_HEAD_SEQUENCE && c->family == SL_FAMILY_ROBERTA)
        name = "classifier.dense";
    else if (to->kind == SL_HEAD_SEQUENCE && c->family == SL_FAMILY_DEBERTA)
        name = "pooler.dense";
    else if (to->kind == SL_HEAD_SEQUENCE && c->family == SL_FAMILY_BERT)
        name = base ? "bert.pooler.dense" : "pooler.dense";
    if (!name)
        return;
    const char *root = l->prefix;
    if (c->family == SL_FAMILY_BERT && !base)
        l->prefix = backbone; /* BERT's pooler is part of the backbone */
    const char *found = found_as(l, name);
    bool is_optional = base || c->family == SL_FAMILY_MODERNBERT;
    if (found || !is_optional)
        sl_want_linear(l, &to->dense, found ? found : name, c->hidden, c->hidden);
    l->prefix = root;
    const char *norm = c->family == SL_FAMILY_MODERNBERT ? found_as(l, "head.norm") : NULL;
    if (norm)
        sl_want_norm(l, &to->norm, norm, c->hidden);
}

void sl_want_head(struct sl_loader *l, struct sl_head *to, enum sl_head_kind wanted,
                  const struct sl_head *base)
{
    const struct sl_model_config *c = &l->encoder->config;
    if (l->rc)
        return;
    const char *backbone = l->prefix;
    enum sl_dtype type = l->matrix_type;
    l->prefix = root_prefix(backbone);
    l->matrix_type = SL_DTYPE_F32; /* small, and a verdict hangs on them */
    const char *classifier = classifier_name(l);
    if (classifier && !l->rc) {
        if (wanted == SL_HEAD_NONE)
            wanted = c->is_token_classifier ? SL_HEAD_TOKENS : SL_HEAD_SEQUENCE;
        to->kind = wanted;
        to->problem = c->problem;
        to->act = c->head_act;
        to->pooling = c->family == SL_FAMILY_QWEN3                         ? SL_POOL_LAST
                      : c->family == SL_FAMILY_MODERNBERT && c->pools_mean ? SL_POOL_MEAN
                                                                           : SL_POOL_FIRST;
        want_classifier(l, to, classifier, base);
        want_dense(l, to, backbone, base);
    }
    l->prefix = backbone;
    l->matrix_type = type;
}

void sl_want_shared_dense(struct sl_loader *l, struct sl_head *to)
{
    if (l->rc || to->kind != SL_HEAD_NONE)
        return;
    static const struct sl_head none;
    const char *backbone = l->prefix;
    enum sl_dtype type = l->matrix_type;
    bool is_bert = l->encoder->config.family == SL_FAMILY_BERT;
    l->prefix = is_bert ? backbone : root_prefix(backbone);
    l->matrix_type = SL_DTYPE_F32;
    to->kind = SL_HEAD_SEQUENCE;
    if (!is_bert)
        want_dense(l, to, backbone, &none);
    else if (found_as(l, "pooler.dense"))
        sl_want_linear(l, &to->dense, "pooler.dense", l->encoder->config.hidden,
                       l->encoder->config.hidden);
    to->kind = SL_HEAD_NONE;
    l->prefix = backbone;
    l->matrix_type = type;
}

bool sl_head_inherit(struct sl_head *to, const struct sl_head *base,
                     const struct sl_model_config *c)
{
    if (to->kind == SL_HEAD_NONE) {
        struct sl_lora lora = to->lora;
        *to = *base;
        to->lora = lora;
        return true;
    }
    bool is_modern = c->family == SL_FAMILY_MODERNBERT;
    bool is_bare = c->family == SL_FAMILY_QWEN3 || c->family == SL_FAMILY_GEMMA3 ||
                   (to->kind == SL_HEAD_TOKENS && !is_modern);
    if (is_bare)
        return true;
    if (!to->dense.exists)
        to->dense = base->dense;
    if (!to->norm.exists)
        to->norm = base->norm;
    return to->dense.exists || is_modern;
}

void sl_pool(const struct sl_kernels *k, enum sl_pooling pooling, uint32_t n, uint32_t d,
             const float *x, size_t stride, float *out)
{
    switch (pooling) {
    case SL_POOL_MEAN:
        k->mean(n, d, x, stride, out);
        return;
    case SL_POOL_FIRST:
    case SL_POOL_LAST:
        if (n)
            memcpy(out, x + (pooling == SL_POOL_LAST ? n - 1 : 0) * stride, d * sizeof(float));
        else
            memset(out, 0, d * sizeof(float));
        return;
    case SL_POOL_ROOT_MEAN:
        k->mean(n, d, x, stride, out);
        for (uint32_t j = 0; j < d; j++)
            out[j] *= sqrtf((float)n);
        return;
    case SL_POOL_WEIGHTED_MEAN:
        memset(out, 0, d * sizeof(float));
        for (uint32_t i = 0; i < n; i++) {
            float share = (float)(2.0 * (i + 1) / ((double)n * (n + 1.0)));
            for (uint32_t j = 0; j < d; j++)
                out[j] += share * x[i * stride + j];
        }
        return;
    case SL_POOL_MAX:
        memset(out, 0, d * sizeof(float));
        for (uint32_t i = 0; i < n; i++) {
            for (uint32_t j = 0; j < d; j++)
                out[j] = i == 0 || x[i * stride + j] > out[j] ? x[i * stride + j] : out[j];
        }
        return;
    }
}

/* Rows (pooled states, or states) through the head's layers. */
static void run_rows(struct sl_run *r, const struct sl_head *head, uint32_t m, const float *x,
                     size_t stride, float *logits)
{
    struct sl_encoder_scratch *s = r->s;
    uint32_t n = head->classifier.w.n;
    struct sl_rows in = {.x = x, .stride = stride};
    if (head->dense.exists) {
        sl_product(r->k, s, &head->dense, &head->lora, m, &in,
                   (struct sl_epilogue){.act = head->act, .out = s->y, .out_stride = s->a_stride});
        if (head->norm.exists)
            sl_normalise(r->k, &head->norm, m, s->y, s->a_stride, s->y, s->a_stride, NULL);
        in = (struct sl_rows){.x = s->y, .stride = s->a_stride};
    }
    sl_product(r->k, s, &head->classifier, NULL, m, &in,
               (struct sl_epilogue){.out = logits, .out_stride = n});
}

void sl_run_head(struct sl_run *r, uint32_t lane, const struct sl_head *head, float *logits)
{
    struct sl_encoder_scratch *s = r->s;
    const uint32_t *starts = r->in->starts;
    const float *x = s->x + (size_t)lane * r->n_tokens * s->x_stride;
    bool is_tokens = head->kind == SL_HEAD_TOKENS;
    uint32_t rows = is_tokens ? r->n_tokens : r->in->n;
    for (uint32_t at = 0; at < rows; at += SL_CHUNK) {
        uint32_t m = rows - at < SL_CHUNK ? rows - at : SL_CHUNK;
        float *out = logits + (size_t)at * head->classifier.w.n;
        if (is_tokens) {
            run_rows(r, head, m, x + at * s->x_stride, s->x_stride, out);
            continue;
        }
        for (uint32_t i = 0; i < m; i++)
            sl_pool(r->k, head->pooling, starts[at + i + 1] - starts[at + i], r->e->config.hidden,
                    x + starts[at + i] * s->x_stride, s->x_stride, s->a + i * s->a_stride);
        run_rows(r, head, m, s->a, s->a_stride, out);
    }
}

void sl_probabilities(enum sl_problem problem, uint32_t rows, uint32_t n, float *logits)
{
    for (uint32_t i = 0; i < rows; i++) {
        float *x = logits + (size_t)i * n;
        if (problem == SL_PROBLEM_MULTI) {
            for (uint32_t j = 0; j < n; j++)
                x[j] = 1 / (1 + expf(-x[j]));
            continue;
        }
        if (problem == SL_PROBLEM_REGRESSION)
            continue;
        float largest = -INFINITY, sum = 0;
        for (uint32_t j = 0; j < n; j++)
            largest = fmaxf(largest, x[j]);
        for (uint32_t j = 0; j < n; j++)
            sum += x[j] = expf(x[j] - largest);
        for (uint32_t j = 0; j < n; j++)
            x[j] /= sum;
    }
}
