/*
 * Projections against the rest of the recipe: members and inputs are declared, sources exist, and
 * scores are put into dependency order (a cycle is an error).
 */
#include "config/load.h"

static uint32_t find_score(const struct sl_recipe_cfg *r, sl_str name)
{
    for (uint32_t i = 0; name.n && i < r->n_scores; i++)
        if (sl_str_eq(r->scores[i].name, name))
            return i;
    return SL_NO_INDEX;
}

/* The score behind a mapping output. */
static uint32_t find_output_score(const struct sl_recipe_cfg *r, sl_str name)
{
    for (uint32_t m = 0; m < r->n_mappings; m++)
        for (uint32_t i = 0; i < r->mappings[m].n_outputs; i++)
            if (sl_str_eq(r->mappings[m].outputs[i].name, name))
                return find_score(r, r->mappings[m].source);
    return SL_NO_INDEX;
}

static bool is_output(const struct sl_recipe_cfg *r, sl_str name)
{
    for (uint32_t m = 0; m < r->n_mappings; m++)
        for (uint32_t i = 0; i < r->mappings[m].n_outputs; i++)
            if (sl_str_eq(r->mappings[m].outputs[i].name, name))
                return true;
    return false;
}

static struct sl_hint hint_scores(const struct sl_recipe_cfg *r, sl_str found)
{
    sl_str names[64];
    uint32_t n = 0;
    while (n < SL_COUNT(names) && n < r->n_scores) {
        names[n] = r->scores[n].name;
        n++;
    }
    return sl_hint_of(found, names, n);
}

/* ---- partitions ---------------------------------------------------------------------------- */

static void check_partition(struct sl_load *l, const struct sl_yaml *node,
                            const struct sl_recipe_cfg *r, const struct sl_partition_cfg *p)
{
    bool has_domain = false;
    bool has_embedding = false;
    size_t length = sl_check_push(&l->c, SL_STR("members"));
    const struct sl_yaml *list = sl_yaml_get(node, SL_STR("members"));
    for (uint32_t i = 0; i < p->members.n; i++) {
        struct sl_hint domain_hint;
        struct sl_hint hint;
        sl_str name = p->members.items[i];
        bool is_domain = sl_scope_resolves(r, SL_STR("domain"), name, &domain_hint);
        bool is_embedding = sl_scope_resolves(r, SL_STR("embedding"), name, &hint);
        size_t at = sl_check_push_index(&l->c, i);
        if (!is_domain && !is_embedding)
            sl_check_error(&l->c, list->items[i],
                           "\"%.*s\" is not a declared domain or embedding signal%s", SL_FMT(name),
                           hint.text[0] ? hint.text : domain_hint.text);
        has_domain |= is_domain && !is_embedding;
        has_embedding |= is_embedding && !is_domain;
        sl_check_pop(&l->c, at);
    }
    if (has_domain && has_embedding)
        sl_check_error(&l->c, list, "members mix domains and embedding rules, expected one type");
    sl_check_pop(&l->c, length);
}

/* ---- inputs of scores ---------------------------------------------------------------------- */

static void check_metric(struct sl_load *l, const struct sl_yaml *node,
                         const struct sl_score_input_cfg *in)
{
    const struct sl_kb_cfg *kb = sl_catalog_kb(&l->global.catalog, in->kb);
    if (!kb) {
        sl_str names[64];
        uint32_t n = 0;
        const struct sl_kb_cfg *all = l->global.catalog.kbs.items;
        for (; n < SL_COUNT(names) && n < l->global.catalog.kbs.n; n++)
            names[n] = all[n].name;
        sl_load_error(l, node, "kb", "kb_metric input references unknown kb \"%.*s\"%s",
                      SL_FMT(in->kb), sl_hint_of(in->kb, names, n).text);
        return;
    }
    sl_str names[66] = {SL_STR_INIT("best_score"), SL_STR_INIT("best_matched_score")};
    uint32_t n = 2;
    const struct sl_kb_metric_cfg *metrics = kb->metrics.items;
    for (uint32_t i = 0; n < SL_COUNT(names) && i < kb->metrics.n; i++)
        names[n++] = metrics[i].name;
    for (uint32_t i = 0; i < n; i++)
        if (sl_str_eq(names[i], in->metric))
            return;
    sl_load_error(l, node, "metric", "knowledge base \"%.*s\" has no metric \"%.*s\"%s",
                  SL_FMT(in->kb), SL_FMT(in->metric), sl_hint_of(in->metric, names, n).text);
}

