/*
 * Signals as events of one loop: SIGTERM, SIGINT and SIGHUP are blocked in every thread and read
 * from a signalfd; SIGPIPE is ignored.
 */
#ifndef SL_SYS_SIGNALS_H
#define SL_SYS_SIGNALS_H

#include "sys/loop.h"

struct sl_signals {
    struct sl_io io;
    void (*on_signal)(struct sl_signals *s, int number); /* on the loop's thread */
};

/* Before the first thread starts, so that all inherit it. */
SL_MUST_USE enum sl_rc sl_signals_block(void);

/* Watches on `loop`, on its thread or before it runs; s->on_signal is set by the caller. */
SL_MUST_USE enum sl_rc sl_signals_open(struct sl_loop *loop, struct sl_signals *s);
void sl_signals_close(struct sl_loop *loop, struct sl_signals *s);

#endif
