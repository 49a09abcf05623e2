/* What the int8 products of the two AVX2 tables share: one panel is two vectors of 8 channels x 4
 * inputs; i8_block(), which the table's file brings, sums up to 3 or 6 rows over one panel. */
#ifndef SL_ML_KERNEL_BODY_AVX2_I8_H
#define SL_ML_KERNEL_BODY_AVX2_I8_H
#ifdef I8_BLOCK_ROWS

#include "ml/kernel/body_gemm.h"

/* Four codes of an activation row in every lane. */
INLINE __m256i four_codes(const char *at)
{
    int32_t four;
    memcpy(&four, at, sizeof four);
    return _mm256_set1_epi32(four);
}

INLINE void i8_block(uint32_t rows, const char *a, size_t a_stride, const char *b, uint32_t k,
                     const int32_t *offset, __m256i sums[][2]);

INLINE void i8_rows(uint32_t rows, uint32_t row, uint32_t p, const struct tile *t)
{
    __m256i sums[I8_BLOCK_ROWS][2];
    i8_block(rows, t->a + row * t->a_stride, t->a_stride, t->b + p * t->b_stride, t->k,
             t->offset + p * SL_PANEL, sums);
#pragma GCC unroll 6
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t v = 0; v < 2; v++) {
            uint32_t at = p * SL_PANEL + v * VF;
            vf scale = vf_mul(vf_load(t->scale + at), vf_set(t->row_scale[row + r]));
            vf bias = t->bias ? vf_load(t->bias + at) : vf_set(0);
            vf_store(t->out + (row + r) * t->out_stride + at,
                     vf_fma(_mm256_cvtepi32_ps(sums[r][v]), scale, bias));
        }
    }
}

INLINE void tile_i8(uint32_t rows, uint32_t panels, const struct tile *t)
{
    for (uint32_t p = 0; p < panels; p++) {
        if (rows <= I8_BLOCK_ROWS) {
            i8_rows(rows, 0, p, t);
        } else {
            i8_rows(I8_BLOCK_ROWS, 0, p, t);
            i8_rows(rows - I8_BLOCK_ROWS, I8_BLOCK_ROWS, p, t);
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

/* Sixteen products at a time, widened to 16 bits: pairs of them cannot overflow 32. */
static void dot_i8(uint32_t rows, uint32_t d, const int8_t *v, float v_scale, const int8_t *bank,
                   size_t bank_stride, const float *bank_scale, float *out)
{
    for (uint32_t i = 0; i < rows; i++, bank += bank_stride) {
        __m256i sum = _mm256_setzero_si256();
        uint32_t j = 0;
        for (; j + 16 <= d; j += 16) {
            __m256i x = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)(v + j)));
            __m256i y = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)(bank + j)));
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x, y));
        }
        int32_t lanes[8], total = 0;
        _mm256_storeu_si256((void *)lanes, sum);
        for (int l = 0; l < 8; l++)
            total += lanes[l];
        for (; j < d; j++)
            total += v[j] * bank[j];
        out[i] = (float)total * (v_scale * bank_scale[i]);
    }
}

#endif
#endif
