/*
 * A histogram of durations after HdrHistogram (Gil Tene): 128 linear buckets per power of two, so
 * that every value up to 2^63 ns is kept with an error under 0.8 %. One owner, one thread; merging
 * is for after the run.
 */
#ifndef SL_LOAD_HIST_H
#define SL_LOAD_HIST_H

#include "base/str.h"

#define SL_HIST_SUB_BITS 7
#define SL_HIST_BUCKETS  ((65 - SL_HIST_SUB_BITS) << SL_HIST_SUB_BITS)

struct sl_hist {
    uint64_t counts[SL_HIST_BUCKETS];
    uint64_t n, max, min;
    double sum;
};

void sl_hist_reset(struct sl_hist *h);
void sl_hist_add(struct sl_hist *h, uint64_t value);
void sl_hist_merge(struct sl_hist *into, const struct sl_hist *from);

/* Smallest kept value that at least `percent` of all are not above; 0 when empty. */
uint64_t sl_hist_percentile(const struct sl_hist *h, double percent);
double sl_hist_mean(const struct sl_hist *h);
/* How many values are above `value` (to the precision of the buckets). */
uint64_t sl_hist_above(const struct sl_hist *h, uint64_t value);

/* Bucket of a value, and the largest value of a bucket. */
uint32_t sl_hist_bucket(uint64_t value);
uint64_t sl_hist_bucket_top(uint32_t bucket);

#endif
