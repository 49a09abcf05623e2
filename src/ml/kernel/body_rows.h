/* Everything that works row by row: quantising, norms, softmax, activations, rotary positions,
 * gathers, pooling, dot products. For the vectors of a vec_*.h included before. */
#ifndef SL_ML_KERNEL_BODY_ROWS_H
#define SL_ML_KERNEL_BODY_ROWS_H
#ifdef TILE_ROWS

#include "ml/kernel/body_math.h"
#include "ml/kernel/tables.h"

#include <math.h>

/* The scale of a row whose largest |value| has these bits, and the factor that makes its codes. */
static float row_scale(uint32_t largest_bits, float *inverse)
{
    union {
        uint32_t u;
        float f;
    } largest = {.u = largest_bits};
    *inverse = 0;
    if (largest_bits >= 0x7f800000u)
        return NAN;
    if (largest.f < SL_QUANTISE_TINY)
        return 0;
    *inverse = 127 / largest.f;
    return largest.f / 127;
}

/* The codes of one row from its values; x may be longer than k only by what is not read. */
static void put_codes(uint32_t k, const float *x, float inverse, uint8_t *codes)
{
    uint32_t i = 0, padded = (uint32_t)sl_k_padded(k);
    if (inverse == 0) {
        memset(codes, 128, padded);
        return;
    }
    for (; i + VF <= k; i += VF)
        vf_store_codes(codes + i, vf_mul(vf_load(x + i), vf_set(inverse)));
    if (i < k) {
        /* Whole vectors may be written: the row is padded to more than one. */
        vf_store_codes(codes + i, vf_mul(vf_load_n(x + i, k - i), vf_set(inverse)));
        i += VF;
    }
    if (i < padded)
        memset(codes + i, 128, padded - i);
}

static void quantise(uint32_t m, uint32_t k, const float *x, size_t x_stride,
                     const struct sl_rows_i8 *q)
{
    for (uint32_t i = 0; i < m; i++, x += x_stride) {
        vu largest = vu_zero(), other = vu_zero();
        uint32_t j = 0;
        for (; j + 2 * VF <= k; j += 2 * VF) {
            largest = vu_max_abs(largest, vf_load(x + j));
            other = vu_max_abs(other, vf_load(x + j + VF));
        }
        for (; j < k; j += VF)
            largest = vu_max_abs(largest, vf_load_n(x + j, k - j < VF ? k - j : VF));
        uint32_t bits = vu_largest(largest), more = vu_largest(other);
        float inverse;
        q->scale[i] = row_scale(bits > more ? bits : more, &inverse);
        put_codes(k, x, inverse, q->codes + i * q->stride);
    }
}

/* Sum over a row of (x - shift), or of its square. */
INLINE float row_sum(uint32_t d, const float *x, float shift, bool is_square)
{
    vf sum[4], minus = vf_set(shift);
    uint32_t j = 0;
    for (int v = 0; v < 4; v++)
        sum[v] = vf_set(0);
    for (; j + 4 * VF <= d; j += 4 * VF) {
        for (int v = 0; v < 4; v++) {
            vf y = vf_sub(vf_load(x + j + v * VF), minus);
            sum[v] = is_square ? vf_fma(y, y, sum[v]) : vf_add(sum[v], y);
        }
    }
    for (; j + VF <= d; j += VF) {
        vf y = vf_sub(vf_load(x + j), minus);
        sum[0] = is_square ? vf_fma(y, y, sum[0]) : vf_add(sum[0], y);
    }
    float total = vf_sum(vf_add(vf_add(sum[0], sum[1]), vf_add(sum[2], sum[3])));
    for (; j < d; j++)
        total += is_square ? (x[j] - shift) * (x[j] - shift) : x[j] - shift;
    return total;
}

/* n lanes of a normed row. */
INLINE vf normed(const struct sl_norm *norm, const float *x, uint32_t j, vf mean, vf factor,
                 bool is_layer, uint32_t n)
{
    vf y = vf_mul(vf_sub(vf_load_n(x + j, n), mean), factor);
    if (norm->weight)
        y = vf_mul(y, vf_load_n(norm->weight + j, n));
    if (is_layer && norm->bias)
        y = vf_add(y, vf_load_n(norm->bias + j, n));
    return y;
}

