/*
 * N event loops on N named threads. Everything here is called by the thread that started them,
 * which is none of them.
 */
#ifndef SL_SYS_THREADS_H
#define SL_SYS_THREADS_H

#include "sys/loop.h"

struct sl_threads;

struct sl_threads_options {
    unsigned n;
    const char *name; /* "loop": threads are loop-0, loop-1, ... (15 bytes are kept) */
    void *ctx;
    /*
     * On each thread before its loop runs, one thread after the other, so that the first may pick
     * what the others share (a port). Anything but SL_OK ends the start.
     */
    enum sl_rc (*on_start)(void *ctx, unsigned i, struct sl_loop *loop);
    /* On each thread after its loop has stopped, for those whose on_start was SL_OK. May be NULL.
     */
    void (*on_stop)(void *ctx, unsigned i, struct sl_loop *loop);
};

/* Returns when all loops run, or with on_start's failure when those started have ended again. */
SL_MUST_USE enum sl_rc sl_threads_start(struct sl_threads **out,
                                        const struct sl_threads_options *options);

/* Asks every loop to stop. Any thread. */
void sl_threads_stop(struct sl_threads *t);
/* Waits for all threads, then destroys the loops (until then a message may still reach any). */
void sl_threads_join(struct sl_threads *t);

#endif
