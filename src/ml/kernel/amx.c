/* AMX products (Sapphire Rapids and later), int8 and bf16.
 *
 * Plan of the eight tile registers: 2 x 2 tiles of sums, each 16 rows x 16 channels; two of
 * activations, 16 rows x 64 bytes of k; two of weights, which are 16 lines of a panel as they lie.
 * Per 64 bytes of k: 4 loads of 1 KiB, 4 multiplies. Rows that are no multiple of 16 are a matter
 * of the tile configuration, so nothing behind the activations is read. */
#include "ml/kernel/tables.h"

#include <stdint.h>

#define TILE_ROWS       32
#define TILE_PANELS     2
#define TILE_PANELS_MAX 2
static const uint32_t tile_rows[2] = {32, 32};
#include "ml/kernel/vec_avx512.h"

#include "ml/kernel/body_bf16_rows.h"

enum { TILE_LINES = 16, TILE_LINE_BYTES = 64 };

/* The operand of LDTILECFG: Intel SDM, TILECFG. */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t line_bytes[16];
    uint8_t lines[16];
};

/* A product's tiles keep their configuration while the count of rows stays the same: `state`. */
static void configure(const struct tile *t, uint32_t upper, uint32_t lower)
{
    uint32_t *configured = t->state;
    if (*configured == t->rows)
        return;
    struct tile_config config = {.palette = 1};
    const uint8_t lines[8] = {(uint8_t)upper, (uint8_t)upper, (uint8_t)lower, (uint8_t)lower,
                              (uint8_t)upper, (uint8_t)lower, TILE_LINES,     TILE_LINES};
    for (int i = 0; i < 8; i++) {
        config.lines[i] = lines[i];
        config.line_bytes[i] = lines[i] ? TILE_LINE_BYTES : 0;
    }
    _tile_loadconfig(&config);
    *configured = t->rows;
}

/* Tiles 0 1 / 2 3 = rows x panels; out: [TILE_ROWS][2][SL_PANEL] of int32 or f32. */
#define AMX_TILE(name, multiply)                                                                   \
    static void name(const struct tile *t, void *out)                                              \
    {                                                                                              \
        uint32_t upper = t->rows < TILE_LINES ? t->rows : TILE_LINES, lower = t->rows - upper;     \
        const char *a = t->a, *b = t->b, *end = t->b + t->b_stride;                                \
        const char *a_lower = a + TILE_LINES * t->a_stride;                                        \
        const bool is_wide = t->panels > 1, is_high = lower > 0;                                   \
        const int line = 2 * TILE_LINE_BYTES;                                                      \
        configure(t, upper, lower);                                                                \
        _tile_zero(0);                                                                             \
        _tile_zero(1);                                                                             \
        if (is_high) {                                                                             \
            _tile_zero(2);                                                                         \
            _tile_zero(3);                                                                         \
        }                                                                                          \
        for (; b < end; b += TILE_LINES * TILE_LINE_BYTES, a += 64, a_lower += 64) {               \
            _tile_loadd(6, b, TILE_LINE_BYTES);                                                    \
            _tile_loadd(4, a, t->a_stride);                                                        \
            multiply(0, 4, 6);                                                                     \
            if (is_wide) {                                                                         \
                _tile_loadd(7, b + t->b_stride, TILE_LINE_BYTES);                                  \
                multiply(1, 4, 7);                                                                 \
            }                                                                                      \
            if (is_high) {                                                                         \
                _tile_loadd(5, a_lower, t->a_stride);                                              \
                multiply(2, 5, 6);                                                                 \
                if (is_wide)                                                                       \
                    multiply(3, 5, 7);                                                             \
            }                                                                                      \
        }                                                                                          \
        char *to = out;                                                                            \
        _tile_stored(0, to, line);                                                                 \
        _tile_stored(1, to + TILE_LINE_BYTES, line);                                               \
        if (is_high) {                                                                             \
            _tile_stored(2, to + TILE_LINES * line, line);                                         \
            _tile_stored(3, to + TILE_LINES * line + TILE_LINE_BYTES, line);                       \
        }                                                                                          \
    }
AMX_TILE(multiply_i8, _tile_dpbusd)
AMX_TILE(multiply_bf16, _tile_dpbf16ps)

static void tile_i8(const struct tile *t)
{
    _Alignas(64) int32_t sums[TILE_ROWS][TILE_PANELS][SL_PANEL];
    multiply_i8(t, sums);
    for (uint32_t p = 0; p < t->panels; p++) {
        __m512i offset = vu_load(t->offset + p * SL_PANEL);
        vf scale = vf_load(t->scale + p * SL_PANEL);
        vf bias = t->bias ? vf_load(t->bias + p * SL_PANEL) : vf_set(0);
        for (uint32_t r = 0; r < t->rows; r++) {
            vf y = _mm512_cvtepi32_ps(_mm512_sub_epi32(vu_load(sums[r][p]), offset));
            y = vf_fma(y, vf_mul(scale, vf_set(t->row_scale[r])), bias);
            vf_store(t->out + r * t->out_stride + p * SL_PANEL, y);
        }
    }
}

static void tile_bf16(const struct tile *t)
{
    _Alignas(64) float sums[TILE_ROWS][TILE_PANELS][SL_PANEL];
    multiply_bf16(t, sums);
    for (uint32_t p = 0; p < t->panels; p++) {
        vf bias = t->bias ? vf_load(t->bias + p * SL_PANEL) : vf_set(0);
        for (uint32_t r = 0; r < t->rows; r++)
            vf_store(t->out + r * t->out_stride + p * SL_PANEL, vf_add(vf_load(sums[r][p]), bias));
    }
}

/* One function for every height: the configuration tells the tiles apart. */
static tile_fn *const tiles_i8[TILE_PANELS_MAX][TILE_ROWS] = {
    [0 ... TILE_PANELS_MAX - 1] = {[0 ... TILE_ROWS - 1] = tile_i8}};
static tile_fn *const tiles_bf16[TILE_PANELS_MAX][TILE_ROWS] = {
    [0 ... TILE_PANELS_MAX - 1] = {[0 ... TILE_ROWS - 1] = tile_bf16}};

void sl_gemm_i8_amx(uint32_t m, const struct sl_rows_i8 *a, const struct sl_weights *w,
                    const struct sl_epilogue *e)
{
    uint32_t configured = 0;
    struct operand rows = {
        .rows = a->codes, .stride = a->stride, .scale = a->scale, .state = &configured};
    product(m, &rows, w, e, 1, tiles_i8);
    if (configured)
        _tile_release();
}

void sl_gemm_bf16_amx(uint32_t m, const float *a, size_t a_stride, const struct sl_weights *w,
                      const struct sl_epilogue *e, void *scratch)
{
    uint32_t configured = 0;
    struct operand rows = bf16_rows(m, a, a_stride, w, scratch);
    rows.state = &configured;
    product(m, &rows, w, e, sizeof(uint16_t), tiles_bf16);
    if (configured)
        _tile_release();
}
