/*
 * The decision engine alone: 10 decisions of 3 leaves, 100 of 5, 1,000 of 5, every decision looked
 * at (strategy confidence), half of the signals matched; and the same under strategy priority,
 * where it may stop at the winner. Beside each figure the naive string-comparing twin in the same
 * run, the bar, and the number of allocations made while measuring.
 */
#include "base/clock.h"
#include "route/decide.h"

#include "../../tests/unit/support/decide_twin.c"

/* Every allocation of the process is counted, whoever makes it. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
static uint64_t n_allocations;

void *malloc(size_t n)
{
    n_allocations++;
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    n_allocations++;
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    n_allocations++;
    return __libc_realloc(p, n);
}

struct shape {
    uint32_t n_decisions, n_leaves;
    double bar_us, reference_us;
};

struct world {
    struct sl_arena arena;
    struct sl_recipe_cfg recipe;
    struct sl_slot_table table;
    struct sl_program program;
    struct sl_slots slots;
    struct sl_decide_memory memory;
    struct twin_signals signals;
};

static uint64_t seed = 7;

static uint32_t draw(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

/* Leaves are drawn from 2 rules a decision; odd decisions are ORs, every fourth nests a NOT. */
static void make_recipe(struct world *w, const struct shape *shape, enum sl_strategy strategy)
{
    uint32_t n_rules = 2 * shape->n_decisions + shape->n_leaves;
    struct sl_decision_cfg *d = SL_NEW_ARRAY(&w->arena, struct sl_decision_cfg, shape->n_decisions);
    for (uint32_t i = 0; i < shape->n_decisions; i++) {
        struct sl_rule_node *leaves =
            SL_NEW_ARRAY(&w->arena, struct sl_rule_node, shape->n_leaves + 1);
        for (uint32_t k = 0; k < shape->n_leaves; k++) {
            leaves[k].type = k & 1 ? SL_STR("structure") : SL_STR("keyword");
            leaves[k].name = sl_arena_printf(&w->arena, "rule_number_%u", draw(n_rules));
        }
        if (i % 4 == 0) {
            struct sl_rule_node *inner = SL_NEW(&w->arena, struct sl_rule_node);
            *inner = leaves[0];
            leaves[0] = (struct sl_rule_node){.op = SL_OP_NOT, .children = inner, .n_children = 1};
        }
        d[i].name = sl_arena_printf(&w->arena, "decision_%u", i);
        d[i].priority = draw(1000);
        d[i].has_rules = true;
        d[i].rules.op = i & 1 ? SL_OP_OR : SL_OP_AND;
        d[i].rules.children = leaves;
        d[i].rules.n_children = shape->n_leaves;
    }
    w->recipe = (struct sl_recipe_cfg){
        .decisions = d, .n_decisions = shape->n_decisions, .strategy = strategy};
}

static void make_slots(struct world *w)
{
    uint32_t words = w->program.n_words + 1;
    w->slots = (struct sl_slots){
        .matched = SL_NEW_ARRAY(&w->arena, uint64_t, words),
        .has_conf = SL_NEW_ARRAY(&w->arena, uint64_t, words),
        .has_value = SL_NEW_ARRAY(&w->arena, uint64_t, words),
        .has_error = SL_NEW_ARRAY(&w->arena, uint64_t, words),
        .conf = SL_NEW_ARRAY(&w->arena, double, words * 64),
        .value = SL_NEW_ARRAY(&w->arena, double, words * 64),
        .order = SL_NEW_ARRAY(&w->arena, sl_slot, words * 64),
        .n_slots = w->program.n_slots,
    };
    w->signals.n = w->table.n;
    w->signals.items = sl_arena_zero(&w->arena, w->table.n, sizeof(*w->signals.items));
    for (uint32_t i = 0; i < w->table.n; i++) {
        snprintf(w->signals.items[i].name, sizeof(w->signals.items[i].name), "%.*s",
                 SL_FMT(w->table.infos[i].full));
        w->slots.conf[i] = 1;
        if (!draw(2))
            continue;
        double conf = (1 + draw(99)) / 100.0;
        sl_slot_match(&w->slots, i);
        sl_slot_conf(&w->slots, i, conf);
        w->signals.items[i].matched = w->signals.items[i].has_conf = true;
        w->signals.items[i].conf = conf;
    }
}

static double time_engine(struct world *w, bool is_full, uint32_t rounds, double *conf)
{
    double best = 1e9;
    for (int repeat = 0; repeat < 7; repeat++) {
        uint64_t from = sl_clock_ns();
        for (uint32_t i = 0; i < rounds; i++) {
            sl_program_derive(&w->program, &w->slots);
            sl_program_decide(&w->program, &w->slots, &w->memory, is_full, conf);
            __asm__ volatile("" ::: "memory");
        }
        double us = (double)(sl_clock_ns() - from) / 1e3 / rounds;
        best = us < best ? us : best;
    }
    return best;
}

static double time_twin(struct world *w, uint32_t rounds, double *conf)
{
    double best = 1e9;
    for (int repeat = 0; repeat < 3; repeat++) {
        uint64_t from = sl_clock_ns();
        for (uint32_t i = 0; i < rounds; i++) {
            struct twin_result r;
            twin_decide(&w->recipe, &w->signals, &r);
            *conf = r.confidence;
            twin_free(&r);
        }
        double us = (double)(sl_clock_ns() - from) / 1e3 / rounds;
        best = us < best ? us : best;
    }
    return best;
}

static bool measure(const struct shape *shape, enum sl_strategy strategy)
{
    struct world w = {0};
    double ours, theirs;
    sl_arena_init(&w.arena, NULL, (size_t)1 << 28);
    make_recipe(&w, shape, strategy);
    sl_slot_table_init(&w.table, &w.arena);
    if (sl_program_compile(&w.program, &w.table, &w.recipe, &w.arena) != SL_OK ||
        sl_decide_memory_fit(&w.memory, &w.program) != SL_OK)
        return false;
    make_slots(&w);
    uint32_t rounds = 2000000 / (shape->n_decisions * shape->n_leaves);
    uint64_t before = n_allocations;
    double us = time_engine(&w, strategy == SL_STRATEGY_CONFIDENCE, rounds, &ours);
    uint64_t allocations = n_allocations - before;
    double twin_us = time_twin(&w, 200000 / (shape->n_decisions * shape->n_decisions) + 2, &theirs);
    bool agrees = ours == theirs;
    printf("%5u x %u  %-10s  %8.3f us   bar %6.2f   %5.2f of it   twin %10.2f us   %7.0fx   "
           "allocations %llu   %s\n",
           shape->n_decisions, shape->n_leaves,
           strategy == SL_STRATEGY_CONFIDENCE ? "all" : "priority", us, shape->bar_us,
           us / shape->bar_us, twin_us, twin_us / us, (unsigned long long)allocations,
           agrees ? "same result" : "DIFFERENT RESULT");
    sl_decide_memory_free(&w.memory);
    sl_arena_reset(&w.arena);
    return agrees && !allocations && us <= shape->bar_us;
}

int main(void)
{
    static const struct shape shapes[] = {
        {10, 3, 0.15, 1.25}, {100, 5, 1.5, 18}, {1000, 5, 15, 130}};
    bool ok = true;
    for (size_t i = 0; i < SL_COUNT(shapes); i++) {
        ok &= measure(&shapes[i], SL_STRATEGY_CONFIDENCE);
        ok &= measure(&shapes[i], SL_STRATEGY_PRIORITY);
    }
    return ok ? 0 : 1;
}
