/*
 * Metric cells. Every thread owns a table of cells; only it writes them (relaxed atomic stores, no
 * read-modify-write), and only it adds new ones, at the head of a list that a scrape walks with an
 * acquire load. The registry of threads has a mutex that requests never touch. When a thread ends,
 * its counters and histograms are added to `ended`, so that totals never fall.
 *
 * The text form is in exposition.c.
 */
#include "obs/metrics_impl.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct sl_metrics *threads;
static struct sl_metrics *ended; /* totals of threads that are gone; written under the mutex */

static struct {
    void (*collect)(void *ctx, struct sl_buf *out);
    void *ctx;
} collectors[SL_METRICS_MAX_COLLECTORS];
static unsigned n_collectors;

/* Takes what could not be allocated; of no metric's table, so nobody sees it. */
static struct sl_cell *sink(void)
{
    static const struct sl_metric nothing = {.name = "", .help = "", .type = SL_GAUGE};
    static struct sl_cell cell = {.metric = &nothing};
    return &cell;
}

static struct sl_metrics *table_new(void)
{
    struct sl_metrics *m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    m->seed = (uint64_t)now.tv_nsec ^ (uint64_t)(uintptr_t)m;
    return m;
}

struct sl_metrics *sl_metrics_new(void)
{
    struct sl_metrics *m = table_new();
    if (!m)
        return NULL;
    pthread_mutex_lock(&registry_mutex);
    m->next = threads;
    threads = m;
    pthread_mutex_unlock(&registry_mutex);
    return m;
}

