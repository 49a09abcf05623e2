/* The writer: commas, escapes, and numbers that read back. */
#include "codec/json_write.h"
#include "support/naive_json.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

static struct sl_buf out;

static void is_written(const char *want)
{
    sl_buf_add_char(&out, 0);
    assert_int_equal(sl_buf_rc(&out), SL_OK);
    assert_string_equal(out.p, want);
    sl_buf_reset(&out);
}

static void commas_and_colons_are_put(void **state)
{
    (void)state;
    struct sl_json_writer w;
    sl_json_writer_init(&w, &out);
    sl_json_open(&w, '{');
    sl_json_key(&w, SL_STR("a"));
    sl_json_open(&w, '[');
    sl_json_put_i64(&w, INT64_MIN);
    sl_json_put_bool(&w, true);
    sl_json_open(&w, '{');
    sl_json_close(&w, '}');
    sl_json_put_null(&w);
    sl_json_close(&w, ']');
    sl_json_key(&w, SL_STR("b\""));
    sl_json_put_raw(&w, SL_STR("[1]"));
    sl_json_key(&w, SL_STR("c"));
    sl_json_put_str(&w, SL_STR("x"));
    sl_json_close(&w, '}');
    is_written("{\"a\":[-9223372036854775808,true,{},null],\"b\\\"\":[1],\"c\":\"x\"}");
    sl_json_writer_init(&w, &out);
    for (int i = 0; i < 65; i++)
        sl_json_open(&w, '[');
    assert_int_equal(sl_buf_rc(&out), SL_NOMEM);
    sl_buf_reset(&out);
}

static void strings_are_escaped(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "\"\""},
        {"plain text that is longer than eight", "\"plain text that is longer than eight\""},
        {"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
        {"\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\""},
        {"é漢😀", "\"é漢😀\""},
        {"a\xff\xc3z\xe2\x82", "\"a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        sl_json_escape(&out, sl_str_from(cases[i][0]));
        is_written(cases[i][1]);
    }
    sl_json_escape(&out, (sl_str){"a\0b", 3});
    is_written("\"a\\u0000b\"");
}

static void random_strings_come_back(void **state)
{
    (void)state;
    uint64_t random = 3;
    struct sl_arena arena;
    sl_arena_init(&arena, NULL, 1 << 24);
    for (int round = 0; round < 5000; round++) {
        static const char *const piece[] = {"a", "\"", "\\", "\n", "é", "漢", "😀", "\x1b", "text "};
        char text[300];
        size_t n = 0;
        for (uint64_t k = next_random(&random) % 40; k; k--) {
            const char *p = piece[next_random(&random) % 9];
            memcpy(text + n, p, strlen(p));
            n += strlen(p);
        }
        sl_json_escape(&out, (sl_str){text, n});
        struct sl_json j;
        struct sl_err err;
        assert_int_equal(sl_json_parse(&j, &arena, sl_buf_str(&out), NULL, &err), SL_OK);
        assert_true(sl_str_eq(sl_json_str(&j, 0, &arena), (sl_str){text, n}));
        sl_buf_reset(&out);
        sl_arena_reset(&arena);
    }
}

static void numbers_are_spelled_as_go_spells_them(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {0.7071067811865476, "0.7071067811865476"},
        {1.0 / 3, "0.3333333333333333"},
        {100, "100"},
        {123456789012345680.0, "123456789012345680"},
        {1e20, "100000000000000000000"},
        {1e21, "1e+21"},
        {1.5e300, "1.5e+300"},
        {0.000001, "0.000001"},
        {0.0000015, "0.0000015"},
        {1e-7, "1e-7"},
        {-1.25e-9, "-1.25e-9"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {2.5, "2.5"},
        {1234.5678, "1234.5678"},
    };
    struct sl_json_writer w;
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        sl_json_writer_init(&w, &out);
        sl_json_put_f64(&w, cases[i].value);
        is_written(cases[i].text);
    }
    sl_json_writer_init(&w, &out);
    sl_json_put_f64(&w, NAN);
    is_written("null");
    sl_json_put_f64(&w, -INFINITY);
    is_written("null");
    uint64_t random = 9;
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = next_random(&random);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        sl_json_put_f64(&w, value);
        sl_buf_add_char(&out, 0);
        assert_true(strtod(out.p, NULL) == value);
        sl_buf_reset(&out);
    }
}

static int set_up(void **state)
{
    (void)state;
    sl_buf_init(&out, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sl_buf_free(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_and_colons_are_put),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(random_strings_come_back),
        cmocka_unit_test(numbers_are_spelled_as_go_spells_them),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
