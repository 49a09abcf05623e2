/* The reference kernels: plain C, sums in double where that is the truth the others are measured
 * against. They run on any machine; the tests compare every other table with this one. */
#include "ml/kernel/tables.h"

#include <math.h>
#include <string.h>

static double activated(enum sl_act act, double x)
{
    switch (act) {
    case SL_ACT_GELU:
        return 0.5 * x * erfc(-x * M_SQRT1_2);
    case SL_ACT_GELU_TANH:
        return 0.5 * x * (1 + tanh(M_2_SQRTPI * M_SQRT1_2 * (x + 0.044715 * x * x * x)));
    case SL_ACT_SILU:
        return x / (1 + exp(-x));
    case SL_ACT_RELU:
        return x < 0 ? 0 : x;
    case SL_ACT_TANH:
        return tanh(x);
    case SL_ACT_NONE:
        break;
    }
    return x;
}

/* Writes row i of a product from the sums of one panel (or of a pair when gated). */
static void finish(const struct sl_weights *w, const struct sl_epilogue *e, uint32_t i,
                   uint32_t panel, const double *sums, const double *gates)
{
    uint32_t columns = w->is_gated ? w->n / 2 : w->n;
    for (uint32_t lane = 0; lane < SL_PANEL; lane++) {
        uint32_t column = (w->is_gated ? panel / 2 : panel) * SL_PANEL + lane;
        if (column >= columns)
            break;
        double y = activated(e->act, sums[lane] + (e->bias ? e->bias[column] : 0));
        if (w->is_gated)
            y *= gates[lane] + (e->bias ? e->bias[columns + column] : 0);
        if (e->residual)
            y += e->residual[i * e->residual_stride + column];
        e->out[i * e->out_stride + column] = (float)y;
    }
}

static void sums_i8(const struct sl_rows_i8 *a, uint32_t i, const struct sl_weights *w,
                    uint32_t panel, double *sums)
{
    const uint8_t *row = a->codes + i * a->stride;
    const int8_t *data = (const int8_t *)w->data + (size_t)panel * SL_PANEL * w->k_padded;
    for (uint32_t lane = 0; lane < SL_PANEL; lane++) {
        int32_t sum = 0;
        for (uint32_t j = 0; j < w->k; j++)
            sum += row[j] * data[((size_t)(j / 4) * SL_PANEL + lane) * 4 + j % 4];
        size_t at = (size_t)panel * SL_PANEL + lane;
        sums[lane] = (double)(sum - w->offset[at]) * a->scale[i] * w->scale[at];
    }
}

static void ref_gemm_i8(uint32_t m, const struct sl_rows_i8 *a, const struct sl_weights *w,
                        const struct sl_epilogue *e)
{
    double sums[2][SL_PANEL];
    for (uint32_t panel = 0; panel < w->panels; panel += w->is_gated ? 2 : 1) {
        for (uint32_t i = 0; i < m; i++) {
            sums_i8(a, i, w, panel, sums[0]);
            if (w->is_gated)
                sums_i8(a, i, w, panel + 1, sums[1]);
            finish(w, e, i, panel, sums[0], sums[1]);
        }
    }
}

static void sums_float(const float *row, const struct sl_weights *w, uint32_t panel, double *sums)
{
    size_t base = (size_t)panel * SL_PANEL * w->k_padded;
    for (uint32_t lane = 0; lane < SL_PANEL; lane++) {
        sums[lane] = 0;
        for (uint32_t j = 0; j < w->k; j++) {
            float value =
                w->type == SL_DTYPE_F32
                    ? ((const float *)w->data)[base + (size_t)j * SL_PANEL + lane]
                    : sl_bf16_to_f32(
                          ((const uint16_t *)
                               w->data)[base + ((size_t)(j / 2) * SL_PANEL + lane) * 2 + j % 2]);
            sums[lane] += (double)row[j] * value;
        }
    }
}

static void ref_gemm_f32(uint32_t m, const float *a, size_t a_stride, const struct sl_weights *w,
                         const struct sl_epilogue *e)
{
    double sums[2][SL_PANEL];
    for (uint32_t panel = 0; panel < w->panels; panel += w->is_gated ? 2 : 1) {
        for (uint32_t i = 0; i < m; i++) {
            sums_float(a + i * a_stride, w, panel, sums[0]);
            if (w->is_gated)
                sums_float(a + i * a_stride, w, panel + 1, sums[1]);
            finish(w, e, i, panel, sums[0], sums[1]);
        }
    }
}

