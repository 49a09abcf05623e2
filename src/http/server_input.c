/*
 * A connection's input. Bytes are read into the server's scratch and consumed from there; only what
 * has to wait (part of a head, pipelined requests, a paused body) is kept. A request's head is
 * copied once into its arena, where all views of it point; body bytes are handed on in place, or
 * read straight into the collected body when that is large.
 */
#include "http/server_parts.h"

#define DIRECT_BYTES     16384u /* from here on a body is read into its own place */
#define FIRST_READ_BYTES 16384u /* of a head and what follows: what is copied of a large body */
#define EXTRA_ARENA      (16u << 20) /* for the handler, beside two bodies */

/* ---- what was received and had to wait --------------------------------------------------- */

sl_str connection_kept(const struct connection *c)
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
        connection_refuse(c, 503, "the server is out of memory");
        return input.n;
    }
    size_t head_bytes = 0;
    enum sl_rc rc = sl_h1_request_feed(&c->x->head, input, &head_bytes);
    if (rc == SL_AGAIN) {
        if (!c->needs_more && !connection_kept(c).n)
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

bool connection_wants_input(const struct connection *c)
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
    while (c->phase == PHASE_BODY && connection_wants_input(c)) {
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

bool connection_can_consume(const struct connection *c)
{
    return !c->is_dead && !c->needs_more && connection_wants_input(c) &&
           !(c->x && c->x->is_ended && c->closes);
}

static sl_str consume_all(struct connection *c, sl_str input)
{
    while (input.n && connection_can_consume(c))
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

void connection_consume_kept(struct connection *c)
{
    sl_str rest = consume_all(c, connection_kept(c));
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
    return c->phase == PHASE_BODY && c->x->whole && !c->x->is_ended && !connection_kept(c).n &&
           c->x->body_left >= DIRECT_BYTES;
}

void connection_read_some(struct connection *c)
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
    } else if (connection_kept(c).n) {
        keep(c, sl_str_of(to, got));
    } else {
        sl_str rest = consume_all(c, sl_str_of(to, got));
        if (rest.n && !c->is_dead)
            keep(c, rest);
    }
}
