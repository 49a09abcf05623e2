/*
 * Answers and output. A head is formatted once into the request's arena and leaves together with
 * the first body bytes in one system call; what the socket does not take is copied and queued.
 */
#include "http/server_parts.h"

#include "base/clock.h"
#include "http/http1_text.h"

#include <stdio.h>

#define DISCARD_BYTES 65536u /* a longer unread body costs the connection */
#define JOIN_BYTES    4096u  /* a smaller body is copied behind its head: one piece, one send */
#define PIECES        60u    /* of the caller's, passed on at once */
#define QUEUE_BYTES   8192u  /* a queue that grew beyond gives its memory back when empty */

/* ---- output ------------------------------------------------------------------------------ */

static size_t total_bytes(const struct iovec *iov, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += iov[i].iov_len;
    return total;
}

/* Queues the pieces from byte `from` on. */
static enum sl_rc queue(struct connection *c, const struct iovec *iov, size_t n, size_t from)
{
    if (!connection_queued(c)) {
        c->progress_ns = sl_loop_now_ns(c->server->loop);
        sl_timer_start(c->server->loop, &c->timer, (uint64_t)c->server->limits.body_timeout_ms);
    }
    if (c->out_sent && c->out_sent >= connection_queued(c)) {
        memmove(c->out.p, c->out.p + c->out_sent, connection_queued(c));
        c->out.n -= c->out_sent;
        c->out_sent = 0;
    }
    for (size_t i = 0; i < n; i++) {
        size_t skip = from < iov[i].iov_len ? from : iov[i].iov_len;
        from -= skip;
        sl_buf_add(&c->out, sl_str_of((const char *)iov[i].iov_base + skip, iov[i].iov_len - skip));
    }
    if (sl_buf_rc(&c->out) != SL_OK) {
        connection_kill(c);
        return SL_CLOSED;
    }
    return connection_queued(c) > SERVER_OUT_MARK_BYTES ? SL_AGAIN : SL_OK;
}

enum sl_rc connection_send(struct connection *c, const struct iovec *iov, size_t n)
{
    size_t sent = 0, total = total_bytes(iov, n);
    if (c->is_dead)
        return SL_CLOSED;
    if (total == 0)
        return SL_OK;
    if (!connection_queued(c)) {
        enum sl_rc rc = sl_stream_writev(c->stream, iov, n, &sent);
        if (rc == SL_AGAIN)
            sent = 0;
        else if (rc != SL_OK) {
            connection_kill(c);
            return SL_CLOSED;
        }
        c->server->stats.bytes_out += sent;
    }
    return sent == total ? SL_OK : queue(c, iov, n, sent);
}

static void tell_drained(struct connection *c)
{
    struct exchange *x = c->x;
    const struct sl_handler *h = &c->server->handler;
    if (!x || !x->wants_drain)
        return;
    x->wants_drain = false;
    if (!x->is_ended && h->on_drain)
        h->on_drain(h->app, &x->pub);
}

void connection_flush(struct connection *c)
{
    while (connection_queued(c)) {
        struct iovec iov = {c->out.p + c->out_sent, connection_queued(c)};
        size_t sent;
        enum sl_rc rc = sl_stream_writev(c->stream, &iov, 1, &sent);
        if (rc == SL_AGAIN)
            return;
        if (rc != SL_OK) {
            connection_kill(c);
            return;
        }
        c->out_sent += sent;
        c->server->stats.bytes_out += sent;
        c->progress_ns = sl_loop_now_ns(c->server->loop);
    }
    c->out_sent = 0;
    sl_buf_reset(&c->out);
    if (c->out.cap > QUEUE_BYTES)
        sl_buf_free(&c->out);
    tell_drained(c);
}

/* ---- heads ------------------------------------------------------------------------------- */

