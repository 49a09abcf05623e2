/* The parser against its naive twin, stored vectors, limits, and the readers of the tape. */
#include "base/buf.h"
#include "codec/json.h"
#include "codec/json_scan.h"
#include "support/naive_json.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static struct sl_arena arena;

static int set_up(void **state)
{
    (void)state;
    sl_arena_init(&arena, NULL, (size_t)1 << 30);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sl_arena_reset(&arena);
    return 0;
}

/* A copy without a byte to spare, so that a sanitizer sees reads beyond the end. */
static sl_str exact(sl_str s)
{
    char *p = malloc(s.n ? s.n : 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    return (sl_str){p, s.n};
}

static void agree(sl_str text)
{
    static struct naive_json naive;
    struct sl_json fast;
    struct sl_err err;
    sl_str copy = exact(text);
    enum sl_rc rc = sl_json_parse(&fast, &arena, copy, NULL, &err);
    bool is_valid = naive_json_parse(&naive, copy);
    if ((rc == SL_OK) != is_valid)
        fail_msg("naive %d, parser %d (%s): %.*s", is_valid, rc, err.message, SL_FMT(text));
    if (rc == SL_OK) {
        assert_int_equal(fast.n_nodes, naive.n);
        for (uint32_t i = 0; i < naive.n; i++) {
            assert_int_equal(fast.nodes[i].offset, naive.nodes[i].offset);
            assert_int_equal(fast.nodes[i].len, naive.nodes[i].len);
            assert_int_equal(fast.nodes[i].next, naive.nodes[i].next);
            assert_int_equal(fast.nodes[i].info, naive.nodes[i].info);
        }
    } else {
        assert_int_equal(rc, SL_INVALID);
        assert_true(err.message[0] && err.line >= 1 && err.column >= 1 && err.offset <= text.n);
    }
    free((char *)copy.p);
    sl_arena_reset(&arena);
}

static void random_texts_agree_with_the_naive_twin(void **state)
{
    (void)state;
    static char text[2048];
    for (uint64_t seed = 1; seed < 20000; seed++)
        agree((sl_str){text, random_json(text, sizeof text, seed)});
}

static size_t unhex(char *line)
{
    char *to = line;
    for (char *p = line; *p; p++) {
        unsigned byte;
        if (*p == '~' && sscanf(p + 1, "%2x", &byte) == 1) {
            *to++ = (char)byte;
            p += 2;
        } else {
            *to++ = *p;
        }
    }
    return (size_t)(to - line);
}

static void vectors_are_accepted_and_rejected(void **state)
{
    (void)state;
    FILE *f = fopen(SLUICE_SOURCE_DIR "/tests/vectors/json/grammar.txt", "r");
    assert_non_null(f);
    static char line[8192];
    int n = 0;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] == '#' || !line[0])
            continue;
        char *name = strchr(line, '\t') + 1, *text = strchr(name, '\t') + 1;
        sl_str bytes = exact((sl_str){text, unhex(text)});
        struct sl_json j;
        struct sl_err err;
        enum sl_rc rc = sl_json_parse(&j, &arena, bytes, NULL, &err);
        if ((rc == SL_OK) != (line[0] == 'y'))
            fail_msg("%.*s: %s", (int)(text - name - 1), name, rc ? err.message : "accepted");
        agree(bytes);
        free((char *)bytes.p);
        n++;
    }
    fclose(f);
    assert_true(n >= 150);
}

