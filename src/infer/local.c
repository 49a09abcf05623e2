/* See local.h. Windows of all texts of a call run packed, as many at once as the scratch holds. */
#include "infer/local.h"

#include "base/hash.h"
#include "ml/encoder/encoder.h"
#include "ml/token/tokenizer.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW_TOKENS       512 /* longer contexts cost more than they tell an embedding */
#define OVERLAP_TOKENS      32
#define RUN_TOKENS          2048 /* of one packed run */
#define RUN_SEQUENCES       64
#define TOKEN_SCRATCH_BYTES ((size_t)64 << 20)
#define MAX_FILE_BYTES      ((off_t)256 << 20)
#define MAX_TEXTS           16

struct sl_local_model {
    struct sl_encoder *encoder;
    struct sl_tokenizer *tokenizer;
    uint32_t dim, layer, window_tokens;
};

struct sl_local_scratch {
    struct sl_token_scratch *tokens;
    struct sl_encoder_scratch *encoder;
    uint32_t ids[RUN_TOKENS];
    uint32_t starts[RUN_SEQUENCES + 1];
    uint32_t text_of[RUN_SEQUENCES]; /* which text a sequence is a window of */
    uint32_t n;                      /* sequences that wait for a run */
    float *out;                      /* RUN_SEQUENCES * dim */
    float *sums;                     /* MAX_TEXTS * dim */
    struct sl_err err[MAX_TEXTS];
};

/* ---- opening ------------------------------------------------------------------------------- */

/* A file of the folder, whole; freed by the caller. */
static enum sl_rc read_file(const char *folder, const char *name, char **out, size_t *n,
                            struct sl_err *err)
{
    char path[4096];
    struct stat st;
    *out = NULL;
    *n = 0;
    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return sl_err_set(err, SL_LIMIT, "the path of %s is too long", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        enum sl_rc rc = sl_err_set(err, SL_NOTFOUND, "%s: %m", path);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    enum sl_rc rc = SL_OK;
    size_t done = 0;
    if (!S_ISREG(st.st_mode) || st.st_size > MAX_FILE_BYTES)
        rc = sl_err_set(err, SL_LIMIT, "%s is no file of at most 256 MiB", path);
    else if (!(*out = malloc((size_t)st.st_size + 1)))
        rc = sl_err_set(err, SL_NOMEM, "out of memory for %s", path);
    while (rc == SL_OK && done < (size_t)st.st_size) {
        ssize_t got = read(fd, *out + done, (size_t)st.st_size - done);
        if (got > 0)
            done += (size_t)got;
        else if (got == 0 || errno != EINTR)
            rc = sl_err_set(err, SL_IO, "%s cannot be read", path);
    }
    close(fd);
    *n = done;
    return rc;
}

static enum sl_rc open_tokenizer(struct sl_local_model *m, const char *folder, struct sl_err *err)
{
    char *json;
    size_t n = 0;
    enum sl_rc rc = read_file(folder, "tokenizer.json", &json, &n, err);
    if (rc == SL_OK)
        rc = sl_tokenizer_load(&m->tokenizer, sl_str_of(json, n), err);
    free(json);
    return rc;
}

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
    const struct sl_encoder_options encoder = {.pack_path = path[0] ? path : NULL,
                                               .max_tokens = WINDOW_TOKENS};
    enum sl_rc rc = open_tokenizer(m, folder, err);
    if (rc == SL_OK)
        rc = sl_encoder_open(&m->encoder, folder, &encoder, err);
    if (rc != SL_OK) {
        sl_local_close(m);
        return rc;
    }
    struct sl_encoder_info info = sl_encoder_info(m->encoder);
    m->dim = info.embedding_dim;
    m->layer = options->layer < info.config->n_layers ? options->layer : 0;
    m->window_tokens = info.max_tokens;
    if (m->window_tokens <= OVERLAP_TOKENS + sl_tokenizer_n_template(m->tokenizer, false)) {
        rc = sl_err_set(err, SL_UNSUPPORTED, "%s: a context of %u tokens is too short", folder,
                        m->window_tokens);
        sl_local_close(m);
        return rc;
    }
    *out = m;
    return SL_OK;
}

void sl_local_close(struct sl_local_model *m)
{
    if (!m)
        return;
    if (m->encoder)
        sl_encoder_close(m->encoder);
    if (m->tokenizer)
        sl_tokenizer_free(m->tokenizer);
    free(m);
}

