/* A data loop: its proxy, its listeners, its thread, its end. */
#include "main/serve_parts.h"

#include "base/log.h"
#include "net/listen.h"

static void drained(void *ctx)
{
    struct serve_loop *l = ctx;
    if (l->n_undrained && --l->n_undrained == 0)
        sl_loop_stop(l->loop);
}

static void on_drain_limit(struct sl_loop *loop, struct sl_timer *timer)
{
    (void)timer;
    sl_log(SL_LOG_WARN, "drain_timeout",
           "requests were still running at the drain timeout; closing them");
    sl_loop_stop(loop);
}

static void begin_drain(struct sl_loop *loop, struct sl_message *message)
{
    struct serve_loop *l = SL_CONTAINER(message, struct serve_loop, drain);
    int64_t limit_ms = sl_proxy_config(l->proxy)->global.limits.drain_timeout_ms;
    l->drain_limit.on_timer = on_drain_limit;
    if (limit_ms > 0)
        sl_timer_start(loop, &l->drain_limit, (uint64_t)limit_ms);
    l->n_undrained = l->n_servers;
    for (uint32_t i = 0; i < l->n_servers; i++)
        sl_server_drain(l->servers[i], drained, l);
    if (!l->n_servers)
        sl_loop_stop(loop);
}

void serve_loop_drain(struct serve_loop *l)
{
    if (atomic_exchange(&l->is_draining, true)) {
        sl_loop_stop(l->loop);
        return;
    }
    l->drain.run = begin_drain;
    sl_loop_post(l->loop, &l->drain);
}

static void close_all(struct serve_loop *l)
{
    sl_timer_stop(l->loop, &l->drain_limit);
    for (uint32_t i = 0; i < l->n_servers; i++)
        sl_server_destroy(l->servers[i]);
    sl_loop_watch_free(l->watch);
    sl_proxy_destroy(l->proxy);
}

static void *run(void *arg)
{
    struct serve_loop *l = arg;
    struct serve *s = l->serve;
    sl_loop_run(l->loop);
    close_all(l);
    if (atomic_fetch_sub(&s->n_running, 1) == 1)
        sl_loop_post(s->loop, &s->all_stopped);
    return NULL;
}

static bool listen_all(struct serve_loop *l, struct sl_err *err)
{
    struct serve *s = l->serve;
    for (uint32_t i = 0; i < s->n_listeners; i++) {
        const struct sl_listener_cfg *cfg = &s->listeners[i];
        const struct sl_server_options options = {
            .handler = sl_proxy_handler(l->proxy, i),
            .limits = s->config->global.limits,
            .tls = s->tls[i],
            .share = &s->share,
        };
        uint16_t port = s->ports[i] ? s->ports[i] : (uint16_t)cfg->port;
        if (l->index == 0 && sl_listen_is_free(cfg->address, port, err) != SL_OK)
            return false;
        if (sl_server_listen(&l->servers[i], l->loop, cfg->address, port, &options, &s->ports[i],
                             err) != SL_OK)
            return false;
        l->n_servers++;
    }
    return true;
}

bool serve_loop_start(struct serve *s, uint32_t index, struct sl_err *err)
{
    struct serve_loop *l = &s->loops[index];
    *l = (struct serve_loop){.serve = s, .index = index};
    if (sl_loop_create(&l->loop) != SL_OK) {
        sl_err_set(err, SL_IO, "no event loop: the system refuses epoll or memory");
        return false;
    }
    bool is_up =
        sl_proxy_create(&l->proxy, l->loop, &s->runtime, s->config, index == 0, err) == SL_OK &&
        listen_all(l, err);
    l->watch = is_up ? sl_loop_watch_new(l->loop) : NULL;
    for (uint32_t i = 0; i < l->n_servers; i++)
        sl_loop_watch_server(l->watch, l->servers[i]);
    if (is_up)
        sl_loop_watch_client(l->watch, sl_proxy_client(l->proxy));
    if (is_up && pthread_create(&l->thread, NULL, run, l) != 0) {
        sl_err_set(err, SL_NOMEM, "no thread for an event loop");
        is_up = false;
    }
    if (!is_up) {
        close_all(l);
        sl_loop_destroy(l->loop);
    }
    return is_up;
}

void serve_loop_use(struct serve_loop *l, const struct sl_limits_cfg *limits,
                    struct sl_tls_context *const tls[SL_PROXY_MAX_LISTENERS])
{
    for (uint32_t i = 0; i < l->n_servers; i++)
        sl_server_use(l->servers[i], limits, tls[i]);
}

void serve_loop_join(struct serve_loop *l)
{
    pthread_join(l->thread, NULL);
}

void serve_loop_free(struct serve_loop *l)
{
    sl_loop_run_posted(l->loop);
    sl_loop_destroy(l->loop);
}
