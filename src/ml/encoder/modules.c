/* modules.json is a list of {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}.
 * Types are known by their last word: releases moved the classes about. */
#include "ml/encoder/modules.h"

#include "ml/weights/config_reader.h"
#include "ml/weights/mapped.h"

#include <limits.h>
#include <stdio.h>

#define MAX_JSON_BYTES ((size_t)1 << 20)

static enum sl_rc parse_in(struct sl_json *j, struct sl_mapped *m, struct sl_loader *l,
                           const char *folder, const char *name)
{
    enum sl_rc rc = sl_map_in(m, folder, name, MAX_JSON_BYTES, l->err);
    if (rc)
        return rc;
    struct sl_err inner = {0};
    rc = sl_json_parse(j, &l->encoder->arena, m->bytes, NULL, &inner);
    if (rc)
        sl_err_set(l->err, rc, "%.120s/%s: %.100s", folder, name, inner.message);
    return rc;
}

static void read_pooling(struct sl_loader *l, struct sl_fields *f)
{
    static const struct {
        const char *flag, *name;
        enum sl_pooling pooling;
    } modes[] = {
        {"pooling_mode_mean_tokens", "mean", SL_POOL_MEAN},
        {"pooling_mode_cls_token", "cls", SL_POOL_FIRST},
        {"pooling_mode_max_tokens", "max", SL_POOL_MAX},
        {"pooling_mode_lasttoken", "lasttoken", SL_POOL_LAST},
        {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", SL_POOL_ROOT_MEAN},
        {"pooling_mode_weightedmean_tokens", "weightedmean", SL_POOL_WEIGHTED_MEAN},
    };
    unsigned n = 0;
    sl_json_ref mode = sl_field(f, "pooling_mode");
    for (size_t i = 0; i < SL_COUNT(modes); i++) {
        bool is_on = mode != SL_JSON_NONE ? sl_json_is_str(f->j, mode, sl_str_from(modes[i].name))
                                          : sl_field_bool(f, modes[i].flag, false);
        n += is_on;
        if (is_on)
            l->encoder->pooling = modes[i].pooling;
    }
    l->rc = f->rc;
    if (!l->rc && n != 1)
        l->rc = sl_err_set(l->err, SL_UNSUPPORTED,
                           "pooling: expected one of mean, cls, max, lasttoken, "
                           "mean_sqrt_len_tokens, weightedmean");
}

static enum sl_act dense_act(struct sl_loader *l, struct sl_fields *f)
{
    sl_str name = sl_field_str(f, "activation_function");
    enum sl_act act = SL_ACT_NONE;
    size_t dot = name.n;
    while (dot > 0 && name.p[dot - 1] != '.')
        dot--;
    name = sl_str_sub(name, dot, name.n);
    if (sl_str_eq(name, SL_STR("Tanh")))
        act = SL_ACT_TANH;
    else if (sl_str_eq(name, SL_STR("GELU")))
        act = SL_ACT_GELU;
    else if (sl_str_eq(name, SL_STR("ReLU")))
        act = SL_ACT_RELU;
    else if (sl_str_eq(name, SL_STR("SiLU")))
        act = SL_ACT_SILU;
    else if (name.n && !sl_str_eq(name, SL_STR("Identity")) && !l->rc)
        l->rc = sl_err_set(l->err, SL_UNSUPPORTED, "dense module: activation \"%.*s\"",
                           SL_FMT(sl_str_sub(name, 0, 60)));
    return act;
}

static void read_dense(struct sl_loader *l, struct sl_fields *f, const char *folder,
                       struct sl_checkpoint **weights)
{
    struct sl_encoder *e = l->encoder;
    struct sl_dense *dense = &e->dense[e->n_dense];
    uint32_t from = sl_field_u32(f, "in_features", SL_REQUIRED, 1, 1 << 16);
    uint32_t to = sl_field_u32(f, "out_features", SL_REQUIRED, 1, 1 << 16);
    dense->act = dense_act(l, f);
    l->rc = l->rc ? l->rc : f->rc;
    if (!l->rc && from != e->embedding_dim)
        l->rc = sl_err_set(l->err, SL_INVALID, "dense module: in_features %u behind %u values",
                           from, e->embedding_dim);
    if (!l->rc)
        l->rc = sl_checkpoint_open(weights, folder, "model", l->err);
    if (l->rc)
        return;
    const struct sl_checkpoint *model = l->weights;
    const char *prefix = l->prefix;
    enum sl_dtype type = l->matrix_type;
    l->weights = *weights;
    l->prefix = "";
    l->matrix_type = e->precision == SL_DTYPE_F32 ? SL_DTYPE_F32 : SL_DTYPE_BF16;
    sl_want_linear(l, &dense->linear, "linear", to, from);
    l->weights = model;
    l->prefix = prefix;
    l->matrix_type = type;
    e->embedding_dim = to;
    e->n_dense++;
}

static void read_module(struct sl_loader *l, const char *folder, const struct sl_json *j,
                        sl_json_ref v, struct sl_checkpoint *checkpoints[SL_MAX_DENSE])
{
    struct sl_encoder *e = l->encoder;
    struct sl_fields module = {j, &e->arena, v, l->err, SL_OK};
    sl_str type = sl_field_str(&module, "type"), path = sl_field_str(&module, "path");
    bool is_pooling = sl_str_ends(type, SL_STR(".Pooling"));
    bool is_dense = sl_str_ends(type, SL_STR(".Dense"));
    l->rc = module.rc;
    if (l->rc || sl_str_ends(type, SL_STR(".Transformer")))
        return;
    if (sl_str_ends(type, SL_STR(".Normalize"))) {
        e->normalises = true;
        return;
    }
    if (!is_pooling && !is_dense) {
        l->rc = sl_err_set(l->err, SL_UNSUPPORTED, "modules.json: the module \"%.*s\"",
                           SL_FMT(sl_str_sub(type, 0, 100)));
        return;
    }
    char at[PATH_MAX];
    bool is_plain = path.n > 0 && path.p[0] != '.' && path.p[0] != '/' &&
                    sl_str_find(path, SL_STR("..")) == SIZE_MAX;
    if (!is_plain || (is_dense && e->n_dense == SL_MAX_DENSE) ||
        snprintf(at, sizeof(at), "%s/%.*s", folder, SL_FMT(path)) >= (int)sizeof(at)) {
        l->rc = sl_err_set(l->err, SL_INVALID, "modules.json: path \"%.*s\"",
                           SL_FMT(sl_str_sub(path, 0, 100)));
        return;
    }
    struct sl_json config;
    struct sl_mapped file = {.bytes = {NULL, 0}};
    l->rc = parse_in(&config, &file, l, at, "config.json");
    struct sl_fields f = {&config, &e->arena, 0, l->err, SL_OK};
    if (!l->rc && is_pooling)
        read_pooling(l, &f);
    else if (!l->rc)
        read_dense(l, &f, at, &checkpoints[e->n_dense]);
    sl_unmap_file(&file);
}

enum sl_rc sl_want_modules(struct sl_loader *l, const char *folder,
                           struct sl_checkpoint *checkpoints[SL_MAX_DENSE])
{
    struct sl_json j;
    struct sl_mapped file = {.bytes = {NULL, 0}};
    if (l->rc)
        return l->rc;
    l->rc = parse_in(&j, &file, l, folder, "modules.json");
    if (l->rc == SL_NOTFOUND) {
        l->rc = SL_OK;
        return SL_OK;
    }
    if (!l->rc && sl_json_type(&j, 0) != SL_JSON_ARRAY)
        l->rc = sl_err_set(l->err, SL_INVALID, "modules.json: expected a list of modules");
    for (sl_json_ref r = l->rc ? SL_JSON_NONE : sl_json_first(&j, 0); r != SL_JSON_NONE && !l->rc;
         r = sl_json_after(&j, 0, r))
        read_module(l, folder, &j, r, checkpoints);
    sl_unmap_file(&file);
    return l->rc;
}
