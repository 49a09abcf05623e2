/*
 * The exchange on a connection: the request head and the caller's body pieces leave in one writev;
 * answer bytes go from the read buffer to the caller as views.
 */
#include "http/client_parts.h"

#define WRITE_PIECES 64u

/* ---- sending ----------------------------------------------------------------------------- */

/* Ends a connection that gave nothing: a reused one is replaced once, a fresh one is a failure. */
static void lost_before_answer(struct sl_call *call, enum sl_rc rc, const char *reason)
{
    if (!call->is_reused || call->was_retried || call->got_bytes) {
        call_fail(call, rc, reason);
        return;
    }
    sl_client_close(call->conn);
    call->conn = NULL;
    call->was_retried = true;
    call->sent_bytes = 0;
    call->is_readable = false;
    call_resolve(call);
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

void call_send(struct sl_call *call)
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
            if (!call->got_bytes && (!call->was_sent || call->is_reused))
                lost_before_answer(call, rc, "the connection broke while sending");
            else
                call->is_readable = true;
            return;
        }
        call->was_sent = true;
        call->sent_bytes += sent;
        if (call->sent_bytes < call->to_send_bytes && call->phase == SL_PHASE_SEND)
            call_set_deadline(call, call->request.timeouts.send_ms);
    }
    call->times.sent_ns = sl_loop_now_ns(call->client->loop) - call->started_ns;
    if (call->phase == SL_PHASE_SEND) /* else an early answer is coming */
        call_enter_phase(call, SL_PHASE_FIRST_BYTE, call->request.timeouts.first_byte_ms);
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
        .is_until_close = call->parser.framing == SL_H1_UNTIL_CLOSE,
    };
    call_enter_phase(call, SL_PHASE_BODY_READ, call->request.timeouts.idle_ms);
    call->callbacks.on_head(call->ctx, &response);
}

/* After an interim answer: as if nothing had come yet. */
static void wait_for_answer(struct sl_call *call)
{
    if (call->sent_bytes < call->to_send_bytes)
        call_enter_phase(call, SL_PHASE_SEND, call->request.timeouts.send_ms);
    else
        call_enter_phase(call, SL_PHASE_FIRST_BYTE, call->request.timeouts.first_byte_ms);
}

static void feed(struct sl_call *call, sl_str in)
{
    uint32_t n_interim = call->parser.n_interim;
    while (!call->is_over) {
        enum sl_h1_event event;
        sl_str body = {NULL, 0};
        enum sl_rc rc = sl_h1_response_next(&call->parser, &in, &event, &body);
        if (rc != SL_OK) {
            call_fail(call, rc, call->parser.error);
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
    if (!call->is_over && call->parser.n_interim > n_interim && call->phase == SL_PHASE_HEAD)
        wait_for_answer(call);
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
    if (call->phase == SL_PHASE_BODY_READ)
        call_set_deadline(call, call->request.timeouts.idle_ms);
    else if (call->phase != SL_PHASE_HEAD) /* which is one wait, however its bytes trickle */
        call_enter_phase(call, SL_PHASE_HEAD, call->request.timeouts.idle_ms);
    if (call->got_bytes)
        return;
    call->got_bytes = true;
    call->times.first_byte_ns = sl_loop_now_ns(call->client->loop) - call->started_ns;
}

void call_read(struct sl_call *call)
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
