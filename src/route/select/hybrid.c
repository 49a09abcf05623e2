/* Algorithm "hybrid": several algorithms weighed together. Record only, no engine yet. */
#include "config/field.h"
#include "route/selector.h"

static const struct sl_field fields[] = {
    {"experience_weight", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "0.3",
     .help = "Weight of earlier outcomes."},
    {"router_dc_weight", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "0.3",
     .help = "Weight of `router_dc`."},
    {"automix_weight", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "0.2",
     .help = "Weight of `automix`."},
    {"cost_weight", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "0.2",
     .help = "Weight of the price."},
    {"quality_gap_threshold", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "0.1",
     .help = "Gap in quality that price may bridge."},
    {"normalize_scores", SL_F_TRI, SL_CHECKED, .fallback = "true",
     .help = "Brings the scores of all parts to one scale first."},
    SL_FIELD_END,
};

const struct sl_selector_type sl_selector_hybrid = {
    .feature =
        {
            .name = "hybrid",
            .summary = "Outcomes, descriptions, value and price weighed together",
            .help = "Adds the scores of experience, `router_dc` and `automix` by weight, lets the "
                    "price raise cheap models, and prefers the model that already holds the "
                    "conversation in its cache when scores are close.",
            .example = "experience_weight: 0.3\n"
                       "router_dc_weight: 0.3\n"
                       "automix_weight: 0.2\n"
                       "cost_weight: 0.2\n",
            .fields = fields,
        },
};
