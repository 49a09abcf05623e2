/*
 * Frames are found by their blank line, whatever ends lines; a frame that lies whole in one feed
 * is read in place and passed on together with its neighbours as one view.
 */
#include "dialect/openai/stream.h"
#include "codec/sse.h"

void sl_chat_stream_init(struct sl_chat_stream *s, bool takes_usage_out, size_t max_frame_bytes)
{
    *s = (struct sl_chat_stream){.takes_usage_out = takes_usage_out,
                                 .max_frame_bytes = max_frame_bytes};
    sl_buf_init(&s->held, max_frame_bytes + 1);
    sl_arena_pool_init(&s->pool, 1);
    sl_arena_init(&s->arena, &s->pool, max_frame_bytes * 16 + 2 * SL_ARENA_CHUNK_BYTES);
}

void sl_chat_stream_free(struct sl_chat_stream *s)
{
    sl_buf_free(&s->held);
    sl_arena_reset(&s->arena);
    sl_arena_pool_drain(&s->pool);
}

/* ---- reading one frame ------------------------------------------------------------------- */

static uint64_t text_bytes(struct sl_chat_stream *s, const struct sl_json *j, sl_json_ref object,
                           sl_str key)
{
    return sl_json_str(j, sl_json_get(j, object, key), &s->arena).n;
}

static void read_choice(struct sl_chat_stream *s, const struct sl_json *j, sl_json_ref choice)
{
    sl_json_ref delta = sl_json_get(j, choice, SL_STR("delta"));
    s->text_bytes += text_bytes(s, j, delta, SL_STR("content"));
    s->reasoning_bytes += text_bytes(s, j, delta, SL_STR("reasoning_content"));
    s->reasoning_bytes += text_bytes(s, j, delta, SL_STR("reasoning"));
    sl_json_ref calls = sl_json_get(j, delta, SL_STR("tool_calls"));
    for (sl_json_ref r = sl_json_first(j, calls); r != SL_JSON_NONE; r = sl_json_after(j, calls, r))
        s->tool_call_bytes +=
            text_bytes(s, j, sl_json_get(j, r, SL_STR("function")), SL_STR("arguments"));
    sl_str reason = sl_json_str(j, sl_json_get(j, choice, SL_STR("finish_reason")), &s->arena);
    if (reason.n) {
        reason = sl_str_sub(reason, 0, sizeof s->finish_reason - 1);
        memcpy(s->finish_reason, reason.p, reason.n);
        s->finish_reason[reason.n] = 0;
        s->n_finished++;
    }
}

/* Reads the JSON of a frame. True when it is the chunk that carries usage and nothing else. */
static bool read_chunk(struct sl_chat_stream *s, sl_str data, bool *is_json)
{
    struct sl_json j;
    *is_json = sl_json_parse(&j, &s->arena, data, NULL, NULL) == SL_OK;
    if (!*is_json || sl_json_type(&j, 0) != SL_JSON_OBJECT)
        return false;
    struct sl_usage usage;
    if (sl_answer_usage(&j, &usage))
        s->usage = usage;
    sl_json_ref error = sl_json_get(&j, 0, SL_STR("error"));
    if (error != SL_JSON_NONE && sl_json_type(&j, error) != SL_JSON_NULL)
        s->has_error = true;
    sl_json_ref choices = sl_json_get(&j, 0, SL_STR("choices"));
    if (choices == SL_JSON_NONE || sl_json_type(&j, choices) != SL_JSON_ARRAY)
        return false;
    uint64_t before = s->text_bytes + s->reasoning_bytes + s->tool_call_bytes;
    for (sl_json_ref r = sl_json_first(&j, choices); r != SL_JSON_NONE;
         r = sl_json_after(&j, choices, r))
        read_choice(s, &j, r);
    s->n_text_frames += s->text_bytes + s->reasoning_bytes + s->tool_call_bytes > before;
    return usage.is_present && sl_json_count(&j, choices) == 0;
}

