/*
 * A connection's life and its input. Bytes are read into the server's scratch and consumed from
 * there; only what has to wait (part of a head, pipelined requests, a paused body) is kept. A
 * request's head is copied once into its arena, where all views of it point; body bytes are handed
 * on in place, or read straight into the collected body when that is large.
 *
 * A connection that must go is killed at once and freed at the end of the turn, so that no callback
 * ever finds its exchange gone underneath it.
 */
#include "http/server_parts.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define STEPS_PER_TURN   128 /* reads, and requests out of a pipeline */
#define CROWD            512
#define LINGER_MS        2000
#define DIRECT_BYTES     16384u /* from here on a body is read into its own place */
#define FIRST_READ_BYTES 16384u /* of a head and what follows: what is copied of a large body */
#define HALF_CLOSE_NS    UINT64_C(50000000)
#define MAX_QUEUE_BYTES  ((size_t)256 << 20)
#define EXTRA_ARENA      (16u << 20) /* for the handler, beside two bodies */

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

/* ---- what was received and had to wait --------------------------------------------------- */

static sl_str kept(const struct connection *c)
{
    return c->in.n ? sl_str_of(c->in.p + c->in_used, c->in.n - c->in_used) : (sl_str){NULL, 0};
}

static void drop_kept(struct connection *c)
{
    sl_buf_free(&c->in);
    c->in_used = 0;
}

/* ---- request ----------------------------------------------------------------------------- */

static bool begin_exchange(struct connection *c)
{
    struct sl_server *s = c->server;
    size_t max_bytes = (size_t)s->limits.max_body_bytes * 2 + EXTRA_ARENA;
    sl_arena_init(&c->arena, sl_loop_arena_pool(s->loop), max_bytes);
    struct exchange *x = SL_NEW(&c->arena, struct exchange);
    if (!x)
        return false;
    x->conn = c;
    sl_h1_request_init(&x->head, &c->arena, (uint32_t)s->limits.max_header_bytes);
    x->pub.started_ns = sl_loop_now_ns(s->loop);
    c->x = x;
    c->phase = PHASE_HEAD;
    return true;
}

/* Copies the head to where it may stay and shows it to the handler's eyes. */
static bool publish(struct connection *c, const char *bytes, size_t head_bytes)
{
    struct exchange *x = c->x;
    struct sl_h1_request *head = &x->head;
    sl_str copy = sl_arena_dup(&c->arena, sl_str_of(bytes, head_bytes));
    if (!copy.p)
        return false;
    sl_h1_request_rebase(head, copy.p);
    x->pub = (struct sl_exchange){
        .method = head->method,
        .method_text = head->method_text,
        .target = head->target,
        .path = head->path,
        .query = head->query,
        .headers = head->headers,
        .is_keep_alive = head->is_keep_alive,
        .has_body = head->content_length > 0,
        .content_length = head->content_length,
        .peer = sl_str_of(c->peer_text, c->peer_text_n),
        .peer_addr = &c->peer_room,
        .arena = &c->arena,
        .loop = c->server->loop,
        .started_ns = x->pub.started_ns,
    };
    return true;
}

static bool prepare_body(struct connection *c)
{
    struct exchange *x = c->x;
    if (x->head.is_chunked) {
        sl_h1_chunks_init(&x->chunks);
        sl_buf_init(&x->growing, (size_t)c->server->limits.max_body_bytes);
        return true;
    }
    x->body_left = x->head.content_length;
    if (x->body_left && !c->server->handler.on_body)
        x->whole = sl_arena_alloc(&c->arena, (size_t)x->body_left);
    return !x->body_left || c->server->handler.on_body || x->whole;
}

static void complete_request(struct connection *c)
{
    struct exchange *x = c->x;
    c->phase = PHASE_ANSWER;
    x->complete_ns = sl_loop_now_ns(c->server->loop);
    c->is_half_open = c->peer_ended;
    sl_str whole = x->head.is_chunked ? sl_buf_str(&x->growing)
                                      : sl_str_of(x->whole, x->whole ? x->body_bytes : 0);
    if (!x->is_ended && c->server->handler.on_end)
        c->server->handler.on_end(c->server->handler.app, &x->pub, whole);
}

