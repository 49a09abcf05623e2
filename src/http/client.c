/*
 * Calls: one state machine a request, driven by the events of its connection and one timer. The
 * request head and the caller's body pieces leave in one writev; answer bytes go from the read
 * buffer to the caller as views. The timer is lazy: progress only moves a deadline, and the timer
 * that fires too early starts again for the rest.
 *
 * A pooled connection may have been closed by the peer in the same moment; when it ends before
 * any answer byte, the call is made once more on a fresh one.
 */
#include "http/client_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define MAX_HEAD_BYTES  65536u
#define MAX_FREE_CALLS  256u
#define WRITE_PIECES    64u
#define DEFAULT_IDLE_MS 50000u
#define NS_PER_MS       1000000u

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

static void begin_connect(struct sl_call *call);
static void send_request(struct sl_call *call);
static void on_timer(struct sl_loop *loop, struct sl_timer *timer);
static void run_deferred(struct sl_loop *loop, struct sl_deferred *d);
static void on_resolved(struct sl_resolve *r, enum sl_rc rc);

const char *sl_call_phase_name(enum sl_call_phase phase)
{
    static const char *const names[] = {
        [SL_PHASE_RESOLVE] = "resolve",
        [SL_PHASE_CONNECT] = "connect",
        [SL_PHASE_TLS] = "tls",
        [SL_PHASE_SEND] = "send",
        [SL_PHASE_FIRST_BYTE] = "first_byte",
        [SL_PHASE_HEAD] = "head",
        [SL_PHASE_BODY_READ] = "body",
    };
    return names[phase];
}

/* ---- life -------------------------------------------------------------------------------- */

static struct sl_call *new_call(struct sl_client *client)
{
    struct sl_call *call = client->free_calls;
    if (call) {
        client->free_calls = call->next;
        client->n_free_calls--;
    } else if (!(call = malloc(sizeof(*call)))) {
        return NULL;
    }
    memset(call, 0, sizeof(*call));
    call->client = client;
    call->next = client->calls;
    if (client->calls)
        client->calls->prev = call;
    client->calls = call;
    return call;
}

static void free_call(struct sl_call *call)
{
    struct sl_client *client = call->client;
    *(call->prev ? &call->prev->next : &client->calls) = call->next;
    if (call->next)
        call->next->prev = call->prev;
    call->host->n_calls--;
    if (client->n_free_calls >= MAX_FREE_CALLS) {
        free(call);
        return;
    }
    call->next = client->free_calls;
    client->free_calls = call;
    client->n_free_calls++;
}

/* Nothing more happens to this call; its memory goes when no handler is inside it. */
static void close_call(struct sl_call *call)
{
    call->is_over = true;
    sl_timer_stop(call->client->loop, &call->timer);
    sl_resolve_cancel(&call->resolve);
    if (call->conn) {
        sl_client_close(call->conn);
        call->conn = NULL;
    }
    if (!call->is_busy && !call->deferred.is_queued)
        free_call(call);
}

/* Leaves a handler: true when the call is gone. */
static bool leave(struct sl_call *call)
{
    call->is_busy = false;
    if (!call->is_over)
        return false;
    if (!call->deferred.is_queued)
        free_call(call);
    return true;
}

static void report_failure(struct sl_call *call)
{
    struct sl_client_conn *conn = call->conn;
    call->conn = NULL;
    if (conn)
        sl_client_close(conn);
    sl_timer_stop(call->client->loop, &call->timer);
    sl_resolve_cancel(&call->resolve);
    call->is_over = true;
    call->callbacks.on_fail(call->ctx, call->failed_rc, call->failed_phase, call->was_sent,
                            call->got_bytes, call->failed_reason);
}

static void fail(struct sl_call *call, enum sl_rc rc, const char *reason)
{
    if (call->is_over)
        return;
    call->failed_rc = rc;
    call->failed_phase = call->phase;
    call->failed_reason = reason;
    if (call->is_starting)
        sl_loop_defer(call->client->loop, &call->deferred);
    else
        report_failure(call);
}

static void fail_errno(struct sl_call *call, int error)
{
    char text[96];
    const char *why = strerror_r(error, text, sizeof(text));
    size_t n = strlen(why);
    n = n < sizeof(call->reason_text) - 1 ? n : sizeof(call->reason_text) - 1;
    memcpy(call->reason_text, why, n);
    call->reason_text[n] = 0;
    fail(call, SL_IO, call->reason_text);
}

