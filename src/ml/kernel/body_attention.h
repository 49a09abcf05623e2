/* Attention of one head, blocked (Milakov and Gimelshein, arXiv:1805.02867; Dao, 2205.14135): for a
 * block of queries the keys pass in blocks; scores, their running maximum and sum, and the output
 * rescaled when the maximum grows. Both products are tiles of body_gemm.h: K is copied into panels
 * of 16 keys [keys / 16][head_dim][16], V into panels of 16 columns [head_dim / 16][keys][16]; for
 * a window only the keys that some query of the call may see are copied.
 * Scores are kept in units of log2, so that a softmax term is one exp2. */
#ifndef SL_ML_KERNEL_BODY_ATTENTION_H
#define SL_ML_KERNEL_BODY_ATTENTION_H
#ifdef TILE_ROWS

#include "ml/kernel/body_gemm_f32.h"
#include "ml/kernel/body_rows.h"

/* Its steps stay functions: all in one, they spill each other's registers (n = 32: 1.7 -> 2.4 us).
 */
#define NOINLINE __attribute__((noinline))

/* All of it within SL_ATTENTION_BLOCK_BYTES. */
struct attention_block {
    float scores[SL_QUERY_BLOCK * SL_KEY_BLOCK];  /* [queries, SL_KEY_BLOCK] */
    float q[SL_QUERY_BLOCK * SL_MAX_HEAD_DIM];    /* [queries, head_dim], scaled */
    float sums[SL_QUERY_BLOCK * SL_MAX_HEAD_DIM]; /* [queries, columns]: exp-weighted values */
    float part[TILE_ROWS * TILE_PANELS_MAX * SL_PANEL];
    float largest[SL_QUERY_BLOCK], total[SL_QUERY_BLOCK];
};

struct attention_run {
    const struct sl_attention *a;
    struct attention_block *block;
    float *k, *v;         /* the packed copies */
    uint32_t first, keys; /* they begin at this key and hold this many, a multiple of SL_PANEL */
    uint32_t columns;     /* head_dim rounded up to SL_PANEL */
};

/* A head's rows lie thousands of bytes apart and each is a few lines long: no prefetcher of the
 * processor follows that, so they are asked for some rows ahead. */
enum { ROWS_AHEAD = 16 };

INLINE void prefetch_row(const float *row, uint32_t d)
{
    for (uint32_t c = 0; c < d; c += 16)
        __builtin_prefetch(row + c);
}

INLINE void prefetch_key(const struct sl_attention *a, uint32_t key)
{
    if (key < a->n_k) {
        prefetch_row(a->k + key * a->k_stride, a->head_dim);
        prefetch_row(a->v + key * a->v_stride, a->head_dim);
    }
}

/* VF keys from `at` on into their panel of K, all of them real: blocks of VF x VF values turned
 * over, the columns that are left one by one. */
static void copy_k(const struct attention_run *run, uint32_t at)
{
    const struct sl_attention *a = run->a;
    uint32_t d = a->head_dim, c = 0;
    const float *k = a->k + (size_t)(run->first + at) * a->k_stride;
    float *panel = run->k + (size_t)(at / SL_PANEL) * SL_PANEL * d + at % SL_PANEL;
    for (; c + VF <= d; c += VF)
        vf_transpose(k + c, a->k_stride, panel + (size_t)c * SL_PANEL, SL_PANEL);
    for (; c < d; c++)
        for (uint32_t lane = 0; lane < VF; lane++)
            panel[(size_t)c * SL_PANEL + lane] = k[lane * a->k_stride + c];
}

/* The same where the sequence ends among the keys; those behind it are zeros. */
static void copy_last_k(const struct attention_run *run, uint32_t at)
{
    const struct sl_attention *a = run->a;
    uint32_t d = a->head_dim;
    float *panel = run->k + (size_t)(at / SL_PANEL) * SL_PANEL * d + at % SL_PANEL;
    for (uint32_t lane = 0; lane < VF; lane++) {
        uint32_t key = run->first + at + lane;
        for (uint32_t c = 0; c < d; c++)
            panel[(size_t)c * SL_PANEL + lane] = key < a->n_k ? a->k[key * a->k_stride + c] : 0;
    }
}

