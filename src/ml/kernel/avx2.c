/* AVX2 with FMA, without VNNI (Haswell to Zen 3).
 *
 * int8: VPMADDUBSW adds pairs of u8 x s8 products with saturation to 16 bits, so its unsigned side
 * must not pass 7 bits of size: it gets |w| <= 127, and the signed side the activation with the
 * sign of w. A pair is at most 2 * 127 * 127 = 32258 < 32768: exact. */
#include "ml/kernel/tables.h"
#include "ml/kernel/vec_avx2.h"

#define I8_BLOCK_ROWS 3
#include "ml/kernel/body_attention.h"
#include "ml/kernel/body_avx2_i8.h"

/* Of 16 registers: 6 sums, 2 of weights, 2 of their sizes, the activations, ones, 128s and one
 * product on its way. */
INLINE __m256i four_products(__m256i sum, __m256i x, __m256i w, __m256i size)
{
    __m256i pairs = _mm256_maddubs_epi16(size, _mm256_sign_epi8(x, w));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

INLINE void i8_block(uint32_t rows, const char *a, size_t a_stride, const char *b, uint32_t k,
                     const int32_t *offset, __m256i sums[][2])
{
    const __m256i flip = _mm256_set1_epi8((char)0x80);
    __m256i s00 = _mm256_setzero_si256(), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00;
    (void)offset; /* the activations are signed here */
    for (const char *end = a + (k + 3) / 4 * 4; a < end; a += 4, b += 64) {
        __m256i w0 = vu_load(b), w1 = vu_load(b + 32);
        __m256i size0 = _mm256_abs_epi8(w0), size1 = _mm256_abs_epi8(w1);
        __m256i x = _mm256_xor_si256(four_codes(a), flip);
        s00 = four_products(s00, x, w0, size0);
        s01 = four_products(s01, x, w1, size1);
        if (rows > 1) {
            x = _mm256_xor_si256(four_codes(a + a_stride), flip);
            s10 = four_products(s10, x, w0, size0);
            s11 = four_products(s11, x, w1, size1);
        }
        if (rows > 2) {
            x = _mm256_xor_si256(four_codes(a + 2 * a_stride), flip);
            s20 = four_products(s20, x, w0, size0);
            s21 = four_products(s21, x, w1, size1);
        }
    }
    sums[0][0] = s00;
    sums[0][1] = s01;
    sums[1][0] = s10;
    sums[1][1] = s11;
    sums[2][0] = s20;
    sums[2][1] = s21;
}

const struct sl_kernels sl_kernels_avx2 = {
    .name = "avx2",
    .what = "AVX2 FMA",
    TABLE_OF_BODIES(gemm_i8),
    .gemm_bf16 = gemm_bf16_wide,
};
