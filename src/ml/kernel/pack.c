/* Packing of weights, the layout of pack.h. Runs once a model, so it is plain C. */
#include "ml/kernel/pack.h"

#include <math.h>
#include <string.h>

static uint32_t panels_of(uint32_t n, bool is_gated)
{
    uint32_t half = is_gated ? n / 2 : n;
    return (half + SL_PANEL - 1) / SL_PANEL * (is_gated ? 2 : 1);
}

static size_t value_bytes(enum sl_dtype type)
{
    return type == SL_DTYPE_F32 ? 4 : type == SL_DTYPE_BF16 ? 2 : 1;
}

/* Bytes of the scales and offsets in front of the panels. */
static size_t head_bytes(enum sl_dtype type, uint32_t panels)
{
    return type == SL_DTYPE_I8 ? (size_t)panels * SL_PANEL * (sizeof(float) + sizeof(int32_t)) : 0;
}

size_t sl_packed_bytes(enum sl_dtype type, uint32_t n, uint32_t k, bool is_gated)
{
    bool known = type == SL_DTYPE_F32 || type == SL_DTYPE_BF16 || type == SL_DTYPE_I8;
    if (!known || n > SL_MAX_N || k > SL_MAX_K || (is_gated && n % 2))
        return 0;
    uint32_t panels = panels_of(n, is_gated);
    size_t bytes =
        head_bytes(type, panels) + (size_t)panels * SL_PANEL * sl_k_padded(k) * value_bytes(type);
    return bytes ? bytes : SL_BLOB_ALIGN;
}

struct sl_weights sl_weights_view(const void *blob, enum sl_dtype type, uint32_t n, uint32_t k,
                                  bool is_gated)
{
    uint32_t panels = panels_of(n, is_gated);
    struct sl_weights w = {.type = type,
                           .n = n,
                           .k = k,
                           .is_gated = is_gated,
                           .panels = panels,
                           .k_padded = (uint32_t)sl_k_padded(k),
                           .data = (const char *)blob + head_bytes(type, panels)};
    if (type == SL_DTYPE_I8) {
        w.scale = blob;
        w.offset = (const void *)(w.scale + (size_t)panels * SL_PANEL);
    }
    return w;
}

/* One channel into its lane: values of `group` consecutive k lie together, then the next lane. */
static void put_f32(float *panel, uint32_t lane, uint32_t k, const float *row)
{
    for (uint32_t i = 0; i < k; i++)
        panel[(size_t)i * SL_PANEL + lane] = row[i];
}

static void put_bf16(uint16_t *panel, uint32_t lane, uint32_t k, const float *row)
{
    for (uint32_t i = 0; i < k; i++)
        panel[((size_t)(i / 2) * SL_PANEL + lane) * 2 + i % 2] = sl_f32_to_bf16(row[i]);
}

/* Returns 128 * the sum of the codes. */
static int32_t put_i8(int8_t *panel, uint32_t lane, uint32_t k, const float *row, float *scale)
{
    float largest = 0;
    bool is_finite = true;
    for (uint32_t i = 0; i < k; i++) {
        is_finite = is_finite && isfinite(row[i]);
        largest = fmaxf(largest, fabsf(row[i]));
    }
    *scale = is_finite ? largest / 127 : NAN;
    if (!is_finite || *scale < 1e-35f) {
        *scale = is_finite ? 0 : NAN;
        return 0;
    }
    int32_t sum = 0;
    for (uint32_t i = 0; i < k; i++) {
        long code = lrintf(row[i] / *scale);
        code = code > 127 ? 127 : code < -127 ? -127 : code;
        panel[((size_t)(i / 4) * SL_PANEL + lane) * 4 + i % 4] = (int8_t)code;
        sum += (int32_t)code;
    }
    return 128 * sum;
}

void sl_pack(void *blob, enum sl_dtype type, uint32_t n, uint32_t k, const float *w,
             size_t row_stride, bool is_gated)
{
    size_t bytes = sl_packed_bytes(type, n, k, is_gated);
    if (bytes == 0)
        return;
    memset(blob, 0, bytes);
    struct sl_weights view = sl_weights_view(blob, type, n, k, is_gated);
    float *scale = blob;
    int32_t *offset = (int32_t *)((float *)blob + (size_t)view.panels * SL_PANEL);
    char *data = (char *)blob + head_bytes(type, view.panels);
    size_t panel_bytes = (size_t)view.k_padded * SL_PANEL * value_bytes(type);
    for (uint32_t p = 0; p < view.panels; p++, data += panel_bytes) {
        for (uint32_t lane = 0; lane < SL_PANEL; lane++) {
            uint32_t channel = sl_panel_channel(&view, p, lane);
            if (channel >= n)
                continue;
            const float *row = w + channel * row_stride;
            size_t at = (size_t)p * SL_PANEL + lane;
            if (type == SL_DTYPE_I8)
                offset[at] = put_i8((int8_t *)data, lane, k, row, &scale[at]);
            else if (type == SL_DTYPE_BF16)
                put_bf16((uint16_t *)(void *)data, lane, k, row);
            else
                put_f32((float *)(void *)data, lane, k, row);
        }
    }
}