static void errors_name_place_and_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
        unsigned line, column;
    } cases[] = {
        {"", "unexpected end of JSON: expected a value", 1, 1},
        {"{\"a\":1,\n \"a\":2}", "duplicate key \"a\"", 2, 2},
        {"{\"a\":1,}", "expected a key in quotes, found '}'", 1, 8},
        {"[1 2]", "expected ',' or ']' behind an element, found '2'", 1, 4},
        {"{\"a\" 1}", "expected ':' behind a key, found '1'", 1, 6},
        {"[01]", "expected ',' or ']' behind an element, found '1'", 1, 3},
        {"[1.]", "expected a digit behind the decimal point, found ']'", 1, 4},
        {"\"a\nb\"", "control character 0x0a in a string must be escaped", 1, 3},
        {"\"\\x\"", "invalid escape sequence in a string", 1, 2},
        {"\"\xff\"", "invalid UTF-8: byte 0xff", 1, 2},
        {"\xef\xbb\xbf{}", "expected a value, found a byte order mark", 1, 1},
        {"{} x", "expected the end of the JSON text, found 'x'", 1, 4},
        {"[\"abc", "unexpected end of JSON: a string is not closed", 1, 6},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_json j;
        struct sl_err err;
        assert_int_equal(sl_json_parse(&j, &arena, sl_str_from(cases[i].text), NULL, &err),
                         SL_INVALID);
        assert_string_equal(err.message, cases[i].message);
        assert_int_equal(err.line, cases[i].line);
        assert_int_equal(err.column, cases[i].column);
    }
}

static sl_str repeat(const char *piece, size_t n, const char *behind)
{
    size_t length = strlen(piece);
    char *p = sl_arena_alloc(&arena, n * length + strlen(behind) + 1);
    for (size_t i = 0; i < n; i++)
        memcpy(p + i * length, piece, length);
    strcpy(p + n * length, behind);
    return sl_str_from(p);
}

static void limits_hold(void **state)
{
    (void)state;
    struct sl_json j;
    struct sl_err err;
    sl_str closing = repeat("]", 512, "");
    sl_str deep = repeat("[", 512, closing.p);
    assert_int_equal(sl_json_parse(&j, &arena, deep, NULL, &err), SL_OK);
    deep = repeat("[", 513, "");
    assert_int_equal(sl_json_parse(&j, &arena, deep, NULL, &err), SL_LIMIT);
    assert_string_equal(err.message, "nested deeper than 512");
    deep = repeat("{\"a\":[", 1000000, "");
    assert_int_equal(sl_json_parse(&j, &arena, deep, NULL, &err), SL_LIMIT);
    struct sl_json_limits few = {.max_depth = 2, .max_nodes = 5, .max_bytes = 20};
    assert_int_equal(sl_json_parse(&j, &arena, SL_STR("[[],1,2,3]"), &few, &err), SL_OK);
    assert_int_equal(sl_json_parse(&j, &arena, SL_STR("[[],1,2,3,4]"), &few, &err), SL_LIMIT);
    assert_int_equal(sl_json_parse(&j, &arena, SL_STR("[[[]]]"), &few, &err), SL_LIMIT);
    assert_int_equal(sl_json_parse(&j, &arena, SL_STR("\"aaaaaaaaaaaaaaaaaaaaaaaa\""), &few, &err),
                     SL_LIMIT);
    struct sl_arena tiny;
    sl_arena_init(&tiny, NULL, 1000);
    assert_int_equal(sl_json_parse(&j, &tiny, SL_STR("[]"), NULL, &err), SL_NOMEM);
    sl_arena_reset(&tiny);
}

static void large_objects_refuse_repeated_keys(void **state)
{
    (void)state;
    struct sl_buf b;
    sl_buf_init(&b, 1 << 24);
    sl_buf_add_char(&b, '{');
    for (int i = 0; i < 20000; i++)
        sl_buf_printf(&b, "\"key %d\":%d,", i, i);
    size_t n = b.n;
    sl_buf_add(&b, SL_STR("\"last\":1}"));
    struct sl_json j;
    struct sl_err err;
    assert_int_equal(sl_json_parse(&j, &arena, sl_buf_str(&b), NULL, &err), SL_OK);
    assert_int_equal(sl_json_count(&j, 0), 20001);
    b.n = n;
    sl_buf_add(&b, SL_STR("\"\\u006bey 777\":1}"));
    assert_int_equal(sl_json_parse(&j, &arena, sl_buf_str(&b), NULL, &err), SL_INVALID);
    assert_int_equal(err.offset, n);
    assert_non_null(strstr(err.message, "duplicate key"));
    sl_buf_free(&b);
}

