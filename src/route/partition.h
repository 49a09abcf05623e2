/*
 * Post-processing of one family's matches before projections see them: partitions (at most one
 * member stays) and the embedding top_k cut. Chapter 01 section 7, chapter 02 section 1.2.
 */
#ifndef SL_ROUTE_PARTITION_H
#define SL_ROUTE_PARTITION_H

#include "route/slots.h"
#include "route/trace.h"

struct sl_partition {
    const struct sl_partition_cfg *cfg;
    uint32_t family;
    const sl_slot *members;
    uint32_t n_members; /* declared ones; fewer than 2: nothing is done */
    sl_slot fallback;   /* SL_NO_INDEX when it is no member */
};

SL_MUST_USE enum sl_rc sl_partitions_compile(struct sl_partition **out, struct sl_slot_table *table,
                                             const struct sl_recipe_cfg *recipe,
                                             struct sl_arena *arena);

/*
 * Reduces the members' matches to one. A default that nothing matched is reported with
 * confidence 0: it is weaker than any detection. `trace` may be NULL.
 */
void sl_partition_apply(const struct sl_partition *p, struct sl_slots *s, struct sl_trace *trace);

/*
 * Keeps the k best matches among the slots in `family_slots` (a bit set), by confidence then
 * name, and puts them in that order; k == 0 keeps all. Confidences of the others are dropped.
 */
void sl_top_k(struct sl_slots *s, const uint64_t *family_slots, uint32_t k,
              const struct sl_slot_info *infos);

#endif
