#include "base/unicode.h"
#include "base/utf8.h"
#include "unit.h"

#include <stdlib.h>

static void decodes_and_encodes_every_code_point(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
        if (cp >= 0xd800 && cp < 0xe000)
            continue;
        char bytes[4];
        unsigned n = sl_utf8_encode(cp, bytes), length;
        assert_int_equal(sl_utf8_at(sl_str_of(bytes, n), 0, &length), cp);
        assert_int_equal(length, n);
        assert_int_equal(sl_utf8_before(sl_str_of(bytes, n), n, &length), cp);
        assert_int_equal(length, n);
    }
}

static void malformed_bytes_are_single_replacements(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80",         "\xc0\xaf",     "\xc1\xbf",
                                      "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xf8\x88",     "\xe2\x82"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        sl_str s = sl_str_from(bad[i]);
        unsigned n;
        assert_int_equal(sl_utf8_at(s, 0, &n), SL_UTF8_BAD);
        assert_int_equal(n, 1);
        assert_int_equal(sl_utf8_valid_prefix(s), 0);
        assert_int_equal(sl_utf8_count(s), s.n);
    }
    assert_true(sl_utf8_is_valid(SL_STR("plain ascii, \xc3\xa9 and \xf0\x9f\x9a\x80")));
    assert_int_equal(sl_utf8_valid_prefix(SL_STR("0123456789ab\xff")), 12);
}

static void walking_back_agrees_with_walking_forward(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 2000; round++) {
        char bytes[24];
        size_t n = 0;
        while (n < 16)
            n += sl_utf8_encode((uint32_t)rand() % (rand() % 2 ? 0x80 : 0x11000), bytes + n);
        sl_str s = sl_str_of(bytes, n);
        size_t starts[24], k = 0;
        unsigned length;
        for (size_t at = 0; at < n; at += length) {
            starts[k++] = at;
            sl_utf8_at(s, at, &length);
        }
        size_t at = n;
        while (k) {
            sl_utf8_before(s, at, &length);
            at -= length;
            assert_int_equal(at, starts[--k]);
        }
    }
}

static void classes(void **state)
{
    (void)state;
    assert_true(sl_unicode_is_letter(0x434) && sl_unicode_is_letter(0xe9));
    assert_true(sl_unicode_is_word('_') && sl_unicode_is_word(0x301) && sl_unicode_is_word(0x663));
    assert_false(sl_unicode_is_word('-') || sl_unicode_is_word(0x1f680) ||
                 sl_unicode_is_word(0x2019));
    assert_true(sl_unicode_is_han(0x9996) && sl_unicode_is_cjk(0xc548) &&
                sl_unicode_is_cjk(0x3042));
    assert_true(sl_unicode_is_unspaced(0xe2a) && !sl_unicode_is_cjk(0xe2a));
    assert_false(sl_unicode_is_unspaced(0x434));
    assert_int_equal(sl_unicode_script(0x434), SL_SCRIPT_CYRILLIC);
    assert_int_equal(sl_unicode_script(0x3b1), SL_SCRIPT_GREEK);
    assert_int_equal(sl_unicode_script('1'), SL_SCRIPT_COMMON);
    assert_string_equal(sl_script_name(sl_unicode_script(0x10d0)), "Georgian");
    assert_string_equal(sl_script_name(SL_SCRIPT_OTHER), "Other");
    assert_string_equal(sl_script_name(SL_SCRIPT_HAN), "Han");
    assert_true(sl_unicode_is_space(0x3000) && sl_unicode_is_space('\n'));
}

static void folding(void **state)
{
    (void)state;
    assert_int_equal(sl_unicode_fold(0x41f), 0x43f);
    assert_int_equal(sl_unicode_fold(0x212a), 'k');
    assert_int_equal(sl_unicode_fold(0x17f), 's');
    assert_int_equal(sl_unicode_fold(0x1e9e), sl_unicode_fold(0xdf));
    assert_int_equal(sl_unicode_fold(0x3c2), sl_unicode_fold(0x3a3));
    assert_int_equal(sl_unicode_fold(0x130), 0x130); /* Turkish dotted I folds with nothing */
    assert_int_equal(sl_unicode_fold(0x131), 0x131);
    for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
        uint32_t next = sl_unicode_next_case(cp);
        assert_int_equal(sl_unicode_fold(next), sl_unicode_fold(cp));
        assert_int_equal(sl_unicode_fold(sl_unicode_fold(cp)), sl_unicode_fold(cp));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_and_encodes_every_code_point),
        cmocka_unit_test(malformed_bytes_are_single_replacements),
        cmocka_unit_test(walking_back_agrees_with_walking_forward),
        cmocka_unit_test(classes),
        cmocka_unit_test(folding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
