/*
 * Loops start one after the other (a listener may pick the port that the others share), then run
 * side by side. The last one runs on a thread too, so that the main thread only waits.
 */
#include "main/loops.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

struct worker {
    const struct sl_loops *loops;
    unsigned i;
    pthread_t thread;
    struct sl_loop *loop;
    bool has_started;
};

static struct {
    struct sl_loop *loops[SL_LOOPS_MAX];
    _Atomic unsigned n;
    _Atomic bool is_stopping;
} group;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned n_answered; /* workers that have started or failed */

void sl_loops_stop(void)
{
    atomic_store(&group.is_stopping, true);
    for (unsigned i = 0; i < atomic_load(&group.n); i++)
        sl_loop_stop(group.loops[i]);
}

static void on_signal(int number)
{
    (void)number;
    if (atomic_exchange(&group.is_stopping, true))
        _exit(130);
    for (unsigned i = 0; i < atomic_load(&group.n); i++)
        sl_loop_stop(group.loops[i]);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct sl_loop *loop = NULL;
    bool is_ok = sl_loop_create(&loop) == SL_OK && w->loops->start(w->loops->ctx, w->i, loop);
    w->loop = loop;
    pthread_mutex_lock(&mutex);
    w->has_started = is_ok;
    if (is_ok) {
        group.loops[w->i] = loop;
        atomic_store(&group.n, w->i + 1);
    }
    n_answered++;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
    if (is_ok && !atomic_load(&group.is_stopping))
        sl_loop_run(loop);
    if (is_ok)
        w->loops->stop(w->loops->ctx, w->i, loop);
    return NULL;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool sl_loops_run(const struct sl_loops *loops)
{
    struct worker workers[SL_LOOPS_MAX];
    unsigned n = loops->n < SL_LOOPS_MAX ? loops->n : SL_LOOPS_MAX, i;
    bool is_ok = true;
    atomic_store(&group.n, 0);
    atomic_store(&group.is_stopping, false);
    n_answered = 0;
    catch_signals();
    for (i = 0; i < n && is_ok; i++) {
        workers[i] = (struct worker){.loops = loops, .i = i};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            is_ok = false;
            break;
        }
        pthread_mutex_lock(&mutex);
        while (n_answered <= i)
            pthread_cond_wait(&changed, &mutex);
        is_ok = workers[i].has_started;
        pthread_mutex_unlock(&mutex);
    }
    if (!is_ok)
        sl_loops_stop();
    else if (loops->on_ready)
        loops->on_ready(loops->ctx);
    /* Loops are destroyed when none runs: a signal or a message may still reach any of them. */
    for (unsigned k = 0; k < i; k++)
        pthread_join(workers[k].thread, NULL);
    atomic_store(&group.n, 0);
    for (unsigned k = 0; k < i; k++)
        if (workers[k].loop)
            sl_loop_destroy(workers[k].loop);
    return is_ok;
}
