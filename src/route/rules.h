/* The rules of a signal type that reports one slot a rule: what most types compile to. */
#ifndef SL_ROUTE_RULES_H
#define SL_ROUTE_RULES_H

#include "route/signal.h"

struct sl_signal_rules {
    const void **decoded; /* the type's own struct, declaration order */
    sl_slot *slots;
    uint32_t n;
};

/* In the policy's arena. SL_NOMEM. */
SL_MUST_USE enum sl_rc sl_signal_rules(struct sl_signal_build *b, struct sl_signal_rules *out);

#endif
