/* String views, buffers, maps: the small things everything stands on. */
#include "base/buf.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/str.h"
#include "unit.h"

static void splitting_yields_every_piece(void **state)
{
    (void)state;
    sl_str rest = SL_STR("a,,b,"), piece;
    const sl_str want[] = {SL_STR("a"), SL_STR(""), SL_STR("b"), SL_STR("")};
    size_t n = 0;
    while (sl_str_split(&rest, ',', &piece))
        assert_true(n < SL_COUNT(want) && sl_str_eq(piece, want[n++]));
    assert_int_equal(n, 4);
}

static void numbers_are_whole_or_nothing(void **state)
{
    (void)state;
    int64_t i;
    double d;
    assert_true(sl_str_to_i64(SL_STR("-42"), &i) && i == -42);
    assert_false(sl_str_to_i64(SL_STR(" 42"), &i));
    assert_false(sl_str_to_i64(SL_STR("42x"), &i));
    assert_false(sl_str_to_i64(SL_STR("99999999999999999999"), &i));
    assert_false(sl_str_to_i64(SL_STR(""), &i));
    assert_true(sl_str_to_f64(SL_STR("2.5e-1"), &d) && d == 0.25);
    assert_false(sl_str_to_f64(SL_STR("inf"), &d));
    assert_false(sl_str_to_f64(SL_STR("1.0.0"), &d));
}

static void the_nearest_name_is_near(void **state)
{
    (void)state;
    const char *const names[] = {"keywords", "operator", "threshold", NULL};
    assert_string_equal(sl_str_nearest(SL_STR("keyword"), names), "keywords");
    assert_string_equal(sl_str_nearest(SL_STR("treshold"), names), "threshold");
    assert_null(sl_str_nearest(SL_STR("colour"), names));
    assert_int_equal(sl_str_distance(SL_STR("kitten"), SL_STR("sitting"), 9), 3);
    assert_int_equal(sl_str_distance(SL_STR("kitten"), SL_STR("sitting"), 2), 3);
}

static void a_buffer_stops_at_its_maximum(void **state)
{
    (void)state;
    struct sl_buf b;
    sl_buf_init(&b, 10);
    sl_buf_add(&b, SL_STR("12345"));
    sl_buf_add(&b, SL_STR("678901"));
    assert_int_equal(sl_buf_rc(&b), SL_NOMEM);
    sl_buf_add_char(&b, 'x');
    assert_true(sl_str_eq(sl_buf_str(&b), SL_STR("12345")));
    sl_buf_reset(&b);
    sl_buf_add_u64(&b, 1234567890u);
    assert_int_equal(sl_buf_rc(&b), SL_OK);
    sl_buf_free(&b);
}

static void a_map_agrees_with_a_linear_list(void **state)
{
    (void)state;
    struct sl_arena a;
    sl_arena_init(&a, NULL, 1 << 22);
    struct sl_map m;
    sl_map_init(&m, &a, 7);
    for (uint64_t i = 0; i < 5000; i++)
        assert_int_equal(sl_map_put(&m, sl_arena_printf(&a, "key-%d", (int)(i % 2500)), i), SL_OK);
    assert_int_equal(m.n, 2500);
    uint64_t value;
    for (uint64_t i = 0; i < 2500; i++) {
        assert_true(sl_map_get(&m, sl_arena_printf(&a, "key-%d", (int)i), &value));
        assert_int_equal(value, i + 2500);
    }
    assert_false(sl_map_get(&m, SL_STR("key-2500"), &value));
    sl_arena_reset(&a);
}

static void the_hash_depends_on_every_byte(void **state)
{
    (void)state;
    char text[40];
    memset(text, 'a', sizeof text);
    for (size_t n = 1; n <= sizeof text; n++) {
        uint64_t plain = sl_hash(sl_str_of(text, n), 1);
        assert_true(plain != sl_hash(sl_str_of(text, n - 1), 1));
        for (size_t i = 0; i < n; i++) {
            text[i] ^= 1;
            assert_true(plain != sl_hash(sl_str_of(text, n), 1));
            text[i] ^= 1;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splitting_yields_every_piece),
        cmocka_unit_test(numbers_are_whole_or_nothing),
        cmocka_unit_test(the_nearest_name_is_near),
        cmocka_unit_test(a_buffer_stops_at_its_maximum),
        cmocka_unit_test(a_map_agrees_with_a_linear_list),
        cmocka_unit_test(the_hash_depends_on_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
