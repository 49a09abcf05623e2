/* See local.h. */
#include "infer/local.h"

#include "base/hash.h"
#include "ml/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW_TOKENS 512 /* longer contexts cost more than they tell an embedding */
#define MAX_WINDOWS   64  /* of one text: some seconds of a core */
#define MAX_TEXTS     16

struct sl_local_model {
    struct sl_model *model;
    uint32_t dim, layer, window_tokens;
};

struct sl_local_scratch {
    struct sl_model_scratch *model;
    float *out; /* MAX_TEXTS * dim */
    uint32_t n_tok[MAX_TEXTS];
    struct sl_err err[MAX_TEXTS];
};

/* $XDG_CACHE_HOME/sluice or ~/.cache/sluice, made when missing; empty: there is no such place. */
static void pack_path(const char *folder, char out[4096])
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char real[4096], base[3800];
    int n = cache && *cache ? snprintf(base, sizeof(base), "%s", cache)
            : home && *home ? snprintf(base, sizeof(base), "%s/.cache", home)
                            : -1;
    out[0] = 0;
    if (n < 0 || n >= (int)sizeof(base) || !realpath(folder, real))
        return;
    (void)mkdir(base, 0700);
    (void)snprintf(out, 4096, "%s/sluice", base);
    (void)mkdir(out, 0700);
    if (access(out, W_OK) != 0) {
        out[0] = 0;
        return;
    }
    (void)snprintf(out, 4096, "%s/sluice/%016llx.pack", base,
                   (unsigned long long)sl_hash(sl_str_from(real), 0x9ac4));
}

enum sl_rc sl_local_open(struct sl_local_model **out, const char *folder,
                         const struct sl_local_options *options, struct sl_err *err)
{
    char path[4096];
    struct sl_local_model *m = calloc(1, sizeof(*m));
    if (!m)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    pack_path(folder, path);
    const struct sl_model_options model = {
        .encoder = {.pack_path = path[0] ? path : NULL, .max_tokens = WINDOW_TOKENS},
        .max_windows = MAX_WINDOWS};
    enum sl_rc rc = sl_model_open(&m->model, folder, &model, err);
    if (rc != SL_OK) {
        free(m);
        return rc;
    }
    struct sl_encoder_info info = sl_encoder_info(sl_model_encoder(m->model));
    m->dim = info.embedding_dim;
    m->layer = options->layer < info.config->n_layers ? options->layer : 0;
    m->window_tokens = info.max_tokens;
    *out = m;
    return SL_OK;
}

void sl_local_close(struct sl_local_model *m)
{
    if (!m)
        return;
    sl_model_close(m->model);
    free(m);
}

struct sl_local_info sl_local_info(const struct sl_local_model *m)
{
    struct sl_encoder_info info = sl_encoder_info(sl_model_encoder(m->model));
    return (struct sl_local_info){
        .model_type = info.config->model_type,
        .n_layers = info.config->n_layers,
        .hidden = info.config->hidden,
        .dimension = m->dim,
        .window_tokens = m->window_tokens,
        .vocabulary = sl_tokenizer_size(sl_model_tokenizer(m->model)),
        .kernels = info.kernels->name,
        .precision = info.precision == SL_DTYPE_F32    ? "f32"
                     : info.precision == SL_DTYPE_BF16 ? "bf16"
                                                       : "int8",
        .weight_bytes = info.weight_bytes,
        .was_packed_before = info.was_packed_before,
    };
}

struct sl_local_scratch *sl_local_scratch_new(const struct sl_local_model *m)
{
    struct sl_local_scratch *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->model = sl_model_scratch_new(m->model, 1);
    s->out = malloc((size_t)MAX_TEXTS * m->dim * sizeof(float));
    if (s->model && s->out)
        return s;
    sl_local_scratch_free(s);
    return NULL;
}

void sl_local_scratch_free(struct sl_local_scratch *s)
{
    if (!s)
        return;
    sl_model_scratch_free(s->model);
    free(s->out);
    free(s);
}

static void embed(const struct sl_local_model *m, struct sl_local_scratch *s, const sl_str *texts,
                  uint32_t from, uint32_t n, struct sl_local_result *out)
{
    const struct sl_embed_options options = {.layer = m->layer};
    float *vectors = s->out + (size_t)from * m->dim;
    enum sl_rc rc = sl_model_embed(m->model, texts + from, n, &options, s->model, vectors,
                                   s->n_tok + from, &s->err[from]);
    for (uint32_t i = 0; i < n; i++) {
        out[from + i] = (struct sl_local_result){.vector = {vectors + (size_t)i * m->dim, m->dim},
                                                 .n_tok = s->n_tok[from + i]};
        if (rc != SL_OK)
            out[from + i].error = s->err[from].message;
    }
}

void sl_local_embed(const struct sl_local_model *m, struct sl_local_scratch *s, const sl_str *texts,
                    uint32_t n, struct sl_local_result *out)
{
    for (uint32_t i = 0; i < n && !s; i++)
        out[i] = (struct sl_local_result){.error = "out of memory for the model"};
    if (!s || !n)
        return;
    embed(m, s, texts, 0, n, out);
    /* One text that fails must not take the others with it. */
    bool has_failed = out[0].error != NULL;
    for (uint32_t i = 0; i < n && n > 1 && has_failed; i++)
        embed(m, s, texts, i, 1, out);
}
