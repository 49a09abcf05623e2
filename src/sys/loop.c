/*
 * The event loop. A turn: wait, read the clock once, dispatch descriptors, mailbox, timers, then
 * deferred work. Descriptors are registered once, edge-triggered for both directions, so that a
 * connection costs no epoll_ctl after its first. The mailbox is a lock-free stack that the
 * receiver takes whole and reverses; only the post that finds it empty pays for a wake-up.
 */
#include "sys/loop.h"

#include "base/clock.h"
#include "sys/wheel.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_PER_TURN 256
#define POOLED_CHUNKS   64

struct sl_loop {
    int epoll_fd;
    int wake_fd;
    uint64_t now_ns;
    struct epoll_event events[EVENTS_PER_TURN];
    int n_events; /* fetched and not yet dispatched: events[next_event .. n_events) */
    int next_event;
    struct sl_deferred *deferred_first, **deferred_end;
    struct sl_deferred *running; /* taken off the queue in this turn and not yet run */
    struct sl_arena_pool pool;
    struct sl_wheel wheel;
    _Atomic(struct sl_message *) mailbox __attribute__((aligned(64))); /* newest first */
    atomic_bool is_stopping;
};

enum sl_rc sl_loop_create(struct sl_loop **out)
{
    struct sl_loop *loop = aligned_alloc(64, (sizeof *loop + 63) & ~(size_t)63);
    if (!loop)
        return SL_NOMEM;
    memset(loop, 0, sizeof *loop);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->now_ns = sl_clock_ns();
    loop->deferred_end = &loop->deferred_first;
    sl_arena_pool_init(&loop->pool, POOLED_CHUNKS);
    sl_wheel_init(&loop->wheel, loop->now_ns);
    /* Every write to an edge-triggered eventfd is an event: it never has to be read. */
    struct epoll_event wake = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    if (loop->epoll_fd < 0 || loop->wake_fd < 0 ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &wake) != 0) {
        sl_loop_destroy(loop);
        return SL_IO;
    }
    *out = loop;
    return SL_OK;
}

void sl_loop_destroy(struct sl_loop *loop)
{
    if (!loop)
        return;
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    sl_arena_pool_drain(&loop->pool);
    free(loop);
}

static void wake(struct sl_loop *loop)
{
    const uint64_t one = 1;
    ssize_t ignored = write(loop->wake_fd, &one, sizeof one);
    (void)ignored;
}

void sl_loop_post(struct sl_loop *loop, struct sl_message *message)
{
    struct sl_message *head = atomic_load_explicit(&loop->mailbox, memory_order_relaxed);
    do
        message->next = head;
    while (!atomic_compare_exchange_weak_explicit(&loop->mailbox, &head, message,
                                                  memory_order_release, memory_order_relaxed));
    if (!head)
        wake(loop);
}

void sl_loop_stop(struct sl_loop *loop)
{
    atomic_store(&loop->is_stopping, true);
    wake(loop);
}

void sl_loop_run_posted(struct sl_loop *loop)
{
    if (!atomic_load_explicit(&loop->mailbox, memory_order_relaxed))
        return;
    struct sl_message *newest =
        atomic_exchange_explicit(&loop->mailbox, NULL, memory_order_acquire);
    struct sl_message *oldest = NULL;
    while (newest) {
        struct sl_message *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct sl_message *next = oldest->next;
        oldest->run(loop, oldest);
        oldest = next;
    }
}

/* What is deferred while this runs waits for the next turn, which then does not sleep. */
static void run_deferred(struct sl_loop *loop)
{
    loop->running = loop->deferred_first;
    loop->deferred_first = NULL;
    loop->deferred_end = &loop->deferred_first;
    while (loop->running) {
        struct sl_deferred *d = loop->running;
        loop->running = d->next;
        d->is_queued = false;
        d->run(loop, d);
    }
}

static int sleep_ms(struct sl_loop *loop)
{
    if (loop->deferred_first)
        return 0;
    uint64_t next_ns = sl_wheel_next_ns(&loop->wheel);
    if (next_ns == UINT64_MAX)
        return -1;
    if (next_ns <= loop->now_ns)
        return 0;
    uint64_t ms = (next_ns - loop->now_ns + 999999) / 1000000;
    return ms > 60000 ? 60000 : (int)ms;
}

static void dispatch(struct sl_loop *loop)
{
    while (loop->next_event < loop->n_events) {
        struct epoll_event *event = &loop->events[loop->next_event++];
        struct sl_io *io = event->data.ptr;
        if (io)
            io->on_event(loop, io, event->events);
    }
}

void sl_loop_run(struct sl_loop *loop)
{
    while (!atomic_load_explicit(&loop->is_stopping, memory_order_relaxed)) {
        int n = epoll_wait(loop->epoll_fd, loop->events, EVENTS_PER_TURN, sleep_ms(loop));
        loop->now_ns = sl_clock_ns();
        loop->next_event = 0;
        loop->n_events = n > 0 ? n : 0;
        dispatch(loop);
        sl_loop_run_posted(loop);
        sl_wheel_advance(&loop->wheel, loop, loop->now_ns);
        run_deferred(loop);
    }
    atomic_store(&loop->is_stopping, false);
}

uint64_t sl_loop_now_ns(const struct sl_loop *loop)
{
    return loop->now_ns;
}

enum sl_rc sl_loop_add(struct sl_loop *loop, struct sl_io *io)
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.ptr = io,
    };
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, io->fd, &event) == 0 ? SL_OK : SL_IO;
}

void sl_loop_remove(struct sl_loop *loop, struct sl_io *io)
{
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
    for (int i = loop->next_event; i < loop->n_events; i++)
        if (loop->events[i].data.ptr == io)
            loop->events[i].data.ptr = NULL;
}

void sl_timer_start(struct sl_loop *loop, struct sl_timer *timer, uint64_t delay_ms)
{
    const uint64_t longest_ms = UINT64_C(1) << 40;
    if (delay_ms > longest_ms)
        delay_ms = longest_ms;
    sl_wheel_start(&loop->wheel, timer, loop->now_ns + delay_ms * 1000000);
}

void sl_timer_stop(struct sl_loop *loop, struct sl_timer *timer)
{
    (void)loop;
    sl_wheel_stop(timer);
}

void sl_loop_defer(struct sl_loop *loop, struct sl_deferred *d)
{
    if (d->is_queued)
        return;
    d->is_queued = true;
    d->next = NULL;
    *loop->deferred_end = d;
    loop->deferred_end = &d->next;
}

static bool unlink_deferred(struct sl_deferred **at, struct sl_deferred *d)
{
    while (*at && *at != d)
        at = &(*at)->next;
    if (!*at)
        return false;
    *at = d->next;
    return true;
}

void sl_loop_undefer(struct sl_loop *loop, struct sl_deferred *d)
{
    if (!d->is_queued)
        return;
    d->is_queued = false;
    if (unlink_deferred(&loop->running, d))
        return;
    unlink_deferred(&loop->deferred_first, d);
    loop->deferred_end = &loop->deferred_first;
    while (*loop->deferred_end)
        loop->deferred_end = &(*loop->deferred_end)->next;
}

struct sl_arena_pool *sl_loop_arena_pool(struct sl_loop *loop)
{
    return &loop->pool;
}