/* Values of a row computed and quantised in one go; longer rows are cut in pieces. */
enum { NORM_PIECE = 1024 };

/* Writes the row's values [from, from + count) to y; returns the largest of their bits. */
INLINE vu norm_piece(const struct sl_norm *norm, const float *x, float mean, float factor,
                     bool is_layer, uint32_t from, uint32_t count, float *y)
{
    vu largest = vu_zero();
    vf m = vf_set(mean), f = vf_set(factor);
    uint32_t j = 0;
    for (; j + VF <= count; j += VF) {
        vf value = normed(norm, x, from + j, m, f, is_layer, VF);
        largest = vu_max_abs(largest, value);
        vf_store(y + j, value);
    }
    if (j < count) {
        vf value = normed(norm, x, from + j, m, f, is_layer, count - j);
        /* Lanes behind the row hold (0 - mean) * factor * 0: NaN when the row is, else 0. */
        vf_store_n(y + j, value, count - j);
        largest = vu_max_abs(largest, vf_load_n(y + j, count - j));
    }
    return largest;
}

INLINE void norm_row(const struct sl_norm *norm, uint32_t i, bool is_layer)
{
    float piece[NORM_PIECE];
    const float *x = norm->x + i * norm->x_stride;
    float *out = norm->out ? norm->out + i * norm->out_stride : NULL;
    uint32_t d = norm->d;
    float mean = is_layer ? row_sum(d, x, 0, false) / (float)d : 0;
    float factor = 1 / sqrtf(row_sum(d, x, mean, true) / (float)d + norm->epsilon);
    if (out || d <= NORM_PIECE) {
        float *y = out ? out : piece;
        vu largest = norm_piece(norm, x, mean, factor, is_layer, 0, d, y);
        if (norm->q) {
            float inverse;
            norm->q->scale[i] = row_scale(vu_largest(largest), &inverse);
            put_codes(d, y, inverse, norm->q->codes + i * norm->q->stride);
        }
        return;
    }
    /* A long row that is only quantised: its values are computed twice, a piece at a time. */
    uint32_t bits = 0;
    for (uint32_t from = 0; from < d; from += NORM_PIECE) {
        uint32_t count = d - from < NORM_PIECE ? d - from : NORM_PIECE;
        uint32_t more = vu_largest(norm_piece(norm, x, mean, factor, is_layer, from, count, piece));
        bits = more > bits ? more : bits;
    }
    float inverse;
    norm->q->scale[i] = row_scale(bits, &inverse);
    for (uint32_t from = 0; from < d; from += NORM_PIECE) {
        uint32_t count = d - from < NORM_PIECE ? d - from : NORM_PIECE;
        norm_piece(norm, x, mean, factor, is_layer, from, count, piece);
        put_codes(count, piece, inverse, norm->q->codes + i * norm->q->stride + from);
    }
}

static void norm_rows(const struct sl_norm *norm, bool is_layer)
{
    if (norm->d == 0 || (!norm->out && !norm->q))
        return;
    for (uint32_t i = 0; i < norm->m; i++) {
        if (is_layer)
            norm_row(norm, i, true);
        else
            norm_row(norm, i, false);
    }
}

static void layer_norm(const struct sl_norm *norm)
{
    norm_rows(norm, true);
}

static void rms_norm(const struct sl_norm *norm)
{
    norm_rows(norm, false);
}

/* x[j] = 2^(x[j] - shift), returns the sum; no x[j] - shift is above 127. Two vectors at a time, so
 * that one's chain of operations fills the other's waits. */
INLINE float exp2_row(uint32_t n, float *x, float shift)
{
    vf sum = vf_set(0), other = vf_set(0), minus = vf_set(shift);
    uint32_t j = 0;
    for (; j + 2 * VF <= n; j += 2 * VF) {
        vf a = vf_exp2(vf_sub(vf_load(x + j), minus));
        vf b = vf_exp2(vf_sub(vf_load(x + j + VF), minus));
        sum = vf_add(sum, a);
        other = vf_add(other, b);
        vf_store(x + j, a);
        vf_store(x + j + VF, b);
    }
    for (; j + VF <= n; j += VF) {
        vf a = vf_exp2(vf_sub(vf_load(x + j), minus));
        sum = vf_add(sum, a);
        vf_store(x + j, a);
    }
    if (j < n) {
        vf_store_n(x + j, vf_exp2(vf_sub(vf_load_n(x + j, n - j), minus)), n - j);
        other = vf_add(other, vf_load_n(x + j, n - j));
    }
    return vf_sum(vf_add(sum, other));
}

