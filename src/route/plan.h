/*
 * What sl_policy_compile makes of one recipe: compiled signals in order of cost, the shared scan,
 * partitions, projections and the decision program, all over one numbering of slots.
 * Private to route/. Immutable once compiled.
 */
#ifndef SL_ROUTE_PLAN_H
#define SL_ROUTE_PLAN_H

#include "match/scan.h"
#include "route/partition.h"
#include "route/program.h"
#include "route/project.h"

struct sl_plan_family {
    const struct sl_signal_type *type;
    void *state;           /* NULL: nothing to run */
    uint32_t family;       /* index into sl_signal_features */
    bool has_rules;        /* declared in the recipe */
    bool is_referenced;    /* a decision can reach it */
    const uint64_t *slots; /* bit set of the slots it reports */
};

/* `slot` can be told only when `on` can. */
struct sl_dependence {
    sl_slot slot, on;
};

struct sl_plan {
    const struct sl_recipe_cfg *recipe;
    struct sl_recipe_cfg filtered; /* a looper's view: `recipe` points here */
    struct sl_slot_table table;
    struct sl_program program;
    struct sl_projection projection;
    struct sl_partition *partitions;
    uint32_t n_partitions;
    uint32_t top_k; /* of embedding matches; 0: all */
    struct sl_scan *scan;
    struct sl_plan_family *families; /* declared ones, cheapest first */
    uint32_t n_families;
    const uint64_t *reachable; /* bits that some decision can ask for, closed over projections */
    uint32_t context_family;   /* index into families, SL_NO_INDEX without */
    const struct sl_compression_cfg *compression; /* NULL: signals read the whole text */
    struct sl_dependence *dependences;
    uint32_t n_dependences, cap_dependences;
};

struct sl_policy {
    struct sl_arena arena;
    struct sl_plan *plans; /* one a recipe, then one a looper that requests can name */
    uint32_t n_plans;
    uint32_t *plan_of_name; /* index into config->names -> index into plans */
    struct sl_bank *banks;  /* of every plan */
};

/*
 * Adds to `bits` what its members rest on: the slots under derived facts and projection outputs.
 */
void sl_plan_close(const struct sl_plan *plan, uint64_t *bits);

static inline bool sl_bit(const uint64_t *bits, uint32_t i)
{
    return bits[i >> 6] >> (i & 63) & 1;
}

static inline void sl_bit_set(uint64_t *bits, uint32_t i)
{
    bits[i >> 6] |= (uint64_t)1 << (i & 63);
}

#endif
