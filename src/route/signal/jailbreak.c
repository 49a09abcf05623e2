/* Signal "jailbreak": attempts to get around the rules. Record only, no engine yet. */
#include "config/field.h"
#include "route/signal.h"

enum { METHOD_UNSET, METHOD_CLASSIFIER, METHOD_CONTRASTIVE, METHOD_HYBRID };

struct jailbreak_rule {
    sl_str name;
    sl_str description;
    int method;
    struct sl_opt_float threshold; /* unset: the guard module's, 0.10 for contrastive */
    bool include_history;
    struct sl_strs jailbreak_patterns;
    struct sl_strs benign_patterns;
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(jailbreak_rule, name), .flags = SL_REQUIRED,
     .help = "Name that decisions use."},
    {"description", SL_F_STR, SL_AT(jailbreak_rule, description), .help = "For people."},
    {"method", SL_F_ENUM, SL_AT(jailbreak_rule, method), .flags = SL_LENIENT,
     SL_CHOICES("", "classifier", "contrastive", "hybrid"),
     .help = "`classifier` (default) asks the guard model, `contrastive` compares with the two "
             "lists of patterns, `hybrid` matches when either does."},
    {"threshold", SL_F_OPT_FLOAT, SL_AT(jailbreak_rule, threshold), SL_BETWEEN(0, 1),
     .help = "Risk from which the rule matches; omitted: the guard module's threshold (0.10 for "
             "`contrastive`)."},
    {"include_history", SL_F_BOOL, SL_AT(jailbreak_rule, include_history),
     .help = "Also scans earlier turns and the system prompt."},
    {"jailbreak_patterns", SL_F_STRS, SL_AT(jailbreak_rule, jailbreak_patterns),
     .help = "Example attacks for `contrastive` and `hybrid`."},
    {"benign_patterns", SL_F_STRS, SL_AT(jailbreak_rule, benign_patterns),
     .help = "Example texts that look similar and are harmless."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct jailbreak_rule *rule = decoded;
    bool needs_patterns = rule->method == METHOD_CONTRASTIVE || rule->method == METHOD_HYBRID;
    if (needs_patterns && !rule->jailbreak_patterns.n)
        sl_check_warn(c, node, "method %s has no jailbreak_patterns to compare with",
                      rule->method == METHOD_HYBRID ? "hybrid" : "contrastive");
    if (!needs_patterns && (rule->jailbreak_patterns.n || rule->benign_patterns.n))
        sl_check_warn(c, node, "patterns are not read by method classifier; use hybrid");
}

const struct sl_signal_type sl_signal_jailbreak = {
    .feature =
        {
            .name = "jailbreak",
            .list_key = "jailbreak",
            .summary = "The request tries to get around its rules",
            .help = "A guard model (or, with `contrastive`, nearness to example attacks) scans the "
                    "whole text in overlapping pieces. The highest risk is the confidence. When "
                    "the guard fails, the rule matches: safety fails closed unless "
                    "`prompt_guard.on_error: allow` is written.",
            .example = "name: prompt_injection\n"
                       "method: hybrid\n"
                       "threshold: 0.7\n"
                       "include_history: true\n"
                       "jailbreak_patterns: [\"ignore previous instructions\"]\n"
                       "benign_patterns: [\"explain what prompt injection is\"]\n",
            .fields = fields,
            .size = sizeof(struct jailbreak_rule),
            .validate = validate,
        },
    .matched_key = "jailbreak",
    .header = "x-vsr-matched-jailbreak",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_MATCH,
};
