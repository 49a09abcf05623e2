/* Arena: alignment, large blocks, the maximum, reuse of pooled chunks. */
#include "base/arena.h"
#include "unit.h"

static void blocks_are_aligned_and_distinct(void **state)
{
    (void)state;
    struct sl_arena a;
    sl_arena_init(&a, NULL, 1 << 20);
    char *previous_end = NULL;
    for (size_t i = 1; i < 3000; i += 7) {
        char *p = sl_arena_alloc_aligned(&a, i, 64);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        assert_true(p != previous_end);
        memset(p, (int)i, i);
        previous_end = p;
    }
    sl_arena_reset(&a);
}

static void the_maximum_is_null_not_abort(void **state)
{
    (void)state;
    struct sl_arena a;
    sl_arena_init(&a, NULL, 4 * SL_ARENA_CHUNK_BYTES);
    assert_null(sl_arena_alloc(&a, 5 * SL_ARENA_CHUNK_BYTES));
    assert_null(sl_arena_alloc(&a, SIZE_MAX));
    assert_null(sl_arena_zero(&a, SIZE_MAX / 2, 16));
    size_t taken = 0;
    while (sl_arena_alloc(&a, 1000))
        taken += 1000;
    assert_in_range(taken, 3 * SL_ARENA_CHUNK_BYTES, 4 * SL_ARENA_CHUNK_BYTES);
    sl_arena_reset(&a);
    assert_non_null(sl_arena_alloc(&a, 1000));
    sl_arena_reset(&a);
}

static void a_large_block_keeps_the_current_chunk(void **state)
{
    (void)state;
    struct sl_arena a;
    sl_arena_init(&a, NULL, 1 << 20);
    char *small = sl_arena_alloc(&a, 8);
    char *large = sl_arena_alloc(&a, 100000);
    char *next = sl_arena_alloc(&a, 8);
    assert_ptr_equal(next, small + 8);
    memset(large, 1, 100000);
    sl_arena_reset(&a);
}

static void chunks_return_to_the_pool(void **state)
{
    (void)state;
    struct sl_arena_pool pool;
    sl_arena_pool_init(&pool, 2);
    struct sl_arena a;
    sl_arena_init(&a, &pool, 1 << 20);
    for (int i = 0; i < 40; i++)
        assert_non_null(sl_arena_alloc(&a, 1000));
    sl_arena_reset(&a);
    assert_int_equal(pool.n_free, 2);
    void *first = pool.free_chunks;
    assert_true((char *)sl_arena_alloc(&a, 8) > (char *)first);
    assert_int_equal(pool.n_free, 1);
    sl_arena_reset(&a);
    sl_arena_pool_drain(&pool);
}

static void printf_measures_first(void **state)
{
    (void)state;
    struct sl_arena a;
    sl_arena_init(&a, NULL, 1 << 20);
    sl_str s = sl_arena_printf(&a, "%s-%d", "name", 42);
    assert_true(sl_str_eq(s, SL_STR("name-42")));
    assert_int_equal(s.p[s.n], 0);
    sl_arena_reset(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_distinct),
        cmocka_unit_test(the_maximum_is_null_not_abort),
        cmocka_unit_test(a_large_block_keeps_the_current_chunk),
        cmocka_unit_test(chunks_return_to_the_pool),
        cmocka_unit_test(printf_measures_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
