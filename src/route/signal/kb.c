/* Signal "kb": nearness to the labels of a knowledge base. Record only, no engine yet. */
#include "config/field.h"
#include "config/scope.h"
#include "route/signal.h"

struct kb_target {
    sl_str kind;
    sl_str value;
};

struct kb_rule {
    sl_str name;
    sl_str kb;
    struct kb_target target;
    int match;
};

static const struct sl_field target_fields[] = {
    {"kind", SL_F_STR, SL_AT(kb_target, kind), .flags = SL_REQUIRED, .help = "`label` or `group`."},
    {"value", SL_F_STR, SL_AT(kb_target, value), .flags = SL_REQUIRED,
     .help = "Name of a label or group of the knowledge base."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(kb_rule, name), .flags = SL_REQUIRED,
     .help = "Name that decisions use."},
    {"kb", SL_F_STR, SL_AT(kb_rule, kb), .flags = SL_REQUIRED,
     .help = "Name of a knowledge base of `global.model_catalog.kbs`."},
    {"target", SL_F_STRUCT, SL_AT(kb_rule, target), SL_SUB(target_fields, kb_target),
     .flags = SL_REQUIRED, .help = "What must be found."},
    {"match", SL_F_ENUM, SL_AT(kb_rule, match), .flags = SL_TRIMMED,
     SL_CHOICES("", "threshold", "best"),
     .help = "`threshold` (default): the target reaches its threshold; `best`: it is the best."},
    SL_FIELD_END,
};

static bool is_group(const struct kb_rule *rule)
{
    return sl_str_eq(rule->target.kind, SL_STR("group"));
}

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct kb_rule *rule = decoded;
    if (!rule->target.kind.n || is_group(rule) || sl_str_eq(rule->target.kind, SL_STR("label")))
        return;
    size_t length = sl_check_push(c, SL_STR("target"));
    sl_check_push(c, SL_STR("kind"));
    sl_check_error(c, sl_yaml_get(sl_yaml_get(node, SL_STR("target")), SL_STR("kind")),
                   "target.kind \"%.*s\" is unsupported (supported: label, group)",
                   SL_FMT(rule->target.kind));
    sl_check_pop(c, length);
}

/* True when the base has the target; labels of a manifest that was not read count as there. */
static bool has_target(const struct sl_kb_cfg *kb, const struct kb_rule *rule)
{
    if (is_group(rule)) {
        const struct sl_kb_group_cfg *groups = kb->groups.items;
        for (uint32_t i = 0; i < kb->groups.n; i++) {
            if (sl_str_eq(groups[i].name, rule->target.value))
                return true;
        }
        return false;
    }
    for (uint32_t i = 0; i < kb->labels.n; i++) {
        if (sl_str_eq(kb->labels.items[i], rule->target.value))
            return true;
    }
    return !kb->is_loaded;
}

static void validate_in(struct sl_check *c, const struct sl_recipe_scope *scope,
                        const struct sl_yaml *node, const void *decoded)
{
    const struct kb_rule *rule = decoded;
    if (!rule->kb.n || !rule->target.value.n)
        return;
    const struct sl_kb_cfg *kb = sl_catalog_kb(scope->catalog, rule->kb);
    if (!kb) {
        size_t length = sl_check_push(c, SL_STR("kb"));
        sl_check_error(c, sl_yaml_get(node, SL_STR("kb")),
                       "kb \"%.*s\" is not declared in global.model_catalog.kbs", SL_FMT(rule->kb));
        sl_check_pop(c, length);
        return;
    }
    if (has_target(kb, rule))
        return;
    size_t length = sl_check_push(c, SL_STR("target"));
    sl_check_push(c, SL_STR("value"));
    sl_check_error(c, sl_yaml_get(sl_yaml_get(node, SL_STR("target")), SL_STR("value")),
                   "target.value \"%.*s\" is not a declared %s for kb \"%.*s\"",
                   SL_FMT(rule->target.value), is_group(rule) ? "group" : "label",
                   SL_FMT(rule->kb));
    sl_check_pop(c, length);
}

const struct sl_signal_type sl_signal_kb = {
    .feature =
        {
            .name = "kb",
            .list_key = "kb",
            .summary = "The request falls under a label or group of a knowledge base",
            .help = "A knowledge base is a set of labels with example texts, put into groups. The "
                    "rule matches when its label or group reaches its threshold (or, with `match: "
                    "best`, is the best of all); the score is the confidence. The base's metrics "
                    "are inputs of projections (`kb_metric`).",
            .example = "name: keep_private\n"
                       "kb: privacy_kb\n"
                       "target:\n"
                       "  kind: group\n"
                       "  value: private\n"
                       "match: best\n",
            .fields = fields,
            .size = sizeof(struct kb_rule),
            .validate = validate,
            .validate_in = validate_in,
        },
    .matched_key = "kb",
    .header = "x-vsr-matched-kb",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_NO_MATCH,
    .reads_window = true,
};
