/* The event parser, fed whole and fed in every cut. */
#include "codec/sse.h"
#include "unit.h"

struct log {
    struct sl_buf text;
};

static enum sl_rc note(void *ctx, const struct sl_sse_event *event)
{
    struct sl_buf *b = ctx;
    sl_buf_printf(b, "<%.*s|%.*s|%.*s>", SL_FMT(event->event), SL_FMT(event->data),
                  SL_FMT(event->id));
    return SL_OK;
}

static const struct {
    const char *stream, *events;
    bool is_idle;
} cases[] = {
    {"data: a\n\ndata: b\n\n", "<|a|><|b|>", true},
    {"data: a\r\n\r\ndata:b\r\n\r\n", "<|a|><|b|>", true},
    {"data: a\r\rdata:  b\r\r", "<|a|><| b|>", true},
    {"data: a\r\r\n\n", "<|a|>", true},
    {"data: one\ndata: two\ndata\n\n", "<|one\ntwo\n|>", true},
    {"event: ping\ndata: {}\n\ndata: next\n\n", "<ping|{}|><|next|>", true},
    {"id: 7\ndata: x\n\ndata: y\n\nid\ndata: z\n\n", "<|x|7><|y|7><|z|>", true},
    {": comment\n\n\n\ndata: x\n\n", "<|x|>", true},
    {"retry: 10\nunknown: 1\ndata: x\n\n", "<|x|>", true},
    {"\xef\xbb\xbf"
     "data: x\n\n",
     "<|x|>", true},
    {"event: only\n\ndata: x\n\n", "<|x|>", true},
    {"data: cut", "", false},
    {"data: cut\n", "", false},
    {"data: a\n\nevent: e\n", "<|a|>", false},
    {"data:\n\n", "<||>", true},
    {"data: a: b\n\n", "<|a: b|>", true},
};

static void parse(const char *stream, size_t step, size_t first, const char *events, bool is_idle)
{
    struct sl_buf seen;
    struct sl_sse p;
    sl_buf_init(&seen, 4096);
    sl_sse_init(&p, 1024, note, &seen);
    sl_str rest = sl_str_from(stream);
    for (size_t n = first; rest.n; n = step) {
        sl_str piece = sl_str_sub(rest, 0, n);
        assert_int_equal(sl_sse_feed(&p, piece), SL_OK);
        rest = sl_str_sub(rest, piece.n, rest.n);
    }
    sl_buf_add_char(&seen, 0);
    assert_string_equal(seen.p, events);
    assert_int_equal(sl_sse_is_idle(&p), is_idle);
    sl_sse_free(&p);
    sl_buf_free(&seen);
}

static void every_cut_gives_the_same_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        size_t n = strlen(cases[i].stream);
        parse(cases[i].stream, 1, 1, cases[i].events, cases[i].is_idle);
        parse(cases[i].stream, 3, 2, cases[i].events, cases[i].is_idle);
        for (size_t first = 1; first <= n; first++)
            parse(cases[i].stream, n, first, cases[i].events, cases[i].is_idle);
    }
}

static void an_event_too_large_is_refused(void **state)
{
    (void)state;
    struct sl_buf seen;
    struct sl_sse p;
    sl_buf_init(&seen, 4096);
    static const char *const streams[] = {
        "data: 0123456789\n", "data: 012345678901234567890123456789",
        "data: 01234\ndata: 0123456\ndata: 789\n", ": a long comment that has no end yet"};
    for (size_t i = 0; i < SL_COUNT(streams); i++) {
        sl_sse_init(&p, 12, note, &seen);
        assert_int_equal(sl_sse_feed(&p, sl_str_from(streams[i])), SL_LIMIT);
        sl_sse_free(&p);
    }
    sl_buf_free(&seen);
}

static enum sl_rc stop(void *ctx, const struct sl_sse_event *event)
{
    (void)ctx;
    (void)event;
    return SL_CLOSED;
}

static void the_callback_can_stop_the_feed(void **state)
{
    (void)state;
    struct sl_sse p;
    sl_sse_init(&p, 100, stop, NULL);
    assert_int_equal(sl_sse_feed(&p, SL_STR("data: a\n\ndata: b\n\n")), SL_CLOSED);
    sl_sse_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_gives_the_same_events),
        cmocka_unit_test(an_event_too_large_is_refused),
        cmocka_unit_test(the_callback_can_stop_the_feed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
