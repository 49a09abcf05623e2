/*
 * From a configuration snapshot to a compiled policy: every recipe becomes a plan (plan.h). Names
 * of the loopers get plans of their own, with only the decisions of that algorithm.
 */
#include "route/policy.h"

#include "codec/yaml.h"
#include "route/plan.h"

#include <stdlib.h>

#define POLICY_MAX_BYTES ((size_t)1 << 30)

/* ---- signals ------------------------------------------------------------------------------ */

struct slot_source {
    struct sl_plan *plan;
    struct sl_slot_table *table;
    uint32_t family;
    const struct sl_signal_type *type;
};

static sl_slot register_slot(struct sl_signal_build *b, sl_str name)
{
    struct slot_source *source = b->slots;
    return sl_slot_table_get(source->table, sl_str_from(source->type->feature.name), name,
                             source->family, source->type);
}

static sl_slot register_slot_as(struct sl_signal_build *b, sl_str type, sl_str name)
{
    struct slot_source *source = b->slots;
    return sl_slot_table_get(source->table, type, name, source->family, source->type);
}

static sl_slot register_dependence(struct sl_signal_build *b, sl_slot slot, sl_str type,
                                   sl_str name)
{
    struct slot_source *source = b->slots;
    struct sl_plan *plan = source->plan;
    uint32_t family = sl_family_find(type);
    const struct sl_signal_type *signal =
        family == SL_FAMILY_NONE
            ? NULL
            : SL_CONTAINER(sl_signal_features[family], struct sl_signal_type, feature);
    sl_slot on = sl_slot_table_get(source->table, type, name, family, signal);
    if (plan->n_dependences == plan->cap_dependences) {
        uint32_t cap = plan->cap_dependences ? 2 * plan->cap_dependences : 16;
        struct sl_dependence *all = SL_NEW_ARRAY(b->arena, struct sl_dependence, cap);
        if (!all) {
            source->table->is_full = true;
            return on;
        }
        if (plan->n_dependences)
            memcpy(all, plan->dependences, plan->n_dependences * sizeof(*all));
        plan->dependences = all;
        plan->cap_dependences = cap;
    }
    plan->dependences[plan->n_dependences++] = (struct sl_dependence){slot, on};
    return on;
}

static enum sl_rc compile_family(struct sl_signal_build *b, struct sl_plan *plan, uint32_t family,
                                 struct sl_plan_family *out)
{
    const struct sl_signal_type *type =
        SL_CONTAINER(sl_signal_features[family], struct sl_signal_type, feature);
    struct slot_source source = {plan, &plan->table, family, type};
    *out = (struct sl_plan_family){.type = type, .family = family, .has_rules = true};
    if (!type->compile || !type->eval)
        return SL_OK;
    b->signal = &plan->recipe->signals[family];
    b->slots = &source;
    return type->compile(b, &out->state);
}

static int by_cost(const void *a, const void *b)
{
    const struct sl_plan_family *x = a, *y = b;
    if (x->type->cost != y->type->cost)
        return x->type->cost < y->type->cost ? -1 : 1;
    return x->family < y->family ? -1 : 1;
}

static uint32_t count_families(void)
{
    uint32_t n = 0;
    while (sl_signal_features[n] && n < SL_FAMILY_NONE)
        n++;
    return n;
}

/* Projections may read the metrics of knowledge bases that no rule uses. */
static bool is_measured(const struct sl_recipe_cfg *recipe, uint32_t family)
{
    if (strcmp(sl_signal_features[family]->name, "kb"))
        return false;
    for (uint32_t i = 0; i < recipe->n_scores; i++)
        for (uint32_t k = 0; k < recipe->scores[i].n_inputs; k++)
            if (sl_str_eq_nocase(recipe->scores[i].inputs[k].type, SL_STR("kb_metric")))
                return true;
    return false;
}

