/* Streaming answers: every cut, every line end, the usage chunk, torn ends. */
#include "dialect/openai/stream.h"
#include "unit.h"

#include <stdlib.h>

#define TEXT                                                                                       \
    "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","             \
    "\"content\":\"He\\u006c\"},\"finish_reason\":null}],\"usage\":null}\n\n"
#define MORE                                                                                       \
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"abc\",\"tool_calls\":"    \
    "[{\"function\":{\"arguments\":\"{}\"}}]},\"finish_reason\":\"stop\"}]}\n\n"
#define USAGE                                                                                      \
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":3,"               \
    "\"total_tokens\":23,\"prompt_tokens_details\":{\"cached_tokens\":7}}}\n\n"
#define DONE "data: [DONE]\n\n"

static enum sl_rc collect(void *ctx, sl_str bytes)
{
    sl_buf_add(ctx, bytes);
    return SL_OK;
}

struct result {
    struct sl_chat_stream s;
    struct sl_buf out;
    bool is_complete;
};

static void run(struct result *r, sl_str stream, size_t first, size_t step, bool takes_out)
{
    sl_buf_init(&r->out, 1 << 20);
    sl_chat_stream_init(&r->s, takes_out, 1024);
    for (size_t n = first; stream.n; n = step) {
        sl_str piece = sl_str_sub(stream, 0, n);
        char *copy = malloc(piece.n ? piece.n : 1);
        memcpy(copy, piece.p, piece.n);
        assert_int_equal(sl_chat_stream_feed(&r->s, (sl_str){copy, piece.n}, collect, &r->out),
                         SL_OK);
        free(copy);
        stream = sl_str_sub(stream, piece.n, stream.n);
    }
    r->is_complete = sl_chat_stream_end(&r->s, collect, &r->out);
    sl_buf_add_char(&r->out, 0);
}

static void end(struct result *r)
{
    sl_chat_stream_free(&r->s);
    sl_buf_free(&r->out);
}

/* `text` with its LF as `line_end`. */
static sl_str with_ends(const char *text, const char *line_end)
{
    struct sl_buf b;
    sl_buf_init(&b, 1 << 16);
    for (; *text; text++)
        sl_buf_add(&b, *text == '\n' ? sl_str_from(line_end) : (sl_str){text, 1});
    sl_buf_add_char(&b, 0);
    return (sl_str){b.p, b.n - 1};
}

static void check(const struct result *r, sl_str want)
{
    assert_string_equal(r->out.p, want.p);
    assert_true(r->is_complete && r->s.is_done);
    assert_int_equal(r->s.usage.prompt_tok, 20);
    assert_int_equal(r->s.usage.completion_tok, 3);
    assert_int_equal(r->s.usage.cached_tok, 7);
    assert_int_equal(r->s.text_bytes, 3);
    assert_int_equal(r->s.reasoning_bytes, 3);
    assert_int_equal(r->s.tool_call_bytes, 2);
    assert_int_equal(r->s.n_text_frames, 2);
    assert_int_equal(r->s.n_frames, 4);
    assert_string_equal(r->s.finish_reason, "stop");
}

static void every_cut_gives_the_same_bytes(void **state)
{
    (void)state;
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    for (size_t e = 0; e < SL_COUNT(ends); e++) {
        sl_str whole = with_ends(": ping\n\n" TEXT MORE USAGE DONE, ends[e]);
        sl_str less = with_ends(": ping\n\n" TEXT MORE DONE, ends[e]);
        for (int takes_out = 0; takes_out < 2; takes_out++) {
            for (size_t first = 1; first <= whole.n; first++) {
                struct result r;
                run(&r, whole, first, whole.n, takes_out);
                check(&r, takes_out ? less : whole);
                end(&r);
            }
            for (size_t step = 1; step < 9; step++) {
                struct result r;
                run(&r, whole, step, step, takes_out);
                check(&r, takes_out ? less : whole);
                end(&r);
            }
        }
        free((char *)whole.p);
        free((char *)less.p);
    }
}

static void usage_beside_text_is_not_taken_out(void **state)
{
    (void)state;
    const char *stream = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}],\"usage\":"
                         "{\"prompt_tokens\":5}}\n\n" DONE;
    struct result r;
    run(&r, sl_str_from(stream), 10, 10, true);
    assert_string_equal(r.out.p, stream);
    assert_int_equal(r.s.usage.prompt_tok, 5);
    end(&r);
}

