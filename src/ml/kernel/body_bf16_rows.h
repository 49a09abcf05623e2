/* Activations as bf16, for the instructions that multiply two of them. */
#ifndef SL_ML_KERNEL_BODY_BF16_ROWS_H
#define SL_ML_KERNEL_BODY_BF16_ROWS_H
#ifdef TILE_ROWS

#include "ml/kernel/body_gemm.h"

/* Rounds to nearest even; a NaN stays one (the quiet bit keeps its upper half from being zero). */
INLINE __m256i narrow(vf x)
{
    __m512i bits = _mm512_castps_si512(x);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i round = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
    __mmask16 is_nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    round = _mm512_mask_mov_epi32(round, is_nan, quiet);
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(round, 16));
}

/* Writes m rows of x [m, k] to `to`, each k_padded long with zeros behind k; the operand of it. */
static struct operand bf16_rows(uint32_t m, const float *x, size_t x_stride,
                                const struct sl_weights *w, void *to)
{
    uint16_t *row = to;
    for (uint32_t i = 0; i < m; i++, x += x_stride, row += w->k_padded) {
        for (uint32_t j = 0; j < w->k_padded; j += VF) {
            uint32_t n = j >= w->k ? 0 : w->k - j < VF ? w->k - j : VF;
            _mm256_storeu_si256((void *)(row + j), narrow(n ? vf_load_n(x + j, n) : vf_set(0)));
        }
    }
    return (struct operand){.rows = to, .stride = w->k_padded * sizeof *row};
}

#endif
#endif
