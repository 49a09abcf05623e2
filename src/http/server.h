/*
 * The HTTP server side: one handler table for whoever answers (proxy, admin, mock). Works the same
 * over HTTP/1.1 with and without TLS. Every call and callback is on the connection's loop.
 *
 * Life of an exchange: on_request (head complete) -> on_body* -> on_end -> the handler answers at
 * any time with sl_reply_* -> on_done exactly once, however it went. The exchange and its arena
 * die after on_done returns.
 */
#ifndef SL_HTTP_SERVER_H
#define SL_HTTP_SERVER_H

#include "base/err.h"
#include "base/limits.h"
#include "http/message.h"
#include "sys/loop.h"

#include <stdatomic.h>
#include <sys/uio.h>

struct sl_server;

struct sl_exchange {
    enum sl_http_method method;
    sl_str method_text;
    sl_str target; /* as received */
    sl_str path;   /* target up to '?' */
    sl_str query;  /* behind '?' */
    struct sl_headers headers;
    bool is_keep_alive;
    bool has_body;
    uint64_t content_length; /* UINT64_MAX: chunked */
    sl_str peer;             /* numeric address, for logs */
    const void *peer_addr;   /* struct sockaddr_storage * */
    struct sl_arena *arena;  /* the request's; reset after on_done */
    struct sl_loop *loop;
    void *user;          /* the handler's own state */
    uint64_t started_ns; /* first byte of the head */
    int refused_status;  /* of the error that the server itself gave for a bad body; 0: none */
};

struct sl_handler {
    void *app;
    /* The head is in. Answering here (or setting user and waiting) is allowed. */
    void (*on_request)(void *app, struct sl_exchange *x);
    /*
     * Body bytes; the view dies with the call. The server has checked limits. When NULL, the
     * server collects the body and on_end gets it whole (contiguous, in the arena).
     */
    void (*on_body)(void *app, struct sl_exchange *x, sl_str bytes);
    void (*on_end)(void *app, struct sl_exchange *x, sl_str whole_body);
    /* Room again after sl_reply_body said the queue is full. */
    void (*on_drain)(void *app, struct sl_exchange *x);
    /* Last call: delivered = the whole answer reached the socket; false = peer gone or timeout. */
    void (*on_done)(void *app, struct sl_exchange *x, bool was_delivered);
};

/* Connections of servers that share one limit; outlives them. */
struct sl_server_share {
    _Atomic uint64_t active;
    uint64_t most; /* fixed before the first server listens */
};

struct sl_server_options {
    const struct sl_handler *handler;
    struct sl_limits_cfg limits;
    struct sl_tls_context *tls;    /* NULL: plaintext */
    struct sl_server_share *share; /* NULL: limits.max_connections is for this server alone */
};

/*
 * Listens on address:port with SO_REUSEPORT on this loop. port 0 picks one; *bound_port tells.
 * err: address in use, permission, not an address.
 */
SL_MUST_USE enum sl_rc sl_server_listen(struct sl_server **out, struct sl_loop *loop,
                                        sl_str address, uint16_t port,
                                        const struct sl_server_options *options,
                                        uint16_t *bound_port, struct sl_err *err);
/*
 * Limits and TLS (NULL: plaintext) from now on: connections accepted later get the TLS, requests
 * that begin later the limits. On the server's loop.
 */
void sl_server_use(struct sl_server *server, const struct sl_limits_cfg *limits,
                   struct sl_tls_context *tls);
/* Stops accepting, lets exchanges end (keep-alive off), then calls on_drained. */
void sl_server_drain(struct sl_server *server, void (*on_drained)(void *ctx), void *ctx);
void sl_server_destroy(struct sl_server *server); /* closes whatever is left */

struct sl_server_stats {
    uint64_t accepted, active, requests, bytes_in, bytes_out, rejected;
};
void sl_server_get_stats(const struct sl_server *server, struct sl_server_stats *out);

/* ---- answering --------------------------------------------------------------------------- */

#define SL_LENGTH_UNKNOWN UINT64_MAX /* chunked (or close, for HTTP/1.0) */

/* Status line and headers; `headers` is copied out before return. Once per exchange. */
SL_MUST_USE enum sl_rc sl_reply_head(struct sl_exchange *x, int status,
                                     const struct sl_headers *headers, uint64_t content_length);
/*
 * Body bytes. What the socket takes is written before return together with a pending head (one
 * writev); the rest is copied and queued. SL_AGAIN: queued, but the queue is above its mark: stop
 * the source until on_drain. SL_CLOSED: the peer is gone.
 */
SL_MUST_USE enum sl_rc sl_reply_body(struct sl_exchange *x, const struct iovec *iov, size_t n);
/* The answer is complete. A cut answer must use sl_reply_abort instead. */
void sl_reply_end(struct sl_exchange *x);
/* Ends the connection without a proper end (after the head was sent and the source failed). */
void sl_reply_abort(struct sl_exchange *x);
/* Head, whole body and end in one. */
void sl_reply_all(struct sl_exchange *x, int status, const struct sl_headers *headers, sl_str body);

/*
 * Stops and restarts reading the request body (back-pressure towards the client): for handlers that
 * pass a body on while it arrives. The router reads bodies whole and needs neither.
 */
void sl_exchange_pause(struct sl_exchange *x);
void sl_exchange_resume(struct sl_exchange *x);

#endif
