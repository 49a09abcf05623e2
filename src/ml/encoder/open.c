/* Opening a model folder: configuration, files, what the family wants, packing, tables. */
#include "ml/encoder/adapter.h"
#include "ml/encoder/families.h"
#include "ml/encoder/heads.h"
#include "ml/encoder/modules.h"
#include "ml/encoder/relative.h"
#include "ml/encoder/rope.h"
#include "ml/weights/mapped.h"

#include <stdlib.h>

enum { DEFAULT_MAX_TOKENS = 8192 };
#define MAX_CONFIG_BYTES ((size_t)16 << 20)
#define ARENA_BYTES      ((size_t)256 << 20)

/* Files that are open while an encoder is being opened. */
struct sources {
    struct sl_mapped config;
    struct sl_checkpoint *model, *dense[SL_MAX_DENSE], *adapters[SL_MAX_ADAPTERS];
    struct sl_buf identity;
};

static void close_sources(struct sources *s)
{
    sl_unmap_file(&s->config);
    sl_checkpoint_close(s->model);
    for (int i = 0; i < SL_MAX_DENSE; i++)
        sl_checkpoint_close(s->dense[i]);
    for (int i = 0; i < SL_MAX_ADAPTERS; i++)
        sl_checkpoint_close(s->adapters[i]);
    sl_buf_free(&s->identity);
}

static enum sl_rc read_config(struct sl_encoder *e, struct sources *s, const char *folder,
                              const struct sl_encoder_options *o, struct sl_err *err)
{
    enum sl_rc rc = sl_map_in(&s->config, folder, "config.json", MAX_CONFIG_BYTES, err);
    if (!rc)
        rc = sl_model_config_parse(&e->config, &e->arena, s->config.bytes, err);
    if (rc)
        return rc;
    struct sl_model_config *c = &e->config;
    if (c->family == SL_FAMILY_MODERNBERT && !o->honours_rope_scaling) {
        for (int i = 0; i < 2; i++)
            c->rope[i] = (struct sl_rope_config){
                .theta = c->rope[i].theta, .factor = 1, .attention_factor = 1};
    }
    if (c->family == SL_FAMILY_GEMMA3 && o->is_causal_gemma && !c->is_causal) {
        c->is_causal = true;
        c->window = 2 * c->window - 1;
    }
    if (c->family >= SL_FAMILY_MODERNBERT && c->family <= SL_FAMILY_GEMMA3 && c->head_dim % 2)
        return sl_err_set(err, SL_INVALID, "config.json: head_dim %u is odd", c->head_dim);
    e->is_gated = c->family >= SL_FAMILY_MODERNBERT && c->family <= SL_FAMILY_GEMMA3;
    e->pooling = c->family == SL_FAMILY_QWEN3 ? SL_POOL_LAST : SL_POOL_MEAN;
    e->embedding_dim = c->hidden;
    uint32_t most = c->max_positions;
    e->max_tokens = o->max_tokens ? o->max_tokens : DEFAULT_MAX_TOKENS;
    e->max_tokens = e->max_tokens < most ? e->max_tokens : most;
    return SL_OK;
}

static enum sl_rc open_files(struct sl_encoder *e, struct sources *s, const char *folder,
                             const struct sl_encoder_options *o, struct sl_err *err)
{
    enum sl_rc rc = sl_checkpoint_open(&s->model, folder, "model", err);
    if (!rc && o->n_adapters > SL_MAX_ADAPTERS)
        rc = sl_err_set(err, SL_LIMIT, "%u adapters, at most %d", o->n_adapters, SL_MAX_ADAPTERS);
    for (uint32_t i = 0; i < o->n_adapters && !rc; i++) {
        rc = sl_checkpoint_open(&s->adapters[i], o->adapters[i], "adapter_model", err);
        if (!rc)
            e->splits_glu = e->splits_glu || sl_adapter_splits_glu(e, s->adapters[i]);
    }
    return rc;
}

static void identify(struct sources *s)
{
    sl_buf_add(&s->identity, s->config.bytes);
    sl_checkpoint_identify(s->model, &s->identity);
    for (int i = 0; i < SL_MAX_DENSE; i++) {
        if (s->dense[i])
            sl_checkpoint_identify(s->dense[i], &s->identity);
    }
}