INLINE float row_largest(uint32_t n, const float *x)
{
    vf a = vf_set(-INFINITY), b = a, c = a, d = a;
    uint32_t j = 0;
    for (; j + 4 * VF <= n; j += 4 * VF) {
        a = vf_max(vf_load(x + j), a);
        b = vf_max(vf_load(x + j + VF), b);
        c = vf_max(vf_load(x + j + 2 * VF), c);
        d = vf_max(vf_load(x + j + 3 * VF), d);
    }
    for (; j + VF <= n; j += VF)
        a = vf_max(vf_load(x + j), a);
    float result = vf_largest(vf_max(vf_max(a, b), vf_max(c, d)));
    for (; j < n; j++)
        result = x[j] > result ? x[j] : result;
    return result;
}

INLINE void scale_row(uint32_t n, float *x, float factor)
{
    vf f = vf_set(factor);
    uint32_t j = 0;
    for (; j + VF <= n; j += VF)
        vf_store(x + j, vf_mul(vf_load(x + j), f));
    if (j < n)
        vf_store_n(x + j, vf_mul(vf_load_n(x + j, n - j), f), n - j);
}

static void softmax(uint32_t m, uint32_t n, float *x, size_t x_stride)
{
    for (uint32_t i = 0; i < m; i++, x += x_stride) {
        /* The largest is subtracted before the factor: its own term is exactly 1. */
        vf largest = vf_set(row_largest(n, x));
        for (uint32_t j = 0; j < n; j += VF) {
            uint32_t count = n - j < VF ? n - j : VF;
            vf y = vf_mul(vf_sub(vf_load_n(x + j, count), largest), vf_set(1.44269504F));
            vf_store_n(x + j, y, count);
        }
        scale_row(n, x, 1 / exp2_row(n, x, 0));
    }
}

INLINE void activate_as(enum sl_act act, size_t count, const float *x, float *out)
{
    size_t i = 0;
    for (; i + VF <= count; i += VF)
        vf_store(out + i, vf_act(act, vf_load(x + i)));
    if (i < count) {
        uint32_t n = (uint32_t)(count - i);
        vf_store_n(out + i, vf_act(act, vf_load_n(x + i, n)), n);
    }
}

static void activate(enum sl_act act, size_t count, const float *x, float *out)
{
    switch (act) {
    case SL_ACT_GELU:
        activate_as(SL_ACT_GELU, count, x, out);
        return;
    case SL_ACT_GELU_TANH:
        activate_as(SL_ACT_GELU_TANH, count, x, out);
        return;
    default:
        activate_as(act, count, x, out);
    }
}

static void glu(enum sl_act act, size_t count, const float *x, const float *gate, float *out)
{
    size_t i = 0;
    for (; i + VF <= count; i += VF)
        vf_store(out + i, vf_mul(vf_act(act, vf_load(x + i)), vf_load(gate + i)));
    if (i < count) {
        uint32_t n = (uint32_t)(count - i);
        vf_store_n(out + i, vf_mul(vf_act(act, vf_load_n(x + i, n)), vf_load_n(gate + i, n)), n);
    }
}

static void rope(uint32_t m, uint32_t heads, uint32_t head_dim, float *x, size_t x_stride,
                 const float *cos, const float *sin)
{
    uint32_t half = head_dim / 2;
    for (uint32_t i = 0; i < m; i++, x += x_stride, cos += half, sin += half) {
        for (uint32_t head = 0; head < heads; head++) {
            float *low = x + (size_t)head * head_dim, *high = low + half;
            for (uint32_t j = 0; j < half; j += VF) {
                uint32_t n = half - j < VF ? half - j : VF;
                vf c = vf_load_n(cos + j, n), s = vf_load_n(sin + j, n);
                vf a = vf_load_n(low + j, n), b = vf_load_n(high + j, n);
                vf_store_n(low + j, vf_sub(vf_mul(a, c), vf_mul(b, s)), n);
                vf_store_n(high + j, vf_fma(a, s, vf_mul(b, c)), n);
            }
        }
    }
}