/* ---- time -------------------------------------------------------------------------------- */

static void arm(struct sl_call *call)
{
    uint64_t due =
        call->deadline_ns < call->total_deadline_ns ? call->deadline_ns : call->total_deadline_ns;
    if (due == UINT64_MAX || (call->timer.prev && call->timer.due_ns <= due))
        return;
    uint64_t now = sl_loop_now_ns(call->client->loop);
    sl_timer_start(call->client->loop, &call->timer,
                   due > now ? (due - now + NS_PER_MS - 1) / NS_PER_MS : 0);
}

static void set_deadline(struct sl_call *call, uint64_t after_ms)
{
    call->deadline_ns =
        after_ms ? sl_loop_now_ns(call->client->loop) + after_ms * NS_PER_MS : UINT64_MAX;
    arm(call);
}

static void enter_phase(struct sl_call *call, enum sl_call_phase phase, uint64_t limit_ms)
{
    call->phase = phase;
    set_deadline(call, limit_ms);
}

/* The end of an address: the next one, or the call's failure. */
static void connect_failed(struct sl_call *call, enum sl_rc rc, int error, const char *reason)
{
    if (call->conn) {
        sl_client_close(call->conn);
        call->conn = NULL;
    }
    if (call->next_address < call->resolve.list.n)
        begin_connect(call);
    else if (error)
        fail_errno(call, error);
    else
        fail(call, rc, reason);
}

static void on_timer(struct sl_loop *loop, struct sl_timer *timer)
{
    struct sl_call *call = SL_CONTAINER(timer, struct sl_call, timer);
    uint64_t now = sl_loop_now_ns(loop) + NS_PER_MS; /* the wheel may be a little early */
    call->is_busy = true;
    if (now >= call->total_deadline_ns)
        fail(call, SL_TIMEOUT, "the whole exchange took too long");
    else if (now < call->deadline_ns)
        arm(call);
    else if (call->is_paused)
        set_deadline(call, call->request.timeouts.idle_ms); /* we do not read: not the peer's */
    else if (call->phase == SL_PHASE_CONNECT)
        connect_failed(call, SL_TIMEOUT, 0, "connecting took too long");
    else
        fail(call, SL_TIMEOUT, "no progress in time");
    leave(call);
}

/* ---- connecting -------------------------------------------------------------------------- */

static void attach(struct sl_call *call, struct sl_client_conn *conn)
{
    call->conn = conn;
    conn->call = call;
    sl_h1_response_init(&call->parser, call->request.arena,
                        sl_str_eq(call->request.method, SL_STR("HEAD")), MAX_HEAD_BYTES);
}

static uint64_t connect_limit_ms(const struct sl_call *call)
{
    uint64_t ms = call->request.timeouts.connect_ms, n = call->resolve.list.n;
    return ms && n > 1 ? ms / n + 1 : ms;
}

static void begin_connect(struct sl_call *call)
{
    int error = EHOSTUNREACH;
    call->is_reused = false;
    call->phase = SL_PHASE_CONNECT;
    while (call->next_address < call->resolve.list.n) {
        struct sl_address to = call->resolve.list.items[call->next_address++];
        struct sl_client_conn *conn;
        sl_address_set_port(&to, call->request.port);
        if (sl_client_connect(call->client, call->host, &to, &conn) == SL_OK) {
            attach(call, conn);
            enter_phase(call, SL_PHASE_CONNECT, connect_limit_ms(call));
            return;
        }
        error = errno;
    }
    fail_errno(call, error);
}

static void on_resolved(struct sl_resolve *r, enum sl_rc rc)
{
    struct sl_call *call = SL_CONTAINER(r, struct sl_call, resolve);
    call->is_busy = true;
    if (rc == SL_OK)
        begin_connect(call);
    else
        fail(call, rc, r->reason);
    leave(call);
}

static void resolve(struct sl_call *call)
{
    struct sl_address numeric;
    enter_phase(call, SL_PHASE_RESOLVE, call->request.timeouts.connect_ms);
    call->next_address = 0;
    if (sl_address_parse(call->request.host, call->request.port, &numeric)) {
        call->resolve.list.items[0] = numeric;
        call->resolve.list.n = 1;
        begin_connect(call);
        return;
    }
    if (!call->client->resolver) {
        fail(call, SL_UNSUPPORTED, "no resolver for names");
        return;
    }
    call->resolve.on_resolved = on_resolved;
    enum sl_rc rc = sl_resolve_start(call->client->resolver, call->client->loop, &call->resolve,
                                     call->request.host, call->request.port);
    if (rc == SL_OK)
        begin_connect(call);
    else if (rc != SL_AGAIN)
        fail(call, rc, call->resolve.reason);
}

