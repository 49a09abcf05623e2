/*
 * What can only be checked when models, names and all recipes are there: the leaves of decision
 * trees, and the checks that features bring for their neighbours.
 */
#include "config/scope.h"

#include "config/field.h"
#include "config/load.h"

#include <stdio.h>

/* Names to choose from in a hint. */
struct names {
    sl_str items[200];
    uint32_t n;
};

static void add_name(struct names *names, sl_str name)
{
    if (names->n < SL_COUNT(names->items))
        names->items[names->n++] = name;
}

static const struct sl_signal_cfg *find_signal(const struct sl_recipe_cfg *r, sl_str type)
{
    for (uint32_t i = 0; sl_signal_features[i]; i++)
        if (sl_str_eq_nocase(type, sl_str_from(sl_signal_features[i]->name)))
            return &r->signals[i];
    return NULL;
}

static const struct sl_rule_cfg *find_rule(const struct sl_signal_cfg *signal, sl_str name,
                                           struct names *names)
{
    for (uint32_t i = 0; i < signal->n_rules; i++) {
        if (sl_str_eq(signal->rules[i].name, name))
            return &signal->rules[i];
        add_name(names, signal->rules[i].name);
    }
    return NULL;
}

/* authz may be named by its binding or by the role that it gives. */
static bool has_role(const struct sl_signal_cfg *signal, sl_str name, struct names *names)
{
    for (uint32_t i = 0; i < signal->n_rules; i++) {
        const struct sl_yaml *role = sl_yaml_get(signal->rules[i].node, SL_STR("role"));
        if (role && sl_str_eq(sl_str_trim(role->text), name))
            return true;
        if (role)
            add_name(names, sl_str_trim(role->text));
    }
    return false;
}

static size_t last_colon(sl_str name)
{
    size_t at = name.n;
    while (at > 0 && name.p[at - 1] != ':')
        at--;
    return at ? at - 1 : name.n;
}

/* Whether `type`:`name` means a declared rule; fills `names` with what could have been meant. */
static const struct sl_rule_cfg *resolve(const struct sl_recipe_cfg *r,
                                         const struct sl_signal_cfg *signal, sl_str name,
                                         struct names *names, bool *is_known)
{
    sl_str type = sl_str_from(signal->feature->name);
    if (sl_str_eq(type, SL_STR("complexity")) && last_colon(name) < name.n)
        name = sl_str_sub(name, 0, last_colon(name));
    (void)r;
    const struct sl_rule_cfg *rule = find_rule(signal, name, names);
    *is_known = rule != NULL;
    if (!rule && sl_str_eq(type, SL_STR("authz")))
        *is_known = has_role(signal, name, names);
    return rule;
}

bool sl_scope_resolves(const struct sl_recipe_cfg *r, sl_str type, sl_str name,
                       struct sl_hint *hint)
{
    struct names names = {.n = 0};
    const struct sl_signal_cfg *signal = find_signal(r, type);
    bool is_known = false;
    if (signal)
        (void)resolve(r, signal, name, &names, &is_known);
    *hint = sl_hint_of(name, names.items, names.n);
    return is_known;
}

/* ---- leaves -------------------------------------------------------------------------------- */

static void check_projection_leaf(struct sl_load *l, const struct sl_recipe_cfg *r,
                                  const struct sl_rule_node *leaf)
{
    struct names names = {.n = 0};
    for (uint32_t m = 0; m < r->n_mappings; m++) {
        for (uint32_t i = 0; i < r->mappings[m].n_outputs; i++) {
            if (sl_str_eq(r->mappings[m].outputs[i].name, leaf->name))
                return;
            add_name(&names, r->mappings[m].outputs[i].name);
        }
    }
    sl_load_error(
        l, leaf->node, "name",
        "references projection \"%.*s\", but no routing.projections.mappings output declares "
        "that name%s",
        SL_FMT(leaf->name), sl_hint_of(leaf->name, names.items, names.n).text);
}

static void check_complexity_leaf(struct sl_load *l, const struct sl_rule_node *leaf)
{
    static const char *const levels[] = {"easy", "hard", "medium", NULL};
    size_t colon = last_colon(leaf->name);
    if (colon == leaf->name.n) {
        sl_load_error(l, leaf->node, "name",
                      "a complexity condition must name a difficulty level as "
                      "\"%.*s:<easy|hard|medium>\"",
                      SL_FMT(leaf->name));
        return;
    }
    sl_str level = sl_str_sub(leaf->name, colon + 1, leaf->name.n);
    for (size_t i = 0; levels[i]; i++)
        if (sl_str_eq(level, sl_str_from(levels[i])))
            return;
    const char *nearest = sl_str_nearest(level, levels);
    sl_load_error(l, leaf->node, "name",
                  "unsupported difficulty \"%.*s\", expected easy, hard or medium%s%s%s",
                  SL_FMT(level), nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                  nearest ? "\"?" : "");
}

