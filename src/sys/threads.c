/* Event loops on threads; started one after the other, destroyed only when none runs. */
#include "sys/threads.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

struct member {
    struct sl_threads *group;
    unsigned i;
    pthread_t thread;
    struct sl_loop *loop;
    enum sl_rc started;
};

struct sl_threads {
    struct sl_threads_options options;
    sem_t has_started;
    unsigned n; /* threads that exist */
    struct member members[];
};

static void *run_member(void *arg)
{
    struct member *m = arg;
    struct sl_threads *t = m->group;
    char name[16];
    snprintf(name, sizeof name, "%.8s-%u", t->options.name, m->i % 10000);
    pthread_setname_np(pthread_self(), name);
    m->started = t->options.on_start ? t->options.on_start(t->options.ctx, m->i, m->loop) : SL_OK;
    enum sl_rc started = m->started;
    sem_post(&t->has_started);
    if (started != SL_OK)
        return NULL;
    sl_loop_run(m->loop);
    if (t->options.on_stop)
        t->options.on_stop(t->options.ctx, m->i, m->loop);
    return NULL;
}

static enum sl_rc start_member(struct sl_threads *t, unsigned i)
{
    struct member *m = &t->members[i];
    *m = (struct member){.group = t, .i = i};
    enum sl_rc rc = sl_loop_create(&m->loop);
    if (rc != SL_OK)
        return rc;
    if (pthread_create(&m->thread, NULL, run_member, m) != 0) {
        sl_loop_destroy(m->loop);
        return SL_IO;
    }
    t->n = i + 1;
    while (sem_wait(&t->has_started) != 0)
        ;
    return m->started;
}

enum sl_rc sl_threads_start(struct sl_threads **out, const struct sl_threads_options *options)
{
    struct sl_threads *t = calloc(1, sizeof *t + options->n * sizeof t->members[0]);
    if (!t)
        return SL_NOMEM;
    t->options = *options;
    sem_init(&t->has_started, 0, 0);
    for (unsigned i = 0; i < options->n; i++) {
        enum sl_rc rc = start_member(t, i);
        if (rc != SL_OK) {
            sl_threads_stop(t);
            sl_threads_join(t);
            return rc;
        }
    }
    *out = t;
    return SL_OK;
}

void sl_threads_stop(struct sl_threads *t)
{
    for (unsigned i = 0; i < t->n; i++)
        sl_loop_stop(t->members[i].loop);
}

void sl_threads_join(struct sl_threads *t)
{
    if (!t)
        return;
    for (unsigned i = 0; i < t->n; i++)
        pthread_join(t->members[i].thread, NULL);
    for (unsigned i = 0; i < t->n; i++)
        sl_loop_destroy(t->members[i].loop);
    sem_destroy(&t->has_started);
    free(t);
}
