/*
 * Evaluation of a recipe's decision program over the slots of one request: the winner, its
 * confidence and matched rules, and - while some slots are still unknown - which of them can
 * still change that. Chapter 02 section 2.3. Pure; no allocation beyond growth of the working
 * memory, which belongs to one thread.
 */
#ifndef SL_ROUTE_DECIDE_H
#define SL_ROUTE_DECIDE_H

#include "route/program.h"

/* What is known of a node: for a settled one may == must and lo == hi. */
struct sl_node_state {
    double lo, hi; /* confidence, given that it matches */
    bool may, must;
    uint8_t need; /* enum in decide.c */
};

struct sl_decide_memory {
    struct sl_node_state *nodes; /* of one decision */
    uint32_t cap_nodes;
    struct sl_node_state *roots; /* of every decision */
    uint32_t cap_roots;
};

SL_MUST_USE enum sl_rc sl_decide_memory_fit(struct sl_decide_memory *m, const struct sl_program *p);
void sl_decide_memory_free(struct sl_decide_memory *m);

/* Sets the bits of derived facts from the slots. Before any of the functions below. */
void sl_program_derive(const struct sl_program *p, struct sl_slots *s);

/*
 * The winning decision under the recipe's strategy (tiers first, if a matched decision has one),
 * or NULL. Under `priority` decisions behind the winner are not looked at unless is_full.
 */
const struct sl_prog_decision *sl_program_decide(const struct sl_program *p,
                                                 const struct sl_slots *s,
                                                 struct sl_decide_memory *m, bool is_full,
                                                 double *confidence);

/* The matched-rule strings of a decision that matches, into `out` (room for d->n_nodes). */
uint32_t sl_program_rules(const struct sl_program *p, const struct sl_prog_decision *d,
                          const struct sl_slots *s, struct sl_decide_memory *m, sl_str *out);

/* State of every node of a decision, all slots known; m->nodes[0] is the root. For traces. */
void sl_program_states(const struct sl_program *p, const struct sl_prog_decision *d,
                       const struct sl_slots *s, const uint64_t *unknown,
                       struct sl_decide_memory *m);

/*
 * The unknown bits that can still change the outcome: winner, its confidence or its matched
 * rules. Whatever values the unknown bits outside `wanted` take, the outcome is the same; so when
 * wanted comes back empty, deciding now (unknown bits as zero) equals full evaluation. `unknown`
 * and `wanted` are bit sets of p->n_words words; returns whether any bit is wanted.
 */
bool sl_program_wanted(const struct sl_program *p, const struct sl_slots *s,
                       const uint64_t *unknown, struct sl_decide_memory *m, uint64_t *wanted);

#endif
