/*
 * A connection's life: its timer, its events, what it does next and how it ends.
 *
 * A connection that must go is killed at once and freed at the end of the turn, so that no callback
 * ever finds its exchange gone underneath it.
 */
#include "http/server_parts.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define STEPS_PER_TURN  128 /* reads, and requests out of a pipeline */
#define CROWD           512
#define LINGER_MS       2000
#define HALF_CLOSE_NS   UINT64_C(50000000)
#define MAX_QUEUE_BYTES ((size_t)256 << 20)

/* ---- time -------------------------------------------------------------------------------- */

static void on_output_timer(struct connection *c)
{
    uint64_t limit_ns = (uint64_t)c->server->limits.body_timeout_ms * 1000000;
    uint64_t still_ns = sl_loop_now_ns(c->server->loop) - c->progress_ns;
    if (still_ns + 1000000 >= limit_ns)
        connection_kill(c);
    else
        sl_timer_start(c->server->loop, &c->timer, (limit_ns - still_ns) / 1000000);
}

static void on_timer(struct sl_loop *loop, struct sl_timer *timer)
{
    struct connection *c = SL_CONTAINER(timer, struct connection, timer);
    if (connection_queued(c) && c->phase != PHASE_LINGER) {
        on_output_timer(c);
        return;
    }
    switch (c->phase) {
    case PHASE_HEAD:
        connection_refuse(c, 408, "the head of the request did not arrive in time");
        connection_drive(c);
        break;
    case PHASE_BODY:
        if (c->x->is_paused) {
            sl_timer_start(loop, timer, (uint64_t)c->server->limits.body_timeout_ms);
            break;
        }
        connection_refuse(c, 408, "the body of the request did not arrive in time");
        connection_drive(c);
        break;
    case PHASE_ANSWER: /* the handler has its own deadlines */
        break;
    default:
        if (c->phase == PHASE_IDLE)
            sl_stream_shutdown(c->stream);
        connection_kill(c);
    }
}

/* ---- ends -------------------------------------------------------------------------------- */

static void forget_exchange(struct connection *c, bool was_delivered)
{
    struct exchange *x = c->x;
    const struct sl_handler *h = &c->server->handler;
    if (x && x->is_announced && h->on_done)
        h->on_done(h->app, &x->pub, was_delivered);
    if (x)
        sl_buf_free(&x->growing);
    c->x = NULL;
    sl_arena_reset(&c->arena);
}

static bool answer_is_out(const struct connection *c)
{
    const struct exchange *x = c->x;
    return x && x->is_ended && !connection_queued(c) && (c->phase == PHASE_ANSWER || c->closes);
}

void connection_linger(struct connection *c)
{
    if (c->is_dead)
        return;
    c->phase = PHASE_LINGER;
    c->in.n = c->in_used = 0;
    sl_timer_start(c->server->loop, &c->timer, LINGER_MS);
}

static void finish_exchange(struct connection *c)
{
    bool has_unread = c->phase == PHASE_BODY || connection_kept(c).n || c->can_read;
    forget_exchange(c, true);
    sl_buf_free(&c->out);
    if (c->is_dead)
        return;
    if (c->closes || c->server->is_draining) {
        if (has_unread && !c->peer_ended) {
            connection_linger(c);
            return;
        }
        sl_stream_shutdown(c->stream);
        connection_kill(c);
        return;
    }
    c->phase = PHASE_IDLE;
    sl_timer_start(c->server->loop, &c->timer, (uint64_t)c->server->limits.idle_timeout_ms);
}

/*
 * A client that goes away while it should wait for its answer cancels it. A FIN that came right
 * with the request is taken for a client that only closed its sending side.
 */
static void notice_abort(struct connection *c)
{
    const struct exchange *x = c->x;
    if (c->is_dead || (c->phase != PHASE_ANSWER && c->phase != PHASE_BODY))
        return;
    if (c->is_reset) {
        connection_kill(c);
    } else if (c->phase == PHASE_ANSWER && c->peer_ended && !c->is_half_open && !x->is_ended) {
        c->is_half_open = sl_loop_now_ns(c->server->loop) - x->complete_ns < HALF_CLOSE_NS;
        if (!c->is_half_open)
            connection_kill(c);
    }
}

static void linger(struct connection *c)
{
    if (c->is_dead || c->phase != PHASE_LINGER || connection_queued(c) || c->was_shut)
        return;
    c->was_shut = sl_stream_shutdown(c->stream) != SL_AGAIN;
    if (c->peer_ended)
        connection_kill(c);
}

static bool shake_hands(struct connection *c)
{
    if (c->phase != PHASE_HANDSHAKE)
        return true;
    enum sl_rc rc = sl_stream_handshake(c->stream);
    if (rc == SL_OK)
        c->phase = PHASE_IDLE;
    else if (rc != SL_AGAIN)
        connection_kill(c);
    return rc == SL_OK;
}