static void check_projection_input(struct sl_load *l, const struct sl_yaml *node,
                                   const struct sl_recipe_cfg *r,
                                   const struct sl_score_input_cfg *in)
{
    if (!in->name.n)
        sl_load_error(l, node, "name", "a projection input requires a name");
    else if (in->value_source == SL_VALUE_CONFIDENCE && !is_output(r, in->name))
        sl_load_error(l, node, "name",
                      "value_source confidence needs the name of a mapping output, found \"%.*s\"",
                      SL_FMT(in->name));
    else if (in->value_source == SL_VALUE_SCORE && find_score(r, in->name) == SL_NO_INDEX)
        sl_load_error(l, node, "name", "projection input references undefined score \"%.*s\"%s",
                      SL_FMT(in->name), hint_scores(r, in->name).text);
}

static void check_input(struct sl_load *l, const struct sl_yaml *node,
                        const struct sl_recipe_cfg *r, const struct sl_score_input_cfg *in)
{
    if (sl_str_eq(in->type, SL_STR("kb_metric"))) {
        check_metric(l, node, in);
        return;
    }
    if (sl_str_eq(in->type, SL_STR("projection"))) {
        check_projection_input(l, node, r, in);
        return;
    }
    sl_str types[66];
    uint32_t n = 0;
    for (; sl_signal_features[n] && n < 64; n++)
        types[n] = sl_str_from(sl_signal_features[n]->name);
    if (!sl_feature_find(sl_signal_features, in->type)) {
        types[n++] = SL_STR("kb_metric");
        types[n++] = SL_STR("projection");
        sl_load_error(l, node, "type", "unsupported type \"%.*s\"%s", SL_FMT(in->type),
                      sl_hint_of(in->type, types, n).text);
        return;
    }
    struct sl_hint hint;
    if (!sl_scope_resolves(r, in->type, in->name, &hint))
        sl_load_error(l, node, "name", "input %.*s(\"%.*s\") is not declared in routing.signals%s",
                      SL_FMT(in->type), SL_FMT(in->name), hint.text);
}

/* ---- order of scores ----------------------------------------------------------------------- */

static uint32_t dependency(const struct sl_recipe_cfg *r, const struct sl_score_input_cfg *in)
{
    if (!sl_str_eq(in->type, SL_STR("projection")))
        return SL_NO_INDEX;
    return in->value_source == SL_VALUE_CONFIDENCE ? find_output_score(r, in->name)
                                                   : find_score(r, in->name);
}

struct visit {
    uint32_t score;
    uint32_t next; /* input to look at */
};

enum { NEW, OPEN, DONE };

static void report_cycle(struct sl_load *l, const struct sl_yaml *list,
                         const struct sl_recipe_cfg *r, const struct visit *stack, uint32_t depth,
                         uint32_t again)
{
    struct sl_buf text;
    sl_buf_init(&text, 2048);
    uint32_t i = 0;
    while (i < depth && stack[i].score != again)
        i++;
    for (; i < depth; i++)
        sl_buf_printf(&text, "%.*s -> ", SL_FMT(r->scores[stack[i].score].name));
    sl_buf_printf(&text, "%.*s", SL_FMT(r->scores[again].name));
    size_t length = sl_check_push_index(&l->c, again);
    sl_check_error(&l->c, list->items[again], "dependency cycle detected: %.*s",
                   SL_FMT(sl_buf_str(&text)));
    sl_check_pop(&l->c, length);
    sl_buf_free(&text);
}