static void send_continue(struct connection *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec iov = {(void *)(uintptr_t)text, sizeof text - 1};
    if (connection_send(c, &iov, 1) == SL_OK)
        c->x->head.expects_continue = false;
}

static void announce(struct connection *c, bool has_more_input)
{
    struct sl_server *s = c->server;
    struct exchange *x = c->x;
    s->stats.requests++;
    x->is_announced = true;
    c->closes = !x->head.is_keep_alive || s->is_draining;
    c->phase = PHASE_BODY;
    if (s->handler.on_request)
        s->handler.on_request(s->handler.app, &x->pub);
    if (c->is_dead || c->phase != PHASE_BODY)
        return;
    if (!x->pub.has_body) {
        complete_request(c);
        return;
    }
    if (has_more_input)
        x->head.expects_continue = false;
    else if (x->head.expects_continue && !x->has_head)
        send_continue(c);
    sl_timer_start(s->loop, &c->timer, (uint64_t)s->limits.body_timeout_ms);
}

/* Returns how many bytes are used up; 0: more are needed. */
static size_t consume_head(struct connection *c, sl_str input)
{
    struct sl_server *s = c->server;
    if (!c->x && !begin_exchange(c)) {
        connection_kill(c);
        return input.n;
    }
    size_t head_bytes = 0;
    enum sl_rc rc = sl_h1_request_feed(&c->x->head, input, &head_bytes);
    if (rc == SL_AGAIN) {
        if (!c->needs_more && !kept(c).n)
            sl_timer_start(s->loop, &c->timer, (uint64_t)s->limits.header_timeout_ms);
        c->needs_more = true;
        return 0;
    }
    const struct sl_h1_request *head = &c->x->head;
    if (rc == SL_INVALID)
        connection_refuse(c, head->status, head->error);
    else if (rc != SL_OK || !publish(c, input.p, head_bytes))
        connection_refuse(c, 503, "the server is out of memory");
    else if (!head->is_chunked && head->content_length > (uint64_t)s->limits.max_body_bytes)
        connection_refuse(c, 413, "the body of the request is larger than allowed");
    else if (!prepare_body(c))
        connection_refuse(c, 503, "the server is out of memory");
    else {
        announce(c, input.n > head_bytes);
        return head_bytes;
    }
    return input.n;
}

static bool deliver(struct connection *c, sl_str data)
{
    struct exchange *x = c->x;
    const struct sl_handler *h = &c->server->handler;
    uint64_t before = x->body_bytes;
    x->body_bytes += data.n;
    if (x->body_bytes > (uint64_t)c->server->limits.max_body_bytes) {
        connection_refuse(c, 413, "the body of the request is larger than allowed");
        return false;
    }
    if (x->is_ended)
        return true;
    if (h->on_body)
        h->on_body(h->app, &x->pub, data);
    else if (x->whole)
        memcpy(x->whole + before, data.p, data.n);
    else
        sl_buf_add(&x->growing, data);
    if (x->growing.is_full) {
        connection_refuse(c, 503, "the server is out of memory");
        return false;
    }
    return !c->is_dead;
}

static bool wants_input(const struct connection *c)
{
    switch (c->phase) {
    case PHASE_BODY:
        return !c->x->is_paused || c->x->is_ended;
    case PHASE_HANDSHAKE:
    case PHASE_ANSWER:
        return false;
    default:
        return true;
    }
}

static size_t consume_chunks(struct connection *c, sl_str input)
{
    sl_str rest = input, data;
    while (c->phase == PHASE_BODY && wants_input(c)) {
        bool is_end;
        enum sl_rc rc = sl_h1_chunks_next(&c->x->chunks, &rest, &data, &is_end);
        if (rc == SL_INVALID) {
            connection_refuse(c, 400, c->x->chunks.error);
            return input.n;
        }
        if (rc == SL_AGAIN)
            break;
        if (data.n && !deliver(c, data))
            return input.n;
        if (is_end)
            complete_request(c);
    }
    return input.n - rest.n;
}

