/* f32 tiles, over f32 weights and over bf16 weights widened as they are read. */
#ifndef SL_ML_KERNEL_BODY_GEMM_F32_H
#define SL_ML_KERNEL_BODY_GEMM_F32_H
#ifdef TILE_ROWS

#include "ml/kernel/body_gemm.h"

#define F32_WEIGHTS(r, v)                                                                          \
    vf w##v =                                                                                      \
        vecs > (v) ? vf_load(b + (v) / PANEL_VECS * b_stride + (v) % PANEL_VECS * VF) : vf_set(0);
#define F32_STEP(r, v)                                                                             \
    if (vecs > (v))                                                                                \
        s##r##_##v = vf_fma(x##r, w##v, s##r##_##v);
#define F32_STEP_ROW(r)                                                                            \
    if (rows > (r)) {                                                                              \
        vf x##r = vf_set(*ROW_AT(r));                                                              \
        EACH_VEC(F32_STEP, r)                                                                      \
    }

INLINE void tile_f32(uint32_t rows, uint32_t panels, const struct tile *t)
{
    const uint32_t vecs = panels * PANEL_VECS;
    const float *b = (const void *)t->b, *a = (const void *)t->a, *end = a + t->k;
    const size_t a_stride = t->a_stride / sizeof(float), b_stride = t->b_stride / sizeof(float);
    const float *a3 = a + 3 * a_stride, *a6 = a + 6 * a_stride, *a9 = a + 9 * a_stride;
    EACH_VEC(SUM_BIAS, 0)
    EACH_ROW(SUM_BEGIN_ROW)
    for (; a < end; a++, a3++, a6++, a9++, b += SL_PANEL) {
        EACH_VEC(F32_WEIGHTS, 0)
        EACH_ROW(F32_STEP_ROW)
    }
    const size_t out_stride = t->out_stride;
    float *out = t->out;
    EACH_ROW(SUM_STORE_ROW)
}
TILE_TABLE(tile_f32)

/* bf16 weights widened as they are read, f32 activations. */
#define BF16_WEIGHTS(r, v)                                                                         \
    vu pair##v =                                                                                   \
        vecs > (v)                                                                                 \
            ? vu_load(b + (v) / PANEL_VECS * b_stride + (v) % PANEL_VECS * VF * sizeof(uint32_t))  \
            : vu_zero();
#define BF16_LOW(r, v)                                                                             \
    if (vecs > (v))                                                                                \
        s##r##_##v = vf_fma(x##r, vf_low_bf16(pair##v), s##r##_##v);
#define BF16_HIGH(r, v)                                                                            \
    if (vecs > (v))                                                                                \
        s##r##_##v = vf_fma(x##r, vf_high_bf16(pair##v), s##r##_##v);
#define BF16_LOW_ROW(r)                                                                            \
    if (rows > (r)) {                                                                              \
        vf x##r = vf_set(*ROW_AT(r));                                                              \
        EACH_VEC(BF16_LOW, r)                                                                      \
    }
#define BF16_HIGH_ROW(r)                                                                           \
    if (rows > (r)) {                                                                              \
        vf x##r = vf_set(ROW_AT(r)[1]);                                                            \
        EACH_VEC(BF16_HIGH, r)                                                                     \
    }

INLINE void tile_bf16_wide(uint32_t rows, uint32_t panels, const struct tile *t)
{
    const uint32_t vecs = panels * PANEL_VECS;
    const char *b = t->b;
    const float *a = (const void *)t->a, *end = a + t->k / 2 * 2;
    const size_t a_stride = t->a_stride / sizeof(float), b_stride = t->b_stride;
    const float *a3 = a + 3 * a_stride, *a6 = a + 6 * a_stride, *a9 = a + 9 * a_stride;
    EACH_VEC(SUM_BIAS, 0)
    EACH_ROW(SUM_BEGIN_ROW)
    for (; a < end; a += 2, a3 += 2, a6 += 2, a9 += 2, b += SL_PANEL * sizeof(uint32_t)) {
        EACH_VEC(BF16_WEIGHTS, 0)
        EACH_ROW(BF16_LOW_ROW)
        EACH_ROW(BF16_HIGH_ROW)
    }
    if (t->k % 2) {
        EACH_VEC(BF16_WEIGHTS, 0)
        EACH_ROW(BF16_LOW_ROW)
    }
    const size_t out_stride = t->out_stride;
    float *out = t->out;
    EACH_ROW(SUM_STORE_ROW)
}
TILE_TABLE(tile_bf16_wide)

static void gemm_f32(uint32_t m, const float *a, size_t a_stride, const struct sl_weights *w,
                     const struct sl_epilogue *e)
{
    struct operand rows = {.rows = a, .stride = a_stride * sizeof(float)};
    product(m, &rows, w, e, sizeof(float), tile_f32_tiles);
}

/* For tables without bf16 instructions. */
static void gemm_bf16_wide(uint32_t m, const float *a, size_t a_stride, const struct sl_weights *w,
                           const struct sl_epilogue *e, void *scratch)
{
    struct operand rows = {.rows = a, .stride = a_stride * sizeof(float)};
    (void)scratch;
    product(m, &rows, w, e, sizeof(uint16_t), tile_bf16_wide_tiles);
}

#endif
#endif
