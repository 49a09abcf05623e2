/* The arithmetic of the encoders: one table of functions an instruction set.
 *
 * Rules that hold for every function of a table:
 * - Pure: no allocation, clock, thread, log or static state. Any thread may call any of them at the
 *   same time on different outputs. Scratch is the caller's, sized by the *_scratch_bytes functions
 *   (the same for every table), aligned to 64 bytes, and holds nothing between calls.
 * - Strides are counted in elements of their operand, from row to row, and may exceed the row.
 * - A count of zero (rows, columns, inputs) is legal: k = 0 gives bias alone, m = 0 writes nothing.
 * - Pointers need the alignment of their element; 64 bytes is faster. Nothing is read or written
 *   outside the operands as their shapes describe them.
 * - In-place use (output == input) is allowed exactly where said.
 * - NaN and infinity are legal inputs. They make that row's results NaN or infinite as IEEE says
 *   (int8: NaN for the whole row) and never touch another row; no behaviour is undefined. In
 *   attention a bad query touches its own row, a bad key or value may touch every row of the call.
 * - The rounding mode is to nearest. Results of two tables differ by rounding only: int8 sums are
 *   exact in all of them.
 */
#ifndef SL_ML_KERNEL_KERNEL_H
#define SL_ML_KERNEL_KERNEL_H

#include "ml/kernel/pack.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sl_act {
    SL_ACT_NONE,
    SL_ACT_GELU,      /* x * Phi(x), the erf form; absolute error <= 2e-6 */
    SL_ACT_GELU_TANH, /* x / 2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))); absolute error <= 2e-6 */
    SL_ACT_SILU,      /* x / (1 + exp(-x)) */
    SL_ACT_RELU,      /* max(x, 0); a NaN stays */
    SL_ACT_TANH,
};

/* What a product does with its sums before it writes them, in this order. */
struct sl_epilogue {
    const float *bias;     /* [w.n] in the checkpoint's order, or NULL */
    enum sl_act act;       /* gated weights: act(activated half) * gate half, otherwise act(sum) */
    const float *residual; /* [m, columns], added last, or NULL; may be `out` itself */
    size_t residual_stride;
    float *out; /* [m, columns]; columns = w.n, or w.n / 2 when gated */
    size_t out_stride;
};

/* Rows quantised per token: value = (code - 128) * scale, code in 1..255. */
struct sl_rows_i8 {
    uint8_t *codes; /* [m, stride]; the bytes from k up to sl_k_padded(k) are 128 */
    size_t stride;  /* bytes; at least sl_k_padded(k) */
    float *scale;   /* [m]; 0 for a row of zeros, NaN for a row that held NaN or infinity */
};

/* Layer or RMS norm of m rows of d values. out and q may both be given: one pass writes both. */
struct sl_norm {
    uint32_t m, d;
    const float *x; /* [m, x_stride] */
    size_t x_stride;
    const float *weight; /* [d], or NULL for ones */
    const float *bias;   /* [d], or NULL (RMS norm ignores it) */
    float epsilon;
    float *out; /* [m, out_stride] or NULL; may be x itself */
    size_t out_stride;
    const struct sl_rows_i8 *q; /* the same rows quantised, or NULL */
};

/* One head of attention of rows [0, n_q) of Q over keys [0, n_k). Query row i stands at position
 * q_position + i among the keys (so a caller may cut a sequence's queries into pieces):
 *   out_i = softmax_j( scale * q_i . k_j + bias_ij ) . V  over the keys j that i may see.
 * A query that may see no key gets zeros. Memory grows with n_k, never with n_q * n_k. */
struct sl_attention {
    uint32_t n_q, n_k;
    uint32_t head_dim; /* 1..SL_MAX_HEAD_DIM */
    uint32_t q_position;
    const float *q, *k, *v; /* rows of head_dim values */
    size_t q_stride, k_stride, v_stride;
    float scale;
    bool is_causal;    /* j <= position of i */
    uint32_t window;   /* |position of i - j| <= window; 0: every key */
    const float *bias; /* [n_q, bias_stride], added to the scaled score, or NULL */
    size_t bias_stride;
    float *out; /* [n_q, out_stride]; may not overlap q, k or v */
    size_t out_stride;
};

enum { SL_MAX_HEAD_DIM = 256 };

/* Rows of an embedding table. */
struct sl_table {
    enum sl_dtype type; /* int8: s8 codes with row_scale */
    uint32_t rows, d;
    const void *data;       /* [rows, d], contiguous */
    const float *row_scale; /* [rows]; int8 only */
};

struct sl_kernels {
    const char *name; /* "ref", "avx2", "avxvnni", "avx512", "avx512bf16", "amx", "neon" */
    const char *what; /* the instructions it uses, for people */

