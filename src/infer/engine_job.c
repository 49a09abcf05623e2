/*
 * Jobs of an engine: the cache first; what is left goes to the local model's pool, or to the
 * provider in batches, one after the other, with retries, all within one deadline.
 */
#include "infer/engine_parts.h"

#include "base/clock.h"
#include "base/log.h"
#include "infer/remote.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH            128u /* texts of one call */
#define ANSWER_MAX_BYTES ((size_t)64 << 20)
#define JOB_MAX_BYTES    ((size_t)512 << 20)
#define RETRY_MS         50 /* doubled with each try */
#define RETRY_MAX_MS     500

struct sl_engine_job {
    struct sl_engine_loop *l;
    struct sl_engine_job *prev, *next;
    struct sl_infer *infer;
    void (*done)(void *ctx);
    void *ctx;
    struct sl_arena arena; /* of one try */
    struct sl_call *call;
    struct sl_timer deadline, retry;
    struct sl_deferred end; /* `done` may end what called us: it runs behind them */
    struct sl_buf request, answer;
    struct iovec body;
    uint32_t ids[BATCH], n_ids, n_tries;
    struct sl_work **works; /* of a local model, by ask; NULL: over */
    uint32_t n_works;
    int status;
    char reason[160];
};

/* ---- jobs ---------------------------------------------------------------------------------- */

static void free_job(struct sl_engine_job *j)
{
    struct sl_loop *loop = j->l->loop;
    if (j->call)
        sl_call_cancel(j->call);
    sl_timer_stop(loop, &j->deadline);
    sl_timer_stop(loop, &j->retry);
    sl_loop_undefer(loop, &j->end);
    for (uint32_t i = 0; i < j->n_works; i++)
        if (j->works[i])
            sl_work_abandon(j->works[i]);
    free(j->works);
    *(j->prev ? &j->prev->next : &j->l->jobs) = j->next;
    if (j->next)
        j->next->prev = j->prev;
    sl_buf_free(&j->request);
    sl_buf_free(&j->answer);
    sl_arena_reset(&j->arena);
    free(j);
}

static void on_end_of_turn(struct sl_loop *loop, struct sl_deferred *d)
{
    struct sl_engine_job *j = SL_CONTAINER(d, struct sl_engine_job, end);
    void (*done)(void *ctx) = j->done;
    void *ctx = j->ctx;
    (void)loop;
    free_job(j);
    done(ctx);
}

static void finish(struct sl_engine_job *j)
{
    if (j->call)
        sl_call_cancel(j->call);
    j->call = NULL;
    sl_timer_stop(j->l->loop, &j->deadline);
    sl_timer_stop(j->l->loop, &j->retry);
    sl_loop_defer(j->l->loop, &j->end);
}

static void give_up(struct sl_engine_job *j, const char *reason)
{
    sl_str kept = sl_arena_dup(j->infer->arena, sl_str_from(reason));
    sl_infer_fail_open(j->infer, kept.p ? kept.p : "the embedding provider failed");
    const struct sl_embedding_cfg *cfg = &j->l->engine->cfg;
    sl_log(SL_LOG_WARN, "embedding_failed", "%.*s: %s",
           SL_FMT(cfg->is_remote ? cfg->remote.base_url : cfg->folder), reason);
    finish(j);
}

static void next_batch(struct sl_engine_job *j);
static void try_again(struct sl_engine_job *j);

static void take_answer(struct sl_engine_job *j)
{
    struct sl_engine *e = j->l->engine;
    struct sl_err err = {0};
    struct sl_vector *vectors = SL_NEW_ARRAY(j->infer->arena, struct sl_vector, j->n_ids);
    enum sl_rc rc = SL_NOMEM;
    if (vectors)
        rc = sl_remote_read(vectors, j->n_ids, sl_buf_str(&j->answer), &e->cfg, j->infer->arena,
                            &err);
    if (rc != SL_OK) {
        snprintf(j->reason, sizeof(j->reason), "%.150s",
                 err.message[0] ? err.message : "no memory");
        give_up(j, j->reason);
        return;
    }
    for (uint32_t i = 0; i < j->n_ids; i++) {
        sl_vector_cache_put(e->cache, j->infer->asks[j->ids[i]].text, vectors[i], 0);
        sl_infer_answer(j->infer, j->ids[i], vectors[i]);
    }
    j->n_tries = 0;
    next_batch(j);
}

static void on_head(void *ctx, const struct sl_response *response)
{
    ((struct sl_engine_job *)ctx)->status = response->status;
}

static void on_body(void *ctx, sl_str bytes)
{
    sl_buf_add(&((struct sl_engine_job *)ctx)->answer, bytes);
}

