/* AVX-512 with VNNI (Cascade Lake, Ice Lake, Zen 4 and later), and the tables of the machines that
 * have more, which differ in their products alone: avx512_bf16.c, amx.c. */
#include "ml/kernel/tables.h"
#include "ml/kernel/vec_avx512.h"

#include "ml/kernel/body_attention.h"
#include "ml/kernel/body_avx512_i8.h"

const struct sl_kernels sl_kernels_avx512 = {
    .name = "avx512",
    .what = "AVX-512 F BW DQ VL VNNI",
    TABLE_OF_BODIES(gemm_i8),
    .gemm_bf16 = gemm_bf16_wide,
};

const struct sl_kernels sl_kernels_avx512bf16 = {
    .name = "avx512bf16",
    .what = "AVX-512 F BW DQ VL VNNI BF16",
    TABLE_OF_BODIES(gemm_i8),
    .gemm_bf16 = sl_gemm_bf16_avx512bf16,
};

const struct sl_kernels sl_kernels_amx = {
    .name = "amx",
    .what = "AMX int8 bf16, AVX-512",
    TABLE_OF_BODIES(sl_gemm_i8_amx),
    .gemm_bf16 = sl_gemm_bf16_amx,
};
