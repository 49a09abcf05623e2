/* Outlier ejection, active health checks, retry conditions, jitter and budget. */
#include "unit.h"

#include "base/hash.h"
#include "proxy/upstream/health.h"
#include "proxy/upstream/outlier.h"
#include "proxy/upstream/retry.h"

#define MS 1000000u

static struct sl_endpoint_state states[8];
static struct sl_balance_member members[8];

static struct sl_balance make(uint32_t n)
{
    memset(states, 0, sizeof(states));
    for (uint32_t i = 0; i < n; i++)
        members[i] = (struct sl_balance_member){.state = &states[i], .weight = 1};
    return (struct sl_balance){.members = members, .n = n};
}

static const struct sl_reliability_cfg cfg = {
    .consecutive_5xx = 3, .base_ejection_ms = 1000, .max_ejection_percent = 50};

static bool note(struct sl_balance *b, uint32_t i, bool ok, uint64_t now_ms)
{
    return sl_outlier_note(b, i, &cfg, ok, now_ms * MS);
}

static void test_ejection_after_consecutive_failures(void **state)
{
    (void)state;
    struct sl_balance b = make(2);
    assert_false(note(&b, 0, false, 1));
    assert_false(note(&b, 0, false, 2));
    assert_false(note(&b, 0, true, 3)); /* breaks the row */
    assert_false(note(&b, 0, false, 4));
    assert_false(note(&b, 0, false, 5));
    assert_true(note(&b, 0, false, 6));
    assert_false(sl_endpoint_is_available(&states[0], 1005 * MS));
    assert_true(sl_endpoint_is_available(&states[0], 1006 * MS));
}

static void test_ejection_time_grows_and_shrinks(void **state)
{
    (void)state;
    struct sl_balance b = make(2);
    uint64_t now = 10;
    for (uint32_t times = 1; times <= 12; times++) {
        for (int i = 0; i < 2; i++)
            assert_false(note(&b, 0, false, now));
        assert_true(note(&b, 0, false, now));
        uint64_t lasts = 1000 * (times > 10 ? 10 : times);
        assert_int_equal(states[0].ejected_until_ns, (now + lasts) * MS);
        now += lasts;
    }
    for (int i = 0; i < 10; i++)
        note(&b, 0, true, now);
    assert_int_equal(states[0].n_ejections, 0);
}

static void test_percentage_and_single_endpoint(void **state)
{
    (void)state;
    struct sl_balance one = make(1);
    for (int i = 0; i < 20; i++)
        assert_false(note(&one, 0, false, 1));

    struct sl_balance b = make(4);
    uint32_t out = 0;
    for (uint32_t e = 0; e < 4; e++)
        for (int i = 0; i < 5; i++)
            out += note(&b, e, false, 1);
    assert_int_equal(out, 2); /* half of four */

    struct sl_reliability_cfg small = cfg;
    small.max_ejection_percent = 10;
    struct sl_balance c = make(4);
    out = 0;
    for (uint32_t e = 0; e < 4; e++)
        for (int i = 0; i < 5; i++)
            out += sl_outlier_note(&c, e, &small, false, MS);
    assert_int_equal(out, 1); /* one is always allowed */
    small.max_ejection_percent = 0;
    struct sl_balance d = make(4);
    for (int i = 0; i < 5; i++)
        assert_false(sl_outlier_note(&d, 0, &small, false, MS));
    small = cfg;
    small.consecutive_5xx = 0;
    for (int i = 0; i < 5; i++)
        assert_false(sl_outlier_note(&d, 0, &small, false, MS));
}

/* Twin: a plain count of the last results. */
static void test_health_thresholds(void **state)
{
    (void)state;
    struct sl_endpoint_state s = {0};
    struct sl_health h;
    sl_health_init(&h, &s, 10 * MS, 0, 5);
    assert_true(h.due_ns <= 10 * MS);
    uint64_t now = 0, random = 1;
    uint32_t failures = 0;
    bool is_failing = false;
    for (int i = 0; i < 2000; i++) {
        now = h.due_ns;
        assert_false(sl_health_begin(&h, now - 1));
        assert_true(sl_health_begin(&h, now));
        assert_false(sl_health_begin(&h, now)); /* one at a time */
        random = sl_hash_u64(random, 3);
        bool ok = random % 3 == 0;
        failures = ok ? 0 : failures + 1;
        bool expect = ok ? false : (failures >= 3 || is_failing);
        assert_int_equal(sl_health_result(&h, ok, now + 1), expect != is_failing);
        is_failing = expect;
        assert_int_equal(s.is_check_failing, is_failing);
        assert_int_equal(h.due_ns, now + 1 + 10 * MS);
    }
}

