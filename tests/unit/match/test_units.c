/* Word units against a walk over code points, at every cut of mixed texts. */
#include "base/rc.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "match/units.h"
#include "unit.h"

#include <stdlib.h>

static uint64_t naive(sl_str text)
{
    uint64_t units = 0;
    bool is_inside = false;
    unsigned n;
    for (size_t at = 0; at < text.n; at += n) {
        uint32_t cp = sl_utf8_at(text, at, &n);
        bool is_cjk = sl_unicode_is_cjk(cp), is_word = !is_cjk && sl_unicode_is_alnum(cp);
        units += is_cjk || (is_word && !is_inside);
        is_inside = is_word;
    }
    return units;
}

static void units_are_what_a_walk_counts(void **state)
{
    (void)state;
    static const char *const pieces[] = {"word",  " ",     "two words ", "x",  "9",     "-_-",
                                         "Größe", "你好",  " z0 ",       "\n", "Ärger", "\xff",
                                         "[a]",   "@`{/:", "привет ",    "Az", "no-end"};
    uint32_t seed = 3;
    char buffer[1200];
    for (int round = 0; round < 2000; round++) {
        size_t n = 0;
        while (n < 900) {
            seed = seed * 1664525u + 1013904223u;
            /* Long ASCII stretches, so that whole blocks are met. */
            size_t kinds = round % 2 ? SL_COUNT(pieces) : 6;
            const char *piece = pieces[(seed >> 8) % kinds];
            size_t len = strlen(piece);
            memcpy(buffer + n, piece, len);
            n += len;
        }
        n -= seed % 200;
        char *text = malloc(n);
        memcpy(text, buffer, n);
        size_t from = seed % 64;
        assert_int_equal(sl_text_units(sl_str_of(text + from, n - from)),
                         naive(sl_str_of(text + from, n - from)));
        free(text);
    }
    assert_int_equal(sl_text_units(SL_STR("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_what_a_walk_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
