/* Whole answers: at once, after a delay, byte by byte, cut off. */
#include "mock/mock_impl.h"

#include "codec/json_write.h"

static void head_of(struct sl_mock_request *r, struct sl_headers *headers,
                    struct sl_header items[2])
{
    headers->items = items;
    headers->n = 0;
    headers->cap = 2;
    items[headers->n++] = (struct sl_header){SL_STR("content-type"), SL_STR("application/json")};
    if (r && r->plan.retry_after_s >= 0)
        items[headers->n++] = (struct sl_header){
            SL_STR("retry-after"),
            sl_arena_printf(r->x->arena, "%lld", (long long)r->plan.retry_after_s)};
}

void sl_mock_json(struct sl_exchange *x, int status, sl_str body)
{
    struct sl_header items[2];
    struct sl_headers headers;
    head_of(NULL, &headers, items);
    sl_reply_all(x, status, &headers, body);
}

static void send_whole(struct sl_mock_request *r)
{
    struct sl_header items[2];
    struct sl_headers headers;
    head_of(r, &headers, items);
    if (r->plan.cut_after < 0 && !r->plan.slow_byte_ms) {
        sl_reply_all(r->x, r->status, &headers, r->answer);
        return;
    }
    if (sl_reply_head(r->x, r->status, &headers, r->answer.n) != SL_OK)
        return;
    if (r->plan.slow_byte_ms) {
        sl_timer_start(r->mock->loop, &r->timer, (uint64_t)r->plan.slow_byte_ms);
        r->n_sent = 0;
        return;
    }
    size_t n = (uint64_t)r->plan.cut_after < r->answer.n ? (size_t)r->plan.cut_after : r->answer.n;
    struct iovec piece = {(void *)(uintptr_t)r->answer.p, n};
    if (n && sl_reply_body(r->x, &piece, 1) == SL_CLOSED)
        return;
    sl_reply_abort(r->x);
}

static void on_byte(struct sl_loop *loop, struct sl_timer *timer)
{
    struct sl_mock_request *r = SL_CONTAINER(timer, struct sl_mock_request, timer);
    if (r->plan.cut_after >= 0 && r->n_sent >= (uint64_t)r->plan.cut_after) {
        sl_reply_abort(r->x);
        return;
    }
    struct iovec piece = {(void *)(uintptr_t)(r->answer.p + r->n_sent), 1};
    if (sl_reply_body(r->x, &piece, 1) == SL_CLOSED)
        return;
    if (++r->n_sent == r->answer.n)
        sl_reply_end(r->x);
    else
        sl_timer_start(loop, timer, (uint64_t)r->plan.slow_byte_ms);
}

static void on_delay_over(struct sl_loop *loop, struct sl_timer *timer)
{
    (void)loop;
    struct sl_mock_request *r = SL_CONTAINER(timer, struct sl_mock_request, timer);
    r->timer.on_timer = on_byte;
    send_whole(r);
}

void sl_mock_reply(struct sl_mock_request *r, int status, sl_str body)
{
    r->status = status;
    r->answer = body;
    r->timer.on_timer = on_byte;
    if (r->plan.malformed && body.n > 2)
        r->answer.n = body.n - 2;
    if (!r->plan.delay_ms && r->plan.cut_after < 0 && !r->plan.slow_byte_ms) {
        send_whole(r);
        return;
    }
    r->answer =
        sl_arena_dup(r->x->arena, r->answer); /* the loop's buffer serves others meanwhile */
    if (!r->answer.p) {
        sl_reply_abort(r->x);
    } else if (r->plan.delay_ms) {
        r->timer.on_timer = on_delay_over;
        sl_timer_start(r->mock->loop, &r->timer, (uint64_t)r->plan.delay_ms);
    } else {
        send_whole(r);
    }
}

void sl_mock_reply_error(struct sl_mock_request *r, int status, const char *type,
                         const char *message)
{
    struct sl_buf *out = &r->mock->out;
    sl_buf_reset(out);
    sl_buf_add(out, SL_STR("{\"error\":{\"message\":"));
    sl_json_escape(out, sl_str_from(message));
    sl_buf_printf(out, ",\"type\":\"%s\",\"param\":null,\"code\":%d}}", type, status);
    sl_mock_reply(r, status, sl_buf_str(out));
}
