/*
 * The answer, as it comes: pieces of one read are gathered as views and leave in one write in the
 * same loop turn, with the head when that is still pending. A slow client pauses the provider. An
 * answer that breaks off before any of it was sent is a failed attempt; later it ends with an
 * error event (streams) or a cut connection (everything else), never as if it were complete.
 */
#include "proxy/parts.h"

#include <string.h>

static bool is_dropped(sl_str name)
{
    static const sl_str names[] = {
        SL_STR_INIT("connection"),       SL_STR_INIT("keep-alive"),
        SL_STR_INIT("content-length"),   SL_STR_INIT("transfer-encoding"),
        SL_STR_INIT("trailer"),          SL_STR_INIT("upgrade"),
        SL_STR_INIT("proxy-connection"), SL_STR_INIT("proxy-authenticate"),
    };
    for (size_t i = 0; i < SL_COUNT(names); i++)
        if (name.n == names[i].n && sl_str_eq_nocase(name, names[i]))
            return true;
    /* A provider does not speak for the router. */
    return name.n > 6 && sl_str_eq_nocase(sl_str_sub(name, 0, 6), SL_STR("x-vsr-"));
}

static bool send_head(struct sl_px *px)
{
    const struct sl_headers *in = &px->head.headers;
    struct sl_arena *arena = px->x->arena;
    struct sl_headers out = {
        .items = sl_arena_alloc(arena, (in->n + 24) * sizeof(struct sl_header)), .cap = in->n + 24};
    if (!out.items)
        return false;
    for (uint32_t i = 0; i < in->n; i++)
        if (!is_dropped(in->items[i].name))
            out.items[out.n++] = in->items[i];
    px->is_answered = px->is_head_sent = true;
    uint64_t length = px->head.has_body ? px->head.content_length : 0;
    return sl_px_answer_headers(px, px->status, &out) == SL_OK &&
           sl_reply_head(px->x, px->status, &out, length) == SL_OK;
}

/* How many line ends the stream ends with so far: two or more close an event. */
static void note_frame_end(struct sl_px *px)
{
    for (uint32_t i = 0; i < px->n_gather; i++) {
        const char *p = px->gather[i].iov_base;
        size_t n = px->gather[i].iov_len, k = n;
        while (k && n - k < 4 && (p[k - 1] == '\n' || p[k - 1] == '\r'))
            k--;
        size_t ends = 0;
        for (size_t j = k; j < n; j++)
            ends += p[j] == '\n' || (p[j] == '\r' && !(j + 1 < n && p[j + 1] == '\n'));
        px->n_trailing_newlines = (uint8_t)(k == 0 && ends ? px->n_trailing_newlines + ends : ends);
    }
}

/* False: the exchange is over, px must not be touched. */
static bool flush(struct sl_px *px)
{
    if (!px->is_head_sent && !send_head(px)) {
        sl_reply_abort(px->x);
        return false;
    }
    if (!px->n_gather)
        return true;
    for (uint32_t i = 0; i < px->n_gather; i++)
        px->bytes_out += px->gather[i].iov_len;
    if (px->is_sse)
        note_frame_end(px);
    uint32_t n = px->n_gather;
    px->n_gather = 0;
    enum sl_rc rc = sl_reply_body(px->x, px->gather, n);
    if (rc == SL_AGAIN && px->call)
        sl_call_pause(px->call);
    return rc == SL_OK || rc == SL_AGAIN;
}

static bool is_event_stream(const struct sl_response *response)
{
    sl_str type = sl_headers_get(&response->headers, SL_STR("content-type"));
    sl_str wanted = SL_STR("text/event-stream");
    return type.n >= wanted.n && sl_str_eq_nocase(sl_str_sub(type, 0, wanted.n), wanted);
}

