/* The group is sys/threads; here is what a command adds to it: SIGINT and SIGTERM end it. */
#include "main/loops.h"

#include "sys/threads.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* Read by the signal handler: a loop stands here from its start until its thread has left it. */
static struct {
    struct sl_loop *_Atomic loops[SL_LOOPS_MAX];
    _Atomic bool is_stopping;
} group;

static void stop_all(void)
{
    for (unsigned i = 0; i < SL_LOOPS_MAX; i++) {
        struct sl_loop *loop = atomic_load(&group.loops[i]);
        if (loop)
            sl_loop_stop(loop);
    }
}

void sl_loops_stop(void)
{
    atomic_store(&group.is_stopping, true);
    stop_all();
}

static void on_signal(int number)
{
    (void)number;
    if (atomic_exchange(&group.is_stopping, true))
        _exit(130);
    stop_all();
}

static enum sl_rc on_start(void *ctx, unsigned i, struct sl_loop *loop)
{
    const struct sl_loops *loops = ctx;
    if (!loops->start(loops->ctx, i, loop))
        return SL_INVALID;
    atomic_store(&group.loops[i], loop);
    if (atomic_load(&group.is_stopping)) /* the signal came before this loop was there */
        sl_loop_stop(loop);
    return SL_OK;
}

static void on_stop(void *ctx, unsigned i, struct sl_loop *loop)
{
    const struct sl_loops *loops = ctx;
    atomic_store(&group.loops[i], NULL);
    loops->stop(loops->ctx, i, loop);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool sl_loops_run(const struct sl_loops *loops)
{
    const struct sl_threads_options options = {
        .n = loops->n < SL_LOOPS_MAX ? loops->n : SL_LOOPS_MAX,
        .name = "loop",
        .ctx = (void *)(uintptr_t)loops,
        .on_start = on_start,
        .on_stop = on_stop,
    };
    struct sl_threads *threads;
    atomic_store(&group.is_stopping, false);
    catch_signals();
    if (sl_threads_start(&threads, &options) != SL_OK)
        return false;
    if (loops->on_ready)
        loops->on_ready(loops->ctx);
    sl_threads_join(threads);
    return true;
}
