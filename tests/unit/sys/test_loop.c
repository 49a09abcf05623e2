/* The event loop: descriptors, deferred work, timers in real time, posts from other threads. */
#include "base/clock.h"
#include "sys/loop.h"
#include "unit.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sl_loop *new_loop(void)
{
    struct sl_loop *loop;
    assert_int_equal(sl_loop_create(&loop), SL_OK);
    return loop;
}

static void stop_on_timer(struct sl_loop *loop, struct sl_timer *timer)
{
    (void)timer;
    sl_loop_stop(loop);
}

static void a_timer_fires_about_when_it_should(void **state)
{
    (void)state;
    struct sl_loop *loop = new_loop();
    struct sl_timer timer = {.on_timer = stop_on_timer};
    sl_timer_start(loop, &timer, 30);
    uint64_t start = sl_clock_ns();
    sl_loop_run(loop);
    uint64_t took = sl_clock_ns() - start;
    assert_true(took > 28000000);
    assert_null(timer.prev);
    sl_loop_destroy(loop);
}

struct pair {
    struct sl_io io[2];
    struct sl_deferred later;
    unsigned n_events, n_deferred;
};

static struct pair *the_pair;

static void on_pair_event(struct sl_loop *loop, struct sl_io *io, uint32_t events)
{
    (void)io;
    if (!(events & EPOLLIN))
        return;
    /* Both ends have data; whoever comes first removes the other, whose event must not arrive. */
    the_pair->n_events++;
    sl_loop_remove(loop, &the_pair->io[0]);
    sl_loop_remove(loop, &the_pair->io[1]);
    sl_loop_defer(loop, &the_pair->later);
    sl_loop_defer(loop, &the_pair->later);
}

static void run_later(struct sl_loop *loop, struct sl_deferred *d)
{
    if (++the_pair->n_deferred == 3)
        sl_loop_stop(loop);
    else
        sl_loop_defer(loop, d); /* next turn, without sleeping */
}

static void removed_descriptors_hear_nothing_more(void **state)
{
    (void)state;
    struct sl_loop *loop = new_loop();
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    struct pair pair = {
        .io = {{fds[0], on_pair_event}, {fds[1], on_pair_event}},
        .later.run = run_later,
    };
    the_pair = &pair;
    assert_int_equal(write(fds[0], "x", 1), 1);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(sl_loop_add(loop, &pair.io[0]), SL_OK);
    assert_int_equal(sl_loop_add(loop, &pair.io[1]), SL_OK);
    sl_loop_run(loop);
    assert_int_equal(pair.n_events, 1);
    assert_int_equal(pair.n_deferred, 3);
    close(fds[0]);
    close(fds[1]);
    sl_loop_destroy(loop);
}

#define SENDERS  3
#define MESSAGES 2000

struct letter {
    struct sl_message message;
    unsigned sender, number;
};

static struct letter letters[SENDERS][MESSAGES];
static unsigned n_received[SENDERS];
static struct sl_loop *receiver;

static void on_letter(struct sl_loop *loop, struct sl_message *message)
{
    struct letter *l = SL_CONTAINER(message, struct letter, message);
    assert_int_equal(l->number, n_received[l->sender]); /* in order, each exactly once */
    n_received[l->sender]++;
    unsigned total = 0;
    for (unsigned i = 0; i < SENDERS; i++)
        total += n_received[i];
    if (total == SENDERS * MESSAGES)
        sl_loop_stop(loop);
}

static void *send_letters(void *arg)
{
    struct letter *mine = arg;
    for (unsigned i = 0; i < MESSAGES; i++)
        sl_loop_post(receiver, &mine[i].message);
    return NULL;
}

static void posts_from_threads_arrive_in_order(void **state)
{
    (void)state;
    receiver = new_loop();
    pthread_t threads[SENDERS];
    for (unsigned s = 0; s < SENDERS; s++) {
        for (unsigned i = 0; i < MESSAGES; i++)
            letters[s][i] = (struct letter){{.run = on_letter}, s, i};
        assert_int_equal(pthread_create(&threads[s], NULL, send_letters, letters[s]), 0);
    }
    sl_loop_run(receiver);
    for (unsigned s = 0; s < SENDERS; s++)
        pthread_join(threads[s], NULL);
    sl_loop_destroy(receiver);
}

static void a_stop_before_the_run_ends_that_run_at_once(void **state)
{
    (void)state;
    struct sl_loop *loop = new_loop();
    sl_loop_stop(loop);
    sl_loop_run(loop);
    sl_loop_destroy(loop);
}

static struct sl_deferred chain[3];
static unsigned n_chain_runs;

static void run_chain(struct sl_loop *loop, struct sl_deferred *d)
{
    n_chain_runs++;
    if (d == &chain[0])
        sl_loop_undefer(loop, &chain[1]); /* same batch, not yet run */
    if (d == &chain[2])
        sl_loop_stop(loop);
}

static void deferred_work_can_be_taken_back(void **state)
{
    (void)state;
    struct sl_loop *loop = new_loop();
    struct sl_deferred extra = {.run = run_chain};
    for (int i = 0; i < 3; i++) {
        chain[i] = (struct sl_deferred){.run = run_chain};
        sl_loop_defer(loop, &chain[i]);
    }
    sl_loop_defer(loop, &extra);
    sl_loop_undefer(loop, &extra); /* the last of the queue: later ones must still link in */
    sl_loop_undefer(loop, &chain[2]);
    sl_loop_defer(loop, &chain[2]);
    sl_loop_run(loop);
    assert_int_equal(n_chain_runs, 2);
    sl_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_fires_about_when_it_should),
        cmocka_unit_test(removed_descriptors_hear_nothing_more),
        cmocka_unit_test(posts_from_threads_arrive_in_order),
        cmocka_unit_test(deferred_work_can_be_taken_back),
        cmocka_unit_test(a_stop_before_the_run_ends_that_run_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
