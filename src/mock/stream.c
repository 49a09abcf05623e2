/*
 * Streamed answers. Frames that are due go out in one write. Pace is kept against the clock, not
 * against the last frame, so that it does not drift. Without a pace the whole stream is one write.
 */
#include "mock/mock_impl.h"

#include "base/clock.h"
#include "codec/json_write.h"

struct sl_mock_stream {
    struct sl_mock_answer answer;
    sl_str open; /* "data: {... " up to "choices":[ */
    int64_t at;  /* next frame: 0 role, 1..n words, then finish, usage, [DONE] */
    uint64_t due_ns;
    bool is_blocked; /* the peer does not read */
    bool is_over;
};

static int64_t n_words(const struct sl_mock_answer *a)
{
    if (a->tool_name.n)
        return 2; /* the name, then the arguments */
    return a->content.p ? 1 : a->n_tok;
}

static void put_open(struct sl_buf *out, const struct sl_mock_request *r,
                     const struct sl_mock_answer *a)
{
    bool is_chat = a->kind == SL_MOCK_CHAT;
    sl_buf_printf(out, "{\"id\":\"%s-mock-%llu\",\"object\":\"%s\",\"created\":%lld,\"model\":",
                  is_chat ? "chatcmpl" : "cmpl", (unsigned long long)a->id,
                  is_chat ? "chat.completion.chunk" : "text_completion",
                  (long long)sl_clock_unix_s());
    sl_json_escape(out, r->model);
    sl_buf_add(out, SL_STR(",\"system_fingerprint\":\"mock\",\"choices\":["));
}

static void put_tool(struct sl_buf *out, const struct sl_mock_answer *a, int64_t step)
{
    if (step == 0) {
        sl_buf_printf(out,
                      "\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_%llu\","
                      "\"type\":\"function\",\"function\":{\"name\":",
                      (unsigned long long)a->id);
        sl_json_escape(out, a->tool_name);
        sl_buf_add(out, SL_STR(",\"arguments\":\"\"}}]}"));
    } else {
        sl_buf_add(out, SL_STR("\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{"
                               "\"arguments\":"));
        sl_json_escape(out, a->tool_args);
        sl_buf_add(out, SL_STR("}}]}"));
    }
}

static void put_delta(struct sl_buf *out, const struct sl_mock_request *r,
                      const struct sl_mock_stream *s)
{
    const struct sl_mock_answer *a = &s->answer;
    bool is_chat = a->kind == SL_MOCK_CHAT;
    int64_t words = n_words(a);
    if (s->at == 0) {
        sl_buf_add(out, is_chat ? SL_STR("\"delta\":{\"role\":\"assistant\",\"content\":\"\"}")
                                : SL_STR("\"text\":\"\""));
    } else if (s->at > words) {
        sl_buf_add(out, is_chat ? SL_STR("\"delta\":{}") : SL_STR("\"text\":\"\""));
    } else if (a->tool_name.n) {
        put_tool(out, a, s->at - 1);
    } else {
        sl_buf_add(out, is_chat ? SL_STR("\"delta\":{\"content\":") : SL_STR("\"text\":"));
        sl_json_escape(out, sl_mock_word(a, r->model, s->at - 1));
        if (is_chat)
            sl_buf_add_char(out, '}');
    }
}

/* Appends frame s->at; false when the stream is over with it. */
static bool put_frame(struct sl_buf *out, const struct sl_mock_request *r, struct sl_mock_stream *s)
{
    const struct sl_mock_answer *a = &s->answer;
    int64_t words = n_words(a);
    if (r->plan.error_after >= 0 && s->at == r->plan.error_after) {
        sl_buf_add(out, SL_STR("data: {\"error\":{\"message\":\"mock failure\",\"type\":"
                               "\"server_error\",\"code\":500}}\n\n"));
        return false;
    }
    int64_t past = s->at - (words + 1) - (a->wants_usage ? 1 : 0);
    if (past > 0) {
        sl_buf_add(out, SL_STR("data: [DONE]\n\n"));
        return false;
    }
    if (r->plan.end_early && s->at > words)
        return false;
    sl_buf_add(out, SL_STR("data: "));
    sl_buf_add(out, s->open);
    if (s->at <= words + 1) {
        sl_buf_add(out, SL_STR("{\"index\":0,"));
        put_delta(out, r, s);
        if (s->at == words + 1)
            sl_buf_printf(out, ",\"finish_reason\":\"%s\"}", a->finish_reason);
        else
            sl_buf_add(out, SL_STR(",\"finish_reason\":null}"));
    }
    sl_buf_add_char(out, ']');
    if (s->at == words + 2) {
        sl_buf_add(out, SL_STR(",\"usage\":"));
        sl_mock_put_usage(out, a);
    }
    if (r->plan.timestamps)
        sl_buf_printf(out, ",\"mock_sent_ns\":%llu", (unsigned long long)sl_clock_ns());
    if (r->plan.echo && s->at == 0) {
        sl_buf_add(out, SL_STR(",\"mock_received\":"));
        sl_mock_put_received(out, r->x, r->body.text);
    }
    sl_buf_add(out, r->plan.malformed ? SL_STR("\n\n") : SL_STR("}\n\n"));
    s->at++;
    return true;
}