static double load(const _Atomic double *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void add(_Atomic double *value, double amount)
{
    atomic_store_explicit(value, load(value) + amount, memory_order_relaxed);
}

static void add_u64(_Atomic uint64_t *value, uint64_t amount)
{
    uint64_t old = atomic_load_explicit(value, memory_order_relaxed);
    atomic_store_explicit(value, old + amount, memory_order_relaxed);
}

static void merge(struct sl_cell *into, const struct sl_cell *from)
{
    add(&into->sum, load(&from->sum));
    if (into->metric->type != SL_HISTOGRAM)
        return;
    for (uint32_t i = 0; i <= into->metric->n_bounds; i++)
        add_u64(&into->buckets[i], atomic_load_explicit(&from->buckets[i], memory_order_relaxed));
}

void sl_metrics_free(struct sl_metrics *m)
{
    if (!m)
        return;
    pthread_mutex_lock(&registry_mutex);
    for (struct sl_metrics **at = &threads; *at; at = &(*at)->next) {
        if (*at == m) {
            *at = m->next;
            break;
        }
    }
    if (!ended)
        ended = table_new();
    struct sl_cell *next;
    for (struct sl_cell *c = atomic_load(&m->cells); c; c = next) {
        next = c->next;
        if (ended && c->metric->type != SL_GAUGE)
            merge(sl_metrics_cell(ended, c->id, c->labels, c->metric->n_labels), c);
        free(c);
    }
    pthread_mutex_unlock(&registry_mutex);
    free(m->slots);
    free(m);
}

static uint64_t key_hash(const struct sl_metrics *m, enum sl_metric_id id, const sl_str *labels)
{
    uint64_t hash = sl_hash_u64(id, m->seed);
    for (uint32_t i = 0; i < sl_metric_table[id].n_labels; i++)
        hash = sl_hash(labels[i], hash);
    return hash;
}

static struct sl_cell *find(const struct sl_metrics *m, enum sl_metric_id id, uint64_t hash,
                            const sl_str *labels)
{
    if (!m->cap)
        return NULL;
    for (uint32_t i = (uint32_t)hash & (m->cap - 1); m->slots[i]; i = (i + 1) & (m->cap - 1)) {
        struct sl_cell *c = m->slots[i];
        if (c->hash != hash || c->id != id)
            continue;
        uint32_t k = 0;
        while (k < c->metric->n_labels && sl_str_eq(c->labels[k], labels[k]))
            k++;
        if (k == c->metric->n_labels)
            return c;
    }
    return NULL;
}

static void place(struct sl_cell **slots, uint32_t cap, struct sl_cell *cell)
{
    uint32_t i = (uint32_t)cell->hash & (cap - 1);
    while (slots[i])
        i = (i + 1) & (cap - 1);
    slots[i] = cell;
}

static bool grow(struct sl_metrics *m)
{
    uint32_t cap = m->cap ? m->cap * 2 : 128;
    struct sl_cell **slots = calloc(cap, sizeof(struct sl_cell *));
    if (!slots)
        return false;
    for (uint32_t i = 0; i < m->cap; i++)
        if (m->slots[i])
            place(slots, cap, m->slots[i]);
    free(m->slots);
    m->slots = slots;
    m->cap = cap;
    return true;
}

/* One allocation: the cell, its buckets, its label bytes. */
static struct sl_cell *make(enum sl_metric_id id, uint64_t hash, const sl_str *labels)
{
    const struct sl_metric *metric = &sl_metric_table[id];
    size_t n_buckets = metric->type == SL_HISTOGRAM ? metric->n_bounds + 1u : 0;
    size_t bytes = sizeof(struct sl_cell) + n_buckets * sizeof(uint64_t);
    size_t at = bytes;
    for (uint32_t i = 0; i < metric->n_labels; i++)
        bytes += labels[i].n;
    struct sl_cell *cell = calloc(1, bytes);
    if (!cell)
        return NULL;
    cell->metric = metric;
    cell->id = id;
    cell->hash = hash;
    for (uint32_t i = 0; i < metric->n_labels; i++) {
        char *copy = (char *)cell + at;
        if (labels[i].n)
            memcpy(copy, labels[i].p, labels[i].n);
        cell->labels[i] = sl_str_of(copy, labels[i].n);
        at += labels[i].n;
    }
    return cell;
}

/* Values are cut so that a hostile name cannot fill memory; a missing value is empty. */
static void take_labels(sl_str out[SL_METRIC_MAX_LABELS], const sl_str *labels, unsigned n,
                        const struct sl_metric *metric)
{
    for (uint32_t i = 0; i < metric->n_labels; i++)
        out[i] =
            i < n && labels[i].n ? sl_str_sub(labels[i], 0, SL_METRIC_MAX_LABEL_BYTES) : SL_STR("");
}

struct sl_cell *sl_metrics_cell(struct sl_metrics *m, enum sl_metric_id id, const sl_str *labels,
                                unsigned n_labels)
{
    const struct sl_metric *metric = &sl_metric_table[id];
    sl_str key[SL_METRIC_MAX_LABELS] = {0};
    if (!m)
        return sink();
    take_labels(key, labels, n_labels, metric);
    uint64_t hash = key_hash(m, id, key);
    struct sl_cell *cell = find(m, id, hash, key);
    if (cell)
        return cell;
    if (metric->n_labels && m->n_sets[id] >= metric->max_sets) {
        for (uint32_t i = 0; i < metric->n_labels; i++)
            key[i] = SL_STR("other");
        hash = key_hash(m, id, key);
        cell = find(m, id, hash, key);
        if (cell)
            return cell;
    }
    if ((m->n_cells + 1) * 2 > m->cap && !grow(m))
        return sink();
    cell = make(id, hash, key);
    if (!cell)
        return sink();
    place(m->slots, m->cap, cell);
    m->n_cells++;
    m->n_sets[id]++;
    cell->next = atomic_load_explicit(&m->cells, memory_order_relaxed);
    atomic_store_explicit(&m->cells, cell, memory_order_release);
    return cell;
}

void sl_cell_add(struct sl_cell *cell, double amount)
{
    add(&cell->sum, amount);
}

void sl_cell_set(struct sl_cell *cell, double value)
{
    atomic_store_explicit(&cell->sum, value, memory_order_relaxed);
}

void sl_cell_observe(struct sl_cell *cell, double value)
{
    const struct sl_metric *metric = cell->metric;
    if (metric->type != SL_HISTOGRAM || value != value)
        return;
    uint32_t i = 0;
    while (i < metric->n_bounds && value > metric->bounds[i])
        i++;
    add_u64(&cell->buckets[i], 1);
    add(&cell->sum, value);
}

void sl_metrics_collect(void (*collect)(void *ctx, struct sl_buf *out), void *ctx)
{
    pthread_mutex_lock(&registry_mutex);
    if (n_collectors < SL_METRICS_MAX_COLLECTORS) {
        collectors[n_collectors].collect = collect;
        collectors[n_collectors].ctx = ctx;
        n_collectors++;
    }
    pthread_mutex_unlock(&registry_mutex);
}

static void visit(const struct sl_metrics *m, void (*each)(void *ctx, const struct sl_cell *cell),
                  void *ctx)
{
    for (const struct sl_cell *c = atomic_load_explicit(&m->cells, memory_order_acquire); c;
         c = c->next)
        each(ctx, c);
}

void sl_metrics_visit(void (*each)(void *ctx, const struct sl_cell *cell), void *ctx,
                      struct sl_buf *collector_out)
{
    pthread_mutex_lock(&registry_mutex);
    if (ended)
        visit(ended, each, ctx);
    for (const struct sl_metrics *m = threads; m; m = m->next)
        visit(m, each, ctx);
    for (unsigned i = 0; i < n_collectors; i++)
        collectors[i].collect(collectors[i].ctx, collector_out);
    pthread_mutex_unlock(&registry_mutex);
}
