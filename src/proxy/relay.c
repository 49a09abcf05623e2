/*
 * The answer, as it comes: pieces of one read are gathered as views and leave in one write in the
 * same loop turn, with the head when that is still pending. A slow client pauses the provider. An
 * answer that breaks off before any of it was sent is a failed attempt; later it ends with an
 * error event (streams) or a cut connection (everything else), never as if it were complete.
 */
#include "proxy/parts.h"

#include <string.h>

#define MAX_FRAME_BYTES (1u << 20) /* a larger event passes unread */
#define COLLECT_BYTES   (1u << 20) /* of a JSON answer, to read its usage */

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
    if (px->is_json && px->call)
        for (uint32_t i = 0; i < px->n_gather; i++)
            sl_buf_add(&px->collected, sl_str_of(px->gather[i].iov_base, px->gather[i].iov_len));
    uint32_t n = px->n_gather;
    px->n_gather = 0;
    enum sl_rc rc = sl_reply_body(px->x, px->gather, n);
    if (rc == SL_AGAIN && px->call)
        sl_call_pause(px->call);
    return rc == SL_OK || rc == SL_AGAIN;
}

static bool is_type(const struct sl_response *response, sl_str wanted)
{
    sl_str type = sl_headers_get(&response->headers, SL_STR("content-type"));
    return type.n >= wanted.n && sl_str_eq_nocase(sl_str_sub(type, 0, wanted.n), wanted);
}

/* Compressed, though none was asked for: it passes unread, and nothing can be written into it. */
static bool is_coded(const struct sl_response *response)
{
    sl_str coding = sl_headers_get(&response->headers, SL_STR("content-encoding"));
    return coding.n && !sl_str_eq_nocase(coding, SL_STR("identity"));
}

static void on_head(void *ctx, const struct sl_response *response)
{
    struct sl_px *px = ctx;
    px->first_byte_ns = sl_loop_now_ns(px->proxy->loop) - px->x->started_ns;
    sl_count_call(px, response->status);
    if (sl_px_retries_status(px, response->status))
        return;
    px->head = *response;
    px->has_head = true;
    px->status = response->status;
    px->path = "upstream";
    px->is_sse = is_type(response, SL_STR("text/event-stream"));
    px->is_coded = is_coded(response);
    px->is_json =
        response->status == 200 && !px->is_coded && is_type(response, SL_STR("application/json"));
    sl_buf_init(&px->collected, COLLECT_BYTES);
    if (!px->is_sse)
        return;
    px->is_counted_stream = true;
    sl_cell_add(px->proxy->cell_streams, 1);
    if (px->gate != SL_GATE_EMBEDDINGS && response->status == 200 && !px->is_coded) {
        bool takes_usage_out =
            px->gate == SL_GATE_CHAT && sl_chat_adds_usage(&px->chat, &px->verdict);
        px->has_stream = true;
        sl_chat_stream_init(&px->stream, takes_usage_out, MAX_FRAME_BYTES);
        px->head.content_length = UINT64_MAX; /* a frame may be taken out */
    }
}

/* SL_CLOSED: the exchange is over. */
static enum sl_rc gather(void *ctx, sl_str bytes)
{
    struct sl_px *px = ctx;
    if (!bytes.n)
        return SL_OK;
    if (px->n_gather == SL_PX_GATHER && !flush(px))
        return SL_CLOSED;
    px->gather[px->n_gather++] = (struct iovec){(void *)(uintptr_t)bytes.p, bytes.n};
    bool outlives_call =
        bytes.p >= px->reading.p && bytes.p + bytes.n <= px->reading.p + px->reading.n;
    return outlives_call || flush(px) ? SL_OK : SL_CLOSED;
}

/* One look a read: its frames came together, so they share the time since the read before. */
static void count_tokens(struct sl_px *px, uint64_t n_before)
{
    uint64_t n = px->stream.n_text_frames - n_before;
    if (!n)
        return;
    uint64_t now = sl_loop_now_ns(px->proxy->loop);
    if (px->last_text_ns)
        sl_cell_observe(sl_px_model_cells(px)->itl,
                        (double)(now - px->last_text_ns) * 1e-9 / (double)n);
    px->last_text_ns = now;
}

static void on_body(void *ctx, sl_str bytes)
{
    struct sl_px *px = ctx;
    px->reading = bytes;
    if (!px->has_stream) {
        (void)gather(px, bytes);
        return;
    }
    uint64_t n_before = px->stream.n_text_frames;
    enum sl_rc rc = sl_chat_stream_feed(&px->stream, bytes, gather, px);
    if (rc == SL_OK)
        count_tokens(px, n_before);
    else if (rc == SL_NOMEM)
        sl_reply_abort(px->x);
}

static void on_flush(void *ctx)
{
    struct sl_px *px = ctx;
    if (px->n_gather || !px->is_head_sent)
        (void)flush(px);
}

