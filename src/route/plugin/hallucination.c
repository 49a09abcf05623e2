/* Plugin "hallucination": marks answers that their sources do not support. Record only. */
#include "config/field.h"
#include "route/plugin.h"

static const struct sl_field fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Switches the plugin on."},
    {"use_nli", SL_F_BOOL, SL_CHECKED,
     .help = "Asks the explainer whether the context contradicts, entails or is silent."},
    {"hallucination_action", SL_F_ENUM, SL_CHECKED_CHOICE("", "header", "body", "none", "block"),
     .fallback = "header",
     .help = "What a finding does: names it in `x-vsr-response-warnings` (`header`), puts a notice "
             "before the answer (`body`), or nothing (`none`)."},
    {"unverified_factual_action", SL_F_ENUM,
     SL_CHECKED_CHOICE("", "header", "body", "none", "block"), .fallback = "header",
     .help = "The same for an answer that needs facts and had no sources."},
    {"include_hallucination_details", SL_F_BOOL, SL_CHECKED,
     .help = "Puts confidence, spans and severity into the notice of `body`."},
    SL_FIELD_END,
};

const struct sl_plugin_type sl_plugin_hallucination = {
    .feature =
        {
            .name = "hallucination",
            .summary = "Marks answers that their context does not support",
            .help = "Runs when the request needed facts and carried context (tool results, "
                    "retrieved passages). The detector of "
                    "`global.model_catalog.modules.hallucination_mitigation` compares the answer "
                    "with the context. A detector failure never blocks an answer.",
            .example = "enabled: true\n"
                       "use_nli: true\n"
                       "hallucination_action: header\n"
                       "unverified_factual_action: header\n",
            .fields = fields,
            .is_lenient = true,
        },
    .phase = SL_PHASE_NONE,
};
