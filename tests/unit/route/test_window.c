/* The window: exact boundaries in code points, whole text below the limit. */
#include "route/window.h"
#include "unit.h"

static sl_str repeat(struct sl_arena *arena, const char *piece, size_t n)
{
    size_t bytes = strlen(piece);
    char *p = sl_arena_alloc(arena, bytes * n);
    for (size_t i = 0; i < n; i++)
        memcpy(p + i * bytes, piece, bytes);
    return (sl_str){p, bytes * n};
}

static size_t count(sl_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static void short_texts_are_whole(void **state)
{
    (void)state;
    struct sl_arena a;
    sl_arena_init(&a, NULL, 1 << 20);
    static const char *const pieces[] = {"a", "é", "世", "🚀"};
    for (size_t i = 0; i < SL_COUNT(pieces); i++) {
        sl_str text = repeat(&a, pieces[i], SL_WINDOW_CODE_POINTS);
        assert_ptr_equal(sl_window(text, &a).p, text.p);
    }
    sl_arena_reset(&a);
}

/* 5,000 code points: 682 of the head, 682 from position 2,159, 684 of the tail. */
static void long_texts_are_sampled(void **state)
{
    (void)state;
    struct sl_arena a;
    sl_arena_init(&a, NULL, 1 << 20);
    char digits[5001];
    for (int i = 0; i < 5000; i++)
        digits[i] = (char)('0' + i % 10);
    sl_str w = sl_window(sl_str_of(digits, 5000), &a);
    sl_str marker = SL_STR("\n... [content sampled for routing signal evaluation] ...\n");
    assert_int_equal(w.n, 2048 + 2 * marker.n);
    assert_memory_equal(w.p, digits, 682);
    assert_memory_equal(w.p + 682, marker.p, marker.n);
    assert_memory_equal(w.p + 682 + marker.n, digits + 2159, 682);
    assert_memory_equal(w.p + 2 * 682 + 2 * marker.n, digits + 5000 - 684, 684);
    sl_arena_reset(&a);
}

static void code_points_stay_whole(void **state)
{
    (void)state;
    struct sl_arena a;
    sl_arena_init(&a, NULL, 1 << 20);
    sl_str text = repeat(&a, "世é🚀", 3000);
    sl_str w = sl_window(text, &a);
    assert_int_equal(count(w), 2048 + 2 * 57);
    sl_str head = sl_str_sub(w, 0, sl_str_chr(w, '\n'));
    assert_int_equal(count(head), 682);
    assert_int_equal(head.n, 227 * 9 + 3); /* 682 code points are 227 triples and one of three */
    sl_arena_reset(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_texts_are_whole),
        cmocka_unit_test(long_texts_are_sampled),
        cmocka_unit_test(code_points_stay_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
