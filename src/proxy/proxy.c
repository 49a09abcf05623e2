/* A loop's proxy: what it owns, and adopting a configuration. */
#include "proxy/proxy.h"

#include "base/hash.h"
#include "proxy/parts.h"

#include <stdlib.h>
#include <sys/random.h>

#define WARM_MAX_BYTES ((size_t)16 << 20)

uint64_t sl_proxy_random(struct sl_proxy *proxy)
{
    proxy->random += 0x9e3779b97f4a7c15u;
    return sl_hash_u64(proxy->random, 0x2545f4914f6cdd1du);
}

static void init_handlers(struct sl_proxy *proxy)
{
    for (uint32_t i = 0; i < SL_PROXY_MAX_LISTENERS; i++) {
        proxy->apps[i].proxy = proxy;
        proxy->apps[i].listener = i;
        proxy->apps[i].handler = (struct sl_handler){
            .app = &proxy->apps[i],
            .on_request = sl_px_on_request,
            .on_end = sl_px_on_end,
            .on_drain = sl_px_on_drain,
            .on_done = sl_px_on_done,
        };
    }
}

/* The lane of a configuration, with this loop's working memory warm for its policy. */
static enum sl_rc open_lane(struct sl_lane **out, struct sl_proxy *proxy, struct sl_config *config,
                            struct sl_err *err)
{
    struct sl_arena arena;
    enum sl_rc rc = sl_lane_create(out, proxy, config, err);
    if (rc != SL_OK)
        return rc;
    sl_arena_init(&arena, sl_loop_arena_pool(proxy->loop), WARM_MAX_BYTES);
    sl_route_warm(config, proxy->scratch, &arena);
    sl_arena_reset(&arena);
    return SL_OK;
}

enum sl_rc sl_proxy_create(struct sl_proxy **out, struct sl_loop *loop,
                           const struct sl_runtime *runtime, struct sl_config *config,
                           bool checks_health, struct sl_err *err)
{
    struct sl_proxy *proxy = calloc(1, sizeof(*proxy));
    if (!proxy)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    proxy->loop = loop;
    proxy->runtime = *runtime;
    proxy->checks_health = checks_health;
    if (getrandom(&proxy->random, sizeof(proxy->random), 0) != sizeof(proxy->random))
        proxy->random = (uint64_t)(uintptr_t)proxy;
    const struct sl_client_options options = {.resolver = runtime->resolver};
    enum sl_rc rc = sl_client_create(&proxy->client, loop, &options);
    proxy->scratch = sl_scratch_new();
    proxy->metrics = sl_metrics_new();
    proxy->log = sl_access_log_new(loop, runtime->access_log_fd, runtime->is_access_log_json);
    init_handlers(proxy);
    if (rc != SL_OK || !proxy->scratch || !proxy->metrics || !proxy->log) {
        sl_err_set(err, SL_NOMEM, "out of memory");
        rc = SL_NOMEM;
        goto out;
    }
    proxy->cell_routing = sl_metrics_cell(proxy->metrics, SL_M_ROUTING_LATENCY, NULL, 0);
    proxy->cell_evaluations = sl_metrics_cell(proxy->metrics, SL_M_DECISION_EVALUATIONS, NULL, 0);
    proxy->cell_evaluation_s = sl_metrics_cell(proxy->metrics, SL_M_DECISION_LATENCY, NULL, 0);
    proxy->cell_streams = sl_metrics_cell(proxy->metrics, SL_M_HTTP_STREAMS, NULL, 0);
    rc = open_lane(&proxy->lane, proxy, config, err);
out:
    if (rc != SL_OK) {
        sl_proxy_destroy(proxy);
        proxy = NULL;
    }
    *out = proxy;
    return rc;
}

void sl_proxy_destroy(struct sl_proxy *proxy)
{
    if (!proxy)
        return;
    sl_lane_unref(proxy->lane);
    sl_client_destroy(proxy->client);
    if (proxy->log)
        sl_access_log_free(proxy->log);
    if (proxy->metrics)
        sl_metrics_free(proxy->metrics);
    if (proxy->scratch)
        sl_scratch_free(proxy->scratch);
    free(proxy);
}

enum sl_rc sl_proxy_adopt(struct sl_proxy *proxy, struct sl_config *config, struct sl_err *err)
{
    struct sl_lane *lane;
    enum sl_rc rc = open_lane(&lane, proxy, config, err);
    if (rc != SL_OK)
        return rc;
    /* Streams may hold the old snapshot for long; its health checks end now. */
    sl_health_checks_stop(proxy->lane->checks);
    proxy->lane->checks = NULL;
    sl_lane_unref(proxy->lane);
    proxy->lane = lane;
    return SL_OK;
}

void sl_proxy_use_tls(struct sl_proxy *proxy, struct sl_tls_context *tls)
{
    proxy->runtime.tls = tls;
}

struct sl_config *sl_proxy_config(const struct sl_proxy *proxy)
{
    return proxy->lane->config;
}

const struct sl_client *sl_proxy_client(const struct sl_proxy *proxy)
{
    return proxy->client;
}

const struct sl_handler *sl_proxy_handler(struct sl_proxy *proxy, uint32_t listener)
{
    return &proxy->apps[listener < SL_PROXY_MAX_LISTENERS ? listener : 0].handler;
}