/* ---- kernels ----------------------------------------------------------------------------- */

static void kernels_agree_with_the_portable_ones(void **state)
{
    (void)state;
    static const char *const piece[] = {"a",
                                        "é",
                                        "漢",
                                        "😀",
                                        "\xff",
                                        "\xc3",
                                        "\xed\xa0\x80",
                                        "\xf4\x90\x80\x80",
                                        "\xe2\x82",
                                        "\\n",
                                        "\\q",
                                        "\\u12",
                                        "\x01",
                                        "\"",
                                        "plain text that is long"};
    uint64_t random = 7;
    for (const struct sl_json_scan *const *k = sl_json_scan_all(); *k; k++) {
        for (int round = 0; round < 30000; round++) {
            static char text[700];
            size_t n = 0, want = next_random(&random) % 600;
            bool is_wild = round % 2, is_other_script = round % 3 == 0;
            while (n < want) {
                const char *p = "plain text that is long and more ";
                if (is_other_script)
                    p = piece[1 + next_random(&random) % 3];
                if (next_random(&random) % 64 == 0)
                    p = piece[next_random(&random) % (is_wild ? 15 : 4)];
                size_t length = strlen(p);
                memcpy(text + n, p, length);
                n += length;
            }
            sl_str s =
                exact((sl_str){text, n - (is_wild ? next_random(&random) % 4 % (n + 1) : 0)});
            uint32_t flags = 0, ref_flags = 0;
            assert_ptr_equal((*k)->string(s.p, s.p + s.n, &flags),
                             sl_json_scan_ref.string(s.p, s.p + s.n, &ref_flags));
            assert_int_equal(flags, ref_flags);
            assert_int_equal((*k)->utf8(s.p, s.n), sl_json_scan_ref.utf8(s.p, s.n));
            free((char *)s.p);
        }
    }
}