static void on_head(void *ctx, const struct sl_response *response)
{
    struct sl_px *px = ctx;
    px->first_byte_ns = sl_loop_now_ns(px->proxy->loop) - px->x->started_ns;
    if (sl_px_retries_status(px, response->status))
        return;
    px->head = *response;
    px->has_head = true;
    px->status = response->status;
    px->path = "upstream";
    px->is_sse = is_event_stream(response);
    if (px->is_sse) {
        px->is_counted_stream = true;
        sl_cell_add(px->proxy->cell_streams, 1);
    }
}

static void on_body(void *ctx, sl_str bytes)
{
    struct sl_px *px = ctx;
    if (px->n_gather == SL_PX_GATHER && !flush(px))
        return;
    px->gather[px->n_gather++] = (struct iovec){(void *)(uintptr_t)bytes.p, bytes.n};
}

static void on_flush(void *ctx)
{
    (void)flush(ctx);
}

static void on_end(void *ctx)
{
    struct sl_px *px = ctx;
    struct sl_exchange *x = px->x;
    px->call = NULL;
    sl_px_attempt_over(px, px->status < 500, px->status);
    px->end = "complete";
    if (!px->is_head_sent && px->head.has_body && !px->is_sse) {
        px->head.content_length = 0; /* all of it is here: no need for chunks */
        for (uint32_t i = 0; i < px->n_gather; i++)
            px->head.content_length += px->gather[i].iov_len;
    }
    if (flush(px))
        sl_reply_end(x);
}

static enum sl_attempt_end end_of(enum sl_rc rc, enum sl_call_phase phase)
{
    if (phase <= SL_PHASE_TLS)
        return SL_ATTEMPT_CONNECT_FAILURE;
    if (phase == SL_PHASE_SEND)
        return SL_ATTEMPT_REFUSED_STREAM;
    return rc == SL_INVALID || rc == SL_LIMIT ? SL_ATTEMPT_BAD_ANSWER : SL_ATTEMPT_RESET;
}

/* The stream broke: says so in its own language and ends. */
static void end_stream_with_error(struct sl_px *px, const char *reason)
{
    struct sl_exchange *x = px->x;
    struct sl_buf event;
    sl_buf_init(&event, 4096);
    px->n_gather = 0;
    if (px->n_trailing_newlines < 2 && px->bytes_out)
        sl_buf_add(&event, SL_STR("\n\n"));
    sl_buf_add(&event, SL_STR("data: "));
    sl_px_error_body(&event, 502, sl_str_from(reason));
    sl_buf_add(&event, SL_STR("\n\n"));
    struct iovec piece = {event.p, event.n};
    px->bytes_out += event.n;
    if (sl_reply_body(x, &piece, 1) != SL_CLOSED)
        sl_reply_end(x);
    sl_buf_free(&event);
}

static void on_fail(void *ctx, enum sl_rc rc, enum sl_call_phase phase, bool was_sent,
                    bool got_bytes, const char *reason)
{
    struct sl_px *px = ctx;
    (void)was_sent, (void)got_bytes;
    px->call = NULL;
    const sl_str labels[2] = {px->backend->name, sl_str_from(sl_call_phase_name(phase))};
    sl_cell_add(sl_metrics_cell(px->proxy->metrics, SL_M_UPSTREAM_FAILURES, labels, 2), 1);
    if (!px->is_head_sent) {
        px->has_head = false;
        px->n_gather = 0;
        sl_px_attempt_failed(px, end_of(rc, phase), 0, rc == SL_TIMEOUT, reason);
        return;
    }
    sl_px_attempt_over(px, false, 0);
    px->end = rc == SL_TIMEOUT ? "timeout" : "upstream_cut";
    if (px->is_sse && px->head.content_length == UINT64_MAX)
        end_stream_with_error(px, reason);
    else
        sl_reply_abort(px->x);
}

void sl_px_on_drain(void *app, struct sl_exchange *x)
{
    struct sl_px *px = x->user;
    (void)app;
    if (px && px->call)
        sl_call_resume(px->call);
}

const struct sl_call_callbacks sl_px_callbacks = {
    .on_head = on_head,
    .on_body = on_body,
    .on_flush = on_flush,
    .on_end = on_end,
    .on_fail = on_fail,
};
