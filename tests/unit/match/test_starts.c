/* Strings at the beginnings of words, against a search of every place. */
#include "base/rc.h"
#include "match/starts.h"
#include "unit.h"

#include <stdlib.h>

static uint32_t seed = 11;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)seed * below >> 32);
}

struct hits {
    struct {
        uint32_t id;
        size_t from, to;
    } items[8192];
    size_t n;
};

static void on_hit(void *ctx, uint32_t id, size_t from, size_t to)
{
    struct hits *h = ctx;
    assert_true(h->n < SL_COUNT(h->items));
    h->items[h->n].id = id;
    h->items[h->n].from = from;
    h->items[h->n++].to = to;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool stands(const struct sl_starts_string *s, sl_str text, size_t at)
{
    if (text.n - at < s->text.n || (at > 0 && is_alnum(text.p[at - 1])))
        return false;
    sl_str here = sl_str_sub(text, at, at + s->text.n);
    return s->is_caseless ? sl_str_eq_nocase(here, s->text) : sl_str_eq(here, s->text);
}

static void every_place_is_found_and_no_other(void **state)
{
    (void)state;
    static const char letters[] = "abkszABKSZ019 .-_,\xc3\xa9\n";
    static struct hits got;
    for (int round = 0; round < 3000; round++) {
        struct sl_arena arena;
        sl_arena_init(&arena, NULL, 1 << 20);
        struct sl_starts_string strings[SL_STARTS_MAX];
        uint32_t n = 1 + draw(round % 3 ? 12 : SL_STARTS_MAX);
        for (uint32_t i = 0; i < n; i++) {
            size_t len = 2 + draw(6);
            char *p = sl_arena_alloc(&arena, len);
            bool is_caseless = draw(2);
            for (size_t k = 0; k < len; k++)
                p[k] = letters[draw(k ? sizeof letters - 1 : 13)];
            for (size_t k = 0; k < len && is_caseless; k++)
                if (p[k] >= 'A' && p[k] <= 'Z')
                    p[k] = (char)(p[k] | 32);
            strings[i] = (struct sl_starts_string){sl_str_of(p, len), is_caseless, i};
        }
        struct sl_starts *set = sl_starts_new(&arena, strings, n);
        assert_non_null(set);
        size_t bytes = draw(400);
        char *text = malloc(bytes ? bytes : 1);
        for (size_t i = 0; i < bytes; i++)
            text[i] = letters[draw(sizeof letters - 1)];
        got.n = 0;
        sl_starts_run(set, sl_str_of(text, bytes), on_hit, &got);
        size_t k = 0;
        for (size_t at = 0; at < bytes; at++) {
            size_t n_here = 0;
            for (uint32_t i = 0; i < n; i++) {
                if (!stands(&strings[i], sl_str_of(text, bytes), at))
                    continue;
                n_here++;
                bool is_found = false;
                for (size_t g = k; g < got.n && got.items[g].from == at; g++)
                    is_found |= got.items[g].id == i && got.items[g].to == at + strings[i].text.n;
                assert_true(is_found);
            }
            for (size_t g = 0; g < n_here; g++)
                assert_int_equal(got.items[k++].from, at);
        }
        assert_int_equal(k, got.n);
        free(text);
        sl_arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_is_found_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
