/* Which table runs on this machine, and what is the same for all of them. */
#include "ml/kernel/tables.h"
#include "sys/cpu.h"

#include <math.h>
#include <string.h>

/* Slowest first; a machine runs a table when it has every feature named. */
static const struct {
    const struct sl_kernels *table;
    unsigned needs;
} all[] = {
    {&sl_kernels_ref, 0},
#if defined(__x86_64__)
    {&sl_kernels_avx2, SL_CPU_AVX2},
    {&sl_kernels_avxvnni, SL_CPU_AVX2 | SL_CPU_AVXVNNI},
    {&sl_kernels_avx512, SL_CPU_AVX512 | SL_CPU_AVX512_VNNI},
    {&sl_kernels_avx512bf16, SL_CPU_AVX512 | SL_CPU_AVX512_VNNI | SL_CPU_AVX512_BF16},
    {&sl_kernels_amx, SL_CPU_AVX512 | SL_CPU_AVX512_VNNI | SL_CPU_AMX_INT8 | SL_CPU_AMX_BF16},
#elif defined(__aarch64__)
    {&sl_kernels_neon, SL_CPU_NEON_DOTPROD},
#endif
};

const struct sl_kernels *sl_kernels_at(unsigned i)
{
    unsigned features = sl_cpu_features();
    for (unsigned at = 0; at < sizeof all / sizeof all[0]; at++) {
        if ((all[at].needs & features) == all[at].needs && i-- == 0)
            return all[at].table;
    }
    return NULL;
}

const struct sl_kernels *sl_kernels_best(void)
{
    const struct sl_kernels *best = NULL, *next;
    for (unsigned i = 0; (next = sl_kernels_at(i)); i++)
        best = next;
    return best;
}

const struct sl_kernels *sl_kernels_named(const char *name)
{
    const struct sl_kernels *next;
    for (unsigned i = 0; (next = sl_kernels_at(i)); i++) {
        if (strcmp(next->name, name) == 0)
            return next;
    }
    return NULL;
}

size_t sl_gemm_bf16_scratch_bytes(uint32_t m, uint32_t k)
{
    /* The activations as bf16, rows padded to the k of the panels. */
    return (size_t)m * sl_k_padded(k) * sizeof(uint16_t);
}

size_t sl_attention_scratch_bytes(uint32_t n_k, uint32_t head_dim)
{
    /* Copies of K and V in panels, the keys padded to a whole one (and a window may begin inside
     * one), then what a block of queries needs. The reference needs a row of scores. */
    size_t keys = ((size_t)n_k / SL_PANEL + 2) * SL_PANEL;
    size_t columns = ((size_t)head_dim + SL_PANEL - 1) / SL_PANEL * SL_PANEL;
    size_t blocked = SL_ATTENTION_BLOCK_BYTES + keys * (head_dim + columns) * sizeof(float);
    return blocked > n_k * sizeof(float) ? blocked : n_k * sizeof(float);
}

void sl_cosine_many(const struct sl_kernels *kernels, uint32_t rows, uint32_t d, const float *v,
                    const float *bank, size_t bank_stride, float *out)
{
    float own;
    kernels->dot_f32(1, d, v, v, d, &own);
    kernels->dot_f32(rows, d, v, bank, bank_stride, out);
    for (uint32_t i = 0; i < rows; i++) {
        const float *row = bank + i * bank_stride;
        float other;
        kernels->dot_f32(1, d, row, row, d, &other);
        float norms = sqrtf(own) * sqrtf(other);
        out[i] = norms > 0 || isnan(norms) ? out[i] / norms : 0;
    }
}