/* The next line of *rest without its end. */
static sl_str take_line(sl_str *rest)
{
    size_t n = sl_sse_line_end(*rest);
    sl_str line = {rest->p, n};
    if (n < rest->n)
        n += rest->p[n] == '\r' && n + 1 < rest->n && rest->p[n + 1] == '\n' ? 2 : 1;
    *rest = sl_str_sub(*rest, n, rest->n);
    return line;
}

/* Value of the frame's data lines, joined by LF; p == NULL when it has none. */
static sl_str data_of(struct sl_chat_stream *s, sl_str frame)
{
    const size_t frame_bytes = frame.n;
    sl_str data = {NULL, 0};
    char *joined = NULL;
    while (frame.n) {
        sl_str line = take_line(&frame);
        if (sl_str_starts(line, SL_STR("\xef\xbb\xbf")))
            line = sl_str_sub(line, 3, line.n);
        if (!sl_str_starts(line, SL_STR("data")) || (line.n > 4 && line.p[4] != ':'))
            continue;
        sl_str value = sl_str_sub(line, 5, line.n);
        if (value.n && value.p[0] == ' ')
            value = sl_str_sub(value, 1, value.n);
        if (!data.p) {
            data = value;
            continue;
        }
        if (!joined) {
            joined = sl_arena_alloc_aligned(&s->arena, frame_bytes, 1);
            if (!joined)
                return (sl_str){NULL, 0};
            memcpy(joined, data.p, data.n);
            data.p = joined;
        }
        joined[data.n++] = '\n';
        memcpy(joined + data.n, value.p, value.n);
        data.n += value.n;
    }
    return data;
}

/* Takes note of a whole frame. True when it must not reach the client. */
static bool read_frame(struct sl_chat_stream *s, sl_str frame, bool *is_whole)
{
    bool is_usage_only = false;
    sl_str data = data_of(s, frame);
    *is_whole = false;
    if (data.p) {
        s->n_frames++;
        if (sl_str_eq(sl_str_trim(data), SL_STR("[DONE]"))) {
            s->is_done = *is_whole = true;
        } else {
            is_usage_only = read_chunk(s, data, is_whole);
        }
    }
    sl_arena_reset(&s->arena);
    return is_usage_only && s->takes_usage_out;
}

/* ---- finding frames ---------------------------------------------------------------------- */

/*
 * Offset behind the blank line that ends the frame in progress, or 0 when `bytes` hold no end.
 * Line state carries over from feed to feed. A LF that completes a CR LF whose CR ended the frame
 * before is not looked at here (see feed).
 */
static size_t frame_end(struct sl_chat_stream *s, sl_str bytes)
{
    size_t at = 0;
    while (at < bytes.n) {
        size_t run = sl_sse_line_end(sl_str_sub(bytes, at, bytes.n));
        if (run) {
            s->line_bytes += run;
            s->had_cr = false;
            at += run;
            continue;
        }
        char c = bytes.p[at++];
        if (c == '\n' && s->had_cr) {
            s->had_cr = false;
            continue;
        }
        s->had_cr = c == '\r';
        bool is_blank_line = s->line_bytes == 0;
        s->line_bytes = 0;
        if (is_blank_line) {
            if (s->had_cr && at < bytes.n && bytes.p[at] == '\n') {
                s->had_cr = false;
                at++;
            }
            return at;
        }
    }
    return 0;
}

struct output {
    sl_stream_emit *emit;
    void *ctx;
    sl_str run; /* frames of this feed that pass and lie side by side */
};

static enum sl_rc flush(struct output *o)
{
    sl_str run = o->run;
    o->run = (sl_str){NULL, 0};
    return run.n ? o->emit(o->ctx, run) : SL_OK;
}

static enum sl_rc pass(struct output *o, sl_str bytes)
{
    if (o->run.n && o->run.p + o->run.n == bytes.p) {
        o->run.n += bytes.n;
        return SL_OK;
    }
    enum sl_rc rc = flush(o);
    o->run = bytes;
    return rc;
}

