/* See rules.h. */
#include "route/rules.h"

enum sl_rc sl_signal_rules(struct sl_signal_build *b, struct sl_signal_rules *out)
{
    uint32_t n = b->signal->n_rules;
    out->decoded = SL_NEW_ARRAY(b->arena, const void *, n);
    out->slots = SL_NEW_ARRAY(b->arena, sl_slot, n);
    if (!out->decoded || !out->slots)
        return SL_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        out->decoded[i] = b->signal->rules[i].decoded;
        out->slots[i] = b->slot(b, b->signal->rules[i].name);
    }
    out->n = n;
    return SL_OK;
}
