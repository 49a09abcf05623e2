/*
 * Signal "complexity": easy, medium or hard, by nearness to examples. Record only, no engine yet.
 *
 * The composer is a rule tree of its own. It is walked with an explicit stack, since its depth is
 * the file's choice.
 */
#include "config/field.h"
#include "config/scope.h"
#include "route/signal.h"

#define MAX_COMPOSER_NODES 512

struct examples {
    struct sl_strs candidates;
    struct sl_strs image_candidates;
};

struct complexity_rule {
    sl_str name;
    sl_str description;
    double threshold;
    struct examples hard;
    struct examples easy;
    const struct sl_yaml *composer;
};

/* One node of the composer. */
struct composer_node {
    sl_str type;
    sl_str name;
    sl_str operator_;
    const struct sl_yaml *conditions;
};

static const struct sl_field example_fields[] = {
    {"candidates", SL_F_STRS, SL_AT(examples, candidates), .help = "Example texts."},
    {"image_candidates", SL_F_STRS, SL_AT(examples, image_candidates),
     .help = "Texts that describe example images; needs a multimodal embedding model."},
    SL_FIELD_END,
};

static const struct sl_field predicate_fields[] = {
    {"gt", SL_F_OPT_FLOAT, SL_CHECKED, SL_UNBOUNDED, .help = "Greater than."},
    {"gte", SL_F_OPT_FLOAT, SL_CHECKED, SL_UNBOUNDED, .help = "At least."},
    {"lt", SL_F_OPT_FLOAT, SL_CHECKED, SL_UNBOUNDED, .help = "Less than."},
    {"lte", SL_F_OPT_FLOAT, SL_CHECKED, SL_UNBOUNDED, .help = "At most."},
    SL_FIELD_END,
};

static const struct sl_field composer_fields[] = {
    {"type", SL_F_STR, SL_AT(composer_node, type), .flags = SL_TRIMMED,
     .help = "Signal type of a leaf."},
    {"name", SL_F_STR, SL_AT(composer_node, name), .help = "Rule of that type."},
    {"label", SL_F_STR, SL_CHECKED, .help = "Label of a classifier."},
    {"predicate", SL_F_STRUCT, SL_CHECKED_SUB(predicate_fields), .help = "Bounds on the value."},
    {"on_error", SL_F_ENUM, SL_CHECKED, SL_CHOICES("", "no_match", "match"),
     .help = "What a failed classifier means."},
    {"operator", SL_F_STR, SL_AT(composer_node, operator_), .flags = SL_TRIMMED,
     .help = "AND (default), OR or NOT over the conditions."},
    {"conditions", SL_F_NODE, SL_AT(composer_node, conditions), .help = "Inner nodes."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(complexity_rule, name), .flags = SL_REQUIRED,
     .help = "Name; decisions use `<name>:easy`, `<name>:medium` or `<name>:hard`."},
    {"description", SL_F_STR, SL_AT(complexity_rule, description), .help = "For people."},
    {"threshold", SL_F_FLOAT, SL_AT(complexity_rule, threshold), SL_BETWEEN(0, 2),
     .help = "Lead of one side over the other from which it wins; between them is `medium`."},
    {"hard", SL_F_STRUCT, SL_AT(complexity_rule, hard), SL_SUB(example_fields, examples),
     .help = "What hard requests look like."},
    {"easy", SL_F_STRUCT, SL_AT(complexity_rule, easy), SL_SUB(example_fields, examples),
     .help = "What easy requests look like."},
    {"composer", SL_F_NODE, SL_AT(complexity_rule, composer),
     .help = "A rule tree as in decisions; when it does not hold, the rule reports nothing."},
    SL_FIELD_END,
};

/* Nodes of the composer still to be looked at. */
struct walk {
    const struct sl_yaml *stack[MAX_COMPOSER_NODES];
    sl_str paths[MAX_COMPOSER_NODES];
    uint32_t n;
    uint32_t n_seen;
};

/* The check's path is at the node that has the conditions. */
static void push_conditions(struct sl_check *c, struct walk *w, const struct sl_yaml *conditions)
{
    if (!conditions || conditions->kind == SL_YAML_NULL)
        return;
    if (conditions->kind != SL_YAML_LIST) {
        sl_check_error(c, conditions, "conditions must be a list");
        return;
    }
    for (uint32_t i = conditions->n; i-- > 0;) {
        if (w->n_seen++ >= MAX_COMPOSER_NODES) {
            sl_check_error(c, conditions, "has more than %d nodes", MAX_COMPOSER_NODES);
            return;
        }
        w->stack[w->n] = conditions->items[i];
        w->paths[w->n++] =
            sl_arena_printf(c->arena, "%.*s.conditions[%u]", SL_FMT(sl_buf_str(&c->path)), i);
    }
}

