/* Matrix products over packed panels, for the vectors of a vec_*.h included before.
 *
 * A tile is up to TILE_ROWS rows x up to TILE_PANELS panels whose sums stay in registers while k
 * runs; it ends in a small buffer of f32, and finish_tile() applies bias, activation, gate and
 * residual from there. The panels of a tile are the outer loop: their weights are read from memory
 * once for a chunk of rows and from the first-level cache for all row blocks but the first.
 * The instruction set's file brings tiles for int8 and, where it has the instructions, bf16. */
#ifndef SL_ML_KERNEL_BODY_GEMM_H
#define SL_ML_KERNEL_BODY_GEMM_H
#ifdef TILE_ROWS

#include "ml/kernel/body_math.h"

#define PANEL_VECS (SL_PANEL / VF)

/* The operands of one tile. */
struct tile {
    uint32_t k_padded;
    const char *a;   /* first row of activations */
    size_t a_stride; /* bytes */
    const char *b;   /* first panel */
    size_t b_stride; /* bytes from panel to panel */
    float *out;      /* [rows, out_stride]: panels side by side */
    size_t out_stride;
    uint32_t k;             /* inputs that count; those up to k_padded are zero weights */
    const float *row_scale; /* int8: of the first row */
    const float *scale;     /* int8: of the first panel */
    const int32_t *offset;  /* int8: of the first panel */
};

typedef void tile_fn(const struct tile *);

#define TILE_INSTANCE(f, r, p)                                                                     \
    static void f##_##r##x##p(const struct tile *t)                                                \
    {                                                                                              \
        f(r, p, t);                                                                                \
    }
#define TILE_ENTRY(f, r, p) [(p)-1][(r)-1] = f##_##r##x##p,
/* From an INLINE function f(rows, panels, tile): the table f_tiles of its instances. */
#define TILE_TABLE(f)                                                                              \
    EACH_TILE(TILE_INSTANCE, f)                                                                    \
    static tile_fn *const f##_tiles[2][TILE_ROWS] = {EACH_TILE(TILE_ENTRY, f)};

INLINE void tile_f32(uint32_t rows, uint32_t panels, const struct tile *t)
{
    vf sum[TILE_ROWS][TILE_PANELS_MAX * PANEL_VECS];
    uint32_t vecs = panels * PANEL_VECS;
    const float *a = (const void *)t->a;
    const char *b = t->b;
    size_t a_stride = t->a_stride / sizeof(float);
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t v = 0; v < vecs; v++)
            sum[r][v] = vf_set(0);
    for (uint32_t i = 0; i < t->k; i++, b += SL_PANEL * sizeof(float), a++) {
        vf w[TILE_PANELS_MAX * PANEL_VECS];
        for (uint32_t v = 0; v < vecs; v++)
            w[v] = vf_load((const float *)(const void *)(b + v / PANEL_VECS * t->b_stride) +
                           v % PANEL_VECS * VF);
        for (uint32_t r = 0; r < rows; r++) {
            vf x = vf_set(a[r * a_stride]);
            for (uint32_t v = 0; v < vecs; v++)
                sum[r][v] = vf_fma(x, w[v], sum[r][v]);
        }
    }
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t v = 0; v < vecs; v++)
            vf_store(t->out + r * t->out_stride + v * VF, sum[r][v]);
}
TILE_TABLE(tile_f32)

/* bf16 weights widened as they are read, f32 activations. */
INLINE void tile_bf16_wide(uint32_t rows, uint32_t panels, const struct tile *t)
{
    vf sum[TILE_ROWS][TILE_PANELS_MAX * PANEL_VECS];
    uint32_t vecs = panels * PANEL_VECS;
    const float *a = (const void *)t->a;
    const char *b = t->b;
    size_t a_stride = t->a_stride / sizeof(float);
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t v = 0; v < vecs; v++)
            sum[r][v] = vf_set(0);
    for (uint32_t i = 0; i < t->k; i += 2, b += SL_PANEL * sizeof(uint32_t), a += 2) {
        bool is_pair = i + 1 < t->k;
        for (uint32_t v = 0; v < vecs; v++) {
            vu pair =
                vu_load(b + v / PANEL_VECS * t->b_stride + v % PANEL_VECS * VF * sizeof(uint32_t));
            vf low = vf_low_bf16(pair), high = vf_high_bf16(pair);
            for (uint32_t r = 0; r < rows; r++) {
                const float *x = a + r * a_stride;
                sum[r][v] = vf_fma(vf_set(x[0]), low, sum[r][v]);
                if (is_pair)
                    sum[r][v] = vf_fma(vf_set(x[1]), high, sum[r][v]);
            }
        }
    }
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t v = 0; v < vecs; v++)
            vf_store(t->out + r * t->out_stride + v * VF, sum[r][v]);
}
TILE_TABLE(tile_bf16_wide)