/* Worth another try: what may pass by itself. */
static bool is_passing(int status)
{
    return status == 408 || status == 429 || status >= 500;
}

static void on_end(void *ctx)
{
    struct sl_engine_job *j = ctx;
    const struct sl_engine *e = j->l->engine;
    j->call = NULL;
    if (j->status == 200 && !j->answer.is_full) {
        take_answer(j);
        return;
    }
    snprintf(j->reason, sizeof(j->reason), "it answered with %s %d%s",
             j->answer.is_full ? "too much, status" : "status", j->status,
             e->cfg.remote.api_key_env.n && !e->authorization.n
                 ? " (the variable of api_key_env is empty)"
                 : "");
    if (is_passing(j->status))
        try_again(j);
    else
        give_up(j, j->reason);
}

static void on_fail(void *ctx, enum sl_rc rc, enum sl_call_phase phase, bool was_sent,
                    bool got_bytes, const char *reason)
{
    struct sl_engine_job *j = ctx;
    (void)was_sent, (void)got_bytes; /* asking twice does no harm */
    j->call = NULL;
    snprintf(j->reason, sizeof(j->reason), "%s: %s", sl_call_phase_name(phase),
             reason ? reason : sl_rc_name(rc));
    try_again(j);
}

static bool add_headers(struct sl_engine_job *j, struct sl_headers *headers)
{
    const struct sl_engine *e = j->l->engine;
    enum sl_rc rc =
        sl_headers_add(headers, &j->arena, SL_STR("content-type"), SL_STR("application/json"));
    if (rc == SL_OK)
        rc = sl_headers_add(headers, &j->arena, SL_STR("accept"), SL_STR("application/json"));
    if (rc == SL_OK && e->authorization.n)
        rc = sl_headers_add(headers, &j->arena, SL_STR("authorization"), e->authorization);
    return rc == SL_OK;
}

/* Sends the batch at hand; false: no memory. */
static bool call(struct sl_engine_job *j)
{
    static const struct sl_call_callbacks callbacks = {
        .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_fail};
    const struct sl_engine *e = j->l->engine;
    struct sl_headers headers = {0};
    uint64_t timeout_ms = (uint64_t)e->cfg.remote.timeout_seconds * 1000;
    sl_arena_reset(&j->arena);
    sl_buf_reset(&j->answer);
    sl_buf_reset(&j->request);
    sl_remote_write(&j->request, &e->cfg, j->infer, j->ids, j->n_ids);
    if (!add_headers(j, &headers) || sl_buf_rc(&j->request) != SL_OK)
        return false;
    j->body = (struct iovec){j->request.p, j->request.n};
    const struct sl_request request = {
        .host = e->url.host,
        .port = e->url.port,
        .tls = e->tls,
        .method = SL_STR("POST"),
        .target = e->target,
        .headers = &headers,
        .body = &j->body,
        .n_body = 1,
        .timeouts = {.total_ms = timeout_ms},
        .arena = &j->arena,
    };
    j->call = sl_client_start(j->l->client, &request, &callbacks, j);
    return j->call != NULL;
}

static void on_retry(struct sl_loop *loop, struct sl_timer *timer)
{
    struct sl_engine_job *j = SL_CONTAINER(timer, struct sl_engine_job, retry);
    (void)loop;
    if (!call(j))
        give_up(j, "out of memory for the call");
}

static void try_again(struct sl_engine_job *j)
{
    if (j->n_tries++ >= (uint32_t)j->l->engine->cfg.remote.max_retries) {
        give_up(j, j->reason);
        return;
    }
    uint64_t delay = (uint64_t)RETRY_MS << (j->n_tries - 1 < 8 ? j->n_tries - 1 : 8);
    sl_timer_start(j->l->loop, &j->retry, delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS);
}

static bool choose_batch(struct sl_engine_job *j)
{
    j->n_ids = 0;
    for (uint32_t i = 0; i < j->infer->n && j->n_ids < BATCH; i++)
        if (j->infer->asks[i].status == SL_INFER_OPEN)
            j->ids[j->n_ids++] = i;
    return j->n_ids > 0;
}

static void next_batch(struct sl_engine_job *j)
{
    if (!choose_batch(j))
        finish(j);
    else if (!call(j))
        give_up(j, "out of memory for the call");
}

static void on_deadline(struct sl_loop *loop, struct sl_timer *timer)
{
    struct sl_engine_job *j = SL_CONTAINER(timer, struct sl_engine_job, deadline);
    (void)loop;
    give_up(j, "no answer within endpoint.timeout_seconds");
}

/* ---- a local model ------------------------------------------------------------------------- */

static bool start_works(struct sl_engine_job *j);