static void every_pair_and_triple_of_bytes_is_judged_alike(void **state)
{
    (void)state;
    static const unsigned char edge[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                         0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                         0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
    enum { N = sizeof edge };
    for (const struct sl_json_scan *const *k = sl_json_scan_all(); *k; k++) {
        for (unsigned i = 0; i < N * N * N * N; i++) {
            char text[80];
            memset(text, 'a', sizeof text);
            size_t at = i % 7 + 58; /* across the edge of a block */
            text[at] = (char)edge[i % N];
            text[at + 1] = (char)edge[i / N % N];
            text[at + 2] = (char)edge[i / N / N % N];
            text[at + 3] = (char)edge[i / N / N / N];
            assert_int_equal((*k)->utf8(text, sizeof text),
                             sl_json_scan_ref.utf8(text, sizeof text));
        }
    }
}

/* ---- readers ----------------------------------------------------------------------------- */

static struct sl_json parsed(const char *text)
{
    struct sl_json j;
    struct sl_err err;
    if (sl_json_parse(&j, &arena, sl_str_from(text), NULL, &err))
        fail_msg("%s: %s", text, err.message);
    return j;
}

static void values_are_found(void **state)
{
    (void)state;
    struct sl_json j = parsed("{\"a\":[1,{\"x\":2},\"s\"], \"b\\u0062\" : {} , \"e\":[]}");
    sl_json_ref a = sl_json_get(&j, 0, SL_STR("a"));
    assert_int_equal(sl_json_count(&j, a), 3);
    assert_true(sl_str_eq(sl_json_raw(&j, sl_json_at(&j, a, 1)), SL_STR("{\"x\":2}")));
    assert_true(sl_str_eq(sl_json_raw(&j, sl_json_at(&j, a, 2)), SL_STR("\"s\"")));
    assert_int_equal(sl_json_at(&j, a, 3), SL_JSON_NONE);
    sl_json_ref b = sl_json_get(&j, 0, SL_STR("bb"));
    assert_int_equal(sl_json_type(&j, b), SL_JSON_OBJECT);
    assert_int_equal(sl_json_first(&j, b), SL_JSON_NONE);
    assert_int_equal(sl_json_get(&j, 0, SL_STR("c")), SL_JSON_NONE);
    assert_int_equal(sl_json_get(&j, a, SL_STR("c")), SL_JSON_NONE);
    assert_int_equal(sl_json_get(&j, SL_JSON_NONE, SL_STR("c")), SL_JSON_NONE);
    uint32_t n = 0;
    for (sl_json_ref r = sl_json_first(&j, 0); r != SL_JSON_NONE; r = sl_json_after(&j, 0, r))
        n++;
    assert_int_equal(n, 3);
    n = 0;
    for (sl_json_ref r = sl_json_first(&j, a); r != SL_JSON_NONE; r = sl_json_after(&j, a, r))
        n++;
    assert_int_equal(n, 3);
    assert_string_equal(sl_json_type_name(&j, a), "Array");
}

static void strings_lose_their_escapes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"\"plain\"", "plain"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u00e9\\u20AC\\ud83d\\ude00\"", "é€😀"},
        {"\"\\ud83d\"", "\xef\xbf\xbd"},
        {"\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd😀"},
        {"\"\\ud83dx\\u0041\"", "\xef\xbf\xbdxA"},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_json j = parsed(cases[i][0]);
        sl_str want = sl_str_from(cases[i][1]), got = sl_json_str(&j, 0, &arena);
        assert_true(sl_str_eq(got, want));
        assert_true(sl_json_is_str(&j, 0, want));
        assert_false(sl_json_is_str(&j, 0, (sl_str){want.p, want.n - 1}));
    }
    struct sl_json j = parsed("[1]");
    assert_null(sl_json_str(&j, 0, &arena).p);
    assert_null(sl_json_str(&j, SL_JSON_NONE, &arena).p);
}

static void numbers_are_read_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_integer;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"-0.0e5", true, 0},
        {"42", true, 42},
        {"1e2", true, 100},
        {"1.50e1", true, 15},
        {"1200e-2", true, 12},
        {"0.001e3", true, 1},
        {"1.5", false, 0},
        {"1e-1", false, 0},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775808", true, INT64_MIN},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999", false, 0},
        {"1e400", false, 0},
        {"1e99999999999999999999", false, 0},
        {"0e99999999999999999999", true, 0},
        {"1e-99999999999999999999", false, 0},
        {"100000000000000000000e-18", true, 100},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_json j = parsed(cases[i].text);
        int64_t value = -7;
        assert_int_equal(sl_json_i64(&j, 0, &value), cases[i].is_integer);
        if (cases[i].is_integer)
            assert_true(value == cases[i].value);
    }
    double d;
    struct sl_json j = parsed("-1.25e2");
    assert_true(sl_json_f64(&j, 0, &d) && d == -125.0);
    j = parsed("1e999");
    assert_false(sl_json_f64(&j, 0, &d));
    j = parsed(repeat("3", 300, ".5").p);
    assert_true(sl_json_f64(&j, 0, &d) && d > 3.3e299 && d < 3.4e299);
    bool b;
    j = parsed("true");
    assert_true(sl_json_bool(&j, 0, &b) && b);
    assert_false(sl_json_i64(&j, 0, &(int64_t){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_texts_agree_with_the_naive_twin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(vectors_are_accepted_and_rejected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors_name_place_and_reason, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits_hold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(large_objects_refuse_repeated_keys, set_up, tear_down),
        cmocka_unit_test(kernels_agree_with_the_portable_ones),
        cmocka_unit_test(every_pair_and_triple_of_bytes_is_judged_alike),
        cmocka_unit_test_setup_teardown(values_are_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strings_lose_their_escapes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_are_read_exactly, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
