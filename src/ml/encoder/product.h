/* Rows through weights, whatever the precision of the weights and with low-rank terms or without.
 * For the files of this room. */
#ifndef SL_ML_ENCODER_PRODUCT_H
#define SL_ML_ENCODER_PRODUCT_H

#include "ml/encoder/scratch.h"

/* At most SL_CHUNK rows; as floats, as codes, or both. */
struct sl_rows {
    const float *x; /* NULL: codes only, which suffice where sl_needs_floats says no */
    size_t stride;
    const struct sl_rows_i8 *codes; /* NULL: not quantised yet */
};

/* True when a product with w reads its input as floats. */
static inline bool sl_needs_floats(const struct sl_linear *w, const struct sl_lora *lora)
{
    return w->w.type != SL_DTYPE_I8 || (lora && lora->exists);
}

/*
 * e.bias is set here. With low-rank terms e.residual must be NULL or e.out. Uses s->low, s->h_codes
 * and s->kernel.
 */
void sl_product(const struct sl_kernels *kernels, struct sl_encoder_scratch *s,
                const struct sl_linear *w, const struct sl_lora *lora, uint32_t m,
                const struct sl_rows *in, struct sl_epilogue e);

void sl_normalise(const struct sl_kernels *kernels, const struct sl_norm_weights *w, uint32_t m,
                  const float *x, size_t x_stride, float *out, size_t out_stride,
                  const struct sl_rows_i8 *codes);

/* Rows [from, ...) of codes. */
static inline struct sl_rows_i8 sl_codes_at(const struct sl_rows_i8 *q, size_t from)
{
    return (struct sl_rows_i8){q->codes + from * q->stride, q->stride, q->scale + from};
}

#endif