static enum sl_rc compile_signals(struct sl_plan *plan, const struct sl_config *config,
                                  struct sl_bank **banks, struct sl_arena *arena,
                                  struct sl_diags *diags)
{
    uint32_t n = count_families();
    plan->families = SL_NEW_ARRAY(arena, struct sl_plan_family, n);
    struct sl_scan_builder *scan = sl_scan_builder_new(arena);
    if (!plan->families || !scan)
        return SL_NOMEM;
    struct sl_signal_build b = {.config = config,
                                .recipe = plan->recipe,
                                .arena = arena,
                                .scan = scan,
                                .diags = diags,
                                .banks = banks,
                                .slot = register_slot,
                                .slot_as = register_slot_as,
                                .depends = register_dependence};
    for (uint32_t i = 0; i < n && plan->recipe->signals; i++) {
        if (!plan->recipe->signals[i].n_rules && !is_measured(plan->recipe, i))
            continue;
        enum sl_rc rc = compile_family(&b, plan, i, &plan->families[plan->n_families++]);
        if (rc != SL_OK)
            return rc;
    }
    qsort(plan->families, plan->n_families, sizeof(*plan->families), by_cost);
    struct sl_err err = {0};
    enum sl_rc rc = sl_scan_compile(scan, &plan->scan, &err);
    if (rc != SL_OK)
        sl_diags_add(diags, SL_ERROR, 0, 0, (sl_str){NULL, 0},
                     "recipe \"%.*s\": the patterns of its signals do not compile: %s",
                     SL_FMT(plan->recipe->name), err.message);
    return rc;
}

/* ---- reachability ------------------------------------------------------------------------- */

/* What rests on another signal rests on none that does so itself. */
static void close_dependences(const struct sl_plan *plan, uint64_t *bits)
{
    for (uint32_t i = 0; i < plan->n_dependences; i++)
        if (sl_bit(bits, plan->dependences[i].slot))
            sl_bit_set(bits, plan->dependences[i].on);
}

void sl_plan_close(const struct sl_plan *plan, uint64_t *bits)
{
    const struct sl_program *p = &plan->program;
    for (uint32_t i = 0; i < p->n_derived; i++) {
        const struct sl_derived *d = &p->derived[i];
        if (!sl_bit(bits, p->first_derived + i))
            continue;
        sl_bit_set(bits, d->slot);
        if (d->kind == SL_DERIVED_PREDICATE)
            sl_bit_set(bits, d->error_slot);
        for (uint32_t k = 0; k < d->n_aliases; k++)
            sl_bit_set(bits, d->aliases[k]);
    }
    close_dependences(plan, bits);
    for (uint32_t i = plan->projection.n_scores; i-- > 0;) {
        const struct sl_proj_score *score = &plan->projection.scores[i];
        bool is_needed = false;
        for (uint32_t m = 0; m < score->n_mappings; m++)
            for (uint32_t k = 0; k < score->mappings[m].cfg->n_outputs; k++)
                is_needed |= sl_bit(bits, score->mappings[m].outputs[k]);
        for (uint32_t k = 0; is_needed && k < score->n_reads; k++)
            sl_bit_set(bits, score->reads[k]);
    }
    close_dependences(plan, bits);
}

static bool intersects(const uint64_t *a, const uint64_t *b, uint32_t n_words)
{
    for (uint32_t w = 0; w < n_words; w++)
        if (a[w] & b[w])
            return true;
    return false;
}

static bool find_reachable(struct sl_plan *plan, struct sl_arena *arena)
{
    uint32_t n_words = plan->program.n_words;
    uint64_t *reachable = SL_NEW_ARRAY(arena, uint64_t, n_words);
    if (!reachable)
        return false;
    for (uint32_t i = 0; i < plan->program.n_nodes; i++)
        if (plan->program.nodes[i].op == SL_PROG_LEAF)
            sl_bit_set(reachable, plan->program.nodes[i].bit);
    sl_plan_close(plan, reachable);
    plan->reachable = reachable;
    plan->context_family = SL_NO_INDEX;
    for (uint32_t i = 0; i < plan->n_families; i++) {
        struct sl_plan_family *family = &plan->families[i];
        uint64_t *slots = SL_NEW_ARRAY(arena, uint64_t, n_words);
        if (!slots)
            return false;
        for (uint32_t k = 0; k < plan->table.n; k++)
            if (plan->table.family[k] == family->family)
                sl_bit_set(slots, k);
        family->slots = slots;
        family->is_referenced = intersects(slots, reachable, n_words);
        if (!strcmp(family->type->feature.name, "context"))
            plan->context_family = i;
    }
    return true;
}

