/*
 * Engines and their jobs, see engine.h. A job asks the cache first; what is left goes to the
 * provider in batches, one after the other, with retries, all within one deadline.
 */
#include "infer/engine.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/client.h"
#include "http/url.h"
#include "infer/pool.h"
#include "infer/remote.h"
#include "infer/vector_cache.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "route/policy.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define CACHE_BYTES      ((size_t)16 << 20)
#define BATCH            128u /* texts of one call */
#define ANSWER_MAX_BYTES ((size_t)64 << 20)
#define JOB_MAX_BYTES    ((size_t)512 << 20)
#define MAX_EXAMPLES     100000u /* of one policy */
#define RETRY_MS         50      /* doubled with each try */
#define RETRY_MAX_MS     500

struct sl_engine {
    _Atomic uint32_t refs;
    struct sl_arena arena; /* of the settings */
    struct sl_embedding_cfg cfg;
    struct sl_url url;
    sl_str target;        /* path with /embeddings */
    sl_str authorization; /* empty: none is sent */
    struct sl_tls_context *tls;
    struct sl_local_model *model; /* NULL: the provider is asked */
    struct sl_pool *pool;
    struct sl_vector_cache *cache;
};

struct sl_engine_loop {
    struct sl_engine *engine;
    struct sl_loop *loop;
    struct sl_client *client;
    struct sl_engine_job *jobs;
    bool is_patient; /* a loading thread: examples may take their time */
};

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

/* ---- engines ------------------------------------------------------------------------------- */

static sl_str keep(struct sl_engine *e, sl_str text)
{
    return sl_arena_dup(&e->arena, text);
}

/* Query dropped, /embeddings added where it is not. */
static sl_str target_of(struct sl_engine *e)
{
    sl_str path = sl_str_sub(e->url.target, 0, sl_str_chr(e->url.target, '?'));
    while (path.n && path.p[path.n - 1] == '/')
        path.n--;
    return sl_str_ends(path, SL_STR("/embeddings"))
               ? path
               : sl_arena_printf(&e->arena, "%.*s/embeddings", SL_FMT(path));
}

static enum sl_rc open_remote(struct sl_engine *e, struct sl_err *err)
{
    struct sl_embedding_cfg *cfg = &e->cfg;
    cfg->remote.base_url = keep(e, cfg->remote.base_url);
    cfg->remote.model = keep(e, cfg->remote.model);
    cfg->remote.api_key_env = keep(e, cfg->remote.api_key_env);
    if (!sl_url_parse(cfg->remote.base_url, &e->url))
        return sl_err_set(err, SL_INVALID,
                          "embeddings.semantic.endpoint.base_url \"%.*s\" is no http(s) URL",
                          SL_FMT(cfg->remote.base_url));
    e->target = target_of(e);
    const char *key = cfg->remote.api_key_env.n ? getenv(cfg->remote.api_key_env.p) : NULL;
    if (key && *key)
        e->authorization = sl_arena_printf(&e->arena, "Bearer %s", key);
    if (!e->target.p || !cfg->remote.model.p)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    const struct sl_tls_client_options trust = {.ca_file = NULL};
    return e->url.is_tls ? sl_tls_client_create(&e->tls, &trust, err) : SL_OK;
}

static enum sl_rc open_local(struct sl_engine *e, struct sl_err *err)
{
    const struct sl_local_options options = {.layer = e->cfg.layer};
    const struct sl_pool_options pool = {.n_threads = 0};
    e->cfg.folder = keep(e, e->cfg.folder);
    if (!e->cfg.folder.p)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    enum sl_rc rc = sl_local_open(&e->model, e->cfg.folder.p, &options, err);
    return rc == SL_OK ? sl_pool_create(&e->pool, e->model, &pool, err) : rc;
}

static bool is_same(const struct sl_engine *e, const struct sl_embedding_cfg *cfg)
{
    const char *key = cfg->remote.api_key_env.n ? getenv(cfg->remote.api_key_env.p) : NULL;
    sl_str bearer =
        e->authorization.n ? sl_str_sub(e->authorization, 7, e->authorization.n) : SL_STR("");
    if (!cfg->is_remote)
        return !e->cfg.is_remote && sl_str_eq(e->cfg.folder, cfg->folder) &&
               e->cfg.layer == cfg->layer;
    return e->cfg.is_remote && e->cfg.dimension == cfg->dimension &&
           sl_str_eq(e->cfg.remote.base_url, cfg->remote.base_url) &&
           sl_str_eq(e->cfg.remote.model, cfg->remote.model) &&
           e->cfg.remote.dimensions == cfg->remote.dimensions &&
           e->cfg.remote.timeout_seconds == cfg->remote.timeout_seconds &&
           e->cfg.remote.max_retries == cfg->remote.max_retries &&
           sl_str_eq(bearer, key ? sl_str_from(key) : SL_STR(""));
}

