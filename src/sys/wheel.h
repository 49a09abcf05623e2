/*
 * A hierarchical timer wheel: five levels of 64 slots, one millisecond a tick at the lowest. Start
 * and stop are O(1); a timer moves down at most once a level before it fires. Time comes in as a
 * parameter. Used by the loop, which owns one.
 */
#ifndef SL_SYS_WHEEL_H
#define SL_SYS_WHEEL_H

#include "sys/loop.h"

#define SL_WHEEL_LEVELS  5
#define SL_WHEEL_SLOTS   64
#define SL_WHEEL_TICK_NS 1000000u

struct sl_wheel {
    uint64_t tick;                      /* last tick whose timers were fired */
    uint64_t occupied[SL_WHEEL_LEVELS]; /* a bit a slot; may be stale for slots emptied by stop */
    struct sl_timer slots[SL_WHEEL_LEVELS][SL_WHEEL_SLOTS]; /* list heads */
};

void sl_wheel_init(struct sl_wheel *w, uint64_t now_ns);

/* due_ns is absolute. A running timer that is moved later stays in its slot until that comes up. */
void sl_wheel_start(struct sl_wheel *w, struct sl_timer *timer, uint64_t due_ns);
void sl_wheel_stop(struct sl_timer *timer);

/* Fires everything due at now_ns, in order of ticks. */
void sl_wheel_advance(struct sl_wheel *w, struct sl_loop *loop, uint64_t now_ns);

/* When sl_wheel_advance has to be called next (at or before the first due timer); UINT64_MAX: no
 * timer runs. */
uint64_t sl_wheel_next_ns(struct sl_wheel *w);

#endif
