/* Name -> number map: open addressing, linear probing, at most half full. */
#include "base/map.h"

#include "base/hash.h"

void sl_map_init(struct sl_map *m, struct sl_arena *arena, uint64_t seed)
{
    *m = (struct sl_map){.arena = arena, .seed = seed};
}

static struct sl_map_entry *place_of(struct sl_map_entry *entries, uint32_t cap, uint64_t seed,
                                     sl_str key)
{
    uint32_t at = (uint32_t)sl_hash(key, seed) & (cap - 1);
    while (entries[at].key.p && !sl_str_eq(entries[at].key, key))
        at = (at + 1) & (cap - 1);
    return &entries[at];
}

static enum sl_rc grow(struct sl_map *m)
{
    uint32_t cap = m->cap ? m->cap * 2 : 16;
    struct sl_map_entry *entries = SL_NEW_ARRAY(m->arena, struct sl_map_entry, cap);
    if (!entries)
        return SL_NOMEM;
    for (uint32_t i = 0; i < m->cap; i++)
        if (m->entries[i].key.p)
            *place_of(entries, cap, m->seed, m->entries[i].key) = m->entries[i];
    m->entries = entries;
    m->cap = cap;
    return SL_OK;
}

enum sl_rc sl_map_put(struct sl_map *m, sl_str key, uint64_t value)
{
    if (m->n >= m->cap / 2 && grow(m) != SL_OK)
        return SL_NOMEM;
    if (!key.p)
        key = SL_STR("");
    struct sl_map_entry *entry = place_of(m->entries, m->cap, m->seed, key);
    if (!entry->key.p)
        m->n++;
    *entry = (struct sl_map_entry){key, value};
    return SL_OK;
}

bool sl_map_get(const struct sl_map *m, sl_str key, uint64_t *value)
{
    if (!m->n)
        return false;
    const struct sl_map_entry *entry = place_of(m->entries, m->cap, m->seed, key);
    if (!entry->key.p)
        return false;
    *value = entry->value;
    return true;
}
