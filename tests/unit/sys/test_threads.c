/* Loops on threads, signals as events, processors. */
#include "sys/cpu.h"
#include "sys/signals.h"
#include "sys/threads.h"
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LOOPS 3

static atomic_int n_started, n_stopped;
static unsigned fails_at;
static struct sl_signals signals;
static struct sl_threads *threads;
static atomic_int last_signal;

static void on_signal(struct sl_signals *s, int number)
{
    (void)s;
    atomic_store(&last_signal, number);
}

static enum sl_rc on_start(void *ctx, unsigned i, struct sl_loop *loop)
{
    assert_ptr_equal(ctx, &n_started);
    char name[16], wanted[16];
    pthread_getname_np(pthread_self(), name, sizeof name);
    snprintf(wanted, sizeof wanted, "loop-%u", i);
    assert_string_equal(name, wanted);
    assert_int_equal(atomic_load(&n_started), i); /* one after the other */
    if (i == fails_at)
        return SL_DENIED;
    atomic_fetch_add(&n_started, 1);
    if (i == 0)
        signals.on_signal = on_signal;
    return i == 0 ? sl_signals_open(loop, &signals) : SL_OK;
}

static void on_stop(void *ctx, unsigned i, struct sl_loop *loop)
{
    (void)ctx;
    if (i == 0)
        sl_signals_close(loop, &signals);
    atomic_fetch_add(&n_stopped, 1);
}

static enum sl_rc start(unsigned failing)
{
    atomic_store(&n_started, 0);
    atomic_store(&n_stopped, 0);
    fails_at = failing;
    struct sl_threads_options options = {
        .n = LOOPS, .name = "loop", .ctx = &n_started, .on_start = on_start, .on_stop = on_stop};
    return sl_threads_start(&threads, &options);
}

static void loops_start_in_order_and_signals_reach_the_first(void **state)
{
    (void)state;
    assert_int_equal(start(LOOPS), SL_OK);
    assert_int_equal(n_started, LOOPS);
    static const int numbers[] = {SIGHUP, SIGTERM, SIGINT};
    for (size_t i = 0; i < SL_COUNT(numbers); i++) {
        kill(getpid(), numbers[i]);
        for (int k = 0; k < 2000 && atomic_load(&last_signal) != numbers[i]; k++)
            usleep(1000);
        assert_int_equal(atomic_load(&last_signal), numbers[i]);
    }
    sl_threads_stop(threads);
    sl_threads_join(threads);
    assert_int_equal(atomic_load(&n_stopped), LOOPS);
}

static void a_failed_start_ends_those_before_it(void **state)
{
    (void)state;
    assert_int_equal(start(2), SL_DENIED);
    assert_int_equal(atomic_load(&n_started), 2);
    assert_int_equal(atomic_load(&n_stopped), 2);
}

static void there_is_a_processor(void **state)
{
    (void)state;
    assert_in_range(sl_cpu_count(), 1, 4096);
}

static int block(void **state)
{
    (void)state;
    return sl_signals_block();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_start_in_order_and_signals_reach_the_first),
        cmocka_unit_test(a_failed_start_ends_those_before_it),
        cmocka_unit_test(there_is_a_processor),
    };
    return cmocka_run_group_tests(tests, block, NULL);
}