static void check_classifier_leaf(struct sl_load *l, const struct sl_rule_node *leaf,
                                  const struct sl_rule_cfg *rule)
{
    const struct sl_yaml *labels = rule ? sl_yaml_get(rule->node, SL_STR("labels")) : NULL;
    const struct sl_yaml *type = rule ? sl_yaml_get(rule->node, SL_STR("type")) : NULL;
    struct names names = {.n = 0};
    bool is_label = false;
    for (uint32_t i = 0; labels && i < labels->n; i++) {
        is_label |= sl_str_eq(sl_str_trim(labels->items[i]->text), leaf->label);
        add_name(&names, sl_str_trim(labels->items[i]->text));
    }
    if (!leaf->label.n)
        sl_load_error(l, leaf->node, "label", "a classifier condition requires a label");
    else if (rule && !is_label)
        sl_load_error(l, leaf->node, "label", "classifier \"%.*s\" declares no label \"%.*s\"%s",
                      SL_FMT(rule->name), SL_FMT(leaf->label),
                      sl_hint_of(leaf->label, names.items, names.n).text);
    if (!leaf->has_predicate) {
        sl_load_error(l, leaf->node, "predicate", "a classifier condition requires a predicate");
        return;
    }
    const struct sl_predicate *p = &leaf->predicate;
    if (type && sl_str_eq(sl_str_trim(type->text), SL_STR("local")) &&
        (p->gt.is_set || p->lt.is_set || p->lte.is_set || !(p->gte.is_set && p->gte.value >= 0.5)))
        sl_load_error(l, leaf->node, "predicate",
                      "a local classifier permits only gte with a value of at least 0.5");
}

static void check_leaf(struct sl_load *l, const struct sl_recipe_cfg *r,
                       const struct sl_rule_node *leaf)
{
    bool is_projection = sl_str_eq_nocase(leaf->type, SL_STR("projection"));
    const struct sl_signal_cfg *signal = find_signal(r, leaf->type);
    if (!signal && !is_projection) {
        struct names names = {.n = 0};
        for (uint32_t i = 0; sl_signal_features[i]; i++)
            add_name(&names, sl_str_from(sl_signal_features[i]->name));
        add_name(&names, SL_STR("projection"));
        sl_load_error(l, leaf->node, "type", "unsupported signal type \"%.*s\"%s",
                      SL_FMT(leaf->type), sl_hint_of(leaf->type, names.items, names.n).text);
        return;
    }
    if (leaf->has_predicate) {
        size_t length = sl_check_push(&l->c, SL_STR("predicate"));
        sl_check_predicate(&l->c, sl_yaml_get(leaf->node, SL_STR("predicate")), &leaf->predicate,
                           false);
        sl_check_pop(&l->c, length);
    }
    bool is_classifier = sl_str_eq_nocase(leaf->type, SL_STR("classifier"));
    if (!is_classifier && leaf->label.n)
        sl_load_error(l, leaf->node, "label", "only a classifier condition takes a label");
    if (!is_classifier && sl_yaml_get(leaf->node, SL_STR("on_error")) &&
        sl_yaml_get(leaf->node, SL_STR("on_error"))->text.n)
        sl_load_error(l, leaf->node, "on_error", "only a classifier condition takes on_error");
    if (!leaf->name.n) {
        sl_load_error(l, leaf->node, "name", "signal condition of type \"%.*s\" requires a name",
                      SL_FMT(leaf->type));
        return;
    }
    if (is_projection) {
        check_projection_leaf(l, r, leaf);
        return;
    }
    struct names names = {.n = 0};
    bool is_known;
    const struct sl_rule_cfg *rule = resolve(r, signal, leaf->name, &names, &is_known);
    if (!is_known)
        sl_load_error(l, leaf->node, "name", "signal %s(\"%.*s\") is not declared in this recipe%s",
                      signal->feature->name, SL_FMT(leaf->name),
                      sl_hint_of(leaf->name, names.items, names.n).text);
    else if (sl_str_eq_nocase(leaf->type, SL_STR("complexity")))
        check_complexity_leaf(l, leaf);
    if (is_classifier)
        check_classifier_leaf(l, leaf, rule);
}

struct frame {
    const struct sl_rule_node *node;
    uint32_t next;
    size_t path_length;
};

static void check_rules(struct sl_load *l, const struct sl_recipe_cfg *r,
                        const struct sl_rule_node *root)
{
    enum { MAX_DEPTH = 130 };
    struct frame stack[MAX_DEPTH];
    uint32_t depth = 1;
    stack[0] = (struct frame){root, 0, l->c.path.n};
    if (root->op == SL_OP_LEAF)
        check_leaf(l, r, root);
    while (depth) {
        struct frame *top = &stack[depth - 1];
        if (top->next == top->node->n_children) {
            sl_check_pop(&l->c, top->path_length);
            depth--;
            continue;
        }
        uint32_t i = top->next++;
        const struct sl_rule_node *child = &top->node->children[i];
        size_t length = sl_check_push(&l->c, SL_STR("conditions"));
        sl_check_push_index(&l->c, i);
        if (child->op == SL_OP_LEAF)
            check_leaf(l, r, child);
        if (child->n_children && depth < MAX_DEPTH)
            stack[depth++] = (struct frame){child, 0, length};
        else
            sl_check_pop(&l->c, length);
    }
}