static void copy_v(const struct attention_run *run, uint32_t at)
{
    const struct sl_attention *a = run->a;
    uint32_t d = a->head_dim, key = run->first + at;
    const float *v = a->v + (size_t)(key < a->n_k ? key : 0) * a->v_stride;
    for (uint32_t c = 0; c < run->columns; c += VF) {
        uint32_t n = c >= d || key >= a->n_k ? 0 : d - c < VF ? d - c : VF;
        size_t to = (size_t)(c / SL_PANEL) * SL_PANEL * run->keys + (size_t)at * SL_PANEL;
        vf_store(run->v + to + c % SL_PANEL, n ? vf_load_n(v + c, n) : vf_set(0));
    }
}

/* Keys outside the sequence are zeros; their scores are masked. */
static NOINLINE void copy_keys(const struct attention_run *run)
{
    const struct sl_attention *a = run->a;
    for (uint32_t at = 0; at < run->keys && at < ROWS_AHEAD; at++)
        prefetch_key(a, run->first + at);
    for (uint32_t at = 0; at < run->keys; at += VF) {
        for (uint32_t i = 0; i < VF; i++)
            prefetch_key(a, run->first + at + ROWS_AHEAD + i);
        if (run->first + at + VF <= a->n_k)
            copy_k(run, at);
        else
            copy_last_k(run, at);
        for (uint32_t i = 0; i < VF; i++)
            copy_v(run, at + i);
    }
}

/* out [rows, out_stride] = a [rows, k] x panels, added to out when `add`. */
static void block_product(const struct attention_run *run, uint32_t rows, uint32_t k,
                          const float *a, size_t a_stride, const float *b, size_t b_stride,
                          uint32_t panels, float *out, size_t out_stride, bool add)
{
    for (uint32_t p = 0, wide; p < panels; p += wide) {
        wide = panels - p < TILE_PANELS ? panels - p : TILE_PANELS;
        if (TILE_PANELS == 3 && panels - p == 4)
            wide = 2; /* two pairs rather than three and one */
        uint32_t most = tile_rows[wide - 1], blocks = (rows + most - 1) / most;
        for (uint32_t row = 0; row < rows; blocks--) {
            uint32_t high = (rows - row + blocks - 1) / blocks;
            float *to = out + row * out_stride + (size_t)p * SL_PANEL;
            struct tile t = {.k = k,
                             .a = (const void *)(a + row * a_stride),
                             .a_stride = a_stride * sizeof(float),
                             .b = (const void *)(b + p * b_stride),
                             .b_stride = b_stride * sizeof(float),
                             .out = add ? run->block->part : to,
                             .out_stride = add ? wide * SL_PANEL : out_stride};
            tile_f32_tiles[wide - 1][high - 1](&t);
            for (uint32_t r = 0; add && r < high; r++)
                for (uint32_t c = 0; c < wide * SL_PANEL; c += VF)
                    vf_store(to + r * out_stride + c,
                             vf_add(vf_load(to + r * out_stride + c),
                                    vf_load(t.out + r * t.out_stride + c)));
            row += high;
        }
    }
}

static void fill(float *x, uint32_t from, uint32_t to, float value)
{
    for (uint32_t j = from; j < to; j++)
        x[j] = value;
}

/* Keeps the scores [from, to) of one vector. Whole vectors are written, so that the loads that
 * follow find them in the store buffer. */
INLINE void cut(float *scores, uint32_t from, uint32_t to)
{
    static const float numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    vf lane = vf_load(numbers), hidden = vf_set(-INFINITY);
    vf y = vf_if_less(lane, vf_set((float)from), hidden, vf_load(scores));
    vf_store(scores, vf_if_less(lane, vf_set((float)to), y, hidden));
}

/* A row of scores of one block: those in [begin, end), whole vectors, are to be weighed. */
struct row {
    float *scores;
    uint32_t begin, end;
};

/* Bias and mask of one row of scores over keys [key, key + count): keys that the query may not see
 * weigh nothing, whole vectors of them at once and the others by a score of -infinity. */
