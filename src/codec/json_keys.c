/*
 * Key equality, and the duplicate check of large objects: open addressing over 64-bit hashes, so
 * that an object of n keys costs O(n). The hash is seeded with addresses, which a sender does not
 * know.
 */
#include "base/hash.h"
#include "codec/json_parts.h"

struct sl_json_key_slot {
    uint64_t hash;
    uint32_t key; /* node; 0 = free (node 0 is the root and never a key) */
};

bool sl_json_keys_equal(const char *text, const struct sl_json_node *a,
                        const struct sl_json_node *b)
{
    sl_str left = {text + a->offset, a->len}, right = {text + b->offset, b->len};
    bool is_left_escaped = a->info & SL_JSON_ESCAPED, is_right_escaped = b->info & SL_JSON_ESCAPED;
    if (!is_left_escaped && !is_right_escaped)
        return sl_str_eq(left, right);
    if (!is_right_escaped)
        return sl_json_escaped_is(left, right);
    if (!is_left_escaped)
        return sl_json_escaped_is(right, left);
    return sl_json_escaped_equal(left, right);
}

/* Content of a key; an escaped one is unescaped into k->plain. p == NULL: out of memory. */
static sl_str content_of(struct sl_json_keys *k, const char *text, const struct sl_json_node *key)
{
    sl_str raw = {text + key->offset, key->len};
    if (!(key->info & SL_JSON_ESCAPED))
        return raw;
    if (raw.n > k->cap_plain) {
        size_t cap = raw.n * 2;
        k->plain = sl_arena_alloc_aligned(k->arena, cap, 1);
        k->cap_plain = k->plain ? cap : 0;
        if (!k->plain)
            return (sl_str){NULL, 0};
    }
    return (sl_str){k->plain, sl_json_unescape(k->plain, raw)};
}

static struct sl_json_key_slot *empty_slots(struct sl_json_keys *k, size_t cap)
{
    if (cap > k->cap_slots) {
        k->slots = sl_arena_alloc(k->arena, cap * sizeof *k->slots);
        k->cap_slots = k->slots ? cap : 0;
    }
    if (k->slots)
        memset(k->slots, 0, cap * sizeof *k->slots);
    return k->slots;
}

enum sl_rc sl_json_keys_check(struct sl_json_keys *k, const char *text,
                              const struct sl_json_node *nodes, uint32_t object, uint32_t count,
                              uint32_t *repeated)
{
    size_t cap = 64;
    while (cap < (size_t)count * 2)
        cap *= 2;
    struct sl_json_key_slot *slots = empty_slots(k, cap);
    if (!slots)
        return SL_NOMEM;
    uint64_t seed = sl_hash_u64((uintptr_t)nodes, (uintptr_t)&cap);
    uint32_t key = object + 1;
    for (uint32_t i = 0; i < count; i++, key = nodes[key + 1].next) {
        sl_str content = content_of(k, text, &nodes[key]);
        if (!content.p)
            return SL_NOMEM;
        uint64_t hash = sl_hash(content, seed);
        size_t at = hash & (cap - 1);
        for (; slots[at].key; at = (at + 1) & (cap - 1)) {
            if (slots[at].hash == hash &&
                sl_json_keys_equal(text, &nodes[slots[at].key], &nodes[key])) {
                *repeated = key;
                return SL_OK;
            }
        }
        slots[at] = (struct sl_json_key_slot){hash, key};
    }
    return SL_OK;
}
