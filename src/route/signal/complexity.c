/*
 * Signal "complexity": easy, medium or hard, by nearness to examples.
 *
 * The composer is a rule tree of its own. It is walked with an explicit stack, since its depth is
 * the file's choice.
 */
#include "config/field.h"
#include "config/scope.h"
#include "route/learned.h"
#include "route/trace.h"

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

/* A walk over the composer: nodes still to be looked at, with their paths. */
struct walk {
    struct sl_check *c;
    sl_str before; /* the check's path outside */
    const struct sl_yaml *stack[MAX_COMPOSER_NODES];
    sl_str paths[MAX_COMPOSER_NODES];
    uint32_t n;
    uint32_t n_seen;
};

/* NULL: no composer, or out of memory. */
static struct walk *begin_walk(struct sl_check *c, const struct complexity_rule *rule)
{
    bool has_composer = rule->composer && rule->composer->kind != SL_YAML_NULL;
    struct walk *w = has_composer ? SL_NEW(c->arena, struct walk) : NULL;
    if (!w)
        return NULL;
    w->c = c;
    w->before = sl_arena_dup(c->arena, sl_buf_str(&c->path));
    w->paths[0] =
        sl_arena_printf(c->arena, "%.*s%scomposer", SL_FMT(w->before), w->before.n ? "." : "");
    w->stack[w->n++] = rule->composer;
    return w;
}

/* The next node, with the check's path at it; NULL and the path as it was: all were seen. */
static const struct sl_yaml *next_node(struct walk *w)
{
    sl_check_pop(w->c, 0);
    sl_check_push(w->c, w->n ? w->paths[w->n - 1] : w->before);
    return w->n ? w->stack[--w->n] : NULL;
}

static void push_conditions(struct walk *w, const struct sl_yaml *conditions)
{
    for (uint32_t i = conditions->n; i-- > 0;) {
        if (w->n_seen++ >= MAX_COMPOSER_NODES) {
            sl_check_error(w->c, conditions, "has more than %d nodes", MAX_COMPOSER_NODES);
            return;
        }
        w->stack[w->n] = conditions->items[i];
        w->paths[w->n++] =
            sl_arena_printf(w->c->arena, "%.*s.conditions[%u]", SL_FMT(sl_buf_str(&w->c->path)), i);
    }
}

static bool is_operator(sl_str name)
{
    return !name.n || sl_str_eq_nocase(name, SL_STR("AND")) ||
           sl_str_eq_nocase(name, SL_STR("OR")) || sl_str_eq_nocase(name, SL_STR("NOT"));
}

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    struct walk *w = begin_walk(c, decoded);
    const struct sl_yaml *at;
    (void)node;
    while (w && (at = next_node(w))) {
        struct composer_node found = {0};
        sl_schema_decode(c, composer_fields, at, &found);
        if (!found.type.n && !is_operator(found.operator_))
            sl_check_error(c, sl_yaml_get(at, SL_STR("operator")),
                           "unsupported operator \"%.*s\"; use AND, OR or NOT",
                           SL_FMT(found.operator_));
        const struct sl_yaml *conditions = found.conditions;
        if (conditions && conditions->kind == SL_YAML_LIST)
            push_conditions(w, conditions);
        else if (conditions && conditions->kind != SL_YAML_NULL)
            sl_check_error(c, conditions, "conditions must be a list");
    }
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
    struct walk *w = begin_walk(c, decoded);
    const struct sl_yaml *at;
    (void)node;
    while (w && (at = next_node(w))) {
        const struct sl_yaml *conditions = sl_yaml_get(at, SL_STR("conditions"));
        check_leaf(c, scope, at);
        if (conditions && conditions->kind == SL_YAML_LIST)
            push_conditions(w, conditions);
    }
}

static const char *lacks(const struct sl_config *config, const void *decoded)
{
    const struct complexity_rule *rule = decoded;
    if (rule->hard.image_candidates.n || rule->easy.image_candidates.n)
        return "no model that embeds images";
    return config->global.embedding.lacks;
}

/* ---- the engine ---------------------------------------------------------------------------- */

enum level { EASY, MEDIUM, HARD, N_LEVELS };
static const char *const level_names[N_LEVELS] = {"easy", "medium", "hard"};

enum { TEXT_HARD, TEXT_EASY, TEXT_MARGIN, IMAGE_HARD, IMAGE_EASY, IMAGE_MARGIN, MARGIN, N_VALUES };
static const char *const value_names[N_VALUES] = {
    "text_hard_score",  "text_easy_score", "text_margin", "image_hard_score",
    "image_easy_score", "image_margin",    "margin"};

