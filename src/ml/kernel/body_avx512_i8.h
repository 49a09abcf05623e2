/* int8 products with VPDPBUSD zmm, shared by the AVX-512 tables.
 *
 * VPDPBUSD adds four u8 x s8 products to each of 16 int32 lanes, without saturation. The
 * activations are codes around 128, so a sum holds 128 * (sum of the channel's weights) too much:
 * the panel's offset. Per group of 4 k: 2 loads of weights, 12 broadcasts, 24 VPDPBUSD; the two
 * multiply ports (12 cycles) bound it, the two load ports need 7. */
#ifndef SL_ML_KERNEL_BODY_AVX512_I8_H
#define SL_ML_KERNEL_BODY_AVX512_I8_H
#if defined(__AVX512VNNI__) && defined(TILE_ROWS)

#include "ml/kernel/body_gemm.h"

INLINE void tile_i8(uint32_t rows, uint32_t panels, const struct tile *t)
{
    __m512i sum[TILE_ROWS][TILE_PANELS_MAX];
    const char *a = t->a, *b = t->b, *end = t->a + (t->k + 3) / 4 * 4;
    size_t a_stride = t->a_stride, b_stride = t->b_stride;
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t p = 0; p < panels; p++)
            sum[r][p] = _mm512_setzero_si512();
    for (; a < end; a += 4, b += 64) {
        __m512i w[TILE_PANELS_MAX];
        for (uint32_t p = 0; p < panels; p++)
            w[p] = _mm512_loadu_si512(b + p * b_stride);
        for (uint32_t r = 0; r < rows; r++) {
            int32_t four;
            memcpy(&four, a + r * a_stride, sizeof four);
            __m512i x = _mm512_set1_epi32(four);
            for (uint32_t p = 0; p < panels; p++)
                sum[r][p] = _mm512_dpbusd_epi32(sum[r][p], x, w[p]);
        }
    }
    for (uint32_t p = 0; p < panels; p++) {
        __m512i offset = _mm512_loadu_si512(t->offset + p * SL_PANEL);
        vf scale = vf_load(t->scale + p * SL_PANEL);
        for (uint32_t r = 0; r < rows; r++) {
            vf y = _mm512_cvtepi32_ps(_mm512_sub_epi32(sum[r][p], offset));
            vf_store(t->out + r * t->out_stride + p * SL_PANEL,
                     vf_mul(y, vf_mul(scale, vf_set(t->row_scale[r]))));
        }
    }
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
