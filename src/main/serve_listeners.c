/*
 * The data listeners of a process: which they are, their certificates, and what of them a reload
 * changes. Limits and certificates follow a reload; addresses are bound once, at start.
 */
#include "main/serve_parts.h"

#include "base/log.h"

#include <stdio.h>

bool serve_pick_listeners(struct serve *s, struct sl_err *err)
{
    const struct sl_config *config = s->config;
    s->listeners = config->listeners;
    s->n_listeners = config->n_listeners;
    if (s->options.has_listen) {
        s->override = (struct sl_listener_cfg){
            .name = SL_STR("http"),
            .address = s->options.listen_address,
            .port = s->options.listen_port,
            .timeout_ms = config->n_listeners ? config->listeners[0].timeout_ms : 0,
        };
        s->listeners = &s->override;
        s->n_listeners = 1;
    }
    if (!s->n_listeners) {
        sl_err_set(err, SL_INVALID,
                   "the configuration has no listeners; add one or give --listen ADDR:PORT");
        return false;
    }
    if (s->n_listeners > SL_PROXY_MAX_LISTENERS) {
        sl_err_set(err, SL_LIMIT, "more than %d listeners", SL_PROXY_MAX_LISTENERS);
        return false;
    }
    return true;
}

static bool open_tls(struct sl_tls_context **out, const struct sl_tls_cfg *t, struct sl_err *err)
{
    char cert[4096], key[4096], ca[4096];
    *out = NULL;
    if (!t->cert_file.n)
        return true;
    snprintf(cert, sizeof(cert), "%.*s", SL_FMT(t->cert_file));
    snprintf(key, sizeof(key), "%.*s", SL_FMT(t->key_file));
    snprintf(ca, sizeof(ca), "%.*s", SL_FMT(t->client_ca_file));
    const struct sl_tls_server_options options = {
        .cert_file = cert, .key_file = key, .client_ca_file = ca[0] ? ca : NULL};
    return sl_tls_server_create(out, &options, err) == SL_OK;
}

void serve_tls_release(struct sl_tls_context *const tls[SL_PROXY_MAX_LISTENERS])
{
    for (uint32_t i = 0; i < SL_PROXY_MAX_LISTENERS; i++)
        sl_tls_unref(tls[i]);
}

static bool is_at(const struct sl_listener_cfg *a, const struct sl_listener_cfg *b)
{
    return a->port == b->port && sl_str_eq(a->address, b->address);
}

/* The configuration's listener that runs as number i, NULL when it moved or went. */
static const struct sl_listener_cfg *running(const struct serve *s, const struct sl_config *config,
                                             uint32_t i)
{
    if (s->options.has_listen)
        return &s->override;
    bool is_there = i < config->n_listeners && is_at(&config->listeners[i], &s->listeners[i]);
    return is_there ? &config->listeners[i] : NULL;
}

bool serve_open_listener_tls(const struct serve *s, const struct sl_config *config,
                             struct sl_tls_context *tls[SL_PROXY_MAX_LISTENERS], struct sl_err *err)
{
    memset(tls, 0, SL_PROXY_MAX_LISTENERS * sizeof(*tls));
    for (uint32_t i = 0; i < s->n_listeners; i++) {
        const struct sl_listener_cfg *l = running(s, config, i);
        if (!l) {
            tls[i] = sl_tls_ref(s->tls[i]);
        } else if (!open_tls(&tls[i], &l->tls, err)) {
            serve_tls_release(tls);
            memset(tls, 0, SL_PROXY_MAX_LISTENERS * sizeof(*tls));
            return false;
        }
    }
    return true;
}

void serve_log_moved_listeners(const struct serve *s, const struct sl_config *config)
{
    for (uint32_t i = 0; i < s->n_listeners; i++)
        if (!running(s, config, i))
            sl_log(SL_LOG_WARN, "restart_needed",
                   "listener \"%.*s\" goes on at %.*s:%u: it was moved or removed in the file, "
                   "which takes a restart",
                   SL_FMT(s->listeners[i].name), SL_FMT(s->listeners[i].address), s->ports[i]);
    for (uint32_t i = 0; i < config->n_listeners && !s->options.has_listen; i++) {
        const struct sl_listener_cfg *l = &config->listeners[i];
        if (i >= s->n_listeners || !is_at(l, &s->listeners[i]))
            sl_log(SL_LOG_WARN, "restart_needed",
                   "listener \"%.*s\" at %.*s:%u is not opened: that takes a restart",
                   SL_FMT(l->name), SL_FMT(l->address), (unsigned)l->port);
    }
}

void serve_log_fixed_settings(const struct serve *s, const struct sl_config *config)
{
    const struct sl_global_cfg *before = &s->first->global, *now = &config->global;
    if (before->limits.loops != now->limits.loops)
        sl_log(SL_LOG_WARN, "restart_needed",
               "global.router.limits.loops changed from %lld to %lld, which takes a restart",
               (long long)before->limits.loops, (long long)now->limits.loops);
    if (!s->options.has_management_port &&
        (before->management.port != now->management.port ||
         !sl_str_eq(before->management.bind_address, now->management.bind_address)))
        sl_log(SL_LOG_WARN, "restart_needed",
               "the management address goes on at %.*s:%lld: moving it takes a restart",
               SL_FMT(before->management.bind_address), (long long)before->management.port);
}
