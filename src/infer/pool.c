/*
 * The pool. A work item is queued, taken by a thread, and posted to its loop; each step happens
 * under the one lock, so that an item that is abandoned is either never run, or freed by the
 * thread that runs it, or dropped by the loop it was posted to.
 */
#include "infer/pool.h"

#include "base/clock.h"
#include "base/hash.h"
#include "sys/cpu.h"

#include <pthread.h>
#include <stdlib.h>

#define MAX_THREADS 64
#define MAX_QUEUED  4096
#define BATCH       16   /* texts of one run */
#define BATCH_BYTES 4096 /* of a run of more than one */

enum state { QUEUED, RUNNING, POSTED };

struct sl_work {
    struct sl_message message;
    struct sl_pool *pool;
    struct sl_loop *loop;
    struct sl_work *prev, *next; /* of the queue */
    struct sl_work *twin;        /* equal texts taken with this one */
    enum state state;
    bool is_abandoned;
    uint64_t hash, deadline_ns;
    sl_work_fn *over;
    void *ctx;
    uint32_t tag;
    enum sl_work_end end;
    const char *error;
    float *vector;
    uint32_t n_floats, n_tok;
    size_t n;
    char text[];
};

struct sl_pool {
    struct sl_local_model *model;
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    struct sl_work *first, *last;
    uint32_t n_queued, max_queued;
    bool is_ending;
    pthread_t threads[MAX_THREADS];
    unsigned n_threads;
};

/* ---- the queue (under the lock) ------------------------------------------------------------ */

static void unlink_work(struct sl_pool *p, struct sl_work *w)
{
    *(w->prev ? &w->prev->next : &p->first) = w->next;
    *(w->next ? &w->next->prev : &p->last) = w->prev;
    w->prev = w->next = NULL;
    p->n_queued--;
}

static void free_work(struct sl_work *w)
{
    free(w->vector);
    free(w);
}

static void on_posted(struct sl_loop *loop, struct sl_message *message)
{
    struct sl_work *w = SL_CONTAINER(message, struct sl_work, message);
    (void)loop;
    const struct sl_local_result result = {
        .vector = {w->vector, w->n_floats}, .n_tok = w->n_tok, .error = w->error};
    if (!w->is_abandoned)
        w->over(w->ctx, w->tag, w->end, &result);
    free_work(w);
}

static void post(struct sl_work *w)
{
    if (w->is_abandoned) {
        free_work(w);
        return;
    }
    w->state = POSTED;
    w->message.run = on_posted;
    sl_loop_post(w->loop, &w->message);
}

/* Everything queued with this text joins its first item. */
static void take_twins(struct sl_pool *p, struct sl_work *w)
{
    for (struct sl_work *at = p->first, *next; at; at = next) {
        next = at->next;
        if (at->hash != w->hash || at->n != w->n || memcmp(at->text, w->text, w->n))
            continue;
        unlink_work(p, at);
        at->state = RUNNING;
        at->twin = w->twin;
        w->twin = at;
    }
}

/* The next texts to compute together; late ones are posted as such. How many; 0: none is left. */
static uint32_t take_batch(struct sl_pool *p, struct sl_work **out)
{
    uint32_t n = 0;
    size_t bytes = 0;
    uint64_t now = sl_clock_ns();
    while (p->first && n < BATCH) {
        struct sl_work *w = p->first;
        if (n && bytes + w->n > BATCH_BYTES)
            break;
        unlink_work(p, w);
        if (w->deadline_ns && now > w->deadline_ns) {
            w->end = SL_WORK_LATE;
            w->error = "its deadline passed while it waited for the model";
            post(w);
            continue;
        }
        w->state = RUNNING;
        take_twins(p, w);
        bytes += w->n;
        out[n++] = w;
    }
    return n;
}

/* ---- threads ------------------------------------------------------------------------------- */

static bool copy_vector(struct sl_work *w, struct sl_vector v)
{
    w->vector = malloc(v.n * sizeof(float));
    if (!w->vector)
        return false;
    memcpy(w->vector, v.p, v.n * sizeof(float));
    w->n_floats = v.n;
    return true;
}

static void give(struct sl_work *w, const struct sl_local_result *r)
{
    w->end = SL_WORK_FAILED;
    w->error = r->error ? r->error : "out of memory";
    if (!r->error && copy_vector(w, r->vector)) {
        w->end = SL_WORK_DONE;
        w->n_tok = r->n_tok;
        w->error = NULL;
    }
}

