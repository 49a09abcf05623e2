/* bf16 products with VDPBF16PS (Cooper Lake, Sapphire Rapids, Zen 4). The instruction adds the
 * products of a pair of bf16 to each of 16 f32 lanes and takes denormals as zero. The plan of
 * registers is that of the int8 tiles: 12 rows x 2 panels. */
#include "ml/kernel/tables.h"
#include "ml/kernel/vec_avx512.h"

#include "ml/kernel/body_bf16_rows.h"

/* The tests put a model of the instruction here where the machine lacks it. */
#ifndef VDPBF16PS
#define VDPBF16PS vdpbf16ps
INLINE vf vdpbf16ps(vf sum, __m512i x, __m512i w)
{
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
    return sum;
}
#endif

#define BF16_WEIGHTS(r, v)                                                                         \
    __m512i w##v = panels > (v) ? vu_load(b + (v)*b_stride + g * 16) : vu_zero();
#define BF16_STEP(r, v)                                                                            \
    if (panels > (v))                                                                              \
        s##r##_##v = VDPBF16PS(s##r##_##v, x##r, w##v);
#define BF16_STEP_ROW(r)                                                                           \
    if (rows > (r)) {                                                                              \
        __m512i x##r = pair(ROW_AT(r) + g);                                                        \
        EACH_VEC(BF16_STEP, r)                                                                     \
    }

/* A pair of activations in every lane. */
INLINE __m512i pair(const char *at)
{
    int32_t both;
    memcpy(&both, at, sizeof both);
    return _mm512_set1_epi32(both);
}

INLINE void tile_bf16(uint32_t rows, uint32_t panels, const struct tile *t)
{
    const uint32_t vecs = panels;
    const char *b = t->b, *a = t->a, *end = a + (t->k + 7) / 8 * 16;
    const size_t a_stride = t->a_stride, b_stride = t->b_stride;
    const char *a3 = a + 3 * a_stride, *a6 = a + 6 * a_stride, *a9 = a + 9 * a_stride;
    EACH_VEC(SUM_BIAS, 0)
    EACH_ROW(SUM_BEGIN_ROW)
    for (; a < end; a += 16, a3 += 16, a6 += 16, a9 += 16, b += 256) {
#pragma GCC unroll 4
        for (int g = 0; g < 16; g += 4) {
            EACH_VEC(BF16_WEIGHTS, 0)
            EACH_ROW(BF16_STEP_ROW)
        }
    }
    const size_t out_stride = t->out_stride;
    float *out = t->out;
    EACH_ROW(SUM_STORE_ROW)
}
TILE_TABLE(tile_bf16)

void sl_gemm_bf16_avx512bf16(uint32_t m, const float *a, size_t a_stride,
                             const struct sl_weights *w, const struct sl_epilogue *e, void *scratch)
{
    struct operand rows = bf16_rows(m, a, a_stride, w, scratch);
    product(m, &rows, w, e, sizeof(uint16_t), tile_bf16_tiles);
}
