/*
 * Private to the HTTP client: its connections and their pools (client_pool.c), the text of a
 * request (client_head.c), and calls: their life and limits (client.c), connecting
 * (client_connect.c), sending and reading (client_exchange.c).
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

struct sl_call {
    struct sl_client *client;
    struct sl_call *prev, *next;
    struct sl_client_host *host;
    struct sl_client_conn *conn; /* NULL: resolving, or failed */
    struct sl_request request;
    struct sl_call_callbacks callbacks;
    void *ctx;

    struct iovec *pieces; /* head, then the body */
    size_t n_pieces;
    size_t to_send_bytes, sent_bytes;

    struct sl_h1_response parser;
    struct sl_resolve resolve;
    uint32_t next_address;

    enum sl_call_phase phase;
    struct sl_timer timer;
    uint64_t started_ns, deadline_ns, total_deadline_ns;
    struct sl_call_times times;

    struct sl_deferred deferred; /* a failure to report, or reading to resume */
    enum sl_rc failed_rc;
    enum sl_call_phase failed_phase;
    const char *failed_reason;
    char reason_text[128];

    bool is_starting; /* inside sl_client_start: failures wait */
    bool is_busy;     /* inside a handler: freeing waits */
    bool is_over;     /* ended, failed or cancelled */
    bool is_paused;
    bool is_readable; /* an edge was seen and not read to its end */
    bool is_reused, was_retried, was_sent, got_bytes;
};

/* ---- client_pool.c ----------------------------------------------------------------------- */
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

/* ---- client.c: a call's end and its limits ----------------------------------------------- */
/* Events of connections. */
void sl_client_on_event(struct sl_loop *loop, struct sl_io *io, uint32_t events);
/* Reports the failure now, or later from within sl_client_start. */
void call_fail(struct sl_call *call, enum sl_rc rc, const char *reason);
void call_fail_errno(struct sl_call *call, int error);
/* The call's own copy, cut, of a reason that will not stay. */
const char *call_keep_reason(struct sl_call *call, const char *why);
/* Leaves a handler (is_busy): true when the call is gone. */
bool call_leave(struct sl_call *call);
/* 0: no limit. */
void call_set_deadline(struct sl_call *call, uint64_t after_ms);
void call_enter_phase(struct sl_call *call, enum sl_call_phase phase, uint64_t limit_ms);

/* ---- client_connect.c -------------------------------------------------------------------- */
/* From the name on: addresses, one after the other. */
void call_resolve(struct sl_call *call);
/* This connection is the call's. */
void call_attach(struct sl_call *call, struct sl_client_conn *conn);
/* The end of an address: the next one, or the call's failure (error: an errno, or 0). */
void call_connect_failed(struct sl_call *call, enum sl_rc rc, int error, const char *reason);
/* The socket says that it is connected, or why not. */
void call_connected(struct sl_call *call);
void call_handshake(struct sl_call *call);

/* ---- client_exchange.c ------------------------------------------------------------------- */
/* As far as the socket goes. */
void call_send(struct sl_call *call);
void call_read(struct sl_call *call);

/* ---- client_head.c ----------------------------------------------------------------------- */
/* The head of the request, in its arena; p == NULL: control bytes or out of memory. */
sl_str sl_client_head(const struct sl_request *r, sl_str authority, size_t body_bytes);
/* "host", "host:port", "[v6]:port" into `to`; its length, 0 when it does not fit. */
size_t sl_client_authority(sl_str host, uint16_t port, bool is_tls, char *to, size_t room);

#endif