/* A frame whose last bytes are `end`; what came before is held. */
static enum sl_rc end_held_frame(struct sl_chat_stream *s, struct output *o, sl_str end)
{
    sl_buf_add(&s->held, end);
    if (sl_buf_rc(&s->held)) { /* too large to read: let it pass */
        s->is_oversized = true;
        s->was_taken_out = false;
        enum sl_rc rc = o->emit(o->ctx, sl_buf_str(&s->held));
        sl_buf_reset(&s->held);
        return rc ? rc : pass(o, end);
    }
    bool is_whole;
    enum sl_rc rc = SL_OK;
    s->was_taken_out = read_frame(s, sl_buf_str(&s->held), &is_whole);
    if (!s->was_taken_out)
        rc = o->emit(o->ctx, sl_buf_str(&s->held));
    sl_buf_reset(&s->held);
    return rc;
}

static enum sl_rc hold(struct sl_chat_stream *s, struct output *o, sl_str bytes)
{
    if (s->held.n + bytes.n <= s->max_frame_bytes) {
        sl_buf_add(&s->held, bytes);
        if (sl_buf_rc(&s->held) == SL_OK)
            return SL_OK;
    }
    s->is_oversized = s->is_passing = true;
    enum sl_rc rc = s->held.n ? o->emit(o->ctx, sl_buf_str(&s->held)) : SL_OK;
    sl_buf_reset(&s->held);
    return rc ? rc : pass(o, bytes);
}

static enum sl_rc take_frame(struct sl_chat_stream *s, struct output *o, sl_str frame)
{
    if (s->is_passing) {
        s->is_passing = s->was_taken_out = false;
        return pass(o, frame);
    }
    if (s->held.n)
        return end_held_frame(s, o, frame);
    if (frame.n > s->max_frame_bytes) {
        s->is_oversized = true;
        s->was_taken_out = false;
        return pass(o, frame);
    }
    bool is_whole;
    s->was_taken_out = read_frame(s, frame, &is_whole);
    return s->was_taken_out ? SL_OK : pass(o, frame);
}

enum sl_rc sl_chat_stream_feed(struct sl_chat_stream *s, sl_str bytes, sl_stream_emit *emit,
                               void *ctx)
{
    struct output o = {.emit = emit, .ctx = ctx};
    enum sl_rc rc = SL_OK;
    /* The LF of a CR LF that ended a frame right at the cut. */
    if (bytes.n && bytes.p[0] == '\n' && s->had_cr && !s->line_bytes && !s->held.n &&
        !s->is_passing) {
        if (!s->was_taken_out)
            rc = pass(&o, sl_str_sub(bytes, 0, 1));
        s->had_cr = false;
        bytes = sl_str_sub(bytes, 1, bytes.n);
    }
    while (!rc && bytes.n) {
        size_t end = frame_end(s, bytes);
        sl_str frame = sl_str_sub(bytes, 0, end ? end : bytes.n);
        bytes = sl_str_sub(bytes, frame.n, bytes.n);
        if (end)
            rc = take_frame(s, &o, frame);
        else
            rc = s->is_passing ? pass(&o, frame) : hold(s, &o, frame);
    }
    enum sl_rc last = flush(&o);
    return rc ? rc : last;
}

bool sl_chat_stream_end(struct sl_chat_stream *s, sl_stream_emit *emit, void *ctx)
{
    bool is_torn = s->is_passing;
    if (s->held.n) {
        bool is_whole, is_taken_out = read_frame(s, sl_buf_str(&s->held), &is_whole);
        if (is_whole && !is_taken_out) {
            /* Two line ends: the frame's own last line may lack one. */
            is_torn = emit(ctx, sl_buf_str(&s->held)) || emit(ctx, SL_STR("\n\n"));
        } else if (!is_whole) {
            is_torn = sl_str_trim(sl_buf_str(&s->held)).n > 0;
        }
        sl_buf_reset(&s->held);
    }
    return s->is_done || (s->n_finished && !is_torn);
}

void sl_chat_stream_error(const struct sl_chat_stream *s, struct sl_buf *out, int status,
                          sl_str message)
{
    if (s->is_passing)
        sl_buf_add(out, SL_STR("\n\n"));
    sl_buf_add(out, SL_STR("data: "));
    sl_answer_error(out, status, message);
    sl_buf_add(out, SL_STR("\n\n"));
}
