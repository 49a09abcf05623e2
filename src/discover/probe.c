/* Asks every local source for its lists, all at once, on a loop of its own. */
#include "discover/discover_impl.h"
#include "http/client.h"
#include "net/resolver.h"

#define MAX_BODY (1u << 20)
#define MAX_ASKS 32

struct probe;

struct ask {
    struct probe *probe;
    uint32_t source;
    int status;
    struct sl_arena arena;
    struct sl_buf body;
};

struct probe {
    struct sl_pool *pool;
    struct sl_loop *loop;
    struct sl_client *client;
    struct ask asks[MAX_ASKS];
    unsigned n_asks, n_open;
};

static void close_ask(struct ask *ask)
{
    if (--ask->probe->n_open == 0)
        sl_loop_stop(ask->probe->loop);
}

static void on_head(void *ctx, const struct sl_response *response)
{
    ((struct ask *)ctx)->status = response->status;
}

static void on_body(void *ctx, sl_str bytes)
{
    sl_buf_add(&((struct ask *)ctx)->body, bytes);
}

static void on_end(void *ctx)
{
    struct ask *ask = ctx;
    if (ask->status == 200 && !ask->body.is_full) {
        sl_str body = sl_arena_dup(&ask->probe->pool->arena, sl_buf_str(&ask->body));
        if (body.p)
            sl_shape_read(ask->probe->pool, ask->source, body);
        ask->probe->pool->sources[ask->source].has_answered = true;
    }
    close_ask(ask);
}

static void on_fail(void *ctx, enum sl_rc rc, enum sl_call_phase phase, bool was_sent,
                    bool got_bytes, const char *reason)
{
    (void)rc;
    (void)phase;
    (void)was_sent;
    (void)got_bytes;
    (void)reason;
    close_ask(ctx);
}

static void start(struct probe *p, uint32_t source, const char *path, uint64_t timeout_ms)
{
    static const struct sl_call_callbacks callbacks = {
        .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_fail};
    static const struct sl_headers no_headers = {0};
    if (p->n_asks == MAX_ASKS)
        return;
    struct ask *ask = &p->asks[p->n_asks++];
    ask->probe = p;
    ask->source = source;
    sl_arena_init(&ask->arena, NULL, 1 << 20);
    sl_buf_init(&ask->body, MAX_BODY);
    struct sl_request request = {
        .host = p->pool->sources[source].host,
        .port = p->pool->sources[source].port,
        .method = SL_STR("GET"),
        .target = sl_str_from(path),
        .headers = &no_headers,
        .timeouts = {.connect_ms = timeout_ms, .total_ms = timeout_ms},
        .arena = &ask->arena,
    };
    if (sl_client_start(p->client, &request, &callbacks, ask))
        p->n_open++;
}

static const char *details_path(const struct sl_source *source)
{
    for (const struct sl_usual_server *s = sl_usual_servers; s->name; s++)
        if (s->port == source->port)
            return s->details_path;
    return NULL;
}

enum sl_rc sl_probe(struct sl_pool *pool, uint64_t timeout_ms)
{
    struct probe p = {.pool = pool};
    struct sl_resolver *resolver = NULL;
    struct sl_resolver_options names = {0};
    enum sl_rc rc = sl_loop_create(&p.loop);
    if (rc != SL_OK)
        return rc;
    rc = sl_resolver_create(&resolver, &names);
    if (rc != SL_OK)
        goto out;
    struct sl_client_options options = {.resolver = resolver};
    rc = sl_client_create(&p.client, p.loop, &options);
    if (rc != SL_OK)
        goto out;
    for (uint32_t i = 0; i < pool->n_sources; i++) {
        if (!pool->sources[i].is_local)
            continue;
        start(&p, i, "/v1/models", timeout_ms);
        if (details_path(&pool->sources[i]))
            start(&p, i, details_path(&pool->sources[i]), timeout_ms);
    }
    if (p.n_open)
        sl_loop_run(p.loop);
    sl_client_destroy(p.client);
out:
    for (unsigned i = 0; i < p.n_asks; i++) {
        sl_arena_reset(&p.asks[i].arena);
        sl_buf_free(&p.asks[i].body);
    }
    if (resolver)
        sl_resolver_destroy(resolver);
    sl_loop_destroy(p.loop);
    return rc;
}