static void run_batch(struct sl_pool *p, struct sl_local_scratch *scratch, struct sl_work **batch,
                      uint32_t n)
{
    sl_str texts[BATCH];
    struct sl_local_result results[BATCH];
    for (uint32_t i = 0; i < n; i++)
        texts[i] = sl_str_of(batch[i]->text, batch[i]->n);
    sl_local_embed(p->model, scratch, texts, n, results);
    for (uint32_t i = 0; i < n; i++)
        for (struct sl_work *w = batch[i]; w; w = w->twin)
            give(w, &results[i]);
}

static void *work(void *arg)
{
    struct sl_pool *p = arg;
    struct sl_local_scratch *scratch = sl_local_scratch_new(p->model);
    struct sl_work *batch[BATCH];
    pthread_mutex_lock(&p->lock);
    while (!p->is_ending) {
        uint32_t n = take_batch(p, batch);
        if (!n) {
            pthread_cond_wait(&p->has_work, &p->lock);
            continue;
        }
        pthread_mutex_unlock(&p->lock);
        run_batch(p, scratch, batch, n);
        pthread_mutex_lock(&p->lock);
        for (uint32_t i = 0; i < n; i++)
            for (struct sl_work *w = batch[i], *next; w; w = next) {
                next = w->twin;
                post(w);
            }
    }
    pthread_mutex_unlock(&p->lock);
    sl_local_scratch_free(scratch);
    return NULL;
}

enum sl_rc sl_pool_create(struct sl_pool **out, struct sl_local_model *model,
                          const struct sl_pool_options *options, struct sl_err *err)
{
    struct sl_pool *p = calloc(1, sizeof(*p));
    unsigned wanted = options->n_threads ? options->n_threads : sl_cpu_count() - 1;
    if (!p)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    p->model = model;
    p->max_queued = options->max_queued ? options->max_queued : MAX_QUEUED;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->has_work, NULL);
    wanted = wanted < 1 ? 1 : wanted > MAX_THREADS ? MAX_THREADS : wanted;
    while (p->n_threads < wanted && pthread_create(&p->threads[p->n_threads], NULL, work, p) == 0)
        p->n_threads++;
    if (!p->n_threads) {
        sl_pool_destroy(p);
        return sl_err_set(err, SL_IO, "no thread for the model");
    }
    *out = p;
    return SL_OK;
}

void sl_pool_destroy(struct sl_pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->is_ending = true;
    pthread_cond_broadcast(&p->has_work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->n_threads; i++)
        pthread_join(p->threads[i], NULL);
    while (p->first) {
        struct sl_work *w = p->first;
        unlink_work(p, w);
        free_work(w);
    }
    pthread_cond_destroy(&p->has_work);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* ---- asking -------------------------------------------------------------------------------- */

struct sl_work *sl_pool_start(struct sl_pool *p, struct sl_loop *loop, sl_str text,
                              uint64_t deadline_ns, sl_work_fn *over, void *ctx, uint32_t tag)
{
    struct sl_work *w = calloc(1, sizeof(*w) + text.n);
    if (!w)
        return NULL;
    w->pool = p;
    w->loop = loop;
    w->deadline_ns = deadline_ns;
    w->over = over;
    w->ctx = ctx;
    w->tag = tag;
    w->n = text.n;
    if (text.n)
        memcpy(w->text, text.p, text.n);
    w->hash = sl_hash(text, 0x90c1);
    pthread_mutex_lock(&p->lock);
    bool is_full = p->n_queued >= p->max_queued;
    if (!is_full) {
        w->prev = p->last;
        *(p->last ? &p->last->next : &p->first) = w;
        p->last = w;
        p->n_queued++;
        pthread_cond_signal(&p->has_work);
    }
    pthread_mutex_unlock(&p->lock);
    if (!is_full)
        return w;
    free(w);
    return NULL;
}

void sl_work_abandon(struct sl_work *w)
{
    struct sl_pool *p = w->pool;
    pthread_mutex_lock(&p->lock);
    w->is_abandoned = true;
    bool is_queued = w->state == QUEUED;
    if (is_queued)
        unlink_work(p, w);
    pthread_mutex_unlock(&p->lock);
    if (is_queued)
        free_work(w);
}
