/* Signal "fact_check": whether the answer needs checking. Record only, no engine yet. */
#include "config/field.h"
#include "route/signal.h"

struct fact_check_rule {
    sl_str name;
    sl_str description;
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(fact_check_rule, name), .flags = SL_REQUIRED,
     .help = "`needs_fact_check` or `no_fact_check_needed`: the two answers of the classifier."},
    {"description", SL_F_STR, SL_AT(fact_check_rule, description), .help = "For people."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    static const char *const names[] = {"needs_fact_check", "no_fact_check_needed", NULL};
    const struct fact_check_rule *rule = decoded;
    if (!rule->name.n || sl_str_eq(rule->name, sl_str_from(names[0])) ||
        sl_str_eq(rule->name, sl_str_from(names[1])))
        return;
    const char *near = sl_str_nearest(rule->name, names);
    size_t length = sl_check_push(c, SL_STR("name"));
    sl_check_warn(c, sl_yaml_get(node, SL_STR("name")),
                  "\"%.*s\" can never match; the classifier answers needs_fact_check or "
                  "no_fact_check_needed%s%s%s",
                  SL_FMT(rule->name), near ? "; did you mean \"" : "", near ? near : "",
                  near ? "\"?" : "");
    sl_check_pop(c, length);
}

const struct sl_signal_type sl_signal_fact_check = {
    .feature =
        {
            .name = "fact_check",
            .list_key = "fact_check",
            .summary = "The request asks for facts that should be verified",
            .help = "A classifier reads the current user turn and reports exactly one of "
                    "`needs_fact_check` and `no_fact_check_needed`, when that rule is declared. "
                    "Below the module's threshold the answer is \"not needed\".",
            .example = "name: needs_fact_check\n"
                       "description: Claims about the world that should be verified.\n",
            .fields = fields,
            .size = sizeof(struct fact_check_rule),
            .validate = validate,
        },
    .matched_key = "fact_check",
    .header = "x-vsr-matched-fact-check",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_NO_MATCH,
    .reads_window = true,
};
