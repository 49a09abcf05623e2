#include "base/unicode.h"
#include "base/utf8.h"
#include "match/scan.h"
#include "unit.h"

#include <stdlib.h>

struct scan_case {
    const char *literal;
    unsigned flags;
    const char *text;
    int count;
};

#define W (SL_SCAN_CASELESS | SL_SCAN_WORD_EDGES)
#define L (SL_SCAN_CASELESS | SL_SCAN_LETTER_EDGES)

/* Counts with n more literals in the scan, which no text holds: few and many go different ways. */
static uint32_t count_among(uint32_t n_others, const char *pattern, bool is_regex, unsigned flags,
                            sl_str text)
{
    struct sl_arena arena;
    sl_arena_init(&arena, NULL, 64 << 20);
    struct sl_scan_builder *b = sl_scan_builder_new(&arena);
    uint32_t id, other;
    struct sl_err err;
    for (uint32_t i = 0; i < n_others; i++)
        assert_int_equal(
            sl_scan_add_literal(b, sl_arena_printf(&arena, "unrelated%u", i), 0, &other), SL_OK);
    if (is_regex)
        assert_int_equal(
            sl_scan_add_regex(b, sl_str_from(pattern), flags | SL_SCAN_COUNTS, &id, &err), SL_OK);
    else
        assert_int_equal(sl_scan_add_literal(b, sl_str_from(pattern), flags | SL_SCAN_COUNTS, &id),
                         SL_OK);
    struct sl_scan *scan;
    assert_int_equal(sl_scan_compile(b, &scan, &err), SL_OK);
    struct sl_scan_scratch *scratch = sl_scan_scratch_new();
    struct sl_scan_hits hits;
    assert_int_equal(sl_scan_run(scan, text, scratch, &arena, &hits), SL_OK);
    uint32_t n = hits.counts[id];
    assert_int_equal(sl_scan_found(&hits, id), n > 0);
    sl_scan_scratch_free(scratch);
    sl_arena_reset(&arena);
    return n;
}

static uint32_t count_of(const char *pattern, bool is_regex, unsigned flags, sl_str text)
{
    uint32_t n = count_among(1, pattern, is_regex, flags, text);
    uint32_t n_many = count_among(200, pattern, is_regex, flags, text);
    if (n_many != n)
        fail_msg("\"%s\" in \"%.*s\": %u among few, %u among many", pattern, SL_FMT(text), n,
                 n_many);
    return n;
}

