/*
 * Calls: one state machine a request, driven by the events of its connection and one timer. Here
 * are its life, its limits and its events. The timer is lazy: progress only moves a deadline, and
 * the timer that fires too early starts again for the rest.
 *
 * A pooled connection may have been closed by the peer in the same moment; when it ends before
 * any answer byte, the call is made once more on a fresh one.
 */
#include "http/client_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define MAX_FREE_CALLS  256u
#define DEFAULT_IDLE_MS 50000u
#define NS_PER_MS       1000000u

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

bool call_leave(struct sl_call *call)
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

void call_fail(struct sl_call *call, enum sl_rc rc, const char *reason)
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

const char *call_keep_reason(struct sl_call *call, const char *why)
{
    size_t n = strlen(why);
    n = n < sizeof(call->reason_text) - 1 ? n : sizeof(call->reason_text) - 1;
    memcpy(call->reason_text, why, n);
    call->reason_text[n] = 0;
    return call->reason_text;
}

void call_fail_errno(struct sl_call *call, int error)
{
    char text[96];
    call_fail(call, SL_IO, call_keep_reason(call, strerror_r(error, text, sizeof(text))));
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

void call_set_deadline(struct sl_call *call, uint64_t after_ms)
{
    call->deadline_ns =
        after_ms ? sl_loop_now_ns(call->client->loop) + after_ms * NS_PER_MS : UINT64_MAX;
    arm(call);
}

void call_enter_phase(struct sl_call *call, enum sl_call_phase phase, uint64_t limit_ms)
{
    call->phase = phase;
    call_set_deadline(call, limit_ms);
}

static void on_timer(struct sl_loop *loop, struct sl_timer *timer)
{
    struct sl_call *call = SL_CONTAINER(timer, struct sl_call, timer);
    uint64_t now = sl_loop_now_ns(loop) + NS_PER_MS; /* the wheel may be a little early */
    call->is_busy = true;
    if (now >= call->total_deadline_ns)
        call_fail(call, SL_TIMEOUT, "the whole exchange took too long");
    else if (now < call->deadline_ns)
        arm(call);
    else if (call->is_paused)
        call_set_deadline(call,
                          call->request.timeouts.idle_ms); /* we do not read: not the peer's */
    else if (call->phase == SL_PHASE_CONNECT)
        call_connect_failed(call, SL_TIMEOUT, 0, "connecting took too long");
    else
        call_fail(call, SL_TIMEOUT, "no progress in time");
    call_leave(call);
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
            call_connected(call);
    } else if (call->phase == SL_PHASE_TLS) {
        call_handshake(call);
    } else if (call->sent_bytes < call->to_send_bytes) {
        call_send(call); /* also while an early answer comes */
    }
    if (call->conn == conn && call->phase >= SL_PHASE_SEND)
        call_read(call);
    call_leave(call);
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
            call_read(call);
    }
    call_leave(call);
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
        call_attach(call, conn);
        call->is_reused = call->times.is_reused = true;
        call_enter_phase(call, SL_PHASE_SEND, request->timeouts.send_ms);
        call_send(call);
        if (call->is_readable)
            sl_loop_defer(client->loop, &call->deferred);
    } else {
        call_resolve(call);
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
