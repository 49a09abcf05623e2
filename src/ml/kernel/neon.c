/* NEON with the dot product extension (ARMv8.2 and later: Graviton 2, Apple, Ampere).
 *
 * int8: SDOT adds four s8 x s8 products to each of 4 int32 lanes; the codes of the activations are
 * made signed as they are read, so the panels' offsets are not needed. Of 32 registers: 6 rows x 4
 * of sums, 4 of weights, 1 of activations, 1 of 128s. */
#include "ml/kernel/tables.h"
#include "ml/kernel/vec_neon.h"

#include "ml/kernel/body_attention.h"

#define I8_BEGIN(r, v)  int32x4_t s##r##_##v = vdupq_n_s32(0);
#define I8_BEGIN_ROW(r) EACH_VEC(I8_BEGIN, r)
#define I8_WEIGHTS(r, v)                                                                           \
    int8x16_t w##v = vecs > (v) ? vld1q_s8(b + (v) / 4 * b_stride + (v) % 4 * 16) : vdupq_n_s8(0);
#define I8_STEP(r, v)                                                                              \
    if (vecs > (v))                                                                                \
        s##r##_##v = vdotq_s32(s##r##_##v, w##v, x##r);
#define I8_STEP_ROW(r)                                                                             \
    if (rows > (r)) {                                                                              \
        int8x16_t x##r = four_codes(ROW_AT(r));                                                    \
        EACH_VEC(I8_STEP, r)                                                                       \
    }
#define I8_STORE(r, v)                                                                             \
    if (rows > (r) && vecs > (v)) {                                                                \
        vf scale = vf_mul(vf_load(t->scale + (v)*VF), vf_set(row_scale[r]));                       \
        vf bias = t->bias ? vf_load(t->bias + (v)*VF) : vf_set(0);                                 \
        vf_store(out + (r)*out_stride + (v)*VF, vf_fma(vcvtq_f32_s32(s##r##_##v), scale, bias));   \
    }
#define I8_STORE_ROW(r) EACH_VEC(I8_STORE, r)

INLINE int8x16_t four_codes(const char *at)
{
    int32_t four;
    memcpy(&four, at, sizeof four);
    uint8x16_t codes = vreinterpretq_u8_s32(vdupq_n_s32(four));
    return vreinterpretq_s8_u8(veorq_u8(codes, vdupq_n_u8(0x80)));
}

INLINE void tile_i8(uint32_t rows, uint32_t panels, const struct tile *t)
{
    const uint32_t vecs = panels * PANEL_VECS;
    const int8_t *b = (const void *)t->b;
    const char *a = t->a, *end = a + (t->k + 3) / 4 * 4;
    const size_t a_stride = t->a_stride, b_stride = t->b_stride;
    const char *a3 = a + 3 * a_stride, *a6 = a + 6 * a_stride, *a9 = a + 9 * a_stride;
    EACH_ROW(I8_BEGIN_ROW)
    for (; a < end; a += 4, a3 += 4, a6 += 4, a9 += 4, b += 64) {
        EACH_VEC(I8_WEIGHTS, 0)
        EACH_ROW(I8_STEP_ROW)
    }
    const float *row_scale = t->row_scale;
    const size_t out_stride = t->out_stride;
    float *out = t->out;
    EACH_ROW(I8_STORE_ROW)
}
TILE_TABLE(tile_i8)

static void gemm_i8(uint32_t m, const struct sl_rows_i8 *a, const struct sl_weights *w,
                    const struct sl_epilogue *e)
{
    struct operand rows = {.rows = a->codes, .stride = a->stride, .scale = a->scale};
    product(m, &rows, w, e, 1, tile_i8_tiles);
}

static void dot_i8(uint32_t rows, uint32_t d, const int8_t *v, float v_scale, const int8_t *bank,
                   size_t bank_stride, const float *bank_scale, float *out)
{
    for (uint32_t i = 0; i < rows; i++, bank += bank_stride) {
        int32x4_t sum = vdupq_n_s32(0);
        uint32_t j = 0;
        for (; j + 16 <= d; j += 16)
            sum = vdotq_s32(sum, vld1q_s8(v + j), vld1q_s8(bank + j));
        int32_t total = vaddvq_s32(sum);
        for (; j < d; j++)
            total += v[j] * bank[j];
        out[i] = (float)total * (v_scale * bank_scale[i]);
    }
}

const struct sl_kernels sl_kernels_neon = {
    .name = "neon",
    .what = "NEON with dot product",
    TABLE_OF_BODIES(gemm_i8),
    .gemm_bf16 = gemm_bf16_wide,
};