static void literals(void **state)
{
    (void)state;
    static const struct scan_case cases[] = {
        {"urgent", W, "I need URGENT help, urgent!", 2},
        {"urgent", W, "insurgent forces, urgently", 0},
        {"urgent", SL_SCAN_WORD_EDGES, "URGENT urgent", 1},
        {"C++", W, "I write C++", 1},
        {"C++", W, "C++11 and c++", 2},
        {"C++", W, "ABC++", 0},
        {"C#", W, "c# or F#", 1},
        {".NET", W, "use .NET; asp.net", 2},
        {".NET", W, ".NETs", 0},
        {"caf\xc3\xa9", W, "un caf\xc3\xa9 noir, CAF\xc3\x89", 2},
        {"caf\xc3\xa9", W, "caf\xc3\xa9s", 0},
        {"cafe", W, "cafe\xcc\x81", 0},
        {"caf", W, "caf\xc3\xa9", 0},
        {"\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82", W,
         "\xd0\x9f\xd0\xa0\xd0\x98\xd0\x92\xd0\x95\xd0\xa2, "
         "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82",
         2},
        {"\xd0\xbf\xd1\x80\xd0\xb8", W, "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82", 0},
        {"\xe6\x9c\xba\xe5\x99\xa8", W,
         "\xe5\x85\xb3\xe4\xba\x8e\xe6\x9c\xba\xe5\x99\xa8\xe5\xad\xa6\xe4\xb9\xa0", 1},
        {"\xec\x95\x88\xeb\x85\x95", W,
         "\xec\x95\x88\xeb\x85\x95\xed\x95\x98\xec\x84\xb8\xec\x9a\x94", 0},
        {"\xec\x95\x88\xeb\x85\x95", W, "\xec\x95\x88\xeb\x85\x95! a\xec\x95\x88\xeb\x85\x95", 2},
        {"API", W,
         "API\xeb\xa5\xbc \xe7\x9a\x84"
         "API\xe7\x9a\x84",
         2},
        {"GPU\xe6\x98\xbe\xe5\x8d\xa1", W,
         "\xe6\x88\x91\xe7\x9a\x84gpu\xe6\x98\xbe\xe5\x8d\xa1\xe5\xa5\xbd", 1},
        {"\xe0\xb8\xaa\xe0\xb8\xa7\xe0\xb8\xb1\xe0\xb8\xaa\xe0\xb8\x94\xe0\xb8\xb5", W,
         "\xe0\xb8\xaa\xe0\xb8\xa7\xe0\xb8\xb1\xe0\xb8\xaa\xe0\xb8\x94\xe0\xb8\xb5\xe0\xb8\x84\xe0"
         "\xb8\xa3\xe0\xb8\xb1\xe0\xb8\x9a",
         1},
        {"(test)", W, "a(test)b (TEST)", 2},
        {"#hash", W, "x#hash #hash #hashes", 2},
        {"_private", W, "_private x_private", 1},
        {"a", W,
         "a banana, A. 'a' \xc3\xa9"
         "a",
         3},
        {"R", SL_SCAN_WORD_EDGES, "R r Rust R2 (R)", 2},
        {"k", W, "K \xe2\x84\xaa k", 3},
        {"s", W, "\xc5\xbf", 1},
        {"task", W, "TA\xc5\xbfk ta\xc5\xbf\xe2\x84\xaa tasks", 2},
        {"ss", SL_SCAN_CASELESS, "s\xc5\xbfs sss ssss", 4},
        {"stra\xc3\x9f"
         "e",
         W,
         "STRA\xe1\xba\x9e"
         "E",
         1},
        {"\xf0\x9f\x9a\x80", W, "x\xf0\x9f\x9a\x80y", 1},
        {"aa", 0, "aaaaa", 2},
        {"must", L, "must must_be mustard C-must", 3},
        {"C++", L, "C++11 c++", 1},
        {"must", L, "\xe4\xbd\xa0must\xe5\xa5\xbd", 1},
        {"\xe8\x87\xb3\xe5\xb0\x91", L,
         "a\xe8\x87\xb3\xe5\xb0\x91"
         "b\xe8\x87\xb3\xe5\xb0\x91",
         2},
        {"", W, "anything", 1},
        {"", W, "", 1},
        {"x", W, "", 0},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        uint32_t n = count_of(cases[i].literal, false, cases[i].flags, sl_str_from(cases[i].text));
        if ((int)n != cases[i].count)
            fail_msg("\"%s\" (flags %u) in \"%s\": %u, want %d", cases[i].literal, cases[i].flags,
                     cases[i].text, n, cases[i].count);
    }
}

static void expressions(void **state)
{
    (void)state;
    static const struct scan_case cases[] = {
        {"[?\xef\xbc\x9f]", 0, "a? b? c\xef\xbc\x9f d?", 4},
        {"\\d{3}-\\d{4}", 0, "555-1234 55-1234 555-00001", 2},
        {"https?://[^\\s]+", SL_SCAN_CASELESS, "HTTP://a http\xc5\xbf://b https:/c", 2},
        {"err(or|no)\\b", 0, "error errno errors", 2},
        {"(?m)^\\s*\\d+\\.\\s+", 0, "1. a\n2. b\nx 3. c", 2},
        {"\\pL+", 0, "\xd0\xb4\xd0\xb0 no \xe9\xa6\x96 1", 3},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++)
        assert_int_equal(
            count_of(cases[i].literal, true, cases[i].flags, sl_str_from(cases[i].text)),
            cases[i].count);
}