/* SL_INVALID: the answer is not JSON. One that is too long to collect passes unread. */
static enum sl_rc read_json_answer(struct sl_px *px)
{
    if (!px->collected.n && px->n_gather == 1)
        return sl_px_read_usage(px, sl_str_of(px->gather[0].iov_base, px->gather[0].iov_len));
    for (uint32_t i = 0; i < px->n_gather; i++)
        sl_buf_add(&px->collected, sl_str_of(px->gather[i].iov_base, px->gather[i].iov_len));
    enum sl_rc rc = sl_buf_rc(&px->collected);
    return rc == SL_OK ? sl_px_read_usage(px, sl_buf_str(&px->collected)) : rc;
}

/* The stream broke: says so in its own language and ends. */
static void end_stream_with_error(struct sl_px *px, sl_str why)
{
    struct sl_exchange *x = px->x;
    struct sl_buf event;
    sl_buf_init(&event, 4096);
    if (!px->has_stream)
        sl_buf_add(&event, SL_STR("\n\n")); /* whatever frame was open ends here */
    sl_chat_stream_error(&px->stream, &event, 502, why);
    if (flush(px)) {
        struct iovec piece = {event.p, event.n};
        px->bytes_out += event.n;
        if (sl_reply_body(x, &piece, 1) != SL_CLOSED)
            sl_reply_end(x);
    }
    sl_buf_free(&event);
}

static enum sl_attempt_end end_of(enum sl_rc rc, enum sl_call_phase phase)
{
    if (phase <= SL_PHASE_TLS)
        return SL_ATTEMPT_CONNECT_FAILURE;
    if (phase == SL_PHASE_SEND)
        return SL_ATTEMPT_REFUSED_STREAM;
    return rc == SL_INVALID || rc == SL_LIMIT ? SL_ATTEMPT_BAD_ANSWER : SL_ATTEMPT_RESET;
}

/* An answer of which nothing went out: another attempt may follow. */
static void forget_answer(struct sl_px *px)
{
    px->has_head = px->is_sse = px->is_json = false;
    px->n_gather = 0;
    sl_buf_free(&px->collected);
    if (px->has_stream)
        sl_chat_stream_free(&px->stream);
    px->has_stream = false;
    px->last_text_ns = 0;
    if (px->is_counted_stream)
        sl_cell_add(px->proxy->cell_streams, -1);
    px->is_counted_stream = false;
}

/* [DONE] was there: only the connection broke, the answer is whole. */
static void finish_stream(struct sl_px *px)
{
    sl_px_attempt_over(px, true, px->status);
    px->end = "complete";
    sl_px_count_usage(px, &px->stream.usage);
    if (flush(px))
        sl_reply_end(px->x);
}

static void on_fail(void *ctx, enum sl_rc rc, enum sl_call_phase phase, bool was_sent,
                    bool got_bytes, const char *reason)
{
    struct sl_px *px = ctx;
    (void)was_sent, (void)got_bytes;
    px->call = NULL;
    if (!px->has_head)
        sl_count_call(px, 0);
    const char *name = sl_call_phase_name(phase);
    const sl_str labels[2] = {px->backend->name, sl_str_from(name)};
    sl_str why = sl_px_failure(px, rc, phase, reason);
    sl_cell_add(sl_metrics_cell(px->proxy->metrics, SL_M_UPSTREAM_FAILURES, labels, 2), 1);
    if (!px->is_head_sent) {
        forget_answer(px);
        sl_px_attempt_failed(px, end_of(rc, phase), rc == SL_TIMEOUT, name, why);
        return;
    }
    px->reading = (sl_str){NULL, 0};
    bool is_whole = px->has_stream && sl_chat_stream_end(&px->stream, gather, px);
    if (is_whole && px->stream.is_done) {
        finish_stream(px);
        return;
    }
    sl_px_attempt_over(px, false, 0);
    px->end = rc == SL_TIMEOUT ? "timeout" : "upstream_cut";
    if (px->is_sse && !px->is_coded && px->head.content_length == UINT64_MAX)
        end_stream_with_error(px, why);
    else
        sl_reply_abort(px->x);
}

static void on_end(void *ctx)
{
    struct sl_px *px = ctx;
    struct sl_exchange *x = px->x;
    px->call = NULL;
    if (px->is_json && read_json_answer(px) == SL_INVALID && px->head.is_until_close) {
        on_fail(px, SL_CLOSED, SL_PHASE_BODY_READ, true, true, "the answer was cut off");
        return;
    }
    sl_px_attempt_over(px, px->status < 500, px->status);
    if (px->has_stream && !sl_chat_stream_end(&px->stream, gather, px)) {
        px->end = "upstream_cut";
        end_stream_with_error(
            px, sl_px_failure(px, SL_CLOSED, SL_PHASE_BODY_READ, "the stream ended early"));
        return;
    }
    px->end = "complete";
    if (!px->is_head_sent && px->head.has_body && !px->is_sse) {
        px->head.content_length = 0; /* all of it is here: no need for chunks */
        for (uint32_t i = 0; i < px->n_gather; i++)
            px->head.content_length += px->gather[i].iov_len;
    }
    if (px->has_stream)
        sl_px_count_usage(px, &px->stream.usage);
    if (flush(px))
        sl_reply_end(x);
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
