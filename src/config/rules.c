/*
 * The boolean tree of a decision. Decoding keeps an explicit stack, so that the depth of a file
 * costs no machine stack. Names and types are checked later, in scoped.c, when all signals of the
 * recipe are known.
 */
#include "config/field.h"
#include "config/load.h"

static const struct sl_field bounds_fields[] = {
    {"gt", SL_F_OPT_FLOAT, SL_AT(sl_predicate, gt), SL_UNBOUNDED, .help = "Greater than."},
    {"gte", SL_F_OPT_FLOAT, SL_AT(sl_predicate, gte), SL_UNBOUNDED,
     .help = "Greater than or equal to."},
    {"lt", SL_F_OPT_FLOAT, SL_AT(sl_predicate, lt), SL_UNBOUNDED, .help = "Less than."},
    {"lte", SL_F_OPT_FLOAT, SL_AT(sl_predicate, lte), SL_UNBOUNDED,
     .help = "Less than or equal to."},
    SL_FIELD_END,
};

struct flat_rule {
    sl_str type, name, label, operator;
    const struct sl_yaml *predicate;
    int on_error; /* 0 unset, 1 no_match, 2 match */
    const struct sl_yaml *conditions;
};

const struct sl_field sl_rule_fields[] = {
    {"type", SL_F_STR, SL_AT(flat_rule, type), .flags = SL_TRIMMED,
     .help = "Leaf: the signal type, such as keyword or projection."},
    {"name", SL_F_STR, SL_AT(flat_rule, name), .flags = SL_TRIMMED,
     .help = "Leaf: the rule's name; <rule>:<easy|medium|hard> for complexity."},
    {"label", SL_F_STR, SL_AT(flat_rule, label), .flags = SL_TRIMMED,
     .help = "Leaf of type classifier: the label."},
    {"predicate", SL_F_NODE, SL_AT(flat_rule, predicate),
     .help = "Leaf: bounds of the signal's value, in place of whether it matched."},
    {"on_error", SL_F_ENUM, SL_AT(flat_rule, on_error), SL_CHOICES("", "no_match", "match"),
     .flags = SL_EXACT, .help = "Leaf of type classifier: what an engine error means."},
    {"operator", SL_F_STR, SL_AT(flat_rule, operator), .flags = SL_TRIMMED,
     .help = "Inner node: AND, OR or NOT."},
    {"conditions", SL_F_NODE, SL_AT(flat_rule, conditions), .help = "Inner node: its children."},
    SL_FIELD_END,
};

void sl_check_predicate(struct sl_check *c, const struct sl_yaml *node,
                        const struct sl_predicate *p, bool is_range_warning_only)
{
    if (!p->gt.is_set && !p->gte.is_set && !p->lt.is_set && !p->lte.is_set) {
        sl_check_error(c, node, "predicate must set at least one comparator: gt, gte, lt, lte");
        return;
    }
    if (p->gt.is_set && p->gte.is_set)
        sl_check_error(c, node, "predicate cannot set both gt and gte");
    if (p->lt.is_set && p->lte.is_set)
        sl_check_error(c, node, "predicate cannot set both lt and lte");
    if (!(p->gt.is_set || p->gte.is_set) || !(p->lt.is_set || p->lte.is_set))
        return;
    double low = p->gt.is_set ? p->gt.value : p->gte.value;
    double high = p->lt.is_set ? p->lt.value : p->lte.value;
    bool is_empty = low > high || (low == high && (p->gt.is_set || p->lt.is_set));
    if (is_empty && is_range_warning_only)
        sl_check_warn(c, node, "predicate defines an empty numeric range: it never holds");
    else if (is_empty)
        sl_check_error(c, node, "predicate defines an empty numeric range");
}

static void read_operator(struct sl_load *l, const struct sl_yaml *node, sl_str text,
                          struct sl_rule_node *out)
{
    out->op = SL_OP_OR;
    if (sl_str_eq_nocase(text, SL_STR("AND")))
        out->op = SL_OP_AND;
    else if (sl_str_eq_nocase(text, SL_STR("NOT")))
        out->op = SL_OP_NOT;
    else if (text.n && !sl_str_eq_nocase(text, SL_STR("OR")))
        sl_check_warn(&l->c, sl_yaml_get(node, SL_STR("operator")),
                      "unknown operator \"%.*s\" counts as OR, expected AND, OR or NOT",
                      SL_FMT(text));
}

/* One node without its children; *n_children says how many places it has for them. */
static void read_node(struct sl_load *l, const struct sl_yaml *node, struct sl_rule_node *out)
{
    struct flat_rule flat = {.on_error = 0};
    sl_schema_decode(&l->c, sl_rule_fields, node, &flat);
    *out = (struct sl_rule_node){
        .type = flat.type,
        .name = flat.name,
        .label = flat.label,
        .is_match_on_error = flat.on_error == 2,
        .has_predicate = flat.predicate && flat.predicate->kind != SL_YAML_NULL,
        .node = node,
    };
    if (out->has_predicate) {
        size_t length = sl_check_push(&l->c, SL_STR("predicate"));
        sl_schema_decode(&l->c, bounds_fields, flat.predicate, &out->predicate);
        sl_check_pop(&l->c, length);
    }
    const struct sl_yaml *children = flat.conditions;
    if (children && children->kind != SL_YAML_LIST && children->kind != SL_YAML_NULL) {
        size_t length = sl_check_push(&l->c, SL_STR("conditions"));
        sl_check_error(&l->c, children, "expected a list of conditions");
        sl_check_pop(&l->c, length);
        children = NULL;
    }
    if (out->type.n) {
        out->op = SL_OP_LEAF;
        if (children && children->n)
            sl_check_warn(&l->c, children,
                          "a condition with a type is a leaf; its conditions are ignored");
        return;
    }
    read_operator(l, node, flat.operator, out);
    out->n_children = children ? children->n : 0;
    out->children = SL_LOAD_ARRAY(l, struct sl_rule_node, out->n_children);
    if (!out->children)
        out->n_children = 0;
    if (out->op == SL_OP_NOT && out->n_children != 1)
        sl_check_warn(&l->c, node,
                      "NOT takes exactly one condition, found %u; it never matches like this",
                      out->n_children);
}

struct frame {
    struct sl_rule_node *node;
    uint32_t next;
    size_t path_length;
};

void sl_load_rules(struct sl_load *l, const struct sl_yaml *node, struct sl_rule_node *out)
{
    enum { MAX_DEPTH = 130 }; /* of the YAML itself */
    struct frame stack[MAX_DEPTH];
    uint32_t depth = 1;
    read_node(l, node, out);
    stack[0] = (struct frame){out, 0, l->c.path.n};
    while (depth) {
        struct frame *top = &stack[depth - 1];
        if (top->next == top->node->n_children) {
            sl_check_pop(&l->c, top->path_length);
            depth--;
            continue;
        }
        uint32_t i = top->next++;
        size_t length = sl_check_push(&l->c, SL_STR("conditions"));
        sl_check_push_index(&l->c, i);
        struct sl_rule_node *child = (struct sl_rule_node *)(uintptr_t)&top->node->children[i];
        const struct sl_yaml *list = sl_yaml_get(top->node->node, SL_STR("conditions"));
        read_node(l, list->items[i], child);
        if (child->n_children && depth < MAX_DEPTH)
            stack[depth++] = (struct frame){child, 0, length};
        else
            sl_check_pop(&l->c, length);
    }
}
