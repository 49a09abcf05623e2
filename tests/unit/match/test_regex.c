/* Against tests/vectors/regex: what RE2 itself answered. */
#include "match/regex.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static int hex(char c)
{
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* The next tab-separated field, %xx decoded in place. */
static sl_str field(char **at)
{
    char *from = *at, *to = from, *out = from;
    for (; *to && *to != '\t' && *to != '\n'; out++) {
        if (*to == '%') {
            *out = (char)(hex(to[1]) * 16 + hex(to[2]));
            to += 3;
        } else {
            *out = *to++;
        }
    }
    *at = *to ? to + 1 : to;
    return sl_str_of(from, (size_t)(out - from));
}

static FILE *open_vectors(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/tests/vectors/regex/%s", SLUICE_SOURCE_DIR, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    return f;
}

static bool holds_a_required_literal(const struct sl_regex *re, sl_str text)
{
    const struct sl_regex_literals *l = sl_regex_required(re);
    char lower[1024];
    for (size_t i = 0; i < text.n; i++)
        lower[i] = text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] | 32) : text.p[i];
    for (uint32_t i = 0; i < l->n; i++)
        if (sl_str_find(sl_str_of(lower, text.n), sl_str_of(l->items[i].p, l->items[i].n)) !=
            SIZE_MAX)
            return true;
    return l->n == 0;
}

static void matches_as_re2(void **state)
{
    (void)state;
    FILE *f = open_vectors("re2.tsv");
    char line[4096];
    int n_cases = 0;
    while (fgets(line, sizeof(line), f)) {
        if (line[0] == '#')
            continue;
        char *at = line;
        sl_str pattern = field(&at), text = field(&at);
        int want_end = atoi(at), want_count;
        field(&at);
        want_count = atoi(at);
        struct sl_arena arena;
        sl_arena_init(&arena, NULL, 64 << 20);
        struct sl_regex *re;
        struct sl_err err;
        if (sl_regex_compile(&re, &arena, pattern, 0, &err) != SL_OK)
            fail_msg("/%.*s/: %s", SL_FMT(pattern), err.message);
        struct sl_regex_cache *cache = sl_regex_cache_new(re);
        size_t end;
        bool failed;
        int got = sl_regex_find(re, cache, text, 0, &end, &failed) ? (int)end : -1;
        int count = (int)sl_regex_count(re, cache, text, UINT32_MAX, &failed);
        if (got != want_end || count != want_count)
            fail_msg("/%.*s/ on \"%.*s\": end %d, want %d; count %d, want %d", SL_FMT(pattern),
                     SL_FMT(text), got, want_end, count, want_count);
        if (got >= 0)
            assert_true(holds_a_required_literal(re, text));
        sl_regex_cache_free(cache);
        sl_arena_reset(&arena);
        n_cases++;
    }
    fclose(f);
    assert_true(n_cases > 1000);
}

static void accepts_what_re2_accepts(void **state)
{
    (void)state;
    FILE *f = open_vectors("syntax.tsv");
    char line[4096];
    while (fgets(line, sizeof(line), f)) {
        if (line[0] == '#')
            continue;
        char *at = line;
        sl_str pattern = field(&at);
        struct sl_arena arena;
        sl_arena_init(&arena, NULL, 64 << 20);
        struct sl_regex *re;
        struct sl_err err;
        enum sl_rc rc = sl_regex_compile(&re, &arena, pattern, 0, &err);
        if ((rc == SL_OK) != (*at == '1'))
            fail_msg("/%.*s/ is %s", SL_FMT(pattern), rc == SL_OK ? "accepted" : err.message);
        sl_arena_reset(&arena);
    }
    fclose(f);
}

/* Patterns that cost backtracking engines exponential time, and a cache that overflows. */
static void is_linear_and_bounded(void **state)
{
    (void)state;
    static const char *const patterns[] = {"(a*)*b", "(a|aa)+$", "(x+x+)+y", "[ab]*a[ab]{60}c",
                                           "(?i)(\\w+\\s?)*[!]"};
    static char text[50000];
    srand(3);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = rand() & 1 ? 'a' : "ab x"[rand() & 3];
    for (size_t i = 0; i < SL_COUNT(patterns); i++) {
        struct sl_arena arena;
        sl_arena_init(&arena, NULL, 64 << 20);
        struct sl_regex *re;
        assert_int_equal(sl_regex_compile(&re, &arena, sl_str_from(patterns[i]), 0, NULL), SL_OK);
        struct sl_regex_cache *cache = sl_regex_cache_new(re);
        bool failed;
        sl_regex_count(re, cache, sl_str_of(text, sizeof(text)), UINT32_MAX, &failed);
        assert_false(failed);
        sl_regex_cache_free(cache);
        sl_arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_as_re2),
        cmocka_unit_test(accepts_what_re2_accepts),
        cmocka_unit_test(is_linear_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
