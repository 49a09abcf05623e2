/* What the files of this room share: the tables, one an instruction set, and small helpers. A table
 * is called only after dispatch.c has found its instructions on the machine. */
#ifndef SL_ML_KERNEL_TABLES_H
#define SL_ML_KERNEL_TABLES_H

#include "ml/kernel/kernel.h"

extern const struct sl_kernels sl_kernels_ref, sl_kernels_avx2, sl_kernels_avxvnni,
    sl_kernels_avx512, sl_kernels_avx512bf16, sl_kernels_amx, sl_kernels_neon;

/* Products of files of their own; their tables, with everything else of AVX-512, are in avx512.c.
 */
void sl_gemm_bf16_avx512bf16(uint32_t m, const float *a, size_t a_stride,
                             const struct sl_weights *w, const struct sl_epilogue *e,
                             void *scratch);
void sl_gemm_i8_amx(uint32_t m, const struct sl_rows_i8 *a, const struct sl_weights *w,
                    const struct sl_epilogue *e);
void sl_gemm_bf16_amx(uint32_t m, const float *a, size_t a_stride, const struct sl_weights *w,
                      const struct sl_epilogue *e, void *scratch);

/* Rows whose largest value is below this quantise to zeros: 127 / it must not overflow. */
#define SL_QUANTISE_TINY 1e-30f

/* Attention works on blocks of this many queries and keys; one block's scores, sums and copies take
 * at most SL_ATTENTION_BLOCK_BYTES. */
enum { SL_QUERY_BLOCK = 24, SL_KEY_BLOCK = 256, SL_ATTENTION_BLOCK_BYTES = 96 * 1024 };

/* The keys [from, to) that query row i may see; from <= to. */
static inline void sl_visible_keys(const struct sl_attention *a, uint32_t i, uint32_t *from,
                                   uint32_t *to)
{
    uint64_t position = (uint64_t)a->q_position + i, end = a->n_k;
    uint64_t begin = a->window && position > a->window ? position - a->window : 0;
    if (a->window && position + a->window + 1 < end)
        end = position + a->window + 1;
    if (a->is_causal && position + 1 < end)
        end = position + 1;
    *to = (uint32_t)end;
    *from = begin < end ? (uint32_t)begin : (uint32_t)end;
}

#endif
