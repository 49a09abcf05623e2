/*
 * Prometheus text exposition 0.0.4. A scrape copies every cell into rows (metric, labels, values),
 * sorts them, adds up the rows of equal labels (one a thread) and prints family by family. Rows
 * live in an arena of the scrape; when it is full the answer says so instead of being cut.
 */
#include "obs/metrics_impl.h"

#include "base/arena.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define SCRAPE_MAX_BYTES (64u << 20)

struct row {
    enum sl_metric_id id;
    sl_str labels[SL_METRIC_MAX_LABELS];
    double sum;
    uint64_t buckets[SL_METRIC_MAX_BUCKETS + 1];
};

struct scrape {
    struct sl_buf raw; /* what collectors write by themselves */
    struct sl_arena arena;
    struct row **rows;
    size_t n, cap;
    bool is_full;
};

static struct row *add_row(struct scrape *s, enum sl_metric_id id, const sl_str *labels,
                           unsigned n_labels)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 256;
        struct row **rows = realloc(s->rows, cap * sizeof(struct row *));
        if (!rows)
            goto full;
        s->rows = rows;
        s->cap = cap;
    }
    struct row *row = SL_NEW(&s->arena, struct row);
    if (!row)
        goto full;
    row->id = id;
    for (unsigned i = 0; i < n_labels && i < sl_metric_table[id].n_labels; i++) {
        row->labels[i] = sl_arena_dup(&s->arena, labels[i]);
        if (!row->labels[i].p)
            goto full;
    }
    s->rows[s->n++] = row;
    return row;
full:
    s->is_full = true;
    return NULL;
}

static void copy_cell(void *ctx, const struct sl_cell *cell)
{
    struct scrape *s = ctx;
    struct row *row = add_row(s, cell->id, cell->labels, cell->metric->n_labels);
    if (!row)
        return;
    row->sum = atomic_load_explicit(&cell->sum, memory_order_relaxed);
    if (cell->metric->type == SL_HISTOGRAM)
        for (uint32_t i = 0; i <= cell->metric->n_bounds; i++)
            row->buckets[i] = atomic_load_explicit(&cell->buckets[i], memory_order_relaxed);
}

void sl_metrics_sample(struct sl_buf *out, enum sl_metric_id id, const sl_str *labels,
                       unsigned n_labels, double value)
{
    struct scrape *s = SL_CONTAINER(out, struct scrape, raw); /* collectors get &scrape.raw */
    struct row *row = add_row(s, id, labels, n_labels);
    if (row)
        row->sum = value;
}

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = *(struct row *const *)a;
    const struct row *y = *(struct row *const *)b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    for (uint32_t i = 0; i < sl_metric_table[x->id].n_labels; i++) {
        int order = sl_str_cmp(x->labels[i], y->labels[i]);
        if (order)
            return order;
    }
    return 0;
}

static void put_label_value(struct sl_buf *out, sl_str value)
{
    size_t from = 0;
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c != '\\' && c != '"' && c != '\n')
            continue;
        sl_buf_add(out, sl_str_sub(value, from, i));
        sl_buf_add(out, c == '\\' ? SL_STR("\\\\") : c == '"' ? SL_STR("\\\"") : SL_STR("\\n"));
        from = i + 1;
    }
    sl_buf_add(out, sl_str_sub(value, from, value.n));
}

static void put_number(struct sl_buf *out, double value)
{
    if (isinf(value) || isnan(value))
        sl_buf_add(out, isnan(value) ? SL_STR("NaN") : value > 0 ? SL_STR("+Inf") : SL_STR("-Inf"));
    else if (value == floor(value) && fabs(value) < 1e15)
        sl_buf_printf(out, "%.0f", value);
    else
        sl_buf_printf(out, "%.17g", value);
}

/* name suffix {labels[,le]} */
static void put_series(struct sl_buf *out, const struct row *row, const char *suffix,
                       const char *le)
{
    const struct sl_metric *metric = &sl_metric_table[row->id];
    sl_buf_printf(out, "%s%s", metric->name, suffix);
    if (metric->n_labels || le) {
        sl_buf_add_char(out, '{');
        for (uint32_t i = 0; i < metric->n_labels; i++) {
            sl_buf_printf(out, "%s%s=\"", i ? "," : "", metric->labels[i]);
            put_label_value(out, row->labels[i]);
            sl_buf_add_char(out, '"');
        }
        if (le)
            sl_buf_printf(out, "%sle=\"%s\"", metric->n_labels ? "," : "", le);
        sl_buf_add_char(out, '}');
    }
    sl_buf_add_char(out, ' ');
}

static void put_histogram(struct sl_buf *out, const struct row *row)
{
    const struct sl_metric *metric = &sl_metric_table[row->id];
    uint64_t total = 0;
    for (uint32_t i = 0; i <= metric->n_bounds; i++) {
        total += row->buckets[i];
        put_series(out, row, "_bucket", i < metric->n_bounds ? metric->bound_texts[i] : "+Inf");
        sl_buf_printf(out, "%" PRIu64 "\n", total);
    }
    put_series(out, row, "_sum", NULL);
    put_number(out, row->sum);
    sl_buf_add_char(out, '\n');
    put_series(out, row, "_count", NULL);
    sl_buf_printf(out, "%" PRIu64 "\n", total);
}

static void put_rows(struct sl_buf *out, struct scrape *s)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    for (size_t i = 0; i < s->n; i++) {
        struct row *row = s->rows[i];
        const struct sl_metric *metric = &sl_metric_table[row->id];
        if (i == 0 || s->rows[i - 1]->id != row->id)
            sl_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
                          metric->name, types[metric->type]);
        while (i + 1 < s->n && compare_rows(&s->rows[i], &s->rows[i + 1]) == 0) {
            const struct row *more = s->rows[++i];
            row->sum += more->sum;
            for (uint32_t k = 0; k < SL_COUNT(row->buckets); k++)
                row->buckets[k] += more->buckets[k];
        }
        if (metric->type == SL_HISTOGRAM) {
            put_histogram(out, row);
            continue;
        }
        put_series(out, row, "", NULL);
        put_number(out, row->sum);
        sl_buf_add_char(out, '\n');
    }
}

void sl_metrics_write(struct sl_buf *out)
{
    struct scrape s = {0};
    sl_buf_init(&s.raw, SCRAPE_MAX_BYTES);
    sl_arena_init(&s.arena, NULL, SCRAPE_MAX_BYTES);
    sl_metrics_visit(copy_cell, &s, &s.raw);
    if (s.n)
        qsort(s.rows, s.n, sizeof(struct row *), compare_rows);
    put_rows(out, &s);
    sl_buf_add(out, sl_buf_str(&s.raw));
    if (s.is_full || s.raw.is_full)
        sl_buf_add(out, SL_STR("# incomplete: out of memory\n"));
    free(s.rows);
    sl_arena_reset(&s.arena);
    sl_buf_free(&s.raw);
}
