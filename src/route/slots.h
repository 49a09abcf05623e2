/*
 * The slot table of one recipe while it is compiled: "type:name" -> number. Signals register what
 * they report, decisions and projections what they read; the same name gives the same slot.
 * Private to route/. One thread; everything lives in the arena.
 */
#ifndef SL_ROUTE_SLOTS_H
#define SL_ROUTE_SLOTS_H

#include "base/map.h"
#include "route/policy.h"

#define SL_FAMILY_NONE 255u /* projections: no signal type behind it */

struct sl_slot_table {
    struct sl_arena *arena;
    struct sl_map by_name;
    struct sl_slot_info *infos;
    uint8_t *family; /* index into sl_signal_features, or SL_FAMILY_NONE */
    uint32_t n, cap;
    bool is_full; /* out of memory; sticky */
};

void sl_slot_table_init(struct sl_slot_table *t, struct sl_arena *arena);

/*
 * The slot of "type:name"; `type` is written lower case. `signal` is NULL for projections. Returns
 * slot 0 and sets is_full when memory ends.
 */
sl_slot sl_slot_table_get(struct sl_slot_table *t, sl_str type, sl_str name, uint32_t family,
                          const struct sl_signal_type *signal);

/* Index of the signal type of that name (any case, surrounding blanks) or SL_FAMILY_NONE. */
uint32_t sl_family_find(sl_str type);

#endif