static void refresh_date(struct sl_server *s, uint64_t now_ns)
{
    struct timespec t;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &utc);
    s->date_n =
        (uint32_t)strftime(s->date, sizeof s->date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
    s->date_until_ns = now_ns + 1000000000u - (uint64_t)t.tv_nsec;
}

static char *put(char *to, const char *from, size_t n)
{
    memcpy(to, from, n);
    return to + n;
}

static char *put_u64(char *to, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return put(to, digits + at, sizeof digits - at);
}

/* Those that describe the message's framing or connection are the server's own. */
static bool is_ours(sl_str name)
{
    switch (name.n) {
    case 4:
        return sl_str_eq_nocase(name, SL_STR("date"));
    case 10:
        return sl_str_eq_nocase(name, SL_STR("connection")) ||
               sl_str_eq_nocase(name, SL_STR("keep-alive"));
    case 14:
        return sl_str_eq_nocase(name, SL_STR("content-length"));
    case 17:
        return sl_str_eq_nocase(name, SL_STR("transfer-encoding"));
    default:
        return false;
    }
}

static bool is_sound(const struct sl_header *h)
{
    for (size_t i = 0; i < h->name.n; i++)
        if (!sl_h1_is_token_char((unsigned char)h->name.p[i]))
            return false;
    return h->name.n > 0 && sl_h1_text_end(h->value.p, 0, h->value.n) == h->value.n;
}

/* SL_INVALID: a header could not be sent without changing the message's meaning. */
static enum sl_rc measure(const struct sl_headers *headers, size_t *bytes)
{
    *bytes = 0;
    for (uint32_t i = 0; headers && i < headers->n; i++) {
        const struct sl_header *h = &headers->items[i];
        if (!is_sound(h))
            return SL_INVALID;
        *bytes += h->name.n + h->value.n + 4;
    }
    return SL_OK;
}

static char *put_status_line(char *to, int status)
{
    const char *reason = sl_http_reason(status);
    to = put(to, "HTTP/1.1 ", 9);
    *to++ = (char)('0' + status / 100 % 10);
    *to++ = (char)('0' + status / 10 % 10);
    *to++ = (char)('0' + status % 10);
    *to++ = ' ';
    to = put(to, reason, strlen(reason));
    return put(to, "\r\n", 2);
}

static char *put_headers(char *to, const struct sl_headers *headers)
{
    for (uint32_t i = 0; headers && i < headers->n; i++) {
        const struct sl_header *h = &headers->items[i];
        if (is_ours(h->name))
            continue;
        to = put(to, h->name.p, h->name.n);
        to = put(to, ": ", 2);
        if (h->value.n)
            to = put(to, h->value.p, h->value.n);
        to = put(to, "\r\n", 2);
    }
    return to;
}

static char *put_framing(char *to, const struct exchange *x, int status, uint64_t content_length)
{
    if (x->is_chunked) {
        to = put(to, "Transfer-Encoding: chunked\r\n", 28);
    } else if (content_length != SL_LENGTH_UNKNOWN && status != 204 && status != 304) {
        to = put(to, "Content-Length: ", 16);
        to = put_u64(to, content_length);
        to = put(to, "\r\n", 2);
    }
    if (x->conn->closes)
        to = put(to, "Connection: close\r\n", 19);
    else if (x->head.is_http_10)
        to = put(to, "Connection: keep-alive\r\n", 24);
    return put(to, "\r\n", 2);
}

/* Whether the rest of the request's body can be read over rather than cost the connection. */
static bool can_discard(const struct exchange *x)
{
    return !x->head.is_chunked && x->body_left <= DISCARD_BYTES && !x->head.expects_continue;
}

static void decide_framing(struct exchange *x, int status, uint64_t content_length)
{
    struct connection *c = x->conn;
    x->has_head = true;
    x->has_no_content = x->head.method == SL_HEAD || status == 204 || status == 304;
    x->is_chunked =
        content_length == SL_LENGTH_UNKNOWN && !x->head.is_http_10 && !x->has_no_content;
    x->reply_left = content_length;
    if (c->server->is_draining || (c->phase == PHASE_BODY && !can_discard(x)) ||
        (content_length == SL_LENGTH_UNKNOWN && x->head.is_http_10 && !x->has_no_content))
        c->closes = true;
}

