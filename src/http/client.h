/*
 * The HTTP/1.1 client side on an event loop: per-loop keep-alive pools keyed by (host, port, TLS
 * context), phase timeouts, streaming answers with back-pressure, cancellation. It knows addresses,
 * not models: balancing and retries are proxy/upstream/.
 */
#ifndef SL_HTTP_CLIENT_H
#define SL_HTTP_CLIENT_H

#include "http/message.h"
#include "sys/loop.h"

#include <sys/uio.h>

struct sl_client; /* one per loop */
struct sl_call;   /* one request in flight */
struct sl_resolver;
struct sl_tls_context;

struct sl_client_timeouts { /* milliseconds; 0 = none */
    uint64_t connect_ms, tls_ms, send_ms, first_byte_ms, idle_ms, total_ms;
};

enum sl_call_phase { /* where a failure happened; also timeout labels */
                     SL_PHASE_RESOLVE,
                     SL_PHASE_CONNECT,
                     SL_PHASE_TLS,
                     SL_PHASE_SEND,
                     SL_PHASE_FIRST_BYTE,
                     SL_PHASE_HEAD,
                     SL_PHASE_BODY_READ,
};

/* "connect", "first_byte" ...; static. */
const char *sl_call_phase_name(enum sl_call_phase phase);

struct sl_response {
    int status;
    struct sl_headers headers; /* hop-by-hop ones included */
    uint64_t content_length;   /* UINT64_MAX: chunked or until close */
    bool has_body;             /* false: HEAD, 204, 304 */
    bool is_until_close;       /* nothing but its content tells whether it is whole */
};

struct sl_call_callbacks {
    void (*on_head)(void *ctx, const struct sl_response *response); /* 1xx are swallowed */
    /* Body bytes as they came, framing removed; the view dies with the call. */
    void (*on_body)(void *ctx, sl_str bytes);
    /*
     * Everything that had arrived was handed over: whoever gathers writes sends them now. May be
     * NULL. Called at the end of each read, not after on_end or on_fail.
     */
    void (*on_flush)(void *ctx);
    void (*on_end)(void *ctx); /* complete and in order */
    /*
     * Failed. `was_sent`: whether any request byte reached the socket; `got_bytes`: whether any
     * response byte came (together they say whether a retry is safe). After on_end or on_fail
     * returns the call is gone.
     */
    void (*on_fail)(void *ctx, enum sl_rc rc, enum sl_call_phase phase, bool was_sent,
                    bool got_bytes, const char *reason);
};

struct sl_request {
    sl_str host; /* name or numeric address */
    uint16_t port;
    struct sl_tls_context *tls; /* NULL: plaintext. Kept alive by the caller */
    sl_str method;
    sl_str target;
    const struct sl_headers *headers; /* host, content-length and connection are added here */
    const struct iovec *body;         /* must stay valid until on_head, on_end or on_fail */
    size_t n_body;
    struct sl_client_timeouts timeouts;
    struct sl_arena *arena; /* outlives the call: request text and response views live there */
};

struct sl_client_options {
    struct sl_resolver *resolver; /* NULL: numeric addresses only */
    uint32_t max_idle_per_host;   /* 0 = 256 */
    uint64_t idle_ms;             /* a pooled connection's life without use; 0 = 50 s */
};

SL_MUST_USE enum sl_rc sl_client_create(struct sl_client **out, struct sl_loop *loop,
                                        const struct sl_client_options *options);
/* Cancels whatever is in flight (no callbacks) and closes every connection. */
void sl_client_destroy(struct sl_client *client);

/*
 * Never calls back before it returns. NULL when out of memory or when the method, target or a
 * header holds control bytes.
 */
struct sl_call *sl_client_start(struct sl_client *client, const struct sl_request *request,
                                const struct sl_call_callbacks *callbacks, void *ctx);
/* Closes the connection at once; no callback follows. Not after on_end or on_fail returned. */
void sl_call_cancel(struct sl_call *call);
void sl_call_pause(struct sl_call *call); /* stop reading the answer */
void sl_call_resume(struct sl_call *call);
/*
 * Nanoseconds from start to: connected (0 on a reused connection), request sent, first byte. Like
 * the statistics below for whoever measures or tests the client; the proxy keeps its own times.
 */
struct sl_call_times {
    uint64_t connected_ns, sent_ns, first_byte_ns;
    bool is_reused;
};
void sl_call_get_times(const struct sl_call *call, struct sl_call_times *out);

struct sl_client_stats {
    uint64_t opened, reused; /* connections used, so far */
    uint32_t n_idle, n_busy; /* now */
    uint32_t n_hosts;        /* peers kept; forgotten a second after their last use */
};
void sl_client_get_stats(const struct sl_client *client, struct sl_client_stats *out);

#endif
