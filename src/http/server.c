/* The HTTP server: listening, accepting, draining. Connections are in server_conn.c. */
#include "http/server_parts.h"
#include "net/listen.h"
#include "net/tls.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define ACCEPTS_PER_TURN 64
#define ACCEPT_RETRY_MS  100

static int64_t or_default(int64_t configured, int64_t value)
{
    return configured > 0 ? configured : value;
}

static void fill_limits(struct sl_limits_cfg *l)
{
    l->max_header_bytes = or_default(l->max_header_bytes, 64 << 10);
    l->max_body_bytes = or_default(l->max_body_bytes, 32 << 20);
    l->max_connections = or_default(l->max_connections, INT64_MAX);
    l->header_timeout_ms = or_default(l->header_timeout_ms, 10000);
    l->body_timeout_ms = or_default(l->body_timeout_ms, 30000);
    l->idle_timeout_ms = or_default(l->idle_timeout_ms, 75000);
    if (l->max_header_bytes > 1 << 24)
        l->max_header_bytes = 1 << 24;
}

static bool is_full(const struct sl_server *s)
{
    uint64_t max = (uint64_t)s->limits.max_connections;
    if (!s->share)
        return s->stats.active >= max;
    uint64_t active = atomic_load_explicit(&s->share->active, memory_order_relaxed);
    return active >= max || active >= s->share->most;
}

/* False when there is nothing more to accept now. */
static bool accept_one(struct sl_server *s)
{
    struct sockaddr_storage from;
    socklen_t n = sizeof from;
    int fd = accept4(s->listener.fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == ECONNABORTED || errno == EINTR)
            return true;
        if (errno != EAGAIN) {
            if (!s->is_short)
                sl_log(SL_LOG_WARN, "accept_failed", "cannot accept connections: %s",
                       strerrordesc_np(errno));
            s->is_short = true;
            sl_timer_start(s->loop, &s->accept_again, ACCEPT_RETRY_MS);
        }
        return false;
    }
    struct sl_address peer;
    if (is_full(s) || !sl_address_from((struct sockaddr *)&from, &peer)) {
        s->stats.rejected++;
        close(fd);
        return true;
    }
    s->is_short = false;
    s->stats.accepted++;
    connection_open(s, fd, &peer);
    return true;
}

static void accept_some(struct sl_server *s)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++)
        if (s->listener.fd < 0 || !accept_one(s))
            return;
    sl_loop_defer(s->loop, &s->later);
}

static void on_listener(struct sl_loop *loop, struct sl_io *io, uint32_t events)
{
    (void)loop;
    (void)events;
    accept_some(SL_CONTAINER(io, struct sl_server, listener));
}

static void on_accept_again(struct sl_loop *loop, struct sl_timer *timer)
{
    (void)loop;
    accept_some(SL_CONTAINER(timer, struct sl_server, accept_again));
}

static void run_later(struct sl_loop *loop, struct sl_deferred *d)
{
    (void)loop;
    struct sl_server *s = SL_CONTAINER(d, struct sl_server, later);
    if (!s->is_draining) {
        accept_some(s);
    } else if (!s->first && s->on_drained) {
        void (*on_drained)(void *ctx) = s->on_drained;
        s->on_drained = NULL;
        on_drained(s->drained_ctx);
    }
}

enum sl_rc sl_server_listen(struct sl_server **out, struct sl_loop *loop, sl_str address,
                            uint16_t port, const struct sl_server_options *options,
                            uint16_t *bound_port, struct sl_err *err)
{
    struct sl_server *s = calloc(1, sizeof *s);
    if (!s)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    enum sl_rc rc = sl_listen(address, port, &s->listener.fd, bound_port, err);
    if (rc != SL_OK) {
        free(s);
        return rc;
    }
    s->loop = loop;
    s->listener.on_event = on_listener;
    s->accept_again.on_timer = on_accept_again;
    s->later.run = run_later;
    s->handler = *options->handler;
    s->share = options->share;
    s->limits = options->limits;
    fill_limits(&s->limits);
    s->tls = sl_tls_ref(options->tls);
    rc = sl_loop_add(loop, &s->listener);
    if (rc != SL_OK) {
        sl_server_destroy(s);
        return sl_err_set(err, rc, "cannot watch the listening socket: %s", strerrordesc_np(errno));
    }
    *out = s;
    return SL_OK;
}

void sl_server_use(struct sl_server *s, const struct sl_limits_cfg *limits,
                   struct sl_tls_context *tls)
{
    struct sl_tls_context *before = s->tls;
    s->limits = *limits;
    fill_limits(&s->limits);
    s->tls = sl_tls_ref(tls);
    sl_tls_unref(before);
}

static void stop_listening(struct sl_server *s)
{
    if (s->listener.fd < 0)
        return;
    sl_loop_remove(s->loop, &s->listener);
    close(s->listener.fd);
    s->listener.fd = -1;
    sl_timer_stop(s->loop, &s->accept_again);
}

void sl_server_drain(struct sl_server *s, void (*on_drained)(void *ctx), void *ctx)
{
    /* What the kernel has already accepted would be reset with the socket: take it in first. */
    while (s->listener.fd >= 0 && !is_full(s) && accept_one(s))
        ;
    stop_listening(s);
    s->is_draining = true;
    s->on_drained = on_drained;
    s->drained_ctx = ctx;
    for (struct connection *c = s->first; c; c = c->next) {
        if (c->is_dead || c->phase > PHASE_IDLE)
            continue;
        c->can_read = true; /* a request may be waiting in the socket */
        connection_drive(c);
        if (!c->is_dead && c->phase == PHASE_IDLE)
            connection_kill(c);
    }
    sl_loop_defer(s->loop, &s->later);
}

void sl_server_destroy(struct sl_server *s)
{
    if (!s)
        return;
    stop_listening(s);
    while (s->first)
        connection_free(s->first);
    sl_loop_undefer(s->loop, &s->later);
    sl_tls_unref(s->tls);
    free(s);
}

void sl_server_get_stats(const struct sl_server *s, struct sl_server_stats *out)
{
    *out = s->stats;
}
