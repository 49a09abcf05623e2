/* The table is at most half full, so that probes stay short. */
#include "ml/token/vocab.h"

enum sl_rc sl_vocab_init(struct sl_vocab *v, struct sl_arena *arena, uint32_t n)
{
    uint32_t cap = 64;
    while (cap / 2 < n && cap < 1u << 30)
        cap *= 2;
    v->entries = SL_NEW_ARRAY(arena, struct sl_vocab_entry, cap);
    v->mask = cap - 1;
    v->n = 0;
    return v->entries && cap / 2 >= n ? SL_OK : SL_NOMEM;
}

void sl_vocab_put(struct sl_vocab *v, sl_str token, uint32_t id)
{
    struct sl_vocab_entry *e = sl_vocab_slot(v, token);
    v->n += !e->p;
    *e = (struct sl_vocab_entry){token.p, (uint32_t)token.n, id};
}
