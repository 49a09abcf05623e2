/* AVX2 with AVX-VNNI (Alder Lake and later without AVX-512): int8 by VPDPBUSD ymm, which does not
 * saturate. Of 16 registers: 6 rows x 2 of sums, 2 of weights, 1 of activations. */
#include "ml/kernel/tables.h"
#include "ml/kernel/vec_avx2.h"

#define I8_BLOCK_ROWS 6
#include "ml/kernel/body_attention.h"
#include "ml/kernel/body_avx2_i8.h"

/* Which encoding: a machine with AVX-512 VL but without AVX-VNNI runs the same instruction as EVEX,
 * which is how the tests prove this file there. */
#ifndef VPDPBUSD
#define VPDPBUSD "%{vex%} vpdpbusd"
#endif

/* Not the intrinsic: see body_avx512_i8.h. */
INLINE __m256i dpbusd(__m256i sum, __m256i x, __m256i w)
{
    __asm__(VPDPBUSD " %2, %1, %0" : "+x"(sum) : "x"(x), "x"(w));
    return sum;
}

/* clang-format off */
#define EACH_I8_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5)
/* clang-format on */
#define I8_BEGIN(r) __m256i s##r##_0 = begin0, s##r##_1 = begin1;
#define I8_STEP(r)                                                                                 \
    if (rows > (r)) {                                                                              \
        __m256i x = four_codes(((r) < 3 ? a : a3) + (r) % 3 * a_stride);                           \
        s##r##_0 = dpbusd(s##r##_0, x, w0);                                                        \
        s##r##_1 = dpbusd(s##r##_1, x, w1);                                                        \
    }
#define I8_END(r)                                                                                  \
    if (rows > (r)) {                                                                              \
        sums[r][0] = s##r##_0;                                                                     \
        sums[r][1] = s##r##_1;                                                                     \
    }

INLINE void i8_block(uint32_t rows, const char *a, size_t a_stride, const char *b, uint32_t k,
                     const int32_t *offset, __m256i sums[][2])
{
    const char *a3 = a + 3 * a_stride, *end = a + (k + 3) / 4 * 4;
    __m256i begin0 = _mm256_sub_epi32(vu_zero(), vu_load(offset));
    __m256i begin1 = _mm256_sub_epi32(vu_zero(), vu_load(offset + VF));
    EACH_I8_ROW(I8_BEGIN)
    for (; a < end; a += 4, a3 += 4, b += 64) {
        __m256i w0 = vu_load(b), w1 = vu_load(b + 32);
        EACH_I8_ROW(I8_STEP)
    }
    EACH_I8_ROW(I8_END)
}

const struct sl_kernels sl_kernels_avxvnni = {
    .name = "avxvnni",
    .what = "AVX2 FMA AVX-VNNI",
    TABLE_OF_BODIES(gemm_i8),
    .gemm_bf16 = gemm_bf16_wide,
};
