/* The cache of vectors: what was put comes back, the least recently used leave, threads agree. */
#include "infer/vector_cache.h"
#include "unit.h"

#include <pthread.h>

#define DIMENSION 64

static sl_str name(struct sl_arena *arena, uint32_t i)
{
    return sl_arena_printf(arena, "text %u", i);
}

static void put(struct sl_vector_cache *c, struct sl_arena *arena, uint32_t i)
{
    float numbers[DIMENSION];
    for (uint32_t k = 0; k < DIMENSION; k++)
        numbers[k] = (float)(i + k);
    sl_vector_cache_put(c, name(arena, i), (struct sl_vector){numbers, DIMENSION}, i);
}

static bool has(struct sl_vector_cache *c, struct sl_arena *arena, uint32_t i)
{
    struct sl_vector v;
    uint32_t n_tok;
    if (!sl_vector_cache_get(c, name(arena, i), arena, &v, &n_tok))
        return false;
    assert_int_equal(v.n, DIMENSION);
    assert_int_equal(n_tok, i);
    for (uint32_t k = 0; k < DIMENSION; k++)
        assert_true(v.p[k] == (float)(i + k));
    return true;
}

static void the_least_recently_used_leave(void **state)
{
    (void)state;
    struct sl_arena arena;
    struct sl_vector_cache *c;
    sl_arena_init(&arena, NULL, 64 << 20);
    assert_int_equal(sl_vector_cache_create(&c, 100 * (DIMENSION * sizeof(float) + 64)), SL_OK);
    for (uint32_t i = 0; i < 1000; i++) {
        put(c, &arena, i);
        assert_true(has(c, &arena, 0)); /* used all the time: stays */
        assert_true(has(c, &arena, i));
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < 1000; i++)
        n += has(c, &arena, i);
    assert_true(n > 50 && n < 120);
    assert_true(has(c, &arena, 999) && !has(c, &arena, 500));
    sl_vector_cache_destroy(c);
    sl_arena_reset(&arena);
}

static void a_vector_too_large_is_not_kept(void **state)
{
    (void)state;
    static const float numbers[4096];
    struct sl_arena arena;
    struct sl_vector_cache *c;
    struct sl_vector v;
    uint32_t n_tok;
    sl_arena_init(&arena, NULL, 1 << 20);
    assert_int_equal(sl_vector_cache_create(&c, 65536), SL_OK);
    sl_vector_cache_put(c, SL_STR("large"), (struct sl_vector){numbers, 4096}, 0);
    assert_false(sl_vector_cache_get(c, SL_STR("large"), &arena, &v, &n_tok));
    sl_vector_cache_put(c, SL_STR(""), (struct sl_vector){numbers, 8}, 0);
    assert_true(sl_vector_cache_get(c, SL_STR(""), &arena, &v, &n_tok));
    sl_vector_cache_destroy(c);
    sl_arena_reset(&arena);
}

static void *hammer(void *cache)
{
    struct sl_arena arena;
    sl_arena_init(&arena, NULL, 64 << 20);
    for (uint32_t i = 0; i < 3000; i++) {
        put(cache, &arena, i % 300);
        has(cache, &arena, i * 7 % 300);
    }
    sl_arena_reset(&arena);
    return NULL;
}

static void threads_agree(void **state)
{
    (void)state;
    struct sl_vector_cache *c;
    pthread_t threads[4];
    assert_int_equal(sl_vector_cache_create(&c, 100 * (DIMENSION * sizeof(float) + 64)), SL_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, c), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    sl_vector_cache_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_recently_used_leave),
        cmocka_unit_test(a_vector_too_large_is_not_kept),
        cmocka_unit_test(threads_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
