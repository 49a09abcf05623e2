/* Balancing: shares by weight, naive twins, minimal movement, exclusions. */
#include "unit.h"

#include "base/hash.h"
#include "proxy/upstream/balance.h"

#include <stdlib.h>

#define MANY 12000

static struct sl_endpoint_state states[SL_BALANCE_MAX_ENDPOINTS];
static struct sl_balance_member members[SL_BALANCE_MAX_ENDPOINTS];

static struct sl_balance make(enum sl_lb_policy policy, const uint32_t *weights, uint32_t n)
{
    memset(states, 0, sizeof(states));
    for (uint32_t i = 0; i < n; i++)
        members[i] = (struct sl_balance_member){
            .state = &states[i], .identity = sl_hash_u64(i, 7), .weight = weights[i]};
    return (struct sl_balance){.members = members, .n = n, .policy = policy};
}

static uint64_t seed = 1;
static uint64_t draw(void)
{
    return seed = sl_hash_u64(seed, 0x1234567);
}

static void test_round_robin_is_smooth(void **state)
{
    (void)state;
    const uint32_t weights[] = {5, 1, 1};
    struct sl_balance b = make(SL_LB_ROUND_ROBIN, weights, 3);
    struct sl_balance_query q = {0};
    const int expect[] = {0, 0, 1, 0, 2, 0, 0};
    for (int turn = 0; turn < 3; turn++)
        for (size_t i = 0; i < SL_COUNT(expect); i++)
            assert_int_equal(sl_balance_pick(&b, &q), expect[i]);
}

/* Twin: whatever the weights, after each full cycle every member was picked weight times. */
static void test_round_robin_shares(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        uint32_t n = 1 + (uint32_t)(draw() % 8), weights[8], counts[8] = {0}, sum = 0;
        for (uint32_t i = 0; i < n; i++)
            sum += weights[i] = 1 + (uint32_t)(draw() % 9);
        struct sl_balance b = make(SL_LB_ROUND_ROBIN, weights, n);
        struct sl_balance_query q = {0};
        for (uint32_t i = 0; i < 3 * sum; i++)
            counts[sl_balance_pick(&b, &q)]++;
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(counts[i], 3 * weights[i]);
    }
}

static void test_unavailable_and_excluded_are_never_picked(void **state)
{
    (void)state;
    const uint32_t weights[] = {1, 2, 3, 4};
    static const enum sl_lb_policy policies[] = {SL_LB_ROUND_ROBIN, SL_LB_LEAST_REQUEST,
                                                 SL_LB_CONSISTENT_HASH};
    for (size_t p = 0; p < SL_COUNT(policies); p++) {
        for (uint32_t out = 0; out < 16; out++) {
            struct sl_balance b = make(policies[p], weights, 4);
            states[0].is_check_failing = out & 1;
            states[1].ejected_until_ns = out & 2 ? 1000 : 100;
            struct sl_balance_query q = {.now_ns = 100, .excluded = out & 12};
            for (int i = 0; i < 50; i++) {
                q.random = draw();
                q.key = draw();
                int got = sl_balance_pick(&b, &q);
                if (out == 15)
                    assert_int_equal(got, -1);
                else
                    assert_true(got >= 0 && got < 4 && !(out >> got & 1));
            }
        }
    }
}

static void test_least_request_takes_the_idle_one_of_two(void **state)
{
    (void)state;
    const uint32_t weights[] = {1, 1};
    struct sl_balance b = make(SL_LB_LEAST_REQUEST, weights, 2);
    states[0].in_flight = 3;
    states[1].in_flight = 2;
    for (int i = 0; i < 100; i++)
        assert_int_equal(sl_balance_pick(&b, &(struct sl_balance_query){.random = draw()}), 1);
    members[0].weight = 4; /* 4/4 beats 3/1 */
    for (int i = 0; i < 100; i++)
        assert_int_equal(sl_balance_pick(&b, &(struct sl_balance_query){.random = draw()}), 0);
}

/* Steady load: with two choices no endpoint strays far from its share. */
static void test_least_request_spreads(void **state)
{
    (void)state;
    uint32_t weights[16];
    for (int i = 0; i < 16; i++)
        weights[i] = 1;
    struct sl_balance b = make(SL_LB_LEAST_REQUEST, weights, 16);
    for (int i = 0; i < 1600; i++) {
        int got = sl_balance_pick(&b, &(struct sl_balance_query){.random = draw()});
        states[got].in_flight++;
    }
    for (int i = 0; i < 16; i++)
        assert_in_range(states[i].in_flight, 94, 106);
}

static void test_hash_shares_and_moves_little(void **state)
{
    (void)state;
    const uint32_t weights[] = {1, 2, 3};
    struct sl_balance b = make(SL_LB_CONSISTENT_HASH, weights, 3);
    static int before[MANY];
    int counts[3] = {0};
    for (int i = 0; i < MANY; i++) {
        before[i] = sl_balance_pick(&b, &(struct sl_balance_query){.key = sl_hash_u64(i + 1, 99)});
        counts[before[i]]++;
    }
    for (int i = 0; i < 3; i++)
        assert_in_range(counts[i], MANY * (i + 1) / 6 * 93 / 100, MANY * (i + 1) / 6 * 107 / 100);
    states[0].is_check_failing = true;
    for (int i = 0; i < MANY; i++) {
        int now = sl_balance_pick(&b, &(struct sl_balance_query){.key = sl_hash_u64(i + 1, 99)});
        assert_int_not_equal(now, 0);
        if (before[i] != 0)
            assert_int_equal(now, before[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_robin_is_smooth),
        cmocka_unit_test(test_round_robin_shares),
        cmocka_unit_test(test_unavailable_and_excluded_are_never_picked),
        cmocka_unit_test(test_least_request_takes_the_idle_one_of_two),
        cmocka_unit_test(test_least_request_spreads),
        cmocka_unit_test(test_hash_shares_and_moves_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