static struct row masked_row(const struct sl_attention *a, uint32_t query, uint32_t key,
                             uint32_t count, float *scores)
{
    uint32_t from, to;
    sl_visible_keys(a, query, &from, &to);
    from = from > key ? from - key : 0;
    to = to > key ? to - key : 0;
    to = to < count ? to : count;
    from = from < to ? from : to;
    if (a->bias) {
        const float *bias = a->bias + query * a->bias_stride + key;
        for (uint32_t j = from; j < to; j++)
            scores[j] += bias[j] * 1.44269504F;
    }
    struct row row = {.scores = scores, .begin = from / VF * VF, .end = (to + VF - 1) / VF * VF};
    for (uint32_t j = 0; j < row.begin; j += VF)
        vf_store(scores + j, vf_set(0));
    for (uint32_t j = row.end; j < count; j += VF)
        vf_store(scores + j, vf_set(0));
    if (row.begin < from)
        cut(scores + row.begin, from - row.begin, VF);
    if (to < row.end)
        cut(scores + row.end - VF, 0, to + VF - row.end);
    return row;
}

/* Turns a row of scores into weights; the sums so far are brought to the new maximum. */
static void weigh_row(const struct attention_run *run, uint32_t r, const struct row *row)
{
    struct attention_block *block = run->block;
    float *scores = row->scores + row->begin;
    uint32_t count = row->end - row->begin;
    float before = block->largest[r], now = row_largest(count, scores);
    now = now > before ? now : before;
    float shift = now == -INFINITY ? 0 : now;
    float total = exp2_row(count, scores, shift);
    if (now != before && before != -INFINITY) {
        float keep = exp2f(before - shift);
        scale_row(run->columns, block->sums + (size_t)r * run->columns, keep);
        block->total[r] *= keep;
    }
    block->largest[r] = now;
    block->total[r] += total;
}

/* Are all of these scores within +-SMALL_SCORE? Then 2^score needs no maximum taken off: neither it
 * nor a sum of 2^20 of them leaves the range of a float, and what the quotient keeps is the same.
 * That saves each row a chain of reductions that nothing else can overlap. */
#define SMALL_SCORE 60.0F
static bool is_small(const float *scores, uint32_t rows, uint32_t count)
{
    union {
        float f;
        uint32_t bits;
    } limit = {.f = SMALL_SCORE};
    vu a = vu_zero(), b = a; /* as bits, so that NaN is large */
    for (uint32_t r = 0; r < rows; r++, scores += SL_KEY_BLOCK) {
        uint32_t j = 0;
        for (; j + 2 * VF <= count; j += 2 * VF) {
            a = vu_max_abs(a, vf_load(scores + j));
            b = vu_max_abs(b, vf_load(scores + j + VF));
        }
        for (; j < count; j += VF)
            a = vu_max_abs(a, vf_load(scores + j));
    }
    return vu_largest(a) <= limit.bits && vu_largest(b) <= limit.bits;
}

/* Scores of a block to weights, masks included. is_plain: no maximum has been taken off so far. */
static NOINLINE void weigh_block(const struct attention_run *run, uint32_t query, uint32_t rows,
                                 uint32_t key, uint32_t count, bool *is_plain)
{
    struct attention_block *block = run->block;
    bool was_plain = *is_plain;
    *is_plain = was_plain && !run->a->bias && is_small(block->scores, rows, count);
    for (uint32_t r = 0; r < rows; r++) {
        struct row row =
            masked_row(run->a, query + r, key, count, block->scores + (size_t)r * SL_KEY_BLOCK);
        if (*is_plain) {
            block->total[r] += exp2_row(row.end - row.begin, row.scores + row.begin, 0);
        } else {
            /* What sums there are were weighed with a maximum of 0. */
            if (was_plain)
                block->largest[r] = block->total[r] > 0 ? 0 : -INFINITY;
            weigh_row(run, r, &row);
        }
    }
}

