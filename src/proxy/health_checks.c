/*
 * Active health checks of a snapshot's backends, on one loop: GET health_check_path, 2xx passes.
 * Schedule and thresholds are upstream/health.c; here are the timer and the probes.
 */
#include "proxy/parts.h"

#include "base/log.h"
#include "proxy/upstream/health.h"

#include <stdlib.h>

#define TICK_MS 100

struct probe {
    struct sl_health health;
    struct sl_health_checks *owner;
    const struct sl_model_cfg *model;
    const struct sl_backend_cfg *backend;
    struct sl_call *call;
    struct sl_arena arena;
    int status;
};

struct sl_health_checks {
    struct sl_proxy *proxy;
    struct sl_timer tick;
    struct probe *probes;
    uint32_t n;
};

static void ended(struct probe *p, bool has_passed)
{
    p->call = NULL;
    sl_arena_reset(&p->arena);
    if (!sl_health_result(&p->health, has_passed, sl_loop_now_ns(p->owner->proxy->loop)))
        return;
    sl_log(has_passed ? SL_LOG_INFO : SL_LOG_WARN, "backend_health",
           "backend %.*s is %s (last status %d)", SL_FMT(p->backend->name),
           has_passed ? "healthy again" : "unhealthy: out of rotation", p->status);
}

static void on_head(void *ctx, const struct sl_response *response)
{
    ((struct probe *)ctx)->status = response->status;
}

static void on_body(void *ctx, sl_str bytes)
{
    (void)ctx;
    (void)bytes;
}

static void on_end(void *ctx)
{
    struct probe *p = ctx;
    ended(p, p->status >= 200 && p->status < 300);
}

static void on_fail(void *ctx, enum sl_rc rc, enum sl_call_phase phase, bool was_sent,
                    bool got_bytes, const char *reason)
{
    (void)rc, (void)phase, (void)was_sent, (void)got_bytes, (void)reason;
    ended(ctx, false);
}

static void begin(struct probe *p)
{
    static const struct sl_call_callbacks callbacks = {
        .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_fail};
    static struct sl_header header = {SL_STR_INIT("user-agent"), SL_STR_INIT("sluice-health")};
    const struct sl_headers headers = {.items = &header, .n = 1, .cap = 1};
    uint64_t timeout_ms = (uint64_t)p->model->reliability.health_check_timeout_ms;
    const struct sl_request request = {
        .host = p->backend->host,
        .port = p->backend->port,
        .tls = p->backend->is_tls ? p->owner->proxy->runtime.tls : NULL,
        .method = SL_STR("GET"),
        .target = p->model->reliability.health_check_path,
        .headers = &headers,
        .timeouts = {.connect_ms = timeout_ms, .total_ms = timeout_ms},
        .arena = &p->arena,
    };
    p->status = 0;
    p->call = sl_client_start(p->owner->proxy->client, &request, &callbacks, p);
    if (!p->call)
        ended(p, false);
}

static void on_tick(struct sl_loop *loop, struct sl_timer *timer)
{
    struct sl_health_checks *c = SL_CONTAINER(timer, struct sl_health_checks, tick);
    uint64_t now = sl_loop_now_ns(loop);
    for (uint32_t i = 0; i < c->n; i++)
        if (sl_health_begin(&c->probes[i].health, now))
            begin(&c->probes[i]);
    sl_timer_start(loop, &c->tick, TICK_MS);
}

static void init_probe(struct probe *p, struct sl_health_checks *c,
                       const struct sl_model_cfg *model, uint32_t i, struct sl_endpoint_state *s)
{
    const uint64_t ms = 1000000;
    p->owner = c;
    p->model = model;
    p->backend = &model->backends[i];
    sl_arena_init(&p->arena, sl_loop_arena_pool(c->proxy->loop), 256 << 10);
    sl_health_init(&p->health, s, (uint64_t)model->reliability.health_check_interval_ms * ms,
                   sl_loop_now_ns(c->proxy->loop), sl_proxy_random(c->proxy));
}

enum sl_rc sl_health_checks_start(struct sl_health_checks **out, struct sl_proxy *proxy,
                                  struct sl_lane *lane)
{
    const struct sl_config *config = lane->config;
    uint32_t n = 0;
    for (uint32_t m = 0; m < config->n_models; m++)
        if (config->models[m].reliability.health_check_path.n)
            n += lane->balances[m].n;
    *out = NULL;
    if (!n)
        return SL_OK;
    struct sl_health_checks *c = calloc(1, sizeof(*c));
    struct probe *probes = calloc(n, sizeof(*probes));
    if (!c || !probes) {
        free(c);
        free(probes);
        return SL_NOMEM;
    }
    c->proxy = proxy;
    c->probes = probes;
    for (uint32_t m = 0; m < config->n_models; m++) {
        if (!config->models[m].reliability.health_check_path.n)
            continue;
        for (uint32_t i = 0; i < lane->balances[m].n; i++)
            init_probe(&probes[c->n++], c, &config->models[m], i,
                       lane->balances[m].members[i].state);
    }
    c->tick.on_timer = on_tick;
    sl_timer_start(proxy->loop, &c->tick, TICK_MS);
    *out = c;
    return SL_OK;
}

void sl_health_checks_stop(struct sl_health_checks *c)
{
    if (!c)
        return;
    sl_timer_stop(c->proxy->loop, &c->tick);
    for (uint32_t i = 0; i < c->n; i++) {
        if (c->probes[i].call)
            sl_call_cancel(c->probes[i].call);
        sl_arena_reset(&c->probes[i].arena);
    }
    free(c->probes);
    free(c);
}
