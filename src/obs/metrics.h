/*
 * Metrics: counters, gauges and histograms with labels, as in the catalogue (spec/metrics.tsv).
 * Each thread writes its own cells with relaxed atomics; a scrape adds the threads up. Labels are
 * looked up once and the cell is kept: counting on the request path is one add.
 */
#ifndef SL_OBS_METRICS_H
#define SL_OBS_METRICS_H

#include "base/buf.h"
#include "obs/metric_ids.h" /* generated from spec/metrics.tsv: enum sl_metric_id */

struct sl_metrics; /* one per thread */
struct sl_cell;    /* one (metric, labels) of one thread */

/* Registered for scrapes until freed; its totals then move to a shared remainder. */
struct sl_metrics *sl_metrics_new(void);
void sl_metrics_free(struct sl_metrics *m);

/*
 * The cell of these label values (catalogue order); made at first use. Beyond the metric's bound
 * of label sets everything lands in one cell labelled "other". Never NULL. Owner thread.
 */
struct sl_cell *sl_metrics_cell(struct sl_metrics *m, enum sl_metric_id id, const sl_str *labels,
                                unsigned n_labels);
void sl_cell_add(struct sl_cell *cell, double amount);    /* counter */
void sl_cell_set(struct sl_cell *cell, double value);     /* gauge; threads are summed */
void sl_cell_observe(struct sl_cell *cell, double value); /* histogram */

/* Prometheus text exposition 0.0.4 of all threads, collectors included. Any thread. */
void sl_metrics_write(struct sl_buf *out);

/* A collector adds values known elsewhere (RSS, pools) at scrape time. At most 32. */
void sl_metrics_collect(void (*collect)(void *ctx, struct sl_buf *out), void *ctx);

/* One sample line for collectors: sl_metrics_sample(out, SL_M_RSS_BYTES, NULL, 0, v). */
void sl_metrics_sample(struct sl_buf *out, enum sl_metric_id id, const sl_str *labels,
                       unsigned n_labels, double value);

#endif
