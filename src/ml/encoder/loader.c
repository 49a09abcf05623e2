/* Names -> packed items -> places. */
#include "ml/encoder/loader.h"

#include <stdio.h>
#include <stdlib.h>

enum target { TO_LINEAR, TO_VECTOR, TO_TABLE };

struct sl_want {
    enum target target;
    void *to;
};

void sl_loader_init(struct sl_loader *l, struct sl_encoder *e, const struct sl_checkpoint *weights,
                    struct sl_err *err)
{
    *l = (struct sl_loader){.encoder = e,
                            .weights = weights,
                            .prefix = "",
                            .matrix_type = e->precision,
                            .weight_scale = 1,
                            .err = err};
}

void sl_loader_free(struct sl_loader *l)
{
    free(l->items);
    free(l->wants);
}

const char *sl_name(struct sl_loader *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sl_str s = sl_arena_vprintf(&l->encoder->arena, format, args);
    va_end(args);
    if (!s.p && !l->rc)
        l->rc = sl_err_set(l->err, SL_NOMEM, "out of memory");
    return s.p ? s.p : "";
}

const struct sl_tensor *sl_tensor_named(const struct sl_loader *l, const char *name,
                                        const char *suffix)
{
    char full[320];
    int n = snprintf(full, sizeof(full), "%s%s%s", l->prefix, name, suffix);
    if (n < 0 || n >= (int)sizeof(full))
        return NULL;
    return sl_checkpoint_find(l->weights, sl_str_of(full, (size_t)n));
}

void sl_loader_probe(struct sl_loader *l, const char *const *prefixes, const char *name)
{
    if (l->rc)
        return;
    for (; *prefixes; prefixes++) {
        l->prefix = *prefixes;
        if (sl_tensor_named(l, name, ""))
            return;
    }
    l->rc = sl_err_set(l->err, SL_INVALID,
                       "the weights have no tensor %s (under any known prefix), which a %s needs",
                       name, sl_family_name(l->encoder->config.family));
}

static struct sl_pack_item *add_item(struct sl_loader *l, enum target target, void *to,
                                     const char *name)
{
    if (l->n == l->cap) {
        uint32_t cap = l->cap ? 2 * l->cap : 256;
        struct sl_pack_item *items = realloc(l->items, cap * sizeof(*items));
        if (items)
            l->items = items;
        struct sl_want *wants = realloc(l->wants, cap * sizeof(*wants));
        if (wants)
            l->wants = wants;
        if (!items || !wants) {
            l->rc = sl_err_set(l->err, SL_NOMEM, "out of memory");
            return NULL;
        }
        l->cap = cap;
    }
    l->wants[l->n] = (struct sl_want){target, to};
    struct sl_pack_item *item = &l->items[l->n++];
    *item = (struct sl_pack_item){.scale = 1};
    size_t n = strlen(name), keep = n < SL_PACK_NAME - 1 ? n : SL_PACK_NAME - 1;
    memcpy(item->name, name + n - keep, keep); /* the end of a long name tells more */
    return item;
}

static bool has_shape(struct sl_loader *l, const struct sl_tensor *t, uint32_t n, uint32_t k)
{
    bool is_vector = k == 0;
    bool fits = is_vector ? t->n_dims == 1 && t->shape[0] == n
                          : t->n_dims == 2 && t->shape[0] == n && t->shape[1] == k;
    char found[64];
    if (t->type == SL_TENSOR_OTHER)
        l->rc = sl_err_set(l->err, SL_UNSUPPORTED, "tensor %.*s: expected F32, F16 or BF16 values",
                           SL_FMT(t->name));
    else if (!fits && is_vector)
        l->rc = sl_err_set(l->err, SL_INVALID, "tensor %.*s: expected shape [%u], found %s",
                           SL_FMT(t->name), n, sl_tensor_shape(t, found));
    else if (!fits)
        l->rc = sl_err_set(l->err, SL_INVALID, "tensor %.*s: expected shape [%u, %u], found %s",
                           SL_FMT(t->name), n, k, sl_tensor_shape(t, found));
    return l->rc == SL_OK;
}

static const struct sl_tensor *needed(struct sl_loader *l, const char *name, const char *suffix,
                                      const char *other, uint32_t n, uint32_t k)
{
    if (l->rc)
        return NULL;
    const struct sl_tensor *t = sl_tensor_named(l, name, suffix);
    if (!t && other)
        t = sl_tensor_named(l, name, other);
    if (!t)
        l->rc = sl_err_set(l->err, SL_INVALID,
                           "the weights have no tensor %s%s%s, which config.json asks for",
                           l->prefix, name, suffix);
    return t && has_shape(l, t, n, k) ? t : NULL;
}