static void ref_gemm_bf16(uint32_t m, const float *a, size_t a_stride, const struct sl_weights *w,
                          const struct sl_epilogue *e, void *scratch)
{
    (void)scratch;
    ref_gemm_f32(m, a, a_stride, w, e);
}

static void quantise_row(uint32_t k, const float *x, uint8_t *codes, float *scale)
{
    float largest = 0;
    bool is_finite = true;
    for (uint32_t j = 0; j < k; j++) {
        is_finite = is_finite && isfinite(x[j]);
        largest = fmaxf(largest, fabsf(x[j]));
    }
    memset(codes, 128, sl_k_padded(k));
    *scale = is_finite ? 0 : NAN;
    if (!is_finite || largest < SL_QUANTISE_TINY)
        return;
    *scale = largest / 127;
    float inverse = 127 / largest;
    for (uint32_t j = 0; j < k; j++)
        codes[j] = (uint8_t)(lrintf(x[j] * inverse) + 128);
}

static void ref_quantise(uint32_t m, uint32_t k, const float *x, size_t x_stride,
                         const struct sl_rows_i8 *q)
{
    for (uint32_t i = 0; i < m; i++)
        quantise_row(k, x + i * x_stride, q->codes + i * q->stride, &q->scale[i]);
}

/* Two passes over a row, so that quantising needs no room for it: the largest value, then all. */
static void norm_rows(const struct sl_norm *n, bool is_layer)
{
    for (uint32_t i = 0; i < n->m; i++) {
        const float *x = n->x + i * n->x_stride;
        double mean = 0, square = 0;
        for (uint32_t j = 0; is_layer && j < n->d; j++)
            mean += (double)x[j] / n->d;
        for (uint32_t j = 0; j < n->d; j++)
            square += (x[j] - mean) * (x[j] - mean) / n->d;
        double factor = 1 / sqrt(square + n->epsilon);
        float largest = 0;
        bool is_finite = true;
        uint8_t *codes = n->q ? n->q->codes + i * n->q->stride : NULL;
        for (int pass = 0; pass < 2; pass++) {
            float inverse = is_finite && largest >= SL_QUANTISE_TINY ? 127 / largest : 0;
            if (pass == 1 && codes) {
                memset(codes, 128, sl_k_padded(n->d));
                n->q->scale[i] = !is_finite ? NAN : inverse > 0 ? largest / 127 : 0;
            }
            for (uint32_t j = 0; j < n->d; j++) {
                float y = (float)((x[j] - mean) * factor * (n->weight ? n->weight[j] : 1) +
                                  (is_layer && n->bias ? n->bias[j] : 0));
                if (pass == 0) {
                    is_finite = is_finite && isfinite(y);
                    largest = fmaxf(largest, fabsf(y));
                    continue;
                }
                if (codes && inverse > 0)
                    codes[j] = (uint8_t)(lrintf(y * inverse) + 128);
                if (n->out)
                    n->out[i * n->out_stride + j] = y;
            }
        }
    }
}

static void ref_layer_norm(const struct sl_norm *norm)
{
    norm_rows(norm, true);
}

static void ref_rms_norm(const struct sl_norm *norm)
{
    norm_rows(norm, false);
}

static void softmax_row(uint32_t n, float *x)
{
    float largest = -INFINITY;
    double sum = 0;
    for (uint32_t j = 0; j < n; j++)
        largest = x[j] > largest ? x[j] : largest;
    for (uint32_t j = 0; j < n; j++) {
        double e = exp((double)x[j] - largest);
        x[j] = (float)e;
        sum += e;
    }
    for (uint32_t j = 0; j < n; j++)
        x[j] = (float)(x[j] / sum);
}

static void ref_softmax(uint32_t m, uint32_t n, float *x, size_t x_stride)
{
    for (uint32_t i = 0; i < m; i++)
        softmax_row(n, x + i * x_stride);
}

static void ref_activate(enum sl_act act, size_t count, const float *x, float *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (float)activated(act, x[i]);
}

static void ref_glu(enum sl_act act, size_t count, const float *x, const float *gate, float *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (float)(activated(act, x[i]) * gate[i]);
}

static void ref_rope(uint32_t m, uint32_t heads, uint32_t head_dim, float *x, size_t x_stride,
                     const float *cos, const float *sin)
{
    uint32_t half = head_dim / 2;
    for (uint32_t i = 0; i < m; i++) {
        for (uint32_t head = 0; head < heads; head++) {
            float *low = x + i * x_stride + (size_t)head * head_dim, *high = low + half;
            for (uint32_t j = 0; j < half; j++) {
                float c = cos[(size_t)i * half + j], s = sin[(size_t)i * half + j];
                float a = low[j], b = high[j];
                low[j] = a * c - b * s;
                high[j] = b * c + a * s;
            }
        }
    }
}

