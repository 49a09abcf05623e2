/* Prompt compression: the estimate, the sentences, the scores, the selection. */
#include "match/compress.h"
#include "match/compress_score.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct sl_arena arena;

static int reset(void **state)
{
    (void)state;
    sl_arena_reset(&arena);
    return 0;
}

static void tokens_are_estimated_by_script(void **state)
{
    (void)state;
    assert_int_equal(sl_compress_estimate_tok(SL_STR("hello world foo")), 3);
    assert_int_equal(sl_compress_estimate_tok(SL_STR("你好世界")), 6);
    assert_int_equal(sl_compress_estimate_tok(SL_STR("GPT模型")), 4);
    assert_int_equal(sl_compress_estimate_tok(SL_STR("  \n ")), 0);
    assert_int_equal(sl_compress_estimate_tok(SL_STR("a")), 1);
}

static void sentences_end_where_a_reader_would_say(void **state)
{
    (void)state;
    const sl_str *got;
    uint32_t n;
    const sl_str want[] = {SL_STR("Pi is 3.14."), SL_STR("J. Smith said so!"), SL_STR("好。"),
                           SL_STR("对")};
    assert_int_equal(
        sl_compress_sentences(SL_STR("Pi is 3.14. J. Smith said so! 好。对"), &arena, &got, &n),
        SL_OK);
    assert_int_equal(n, SL_COUNT(want));
    for (uint32_t i = 0; i < n; i++)
        assert_true(sl_str_eq(got[i], want[i]));
    assert_int_equal(sl_compress_sentences(SL_STR("What?! Really..."), &arena, &got, &n), SL_OK);
    assert_int_equal(n, 2);
}

static void the_middle_counts_least(void **state)
{
    (void)state;
    assert_true(fabs(sl_compress_position(0, 5, 0.5) - 1) < 1e-9);
    assert_true(fabs(sl_compress_position(1, 5, 0.5) - 0.64645) < 1e-5);
    assert_true(fabs(sl_compress_position(2, 5, 0.5) - 0.5) < 1e-9);
}

static void profiles_have_names(void **state)
{
    (void)state;
    assert_string_equal(sl_compress_profile(SL_STR("Multi-Turn"))->name, "multi_turn");
    assert_null(sl_compress_profile(SL_STR("poetic")));
    assert_null(sl_compress_profile(SL_STR("a name that is much too long")));
}

static sl_str long_text(uint32_t n)
{
    sl_str text = {NULL, 0};
    for (uint32_t i = 0; i < n; i++)
        text = sl_arena_printf(&arena, "%.*sSentence %u speaks of %s and of number %u.",
                               SL_FMT(text), i, i % 3 ? "apples" : "pears", i * i % 17);
    return text;
}

static void the_result_fits_keeps_order_and_the_ends(void **state)
{
    (void)state;
    const struct sl_compress_profile *profile = sl_compress_profile(SL_STR("default"));
    sl_str text = long_text(60), out;
    assert_int_equal(sl_compress(text, 100, profile, &arena, &out), SL_OK);
    assert_true(out.n < text.n);
    assert_in_range(sl_compress_estimate_tok(out), 60, 115);
    assert_true(sl_str_find(out, SL_STR("Sentence 0 ")) == 0);
    assert_true(sl_str_find(out, SL_STR("Sentence 59 ")) != SIZE_MAX);
    int last = -1, number;
    for (size_t at = 0; at < out.n;) {
        size_t hit = sl_str_find(sl_str_sub(out, at, out.n), SL_STR("Sentence "));
        if (hit == SIZE_MAX)
            break;
        at += hit + 9;
        number = (int)strtol(out.p + at, NULL, 10);
        assert_true(number > last);
        last = number;
    }
}

static void short_or_single_texts_stay(void **state)
{
    (void)state;
    const struct sl_compress_profile *profile = sl_compress_profile(SL_STR("coding"));
    sl_str text = SL_STR("One two three. Four five six."), out;
    assert_int_equal(sl_compress(text, 100, profile, &arena, &out), SL_OK);
    assert_ptr_equal(out.p, text.p);
    sl_str one = SL_STR("one long text without any end of a sentence in it at all");
    assert_int_equal(sl_compress(one, 3, profile, &arena, &out), SL_OK);
    assert_ptr_equal(out.p, one.p);
}

static void very_many_sentences_are_sampled(void **state)
{
    (void)state;
    char *text = sl_arena_alloc(&arena, 1 << 20);
    size_t n = 0;
    for (unsigned i = 0; i < 20000; i++)
        n += (size_t)snprintf(text + n, 64, "Point %u is here. ", i);
    sl_str out;
    assert_int_equal(
        sl_compress(sl_str_of(text, n), 200, sl_compress_profile(SL_STR("security")), &arena, &out),
        SL_OK);
    assert_true(sl_str_starts(out, SL_STR("Point 0 ")));
    assert_true(sl_str_find(out, SL_STR("Point 19999 ")) != SIZE_MAX);
    assert_true(sl_compress_estimate_tok(out) <= 210);
}

static void foreign_bytes_do_no_harm(void **state)
{
    (void)state;
    char bytes[4000];
    uint32_t seed = 7;
    for (size_t i = 0; i < sizeof bytes; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (char)(seed >> 24);
    }
    sl_str out;
    assert_int_equal(sl_compress(sl_str_of(bytes, sizeof bytes), 20,
                                 sl_compress_profile(SL_STR("default")), &arena, &out),
                     SL_OK);
    struct sl_arena tiny;
    sl_arena_init(&tiny, NULL, SL_ARENA_CHUNK_BYTES);
    assert_int_equal(
        sl_compress(long_text(60), 20, sl_compress_profile(SL_STR("default")), &tiny, &out),
        SL_NOMEM);
    sl_arena_reset(&tiny);
}

int main(void)
{
    sl_arena_init(&arena, NULL, 64 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(tokens_are_estimated_by_script, reset),
        cmocka_unit_test_teardown(sentences_end_where_a_reader_would_say, reset),
        cmocka_unit_test_teardown(the_middle_counts_least, reset),
        cmocka_unit_test_teardown(profiles_have_names, reset),
        cmocka_unit_test_teardown(the_result_fits_keeps_order_and_the_ends, reset),
        cmocka_unit_test_teardown(short_or_single_texts_stay, reset),
        cmocka_unit_test_teardown(very_many_sentences_are_sampled, reset),
        cmocka_unit_test_teardown(foreign_bytes_do_no_harm, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
