/* Signal "preference": the route a user would prefer. Record only, no engine yet. */
#include "config/field.h"
#include "route/signal.h"

struct preference_rule {
    sl_str name;
    sl_str description;
    struct sl_strs examples;
    double threshold;
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(preference_rule, name), .flags = SL_REQUIRED,
     .help = "Name that decisions use."},
    {"description", SL_F_STR, SL_AT(preference_rule, description),
     .help = "What the preference means; also compared with the request."},
    {"examples", SL_F_STRS, SL_AT(preference_rule, examples),
     .help = "Texts that show the preference."},
    {"threshold", SL_F_FLOAT, SL_AT(preference_rule, threshold), SL_BETWEEN(0, 1),
     .help = "Score that the best rule must reach; 0 asks for none."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct preference_rule *rule = decoded;
    if (!rule->examples.n && !sl_str_trim(rule->description).n)
        sl_check_warn(c, node, "has neither a description nor examples, so nothing can match it");
}

const struct sl_signal_type sl_signal_preference = {
    .feature =
        {
            .name = "preference",
            .list_key = "preferences",
            .summary = "The request shows one of several described preferences",
            .help = "Ranks the rules by nearness of their description and examples to the current "
                    "user turn; at most the best one matches, if it reaches its threshold and "
                    "leads by the configured margin. With `use_contrastive: false` an external "
                    "model chooses instead.",
            .example = "name: terse_answers\n"
                       "description: The user wants short answers.\n"
                       "examples:\n"
                       "  - keep it short\n"
                       "  - bullet points only\n"
                       "threshold: 0.7\n",
            .fields = fields,
            .size = sizeof(struct preference_rule),
            .validate = validate,
        },
    .matched_key = "preferences",
    .header = "x-vsr-matched-preference",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_NO_MATCH,
    .reads_window = true,
};
