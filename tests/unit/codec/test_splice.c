/* Splices against parse-edit-print, and their exact bytes. */
#include "support/naive_json.h"
#include "support/naive_splice.h"
#include "unit.h"

static struct sl_arena arena;

static int tear_down(void **state)
{
    (void)state;
    sl_arena_reset(&arena);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    sl_arena_init(&arena, NULL, 1 << 28);
    return 0;
}

static void random_edits_agree_with_parse_edit_print(void **state)
{
    (void)state;
    static char text[700];
    struct sl_buf naive, compact;
    sl_buf_init(&naive, 1 << 20);
    sl_buf_init(&compact, 1 << 20);
    int n = 0;
    for (uint64_t seed = 1; seed < 20000; seed++) {
        struct sl_json doc, again;
        struct sl_err err;
        sl_str original = {text, random_json(text, sizeof text, seed)}, spliced;
        if (sl_json_parse(&doc, &arena, original, NULL, &err) == SL_OK) {
            sl_buf_reset(&naive);
            sl_buf_reset(&compact);
            random_edits(&doc, &arena, seed, &spliced, &naive);
            if (sl_json_parse(&again, &arena, spliced, NULL, &err))
                fail_msg("seed %d: %s in %.*s from %.*s", (int)seed, err.message, SL_FMT(spliced),
                         SL_FMT(original));
            compact_json(&compact, &again, 0);
            if (!sl_str_eq(sl_buf_str(&compact), sl_buf_str(&naive)))
                fail_msg("seed %d: %.*s\nspliced %.*s\nnaive   %.*s", (int)seed, SL_FMT(original),
                         SL_FMT(spliced), SL_FMT(sl_buf_str(&naive)));
            n++;
        }
        sl_arena_reset(&arena);
    }
    assert_true(n > 5000);
    sl_buf_free(&naive);
    sl_buf_free(&compact);
}

static struct sl_json doc;

static struct sl_splice *over(const char *text)
{
    struct sl_err err;
    assert_int_equal(sl_json_parse(&doc, &arena, sl_str_from(text), NULL, &err), SL_OK);
    return sl_splice_new(&doc, &arena);
}

static void gives(struct sl_splice *s, const char *want)
{
    sl_str got;
    assert_int_equal(sl_splice_flat(s, &got), SL_OK);
    assert_string_equal(got.p, want);
}

#define SET(v, key, value) assert_int_equal(sl_splice_set(s, v, SL_STR(key), SL_STR(value)), SL_OK)
#define REMOVE(v, key)     assert_int_equal(sl_splice_remove(s, v, SL_STR(key)), SL_OK)

static void bytes_between_edits_survive(void **state)
{
    (void)state;
    const char *text = "{ \"a\" : 1.50 ,\n  \"b\": [1, 2],\n  \"c\": 1e3 }";
    struct sl_splice *s = over(text);
    assert_true(sl_splice_is_empty(s));
    gives(s, text);
    SET(0, "b", "true");
    SET(0, "d\n", "4");
    gives(s, "{ \"a\" : 1.50 ,\n  \"b\": true,\n  \"c\": 1e3,\"d\\n\":4 }");
    s = over(text);
    REMOVE(0, "b");
    gives(s, "{ \"a\" : 1.50,\n  \"c\": 1e3 }");
    s = over(text);
    REMOVE(0, "a");
    REMOVE(0, "absent");
    gives(s, "{ \"b\": [1, 2],\n  \"c\": 1e3 }");
    s = over(text);
    REMOVE(0, "c");
    gives(s, "{ \"a\" : 1.50 ,\n  \"b\": [1, 2] }");
    s = over(text);
    REMOVE(0, "a");
    REMOVE(0, "b");
    REMOVE(0, "c");
    gives(s, "{  }");
    SET(0, "n", "1");
    gives(s, "{ \"n\":1 }");
    SET(0, "a", "2");
    gives(s, "{ \"a\" : 2,\"n\":1 }");
    REMOVE(0, "n");
    REMOVE(0, "a");
    assert_false(sl_splice_is_empty(s));
    s = over("{\"only\":1}");
    REMOVE(0, "only");
    gives(s, "{}");
}

