/*
 * Name -> number map for configuration-sized sets: open addressing in an arena, insert and find
 * only. Keys are views whose bytes must live as long as the map.
 */
#ifndef SL_BASE_MAP_H
#define SL_BASE_MAP_H

#include "base/arena.h"

struct sl_map_entry {
    sl_str key; /* p == NULL: free */
    uint64_t value;
};

struct sl_map {
    struct sl_arena *arena;
    struct sl_map_entry *entries;
    uint32_t cap; /* power of two */
    uint32_t n;
    uint64_t seed;
};

void sl_map_init(struct sl_map *m, struct sl_arena *arena, uint64_t seed);

/* Adds or replaces. SL_NOMEM when the arena is full. */
SL_MUST_USE enum sl_rc sl_map_put(struct sl_map *m, sl_str key, uint64_t value);

/* True and *value when present. Safe from any thread once the map no longer changes. */
bool sl_map_get(const struct sl_map *m, sl_str key, uint64_t *value);

#endif
