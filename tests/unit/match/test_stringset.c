/* Sets of strings, searched each way, against a search of every place. */
#include "match/stringset.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static uint32_t seed = 11;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)seed * below >> 32);
}

struct hits {
    struct hit {
        uint32_t string;
        size_t from;
    } items[16384];
    size_t n;
};

static void on_hit(void *ctx, uint32_t string, size_t from)
{
    struct hits *h = ctx;
    assert_true(h->n < SL_COUNT(h->items));
    h->items[h->n++] = (struct hit){string, from};
}

static bool is_same(const struct sl_stringset_string *s, const char *p)
{
    for (size_t i = 0; i < s->text.n; i++) {
        char c = p[i];
        if (s->is_caseless && c >= 'A' && c <= 'Z')
            c = (char)(c | 32);
        if (c != s->text.p[i])
            return false;
    }
    return true;
}

static int by_string(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;
    return x->string != y->string ? (x->string < y->string ? -1 : 1)
                                  : (x->from > y->from) - (x->from < y->from);
}

static void check(const struct sl_stringset *set, const struct sl_stringset_string *strings,
                  uint32_t n, sl_str text)
{
    static struct hits got, want;
    size_t ordered = 0;
    got.n = want.n = 0;
    sl_stringset_run(set, text, on_hit, &got);
    for (size_t i = 0; i < got.n; i++) {
        if (!strings[got.items[i].string].is_ordered)
            continue;
        assert_true(got.items[i].from >= ordered);
        ordered = got.items[i].from;
    }
    for (uint32_t k = 0; k < n; k++) {
        size_t last = 0;
        for (size_t i = 0; i < got.n; i++) {
            if (got.items[i].string != k)
                continue;
            assert_true(last == 0 || got.items[i].from > last);
            last = got.items[i].from;
        }
        for (size_t at = 0; strings[k].text.n > 1 && at + strings[k].text.n <= text.n; at++)
            if (is_same(&strings[k], text.p + at))
                on_hit(&want, k, at);
    }
    qsort(got.items, got.n, sizeof(*got.items), by_string);
    assert_int_equal(got.n, want.n);
    for (size_t i = 0; i < got.n; i++) {
        assert_int_equal(got.items[i].string, want.items[i].string);
        assert_int_equal(got.items[i].from, want.items[i].from);
    }
}

static void every_place_is_found_and_no_other(void **state)
{
    static const char letters[] = "abkszqjxvwABKSZQJXVW019 .-_,[{@`\xc3\xa9\xf0\n";
    uint32_t n_sets = 0;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        struct sl_arena arena;
        struct sl_stringset_string strings[100];
        uint32_t n = 1 + draw(round % 4 ? 8 : SL_COUNT(strings));
        sl_arena_init(&arena, NULL, 1 << 20);
        for (uint32_t i = 0; i < n; i++) {
            size_t length = draw(10) ? 3 + draw(7) : 2 + draw(40);
            char *p = sl_arena_alloc(&arena, length);
            bool is_caseless = draw(2);
            for (size_t k = 0; k < length; k++)
                p[k] = letters[draw(sizeof(letters) - 1)];
            for (size_t k = 0; k < length && is_caseless; k++)
                if (p[k] >= 'A' && p[k] <= 'Z')
                    p[k] = (char)(p[k] | 32);
            strings[i] = (struct sl_stringset_string){draw(10) ? sl_str_of(p, length) : SL_STR(""),
                                                      is_caseless, draw(3) == 0};
        }
        size_t bytes = 0, max = draw(400);
        char *text = malloc(max + 64); /* of its own, so that reading beyond it is noticed */
        while (bytes < max) {
            sl_str s = strings[draw(n)].text;
            if (draw(3) == 0 && s.n) {
                memcpy(text + bytes, s.p, s.n);
                text[bytes] = (char)(draw(2) ? text[bytes] : text[bytes] ^ 32);
                bytes += s.n - draw(2);
            } else {
                text[bytes++] = letters[draw(sizeof(letters) - 1)];
            }
        }
        text = realloc(text, bytes ? bytes : 1);
        static const struct sl_stringset_options options[] = {
            {64, false}, {64, true}, {32, false}, {32, true}, {0, false}};
        for (size_t k = 0; k < SL_COUNT(options); k++) {
            struct sl_stringset *set;
            assert_int_equal(sl_stringset_new(&set, &arena, strings, n, &options[k]), SL_OK);
            n_sets += set != NULL;
            if (set)
                check(set, strings, n, sl_str_of(text, bytes));
        }
        free(text);
        sl_arena_reset(&arena);
    }
    assert_true(n_sets > 14000);
}

static void common_strings_are_found(void **state)
{
    struct sl_arena arena;
    struct sl_stringset *set;
    static const struct sl_stringset_string common[] = {
        {SL_STR("e "), true, false}, {SL_STR(" t"), true, false}, {SL_STR("he"), true, false},
        {SL_STR("in"), true, false}, {SL_STR("on"), true, false}, {SL_STR("s "), true, false}};
    (void)state;
    sl_arena_init(&arena, NULL, 1 << 20);
    assert_int_equal(sl_stringset_new(&set, &arena, common, SL_COUNT(common), NULL), SL_OK);
    assert_non_null(set);
    check(set, common, SL_COUNT(common), SL_STR("the sun is hot in the north"));
    assert_int_equal(sl_stringset_new(&set, &arena, common, 0, NULL), SL_OK);
    assert_null(set);
    sl_arena_reset(&arena);
}

/* Tens of thousands, many of which share beginnings, as lists of words do. */
static void any_number_is_found(void **state)
{
    (void)state;
    struct sl_arena arena;
    enum { N = 20000 };
    sl_arena_init(&arena, NULL, 64 << 20);
    struct sl_stringset_string *strings = SL_NEW_ARRAY(&arena, struct sl_stringset_string, N);
    for (uint32_t i = 0; i < N; i++)
        strings[i].text = sl_arena_printf(&arena, "%s%u", i % 3 ? "word" : "an", i * 7);
    struct sl_stringset *set;
    assert_int_equal(sl_stringset_new(&set, &arena, strings, N, NULL), SL_OK);
    char text[4096];
    size_t n = 0;
    for (uint32_t i = 0; i < 200; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s ", SL_FMT(strings[draw(N)].text));
    check(set, strings, N, sl_str_of(text, n));
    sl_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_is_found_and_no_other),
        cmocka_unit_test(any_number_is_found),
        cmocka_unit_test(common_strings_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