/* Depth first from declaration order; false when there is a cycle. */
static bool visit_score(struct sl_load *l, const struct sl_yaml *list,
                        const struct sl_recipe_cfg *r, uint32_t start, uint8_t *state,
                        struct visit *stack, uint32_t *order, uint32_t *n_order)
{
    uint32_t depth = 1;
    stack[0] = (struct visit){start, 0};
    state[start] = OPEN;
    while (depth) {
        struct visit *top = &stack[depth - 1];
        const struct sl_score_cfg *score = &r->scores[top->score];
        if (top->next == score->n_inputs) {
            state[top->score] = DONE;
            order[(*n_order)++] = top->score;
            depth--;
            continue;
        }
        uint32_t on = dependency(r, &score->inputs[top->next++]);
        if (on == SL_NO_INDEX || state[on] == DONE)
            continue;
        if (state[on] == OPEN) {
            report_cycle(l, list, r, stack, depth, on);
            return false;
        }
        state[on] = OPEN;
        stack[depth++] = (struct visit){on, 0};
    }
    return true;
}

static void order_scores(struct sl_load *l, const struct sl_yaml *list,
                         const struct sl_recipe_cfg *r)
{
    uint8_t *state = SL_LOAD_ARRAY(l, uint8_t, r->n_scores);
    struct visit *stack = SL_LOAD_ARRAY(l, struct visit, r->n_scores);
    uint32_t *order = SL_LOAD_ARRAY(l, uint32_t, r->n_scores);
    struct sl_score_cfg *sorted = SL_LOAD_ARRAY(l, struct sl_score_cfg, r->n_scores);
    uint32_t n = 0;
    if (!state || !stack || !order || !sorted)
        return;
    for (uint32_t i = 0; i < r->n_scores; i++)
        if (state[i] == NEW && !visit_score(l, list, r, i, state, stack, order, &n))
            return;
    for (uint32_t i = 0; i < n; i++)
        sorted[i] = r->scores[order[i]];
    ((struct sl_recipe_cfg *)(uintptr_t)r)->scores = sorted;
}

void sl_check_projections(struct sl_load *l, const struct sl_yaml *routing,
                          const struct sl_recipe_cfg *r)
{
    const struct sl_yaml *node = sl_yaml_get(routing, SL_STR("projections"));
    const struct sl_yaml *partitions = sl_yaml_get(node, SL_STR("partitions"));
    const struct sl_yaml *scores = sl_yaml_get(node, SL_STR("scores"));
    const struct sl_yaml *mappings = sl_yaml_get(node, SL_STR("mappings"));
    size_t length = sl_check_push(&l->c, SL_STR("projections"));
    for (uint32_t i = 0; i < r->n_partitions; i++) {
        size_t at = sl_check_push(&l->c, SL_STR("partitions"));
        sl_check_push_index(&l->c, i);
        check_partition(l, partitions->items[i], r, &r->partitions[i]);
        sl_check_pop(&l->c, at);
    }
    size_t section = sl_check_push(&l->c, SL_STR("scores"));
    for (uint32_t i = 0; i < r->n_scores; i++) {
        const struct sl_yaml *inputs = sl_yaml_get(scores->items[i], SL_STR("inputs"));
        size_t at = sl_check_push_index(&l->c, i);
        sl_check_push(&l->c, SL_STR("inputs"));
        for (uint32_t k = 0; k < r->scores[i].n_inputs; k++) {
            size_t item = sl_check_push_index(&l->c, k);
            check_input(l, inputs->items[k], r, &r->scores[i].inputs[k]);
            sl_check_pop(&l->c, item);
        }
        sl_check_pop(&l->c, at);
    }
    order_scores(l, scores, r);
    sl_check_pop(&l->c, section);
    for (uint32_t i = 0; i < r->n_mappings; i++) {
        if (!r->mappings[i].name.n || find_score(r, r->mappings[i].source) != SL_NO_INDEX)
            continue;
        size_t at = sl_check_push(&l->c, SL_STR("mappings"));
        sl_check_push_index(&l->c, i);
        sl_load_error(l, mappings->items[i], "source", "source \"%.*s\" is not a declared score%s",
                      SL_FMT(r->mappings[i].source), hint_scores(r, r->mappings[i].source).text);
        sl_check_pop(&l->c, at);
    }
    sl_check_pop(&l->c, length);
}