static void handshake(struct sl_call *call)
{
    enum sl_rc rc = sl_stream_handshake(call->conn->stream);
    if (rc == SL_AGAIN)
        return;
    if (rc != SL_OK) {
        size_t n = strlen(sl_stream_error(call->conn->stream));
        n = n < sizeof(call->reason_text) - 1 ? n : sizeof(call->reason_text) - 1;
        memcpy(call->reason_text, sl_stream_error(call->conn->stream), n);
        call->reason_text[n] = 0;
        connect_failed(call, rc, 0, call->reason_text);
        return;
    }
    call->times.connected_ns = sl_loop_now_ns(call->client->loop) - call->started_ns;
    call->is_readable = call->request.tls != NULL; /* the handshake may have eaten the edge */
    enter_phase(call, SL_PHASE_SEND, call->request.timeouts.send_ms);
    send_request(call);
}

static void connected(struct sl_call *call)
{
    int error = 0;
    socklen_t n = sizeof(error);
    if (getsockopt(call->conn->io.fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
        error = errno;
    if (error) {
        connect_failed(call, SL_IO, error, NULL);
        return;
    }
    enter_phase(call, SL_PHASE_TLS, call->request.timeouts.tls_ms);
    handshake(call);
}

/* ---- sending ----------------------------------------------------------------------------- */

/* Ends a connection that gave nothing: a reused one is replaced once, a fresh one is a failure. */
static void lost_before_answer(struct sl_call *call, enum sl_rc rc, const char *reason)
{
    if (!call->is_reused || call->was_retried || call->got_bytes) {
        fail(call, rc, reason);
        return;
    }
    sl_client_close(call->conn);
    call->conn = NULL;
    call->was_retried = true;
    call->sent_bytes = 0;
    call->is_readable = false;
    resolve(call);
}

/* The pieces from `from` on, at most WRITE_PIECES of them. */
static size_t window(const struct sl_call *call, struct iovec out[WRITE_PIECES])
{
    size_t skip = call->sent_bytes, i = 0, n = 0;
    while (i < call->n_pieces && skip >= call->pieces[i].iov_len)
        skip -= call->pieces[i++].iov_len;
    for (; i < call->n_pieces && n < WRITE_PIECES; i++, n++) {
        out[n].iov_base = (char *)call->pieces[i].iov_base + skip;
        out[n].iov_len = call->pieces[i].iov_len - skip;
        skip = 0;
    }
    return n;
}

static void send_request(struct sl_call *call)
{
    while (call->sent_bytes < call->to_send_bytes) {
        struct iovec out[WRITE_PIECES];
        const struct iovec *from = call->pieces;
        size_t n = call->n_pieces, sent = 0;
        if (call->sent_bytes || n > WRITE_PIECES) {
            n = window(call, out);
            from = out;
        }
        enum sl_rc rc = sl_stream_writev(call->conn->stream, from, n, &sent);
        if (rc == SL_AGAIN)
            return;
        if (rc != SL_OK) {
            /* It may have answered before it hung up; reading tells. */
            if (!call->was_sent || call->is_reused)
                lost_before_answer(call, rc, "the connection broke while sending");
            else
                call->is_readable = true;
            return;
        }
        call->was_sent = true;
        call->sent_bytes += sent;
        if (call->sent_bytes < call->to_send_bytes)
            set_deadline(call, call->request.timeouts.send_ms);
    }
    call->times.sent_ns = sl_loop_now_ns(call->client->loop) - call->started_ns;
    enter_phase(call, SL_PHASE_FIRST_BYTE, call->request.timeouts.first_byte_ms);
}

/* ---- reading ----------------------------------------------------------------------------- */

static void finish(struct sl_call *call, bool is_clean)
{
    struct sl_client_conn *conn = call->conn;
    bool can_keep = is_clean && call->parser.is_keep_alive && !conn->saw_hangup &&
                    call->sent_bytes == call->to_send_bytes;
    call->conn = NULL;
    sl_timer_stop(call->client->loop, &call->timer);
    if (can_keep)
        sl_client_keep(conn);
    else
        sl_client_close(conn);
    call->is_over = true;
    call->callbacks.on_end(call->ctx);
}

static void deliver_head(struct sl_call *call)
{
    const struct sl_response response = {
        .status = call->parser.status,
        .headers = call->parser.headers,
        .content_length = call->parser.content_length,
        .has_body = call->parser.framing != SL_H1_NO_BODY,
    };
    enter_phase(call, SL_PHASE_BODY_READ, call->request.timeouts.idle_ms);
    call->callbacks.on_head(call->ctx, &response);
}

static void feed(struct sl_call *call, sl_str in)
{
    while (!call->is_over) {
        enum sl_h1_event event;
        sl_str body = {NULL, 0};
        enum sl_rc rc = sl_h1_response_next(&call->parser, &in, &event, &body);
        if (rc != SL_OK) {
            fail(call, rc, call->parser.error);
            return;
        }
        if (event == SL_H1_MORE)
            break;
        if (event == SL_H1_HEAD)
            deliver_head(call);
        else if (event == SL_H1_BODY)
            call->callbacks.on_body(call->ctx, body);
        else
            finish(call, in.n == 0);
    }
    if (!call->is_over && call->callbacks.on_flush && call->phase == SL_PHASE_BODY_READ)
        call->callbacks.on_flush(call->ctx);
}

static void end_of_file(struct sl_call *call)
{
    call->conn->saw_hangup = true;
    if (call->got_bytes && sl_h1_response_eof(&call->parser) == SL_OK)
        finish(call, true);
    else
        lost_before_answer(call, SL_CLOSED,
                           call->got_bytes ? "the answer was cut off"
                                           : "the connection was closed without an answer");
}

static void note_progress(struct sl_call *call)
{
    if (call->got_bytes) {
        set_deadline(call, call->request.timeouts.idle_ms);
        return;
    }
    call->got_bytes = true;
    call->times.first_byte_ns = sl_loop_now_ns(call->client->loop) - call->started_ns;
    enter_phase(call, SL_PHASE_HEAD, call->request.timeouts.idle_ms);
}

static void read_answer(struct sl_call *call)
{
    while (call->is_readable && !call->is_paused && !call->is_over) {
        struct sl_client_conn *conn = call->conn;
        size_t got = 0;
        enum sl_rc rc =
            sl_stream_read(conn->stream, call->client->read_buffer, SL_CLIENT_READ_BYTES, &got);
        switch (rc) {
        case SL_OK:
            /* A short read of a plain socket emptied it: the next byte is a new edge. */
            if (got < SL_CLIENT_READ_BYTES && !call->request.tls && !conn->saw_hangup)
                call->is_readable = false;
            note_progress(call);
            feed(call, sl_str_of(call->client->read_buffer, got));
            break;
        case SL_AGAIN:
            call->is_readable = false;
            break;
        case SL_EOF:
            end_of_file(call);
            return;
        default:
            conn->saw_hangup = true;
            lost_before_answer(call, SL_CLOSED, "the connection was reset");
            return;
        }
    }
}

void sl_client_on_event(struct sl_loop *loop, struct sl_io *io, uint32_t events)
{
    struct sl_client_conn *conn = SL_CONTAINER(io, struct sl_client_conn, io);
    struct sl_call *call = conn->call;
    (void)loop;
    if (!call) {
        if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            sl_client_close(conn);
        return;
    }
    call->is_busy = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        conn->saw_hangup = true;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        call->is_readable = true;
    if (call->phase == SL_PHASE_CONNECT) {
        if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            connected(call);
    } else if (call->phase == SL_PHASE_TLS) {
        handshake(call);
    } else if (call->phase == SL_PHASE_SEND) {
        send_request(call);
    }
    if (call->conn == conn && call->phase >= SL_PHASE_SEND)
        read_answer(call);
    leave(call);
}

/* ---- the public face --------------------------------------------------------------------- */

static void run_deferred(struct sl_loop *loop, struct sl_deferred *d)
{
    struct sl_call *call = SL_CONTAINER(d, struct sl_call, deferred);
    (void)loop;
    call->is_busy = true;
    if (!call->is_over) {
        if (call->failed_rc != SL_OK)
            report_failure(call);
        else if (call->conn)
            read_answer(call);
    }
    leave(call);
}

static bool prepare(struct sl_call *call)
{
    const struct sl_request *r = &call->request;
    size_t body_bytes = 0;
    for (size_t i = 0; i < r->n_body; i++)
        body_bytes += r->body[i].iov_len;
    sl_str head = sl_client_head(r, call->host->authority, body_bytes);
    call->pieces = sl_arena_alloc(r->arena, (r->n_body + 1) * sizeof(struct iovec));
    if (!head.p || !call->pieces)
        return false;
    call->pieces[0] = (struct iovec){(void *)(uintptr_t)head.p, head.n};
    if (r->n_body)
        memcpy(call->pieces + 1, r->body, r->n_body * sizeof(struct iovec));
    call->n_pieces = r->n_body + 1;
    call->to_send_bytes = head.n + body_bytes;
    return true;
}

struct sl_call *sl_client_start(struct sl_client *client, const struct sl_request *request,
                                const struct sl_call_callbacks *callbacks, void *ctx)
{
    struct sl_client_host *host =
        sl_client_host(client, request->host, request->port, request->tls);
    struct sl_call *call = host ? new_call(client) : NULL;
    if (!call)
        return NULL;
    call->host = host;
    host->n_calls++;
    call->request = *request;
    call->callbacks = *callbacks;
    call->ctx = ctx;
    call->timer.on_timer = on_timer;
    call->deferred.run = run_deferred;
    call->started_ns = sl_loop_now_ns(client->loop);
    call->deadline_ns = UINT64_MAX;
    call->total_deadline_ns = request->timeouts.total_ms
                                  ? call->started_ns + request->timeouts.total_ms * NS_PER_MS
                                  : UINT64_MAX;
    if (!prepare(call)) {
        free_call(call);
        return NULL;
    }
    call->is_starting = true;
    struct sl_client_conn *conn = sl_client_take_idle(host);
    if (conn) {
        attach(call, conn);
        call->is_reused = call->times.is_reused = true;
        enter_phase(call, SL_PHASE_SEND, request->timeouts.send_ms);
        send_request(call);
        if (call->is_readable)
            sl_loop_defer(client->loop, &call->deferred);
    } else {
        resolve(call);
    }
    call->is_starting = false;
    return call;
}

void sl_call_cancel(struct sl_call *call)
{
    if (!call->is_over)
        close_call(call);
}

void sl_call_pause(struct sl_call *call)
{
    call->is_paused = true;
}

void sl_call_resume(struct sl_call *call)
{
    if (!call->is_paused)
        return;
    call->is_paused = false;
    if (call->is_readable && !call->is_over)
        sl_loop_defer(call->client->loop, &call->deferred);
}

void sl_call_get_times(const struct sl_call *call, struct sl_call_times *out)
{
    *out = call->times;
    out->is_reused = call->is_reused;
}

static void on_sweep(struct sl_loop *loop, struct sl_timer *timer)
{
    (void)loop;
    sl_client_sweep(SL_CONTAINER(timer, struct sl_client, sweep), false);
}

enum sl_rc sl_client_create(struct sl_client **out, struct sl_loop *loop,
                            const struct sl_client_options *options)
{
    struct sl_client *client = malloc(sizeof(*client));
    if (!client)
        return SL_NOMEM;
    memset(client, 0, offsetof(struct sl_client, read_buffer));
    client->loop = loop;
    client->resolver = options->resolver;
    client->max_idle_per_host = options->max_idle_per_host ? options->max_idle_per_host : 256;
    client->idle_ns = (options->idle_ms ? options->idle_ms : DEFAULT_IDLE_MS) * NS_PER_MS;
    client->sweep.on_timer = on_sweep;
    *out = client;
    return SL_OK;
}

void sl_client_destroy(struct sl_client *client)
{
    if (!client)
        return;
    for (struct sl_call *call = client->calls, *next; call; call = next) {
        next = call->next;
        call->deferred.is_queued = false;
        sl_call_cancel(call);
    }
    sl_client_sweep(client, true);
    while (client->hosts) {
        struct sl_client_host *h = client->hosts;
        client->hosts = h->next;
        free(h);
    }
    while (client->free_calls) {
        struct sl_call *call = client->free_calls;
        client->free_calls = call->next;
        free(call);
    }
    free(client);
}

void sl_client_get_stats(const struct sl_client *client, struct sl_client_stats *out)
{
    *out = client->stats;
}
