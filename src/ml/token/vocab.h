/* Tokens by their bytes: open addressing over views; insert and find only. */
#ifndef SL_ML_TOKEN_VOCAB_H
#define SL_ML_TOKEN_VOCAB_H

#include "base/arena.h"
#include "base/hash.h"

struct sl_vocab_entry {
    const char *p; /* NULL: free */
    uint32_t n;
    uint32_t id;
};

struct sl_vocab {
    struct sl_vocab_entry *entries;
    uint32_t mask;
    uint32_t n;
};

/* Room for n tokens, in the arena. */
SL_MUST_USE enum sl_rc sl_vocab_init(struct sl_vocab *v, struct sl_arena *arena, uint32_t n);

/* Adds or replaces; within the room that was asked for. The bytes must live as long as v. */
void sl_vocab_put(struct sl_vocab *v, sl_str token, uint32_t id);

static inline struct sl_vocab_entry *sl_vocab_slot(const struct sl_vocab *v, sl_str token)
{
    uint32_t at = (uint32_t)sl_hash(token, 0) & v->mask;
    for (;; at = (at + 1) & v->mask) {
        struct sl_vocab_entry *e = &v->entries[at];
        if (!e->p || (e->n == token.n && memcmp(e->p, token.p, token.n) == 0))
            return e;
    }
}

/* The id, or UINT32_MAX. */
static inline uint32_t sl_vocab_get(const struct sl_vocab *v, sl_str token)
{
    if (!v->entries || !token.n)
        return UINT32_MAX;
    const struct sl_vocab_entry *e = sl_vocab_slot(v, token);
    return e->p ? e->id : UINT32_MAX;
}

#endif
