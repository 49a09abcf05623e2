/* Engines: opened from a configuration, shared, taught a policy's examples; see engine.h. */
#include "infer/engine_parts.h"

#include "net/resolver.h"
#include "net/tls.h"
#include "route/policy.h"

#include <stdlib.h>

#define CACHE_BYTES        ((size_t)16 << 20)
#define MAX_EXAMPLES       100000u /* of one policy */
#define EXAMPLES_MAX_BYTES ((size_t)512 << 20)

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
    sl_engine_drop_jobs(l);
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
    sl_engine_ask_cache(engine, infer);
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
    sl_arena_init(&arena, NULL, EXAMPLES_MAX_BYTES);
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
