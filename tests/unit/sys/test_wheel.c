/* The timer wheel against a naive twin: a flat array searched every step. */
#include "sys/wheel.h"
#include "unit.h"

#include <stdlib.h>

#define TIMERS 200
#define MS     UINT64_C(1000000)

struct probe {
    struct sl_timer timer;
    uint64_t twin_due_ns; /* 0: not running */
    unsigned n_fired;
};

static struct sl_wheel wheel;
static struct probe probes[TIMERS];
static uint64_t now_ns;
static uint64_t seed = 42;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void start(struct probe *p, uint64_t delay_ms)
{
    p->twin_due_ns = now_ns + delay_ms * MS;
    sl_wheel_start(&wheel, &p->timer, p->twin_due_ns);
}

static void on_probe(struct sl_loop *loop, struct sl_timer *timer)
{
    (void)loop;
    struct probe *p = SL_CONTAINER(timer, struct probe, timer);
    assert_true(p->twin_due_ns != 0);
    assert_true(p->twin_due_ns <= now_ns + MS);
    p->twin_due_ns = 0;
    p->n_fired++;
    if (next_random() % 3 == 0)
        start(p, next_random() % 300);
    if (next_random() % 5 == 0) { /* a callback may stop another one that is due in this turn */
        struct probe *other = &probes[next_random() % TIMERS];
        sl_wheel_stop(&other->timer);
        other->twin_due_ns = 0;
    }
}

static uint64_t random_delay_ms(void)
{
    static const uint64_t ranges[] = {5, 70, 5000, 300000, 20000000, 2000000000};
    return next_random() % ranges[next_random() % SL_COUNT(ranges)];
}

static void timers_fire_when_the_naive_twin_says(void **state)
{
    (void)state;
    now_ns = 123456789 * MS + 777;
    sl_wheel_init(&wheel, now_ns);
    memset(probes, 0, sizeof probes);
    for (size_t i = 0; i < TIMERS; i++)
        probes[i].timer.on_timer = on_probe;
    unsigned n_fired = 0;
    for (unsigned step = 0; step < 200000; step++) {
        struct probe *p = &probes[next_random() % TIMERS];
        if (next_random() % 4 == 0) {
            sl_wheel_stop(&p->timer);
            p->twin_due_ns = 0;
        } else {
            start(p, random_delay_ms());
        }
        uint64_t jump = next_random() % 100 == 0 ? random_delay_ms() : next_random() % 3;
        now_ns += jump * MS + next_random() % MS;
        sl_wheel_advance(&wheel, NULL, now_ns);
        for (size_t i = 0; i < TIMERS; i++) {
            if (probes[i].twin_due_ns == 0)
                continue;
            assert_true(probes[i].timer.prev != NULL);
            assert_true(probes[i].twin_due_ns + MS > now_ns);
        }
    }
    for (size_t i = 0; i < TIMERS; i++)
        n_fired += probes[i].n_fired;
    assert_true(n_fired > 10000);
}

static void the_next_time_is_never_after_a_due_timer(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        now_ns = next_random() % (UINT64_C(1) << 50);
        sl_wheel_init(&wheel, now_ns);
        struct probe p = {.timer.on_timer = on_probe};
        assert_true(sl_wheel_next_ns(&wheel) == UINT64_MAX);
        start(&p, random_delay_ms());
        uint64_t due = p.twin_due_ns;
        unsigned wakes = 0, before = p.n_fired;
        seed |= 1;
        while (p.n_fired == before) {
            uint64_t next = sl_wheel_next_ns(&wheel);
            assert_true(next != UINT64_MAX && next <= due + 2 * MS);
            assert_true(++wakes <= SL_WHEEL_LEVELS + 1);
            if (next > now_ns)
                now_ns = next;
            sl_wheel_advance(&wheel, NULL, now_ns);
        }
        assert_true(now_ns + MS >= due && now_ns <= due + 2 * MS);
        sl_wheel_stop(&p.timer);
    }
}

static void a_timer_beyond_the_wheel_still_fires_once(void **state)
{
    (void)state;
    now_ns = 5 * MS;
    sl_wheel_init(&wheel, now_ns);
    struct probe p = {.timer.on_timer = on_probe};
    start(&p, UINT64_C(40) * 86400 * 1000);
    uint64_t due = p.twin_due_ns;
    for (unsigned wakes = 0; p.n_fired == 0; wakes++) {
        assert_true(wakes < 64);
        now_ns = sl_wheel_next_ns(&wheel);
        sl_wheel_advance(&wheel, NULL, now_ns);
    }
    assert_true(now_ns + MS >= due);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_when_the_naive_twin_says),
        cmocka_unit_test(the_next_time_is_never_after_a_due_timer),
        cmocka_unit_test(a_timer_beyond_the_wheel_still_fires_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