static void arrays_keep_their_order(void **state)
{
    (void)state;
    struct sl_splice *s = over("[1, 2, 3]");
    assert_int_equal(sl_splice_insert(s, 0, 3, SL_STR("4")), SL_OK);
    assert_int_equal(sl_splice_insert(s, 0, 0, SL_STR("0")), SL_OK);
    assert_int_equal(sl_splice_insert(s, 0, 1, SL_STR("1.2")), SL_OK);
    assert_int_equal(sl_splice_insert(s, 0, 1, SL_STR("1.5")), SL_OK);
    gives(s, "[0,1,1.2,1.5, 2, 3,4]");
    assert_int_equal(sl_splice_remove_at(s, 0, 0), SL_OK);
    assert_int_equal(sl_splice_remove_at(s, 0, 2), SL_OK);
    gives(s, "[0,1.2,1.5, 2,4]");
    assert_int_equal(sl_splice_remove_at(s, 0, 3), SL_INVALID);
    assert_int_equal(sl_splice_insert(s, 0, 4, SL_STR("4")), SL_INVALID);
    assert_int_equal(sl_splice_set(s, 0, SL_STR("k"), SL_STR("4")), SL_INVALID);
    s = over("[]");
    assert_int_equal(sl_splice_insert(s, 0, 0, SL_STR("1")), SL_OK);
    gives(s, "[1]");
}

static void edits_inside_a_replaced_value_are_dropped(void **state)
{
    (void)state;
    struct sl_splice *s = over("{\"o\":{\"x\":1,\"y\":[1]},\"p\":2}");
    sl_json_ref o = sl_json_get(&doc, 0, SL_STR("o"));
    assert_false(sl_splice_is_edited(s, o));
    SET(o, "x", "5");
    SET(o, "z", "6");
    assert_true(sl_splice_is_edited(s, o));
    assert_false(sl_splice_is_edited(s, sl_json_get(&doc, 0, SL_STR("p"))));
    gives(s, "{\"o\":{\"x\":5,\"y\":[1],\"z\":6},\"p\":2}");
    SET(0, "o", "null");
    SET(o, "x", "7");
    gives(s, "{\"o\":null,\"p\":2}");
    assert_int_equal(sl_splice_remove_member(s, 0, o - 1), SL_OK);
    gives(s, "{\"p\":2}");
}

static void ten_thousand_removals_are_quick(void **state)
{
    (void)state;
    struct sl_buf b;
    sl_buf_init(&b, 1 << 24);
    sl_buf_add_char(&b, '{');
    for (int i = 0; i < 100000; i++)
        sl_buf_printf(&b, "\"%d\":%d,", i, i);
    sl_buf_add(&b, SL_STR("\"z\":1}"));
    sl_buf_add_char(&b, 0);
    struct sl_splice *s = over(b.p);
    for (sl_json_ref r = sl_json_first(&doc, 0); r != SL_JSON_NONE; r = sl_json_after(&doc, 0, r))
        if (!sl_json_is_str(&doc, r, SL_STR("z")))
            assert_int_equal(sl_splice_remove_member(s, 0, r), SL_OK);
    gives(s, "{\"z\":1}");
    sl_buf_free(&b);
}

static void a_full_arena_is_reported(void **state)
{
    (void)state;
    struct sl_splice *s = over("{\"a\":1}");
    struct sl_arena tiny;
    sl_arena_init(&tiny, NULL, 0);
    assert_null(sl_splice_new(&doc, &tiny));
    (void)s;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_edits_agree_with_parse_edit_print, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(bytes_between_edits_survive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arrays_keep_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(edits_inside_a_replaced_value_are_dropped, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(ten_thousand_removals_are_quick, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_arena_is_reported, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
