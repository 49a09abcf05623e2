/* The language detector: sure guesses, and none for short texts that may be anything. */
#include "match/language.h"
#include "unit.h"

static struct sl_language_guess detect(const char *text)
{
    struct sl_arena arena;
    struct sl_language_model *model;
    sl_arena_init(&arena, NULL, 1 << 20);
    assert_int_equal(sl_language_open(&model, &arena, sl_language_data, sl_language_data_n, NULL),
                     SL_OK);
    struct sl_language_guess guess = sl_language_detect(model, sl_str_from(text));
    sl_arena_reset(&arena);
    return guess;
}

static void sure_texts_are_told(void **state)
{
    static const struct {
        const char *text, *code;
    } cases[] = {{"thank you", "en"},
                 {"why", "en"},
                 {"gracias", "es"},
                 {"buenos d\xc3\xad"
                  "as",
                  "es"},
                 {"Guten Morgen, wie geht es dir?", "de"},
                 {"\xe4\xbd\xa0\xe5\xa5\xbd", "zh"},
                 {"\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82, \xd0\xba\xd0\xb0\xd0\xba "
                  "\xd0\xb4\xd0\xb5\xd0\xbb\xd0\xb0",
                  "ru"}};
    (void)state;
    for (size_t i = 0; i < SL_COUNT(cases); i++)
        assert_string_equal(detect(cases[i].text).code, cases[i].code);
}

static void unsure_short_texts_have_no_language(void **state)
{
    static const char *const texts[] = {
        "", "?!", "42", "ok", "hola", "tack", "salve", "\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85"};
    (void)state;
    for (size_t i = 0; i < SL_COUNT(texts); i++) {
        struct sl_language_guess guess = detect(texts[i]);
        assert_string_equal(guess.code, "");
        assert_true(guess.confidence == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sure_texts_are_told),
        cmocka_unit_test(unsure_short_texts_have_no_language),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
