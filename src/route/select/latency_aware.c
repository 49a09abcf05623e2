/* Algorithm "latency_aware": the model that answers fastest. Record only, no engine yet. */
#include "config/field.h"
#include "route/selector.h"

struct latency_aware_cfg {
    int64_t tpot_percentile; /* 0: does not count */
    int64_t ttft_percentile;
};

static const struct sl_field fields[] = {
    {"tpot_percentile", SL_F_INT, SL_AT(latency_aware_cfg, tpot_percentile), SL_BETWEEN(0, 100),
     .help = "Percentile of the time between tokens; 0: does not count."},
    {"ttft_percentile", SL_F_INT, SL_AT(latency_aware_cfg, ttft_percentile), SL_BETWEEN(0, 100),
     .help = "Percentile of the time to the first token; 0: does not count."},
    {"description", SL_F_STR, SL_CHECKED, .help = "For people."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct latency_aware_cfg *cfg = decoded;
    if (!node || node->kind == SL_YAML_NULL)
        sl_check_error(c, node, "algorithm.type latency_aware requires the block latency_aware");
    else if (!cfg->tpot_percentile && !cfg->ttft_percentile)
        sl_check_error(c, node, "at least one of tpot_percentile and ttft_percentile is required");
    else if (!cfg->tpot_percentile || !cfg->ttft_percentile)
        sl_check_warn(c, node, "only %s counts; name both percentiles to weigh both",
                      cfg->tpot_percentile ? "tpot_percentile" : "ttft_percentile");
}

const struct sl_selector_type sl_selector_latency_aware = {
    .feature =
        {
            .name = "latency_aware",
            .summary = "The model that answers fastest",
            .help = "Compares what was measured of each candidate: the time to the first token and "
                    "the time between tokens, at the percentiles asked for.",
            .example = "tpot_percentile: 90\n"
                       "ttft_percentile: 95\n",
            .fields = fields,
            .size = sizeof(struct latency_aware_cfg),
            .validate = validate,
        },
};