static void test_retry_conditions(void **state)
{
    (void)state;
    static const struct {
        uint32_t on;
        enum sl_attempt_end end;
        int status;
        bool expect;
    } cases[] = {
        {0, SL_ATTEMPT_CONNECT_FAILURE, 0, false},
        {0, SL_ATTEMPT_ANSWERED, 503, false},
        {SL_RETRY_CONNECT_FAILURE, SL_ATTEMPT_CONNECT_FAILURE, 0, true},
        {SL_RETRY_CONNECT_FAILURE, SL_ATTEMPT_RESET, 0, false},
        {SL_RETRY_CONNECT_FAILURE, SL_ATTEMPT_ANSWERED, 503, false},
        {SL_RETRY_REFUSED_STREAM, SL_ATTEMPT_REFUSED_STREAM, 0, true},
        {SL_RETRY_REFUSED_STREAM, SL_ATTEMPT_CONNECT_FAILURE, 0, false},
        {SL_RETRY_RESET, SL_ATTEMPT_RESET, 0, true},
        {SL_RETRY_5XX, SL_ATTEMPT_ANSWERED, 500, true},
        {SL_RETRY_5XX, SL_ATTEMPT_ANSWERED, 499, false},
        {SL_RETRY_5XX, SL_ATTEMPT_ANSWERED, 429, false},
        {SL_RETRY_5XX, SL_ATTEMPT_BAD_ANSWER, 0, true},
        {SL_RETRY_GATEWAY_ERROR, SL_ATTEMPT_ANSWERED, 500, false},
        {SL_RETRY_GATEWAY_ERROR, SL_ATTEMPT_ANSWERED, 502, true},
        {SL_RETRY_GATEWAY_ERROR, SL_ATTEMPT_ANSWERED, 504, true},
        {SL_RETRY_429, SL_ATTEMPT_ANSWERED, 429, true},
        {SL_RETRY_429, SL_ATTEMPT_ANSWERED, 503, false},
        {SL_RETRY_RETRIABLE_4XX, SL_ATTEMPT_ANSWERED, 409, true},
        {SL_RETRY_RETRIABLE_4XX, SL_ATTEMPT_ANSWERED, 400, false},
        {0x7f, SL_ATTEMPT_ANSWERED, 200, false},
        {0x7f, SL_ATTEMPT_ANSWERED, 401, false},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++)
        if (sl_retry_covers(cases[i].on, cases[i].end, cases[i].status) != cases[i].expect)
            fail_msg("case %zu", i);
}

static void test_retry_delay_and_budget(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (uint32_t n = 0; n < 12; n++) {
        uint64_t bound = n < 4 ? 25u << n : 250, most = 0;
        for (int i = 0; i < 2000; i++) {
            random = sl_hash_u64(random, 3);
            uint64_t delay = sl_retry_delay_ms(n, random);
            assert_true(delay < bound);
            most = delay > most ? delay : most;
        }
        assert_true(most >= bound * 9 / 10);
    }
    struct sl_retry_budget b = {.n_active = 4};
    for (int i = 0; i < 3; i++)
        assert_true(sl_retry_budget_take(&b));
    assert_false(sl_retry_budget_take(&b));
    b.n_active = 100;
    for (int i = 3; i < 20; i++)
        assert_true(sl_retry_budget_take(&b));
    assert_false(sl_retry_budget_take(&b));
    sl_retry_budget_give(&b);
    assert_true(sl_retry_budget_take(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ejection_after_consecutive_failures),
        cmocka_unit_test(test_ejection_time_grows_and_shrinks),
        cmocka_unit_test(test_percentage_and_single_endpoint),
        cmocka_unit_test(test_health_thresholds),
        cmocka_unit_test(test_retry_conditions),
        cmocka_unit_test(test_retry_delay_and_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