static void on_work(void *ctx, uint32_t tag, enum sl_work_end end,
                    const struct sl_local_result *result)
{
    struct sl_engine_job *j = ctx;
    struct sl_arena *arena = j->infer->arena;
    struct sl_vector vector = result->vector;
    float *copy = end == SL_WORK_DONE ? SL_NEW_ARRAY(arena, float, vector.n) : NULL;
    j->works[tag] = NULL;
    if (copy) {
        memcpy(copy, vector.p, vector.n * sizeof(float));
        sl_vector_cache_put(j->l->engine->cache, j->infer->asks[tag].text, vector, result->n_tok);
        j->infer->asks[tag].n_tok = result->n_tok;
        sl_infer_answer(j->infer, tag, (struct sl_vector){copy, vector.n});
    } else {
        sl_str kept =
            sl_arena_dup(arena, sl_str_from(result->error ? result->error : "out of memory"));
        j->infer->asks[tag].status = SL_INFER_FAILED;
        j->infer->asks[tag].error = kept.p ? kept.p : "out of memory";
    }
    for (uint32_t i = 0; i < j->n_works; i++)
        if (j->works[i])
            return;
    if (!sl_infer_count_open(j->infer) || !start_works(j))
        finish(j);
}

/*
 * Every open ask into the pool; false: none could be queued. Who is patient leaves what has no room
 * open until the others are over.
 */
static bool start_works(struct sl_engine_job *j)
{
    struct sl_infer *infer = j->infer;
    uint64_t limit_ms = (uint64_t)j->l->engine->cfg.remote.timeout_seconds * 1000;
    uint64_t deadline = limit_ms && !j->l->is_patient ? sl_clock_ns() + limit_ms * 1000000 : 0;
    bool any = false;
    free(j->works);
    j->works = calloc(infer->n + 1, sizeof(struct sl_work *));
    for (uint32_t i = 0; j->works && i < infer->n; i++) {
        if (infer->asks[i].status != SL_INFER_OPEN)
            continue;
        j->works[i] = sl_pool_start(j->l->engine->pool, j->l->loop, infer->asks[i].text, deadline,
                                    on_work, j, i);
        any |= j->works[i] != NULL;
        if (!j->works[i] && !(j->l->is_patient && any)) {
            infer->asks[i].status = SL_INFER_FAILED;
            infer->asks[i].error = "the model's queue is full";
        }
    }
    j->n_works = j->works ? infer->n : 0;
    return any;
}

void sl_engine_ask_cache(struct sl_engine *e, struct sl_infer *infer)
{
    struct sl_vector v;
    for (uint32_t i = 0; i < infer->n; i++)
        if (infer->asks[i].status == SL_INFER_OPEN &&
            sl_vector_cache_get(e->cache, infer->asks[i].text, infer->arena, &v,
                                &infer->asks[i].n_tok))
            sl_infer_answer(infer, i, v);
}

struct sl_engine_job *sl_engine_start(struct sl_engine_loop *l, struct sl_infer *infer,
                                      void (*done)(void *ctx), void *ctx)
{
    sl_engine_ask_cache(l->engine, infer);
    if (!sl_infer_count_open(infer))
        return NULL;
    struct sl_engine_job *j = calloc(1, sizeof(*j));
    if (!j) {
        sl_infer_fail_open(infer, "out of memory");
        return NULL;
    }
    *j = (struct sl_engine_job){.l = l,
                                .next = l->jobs,
                                .infer = infer,
                                .done = done,
                                .ctx = ctx,
                                .deadline = {.on_timer = on_deadline},
                                .retry = {.on_timer = on_retry},
                                .end = {.run = on_end_of_turn}};
    if (l->jobs)
        l->jobs->prev = j;
    l->jobs = j;
    sl_arena_init(&j->arena, NULL, JOB_MAX_BYTES);
    sl_buf_init(&j->request, JOB_MAX_BYTES);
    sl_buf_init(&j->answer, ANSWER_MAX_BYTES);
    choose_batch(j);
    if (l->engine->pool ? !start_works(j) : !call(j)) {
        sl_infer_fail_open(infer, "out of memory for the call");
        free_job(j);
        return NULL;
    }
    if (!l->engine->pool && l->engine->cfg.remote.timeout_seconds > 0)
        sl_timer_start(l->loop, &j->deadline,
                       (uint64_t)l->engine->cfg.remote.timeout_seconds * 1000);
    return j;
}

void sl_engine_cancel(struct sl_engine_job *j)
{
    free_job(j);
}

void sl_engine_drop_jobs(struct sl_engine_loop *l)
{
    while (l->jobs)
        free_job(l->jobs);
}
