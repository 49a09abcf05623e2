/*
 * Connections and their per-host pools. A pool is a stack: the connection used last is used next,
 * so that a burst's surplus ages out. A pooled connection that shows any sign of life is closed:
 * the peer either hung up or spoke out of turn.
 */
#include "http/client_parts.h"

#include "net/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define SWEEP_MS 1000

struct sl_client_host *sl_client_host(struct sl_client *client, sl_str name, uint16_t port,
                                      struct sl_tls_context *tls)
{
    struct sl_client_host *h = client->hosts;
    for (; h; h = h->next)
        if (h->port == port && h->tls == tls && sl_str_eq(h->name, name))
            return h;
    char authority[300];
    size_t n = sl_client_authority(name, port, tls != NULL, authority, sizeof(authority));
    h = calloc(1, sizeof(*h) + name.n + n);
    if (!h)
        return NULL;
    char *copy = (char *)(h + 1);
    memcpy(copy, name.p, name.n);
    memcpy(copy + name.n, authority, n);
    *h = (struct sl_client_host){.next = client->hosts,
                                 .name = {copy, name.n},
                                 .authority = {copy + name.n, n},
                                 .port = port,
                                 .tls = tls};
    client->hosts = h;
    client->stats.n_hosts++;
    if (!client->sweep.prev)
        sl_timer_start(client->loop, &client->sweep, SWEEP_MS);
    return h;
}

static void unlink_idle(struct sl_client_conn *conn)
{
    struct sl_client_host *h = conn->host;
    *(conn->prev ? &conn->prev->next : &h->idle_head) = conn->next;
    *(conn->next ? &conn->next->prev : &h->idle_tail) = conn->prev;
    conn->prev = conn->next = NULL;
    h->n_idle--;
    conn->client->stats.n_idle--;
}

struct sl_client_conn *sl_client_take_idle(struct sl_client_host *host)
{
    struct sl_client_conn *conn = host->idle_head;
    if (!conn)
        return NULL;
    unlink_idle(conn);
    conn->client->stats.reused++;
    conn->client->stats.n_busy++;
    return conn;
}

enum sl_rc sl_client_connect(struct sl_client *client, struct sl_client_host *host,
                             const struct sl_address *to, struct sl_client_conn **out)
{
    int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return SL_IO;
    if (connect(fd, &to->any, to->n) != 0 && errno != EINPROGRESS) {
        int why = errno;
        close(fd);
        errno = why;
        return SL_IO;
    }
    struct sl_client_conn *conn = calloc(1, sizeof(*conn));
    struct sl_stream *stream = conn ? sl_stream_new(fd, host->tls, false, host->name) : NULL;
    if (!stream) {
        free(conn);
        close(fd);
        errno = ENOMEM;
        return SL_IO;
    }
    *conn = (struct sl_client_conn){.io = {.fd = fd, .on_event = sl_client_on_event},
                                    .client = client,
                                    .host = host,
                                    .stream = stream};
    if (sl_loop_add(client->loop, &conn->io) != SL_OK) {
        sl_stream_close(stream);
        free(conn);
        return SL_IO;
    }
    client->stats.opened++;
    client->stats.n_busy++;
    *out = conn;
    return SL_OK;
}

void sl_client_close(struct sl_client_conn *conn)
{
    struct sl_client *client = conn->client;
    if (conn->call)
        client->stats.n_busy--;
    else
        unlink_idle(conn);
    sl_loop_remove(client->loop, &conn->io);
    sl_stream_close(conn->stream);
    free(conn);
}

void sl_client_keep(struct sl_client_conn *conn)
{
    struct sl_client *client = conn->client;
    struct sl_client_host *h = conn->host;
    client->stats.n_busy--;
    client->stats.n_idle++;
    conn->call = NULL;
    conn->idle_since_ns = sl_loop_now_ns(client->loop);
    conn->prev = NULL;
    conn->next = h->idle_head;
    *(h->idle_head ? &h->idle_head->prev : &h->idle_tail) = conn;
    h->idle_head = conn;
    h->n_idle++;
    if (h->n_idle > client->max_idle_per_host)
        sl_client_close(h->idle_tail);
}

void sl_client_sweep(struct sl_client *client, bool all)
{
    uint64_t now = sl_loop_now_ns(client->loop);
    for (struct sl_client_host **at = &client->hosts, *h; (h = *at);) {
        while (h->idle_tail && (all || now - h->idle_tail->idle_since_ns >= client->idle_ns))
            sl_client_close(h->idle_tail);
        if (h->n_idle || h->n_calls) {
            at = &h->next;
        } else {
            *at = h->next;
            client->stats.n_hosts--;
            free(h);
        }
    }
    if (client->hosts && !all)
        sl_timer_start(client->loop, &client->sweep, SWEEP_MS);
    else
        sl_timer_stop(client->loop, &client->sweep);
}