    /* epilogue( dequantised(a) W^T ). a [m, a->stride], w of type SL_DTYPE_I8. */
    void (*gemm_i8)(uint32_t m, const struct sl_rows_i8 *a, const struct sl_weights *w,
                    const struct sl_epilogue *e);
    /* epilogue( a W^T ). a [m, a_stride]; w of type SL_DTYPE_F32. */
    void (*gemm_f32)(uint32_t m, const float *a, size_t a_stride, const struct sl_weights *w,
                     const struct sl_epilogue *e);
    /* The same with w of type SL_DTYPE_BF16; a table may round `a` to bf16 as well. scratch:
     * sl_gemm_bf16_scratch_bytes(m, k). */
    void (*gemm_bf16)(uint32_t m, const float *a, size_t a_stride, const struct sl_weights *w,
                      const struct sl_epilogue *e, void *scratch);

    /* Per-row quantisation of x [m, k]: scale = absmax / 127, code = round(x / scale) + 128. */
    void (*quantise)(uint32_t m, uint32_t k, const float *x, size_t x_stride,
                     const struct sl_rows_i8 *q);

    /* (x - mean) / sqrt(variance + epsilon) * weight + bias, biased variance. */
    void (*layer_norm)(const struct sl_norm *norm);
    /* x / sqrt(mean(x^2) + epsilon) * weight. */
    void (*rms_norm)(const struct sl_norm *norm);

    /* In place over each of m rows of n values: exp(x - max) / sum. */
    void (*softmax)(uint32_t m, uint32_t n, float *x, size_t x_stride);
    /* out[i] = act(x[i]); out may be x. */
    void (*activate)(enum sl_act act, size_t count, const float *x, float *out);
    /* out[i] = act(x[i]) * gate[i]; out may be x or gate. */
    void (*glu)(enum sl_act act, size_t count, const float *x, const float *gate, float *out);

    /* Rotary positions, half-split layout, in place: each of m rows of x holds `heads` vectors of
     * head_dim (even) values side by side; y[j] = x[j] c[j] - x[j + h] s[j], y[j + h] = x[j + h]
     * c[j] + x[j] s[j], h = head_dim / 2. cos and sin are [m, h]: row i belongs to row i of x. */
    void (*rope)(uint32_t m, uint32_t heads, uint32_t head_dim, float *x, size_t x_stride,
                 const float *cos, const float *sin);

    /* scratch: sl_attention_scratch_bytes(n_k, head_dim). */
    void (*attention)(const struct sl_attention *a, void *scratch);

    /* out[i] = row ids[i] of the table (added to what out[i] holds when `add`). An id outside the
     * table reads as a row of zeros. */
    void (*gather)(const struct sl_table *table, uint32_t m, const uint32_t *ids, bool add,
                   float *out, size_t out_stride);

    /* out[d] = mean of the m rows of x; zeros when m = 0. */
    void (*mean)(uint32_t m, uint32_t d, const float *x, size_t x_stride, float *out);
    /* x /= (|x| + epsilon), in place; returns |x| as it was. */
    float (*l2_normalise)(uint32_t d, float *x, float epsilon);

    /* out[i] = v . row i of bank, for `rows` rows of d values. */
    void (*dot_f32)(uint32_t rows, uint32_t d, const float *v, const float *bank,
                    size_t bank_stride, float *out);
    /* The same of s8 codes (-127..127); exact, then times v_scale * bank_scale[i]. d <= SL_MAX_K.
     */
    void (*dot_i8)(uint32_t rows, uint32_t d, const int8_t *v, float v_scale, const int8_t *bank,
                   size_t bank_stride, const float *bank_scale, float *out);
};

/* Bytes of scratch; 0 where none is needed. */
size_t sl_gemm_bf16_scratch_bytes(uint32_t m, uint32_t k);
size_t sl_attention_scratch_bytes(uint32_t n_k, uint32_t head_dim);

/* The table for this machine, chosen once by what the processor and the operating system support.
 */
const struct sl_kernels *sl_kernels_best(void);
/* The table of that name; NULL: no such table in this build, or the machine cannot run it. */
const struct sl_kernels *sl_kernels_named(const char *name);
/* The i-th table that this machine can run, slowest first; NULL behind the last. 0 is "ref". */
const struct sl_kernels *sl_kernels_at(unsigned i);

/* cosine(v, row i) for every row, [rows]; 0 where either is a vector of zeros. */
void sl_cosine_many(const struct sl_kernels *kernels, uint32_t rows, uint32_t d, const float *v,
                    const float *bank, size_t bank_stride, float *out);

#endif