enum sl_rc sl_engine_open(struct sl_engine **out, const struct sl_config *config,
                          struct sl_engine *previous, struct sl_err *err)
{
    const struct sl_embedding_cfg *cfg = &config->global.embedding;
    *out = NULL;
    if (cfg->lacks)
        return SL_OK;
    if (previous && is_same(previous, cfg)) {
        *out = sl_engine_ref(previous);
        return SL_OK;
    }
    struct sl_engine *e = calloc(1, sizeof(*e));
    if (!e)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    atomic_init(&e->refs, 1);
    sl_arena_init(&e->arena, NULL, 1 << 20);
    e->cfg = *cfg;
    enum sl_rc rc = cfg->is_remote ? open_remote(e, err) : open_local(e, err);
    if (rc == SL_OK)
        rc = sl_vector_cache_create(&e->cache, CACHE_BYTES);
    if (rc != SL_OK) {
        sl_engine_unref(e);
        return rc;
    }
    *out = e;
    return SL_OK;
}

struct sl_engine *sl_engine_ref(struct sl_engine *e)
{
    if (e)
        atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
    return e;
}

void sl_engine_unref(struct sl_engine *e)
{
    if (!e || atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
        return;
    sl_pool_destroy(e->pool);
    sl_local_close(e->model);
    sl_vector_cache_destroy(e->cache);
    sl_tls_unref(e->tls);
    sl_arena_reset(&e->arena);
    free(e);
}

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

static void ask_cache(struct sl_engine *e, struct sl_infer *infer)
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
    ask_cache(l->engine, infer);
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

/* ---- loops --------------------------------------------------------------------------------- */

enum sl_rc sl_engine_loop_create(struct sl_engine_loop **out, struct sl_engine *engine,
                                 struct sl_loop *loop, struct sl_resolver *resolver)
{
    struct sl_engine_loop *l = calloc(1, sizeof(*l));
    if (!l)
        return SL_NOMEM;
    *l = (struct sl_engine_loop){.engine = sl_engine_ref(engine), .loop = loop};
    const struct sl_client_options options = {.resolver = resolver};
    enum sl_rc rc = sl_client_create(&l->client, loop, &options);
    if (rc != SL_OK) {
        sl_engine_loop_destroy(l);
        return rc;
    }
    *out = l;
    return SL_OK;
}

void sl_engine_loop_destroy(struct sl_engine_loop *l)
{
    if (!l)
        return;
    while (l->jobs)
        free_job(l->jobs);
    if (l->client)
        sl_client_destroy(l->client);
    sl_engine_unref(l->engine);
    free(l);
}

static void stop(void *ctx)
{
    sl_loop_stop(ctx);
}

static bool start_patiently(struct sl_engine_loop *l, struct sl_infer *infer, struct sl_loop *loop)
{
    l->is_patient = true;
    return sl_engine_start(l, infer, stop, loop) != NULL;
}

void sl_engine_wait(struct sl_engine *engine, struct sl_infer *infer)
{
    struct sl_loop *loop = NULL;
    struct sl_resolver *resolver = NULL;
    struct sl_engine_loop *l = NULL;
    const struct sl_resolver_options names = {0};
    ask_cache(engine, infer);
    if (!sl_infer_count_open(infer))
        return;
    if (sl_loop_create(&loop) == SL_OK && sl_resolver_create(&resolver, &names) == SL_OK &&
        sl_engine_loop_create(&l, engine, loop, resolver) == SL_OK &&
        start_patiently(l, infer, loop))
        sl_loop_run(loop);
    sl_engine_loop_destroy(l);
    if (resolver)
        sl_resolver_destroy(resolver);
    if (loop)
        sl_loop_destroy(loop);
    sl_infer_fail_open(infer, "out of memory");
}

enum sl_rc sl_engine_teach(struct sl_engine *engine, struct sl_config *config, struct sl_err *err)
{
    struct sl_arena arena;
    struct sl_infer infer;
    if (!engine)
        return SL_OK;
    sl_arena_init(&arena, NULL, JOB_MAX_BYTES);
    sl_infer_init(&infer, &arena, MAX_EXAMPLES);
    enum sl_rc rc = sl_policy_ask(config, &infer);
    if (rc != SL_OK)
        sl_err_set(err, rc, "the rules have more than %u examples", MAX_EXAMPLES);
    if (rc == SL_OK) {
        sl_engine_wait(engine, &infer);
        rc = sl_policy_learn(config, &infer, err);
    }
    sl_arena_reset(&arena);
    return rc;
}

enum sl_rc sl_engine_attach(struct sl_config *config, struct sl_engine *previous,
                            struct sl_err *err)
{
    enum sl_rc rc = sl_engine_open(&config->engine, config, previous, err);
    config->free_engine = sl_engine_unref;
    if (rc == SL_OK)
        rc = sl_engine_teach(config->engine, config, err);
    config->lacks_examples = rc == SL_IO;
    return rc;
}
