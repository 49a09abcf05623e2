/* Slot numbers by name; see slots.h. Names are folded once, here, so that evaluation never does. */
#include "route/slots.h"

#include "base/hash.h"

void sl_slot_table_init(struct sl_slot_table *t, struct sl_arena *arena)
{
    *t = (struct sl_slot_table){.arena = arena};
    sl_map_init(&t->by_name, arena, 0);
}

static sl_str full_name(struct sl_slot_table *t, sl_str type, sl_str name)
{
    char *p = sl_arena_alloc(t->arena, type.n + name.n + 2);
    if (!p)
        return (sl_str){NULL, 0};
    for (size_t i = 0; i < type.n; i++)
        p[i] = (char)(type.p[i] >= 'A' && type.p[i] <= 'Z' ? type.p[i] | 32 : type.p[i]);
    p[type.n] = ':';
    if (name.n)
        memcpy(p + type.n + 1, name.p, name.n);
    p[type.n + 1 + name.n] = 0;
    return (sl_str){p, type.n + 1 + name.n};
}

static bool grow(struct sl_slot_table *t)
{
    uint32_t cap = t->cap ? 2 * t->cap : 64;
    struct sl_slot_info *infos = SL_NEW_ARRAY(t->arena, struct sl_slot_info, cap);
    uint8_t *family = sl_arena_zero(t->arena, cap, 1);
    if (!infos || !family)
        return false;
    if (t->n) {
        memcpy(infos, t->infos, t->n * sizeof(*infos));
        memcpy(family, t->family, t->n);
    }
    t->infos = infos;
    t->family = family;
    t->cap = cap;
    return true;
}

sl_slot sl_slot_table_get(struct sl_slot_table *t, sl_str type, sl_str name, uint32_t family,
                          const struct sl_signal_type *signal)
{
    sl_str full = full_name(t, sl_str_trim(type), name);
    uint64_t found;
    if (!full.p || (t->n == t->cap && !grow(t))) {
        t->is_full = true;
        return 0;
    }
    if (sl_map_get(&t->by_name, full, &found))
        return (sl_slot)found;
    if (sl_map_put(&t->by_name, full, t->n) != SL_OK) {
        t->is_full = true;
        return 0;
    }
    size_t colon = sl_str_chr(full, ':');
    t->infos[t->n] = (struct sl_slot_info){
        .full = full,
        .type = sl_str_sub(full, 0, colon),
        .name = sl_str_sub(full, colon + 1, full.n),
        .signal = signal,
    };
    t->family[t->n] = (uint8_t)family;
    return t->n++;
}

uint32_t sl_family_find(sl_str type)
{
    type = sl_str_trim(type);
    for (uint32_t i = 0; sl_signal_features[i] && i < SL_FAMILY_NONE; i++)
        if (sl_str_eq_nocase(type, sl_str_from(sl_signal_features[i]->name)))
            return i;
    return SL_FAMILY_NONE;
}
