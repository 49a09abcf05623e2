/* Algorithm "automix": quality against cost. Record only, no engine yet. */
#include "config/field.h"
#include "route/selector.h"

static const struct sl_field fields[] = {
    {"verification_threshold", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "0.7",
     .help = "Probability of a good answer that is enough."},
    {"max_escalations", SL_F_OPT_INT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "2",
     .help = "Steps to larger models."},
    {"cost_aware_routing", SL_F_TRI, SL_CHECKED, .fallback = "true", .help = "Cost counts."},
    {"cost_quality_tradeoff", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "0.3",
     .help = "0: quality alone, 1: cost alone."},
    {"discount_factor", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "0.95",
     .help = "How much a later, larger model still counts."},
    {"use_logprob_verification", SL_F_TRI, SL_CHECKED, .fallback = "true",
     .help = "Verifies by token probabilities."},
    SL_FIELD_END,
};

const struct sl_selector_type sl_selector_automix = {
    .feature =
        {
            .name = "automix",
            .summary = "The best value of quality against cost",
            .help = "Weighs each candidate's quality score, price and record of good answers, and "
                    "takes the best value.",
            .example = "verification_threshold: 0.7\n"
                       "cost_aware_routing: true\n"
                       "cost_quality_tradeoff: 0.3\n",
            .fields = fields,
        },
};
