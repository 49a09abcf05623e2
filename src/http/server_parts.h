/*
 * What the server's files share: listener (server.c), connection life (server_conn.c) and input
 * (server_input.c), answers and output (server_reply.c). Private to them.
 */
#ifndef SL_HTTP_SERVER_PARTS_H
#define SL_HTTP_SERVER_PARTS_H

#include "base/buf.h"
#include "http/http1_chunks.h"
#include "http/http1_request.h"
#include "http/server.h"
#include "net/address.h"
#include "net/stream.h"

#define SERVER_SCRATCH_BYTES 65536u
/* Queued output above this asks the source to stop. */
#define SERVER_OUT_MARK_BYTES 16384u

struct connection;

struct sl_server {
    struct sl_io listener; /* fd < 0: not accepting */
    struct sl_loop *loop;
    struct sl_handler handler;
    struct sl_limits_cfg limits; /* defaults filled in */
    struct sl_tls_context *tls;
    struct connection *first; /* all connections */
    struct sl_server_stats stats;
    struct sl_server_share *share; /* may be NULL */
    uint64_t most_active;          /* connections, since memory was last given back */
    struct sl_timer accept_again;  /* after running out of descriptors */
    bool is_short;                 /* of descriptors; logged once */
    struct sl_deferred later;      /* more to accept, or drained */
    bool is_draining;
    void (*on_drained)(void *ctx);
    void *drained_ctx;
    uint64_t date_until_ns;
    char date[40]; /* "Date: ...\r\n" */
    uint32_t date_n;
    char scratch[SERVER_SCRATCH_BYTES]; /* one read's bytes; nothing in it outlives a turn */
};

enum phase {
    PHASE_HANDSHAKE,
    PHASE_IDLE, /* no byte of the next request */
    PHASE_HEAD,
    PHASE_BODY,
    PHASE_ANSWER, /* the request is complete, its answer is not */
    PHASE_LINGER, /* answered for the last time; reads on so that the answer is not lost to a RST */
};

/* One request with its answer, in the connection's arena. */
struct exchange {
    struct sl_exchange pub;
    struct connection *conn;
    struct sl_h1_request head;
    struct sl_h1_chunks chunks;
    uint64_t body_left;    /* of a body with a length */
    uint64_t body_bytes;   /* received */
    char *whole;           /* collected body with a length */
    struct sl_buf growing; /* collected chunked body */
    uint64_t complete_ns;
    sl_str pending_head; /* formatted, waits for the first body bytes or the end of the turn */
    uint64_t reply_left; /* bytes promised and not yet given */
    bool is_announced;   /* the handler knows it */
    bool is_paused;
    bool has_head; /* sl_reply_head was called */
    bool is_chunked;
    bool has_no_content; /* HEAD, 204, 304: body bytes are dropped */
    bool is_ended;
    bool wants_drain; /* the source was told to stop */
};

/* Idle: this and a stream, no buffers. */
struct connection {
    struct sl_io io;
    struct sl_timer timer;
    struct sl_deferred later;
    struct sl_server *server;
    struct connection *prev, *next;
    struct sl_stream *stream;
    struct exchange *x; /* NULL while idle */
    struct sl_arena arena;
    struct sl_buf in; /* received; consumed up to in_used */
    size_t in_used;
    struct sl_buf out;
    size_t out_sent;
    uint64_t progress_ns; /* when output last moved */
    uint8_t phase;
    bool is_dead;
    bool is_driving; /* inside drive(): its end sees to what callbacks left */
    bool can_read;
    bool needs_more;   /* `in` holds a part of a head; only new bytes help */
    bool peer_ended;   /* FIN seen */
    bool is_reset;     /* RST seen */
    bool is_half_open; /* FIN came with the request: the peer waits for its answer */
    bool closes;       /* after this answer */
    bool was_shut;
    union {
        struct sockaddr_storage peer_room; /* handlers see this size */
        struct sl_address peer;
    };
    char peer_text[SL_ADDRESS_TEXT_BYTES];
    uint8_t peer_text_n;
};

/* server_conn.c */
void connection_open(struct sl_server *server, int fd, const struct sl_address *peer);
/* Reads, answers and writes as far as it goes; the connection may be dead afterwards. */
void connection_drive(struct connection *c);
/* Closes now; the handler hears and memory goes at the end of the turn. */
void connection_kill(struct connection *c);
/* Reads on for a moment without looking, then closes: the answer must not be lost to a RST. */
void connection_linger(struct connection *c);
/* For sl_server_destroy: everything at once. */
void connection_free(struct connection *c);

/* server_input.c */
/* What was received and has to wait. */
sl_str connection_kept(const struct connection *c);
/* The phase has a use for further bytes, */
bool connection_wants_input(const struct connection *c);
/* and so have those that were kept. */
bool connection_can_consume(const struct connection *c);
/* What was kept, once it can go on. */
void connection_consume_kept(struct connection *c);
/* One read, and what can be done with it. */
void connection_read_some(struct connection *c);

/* server_reply.c */
/* Sends or queues; SL_AGAIN above the mark, SL_CLOSED when the peer is gone. */
enum sl_rc connection_send(struct connection *c, const struct iovec *iov, size_t n);
void connection_flush(struct connection *c);
/* Sends the head that waits for body bytes. */
void exchange_send_head(struct exchange *x);
/* An error of the connection's own making, in JSON, and the end of the connection. */
void connection_refuse(struct connection *c, int status, const char *why);

static inline size_t connection_queued(const struct connection *c)
{
    return c->out.n - c->out_sent;
}

static inline struct exchange *exchange_of(struct sl_exchange *pub)
{
    return SL_CONTAINER(pub, struct exchange, pub);
}

#endif