void sl_want_parts(struct sl_loader *l, struct sl_linear *to, const char *const *names,
                   const uint32_t *rows, uint32_t n_parts, uint32_t k, bool is_gated)
{
    const struct sl_tensor *weights[SL_LINEAR_PARTS], *biases[SL_LINEAR_PARTS];
    uint32_t n = 0, n_biases = 0;
    for (uint32_t p = 0; p < n_parts; p++) {
        weights[p] = needed(l, names[p], ".weight", NULL, rows[p], k);
        if (!weights[p])
            return;
        biases[p] = sl_tensor_named(l, names[p], ".bias");
        if (biases[p] && !has_shape(l, biases[p], rows[p], 0))
            return;
        n_biases += biases[p] != NULL;
        n += rows[p];
        to->names[p] = names[p];
        to->rows[p] = rows[p];
    }
    if (n_biases != 0 && n_biases != n_parts) {
        l->rc = sl_err_set(l->err, SL_INVALID, "some of %s.bias and its neighbours are missing",
                           names[0]);
        return;
    }
    to->n_parts = n_parts;
    to->exists = true;
    struct sl_pack_item *item = add_item(l, TO_LINEAR, to, names[0]);
    if (!item)
        return;
    item->kind = SL_PACK_MATRIX;
    item->type = l->matrix_type;
    item->n = n;
    item->k = k;
    item->is_gated = is_gated;
    item->n_parts = n_parts;
    item->scale = l->weight_scale;
    memcpy(item->parts, weights, n_parts * sizeof(*weights));
    if (n_biases == 0)
        return;
    item = add_item(l, TO_VECTOR, &to->bias, sl_name(l, "%s.bias", names[0]));
    if (!item)
        return;
    item->kind = SL_PACK_VECTOR;
    item->type = SL_DTYPE_F32;
    item->n = n;
    item->n_parts = n_parts;
    memcpy(item->parts, biases, n_parts * sizeof(*biases));
}

void sl_want_linear(struct sl_loader *l, struct sl_linear *to, const char *name, uint32_t n,
                    uint32_t k)
{
    sl_want_parts(l, to, &name, &n, 1, k, false);
}

static void want_vector(struct sl_loader *l, const float **to, const struct sl_tensor *t, float add)
{
    char name[SL_PACK_NAME];
    snprintf(name, sizeof(name), "%.*s", SL_FMT(t->name));
    struct sl_pack_item *item = add_item(l, TO_VECTOR, to, name);
    if (!item)
        return;
    item->kind = SL_PACK_VECTOR;
    item->type = SL_DTYPE_F32;
    item->n = (uint32_t)t->count;
    item->parts[0] = t;
    item->n_parts = 1;
    item->add = add;
}

static void want_norm(struct sl_loader *l, struct sl_norm_weights *to, const char *name, uint32_t d,
                      float add, bool is_rms)
{
    const struct sl_tensor *weight = needed(l, name, ".weight", ".gamma", d, 0);
    if (!weight)
        return;
    const struct sl_tensor *bias = is_rms ? NULL : sl_tensor_named(l, name, ".bias");
    if (!bias && !is_rms)
        bias = sl_tensor_named(l, name, ".beta");
    if (bias && !has_shape(l, bias, d, 0))
        return;
    *to = (struct sl_norm_weights){
        .epsilon = l->encoder->config.norm_epsilon, .d = d, .is_rms = is_rms, .exists = true};
    want_vector(l, &to->weight, weight, add);
    if (bias)
        want_vector(l, &to->bias, bias, 0);
}

void sl_want_norm(struct sl_loader *l, struct sl_norm_weights *to, const char *name, uint32_t d)
{
    want_norm(l, to, name, d, 0, false);
}

void sl_want_rms(struct sl_loader *l, struct sl_norm_weights *to, const char *name, uint32_t d,
                 float add)
{
    want_norm(l, to, name, d, add, true);
}

void sl_want_table(struct sl_loader *l, struct sl_table *to, const char *name, uint32_t rows,
                   uint32_t d, float scale)
{
    const struct sl_tensor *t = needed(l, name, ".weight", NULL, rows, d);
    if (!t)
        return;
    struct sl_pack_item *item = add_item(l, TO_TABLE, to, name);
    if (!item)
        return;
    item->kind = SL_PACK_TABLE;
    item->type = l->encoder->precision == SL_DTYPE_F32 ? SL_DTYPE_F32 : SL_DTYPE_BF16;
    item->n = rows;
    item->k = d;
    item->parts[0] = t;
    item->n_parts = 1;
    item->scale = scale;
}

static void fill(const struct sl_want *want, const struct sl_pack_item *item, const void *bytes)
{
    switch (want->target) {
    case TO_LINEAR:
        ((struct sl_linear *)want->to)->w =
            sl_weights_view(bytes, item->type, item->n, item->k, item->is_gated);
        return;
    case TO_VECTOR:
        *(const float **)want->to = bytes;
        return;
    case TO_TABLE:
        *(struct sl_table *)want->to = (struct sl_table){item->type, item->n, item->k, bytes, NULL};
        return;
    }
}

enum sl_rc sl_loader_pack(struct sl_loader *l, struct sl_pack **pack, sl_str identity,
                          const char *path)
{
    if (!l->rc)
        l->rc = sl_pack_open(pack, l->items, l->n, identity, path, l->err);
    for (uint32_t i = 0; !l->rc && i < l->n; i++)
        fill(&l->wants[i], &l->items[i], sl_pack_item_at(*pack, i));
    return l->rc;
}
