#include "ml/encoder/scratch.h"

#include <stdlib.h>

static size_t at_least(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t stride_of(size_t values)
{
    return (values + 15) / 16 * 16;
}

/* Takes `bytes` off the plan; the address is NULL while only the size is asked for. */
static void *carve(const struct sl_encoder_scratch *s, size_t *at, size_t bytes)
{
    void *p = s->memory ? (char *)s->memory + *at : NULL;
    *at += (bytes + 63) / 64 * 64;
    return p;
}

static void *carve_floats(const struct sl_encoder_scratch *s, size_t *at, size_t rows,
                          size_t stride)
{
    return carve(s, at, rows * stride * sizeof(float));
}

static struct sl_rows_i8 carve_codes(const struct sl_encoder_scratch *s, size_t *at, size_t rows,
                                     size_t k)
{
    struct sl_rows_i8 q = {.stride = sl_k_padded((uint32_t)k)};
    q.codes = carve(s, at, rows * q.stride);
    q.scale = carve(s, at, rows * sizeof(float));
    return q;
}

static size_t lora_rank(const struct sl_encoder *e)
{
    size_t rank = 0;
    for (uint32_t i = 0; i < e->n_adapters; i++)
        rank = at_least(rank, e->adapters[i].rank);
    return rank;
}

/* The widest row that a head or a dense module reads or writes. */
static size_t widest(const struct sl_encoder *e)
{
    size_t width = at_least(e->config.hidden, e->config.embedding_size);
    width = at_least(width, sl_query_width(e));
    for (uint32_t i = 0; i < e->n_dense; i++)
        width = at_least(width, e->dense[i].linear.w.n);
    return width;
}

static size_t kernel_bytes(const struct sl_encoder *e, uint32_t longest, size_t k)
{
    size_t attention = sl_attention_scratch_bytes(longest, e->config.head_dim);
    return at_least(attention, sl_gemm_bf16_scratch_bytes(SL_CHUNK, (uint32_t)k));
}

static void plan(struct sl_encoder_scratch *s)
{
    const struct sl_encoder *e = s->encoder;
    const struct sl_model_config *c = &e->config;
    size_t rows = (size_t)s->max_tokens * s->max_lanes, at = 0, width = widest(e);
    size_t inner = at_least(width, (size_t)c->intermediate * (e->splits_glu ? 2 : 1));
    uint32_t longest = s->max_tokens < e->max_tokens ? s->max_tokens : e->max_tokens;
    s->x_stride = stride_of(c->hidden);
    s->qkv_stride = stride_of(sl_qkv_width(e));
    s->attention_stride = stride_of(sl_query_width(e));
    s->a_stride = stride_of(width);
    s->h_stride = stride_of(inner);
    s->low_stride = stride_of(lora_rank(e));
    s->x = carve_floats(s, &at, rows, s->x_stride);
    s->qkv = carve_floats(s, &at, rows, s->qkv_stride);
    s->attention = carve_floats(s, &at, rows, s->attention_stride);
    s->a = carve_floats(s, &at, SL_CHUNK, s->a_stride);
    s->y = carve_floats(s, &at, SL_CHUNK, s->a_stride);
    s->h = carve_floats(s, &at, SL_CHUNK, s->h_stride);
    s->low = carve_floats(s, &at, SL_CHUNK, s->low_stride);
    if (e->precision == SL_DTYPE_I8) {
        s->x_codes = carve_codes(s, &at, rows, c->hidden);
        s->h_codes = carve_codes(s, &at, SL_CHUNK, inner);
    }
    s->positions = carve(s, &at, SL_CHUNK * sizeof(*s->positions));
    s->kernel = carve(s, &at, kernel_bytes(e, longest, inner));
    if (e->n_relative) {
        s->relative_stride = stride_of(e->n_relative);
        s->bias_stride = stride_of(longest);
        s->c2p = carve_floats(s, &at, longest, s->relative_stride);
        s->p2c = carve_floats(s, &at, longest, s->relative_stride);
        s->bias = carve_floats(s, &at, SL_BIAS_ROWS, s->bias_stride);
    }
    s->bytes = at;
}

struct sl_encoder_scratch *sl_encoder_scratch_new(const struct sl_encoder *e, uint32_t max_tokens,
                                                  uint32_t max_lanes)
{
    struct sl_encoder_scratch *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    *s = (struct sl_encoder_scratch){
        .encoder = e, .max_tokens = max_tokens, .max_lanes = max_lanes ? max_lanes : 1};
    plan(s);
    s->memory = aligned_alloc(64, s->bytes);
    if (!s->memory) {
        free(s);
        return NULL;
    }
    plan(s);
    return s;
}

void sl_encoder_scratch_free(struct sl_encoder_scratch *s)
{
    if (!s)
        return;
    free(s->memory);
    free(s);
}

size_t sl_encoder_scratch_bytes(const struct sl_encoder_scratch *s)
{
    return s->bytes;
}