void connection_drive(struct connection *c)
{
    if (c->is_dead || c->is_driving || !shake_hands(c))
        return;
    c->is_driving = true;
    if (connection_queued(c))
        connection_flush(c);
    for (unsigned steps = 0; !c->is_dead; steps++) {
        if (steps == STEPS_PER_TURN) {
            sl_loop_defer(c->server->loop, &c->later); /* the others first */
            break;
        }
        if (c->x && c->phase == PHASE_LINGER)
            forget_exchange(c, false); /* refused half-way */
        else if (answer_is_out(c))
            finish_exchange(c);
        else if (connection_kept(c).n && connection_can_consume(c))
            connection_consume_kept(c);
        else if (c->can_read && connection_wants_input(c) && !(c->x && c->x->is_ended && c->closes))
            connection_read_some(c);
        else
            break;
    }
    if (!c->is_dead && c->x && c->x->pending_head.n)
        exchange_send_head(c->x);
    notice_abort(c);
    linger(c);
    c->is_driving = false;
}

static void on_event(struct sl_loop *loop, struct sl_io *io, uint32_t events)
{
    (void)loop;
    struct connection *c = SL_CONTAINER(io, struct connection, io);
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->can_read = true;
    if (events & (EPOLLRDHUP | EPOLLHUP))
        c->peer_ended = true;
    if (events & (EPOLLERR | EPOLLHUP))
        c->is_reset = true;
    connection_drive(c);
}

static void run_later(struct sl_loop *loop, struct sl_deferred *d)
{
    (void)loop;
    struct connection *c = SL_CONTAINER(d, struct connection, later);
    if (c->is_dead)
        connection_free(c);
    else
        connection_drive(c);
}

/* An answer that lasts until the connection closes: only a reset tells that it was cut. */
static bool would_seem_whole(const struct connection *c)
{
    const struct exchange *x = c->x;
    return x && x->has_head && (!x->is_ended || connection_queued(c)) && !x->is_chunked &&
           !x->has_no_content && x->reply_left == SL_LENGTH_UNKNOWN;
}

void connection_kill(struct connection *c)
{
    if (c->is_dead)
        return;
    c->is_dead = true;
    sl_timer_stop(c->server->loop, &c->timer);
    sl_loop_remove(c->server->loop, &c->io);
    if (would_seem_whole(c))
        sl_stream_reset(c->stream);
    else
        sl_stream_close(c->stream);
    c->stream = NULL;
    sl_loop_defer(c->server->loop, &c->later);
}

/* The allocator keeps what a crowd of connections took until it is told that the crowd has left. */
static void give_memory_back(struct sl_server *s)
{
    if (s->most_active < CROWD || s->stats.active > s->most_active / 8)
        return;
    s->most_active = s->stats.active;
    malloc_trim(0);
}

void connection_free(struct connection *c)
{
    struct sl_server *s = c->server;
    connection_kill(c);
    forget_exchange(c, c->x && c->x->is_ended && !connection_queued(c));
    sl_loop_undefer(s->loop, &c->later);
    if (c->prev)
        c->prev->next = c->next;
    else
        s->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    sl_buf_free(&c->in);
    sl_buf_free(&c->out);
    free(c);
    s->stats.active--;
    if (s->share)
        atomic_fetch_sub_explicit(&s->share->active, 1, memory_order_relaxed);
    give_memory_back(s);
    if (s->is_draining && !s->first)
        sl_loop_defer(s->loop, &s->later);
}

void connection_open(struct sl_server *s, int fd, const struct sl_address *peer)
{
    struct connection *c = calloc(1, sizeof *c);
    struct sl_stream *stream = c ? sl_stream_new(fd, s->tls, true, SL_STR("")) : NULL;
    if (!stream) {
        free(c);
        close(fd);
        return;
    }
    c->io = (struct sl_io){fd, on_event};
    c->timer.on_timer = on_timer;
    c->later.run = run_later;
    c->server = s;
    c->stream = stream;
    c->phase = s->tls ? PHASE_HANDSHAKE : PHASE_IDLE;
    c->peer = *peer;
    c->peer_text_n = (uint8_t)sl_address_print(&c->peer, c->peer_text).n;
    sl_buf_init(&c->out, MAX_QUEUE_BYTES);
    c->next = s->first;
    if (s->first)
        s->first->prev = c;
    s->first = c;
    if (s->share)
        atomic_fetch_add_explicit(&s->share->active, 1, memory_order_relaxed);
    if (++s->stats.active > s->most_active)
        s->most_active = s->stats.active;
    if (sl_loop_add(s->loop, &c->io) != SL_OK)
        connection_kill(c);
    else
        sl_timer_start(s->loop, &c->timer, (uint64_t)s->limits.header_timeout_ms);
}

void sl_exchange_pause(struct sl_exchange *pub)
{
    exchange_of(pub)->is_paused = true;
}

void sl_exchange_resume(struct sl_exchange *pub)
{
    struct exchange *x = exchange_of(pub);
    if (!x->is_paused)
        return;
    x->is_paused = false;
    if (!x->conn->is_dead && !x->conn->is_driving)
        sl_loop_defer(x->conn->server->loop, &x->conn->later);
}
