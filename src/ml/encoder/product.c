#include "ml/encoder/product.h"

static void multiply(const struct sl_kernels *kernels, struct sl_encoder_scratch *s,
                     const struct sl_linear *w, uint32_t m, const struct sl_rows *in,
                     const struct sl_epilogue *e)
{
    switch (w->w.type) {
    case SL_DTYPE_F32:
        kernels->gemm_f32(m, in->x, in->stride, &w->w, e);
        return;
    case SL_DTYPE_BF16:
        kernels->gemm_bf16(m, in->x, in->stride, &w->w, e, s->kernel);
        return;
    case SL_DTYPE_I8:
        if (in->codes) {
            kernels->gemm_i8(m, in->codes, &w->w, e);
        } else {
            kernels->quantise(m, w->w.k, in->x, in->stride, &s->h_codes);
            kernels->gemm_i8(m, &s->h_codes, &w->w, e);
        }
        return;
    }
}

/* out += B (A x) for each part; out starts as the residual or as zeros. */
static void add_low_rank(const struct sl_kernels *kernels, struct sl_encoder_scratch *s,
                         const struct sl_linear *w, const struct sl_lora *lora, uint32_t m,
                         const struct sl_rows *in, const struct sl_epilogue *e)
{
    for (uint32_t i = 0; i < m && !e->residual; i++)
        memset(e->out + i * e->out_stride, 0, w->w.n * sizeof(float));
    float *out = e->out;
    for (uint32_t p = 0; p < w->n_parts; out += w->rows[p++]) {
        if (!lora->a[p].exists)
            continue;
        struct sl_epilogue down = {.out = s->low, .out_stride = s->low_stride};
        multiply(kernels, s, &lora->a[p], m, in, &down);
        struct sl_rows low = {.x = s->low, .stride = s->low_stride};
        struct sl_epilogue up = {.residual = out,
                                 .residual_stride = e->out_stride,
                                 .out = out,
                                 .out_stride = e->out_stride};
        multiply(kernels, s, &lora->b[p], m, &low, &up);
    }
}

void sl_product(const struct sl_kernels *kernels, struct sl_encoder_scratch *s,
                const struct sl_linear *w, const struct sl_lora *lora, uint32_t m,
                const struct sl_rows *in, struct sl_epilogue e)
{
    e.bias = w->bias;
    if (!lora || !lora->exists) {
        multiply(kernels, s, w, m, in, &e);
        return;
    }
    enum sl_act act = e.act;
    add_low_rank(kernels, s, w, lora, m, in, &e);
    e.act = SL_ACT_NONE;
    e.residual = e.out;
    e.residual_stride = e.out_stride;
    multiply(kernels, s, w, m, in, &e);
    for (uint32_t i = 0; i < m && act != SL_ACT_NONE; i++)
        kernels->activate(act, w->w.n, e.out + i * e.out_stride, e.out + i * e.out_stride);
}

void sl_normalise(const struct sl_kernels *kernels, const struct sl_norm_weights *w, uint32_t m,
                  const float *x, size_t x_stride, float *out, size_t out_stride,
                  const struct sl_rows_i8 *codes)
{
    struct sl_norm n = {.m = m,
                        .d = w->d,
                        .x = x,
                        .x_stride = x_stride,
                        .weight = w->weight,
                        .bias = w->bias,
                        .epsilon = w->epsilon,
                        .out = out,
                        .out_stride = out_stride,
                        .q = codes};
    if (w->is_rms)
        kernels->rms_norm(&n);
    else
        kernels->layer_norm(&n);
}
