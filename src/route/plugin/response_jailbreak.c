/* Plugin "response_jailbreak": the guard on answers. Record only, no engine yet. */
#include "config/field.h"
#include "route/plugin.h"

static const struct sl_field fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Switches the plugin on."},
    {"threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "Risk from which an answer is unsafe; 0: the guard module's threshold."},
    {"action", SL_F_ENUM, .flags = SL_CHECKED_ONLY | SL_EXACT,
     SL_CHOICES("", "header", "block", "none"), .fallback = "header",
     .help = "What a finding does: a warning header, 403 in place of the answer, or nothing."},
    SL_FIELD_END,
};

const struct sl_plugin_type sl_plugin_response_jailbreak = {
    .feature =
        {
            .name = "response_jailbreak",
            .summary = "Checks answers with the guard model",
            .help = "Runs the guard of `global.model_catalog.modules.prompt_guard` on the answer's "
                    "text. Whether a guard failure counts as a finding is the guard's `on_error`.",
            .example = "enabled: true\n"
                       "threshold: 0.8\n"
                       "action: block\n",
            .fields = fields,
        },
    .phase = SL_PHASE_NONE,
};