/* Frames that are due go out together; then the next wait, or the end. */
static void step(struct sl_mock_request *r)
{
    struct sl_mock_stream *s = r->stream;
    struct sl_buf *out = &r->mock->out;
    uint64_t now = sl_loop_now_ns(r->mock->loop);
    sl_buf_reset(out);
    bool is_cut = false, goes_on = true;
    while (goes_on && s->due_ns <= now) {
        if (r->plan.cut_after >= 0 && s->at >= r->plan.cut_after) {
            is_cut = true;
            break;
        }
        int64_t frame = s->at;
        goes_on = put_frame(out, r, s);
        /* The role and the first word come together, then one word a beat; the tail at once. */
        if (goes_on && frame >= 1 && frame < n_words(&s->answer))
            s->due_ns += (uint64_t)r->plan.token_ms * 1000000u;
        if (out->n > 256 << 10)
            break;
    }
    struct iovec piece = {out->p, out->n};
    enum sl_rc rc = out->n ? sl_reply_body(r->x, &piece, 1) : SL_OK;
    if (rc == SL_CLOSED)
        return;
    if (is_cut) {
        sl_reply_abort(r->x);
    } else if (!goes_on) {
        s->is_over = true;
        sl_reply_end(r->x);
    } else if (rc == SL_AGAIN) {
        s->is_blocked = true;
    } else {
        uint64_t wait = s->due_ns > now ? (s->due_ns - now + 999999) / 1000000 : 0;
        sl_timer_start(r->mock->loop, &r->timer, wait);
    }
}

static void on_step(struct sl_loop *loop, struct sl_timer *timer)
{
    (void)loop;
    step(SL_CONTAINER(timer, struct sl_mock_request, timer));
}

void sl_mock_stream_drained(struct sl_mock_request *r)
{
    if (!r->stream || !r->stream->is_blocked || r->stream->is_over)
        return;
    r->stream->is_blocked = false;
    step(r);
}

static void begin(struct sl_mock_request *r)
{
    static struct sl_header items[] = {
        {SL_STR_INIT("content-type"), SL_STR_INIT("text/event-stream")},
        {SL_STR_INIT("cache-control"), SL_STR_INIT("no-cache")},
    };
    struct sl_headers headers = {items, SL_COUNT(items), SL_COUNT(items)};
    if (sl_reply_head(r->x, 200, &headers, SL_LENGTH_UNKNOWN) != SL_OK)
        return;
    r->stream->due_ns = sl_loop_now_ns(r->mock->loop) + (uint64_t)r->plan.first_token_ms * 1000000u;
    r->timer.on_timer = on_step;
    step(r);
}

static void on_begin(struct sl_loop *loop, struct sl_timer *timer)
{
    (void)loop;
    begin(SL_CONTAINER(timer, struct sl_mock_request, timer));
}

void sl_mock_stream_start(struct sl_mock_request *r, const struct sl_mock_answer *answer)
{
    struct sl_mock_stream *s = SL_NEW(r->x->arena, struct sl_mock_stream);
    if (!s) {
        sl_reply_abort(r->x);
        return;
    }
    s->answer = *answer;
    struct sl_buf *out = &r->mock->out;
    sl_buf_reset(out);
    put_open(out, r, answer);
    s->open = sl_arena_dup(r->x->arena, sl_buf_str(out));
    r->stream = s;
    sl_mock_count(r->mock->shared, SL_MOCK_STREAM, 1);
    if (!s->open.p) {
        sl_reply_abort(r->x);
    } else if (r->plan.delay_ms) {
        r->timer.on_timer = on_begin;
        sl_timer_start(r->mock->loop, &r->timer, (uint64_t)r->plan.delay_ms);
    } else {
        begin(r);
    }
}