/* n lanes (1..VF) of one output: bias, activation, gate, residual. */
INLINE vf finish(const struct sl_epilogue *e, const float *sum, const float *gate, uint32_t columns,
                 uint32_t column, const float *residual, uint32_t n)
{
    vf y = vf_load(sum);
    if (e->bias)
        y = vf_add(y, vf_load_n(e->bias + column, n));
    y = vf_act(e->act, y);
    if (gate) {
        vf g = vf_load(gate);
        if (e->bias)
            g = vf_add(g, vf_load_n(e->bias + columns + column, n));
        y = vf_mul(y, g);
    }
    return residual ? vf_add(y, vf_load_n(residual + column, n)) : y;
}

static void finish_tile(const struct sl_weights *w, const struct sl_epilogue *e, uint32_t row,
                        uint32_t rows, uint32_t panel, uint32_t panels, const float *sums)
{
    uint32_t columns = w->is_gated ? w->n / 2 : w->n;
    uint32_t first = (w->is_gated ? panel / 2 : panel) * SL_PANEL;
    uint32_t count = (w->is_gated ? panels / 2 : panels) * SL_PANEL;
    if (count > columns - first)
        count = columns - first;
    for (uint32_t r = 0; r < rows; r++, sums += panels * SL_PANEL) {
        float *out = e->out + (row + r) * e->out_stride;
        const float *residual = e->residual ? e->residual + (row + r) * e->residual_stride : NULL;
        for (uint32_t c = 0; c < count; c += VF) {
            uint32_t column = first + c, n = count - c < VF ? count - c : VF;
            const float *gate = w->is_gated ? sums + SL_PANEL + c : NULL;
            if (n == VF)
                vf_store(out + column, finish(e, sums + c, gate, columns, column, residual, VF));
            else
                vf_store_n(out + column, finish(e, sums + c, gate, columns, column, residual, n),
                           n);
        }
    }
}

/* Rows of activations that stay in the second-level cache while every panel passes. */
enum { CHUNK_BYTES = 384 * 1024 };

/* Where the rows of activations lie, whatever their type. */
struct operand {
    const void *rows;
    size_t stride; /* bytes */
    const float *scale;
};

static void product(uint32_t m, const struct operand *a, const struct sl_weights *w,
                    const struct sl_epilogue *e, size_t value_bytes,
                    tile_fn *const (*tiles)[TILE_ROWS])
{
    _Alignas(64) float sums[TILE_ROWS * TILE_PANELS_MAX * SL_PANEL];
    size_t b_stride = (size_t)w->k_padded * SL_PANEL * value_bytes;
    uint32_t step = w->is_gated ? 2 : TILE_PANELS;
    uint32_t chunk = (uint32_t)(CHUNK_BYTES / (a->stride + 1));
    chunk = chunk < 4 * TILE_ROWS ? 4 * TILE_ROWS : chunk;
    for (uint32_t begin = 0; begin < m; begin += chunk) {
        uint32_t end = m - begin < chunk ? m : begin + chunk;
        for (uint32_t p = 0; p < w->panels; p += step) {
            uint32_t panels = w->panels - p < step ? w->panels - p : step;
            uint32_t most = tile_rows[panels - 1];
            uint32_t blocks = (end - begin + most - 1) / most;
            /* Blocks of equal height: a last block of one row would waste most of a pass. */
            for (uint32_t row = begin; row < end; blocks--) {
                uint32_t rows = (end - row + blocks - 1) / blocks;
                size_t at = (size_t)p * SL_PANEL;
                struct tile t = {.k_padded = w->k_padded,
                                 .k = w->k,
                                 .a = (const char *)a->rows + row * a->stride,
                                 .a_stride = a->stride,
                                 .b = (const char *)w->data + p * b_stride,
                                 .b_stride = b_stride,
                                 .out = sums,
                                 .out_stride = panels * SL_PANEL};
                if (w->scale) {
                    t.row_scale = a->scale + row;
                    t.scale = w->scale + at;
                    t.offset = w->offset + at;
                }
                tiles[panels - 1][rows - 1](&t);
                finish_tile(w, e, row, rows, p, panels, sums);
                row += rows;
            }
        }
    }
}

static void gemm_f32(uint32_t m, const float *a, size_t a_stride, const struct sl_weights *w,
                     const struct sl_epilogue *e)
{
    struct operand rows = {.rows = a, .stride = a_stride * sizeof(float)};
    product(m, &rows, w, e, sizeof(float), tile_f32_tiles);
}

/* For tables without bf16 instructions. */
__attribute__((unused)) static void gemm_bf16_wide(uint32_t m, const float *a, size_t a_stride,
                                                   const struct sl_weights *w,
                                                   const struct sl_epilogue *e, void *scratch)
{
    struct operand rows = {.rows = a, .stride = a_stride * sizeof(float)};
    (void)scratch;
    product(m, &rows, w, e, sizeof(uint16_t), tile_bf16_wide_tiles);
}

#endif
#endif
