/*
 * A set of byte strings with a number each, walked byte by byte: a double array in which the child
 * of node n by byte c is unit base(n) ^ c, if that unit's parent is n. Immutable once built.
 */
#ifndef SL_ML_TOKEN_TRIE_H
#define SL_ML_TOKEN_TRIE_H

#include "base/rc.h"
#include "base/str.h"

#define SL_TRIE_NONE UINT32_MAX

struct sl_trie_unit {
    uint32_t base;   /* 0: no children */
    uint32_t parent; /* SL_TRIE_NONE: a free unit */
    uint32_t value;  /* SL_TRIE_NONE: no string ends here */
};

struct sl_trie {
    struct sl_trie_unit *units; /* NULL: an empty set */
    uint32_t n_units;           /* a multiple of 256 */
};

struct sl_trie_key {
    sl_str key;
    uint32_t value;
    uint64_t head; /* written by the build */
};

/*
 * Of n keys, which are sorted in place; of equal keys the one with the largest value counts, the
 * empty key is left out. SL_NOMEM.
 */
SL_MUST_USE enum sl_rc sl_trie_build(struct sl_trie *t, struct sl_trie_key *keys, uint32_t n);
void sl_trie_free(struct sl_trie *t);

/* The child of `node` (the root is 0) by byte c, or SL_TRIE_NONE. t is not empty. */
static inline uint32_t sl_trie_step(const struct sl_trie *t, uint32_t node, unsigned char c)
{
    uint32_t base = t->units[node].base;
    uint32_t child = base ^ c;
    return base && t->units[child].parent == node ? child : SL_TRIE_NONE;
}

/* The longest string of the set that p[0..n) begins with: its value and length, or false. */
static inline bool sl_trie_longest(const struct sl_trie *t, const char *p, uint32_t n,
                                   uint32_t *value, uint32_t *length)
{
    uint32_t node = 0;
    bool is_found = false;
    for (uint32_t i = 0; t->units && i < n; i++) {
        node = sl_trie_step(t, node, (unsigned char)p[i]);
        if (node == SL_TRIE_NONE)
            break;
        if (t->units[node].value != SL_TRIE_NONE) {
            *value = t->units[node].value;
            *length = i + 1;
            is_found = true;
        }
    }
    return is_found;
}

#endif