/* The composer in preorder; values are found from its end. */
struct compiled_node {
    enum { OP_LEAF, OP_AND, OP_OR, OP_NOT } op;
    sl_slot slot;    /* LEAF */
    uint32_t parent; /* the root is its own */
    uint32_t n_children;
};

struct compiled_rule {
    const struct complexity_rule *rule;
    const struct sl_bank *hard, *easy;
    sl_slot levels[N_LEVELS], values[N_VALUES];
    struct compiled_node *nodes;
    uint32_t n_nodes;
};

struct complexity_state {
    struct compiled_rule *rules;
    uint32_t n, n_most;
};

static int op_of(const struct sl_yaml *at)
{
    const struct sl_yaml *type = sl_yaml_get(at, SL_STR("type"));
    if (type && sl_str_trim(type->text).n)
        return OP_LEAF;
    const struct sl_yaml *op = sl_yaml_get(at, SL_STR("operator"));
    sl_str name = op ? sl_str_trim(op->text) : SL_STR("");
    return sl_str_eq_nocase(name, SL_STR("OR"))    ? OP_OR
           : sl_str_eq_nocase(name, SL_STR("NOT")) ? OP_NOT
                                                   : OP_AND;
}

/* What is reported for any level rests on every leaf. */
static sl_slot compile_leaf(struct sl_signal_build *b, const struct compiled_rule *out,
                            const struct sl_yaml *at)
{
    const struct sl_yaml *type = sl_yaml_get(at, SL_STR("type"));
    const struct sl_yaml *name = sl_yaml_get(at, SL_STR("name"));
    sl_str text = name ? name->text : SL_STR("");
    sl_slot slot = 0;
    for (int i = 0; i < N_LEVELS; i++)
        slot = b->depends(b, out->levels[i], type->text, text);
    return slot;
}

static bool compile_composer(struct sl_signal_build *b, struct compiled_rule *out)
{
    const struct sl_yaml *root = out->rule->composer;
    if (!root || root->kind != SL_YAML_MAP)
        return true;
    struct entry {
        const struct sl_yaml *at;
        uint32_t parent;
    } *stack = SL_NEW_ARRAY(b->arena, struct entry, MAX_COMPOSER_NODES + 1);
    out->nodes = SL_NEW_ARRAY(b->arena, struct compiled_node, MAX_COMPOSER_NODES + 1);
    if (!stack || !out->nodes)
        return false;
    uint32_t n = 0;
    stack[n++] = (struct entry){root, 0};
    while (n && out->n_nodes <= MAX_COMPOSER_NODES) {
        struct entry e = stack[--n];
        uint32_t i = out->n_nodes++;
        out->nodes[i] = (struct compiled_node){.op = op_of(e.at), .parent = e.parent};
        out->nodes[e.parent].n_children += i > 0;
        if (out->nodes[i].op == OP_LEAF) {
            out->nodes[i].slot = compile_leaf(b, out, e.at);
            continue;
        }
        const struct sl_yaml *conditions = sl_yaml_get(e.at, SL_STR("conditions"));
        for (uint32_t k = conditions ? conditions->n : 0; k-- > 0 && n <= MAX_COMPOSER_NODES;)
            stack[n++] = (struct entry){conditions->items[k], i};
    }
    return true;
}

static bool compile_rule(struct sl_signal_build *b, struct complexity_state *s,
                         const struct complexity_rule *rule)
{
    const struct sl_prototype_cfg *cfg = &b->config->global.complexity_prototypes;
    struct compiled_rule *out = &s->rules[s->n++];
    out->rule = rule;
    out->hard = sl_bank_new(b->banks, b->arena, &rule->hard.candidates, 1, 0, cfg);
    out->easy = sl_bank_new(b->banks, b->arena, &rule->easy.candidates, 1, 0, cfg);
    if (!out->hard || !out->easy)
        return false;
    uint32_t n = out->hard->n_texts > out->easy->n_texts ? out->hard->n_texts : out->easy->n_texts;
    s->n_most = n > s->n_most ? n : s->n_most;
    for (int i = 0; i < N_LEVELS; i++)
        out->levels[i] = sl_signal_detail(b, rule->name, level_names[i]);
    for (int i = 0; i < N_VALUES; i++)
        out->values[i] = sl_signal_detail(b, rule->name, value_names[i]);
    return compile_composer(b, out);
}