/* The naive twin: at every place, compare folded code points and look at the neighbours. */
static uint32_t naive(sl_str literal, sl_str text)
{
    uint32_t count = 0;
    unsigned n, m;
    for (size_t at = 0; at < text.n; at += n) {
        sl_utf8_at(text, at, &n);
        size_t to = at, k = 0;
        bool is_same = true;
        for (; k < literal.n && is_same; k += m) {
            unsigned step = 1;
            is_same = to < text.n && sl_unicode_fold(sl_utf8_at(literal, k, &m)) ==
                                         sl_unicode_fold(sl_utf8_at(text, to, &step));
            if (!is_same)
                break;
            to += step;
        }
        if (!is_same)
            continue;
        uint32_t first = sl_utf8_at(literal, 0, &m), last = sl_utf8_before(literal, literal.n, &m);
        if (sl_unicode_is_word(first) && at > 0 && sl_unicode_is_word(sl_utf8_before(text, at, &m)))
            continue;
        if (sl_unicode_is_word(last) && to < text.n && sl_unicode_is_word(sl_utf8_at(text, to, &m)))
            continue;
        count++;
        n = (unsigned)(to - at);
    }
    return count;
}

static sl_str random_text(char *out, size_t n, const char *const *alphabet, size_t n_alphabet)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const char *piece = alphabet[(size_t)rand() % n_alphabet];
        memcpy(out + at, piece, strlen(piece));
        at += strlen(piece);
    }
    return sl_str_of(out, at);
}

static void agrees_with_the_naive_twin(void **state)
{
    (void)state;
    static const char *const alphabet[] = {
        "a",        "B",        "k", "\xe2\x84\xaa", "s", " ", "\xc5\xbf", "\xc3\xa9",
        "\xc3\x89", "\xd0\xb4", "+", "\xd0\x94",     "_", "-", "1"};
    srand(11);
    for (int round = 0; round < 3000; round++) {
        char literal[64], text[256];
        sl_str l = random_text(literal, 1 + (size_t)rand() % 4, alphabet, SL_COUNT(alphabet));
        literal[l.n] = 0;
        sl_str t = random_text(text, (size_t)rand() % 40, alphabet, SL_COUNT(alphabet));
        uint32_t got = count_of(literal, false, W, t), want = naive(l, t);
        /* Overlapping occurrences may be counted from another end; presence never differs. */
        if ((got > 0) != (want > 0))
            fail_msg("\"%s\" in \"%.*s\": %u, want %u", literal, SL_FMT(t), got, want);
    }
}

static void many_patterns_share_one_pass(void **state)
{
    (void)state;
    struct sl_arena arena;
    sl_arena_init(&arena, NULL, 64 << 20);
    struct sl_scan_builder *b = sl_scan_builder_new(&arena);
    uint32_t ids[500], again;
    struct sl_err err;
    for (uint32_t i = 0; i < 500; i++) {
        sl_str word = sl_arena_printf(&arena, "word%u", i);
        assert_int_equal(sl_scan_add_literal(b, word, W | SL_SCAN_POSITIONS, &ids[i]), SL_OK);
    }
    assert_int_equal(sl_scan_add_literal(b, SL_STR("word7"), W | SL_SCAN_POSITIONS, &again), SL_OK);
    assert_int_equal(again, ids[7]);
    assert_int_equal(sl_scan_add_regex(b, SL_STR("(?=x)"), 0, &again, &err), SL_INVALID);
    struct sl_scan *scan;
    assert_int_equal(sl_scan_compile(b, &scan, &err), SL_OK);
    struct sl_scan_scratch *scratch = sl_scan_scratch_new();
    struct sl_scan_hits hits;
    for (int round = 0; round < 3; round++) {
        assert_int_equal(
            sl_scan_run(scan, SL_STR("word7, WORD7; word499 word5000"), scratch, &arena, &hits),
            SL_OK);
        assert_true(sl_scan_found(&hits, ids[7]) && sl_scan_found(&hits, ids[499]));
        assert_false(sl_scan_found(&hits, ids[5]) || sl_scan_found(&hits, ids[49]));
        assert_int_equal(hits.n_spans[ids[7]], 2);
        assert_int_equal(hits.spans[ids[7]][1].from, 7);
    }
    sl_scan_scratch_free(scratch);
    sl_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals),
        cmocka_unit_test(expressions),
        cmocka_unit_test(agrees_with_the_naive_twin),
        cmocka_unit_test(many_patterns_share_one_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