/* Formats the head with `extra` bytes of room behind it. */
static enum sl_rc format_head(struct exchange *x, int status, const struct sl_headers *headers,
                              uint64_t content_length, size_t extra)
{
    struct sl_server *s = x->conn->server;
    uint64_t now_ns = sl_loop_now_ns(s->loop);
    size_t bytes;
    if (status < 200 || status > 999 || measure(headers, &bytes) != SL_OK)
        return SL_INVALID;
    char *start = sl_arena_alloc_aligned(&x->conn->arena, bytes + extra + 256, 1);
    if (!start)
        return SL_NOMEM;
    if (now_ns >= s->date_until_ns)
        refresh_date(s, now_ns);
    sl_str wish = headers ? sl_headers_get(headers, SL_STR("connection")) : (sl_str){NULL, 0};
    if (wish.n && sl_str_eq_nocase(wish, SL_STR("close")))
        x->conn->closes = true;
    decide_framing(x, status, content_length);
    char *at = put_status_line(start, status);
    at = put(at, s->date, s->date_n);
    at = put_headers(at, headers);
    at = put_framing(at, x, status, content_length);
    x->pending_head = sl_str_of(start, (size_t)(at - start));
    return SL_OK;
}

static void see_to_it_later(struct connection *c)
{
    if (!c->is_driving)
        sl_loop_defer(c->server->loop, &c->later);
}

enum sl_rc sl_reply_head(struct sl_exchange *pub, int status, const struct sl_headers *headers,
                         uint64_t content_length)
{
    struct exchange *x = exchange_of(pub);
    if (x->conn->is_dead)
        return SL_CLOSED;
    if (x->has_head)
        return SL_INVALID;
    see_to_it_later(x->conn);
    return format_head(x, status, headers, content_length, 0);
}

/* ---- bodies ------------------------------------------------------------------------------ */

void exchange_send_head(struct exchange *x)
{
    struct iovec iov = {(void *)(uintptr_t)x->pending_head.p, x->pending_head.n};
    x->pending_head.n = 0;
    if (connection_send(x->conn, &iov, 1) == SL_AGAIN)
        x->wants_drain = true;
}

static size_t put_chunk_size(char *to, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    char digits[16];
    size_t at = sizeof digits;
    do {
        digits[--at] = hex[size % 16];
        size /= 16;
    } while (size);
    size_t n = sizeof digits - at;
    memcpy(to, digits + at, n);
    memcpy(to + n, "\r\n", 2);
    return n + 2;
}

/* At most PIECES of the caller's pieces, behind the head that is still pending and framed. */
static enum sl_rc send_pieces(struct exchange *x, const struct iovec *iov, size_t n)
{
    struct iovec all[PIECES + 3];
    char size_line[20];
    size_t used = 0, total = total_bytes(iov, n);
    if (x->pending_head.n)
        all[used++] = (struct iovec){(void *)(uintptr_t)x->pending_head.p, x->pending_head.n};
    x->pending_head.n = 0;
    if (total && !x->has_no_content) {
        if (x->is_chunked)
            all[used++] = (struct iovec){size_line, put_chunk_size(size_line, total)};
        memcpy(all + used, iov, n * sizeof *iov);
        used += n;
        if (x->is_chunked)
            all[used++] = (struct iovec){(void *)(uintptr_t) "\r\n", 2};
    }
    return connection_send(x->conn, all, used);
}