/* n lanes of a table's row. */
INLINE vf table_lanes(const struct sl_table *t, uint32_t row, uint32_t j, uint32_t n)
{
    size_t at = (size_t)row * t->d + j;
    if (t->type == SL_DTYPE_F32)
        return vf_load_n((const float *)t->data + at, n);
    if (t->type == SL_DTYPE_BF16) {
        uint16_t part[VF] = {0};
        const uint16_t *from = (const uint16_t *)t->data + at;
        if (n == VF)
            return vf_load_bf16(from);
        memcpy(part, from, n * sizeof *part);
        return vf_load_bf16(part);
    }
    int8_t part[16] = {0};
    const int8_t *from = (const int8_t *)t->data + at;
    vf scale = vf_set(t->row_scale[row]);
    if (n == VF)
        return vf_mul(vf_load_i8(from), scale);
    memcpy(part, from, n);
    return vf_mul(vf_load_i8(part), scale);
}

static void gather(const struct sl_table *table, uint32_t m, const uint32_t *ids, bool add,
                   float *out, size_t out_stride)
{
    for (uint32_t i = 0; i < m; i++, out += out_stride) {
        bool is_known = ids[i] < table->rows;
        if (!is_known && add)
            continue;
        for (uint32_t j = 0; j < table->d; j += VF) {
            uint32_t n = table->d - j < VF ? table->d - j : VF;
            vf value = is_known ? table_lanes(table, ids[i], j, n) : vf_set(0);
            if (add)
                value = vf_add(value, vf_load_n(out + j, n));
            vf_store_n(out + j, value, n);
        }
    }
}

static void mean(uint32_t m, uint32_t d, const float *x, size_t x_stride, float *out)
{
    vf factor = vf_set(m ? 1 / (float)m : 0);
    for (uint32_t j = 0; j < d; j += VF) {
        uint32_t n = d - j < VF ? d - j : VF;
        vf sum = vf_set(0);
        for (uint32_t i = 0; i < m; i++)
            sum = vf_add(sum, vf_load_n(x + i * x_stride + j, n));
        vf_store_n(out + j, vf_mul(sum, factor), n);
    }
}

static float l2_normalise(uint32_t d, float *x, float epsilon)
{
    float norm = sqrtf(row_sum(d, x, 0, true));
    scale_row(d, x, 1 / (norm + epsilon));
    return norm;
}

/* n rows at once: n chains of sums, and v is loaded once for them. n is a constant. */
static inline __attribute__((always_inline)) void
dot_rows(uint32_t n, uint32_t d, const float *v, const float *bank, size_t bank_stride, float *out)
{
    vf sum[8];
    uint32_t j = 0;
    for (uint32_t r = 0; r < n; r++)
        sum[r] = vf_set(0);
    for (; j + VF <= d; j += VF) {
        vf x = vf_load(v + j);
        for (uint32_t r = 0; r < n; r++)
            sum[r] = vf_fma(x, vf_load(bank + r * bank_stride + j), sum[r]);
    }
    if (j < d) {
        vf x = vf_load_n(v + j, d - j);
        for (uint32_t r = 0; r < n; r++)
            sum[r] = vf_fma(x, vf_load_n(bank + r * bank_stride + j, d - j), sum[r]);
    }
    for (uint32_t r = 0; r < n; r++)
        out[r] = vf_sum(sum[r]);
}

static void dot_f32(uint32_t rows, uint32_t d, const float *v, const float *bank,
                    size_t bank_stride, float *out)
{
    uint32_t i = 0;
    for (; i + 8 <= rows; i += 8)
        dot_rows(8, d, v, bank + i * bank_stride, bank_stride, out + i);
    if (rows & 4)
        dot_rows(4, d, v, bank + i * bank_stride, bank_stride, out + i);
    i += rows & 4;
    if (rows & 2)
        dot_rows(2, d, v, bank + i * bank_stride, bank_stride, out + i);
    i += rows & 2;
    if (rows & 1)
        dot_rows(1, d, v, bank + i * bank_stride, bank_stride, out + i);
}

#endif
#endif
