/* Bytes per token: the start, the asymmetry, what is ignored, and racing writers. */
#include "learn/token_ratio.h"
#include "unit.h"

#include <pthread.h>

static void nothing_changes_before_ten_samples(void **state)
{
    (void)state;
    struct sl_token_ratio r = {0};
    for (int i = 0; i < 9; i++) {
        sl_token_ratio_learn(&r, 3000, 1000, true);
        assert_true(sl_token_ratio_get(&r) == SL_TOKEN_RATIO_START);
    }
    sl_token_ratio_learn(&r, 3000, 1000, true);
    assert_true(sl_token_ratio_get(&r) == 3.0);
}

static void it_falls_fast_and_rises_slowly(void **state)
{
    (void)state;
    struct sl_token_ratio r = {0};
    for (int i = 0; i < 10; i++)
        sl_token_ratio_learn(&r, 4000, 1000, true);
    sl_token_ratio_learn(&r, 2000, 1000, true);
    assert_true(sl_token_ratio_get(&r) > 2.19 && sl_token_ratio_get(&r) < 2.21);
    sl_token_ratio_learn(&r, 4000, 1000, true);
    assert_true(sl_token_ratio_get(&r) > 2.37 && sl_token_ratio_get(&r) < 2.39);
}

static void what_says_nothing_is_ignored(void **state)
{
    (void)state;
    struct sl_token_ratio r = {0};
    sl_token_ratio_learn(&r, 0, 10, true);
    sl_token_ratio_learn(&r, 10, 0, true);
    sl_token_ratio_learn(&r, 10, 10, false);
    assert_int_equal(sl_token_ratio_samples(&r), 0);
}

static void *learn_much(void *ratio)
{
    for (int i = 0; i < 20000; i++)
        sl_token_ratio_learn(ratio, 3000 + i % 3, 1000, true);
    return NULL;
}

static void racing_writers_lose_nothing(void **state)
{
    (void)state;
    struct sl_token_ratio r = {0};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, learn_much, &r), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(sl_token_ratio_samples(&r), 80000);
    assert_true(sl_token_ratio_get(&r) >= 3.0 && sl_token_ratio_get(&r) <= 3.003);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_changes_before_ten_samples),
        cmocka_unit_test(it_falls_fast_and_rises_slowly),
        cmocka_unit_test(what_says_nothing_is_ignored),
        cmocka_unit_test(racing_writers_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
