/*
 * Decisions against their naive twin on random recipes, and the early stop against full
 * evaluation: revealing only what is wanted must lead to the same winner, confidence and rules.
 */
#include "route/decide.h"
#include "route/predicate.h"
#include "support/decide_twin.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t seed = 1;

static uint32_t draw(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

static const double confidences[] = {0, 0.25, 0.5, 0.5, 0.75, 1, 0.333333333333, 0.9};
static const char *const types[] = {"keyword", "structure", "projection", "Event", "complexity"};

struct world {
    struct sl_arena arena;
    struct sl_recipe_cfg recipe;
    struct twin_signals signals;
    struct sl_slot_table table;
    struct sl_program program;
    struct sl_slots slots;
    struct sl_decide_memory memory;
};

static void random_leaf(struct world *w, struct sl_rule_node *node, uint32_t n_names)
{
    uint32_t type = draw(SL_COUNT(types));
    *node = (struct sl_rule_node){.op = SL_OP_LEAF, .type = sl_str_from(types[type])};
    node->name = sl_arena_printf(&w->arena, "s%u", draw(n_names));
    if (draw(6) != 0)
        return;
    node->type = SL_STR("classifier");
    node->label = SL_STR("l");
    node->has_predicate = true;
    node->is_match_on_error = draw(2);
    struct sl_opt_float bound = {confidences[draw(8)], true};
    if (draw(2))
        node->predicate.gte = bound;
    else
        node->predicate.lt = bound;
}

static void random_tree(struct world *w, struct sl_rule_node *node, uint32_t depth, uint32_t names)
{
    if (depth == 0 || draw(3) == 0) {
        random_leaf(w, node, names);
        return;
    }
    *node = (struct sl_rule_node){.op = SL_OP_AND + draw(3)};
    node->n_children = node->op == SL_OP_NOT ? (draw(8) ? 1 : draw(3)) : draw(9) ? 1 + draw(4) : 0;
    struct sl_rule_node *children = SL_NEW_ARRAY(&w->arena, struct sl_rule_node, node->n_children);
    for (uint32_t i = 0; i < node->n_children; i++)
        random_tree(w, &children[i], depth - 1, names);
    node->children = children;
}

static void random_world(struct world *w)
{
    memset(w, 0, sizeof(*w));
    sl_arena_init(&w->arena, NULL, 1 << 26);
    uint32_t n = 1 + draw(12), names = 1 + draw(40), tiers = draw(3) ? 0 : 3;
    struct sl_decision_cfg *decisions = SL_NEW_ARRAY(&w->arena, struct sl_decision_cfg, n);
    for (uint32_t i = 0; i < n; i++) {
        decisions[i].name = sl_arena_printf(&w->arena, "d%u", (i * 7) % 31);
        decisions[i].priority = draw(4) * 10;
        decisions[i].tier = tiers && draw(2) ? 1 + draw(tiers) : 0;
        decisions[i].has_rules = draw(20) != 0;
        if (decisions[i].has_rules)
            random_tree(w, &decisions[i].rules, draw(5), names);
    }
    w->recipe = (struct sl_recipe_cfg){.decisions = decisions, .n_decisions = n};
    w->recipe.strategy = draw(2) ? SL_STRATEGY_CONFIDENCE : SL_STRATEGY_PRIORITY;
    sl_slot_table_init(&w->table, &w->arena);
    assert_int_equal(sl_program_compile(&w->program, &w->table, &w->recipe, &w->arena), SL_OK);
    assert_int_equal(sl_decide_memory_fit(&w->memory, &w->program), SL_OK);
    uint32_t words = w->program.n_words + 1, slots = words * 64;
    w->slots = (struct sl_slots){
        .matched = SL_NEW_ARRAY(&w->arena, uint64_t, words),
        .has_conf = SL_NEW_ARRAY(&w->arena, uint64_t, words),
        .has_value = SL_NEW_ARRAY(&w->arena, uint64_t, words),
        .has_error = SL_NEW_ARRAY(&w->arena, uint64_t, words),
        .conf = SL_NEW_ARRAY(&w->arena, double, slots),
        .value = SL_NEW_ARRAY(&w->arena, double, slots),
        .order = SL_NEW_ARRAY(&w->arena, sl_slot, slots),
        .n_slots = w->program.n_slots,
    };
    w->signals.n = w->table.n;
    w->signals.items = sl_arena_zero(&w->arena, w->table.n + 1, sizeof(*w->signals.items));
}

static void clear_slots(struct world *w)
{
    size_t bytes = w->program.n_words * sizeof(uint64_t);
    memset(w->slots.matched, 0, bytes);
    memset(w->slots.has_conf, 0, bytes);
    memset(w->slots.has_value, 0, bytes);
    memset(w->slots.has_error, 0, bytes);
    w->slots.n_order = 0;
    for (uint32_t i = 0; i < w->program.n_words * 64; i++)
        w->slots.conf[i] = 1;
}

static void random_signals(struct world *w)
{
    for (uint32_t i = 0; i < w->table.n; i++) {
        snprintf(w->signals.items[i].name, sizeof(w->signals.items[i].name), "%.*s",
                 SL_FMT(w->table.infos[i].full));
        w->signals.items[i].matched = draw(2);
        w->signals.items[i].has_conf = draw(2);
        w->signals.items[i].conf = confidences[draw(8)];
        w->signals.items[i].has_value = draw(3) == 0;
        w->signals.items[i].value = draw(10) ? confidences[draw(8)] : NAN;
        w->signals.items[i].has_error = draw(4) == 0;
        if (!strncmp(w->signals.items[i].name, "complexity", 10))
            w->signals.items[i].conf *= 2;
    }
}

static void reveal(struct world *w, uint32_t i)
{
    uint64_t bit = (uint64_t)1 << (i & 63);
    if (w->signals.items[i].matched)
        sl_slot_match(&w->slots, i);
    if (w->signals.items[i].has_conf)
        sl_slot_conf(&w->slots, i, w->signals.items[i].conf);
    if (w->signals.items[i].has_value)
        sl_slot_value(&w->slots, i, w->signals.items[i].value);
    if (w->signals.items[i].has_error)
        w->slots.has_error[i >> 6] |= bit;
}

static void check(struct world *w, bool is_full)
{
    struct twin_result want;
    twin_decide(&w->recipe, &w->signals, &want);
    double conf = -1;
    sl_program_derive(&w->program, &w->slots);
    const struct sl_prog_decision *d =
        sl_program_decide(&w->program, &w->slots, &w->memory, is_full, &conf);
    assert_ptr_equal(d ? d->cfg : NULL, want.decision);
    if (d) {
        assert_true(conf == want.confidence);
        sl_str *rules = SL_NEW_ARRAY(&w->arena, sl_str, d->n_nodes);
        uint32_t n = sl_program_rules(&w->program, d, &w->slots, &w->memory, rules);
        assert_int_equal(n, want.n_rules);
        for (uint32_t i = 0; i < n; i++)
            assert_true(sl_str_eq(rules[i], want.rules[i]));
    }
    twin_free(&want);
}

static void the_twin_agrees(void **state)
{
    (void)state;
    for (int i = 0; i < 4000; i++) {
        struct world w;
        random_world(&w);
        for (int k = 0; k < 8; k++) {
            random_signals(&w);
            clear_slots(&w);
            for (uint32_t s = 0; s < w.table.n; s++)
                reveal(&w, s);
            check(&w, k & 1);
        }
        sl_decide_memory_free(&w.memory);
        sl_arena_reset(&w.arena);
    }
}

static bool is_set(const uint64_t *bits, uint32_t i)
{
    return bits[i >> 6] >> (i & 63) & 1;
}

/* A derived fact is unknown while any slot under it is. */
static void spread_unknown(const struct sl_program *p, uint64_t *unknown)
{
    for (uint32_t i = 0; i < p->n_derived; i++) {
        uint32_t bit = p->first_derived + i;
        unknown[bit >> 6] &= ~((uint64_t)1 << (bit & 63));
        if (is_set(unknown, p->derived[i].slot) || is_set(unknown, p->derived[i].error_slot))
            unknown[bit >> 6] |= (uint64_t)1 << (bit & 63);
    }
}

/* Reveals one wanted slot after another; returns how many were never needed. */
static uint32_t stop_early(struct world *w)
{
    const struct sl_program *p = &w->program;
    uint64_t *unknown = SL_NEW_ARRAY(&w->arena, uint64_t, p->n_words + 1);
    uint64_t *wanted = SL_NEW_ARRAY(&w->arena, uint64_t, p->n_words + 1);
    for (uint32_t i = 0; i < w->table.n; i++)
        unknown[i >> 6] |= (uint64_t)1 << (i & 63);
    uint32_t left = w->table.n;
    for (;;) {
        spread_unknown(p, unknown);
        sl_program_derive(p, &w->slots);
        if (!sl_program_wanted(p, &w->slots, unknown, &w->memory, wanted))
            return left;
        for (uint32_t i = 0; i < p->n_derived; i++)
            if (is_set(wanted, p->first_derived + i)) {
                wanted[p->derived[i].slot >> 6] |= (uint64_t)1 << (p->derived[i].slot & 63);
                wanted[p->derived[i].error_slot >> 6] |= (uint64_t)1
                                                         << (p->derived[i].error_slot & 63);
            }
        uint32_t pick = draw(w->table.n);
        while (!is_set(wanted, pick) || !is_set(unknown, pick))
            pick = (pick + 1) % w->table.n;
        reveal(w, pick);
        unknown[pick >> 6] &= ~((uint64_t)1 << (pick & 63));
        left--;
    }
}

static void stopping_early_changes_nothing(void **state)
{
    (void)state;
    uint64_t saved = 0, total = 0;
    for (int i = 0; i < 4000; i++) {
        struct world w;
        random_world(&w);
        for (int k = 0; k < 4; k++) {
            random_signals(&w);
            clear_slots(&w);
            saved += stop_early(&w);
            total += w.table.n;
            check(&w, k & 1);
        }
        sl_decide_memory_free(&w.memory);
        sl_arena_reset(&w.arena);
    }
    assert_true(saved * 4 > total); /* otherwise the test proves nothing */
}

static void bounds_hold_as_written(void **state)
{
    (void)state;
    struct sl_predicate p = {.gte = {0.5, true}};
    assert_true(sl_predicate_holds(&p, 0.5));
    assert_false(sl_predicate_holds(&p, 0.4999));
    assert_false(sl_predicate_holds(&p, NAN));
    assert_false(sl_predicate_holds(&p, INFINITY));
    p = (struct sl_predicate){.gt = {0, true}, .lt = {4, true}};
    assert_false(sl_predicate_holds(&p, 0));
    assert_true(sl_predicate_holds(&p, 3.5));
    assert_false(sl_predicate_holds(&p, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_twin_agrees),
        cmocka_unit_test(stopping_early_changes_nothing),
        cmocka_unit_test(bounds_hold_as_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
