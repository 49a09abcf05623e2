/* Which table runs on this machine, and what is the same for all of them. */
#include "ml/kernel/tables.h"

#include <math.h>
#include <string.h>

/* Slowest first. */
static const struct {
    const struct sl_kernels *table;
} all[] = {
    {&sl_kernels_ref},
};

const struct sl_kernels *sl_kernels_at(unsigned i)
{
    return i < sizeof all / sizeof all[0] ? all[i].table : NULL;
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
    /* K transposed in panels of 16 keys, the keys padded to a whole block, plus the scores and
     * sums of one block of queries (attention.inc.h); the reference needs one row of scores. */
    size_t keys = ((size_t)n_k + 63) / 64 * 64;
    return keys * sizeof(float) * (head_dim + 1) + 64 * 1024;
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