static enum sl_rc load_weights(struct sl_encoder *e, struct sources *s, const char *folder,
                               const struct sl_encoder_options *o, struct sl_err *err)
{
    static void (*const families[])(struct sl_loader *) = {
        [SL_FAMILY_BERT] = sl_want_bert,
        [SL_FAMILY_ROBERTA] = sl_want_bert,
        [SL_FAMILY_MODERNBERT] = sl_want_modernbert,
        [SL_FAMILY_QWEN3] = sl_want_qwen3,
        [SL_FAMILY_GEMMA3] = sl_want_gemma3,
        [SL_FAMILY_DEBERTA] = sl_want_deberta,
    };
    e->layers = SL_NEW_ARRAY(&e->arena, struct sl_layer, e->config.n_layers);
    if (!e->layers)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    struct sl_loader l;
    sl_loader_init(&l, e, s->model, err);
    families[e->config.family](&l);
    sl_want_head(&l, &e->head, o->head, NULL);
    if (o->n_adapters)
        sl_want_shared_dense(&l, &e->head);
    enum sl_rc rc = sl_want_modules(&l, folder, s->dense);
    if (!rc) {
        identify(s);
        rc = sl_loader_pack(&l, &e->pack, sl_buf_str(&s->identity), o->pack_path);
    }
    sl_loader_free(&l);
    return rc;
}

static enum sl_rc make_rope(struct sl_encoder *e, struct sl_err *err)
{
    const struct sl_model_config *c = &e->config;
    size_t n = (size_t)e->max_tokens * (c->head_dim / 2);
    for (int kind = 0; kind < 2 && e->is_gated; kind++) {
        e->cos[kind] = malloc(n * sizeof(float));
        e->sin[kind] = malloc(n * sizeof(float));
        if (!e->cos[kind] || !e->sin[kind])
            return sl_err_set(err, SL_NOMEM, "rotary positions: out of memory");
        sl_rope_tables(&c->rope[kind], c->head_dim, e->max_tokens, e->cos[kind], e->sin[kind]);
    }
    return SL_OK;
}

static enum sl_rc load_adapters(struct sl_encoder *e, struct sources *s,
                                const struct sl_encoder_options *o, struct sl_err *err)
{
    e->adapters = SL_NEW_ARRAY(&e->arena, struct sl_adapter, o->n_adapters + 1);
    if (!e->adapters)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    for (uint32_t i = 0; i < o->n_adapters; i++) {
        e->n_adapters++;
        enum sl_rc rc =
            sl_adapter_load(e, &e->adapters[i], o->adapters[i], s->adapters[i], o->head, err);
        if (rc)
            return rc;
    }
    return SL_OK;
}

enum sl_rc sl_encoder_open(struct sl_encoder **out, const char *folder,
                           const struct sl_encoder_options *options, struct sl_err *err)
{
    static const struct sl_encoder_options plain;
    const struct sl_encoder_options *o = options ? options : &plain;
    *out = NULL;
    struct sl_encoder *e = calloc(1, sizeof(*e));
    if (!e)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    sl_arena_init(&e->arena, NULL, ARENA_BYTES);
    e->kernels = o->kernels ? o->kernels : sl_kernels_best();
    e->precision = o->precision ? o->precision : SL_DTYPE_I8;
    struct sources s = {.model = NULL};
    sl_buf_init(&s.identity, 32 << 20);
    enum sl_rc rc = read_config(e, &s, folder, o, err);
    if (!rc)
        rc = open_files(e, &s, folder, o, err);
    if (!rc)
        rc = load_weights(e, &s, folder, o, err);
    if (!rc)
        rc = make_rope(e, err);
    if (!rc)
        rc = sl_relative_prepare(e, err);
    if (!rc)
        rc = load_adapters(e, &s, o, err);
    close_sources(&s);
    if (rc) {
        sl_encoder_close(e);
        return rc;
    }
    *out = e;
    return SL_OK;
}

void sl_encoder_close(struct sl_encoder *e)
{
    if (!e)
        return;
    for (uint32_t i = 0; i < e->n_adapters; i++)
        sl_adapter_free(&e->adapters[i]);
    for (int kind = 0; kind < 2; kind++) {
        free(e->cos[kind]);
        free(e->sin[kind]);
    }
    free(e->relative_index);
    free(e->relative_memory);
    sl_pack_close(e->pack);
    sl_arena_reset(&e->arena);
    free(e);
}
