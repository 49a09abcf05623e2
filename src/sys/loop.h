/*
 * One event loop: epoll (edge-triggered), timers, deferred work, and a mailbox for other threads.
 * Loops share nothing; every function but sl_loop_post and sl_loop_stop belongs to the loop's
 * own thread.
 */
#ifndef SL_SYS_LOOP_H
#define SL_SYS_LOOP_H

#include "base/arena.h"

struct sl_loop;

/* Embedded in whatever owns a descriptor. Events are EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLERR... */
struct sl_io {
    int fd;
    void (*on_event)(struct sl_loop *loop, struct sl_io *io, uint32_t events);
};

/* Embedded. A timer fires once; it may be started again from its callback. */
struct sl_timer {
    uint64_t due_ns;
    void (*on_timer)(struct sl_loop *loop, struct sl_timer *timer);
    struct sl_timer *prev, *next; /* wheel slot list; NULL prev: not running */
};

/* Embedded. Runs once at the end of the current turn, before the loop sleeps. */
struct sl_deferred {
    void (*run)(struct sl_loop *loop, struct sl_deferred *d);
    struct sl_deferred *next;
    bool is_queued;
};

/* Embedded. Runs once on the receiving loop; owned by the receiver from post to run. */
struct sl_message {
    void (*run)(struct sl_loop *loop, struct sl_message *message);
    struct sl_message *next;
};

SL_MUST_USE enum sl_rc sl_loop_create(struct sl_loop **out);
void sl_loop_destroy(struct sl_loop *loop);

/* Runs until sl_loop_stop. */
void sl_loop_run(struct sl_loop *loop);
void sl_loop_stop(struct sl_loop *loop); /* any thread, also a signal handler */

/* Monotonic time of the current turn; one clock read a turn. */
uint64_t sl_loop_now_ns(const struct sl_loop *loop);

/* Registers for EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET: once for the descriptor's life. */
SL_MUST_USE enum sl_rc sl_loop_add(struct sl_loop *loop, struct sl_io *io);
/* Must precede close(fd). Events already fetched for io in this turn are dropped. */
void sl_loop_remove(struct sl_loop *loop, struct sl_io *io);

/* Starts or restarts; coarse (about 1 ms early or late, more for long delays). */
void sl_timer_start(struct sl_loop *loop, struct sl_timer *timer, uint64_t delay_ms);
void sl_timer_stop(struct sl_loop *loop, struct sl_timer *timer); /* fine when not running */

void sl_loop_defer(struct sl_loop *loop, struct sl_deferred *d);
/* For an owner that dies before the turn ends; fine when not queued. Walks the queue. */
void sl_loop_undefer(struct sl_loop *loop, struct sl_deferred *d);

/* Hands a message to `loop` from any thread. */
void sl_loop_post(struct sl_loop *loop, struct sl_message *message);
/* Runs what was posted and not yet run: for an owner that ends, behind its last poster. */
void sl_loop_run_posted(struct sl_loop *loop);

/* Standard chunks for arenas of this thread. */
struct sl_arena_pool *sl_loop_arena_pool(struct sl_loop *loop);

#endif