static void whole_frames_are_passed_as_one_view(void **state)
{
    (void)state;
    struct sl_chat_stream s;
    struct sl_buf out;
    sl_buf_init(&out, 1 << 16);
    sl_chat_stream_init(&s, true, 1024);
    assert_int_equal(sl_chat_stream_feed(&s, SL_STR(TEXT "data: {\"cho"), collect, &out), SL_OK);
    assert_int_equal(out.n, strlen(TEXT)); /* the frame in progress is held */
    assert_int_equal(s.held.n, strlen("data: {\"cho"));
    sl_chat_stream_free(&s);
    sl_buf_free(&out);
}

static void ends_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *stream, *out;
        bool is_complete;
    } cases[] = {
        {TEXT, TEXT, false},
        {TEXT MORE, TEXT MORE, true},
        {TEXT "data: {\"choices\":[{\"del", TEXT, false},
        {TEXT MORE "data: {\"choices\":[{\"del", TEXT MORE, false},
        {TEXT "data: [DONE]", TEXT "data: [DONE]\n\n", true},
        {TEXT MORE "data: [DONE]\n", TEXT MORE "data: [DONE]\n\n\n", true},
        {"", "", false},
        {"data: {\"error\":{\"message\":\"x\"}}\n\n", "data: {\"error\":{\"message\":\"x\"}}\n\n",
         false},
        {"data: not json\n\n" DONE, "data: not json\n\n" DONE, true},
        {"data: {\"choices\":\ndata: []}\n\n" DONE, "data: {\"choices\":\ndata: []}\n\n" DONE,
         true},
        {"data: {\"choices\":[],\ndata:\"usage\":{}}\n\n" DONE, DONE, true},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        for (size_t step = 1; step < 40; step += 13) {
            struct result r;
            run(&r, sl_str_from(cases[i].stream), step, step, true);
            assert_string_equal(r.out.p, cases[i].out);
            assert_int_equal(r.is_complete, cases[i].is_complete);
            end(&r);
        }
    }
}

static void a_huge_frame_passes_unread(void **state)
{
    (void)state;
    struct sl_buf stream;
    sl_buf_init(&stream, 1 << 16);
    sl_buf_add(&stream, SL_STR("data: {\"choices\":[{\"delta\":{\"content\":\""));
    for (int i = 0; i < 2000; i++)
        sl_buf_add_char(&stream, 'x');
    sl_buf_add(&stream, SL_STR("\"}}]}\n\n" USAGE DONE));
    sl_buf_add_char(&stream, 0);
    sl_str whole = {stream.p, stream.n - 1};
    sl_str want = with_ends(stream.p, "\n");
    char *usage = strstr(want.p, USAGE);
    memmove(usage, usage + strlen(USAGE), strlen(usage + strlen(USAGE)) + 1);
    for (size_t step = 1; step < 3000; step = step * 3 + 1) {
        struct result r;
        run(&r, whole, step, step, true);
        assert_string_equal(r.out.p, want.p);
        assert_true(r.s.is_oversized && r.s.is_done && r.s.usage.is_present);
        end(&r);
    }
    free((char *)want.p);
    sl_buf_free(&stream);
}

static void a_cut_ends_in_an_error_event(void **state)
{
    (void)state;
    struct sl_chat_stream s;
    struct sl_buf out;
    sl_buf_init(&out, 1 << 16);
    sl_chat_stream_init(&s, false, 64);
    sl_chat_stream_error(&s, &out, 502, SL_STR("upstream \"cut\""));
    sl_buf_add_char(&out, 0);
    assert_string_equal(out.p, "data: {\"error\":{\"message\":\"upstream \\\"cut\\\"\",\"type\":"
                               "\"server_error\",\"code\":502}}\n\n");
    sl_chat_stream_free(&s);
    sl_buf_free(&out);
}

static enum sl_rc refuse(void *ctx, sl_str bytes)
{
    (void)ctx;
    (void)bytes;
    return SL_CLOSED;
}

static void a_refused_write_stops_the_feed(void **state)
{
    (void)state;
    struct sl_chat_stream s;
    sl_chat_stream_init(&s, false, 1024);
    assert_int_equal(sl_chat_stream_feed(&s, SL_STR(TEXT MORE), refuse, NULL), SL_CLOSED);
    sl_chat_stream_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_gives_the_same_bytes),
        cmocka_unit_test(usage_beside_text_is_not_taken_out),
        cmocka_unit_test(whole_frames_are_passed_as_one_view),
        cmocka_unit_test(ends_are_judged),
        cmocka_unit_test(a_huge_frame_passes_unread),
        cmocka_unit_test(a_cut_ends_in_an_error_event),
        cmocka_unit_test(a_refused_write_stops_the_feed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
