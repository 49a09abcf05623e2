/* Signal "modality": text, image or both wanted. Record only, no engine yet. */
#include "config/field.h"
#include "route/signal.h"

struct modality_rule {
    sl_str name;
    sl_str description;
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(modality_rule, name), .flags = SL_REQUIRED,
     .help = "`AR` (text), `DIFFUSION` (an image) or `BOTH`."},
    {"description", SL_F_STR, SL_AT(modality_rule, description), .help = "For people."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    static const char *const names[] = {"AR", "DIFFUSION", "BOTH", NULL};
    const struct modality_rule *rule = decoded;
    for (uint32_t i = 0; names[i]; i++) {
        if (!rule->name.n || sl_str_eq(rule->name, sl_str_from(names[i])))
            return;
    }
    const char *near = sl_str_nearest(rule->name, names);
    size_t length = sl_check_push(c, SL_STR("name"));
    sl_check_error(c, sl_yaml_get(node, SL_STR("name")),
                   "name must be one of AR, DIFFUSION, BOTH, got \"%.*s\"%s%s%s",
                   SL_FMT(rule->name), near ? "; did you mean \"" : "", near ? near : "",
                   near ? "\"?" : "");
    sl_check_pop(c, length);
}

const struct sl_signal_type sl_signal_modality = {
    .feature =
        {
            .name = "modality",
            .list_key = "modality",
            .summary = "The request wants text, an image, or both",
            .help = "The modality detector (`global.model_catalog.modules.modality_detector`) "
                    "reads the current user turn and reports exactly one of `AR`, `DIFFUSION` "
                    "and `BOTH`.",
            .example = "name: DIFFUSION\n"
                       "description: Requests for an image.\n",
            .fields = fields,
            .size = sizeof(struct modality_rule),
            .validate = validate,
        },
    .matched_key = "modality",
    .header = "x-vsr-matched-modality",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_NO_MATCH,
    .reads_window = true,
};
