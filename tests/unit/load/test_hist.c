/* The histogram against its naive twin: a sorted array of all values. */
#include "unit.h"

#include "load/hist.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void buckets_cover_everything_in_order(void **state)
{
    (void)state;
    for (uint32_t i = 0; i + 1 < SL_HIST_BUCKETS; i++) {
        uint64_t top = sl_hist_bucket_top(i);
        assert_int_equal(sl_hist_bucket(top), i);
        assert_int_equal(sl_hist_bucket(top + 1), i + 1);
    }
    assert_int_equal(sl_hist_bucket(UINT64_MAX), SL_HIST_BUCKETS - 1);
}

static void percentiles_are_those_of_the_sorted_values(void **state)
{
    (void)state;
    enum { N = 20000 };
    static uint64_t values[N];
    static struct sl_hist a, b;
    uint64_t seed = 42;
    sl_hist_reset(&a);
    sl_hist_reset(&b);
    for (int i = 0; i < N; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        values[i] = (seed >> 32) >> (seed >> 8 & 31); /* from nanoseconds to seconds */
        sl_hist_add(i % 2 ? &a : &b, values[i]);
    }
    sl_hist_merge(&a, &b);
    qsort(values, N, sizeof(values[0]), by_value);
    static const double percents[] = {0.01, 1, 25, 50, 90, 99, 99.9, 99.99, 100};
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        double exact = N * percents[i] / 100;
        size_t rank = (size_t)exact;
        rank += (double)rank < exact;
        uint64_t want = values[rank - 1], got = sl_hist_percentile(&a, percents[i]);
        assert_true(got >= want && (double)got <= (double)want * 1.008 + 1);
    }
    assert_int_equal(sl_hist_percentile(&a, 100), values[N - 1]);
    assert_int_equal(a.min, values[0]);
    assert_int_equal(a.n, N);
    uint64_t above = 0;
    for (int i = 0; i < N; i++)
        above += values[i] > 65535;
    assert_int_equal(sl_hist_above(&a, 65535), above);
}

static void an_empty_one_is_zero(void **state)
{
    (void)state;
    static struct sl_hist h, other;
    sl_hist_reset(&h);
    sl_hist_merge(&h, &other);
    assert_int_equal(sl_hist_percentile(&h, 99), 0);
    assert_true(sl_hist_mean(&h) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_cover_everything_in_order),
        cmocka_unit_test(percentiles_are_those_of_the_sorted_values),
        cmocka_unit_test(an_empty_one_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