/* ---- plans -------------------------------------------------------------------------------- */

static enum sl_rc compile_plan(struct sl_plan *plan, const struct sl_config *config,
                               struct sl_bank **banks, struct sl_arena *arena,
                               struct sl_diags *diags)
{
    sl_slot_table_init(&plan->table, arena);
    enum sl_rc rc = compile_signals(plan, config, banks, arena, diags);
    if (rc == SL_OK)
        rc = sl_partitions_compile(&plan->partitions, &plan->table, plan->recipe, arena);
    if (rc == SL_OK)
        rc = sl_projection_compile(&plan->projection, &plan->table, plan->recipe, arena);
    if (rc == SL_OK)
        rc = sl_program_compile(&plan->program, &plan->table, plan->recipe, arena);
    if (rc != SL_OK)
        return rc;
    plan->n_partitions = plan->recipe->n_partitions;
    plan->top_k = config->global.embedding.top_k;
    plan->compression = config->global.compression.is_enabled ? &config->global.compression : NULL;
    return find_reachable(plan, arena) ? SL_OK : SL_NOMEM;
}

/* The decisions of `recipe` whose algorithm is the looper `type`. */
static bool filter_decisions(struct sl_plan *plan, const struct sl_recipe_cfg *recipe,
                             const char *type, struct sl_arena *arena)
{
    struct sl_decision_cfg *kept = SL_NEW_ARRAY(arena, struct sl_decision_cfg, recipe->n_decisions);
    if (!kept)
        return false;
    plan->filtered = *recipe;
    plan->filtered.decisions = kept;
    plan->filtered.n_decisions = 0;
    for (uint32_t i = 0; i < recipe->n_decisions; i++)
        if (recipe->decisions[i].algorithm && !strcmp(recipe->decisions[i].algorithm->name, type))
            kept[plan->filtered.n_decisions++] = recipe->decisions[i];
    plan->recipe = &plan->filtered;
    return true;
}

static const char *const looper_names[][2] = {
    {"remom", "remom"}, {"fusion", "fusion"}, {"flow", "workflows"}};

static bool lists_name(const struct sl_yaml *list, sl_str name)
{
    for (uint32_t i = 0; list && list->kind == SL_YAML_LIST && i < list->n; i++)
        if (sl_str_eq(sl_str_trim(list->items[i]->text), name))
            return true;
    return false;
}

/* Which looper a slug means: its configured list, else the slug's own last word. */
static uint32_t looper_of(const struct sl_config *config, sl_str name)
{
    const struct sl_yaml *looper =
        sl_yaml_get(sl_yaml_get(config->global.node, SL_STR("integrations")), SL_STR("looper"));
    for (uint32_t i = 0; i < SL_COUNT(looper_names); i++) {
        const struct sl_yaml *block = sl_yaml_get(looper, sl_str_from(looper_names[i][0]));
        if (lists_name(sl_yaml_get(block, SL_STR("model_names")), name))
            return i;
    }
    for (uint32_t i = 0; i < SL_COUNT(looper_names); i++)
        if (sl_str_ends(name, sl_str_from(looper_names[i][0])))
            return i;
    return 0;
}

