/* The catalogue as data: generated from spec/metrics.tsv, read by metrics.c and by `top`. */
#ifndef SL_OBS_METRIC_TABLE_H
#define SL_OBS_METRIC_TABLE_H

#include "obs/metric_ids.h"

#include <stdint.h>

enum sl_metric_type { SL_COUNTER, SL_GAUGE, SL_HISTOGRAM };

struct sl_metric {
    const char *name;
    const char *help;
    enum sl_metric_type type;
    const char *labels[SL_METRIC_MAX_LABELS];
    uint32_t n_labels;
    uint32_t max_sets;    /* label sets a thread keeps; further ones are counted as "other" */
    const double *bounds; /* upper bounds of histogram buckets, rising; +Inf is implied */
    const char *const *bound_texts;
    uint32_t n_bounds;
};

extern const struct sl_metric sl_metric_table[SL_M_COUNT];

#endif
