/* Matrix products over packed panels, for the vectors of a vec_*.h included before.
 *
 * A tile is up to TILE_ROWS rows x up to TILE_PANELS panels whose sums stay in registers while k
 * runs. It adds the bias and writes its outputs in place, where an activation then passes over
 * them; with a gate, a residual or an unfinished panel it ends in a small buffer instead, and the
 * rest is applied from there. The panels of a tile are the outer loop: their weights are read from
 * memory once for a chunk of rows and from the first-level cache for all row blocks but the first.
 * body_gemm_f32.h has the f32 tiles; the instruction set's file brings those for int8 and, where it
 * has the instructions, bf16. */
#ifndef SL_ML_KERNEL_BODY_GEMM_H
#define SL_ML_KERNEL_BODY_GEMM_H
#ifdef TILE_ROWS

#include "ml/kernel/body_math.h"

#define PANEL_VECS (SL_PANEL / VF)

/* The operands of one tile. */
struct tile {
    uint32_t rows, panels;
    uint32_t k_padded;
    const char *a;     /* first row of activations */
    size_t a_stride;   /* bytes */
    const char *b;     /* first panel */
    size_t b_stride;   /* bytes from panel to panel */
    const char *ahead; /* weights that a later tile reads */
    float *out;        /* [rows, out_stride]: panels side by side */
    size_t out_stride;
    const float *bias;      /* of the first panel, whole panels; or NULL */
    uint32_t k;             /* inputs that count; those up to k_padded are zero weights */
    const float *row_scale; /* int8: of the first row */
    const float *scale;     /* int8: of the first panel */
    const int32_t *offset;  /* int8: of the first panel */
    void *state;            /* the operand's */
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
    static tile_fn *const f##_tiles[TILE_PANELS_MAX][TILE_ROWS] = {EACH_TILE(TILE_ENTRY, f)};

/* Sums are variables with names, s<row>_<vector>: as arrays the compiler leaves them in memory.
 * Rows and vectors that an instance does not have fold away. */
#define SUM_BIAS(r, v)   vf begin##v = vecs > (v) && t->bias ? vf_load(t->bias + (v)*VF) : vf_set(0);
#define SUM_BEGIN(r, v)  vf s##r##_##v = begin##v;
#define SUM_BEGIN_ROW(r) EACH_VEC(SUM_BEGIN, r)
#define SUM_STORE(r, v)                                                                            \
    if (rows > (r) && vecs > (v))                                                                  \
        vf_store(out + (r)*out_stride + (v)*VF, s##r##_##v);
#define SUM_STORE_ROW(r) EACH_VEC(SUM_STORE, r)
/* Row r of the activations by one of four pointers: x86 addresses p, p + stride, p + 2 stride. */
#define ROW_AT(r) (((r) < 3 ? a : (r) < 6 ? a3 : (r) < 9 ? a6 : a9) + (r) % 3 * a_stride)

/* n lanes (1..VF) of one output from the buffer: bias, activation, gate, residual. */
INLINE vf finish(enum sl_act act, const struct sl_epilogue *e, const float *sum, const float *gate,
                 uint32_t columns, uint32_t column, const float *residual, uint32_t n)
{
    vf y = vf_load(sum);
    if (e->bias)
        y = vf_add(y, vf_load_n(e->bias + column, n));
    y = vf_act(act, y);
    if (gate) {
        vf g = vf_load(gate);
        if (e->bias)
            g = vf_add(g, vf_load_n(e->bias + columns + column, n));
        y = vf_mul(y, g);
    }
    return residual ? vf_add(y, vf_load_n(residual + column, n)) : y;
}

/* Where a tile's outputs go. */
struct place {
    uint32_t row, rows;
    uint32_t column, count; /* of the output; count < a whole panel's only at its end */
    uint32_t columns;       /* all of the output */
};

INLINE void finish_as(enum sl_act act, bool is_gated, const struct sl_epilogue *e,
                      const struct place *at, const float *sums, size_t sums_stride)
{
    uint32_t whole = at->count / VF * VF, rest = at->count - whole;
    for (uint32_t r = 0; r < at->rows; r++, sums += sums_stride) {
        float *out = e->out + (at->row + r) * e->out_stride;
        const float *gate = is_gated ? sums + SL_PANEL : NULL;
        const float *residual =
            e->residual ? e->residual + (at->row + r) * e->residual_stride : NULL;
        for (uint32_t c = 0; c < whole; c += VF)
            vf_store(out + at->column + c, finish(act, e, sums + c, is_gated ? gate + c : NULL,
                                                  at->columns, at->column + c, residual, VF));
        if (rest)
            vf_store_n(out + at->column + whole,
                       finish(act, e, sums + whole, is_gated ? gate + whole : NULL, at->columns,
                              at->column + whole, residual, rest),
                       rest);
    }
}

static void finish_buffer(const struct sl_weights *w, const struct sl_epilogue *e,
                          const struct place *at, const float *sums, size_t sums_stride)
{
    if (w->is_gated && e->act == SL_ACT_GELU)
        finish_as(SL_ACT_GELU, true, e, at, sums, sums_stride);
    else if (w->is_gated)
        finish_as(e->act, true, e, at, sums, sums_stride);
    else if (e->act == SL_ACT_NONE)
        finish_as(SL_ACT_NONE, false, e, at, sums, sums_stride);
    else
        finish_as(e->act, false, e, at, sums, sums_stride);
}

INLINE void activate_rows(enum sl_act act, const struct sl_epilogue *e, const struct place *at)
{
    for (uint32_t r = 0; r < at->rows; r++) {
        float *out = e->out + (at->row + r) * e->out_stride + at->column;
        for (uint32_t c = 0; c < at->count; c += VF)
            vf_store(out + c, vf_act(act, vf_load(out + c)));
    }
}

static void activate_place(const struct sl_epilogue *e, const struct place *at)
{
    if (e->act == SL_ACT_GELU)
        activate_rows(SL_ACT_GELU, e, at);
    else if (e->act != SL_ACT_NONE)
        activate_rows(e->act, e, at);
}

/* Rows of activations that stay in the second-level cache while every panel passes. */
enum { CHUNK_BYTES = 384 * 1024 };

/* Outputs that spread over more than this do not stay in the second-level cache from panel to
 * panel: their lines are asked for while the sums are made. */
enum { FAR_BYTES = 1024 * 1024 };

/* Where the rows of activations lie, whatever their type. */
struct operand {
    const void *rows;
    size_t stride; /* bytes */
    const float *scale;
    void *state; /* what the tiles of one product remember, or NULL */
};

/* One pass of up to TILE_PANELS panels from p over rows [row, end) of the activations. */
static void panels_pass(uint32_t row, uint32_t end, uint32_t p, uint32_t panels,
                        const struct operand *a, const struct sl_weights *w,
                        const struct sl_epilogue *e, size_t b_stride, tile_fn *const *tiles)
{
    _Alignas(64) float sums[TILE_ROWS * TILE_PANELS_MAX * SL_PANEL];
    uint32_t most = tile_rows[panels - 1], blocks = (end - row + most - 1) / most;
    uint32_t per_panel = w->is_gated ? SL_PANEL / 2 : SL_PANEL;
    struct place at = {.columns = w->is_gated ? w->n / 2 : w->n,
                       .column = p * per_panel,
                       .count = panels * per_panel};
    bool is_whole = at.column + at.count <= at.columns;
    bool is_direct = is_whole && !w->is_gated && !e->residual;
    bool is_far = (end - row) * e->out_stride * sizeof(float) > FAR_BYTES;
    if (!is_whole)
        at.count = at.columns - at.column;
    struct tile t = {.panels = panels,
                     .state = a->state,
                     .k_padded = w->k_padded,
                     .k = w->k,
                     .a_stride = a->stride,
                     .b = (const char *)w->data + p * b_stride,
                     .b_stride = b_stride,
                     .out = sums,
                     .out_stride = panels * SL_PANEL,
                     .bias = is_direct && e->bias ? e->bias + at.column : NULL};
    if (w->scale) {
        t.scale = w->scale + (size_t)p * SL_PANEL;
        t.offset = w->offset + (size_t)p * SL_PANEL;
    }
    /* The panels after these, a quarter a block. */
    const char *ahead = t.b + panels * b_stride, *last = ahead + panels * b_stride;
    if (p + 2 * panels > w->panels)
        ahead = last = t.b;
    /* Blocks of equal height: a last block of one row would waste most of a pass. */
    for (; row < end; row += at.rows, blocks--) {
        at.row = row;
        at.rows = (end - row + blocks - 1) / blocks;
        t.rows = at.rows;
        t.a = (const char *)a->rows + row * a->stride;
        t.row_scale = a->scale ? a->scale + row : NULL;
        if (is_direct) {
            t.out = e->out + row * e->out_stride + at.column;
            t.out_stride = e->out_stride;
            for (uint32_t r = 0; is_far && r < at.rows; r++)
                for (uint32_t c = 0; c < at.count; c += 16)
                    __builtin_prefetch(t.out + r * t.out_stride + c, 1);
        }
        t.ahead = ahead;
        ahead += panels * b_stride / 4;
        if (ahead >= last)
            ahead = t.b;
        tiles[at.rows - 1](&t);
        if (is_direct)
            activate_place(e, &at);
        else
            finish_buffer(w, e, &at, sums, t.out_stride);
    }
}

static void product(uint32_t m, const struct operand *a, const struct sl_weights *w,
                    const struct sl_epilogue *e, size_t value_bytes,
                    tile_fn *const (*tiles)[TILE_ROWS])
{
    size_t b_stride = (size_t)w->k_padded * SL_PANEL * value_bytes;
    uint32_t step = w->is_gated ? 2 : TILE_PANELS;
    /* Chunks of equal height, too: each reads all weights. */
    uint32_t most = (uint32_t)(CHUNK_BYTES / (a->stride | 1));
    most = most < 4 * TILE_ROWS ? 4 * TILE_ROWS : most;
    uint32_t chunks = (m + most - 1) / most;
    for (uint32_t row = 0, end; row < m; row = end, chunks--) {
        end = row + (m - row + chunks - 1) / chunks;
        for (uint32_t p = 0; p < w->panels; p += step) {
            uint32_t panels = w->panels - p < step ? w->panels - p : step;
            panels_pass(row, end, p, panels, a, w, e, b_stride, tiles[panels - 1]);
        }
    }
}

#endif
#endif