static enum sl_rc compile(struct sl_signal_build *b, void **out)
{
    struct complexity_state *s = SL_NEW(b->arena, struct complexity_state);
    if (!s || !(s->rules = SL_NEW_ARRAY(b->arena, struct compiled_rule, b->signal->n_rules)))
        return SL_NOMEM;
    for (uint32_t i = 0; i < b->signal->n_rules; i++) {
        const struct complexity_rule *rule = b->signal->rules[i].decoded;
        if (!lacks(b->config, rule) && !compile_rule(b, s, rule))
            return SL_NOMEM;
    }
    *out = s->n ? s : NULL;
    return SL_OK;
}

static void eval_rule(const struct compiled_rule *r, struct sl_vector query, float *scratch,
                      struct sl_signal_run *run)
{
    if (!r->hard->is_filled || !r->easy->is_filled)
        return;
    struct sl_bank_score hard = sl_bank_score(r->hard, query, false, scratch);
    struct sl_bank_score easy = sl_bank_score(r->easy, query, false, scratch);
    double margin = hard.score - easy.score, threshold = r->rule->threshold;
    enum level level = margin > threshold ? HARD : margin < -threshold ? EASY : MEDIUM;
    double values[N_VALUES] = {[TEXT_HARD] = hard.score,
                               [TEXT_EASY] = easy.score,
                               [TEXT_MARGIN] = margin,
                               [MARGIN] = margin};
    for (int i = 0; i < N_VALUES; i++)
        sl_slot_value(run->out, r->values[i], values[i]);
    sl_slot_match(run->out, r->levels[level]);
    sl_slot_conf(run->out, r->levels[level], margin < 0 ? -margin : margin);
    if (run->evidence)
        sl_trace_note(run, r->levels[level],
                      sl_arena_printf(run->arena, "hard %.3f by \"%.*s\", easy %.3f by \"%.*s\"",
                                      hard.score, SL_FMT(sl_str_sub(hard.nearest, 0, 60)),
                                      easy.score, SL_FMT(sl_str_sub(easy.nearest, 0, 60))),
                      margin, threshold, true);
}

static void eval(const void *state, struct sl_signal_run *run)
{
    const struct complexity_state *s = state;
    struct sl_vector query;
    if (!sl_str_trim(run->text).n || sl_signal_vector(run, run->text, &query) != SL_OK)
        return;
    float *scratch = sl_signal_scores(run, s->n_most);
    for (uint32_t i = 0; scratch && i < s->n; i++)
        eval_rule(&s->rules[i], query, scratch, run);
}

/* Whether the composer holds: from the last node, each tells its parent. */
static bool holds(const struct compiled_rule *r, const struct sl_slots *slots)
{
    bool value[MAX_COMPOSER_NODES + 1];
    for (uint32_t i = 0; i < r->n_nodes; i++)
        value[i] =
            r->nodes[i].op == OP_AND || (r->nodes[i].op == OP_NOT && r->nodes[i].n_children == 1);
    for (uint32_t i = r->n_nodes; i-- > 0;) {
        const struct compiled_node *node = &r->nodes[i];
        if (node->op == OP_LEAF)
            value[i] = sl_slot_is_matched(slots, node->slot);
        if (i == 0)
            break;
        bool told = value[i];
        switch (r->nodes[node->parent].op) {
        case OP_AND:
            value[node->parent] &= told;
            break;
        case OP_OR:
            value[node->parent] |= told;
            break;
        case OP_NOT: /* of one child; else it never holds */
            value[node->parent] &= !told;
            break;
        case OP_LEAF:
            break;
        }
    }
    return value[0];
}

static void unmatch(struct sl_slots *s, sl_slot slot)
{
    uint32_t n = 0;
    if (!sl_slot_is_matched(s, slot))
        return;
    s->matched[slot >> 6] &= ~((uint64_t)1 << (slot & 63));
    for (uint32_t i = 0; i < s->n_order; i++)
        if (s->order[i] != slot)
            s->order[n++] = s->order[i];
    s->n_order = n;
}

static void finish(const void *state, struct sl_slots *out)
{
    const struct complexity_state *s = state;
    for (uint32_t i = 0; i < s->n; i++) {
        if (!s->rules[i].n_nodes || holds(&s->rules[i], out))
            continue;
        for (int level = 0; level < N_LEVELS; level++)
            unmatch(out, s->rules[i].levels[level]);
    }
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
            .is_active = true,
            .lacks = lacks,
            .validate = validate,
            .validate_in = validate_in,
        },
    .matched_key = "complexity",
    .header = "x-vsr-matched-complexity",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_NO_MATCH,
    .reads_window = true,
    .compile = compile,
    .eval = eval,
    .finish = finish,
};
