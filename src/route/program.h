/*
 * Decisions as programs. A recipe's rule trees become two flat forms over bit numbers:
 *   tests  short-circuit jump code: does the decision match? Literals of one 64-bit word that
 *          stand together are one masked comparison.
 *   nodes  the tree in preorder: confidence, matched rules, trace, and what is still worth knowing.
 * A bit is a slot, or a derived fact (a predicate, a domain with categories) behind the slots.
 *
 * Immutable once compiled; evaluation takes no memory, compares no strings and does not recurse.
 */
#ifndef SL_ROUTE_PROGRAM_H
#define SL_ROUTE_PROGRAM_H

#include "route/slots.h"

#define SL_ACCEPT UINT32_MAX
#define SL_REJECT (UINT32_MAX - 1)

struct sl_test {
    uint64_t flip, mask; /* holds when ((bits[word] ^ flip) & mask) == mask */
    uint32_t word;
    uint32_t yes, no; /* next test, SL_ACCEPT or SL_REJECT */
    bool is_any;      /* holding means that none of its literals is true */
};

enum sl_prog_op {
    SL_PROG_LEAF,
    SL_PROG_AND,
    SL_PROG_OR,
    SL_PROG_NOT,
    SL_PROG_NEVER,    /* NOT without exactly one child */
    SL_PROG_FALLBACK, /* entirely empty root */
};

struct sl_prog_node {
    uint8_t op; /* enum sl_prog_op */
    uint32_t n_children;
    uint32_t n_nodes; /* in this subtree, itself included */
    uint32_t bit;     /* leaf */
    uint32_t conf;    /* leaf: index into conf[] */
    double max_conf;  /* leaf: no engine reports more */
    const struct sl_rule_node *cfg;
    sl_str rule; /* leaf: "keyword:urgent", type as written */
};

enum sl_derived_kind { SL_DERIVED_PREDICATE, SL_DERIVED_ALIAS };

struct sl_derived {
    enum sl_derived_kind kind;
    sl_slot slot;
    sl_slot error_slot; /* predicate: "classifier:name" */
    bool is_match_on_error;
    struct sl_predicate bounds;
    const sl_slot *aliases; /* alias: names that stand for `slot` */
    uint32_t n_aliases;
};

struct sl_prog_decision {
    const struct sl_decision_cfg *cfg;
    int64_t priority, tier;
    uint32_t name_rank; /* place in name order */
    uint32_t first_test;
    uint32_t first_node, n_nodes;
    bool is_flat; /* a leaf, or an AND or OR of leaves */
};

struct sl_program {
    const struct sl_prog_decision *decisions; /* priority descending, then name */
    const struct sl_test *tests;
    const struct sl_prog_node *nodes;
    const struct sl_derived *derived;
    uint32_t n_decisions, n_tests, n_nodes, n_derived;
    uint32_t max_nodes; /* of one decision */
    uint32_t n_slots;
    uint32_t first_derived; /* bit of derived[0]; a multiple of 64 */
    uint32_t n_words;       /* of a bit set over slots and derived facts */
    enum sl_strategy strategy;
    bool has_tiers;
};

/*
 * Compiles the decisions of `recipe`. Leaves register their slots in `table`, which must not grow
 * afterwards: first_derived is set from it. SL_NOMEM is the only failure.
 */
SL_MUST_USE enum sl_rc sl_program_compile(struct sl_program *out, struct sl_slot_table *table,
                                          const struct sl_recipe_cfg *recipe,
                                          struct sl_arena *arena);

#endif