static bool is_operator(sl_str name)
{
    return !name.n || sl_str_eq_nocase(name, SL_STR("AND")) ||
           sl_str_eq_nocase(name, SL_STR("OR")) || sl_str_eq_nocase(name, SL_STR("NOT"));
}

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct complexity_rule *rule = decoded;
    (void)node;
    if (!rule->composer || rule->composer->kind == SL_YAML_NULL)
        return;
    sl_str before = sl_arena_dup(c->arena, sl_buf_str(&c->path));
    sl_check_push(c, SL_STR("composer"));
    struct walk *w = SL_NEW(c->arena, struct walk);
    if (w) {
        w->paths[w->n] = sl_arena_dup(c->arena, sl_buf_str(&c->path));
        w->stack[w->n++] = rule->composer;
    }
    while (w && w->n > 0) {
        const struct sl_yaml *at = w->stack[--w->n];
        sl_check_pop(c, 0);
        sl_check_push(c, w->paths[w->n]);
        struct composer_node found = {0};
        sl_schema_decode(c, composer_fields, at, &found);
        if (!found.type.n && !is_operator(found.operator_))
            sl_check_error(c, sl_yaml_get(at, SL_STR("operator")),
                           "unsupported operator \"%.*s\"; use AND, OR or NOT",
                           SL_FMT(found.operator_));
        push_conditions(c, w, found.conditions);
    }
    sl_check_pop(c, 0);
    sl_check_push(c, before);
}

/* A leaf that names nothing never holds: a warning, since the reference takes it silently. */
static void check_leaf(struct sl_check *c, const struct sl_recipe_scope *scope,
                       const struct sl_yaml *at)
{
    const struct sl_yaml *type = sl_yaml_get(at, SL_STR("type"));
    const struct sl_yaml *name = sl_yaml_get(at, SL_STR("name"));
    if (!type || type->kind != SL_YAML_SCALAR || !name || name->kind != SL_YAML_SCALAR)
        return;
    sl_str kind = sl_str_trim(type->text);
    const struct sl_feature *feature = sl_feature_find(sl_signal_features, kind);
    if (!feature) {
        sl_check_warn(c, type, "unsupported signal type \"%.*s\": this condition never holds",
                      SL_FMT(kind));
        return;
    }
    sl_str rule = name->text;
    if (sl_str_eq(kind, SL_STR("complexity")))
        rule = sl_str_sub(rule, 0, sl_str_chr(rule, ':'));
    if (!sl_str_eq(kind, SL_STR("authz")) && !sl_scope_has_rule(scope, kind, rule))
        sl_check_warn(c, name,
                      "signal %.*s(\"%.*s\") is not declared in this recipe: this condition "
                      "never holds",
                      SL_FMT(kind), SL_FMT(name->text));
}

static void validate_in(struct sl_check *c, const struct sl_recipe_scope *scope,
                        const struct sl_yaml *node, const void *decoded)
{
    const struct complexity_rule *rule = decoded;
    (void)node;
    if (!rule->composer || rule->composer->kind != SL_YAML_MAP)
        return;
    sl_str before = sl_arena_dup(c->arena, sl_buf_str(&c->path));
    sl_check_push(c, SL_STR("composer"));
    struct walk *w = SL_NEW(c->arena, struct walk);
    if (w) {
        w->paths[w->n] = sl_arena_dup(c->arena, sl_buf_str(&c->path));
        w->stack[w->n++] = rule->composer;
    }
    while (w && w->n > 0) {
        const struct sl_yaml *at = w->stack[--w->n];
        sl_check_pop(c, 0);
        sl_check_push(c, w->paths[w->n]);
        const struct sl_yaml *conditions = sl_yaml_get(at, SL_STR("conditions"));
        check_leaf(c, scope, at);
        if (conditions && conditions->kind == SL_YAML_LIST)
            push_conditions(c, w, conditions);
    }
    sl_check_pop(c, 0);
    sl_check_push(c, before);
}

const struct sl_signal_type sl_signal_complexity = {
    .feature =
        {
            .name = "complexity",
            .list_key = "complexity",
            .summary = "The request is easy, medium or hard",
            .help = "Compares the request with the `hard` and the `easy` examples. The difference "
                    "of the two scores decides: above `threshold` hard, below minus `threshold` "
                    "easy, else medium. Decisions name a level: `needs_reasoning:hard`. An "
                    "optional `composer` must hold as well.",
            .example = "name: needs_reasoning\n"
                       "threshold: 0.1\n"
                       "hard:\n"
                       "  candidates: [\"prove the theorem\", \"analyse the root cause\"]\n"
                       "easy:\n"
                       "  candidates: [\"answer briefly\", \"quick summary\"]\n",
            .fields = fields,
            .size = sizeof(struct complexity_rule),
            .validate = validate,
            .validate_in = validate_in,
        },
    .matched_key = "complexity",
    .header = "x-vsr-matched-complexity",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_NO_MATCH,
    .reads_window = true,
};
