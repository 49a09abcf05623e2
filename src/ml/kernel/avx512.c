/* AVX-512 with VNNI (Cascade Lake, Ice Lake, Zen 4 and later). bf16 weights are widened to f32;
 * avx512bf16.c has the table for machines that multiply them. */
#include "ml/kernel/tables.h"
#include "ml/kernel/vec_avx512.h"

#include "ml/kernel/body_attention.h"
#include "ml/kernel/body_avx512_i8.h"

const struct sl_kernels sl_kernels_avx512 = {
    .name = "avx512",
    .what = "AVX-512 F BW DQ VL VNNI",
    TABLE_OF_BODIES,
    .gemm_bf16 = gemm_bf16_wide,
};