/* ---- decisions ----------------------------------------------------------------------------- */

static bool has_modality(const struct sl_load *l, const struct sl_decision_cfg *d,
                         const char *modality)
{
    for (uint32_t i = 0; i < d->n_refs; i++)
        if (d->refs[i].model != SL_NO_INDEX &&
            sl_str_eq_nocase(sl_str_trim(l->config->models[d->refs[i].model].modality),
                             sl_str_from(modality)))
            return true;
    return false;
}

/* A request for both text and images needs models that make both. */
static void check_both(struct sl_load *l, const struct sl_decision_cfg *d)
{
    if (!l->config->n_models)
        return;
    for (uint32_t i = 0; i < d->rules.n_children; i++) {
        const struct sl_rule_node *leaf = &d->rules.children[i];
        if (!sl_str_eq_nocase(leaf->type, SL_STR("modality")) ||
            !sl_str_eq(leaf->name, SL_STR("BOTH")))
            continue;
        if (!has_modality(l, d, "omni") &&
            !(has_modality(l, d, "ar") && has_modality(l, d, "diffusion")))
            sl_load_error(
                l, d->node, "modelRefs",
                "a decision on modality BOTH needs models of modality ar and diffusion, or one "
                "of modality omni");
        return;
    }
}

static void check_decision(struct sl_load *l, const struct sl_recipe_scope *scope)
{
    const struct sl_decision_cfg *d = scope->decision;
    size_t length = sl_check_push(&l->c, SL_STR("rules"));
    if (d->has_rules)
        check_rules(l, scope->recipe, &d->rules);
    sl_check_pop(&l->c, length);
    check_both(l, d);
    length = sl_check_push(&l->c, SL_STR("algorithm"));
    if (d->algorithm && d->algorithm->validate_in) {
        const struct sl_yaml *node = sl_yaml_get(d->node, SL_STR("algorithm"));
        sl_check_push(&l->c, sl_str_from(d->algorithm->name));
        d->algorithm->validate_in(&l->c, scope, sl_yaml_get(node, sl_str_from(d->algorithm->name)),
                                  d->algorithm_cfg);
    }
    sl_check_pop(&l->c, length);
    length = sl_check_push(&l->c, SL_STR("plugins"));
    const struct sl_yaml *list = sl_yaml_get(d->node, SL_STR("plugins"));
    for (uint32_t i = 0; i < d->n_plugins; i++) {
        const struct sl_plugin_cfg *plugin = &d->plugins[i];
        if (!plugin->feature->validate_in || !plugin->node)
            continue;
        uint32_t at = 0;
        while (at < list->n &&
               sl_yaml_get(list->items[at], SL_STR("configuration")) != plugin->node)
            at++;
        size_t item = sl_check_push_index(&l->c, at);
        sl_check_push(&l->c, SL_STR("configuration"));
        plugin->feature->validate_in(&l->c, scope, plugin->node, plugin->decoded);
        sl_check_pop(&l->c, item);
    }
    sl_check_pop(&l->c, length);
}

static void check_signals(struct sl_load *l, const struct sl_recipe_scope *scope)
{
    size_t length = sl_check_push(&l->c, SL_STR("signals"));
    for (uint32_t i = 0; sl_signal_features[i]; i++) {
        const struct sl_feature *feature = sl_signal_features[i];
        size_t at = sl_check_push(&l->c, sl_str_from(feature->list_key));
        for (uint32_t k = 0; feature->validate_in && k < scope->recipe->signals[i].n_rules; k++) {
            const struct sl_rule_cfg *rule = &scope->recipe->signals[i].rules[k];
            size_t item = sl_check_push_index(&l->c, k);
            feature->validate_in(&l->c, scope, rule->node, rule->decoded);
            sl_check_pop(&l->c, item);
        }
        sl_check_pop(&l->c, at);
    }
    sl_check_pop(&l->c, length);
}

void sl_load_check_scoped(struct sl_load *l)
{
    for (uint32_t r = 0; r < l->config->n_recipes; r++) {
        const struct sl_recipe_cfg *recipe = &l->config->recipes[r];
        struct sl_recipe_scope scope = {
            .config = l->config,
            .recipe = recipe,
            .catalog = &l->global.catalog,
            .integrations = &l->global.integrations,
            .stores = &l->global.stores,
        };
        size_t length = sl_check_push(&l->c, l->places[r].path);
        check_signals(l, &scope);
        sl_check_projections(l, l->places[r].routing, recipe);
        sl_check_push(&l->c, SL_STR("decisions"));
        for (uint32_t i = 0; i < recipe->n_decisions; i++) {
            size_t at = sl_check_push_index(&l->c, i);
            scope.decision = &recipe->decisions[i];
            check_decision(l, &scope);
            sl_check_pop(&l->c, at);
        }
        sl_check_pop(&l->c, length);
    }
    sl_check_local_classifiers(&l->c, l->config->recipes, l->config->n_recipes);
}
