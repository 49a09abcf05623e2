/* int8 products with VPDPBUSD zmm, shared by the AVX-512 tables.
 *
 * VPDPBUSD adds four u8 x s8 products to each of 16 int32 lanes, without saturation. The
 * activations are codes around 128, so a sum holds 128 * (sum of the channel's weights) too much:
 * the panel's offset. Registers as in vec_avx512.h. */
#ifndef SL_ML_KERNEL_BODY_AVX512_I8_H
#define SL_ML_KERNEL_BODY_AVX512_I8_H
#if defined(__AVX512VNNI__) && defined(TILE_ROWS)

#include "ml/kernel/body_gemm.h"

/* Sums begin at minus the offset of their channel. */
#define I8_OFFSET(r, v)                                                                            \
    __m512i begin##v = _mm512_setzero_si512();                                                     \
    if (panels > (v))                                                                              \
        begin##v = _mm512_sub_epi32(begin##v, _mm512_loadu_si512(t->offset + (v)*SL_PANEL));
#define I8_BEGIN(r, v)  __m512i s##r##_##v = begin##v;
#define I8_BEGIN_ROW(r) EACH_VEC(I8_BEGIN, r)
#define I8_WEIGHTS(r, v)                                                                           \
    __m512i w##v =                                                                                 \
        panels > (v) ? _mm512_loadu_si512(b + (v)*b_stride + g * 16) : _mm512_setzero_si512();
#define I8_STEP(r, v)                                                                              \
    if (panels > (v))                                                                              \
        s##r##_##v = dpbusd(s##r##_##v, x##r, w##v);
#define I8_STEP_ROW(r)                                                                             \
    if (rows > (r)) {                                                                              \
        __m512i x##r = four_codes(ROW_AT(r) + g);                                                  \
        EACH_VEC(I8_STEP, r)                                                                       \
    }
#define I8_STORE(r, v)                                                                             \
    if (rows > (r) && panels > (v))                                                                \
        vf_store(out + (r)*out_stride + (v)*SL_PANEL,                                              \
                 vf_fma(_mm512_cvtepi32_ps(s##r##_##v), vf_mul(scale##v, x##r), bias##v));
#define I8_STORE_ROW(r)                                                                            \
    if (rows > (r)) {                                                                              \
        vf x##r = vf_set(row_scale[r]);                                                            \
        EACH_VEC(I8_STORE, r)                                                                      \
    }
#define I8_SCALES(r, v)                                                                            \
    vf scale##v = panels > (v) ? vf_load(t->scale + (v)*SL_PANEL) : vf_set(0);                     \
    vf bias##v = panels > (v) && t->bias ? vf_load(t->bias + (v)*SL_PANEL) : vf_set(0);

/* sum + the dot product of four u8 of x with four s8 of w in each lane. Not the intrinsic: gcc 12
 * copies its accumulator before and spills it after every use, which costs two thirds of the speed.
 */
INLINE __m512i dpbusd(__m512i sum, __m512i x, __m512i w)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
    return sum;
}

INLINE __m512i four_codes(const char *at)
{
    int32_t four;
    memcpy(&four, at, sizeof four);
    return _mm512_set1_epi32(four);
}

/* Lines of the weights to come that are asked for while 32 inputs are multiplied: a quarter of what
 * three panels use, so that four blocks of rows bring the next three from the third-level cache. */
enum { LINES_AHEAD = 6 };

INLINE void tile_i8(uint32_t rows, uint32_t panels, const struct tile *t)
{
    const char *b = t->b, *a = t->a, *end = a + (t->k + 31) / 32 * 32;
    const size_t a_stride = t->a_stride, b_stride = t->b_stride;
    const char *a3 = a + 3 * a_stride, *a6 = a + 6 * a_stride, *a9 = a + 9 * a_stride;
    EACH_VEC(I8_OFFSET, 0)
    EACH_ROW(I8_BEGIN_ROW)
    const char *ahead = t->ahead;
    for (; a < end; a += 32, a3 += 32, a6 += 32, a9 += 32, b += 512, ahead += 64 * LINES_AHEAD) {
#pragma GCC unroll 8
        for (int line = 0; line < LINES_AHEAD; line++)
            _mm_prefetch(ahead + 64 * line, _MM_HINT_T1);
#pragma GCC unroll 8
        for (int g = 0; g < 32; g += 4) {
            EACH_VEC(I8_WEIGHTS, 0)
            EACH_ROW(I8_STEP_ROW)
        }
    }
    EACH_VEC(I8_SCALES, 0)
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

/* The bank's codes become unsigned (+128); 128 * the sum of v is what that adds. */
static void dot_i8(uint32_t rows, uint32_t d, const int8_t *v, float v_scale, const int8_t *bank,
                   size_t bank_stride, const float *bank_scale, float *out)
{
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    int32_t v_sum = 0;
    for (uint32_t j = 0; j < d; j++)
        v_sum += v[j];
    for (uint32_t i = 0; i < rows; i++, bank += bank_stride) {
        __m512i sum = _mm512_setzero_si512();
        for (uint32_t j = 0; j < d; j += 64) {
            __mmask64 lanes = d - j < 64 ? (1ull << (d - j)) - 1 : ~0ull;
            __m512i x = _mm512_maskz_loadu_epi8(lanes, v + j);
            __m512i y = _mm512_xor_si512(_mm512_maskz_loadu_epi8(lanes, bank + j), flip);
            sum = _mm512_dpbusd_epi32(sum, y, x);
        }
        int32_t total = _mm512_reduce_add_epi32(sum) - 128 * v_sum;
        out[i] = (float)total * (v_scale * bank_scale[i]);
    }
}

#endif
#endif