static NOINLINE void query_block(const struct attention_run *run, uint32_t query, uint32_t rows)
{
    const struct sl_attention *a = run->a;
    struct attention_block *block = run->block;
    uint32_t from, to, unused, d = a->head_dim;
    bool is_plain = true;
    sl_visible_keys(a, query, &from, &unused);
    sl_visible_keys(a, query + rows - 1, &unused, &to);
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < d; c += VF) {
            uint32_t n = d - c < VF ? d - c : VF;
            vf x = vf_load_n(a->q + (query + r) * a->q_stride + c, n);
            vf_store_n(block->q + (size_t)r * d + c, vf_mul(x, vf_set(a->scale * 1.44269504F)), n);
        }
        block->largest[r] = -INFINITY;
        block->total[r] = 0;
    }
    for (uint32_t r = 0; r < rows && query + rows + r < a->n_q; r++)
        prefetch_row(a->q + (query + rows + r) * a->q_stride, d);
    if (from >= to)
        fill(block->sums, 0, rows * run->columns, 0);
    /* Blocks of keys begin on panels; `first` is one. */
    for (uint32_t key = from / SL_PANEL * SL_PANEL; key < to; key += SL_KEY_BLOCK) {
        uint32_t left = (to - key + SL_PANEL - 1) / SL_PANEL * SL_PANEL;
        uint32_t count = left < SL_KEY_BLOCK ? left : SL_KEY_BLOCK;
        size_t at = key - run->first;
        bool is_first = key <= from;
        block_product(run, rows, d, block->q, d, run->k + at * d, (size_t)d * SL_PANEL,
                      count / SL_PANEL, block->scores, SL_KEY_BLOCK, false);
        weigh_block(run, query, rows, key, count, &is_plain);
        block_product(run, rows, count, block->scores, SL_KEY_BLOCK, run->v + at * SL_PANEL,
                      (size_t)run->keys * SL_PANEL, run->columns / SL_PANEL, block->sums,
                      run->columns, !is_first);
    }
    for (uint32_t r = 0; r < rows; r++) {
        float *out = a->out + (query + r) * a->out_stride;
        vf factor = vf_set(block->total[r] == 0 ? 0 : 1 / block->total[r]);
        for (uint32_t c = 0; c < d; c += VF) {
            uint32_t n = d - c < VF ? d - c : VF;
            vf sum = vf_load_n(block->sums + (size_t)r * run->columns + c, n);
            vf_store_n(out + c, vf_mul(sum, factor), n);
        }
    }
}

static void attention(const struct sl_attention *a, void *scratch)
{
    if (a->n_q == 0)
        return;
    uint32_t from, to, unused;
    sl_visible_keys(a, 0, &from, &unused);
    sl_visible_keys(a, a->n_q - 1, &unused, &to);
    struct attention_run run = {.a = a,
                                .block = scratch,
                                .columns = (a->head_dim + SL_PANEL - 1) / SL_PANEL * SL_PANEL,
                                .first = from / SL_PANEL * SL_PANEL};
    run.keys = to > run.first ? (to - run.first + SL_PANEL - 1) / SL_PANEL * SL_PANEL : 0;
    run.k = (float *)(void *)((char *)scratch + SL_ATTENTION_BLOCK_BYTES);
    run.v = run.k + (size_t)run.keys * a->head_dim;
    copy_keys(&run);
    uint32_t blocks = (a->n_q + SL_QUERY_BLOCK - 1) / SL_QUERY_BLOCK;
    for (uint32_t query = 0, rows; query < a->n_q; query += rows, blocks--) {
        /* Of equal height but for the last; a multiple of 8 suits the tiles. */
        rows = ((a->n_q - query + blocks - 1) / blocks + 7) / 8 * 8;
        rows = rows < a->n_q - query ? rows : a->n_q - query;
        query_block(&run, query, rows);
    }
}

_Static_assert(sizeof(struct attention_block) <= SL_ATTENTION_BLOCK_BYTES, "scratch of attention");

/* The entries of a table that come from the bodies; `dot_i8` is the file's own. */
#define TABLE_OF_BODIES(product_i8)                                                                \
    .gemm_i8 = product_i8, .gemm_f32 = gemm_f32, .quantise = quantise, .layer_norm = layer_norm,   \
    .rms_norm = rms_norm, .softmax = softmax, .activate = activate, .glu = glu, .rope = rope,      \
    .attention = attention, .gather = gather, .mean = mean, .l2_normalise = l2_normalise,          \
    .dot_f32 = dot_f32, .dot_i8 = dot_i8

#endif
#endif