static void ref_attention(const struct sl_attention *a, void *scratch)
{
    float *scores = scratch;
    for (uint32_t i = 0; i < a->n_q; i++) {
        uint32_t from, to;
        sl_visible_keys(a, i, &from, &to);
        for (uint32_t j = from; j < to; j++) {
            double sum = 0;
            for (uint32_t c = 0; c < a->head_dim; c++)
                sum += (double)a->q[i * a->q_stride + c] * a->k[j * a->k_stride + c];
            scores[j] = (float)(sum * a->scale + (a->bias ? a->bias[i * a->bias_stride + j] : 0));
        }
        softmax_row(to - from, scores + from);
        for (uint32_t c = 0; c < a->head_dim; c++) {
            double sum = 0;
            for (uint32_t j = from; j < to; j++)
                sum += (double)scores[j] * a->v[j * a->v_stride + c];
            a->out[i * a->out_stride + c] = (float)sum;
        }
    }
}

static float table_value(const struct sl_table *t, uint32_t row, uint32_t column)
{
    size_t at = (size_t)row * t->d + column;
    switch (t->type) {
    case SL_DTYPE_F32:
        return ((const float *)t->data)[at];
    case SL_DTYPE_BF16:
        return sl_bf16_to_f32(((const uint16_t *)t->data)[at]);
    case SL_DTYPE_I8:
        return ((const int8_t *)t->data)[at] * t->row_scale[row];
    }
    return 0;
}

static void ref_gather(const struct sl_table *table, uint32_t m, const uint32_t *ids, bool add,
                       float *out, size_t out_stride)
{
    for (uint32_t i = 0; i < m; i++) {
        for (uint32_t j = 0; j < table->d; j++) {
            float value = ids[i] < table->rows ? table_value(table, ids[i], j) : 0;
            float *at = &out[i * out_stride + j];
            *at = add ? *at + value : value;
        }
    }
}

static void ref_mean(uint32_t m, uint32_t d, const float *x, size_t x_stride, float *out)
{
    for (uint32_t j = 0; j < d; j++) {
        double sum = 0;
        for (uint32_t i = 0; i < m; i++)
            sum += x[i * x_stride + j];
        out[j] = m ? (float)(sum / m) : 0;
    }
}

static float ref_l2_normalise(uint32_t d, float *x, float epsilon)
{
    double sum = 0;
    for (uint32_t j = 0; j < d; j++)
        sum += (double)x[j] * x[j];
    double norm = sqrt(sum);
    for (uint32_t j = 0; j < d; j++)
        x[j] = (float)(x[j] / (norm + epsilon));
    return (float)norm;
}

static void ref_dot_f32(uint32_t rows, uint32_t d, const float *v, const float *bank,
                        size_t bank_stride, float *out)
{
    for (uint32_t i = 0; i < rows; i++) {
        double sum = 0;
        for (uint32_t j = 0; j < d; j++)
            sum += (double)v[j] * bank[i * bank_stride + j];
        out[i] = (float)sum;
    }
}

static void ref_dot_i8(uint32_t rows, uint32_t d, const int8_t *v, float v_scale,
                       const int8_t *bank, size_t bank_stride, const float *bank_scale, float *out)
{
    for (uint32_t i = 0; i < rows; i++) {
        int32_t sum = 0;
        for (uint32_t j = 0; j < d; j++)
            sum += v[j] * bank[i * bank_stride + j];
        out[i] = (float)sum * (v_scale * bank_scale[i]);
    }
}

const struct sl_kernels sl_kernels_ref = {
    .name = "ref",
    .what = "plain C",
    .gemm_i8 = ref_gemm_i8,
    .gemm_f32 = ref_gemm_f32,
    .gemm_bf16 = ref_gemm_bf16,
    .quantise = ref_quantise,
    .layer_norm = ref_layer_norm,
    .rms_norm = ref_rms_norm,
    .softmax = ref_softmax,
    .activate = ref_activate,
    .glu = ref_glu,
    .rope = ref_rope,
    .attention = ref_attention,
    .gather = ref_gather,
    .mean = ref_mean,
    .l2_normalise = ref_l2_normalise,
    .dot_f32 = ref_dot_f32,
    .dot_i8 = ref_dot_i8,
};
