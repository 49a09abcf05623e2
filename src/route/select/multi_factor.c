/* Algorithm "multi_factor": quality, latency, cost and load. Record only, no engine yet. */
#include "config/field.h"
#include "route/selector.h"

static const struct sl_field weight_fields[] = {
    {"quality", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "0.25",
     .help = "Weight of the quality score."},
    {"latency", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "0.25",
     .help = "Weight of the latency."},
    {"cost", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "0.25",
     .help = "Weight of the price."},
    {"load", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "0.25",
     .help = "Weight of the requests in flight."},
    SL_FIELD_END,
};

static const struct sl_field slo_fields[] = {
    {"max_tpot_ms", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "Most time between tokens; 0: any."},
    {"max_ttft_ms", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "Most time to the first token; 0: any."},
    {"max_cost_per_1m", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "Most a million prompt tokens may cost; 0: any."},
    {"max_inflight", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "Most requests in flight; 0: any."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {"weights", SL_F_STRUCT, SL_CHECKED_SUB(weight_fields),
     .help = "What counts how much; a block that is given replaces all four."},
    {"slo", SL_F_STRUCT, SL_CHECKED_SUB(slo_fields),
     .help = "Candidates known to be beyond are left out."},
    {"latency_percentile", SL_F_INT, SL_BETWEEN(0, 100), .fallback = "95",
     .flags = SL_CHECKED_ONLY | SL_KEEPS_DEFAULT_ON_EMPTY, .help = "Percentile of the latency."},
    {"on_no_candidates", SL_F_ENUM, SL_CHECKED_EXACT("", "cheapest", "first", "fail"),
     .fallback = "cheapest", .help = "What happens when none is left."},
    SL_FIELD_END,
};

const struct sl_selector_type sl_selector_multi_factor = {
    .feature =
        {
            .name = "multi_factor",
            .summary = "Quality, latency, cost and load in one score",
            .help = "Leaves out candidates that miss the objectives, brings the four factors to "
                    "one scale and takes the best sum.",
            .example = "weights: {quality: 0.4, latency: 0.2, cost: 0.2, load: 0.2}\n"
                       "slo: {max_ttft_ms: 800}\n"
                       "on_no_candidates: cheapest\n",
            .fields = fields,
        },
};
