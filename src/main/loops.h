/* Runs a group of event loops, one a thread, until a signal or a stop. Main thread only. */
#ifndef SL_MAIN_LOOPS_H
#define SL_MAIN_LOOPS_H

#include "sys/loop.h"

#define SL_LOOPS_MAX 64

struct sl_loops {
    unsigned n; /* 1 .. SL_LOOPS_MAX */
    /*
     * On each loop's thread: before it runs (in order, one after the other; false: give up), and
     * after it has stopped. `i` is the loop's number.
     */
    bool (*start)(void *ctx, unsigned i, struct sl_loop *loop);
    void (*stop)(void *ctx, unsigned i, struct sl_loop *loop);
    /* On the main thread when all loops have started. May be NULL. */
    void (*on_ready)(void *ctx);
    void *ctx;
};

/*
 * True when every loop started; returns after all have stopped. SIGINT and SIGTERM stop them; the
 * second such signal ends the process.
 */
bool sl_loops_run(const struct sl_loops *loops);
/* Stops the running group. Any thread. */
void sl_loops_stop(void);

#endif
