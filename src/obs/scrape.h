/*
 * The other side of metrics.h: reads Prometheus text and answers what `top` asks of it. Two
 * scrapes give rates and percentiles of what lies between them. Pure; one thread.
 */
#ifndef SL_OBS_SCRAPE_H
#define SL_OBS_SCRAPE_H

#include "base/arena.h"

struct sl_sample {
    sl_str name;   /* with _bucket, _sum, _count */
    sl_str labels; /* between the braces, as written */
    double value;
};

struct sl_scrape {
    struct sl_sample *samples;
    uint32_t n;
};

/* Views into text. Lines that are no samples are skipped. SL_NOMEM when the arena is full. */
SL_MUST_USE enum sl_rc sl_scrape_parse(struct sl_scrape *out, struct sl_arena *arena, sl_str text);

/* Value of a label, still escaped; p == NULL when absent. */
sl_str sl_sample_label(const struct sl_sample *sample, sl_str key);

/* Sum of all samples of that name whose label `key` is `value` (key empty: all of them). */
double sl_scrape_sum(const struct sl_scrape *s, sl_str name, sl_str key, sl_str value);

/* Distinct values of label `key` among samples of that name; returns how many were put into out. */
uint32_t sl_scrape_values(const struct sl_scrape *s, sl_str name, sl_str key, sl_str *out,
                          uint32_t cap);

/*
 * Quantile (0..1) of histogram `name` (without _bucket) between two scrapes, linear within its
 * bucket, over the samples whose label `key` is `value`. `before` may be NULL: since the start.
 * Negative when nothing was observed.
 */
double sl_scrape_quantile(const struct sl_scrape *before, const struct sl_scrape *now, sl_str name,
                          sl_str key, sl_str value, double quantile);

#endif
