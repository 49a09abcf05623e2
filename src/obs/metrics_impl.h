/* What metrics.c and exposition.c share: the shape of cells. Nobody else includes it. */
#ifndef SL_OBS_METRICS_IMPL_H
#define SL_OBS_METRICS_IMPL_H

#include "obs/metric_table.h"
#include "obs/metrics.h"

#include <stdatomic.h>

#define SL_METRICS_MAX_COLLECTORS 32
#define SL_METRIC_MAX_LABEL_BYTES 256

struct sl_cell {
    const struct sl_metric *metric;
    struct sl_cell *next; /* set before the cell is published, then constant */
    enum sl_metric_id id;
    uint64_t hash;
    sl_str labels[SL_METRIC_MAX_LABELS]; /* bytes behind the buckets, same allocation */
    _Atomic double sum;                  /* counter and gauge: the value */
    _Atomic uint64_t buckets[];          /* histogram: n_bounds + 1, not cumulative */
};

struct sl_metrics {
    struct sl_metrics *next;
    _Atomic(struct sl_cell *) cells; /* every cell, newest first */
    struct sl_cell **slots;          /* hash table; owner thread only */
    uint32_t cap, n_cells;
    uint32_t n_sets[SL_M_COUNT];
    uint64_t seed;
};

/* Every cell of every thread, then the collectors, under the registry's mutex. */
void sl_metrics_visit(void (*each)(void *ctx, const struct sl_cell *cell), void *ctx,
                      struct sl_buf *collector_out);

#endif