enum sl_rc sl_reply_body(struct sl_exchange *pub, const struct iovec *iov, size_t n)
{
    struct exchange *x = exchange_of(pub);
    enum sl_rc rc = SL_OK;
    size_t total = total_bytes(iov, n);
    if (x->conn->is_dead)
        return SL_CLOSED;
    if (!x->has_head || x->is_ended ||
        (x->reply_left != SL_LENGTH_UNKNOWN && total > x->reply_left))
        return SL_INVALID;
    if (x->reply_left != SL_LENGTH_UNKNOWN)
        x->reply_left -= total;
    while (n && rc != SL_CLOSED) {
        size_t take = n < PIECES ? n : PIECES;
        rc = send_pieces(x, iov, take);
        iov += take;
        n -= take;
    }
    if (rc == SL_AGAIN)
        x->wants_drain = true;
    return rc;
}

void sl_reply_end(struct sl_exchange *pub)
{
    struct exchange *x = exchange_of(pub);
    struct connection *c = x->conn;
    if (c->is_dead || x->is_ended)
        return;
    if (!x->has_head ||
        (x->reply_left != SL_LENGTH_UNKNOWN && x->reply_left > 0 && !x->has_no_content)) {
        connection_kill(c); /* promised more than was given */
        return;
    }
    x->is_ended = true;
    struct iovec iov[2];
    size_t n = 0;
    if (x->pending_head.n)
        iov[n++] = (struct iovec){(void *)(uintptr_t)x->pending_head.p, x->pending_head.n};
    x->pending_head.n = 0;
    if (x->is_chunked)
        iov[n++] = (struct iovec){(void *)(uintptr_t) "0\r\n\r\n", 5};
    (void)connection_send(c, iov, n);
    see_to_it_later(c);
}

void sl_reply_abort(struct sl_exchange *pub)
{
    connection_kill(exchange_of(pub)->conn);
}

void sl_reply_all(struct sl_exchange *pub, int status, const struct sl_headers *headers,
                  sl_str body)
{
    struct exchange *x = exchange_of(pub);
    struct connection *c = x->conn;
    if (c->is_dead || x->has_head)
        return;
    bool is_joined = body.n <= JOIN_BYTES;
    if (format_head(x, status, headers, body.n, is_joined ? body.n : 0) != SL_OK) {
        connection_refuse(c, 500, "the answer could not be formed");
        see_to_it_later(c);
        return;
    }
    struct iovec iov[2] = {{(void *)(uintptr_t)x->pending_head.p, x->pending_head.n},
                           {(void *)(uintptr_t)body.p, body.n}};
    bool has_content = body.n && !x->has_no_content;
    if (has_content && is_joined) {
        memcpy((char *)iov[0].iov_base + iov[0].iov_len, body.p, body.n);
        iov[0].iov_len += body.n;
    }
    x->pending_head.n = 0;
    x->reply_left = 0;
    x->is_ended = true;
    (void)connection_send(c, iov, has_content && !is_joined ? 2 : 1);
    see_to_it_later(c);
}

void connection_refuse(struct connection *c, int status, const char *why)
{
    struct sl_server *s = c->server;
    struct exchange *x = c->x;
    char body[256], text[768];
    s->stats.rejected++;
    if (x && x->has_head) {
        connection_kill(c);
        return;
    }
    uint64_t now_ns = sl_loop_now_ns(s->loop);
    if (now_ns >= s->date_until_ns)
        refresh_date(s, now_ns);
    int body_n = snprintf(
        body, sizeof body, "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"code\":%d}}", why,
        status < 500 || status == 501 || status == 505 ? "invalid_request_error" : "server_error",
        status);
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 %d %s\r\n%.*sContent-Type: application/json\r\n"
                     "Content-Length: %d\r\nConnection: close\r\n\r\n%s",
                     status, sl_http_reason(status), (int)s->date_n, s->date, body_n, body);
    struct iovec iov = {text, (size_t)n};
    if (x) {
        x->has_head = x->is_ended = true;
        x->pub.refused_status = status;
    }
    c->closes = true;
    (void)connection_send(c, &iov, 1);
    connection_linger(c);
}
