/*
 * Private to the HTTP client: its connections and their pools (client_pool.c), the text of a
 * request (client_head.c), and calls (client.c).
 */
#ifndef SL_HTTP_CLIENT_PARTS_H
#define SL_HTTP_CLIENT_PARTS_H

#include "http/client.h"
#include "http/http1_response.h"
#include "net/resolver.h"
#include "net/stream.h"

#define SL_CLIENT_READ_BYTES 65536

struct sl_client_conn;

/* A peer: lives while a call or a pooled connection needs it. A new TLS context makes a new one, so
 * that reloads leave nothing behind. */
struct sl_client_host {
    struct sl_client_host *next;
    sl_str name;      /* owned */
    sl_str authority; /* of the host header; owned */
    uint16_t port;
    struct sl_tls_context *tls;       /* compared, never followed: the caller keeps it */
    struct sl_client_conn *idle_head; /* last used first */
    struct sl_client_conn *idle_tail;
    uint32_t n_idle, n_calls;
};

struct sl_client_conn {
    struct sl_io io; /* first: events cast back */
    struct sl_client *client;
    struct sl_client_host *host;
    struct sl_stream *stream;
    struct sl_call *call; /* NULL: idle */
    struct sl_client_conn *prev, *next;
    uint64_t idle_since_ns;
    bool saw_hangup; /* the peer sent FIN or RST: read on to the end of file, never pool */
};

struct sl_client {
    struct sl_loop *loop;
    struct sl_resolver *resolver;
    struct sl_client_host *hosts;
    uint32_t max_idle_per_host;
    uint64_t idle_ns;
    struct sl_timer sweep;
    struct sl_call *calls;      /* in flight */
    struct sl_call *free_calls; /* kept for reuse */
    uint32_t n_free_calls;
    struct sl_client_stats stats;
    char read_buffer[SL_CLIENT_READ_BYTES]; /* of the read that is being handled */
};

/* NULL when out of memory. */
struct sl_client_host *sl_client_host(struct sl_client *client, sl_str name, uint16_t port,
                                      struct sl_tls_context *tls);
/* A pooled connection, taken out of the pool; NULL when there is none. */
struct sl_client_conn *sl_client_take_idle(struct sl_client_host *host);
/* Begins connecting. SL_IO with errno when the system refuses at once. */
SL_MUST_USE enum sl_rc sl_client_connect(struct sl_client *client, struct sl_client_host *host,
                                         const struct sl_address *to, struct sl_client_conn **out);
/* Pools a connection whose exchange ended in order. */
void sl_client_keep(struct sl_client_conn *conn);
void sl_client_close(struct sl_client_conn *conn);
/* Closes what was idle too long (everything when `all`) and forgets peers that nothing needs. */
void sl_client_sweep(struct sl_client *client, bool all);
/* Events of connections; in client.c. */
void sl_client_on_event(struct sl_loop *loop, struct sl_io *io, uint32_t events);

/* The head of the request, in its arena; p == NULL: control bytes or out of memory. */
sl_str sl_client_head(const struct sl_request *r, sl_str authority, size_t body_bytes);
/* "host", "host:port", "[v6]:port" into `to`; its length, 0 when it does not fit. */
size_t sl_client_authority(sl_str host, uint16_t port, bool is_tls, char *to, size_t room);

#endif