struct sl_local_info sl_local_info(const struct sl_local_model *m)
{
    struct sl_encoder_info info = sl_encoder_info(m->encoder);
    return (struct sl_local_info){
        .model_type = info.config->model_type,
        .n_layers = info.config->n_layers,
        .hidden = info.config->hidden,
        .dimension = m->dim,
        .window_tokens = m->window_tokens,
        .vocabulary = sl_tokenizer_size(m->tokenizer),
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
    s->tokens = sl_token_scratch_new(TOKEN_SCRATCH_BYTES);
    s->encoder = sl_encoder_scratch_new(m->encoder, RUN_TOKENS, 1);
    s->out = malloc((size_t)RUN_SEQUENCES * m->dim * sizeof(float));
    s->sums = malloc((size_t)MAX_TEXTS * m->dim * sizeof(float));
    if (s->tokens && s->encoder && s->out && s->sums)
        return s;
    sl_local_scratch_free(s);
    return NULL;
}

void sl_local_scratch_free(struct sl_local_scratch *s)
{
    if (!s)
        return;
    if (s->tokens)
        sl_token_scratch_free(s->tokens);
    if (s->encoder)
        sl_encoder_scratch_free(s->encoder);
    free(s->out);
    free(s->sums);
    free(s);
}

/* ---- embedding ----------------------------------------------------------------------------- */

/* Runs the sequences that wait and adds each to its text, by its length. */
static void run(const struct sl_local_model *m, struct sl_local_scratch *s,
                struct sl_local_result *out)
{
    const struct sl_sequences in = {.ids = s->ids, .starts = s->starts, .n = s->n};
    const struct sl_embed_options options = {.layer = m->layer};
    struct sl_err err = {0};
    enum sl_rc rc =
        s->n ? sl_encoder_embed(m->encoder, &in, &options, s->encoder, s->out, &err) : SL_OK;
    for (uint32_t i = 0; i < s->n; i++) {
        uint32_t text = s->text_of[i];
        float weight = (float)(s->starts[i + 1] - s->starts[i]);
        float *sum = s->sums + (size_t)text * m->dim;
        const float *v = s->out + (size_t)i * m->dim;
        if (rc != SL_OK) {
            s->err[text] = err;
            out[text].error = s->err[text].message;
            continue;
        }
        for (uint32_t k = 0; k < m->dim; k++)
            sum[k] += weight * v[k];
    }
    s->n = 0;
    s->starts[0] = 0;
}

static void add_window(const struct sl_local_model *m, struct sl_local_scratch *s, uint32_t text,
                       const struct sl_tokens *tokens, struct sl_local_result *out)
{
    if (s->n == RUN_SEQUENCES || s->starts[s->n] + tokens->n > RUN_TOKENS)
        run(m, s, out);
    uint32_t from = s->starts[s->n];
    memcpy(s->ids + from, tokens->ids, tokens->n * sizeof(uint32_t));
    out[text].n_tok += tokens->n;
    s->text_of[s->n++] = text;
    s->starts[s->n] = from + tokens->n;
}

static enum sl_rc add_text(const struct sl_local_model *m, struct sl_local_scratch *s,
                           uint32_t text, sl_str bytes, struct sl_local_result *out)
{
    struct sl_token_windows windows;
    struct sl_tokens tokens;
    const struct sl_token_options options = {.max_tokens = m->window_tokens,
                                             .overlap = OVERLAP_TOKENS};
    enum sl_rc rc = sl_token_windows_begin(&windows, m->tokenizer, bytes, (sl_str){NULL, 0},
                                           &options, s->tokens);
    while (rc == SL_OK && (rc = sl_token_windows_next(&windows, &tokens)) == SL_OK)
        add_window(m, s, text, &tokens, out);
    return rc == SL_EOF ? SL_OK : rc;
}

void sl_local_embed(const struct sl_local_model *m, struct sl_local_scratch *s, const sl_str *texts,
                    uint32_t n, struct sl_local_result *out)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = (struct sl_local_result){.error = s ? NULL : "out of memory for the model"};
    if (!s)
        return;
    memset(s->sums, 0, (size_t)n * m->dim * sizeof(float));
    s->n = 0;
    s->starts[0] = 0;
    for (uint32_t i = 0; i < n; i++)
        if (add_text(m, s, i, texts[i], out) != SL_OK)
            out[i].error = "the text cannot be tokenized within memory";
    run(m, s, out);
    for (uint32_t i = 0; i < n; i++) {
        float *sum = s->sums + (size_t)i * m->dim;
        double length = 0;
        for (uint32_t k = 0; k < m->dim; k++)
            length += (double)sum[k] * (double)sum[k];
        if (!(length > 0) && !out[i].error)
            out[i].error = "the model gave a vector of length 0";
        for (uint32_t k = 0; k < m->dim; k++)
            sum[k] = (float)((double)sum[k] / sqrt(length));
        out[i].vector = (struct sl_vector){sum, m->dim};
    }
}