static enum sl_rc compile_plans(struct sl_policy *policy, struct sl_config *config,
                                struct sl_diags *diags)
{
    struct sl_arena *arena = &policy->arena;
    uint32_t looper_plan[SL_COUNT(looper_names)] = {0};
    enum sl_rc rc = SL_OK;
    policy->plans = SL_NEW_ARRAY(arena, struct sl_plan, config->n_recipes + SL_COUNT(looper_names));
    policy->plan_of_name = SL_NEW_ARRAY(arena, uint32_t, config->n_names);
    if (!policy->plans || !policy->plan_of_name)
        return SL_NOMEM;
    for (uint32_t i = 0; i < config->n_recipes && rc == SL_OK; i++) {
        policy->plans[policy->n_plans].recipe = &config->recipes[i];
        rc = compile_plan(&policy->plans[policy->n_plans++], config, &policy->banks, arena, diags);
    }
    for (uint32_t i = 0; i < config->n_names && rc == SL_OK; i++) {
        const struct sl_name_entry *entry = &config->names[i];
        policy->plan_of_name[i] = entry->recipe;
        if (entry->kind != SL_NAME_LOOPER || entry->recipe >= config->n_recipes)
            continue;
        uint32_t looper = looper_of(config, entry->name);
        if (!looper_plan[looper]) {
            struct sl_plan *plan = &policy->plans[looper_plan[looper] = policy->n_plans++];
            if (!filter_decisions(plan, &config->recipes[entry->recipe], looper_names[looper][1],
                                  arena))
                return SL_NOMEM;
            rc = compile_plan(plan, config, &policy->banks, arena, diags);
        }
        policy->plan_of_name[i] = looper_plan[looper];
    }
    return rc;
}

static void free_policy(void *at)
{
    struct sl_policy *policy = at;
    for (uint32_t i = 0; policy->plans && i < policy->n_plans; i++) {
        struct sl_plan *plan = &policy->plans[i];
        for (uint32_t k = 0; k < plan->n_families; k++)
            if (plan->families[k].state && plan->families[k].type->destroy)
                plan->families[k].type->destroy(plan->families[k].state);
    }
    sl_arena_reset(&policy->arena);
    free(policy);
}

enum sl_rc sl_policy_compile(struct sl_config *config, struct sl_diags *diags)
{
    struct sl_policy *policy = calloc(1, sizeof(*policy));
    if (!policy)
        return SL_NOMEM;
    uint32_t n_errors = diags->n_errors;
    sl_arena_init(&policy->arena, NULL, POLICY_MAX_BYTES);
    enum sl_rc rc = compile_plans(policy, config, diags);
    if (rc == SL_OK && diags->n_errors != n_errors)
        rc = SL_INVALID;
    if (policy->arena.n_refused)
        rc = SL_NOMEM; /* whoever noticed: no rule may be missing */
    if (rc != SL_OK) {
        free_policy(policy);
        return rc;
    }
    if (config->policy && config->free_policy)
        config->free_policy(config->policy);
    config->policy = policy;
    config->free_policy = free_policy;
    return SL_OK;
}

/* ---- looking in --------------------------------------------------------------------------- */

static const struct sl_plan *plan_of(const struct sl_config *config,
                                     const struct sl_recipe_cfg *recipe)
{
    const struct sl_policy *policy = config->policy;
    for (uint32_t i = 0; policy && i < policy->n_plans; i++)
        if (policy->plans[i].recipe == recipe)
            return &policy->plans[i];
    return NULL;
}

const struct sl_slot_info *sl_policy_slot(const struct sl_config *config,
                                          const struct sl_recipe_cfg *recipe, sl_slot slot)
{
    const struct sl_plan *plan = plan_of(config, recipe);
    return plan && slot < plan->table.n ? &plan->table.infos[slot] : NULL;
}

static sl_slot leaf_slot(const struct sl_program *p, const struct sl_prog_node *node)
{
    return node->bit < p->first_derived ? node->bit : p->derived[node->bit - p->first_derived].slot;
}

uint32_t sl_policy_leaves(const struct sl_config *config, const struct sl_recipe_cfg *recipe,
                          const struct sl_decision_cfg *decision, sl_slot *out, uint32_t max)
{
    const struct sl_plan *plan = plan_of(config, recipe);
    uint32_t n = 0;
    for (uint32_t d = 0; plan && d < plan->program.n_decisions; d++) {
        const struct sl_prog_decision *prog = &plan->program.decisions[d];
        if (decision && prog->cfg != decision)
            continue;
        for (uint32_t i = 0; i < prog->n_nodes; i++) {
            const struct sl_prog_node *node = &plan->program.nodes[prog->first_node + i];
            if (node->op != SL_PROG_LEAF)
                continue;
            sl_slot slot = leaf_slot(&plan->program, node);
            uint32_t k = 0;
            while (k < n && out[k] != slot)
                k++;
            if (k == n && n < max)
                out[n++] = slot;
        }
    }
    return n;
}
