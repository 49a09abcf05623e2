/* Frame counting: the same answer however the stream is cut. */
#include "unit.h"

#include "load/frames.h"

static const char text[] = "data: {\"a\":1,\"mock_sent_ns\":123456789012345}\n\n"
                           ": comment\r\n\r\n"
                           "\n\n"
                           "data: {\"b\":\"\"mock_sent_ns\":7,\"}\n\n"
                           "data: data: [DONE]\n\n";

static void counts(size_t piece)
{
    struct sl_frames f;
    uint64_t stamps[8] = {0}, n = 0;
    sl_frames_reset(&f);
    for (size_t at = 0; at < sizeof(text) - 1; at += piece) {
        sl_str bytes = sl_str_sub(SL_STR(text), at, at + piece);
        while (sl_frames_feed(&f, &bytes, &stamps[n]))
            n++;
    }
    assert_int_equal(n, 4);
    assert_int_equal(f.n, 4);
    assert_int_equal(stamps[0], 123456789012345u);
    assert_int_equal(stamps[1], 0);
    assert_int_equal(stamps[2], 7);
    assert_true(f.is_done);
}

static void any_cut_counts_the_same(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= sizeof(text); piece++)
        counts(piece);
}

static void a_cut_stream_is_not_done(void **state)
{
    (void)state;
    struct sl_frames f;
    uint64_t stamp;
    sl_str bytes = SL_STR("data: 1\n\ndata: [DONE");
    sl_frames_reset(&f);
    assert_true(sl_frames_feed(&f, &bytes, &stamp));
    assert_false(sl_frames_feed(&f, &bytes, &stamp));
    assert_false(f.is_done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_cut_counts_the_same),
        cmocka_unit_test(a_cut_stream_is_not_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