static size_t consume_length(struct connection *c, sl_str input)
{
    struct exchange *x = c->x;
    size_t take = x->body_left < input.n ? (size_t)x->body_left : input.n;
    x->body_left -= take;
    if (!deliver(c, sl_str_sub(input, 0, take)))
        return input.n;
    if (x->body_left == 0 && c->phase == PHASE_BODY)
        complete_request(c);
    return take;
}

/* One step; returns how many bytes are used up. */
static size_t consume(struct connection *c, sl_str input)
{
    switch (c->phase) {
    case PHASE_IDLE:
    case PHASE_HEAD:
        return consume_head(c, input);
    case PHASE_BODY:
        return c->x->head.is_chunked ? consume_chunks(c, input) : consume_length(c, input);
    default: /* lingering */
        return input.n;
    }
}

static bool can_consume(const struct connection *c)
{
    return !c->is_dead && !c->needs_more && wants_input(c) &&
           !(c->x && c->x->is_ended && c->closes);
}

static sl_str consume_all(struct connection *c, sl_str input)
{
    while (input.n && can_consume(c))
        input = sl_str_sub(input, consume(c, input), input.n);
    return input;
}

/* ---- reading ----------------------------------------------------------------------------- */

static void on_eof(struct connection *c)
{
    c->can_read = false;
    c->peer_ended = true;
    connection_kill(c); /* only read from while a request is missing something, or lingering */
}

/* What was kept, once it can go on. */
static void consume_kept(struct connection *c)
{
    sl_str rest = consume_all(c, kept(c));
    if (c->is_dead)
        return;
    c->in_used = c->in.n - rest.n;
    if (!rest.n)
        drop_kept(c);
}

static void keep(struct connection *c, sl_str input)
{
    if (c->in_used) {
        c->in.n -= c->in_used;
        memmove(c->in.p, c->in.p + c->in_used, c->in.n);
        c->in_used = 0;
    }
    c->in.max = (size_t)c->server->limits.max_header_bytes + 2 * SERVER_SCRATCH_BYTES;
    sl_buf_add(&c->in, input);
    if (sl_buf_rc(&c->in) != SL_OK)
        connection_kill(c);
}

static bool reads_directly(const struct connection *c)
{
    return c->phase == PHASE_BODY && c->x->whole && !c->x->is_ended && !kept(c).n &&
           c->x->body_left >= DIRECT_BYTES;
}

static void read_some(struct connection *c)
{
    struct sl_server *s = c->server;
    struct exchange *x = c->x;
    bool is_direct = reads_directly(c);
    char *to = is_direct ? x->whole + x->body_bytes : s->scratch;
    size_t room = is_direct ? (size_t)x->body_left : FIRST_READ_BYTES, got;
    enum sl_rc rc = sl_stream_read(c->stream, to, room, &got);
    if (rc == SL_AGAIN) {
        c->can_read = false;
        return;
    }
    if (rc != SL_OK) {
        on_eof(c);
        return;
    }
    s->stats.bytes_in += got;
    if (sl_stream_is_drained(c->stream) && !c->peer_ended)
        c->can_read = false;
    c->needs_more = false;
    if (c->phase == PHASE_BODY)
        sl_timer_start(s->loop, &c->timer, (uint64_t)s->limits.body_timeout_ms);
    if (is_direct) {
        x->body_bytes += got;
        x->body_left -= got;
        if (x->body_left == 0)
            complete_request(c);
    } else if (kept(c).n) {
        keep(c, sl_str_of(to, got));
    } else {
        sl_str rest = consume_all(c, sl_str_of(to, got));
        if (rest.n && !c->is_dead)
            keep(c, rest);
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
    bool has_unread = c->phase == PHASE_BODY || kept(c).n || c->can_read;
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
        else if (kept(c).n && can_consume(c))
            consume_kept(c);
        else if (c->can_read && wants_input(c) && !(c->x && c->x->is_ended && c->closes))
            read_some(c);
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

void connection_kill(struct connection *c)
{
    if (c->is_dead)
        return;
    c->is_dead = true;
    sl_timer_stop(c->server->loop, &c->timer);
    sl_loop_remove(c->server->loop, &c->io);
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
