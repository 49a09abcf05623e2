/*
 * The HTTP server over real sockets: its loop runs on a thread of its own, the tests are blocking
 * clients. What the handler does depends on the path.
 */
#include "http/server.h"
#include "net/tls.h"
#include "support/certs.h"
#include "unit.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define BIG_BYTES (8u << 20)

static struct sl_loop *loop;
static struct sl_server *server;
static struct sl_server_options options;
static uint16_t port;
static pthread_t thread;
static struct test_certs certs;
static atomic_int n_requests, n_delivered, n_failed, is_drained, n_drains, n_body_calls;
static atomic_uint streamed_bytes;

/* ---- the handler ------------------------------------------------------------------------- */

static sl_str big_piece(void)
{
    static char piece[64 << 10];
    return sl_str_of(piece, sizeof piece);
}

static void send_big(struct sl_exchange *x)
{
    sl_str piece = big_piece();
    struct iovec iov = {(void *)(uintptr_t)piece.p, piece.n};
    uintptr_t sent = (uintptr_t)x->user;
    while (sent < BIG_BYTES) {
        enum sl_rc rc = sl_reply_body(x, &iov, 1);
        if (rc == SL_CLOSED)
            return;
        sent += piece.n;
        x->user = (void *)sent;
        if (rc == SL_AGAIN)
            return;
    }
    sl_reply_end(x);
}

struct later {
    struct sl_timer timer;
    struct sl_exchange *x;
};

static void answer_later(struct sl_loop *l, struct sl_timer *timer)
{
    (void)l;
    struct sl_exchange *x = SL_CONTAINER(timer, struct later, timer)->x;
    struct iovec iov = {(void *)(uintptr_t) "later", 5};
    if (sl_str_eq(x->path, SL_STR("/paused"))) {
        sl_exchange_resume(x);
        return;
    }
    /* Outside of any callback of the server: head, body and end each on their own. */
    assert_int_equal(sl_reply_head(x, 200, NULL, 5), SL_OK);
    assert_int_equal(sl_reply_head(x, 200, NULL, 5), SL_INVALID);
    assert_int_equal(sl_reply_body(x, &iov, 1), SL_OK);
    assert_int_equal(sl_reply_body(x, &iov, 1), SL_INVALID); /* more than promised */
    sl_reply_end(x);
}

static void wake_later(struct sl_exchange *x)
{
    struct later *l = SL_NEW(x->arena, struct later);
    assert_non_null(l);
    *l = (struct later){.timer.on_timer = answer_later, .x = x};
    sl_timer_start(x->loop, &l->timer, 20);
}

static void on_request(void *app, struct sl_exchange *x)
{
    if (sl_str_eq(x->path, SL_STR("/paused"))) {
        sl_exchange_pause(x);
        wake_later(x);
    } else if (sl_str_eq(x->path, SL_STR("/abort-at-once"))) {
        sl_reply_abort(x);
        assert_int_equal(sl_reply_head(x, 200, NULL, 0), SL_CLOSED);
    }
    (void)app;
    atomic_fetch_add(&n_requests, 1);
    if (sl_str_eq(x->path, SL_STR("/early")))
        sl_reply_all(x, 401, NULL, SL_STR("who are you?"));
}

static void reply_stream(struct sl_exchange *x)
{
    static const char *const pieces[] = {"one ", "two ", "three"};
    assert_int_equal(sl_reply_head(x, 200, NULL, SL_LENGTH_UNKNOWN), SL_OK);
    for (size_t i = 0; i < SL_COUNT(pieces); i++) {
        struct iovec iov[2] = {{(void *)(uintptr_t)pieces[i], 1},
                               {(void *)(uintptr_t)(pieces[i] + 1), strlen(pieces[i]) - 1}};
        assert_int_equal(sl_reply_body(x, iov, 2), SL_OK);
    }
    sl_reply_end(x);
}

static void on_end(void *app, struct sl_exchange *x, sl_str body)
{
    (void)app;
    if (sl_str_eq(x->path, SL_STR("/echo"))) {
        struct sl_headers headers = {0};
        assert_int_equal(sl_headers_add(&headers, x->arena, SL_STR("x-method"), x->method_text), 0);
        assert_int_equal(sl_headers_add(&headers, x->arena, SL_STR("x-query"), x->query), 0);
        assert_int_equal(
            sl_headers_add(&headers, x->arena, SL_STR("Content-Length"), SL_STR("666")), 0);
        sl_reply_all(x, 200, &headers, body);
    } else if (sl_str_eq(x->path, SL_STR("/stream"))) {
        reply_stream(x);
    } else if (sl_str_eq(x->path, SL_STR("/big"))) {
        assert_int_equal(sl_reply_head(x, 200, NULL, SL_LENGTH_UNKNOWN), SL_OK);
        send_big(x);
    } else if (sl_str_eq(x->path, SL_STR("/short"))) {
        assert_int_equal(sl_reply_head(x, 200, NULL, 10), SL_OK);
        sl_reply_end(x); /* promised ten bytes: the connection must break, not lie */
    } else if (sl_str_eq(x->path, SL_STR("/bad-header"))) {
        struct sl_headers headers = {0};
        assert_int_equal(sl_headers_add(&headers, x->arena, SL_STR("x"), SL_STR("a\r\nb: c")), 0);
        sl_reply_all(x, 200, &headers, SL_STR(""));
    } else if (sl_str_eq(x->path, SL_STR("/later"))) {
        wake_later(x);
    } else if (sl_str_eq(x->path, SL_STR("/paused"))) {
        sl_reply_all(x, 200, NULL, body);
    } else if (sl_str_eq(x->path, SL_STR("/abort"))) {
        assert_int_equal(sl_reply_head(x, 200, NULL, 5), SL_OK);
        sl_reply_abort(x);
    } else if (sl_str_eq(x->path, SL_STR("/peer"))) {
        sl_reply_all(x, 200, NULL, x->peer);
    } else if (!sl_str_eq(x->path, SL_STR("/never"))) {
        sl_reply_all(x, 404, NULL, SL_STR("no"));
    }
}

static void on_body(void *app, struct sl_exchange *x, sl_str bytes)
{
    (void)app;
    (void)x;
    atomic_fetch_add(&n_body_calls, 1);
    atomic_fetch_add(&streamed_bytes, (unsigned)bytes.n);
}

static void on_drain(void *app, struct sl_exchange *x)
{
    (void)app;
    atomic_fetch_add(&n_drains, 1);
    send_big(x);
}

static void on_done(void *app, struct sl_exchange *x, bool was_delivered)
{
    (void)app;
    (void)x;
    atomic_fetch_add(was_delivered ? &n_delivered : &n_failed, 1);
}

static struct sl_handler handler = {
    .on_request = on_request, .on_end = on_end, .on_drain = on_drain, .on_done = on_done};

/* ---- server thread ----------------------------------------------------------------------- */

static void *run_loop(void *arg)
{
    sl_loop_run(arg);
    return NULL;
}

static void start_server(void)
{
    struct sl_err err = {0};
    atomic_int *const counters[] = {&n_requests, &n_delivered, &n_failed,
                                    &is_drained, &n_drains,    &n_body_calls};
    for (size_t i = 0; i < SL_COUNT(counters); i++)
        atomic_store(counters[i], 0);
    atomic_store(&streamed_bytes, 0);
    options.handler = &handler;
    assert_int_equal(sl_loop_create(&loop), SL_OK);
    if (sl_server_listen(&server, loop, SL_STR("127.0.0.1"), 0, &options, &port, &err) != SL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(pthread_create(&thread, NULL, run_loop, loop), 0);
}

static void stop_server(void)
{
    sl_loop_stop(loop);
    pthread_join(thread, NULL);
    sl_server_destroy(server);
    sl_loop_destroy(loop);
    options = (struct sl_server_options){.handler = NULL};
    handler.on_body = NULL;
}

static void wait_for(atomic_int *counter, int value)
{
    for (int i = 0; i < 2000 && atomic_load(counter) != value; i++)
        usleep(1000);
    assert_int_equal(atomic_load(counter), value);
}

/* ---- client ------------------------------------------------------------------------------ */

static int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void put_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Everything up to the peer's end, NUL-terminated. The result is static. */
static const char *read_all(int fd)
{
    static char text[1 << 16];
    size_t n = 0;
    ssize_t got;
    while (n < sizeof text - 1 && (got = recv(fd, text + n, sizeof text - 1 - n, 0)) > 0)
        n += (size_t)got;
    text[n] = 0;
    return text;
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        n++;
    return n;
}

/* Sends all, reads until the server closes. */
static const char *talk(const char *request)
{
    int fd = dial();
    put_text(fd, request);
    const char *answer = read_all(fd);
    close(fd);
    return answer;
}

/* ---- tests ------------------------------------------------------------------------------- */

static void a_plain_exchange(void **state)
{
    (void)state;
    start_server();
    const char *a = talk("POST /echo?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                         "Connection: close\r\n\r\nhello");
    assert_ptr_equal(strstr(a, "HTTP/1.1 200 OK\r\nDate: "), a);
    assert_non_null(strstr(a, "x-method: POST\r\n"));
    assert_non_null(strstr(a, "x-query: a=b\r\n"));
    assert_non_null(strstr(a, "Content-Length: 5\r\n"));
    assert_null(strstr(a, "666"));
    assert_non_null(strstr(a, "Connection: close\r\n"));
    assert_non_null(strstr(a, "\r\n\r\nhello"));
    assert_non_null(strstr(talk("GET /peer HTTP/1.0\r\n\r\n"), "\r\n\r\n127.0.0.1"));
    a = talk("HEAD /peer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(a, "Content-Length: 9\r\n"));
    assert_string_equal(strstr(a, "\r\n\r\n"), "\r\n\r\n");
    wait_for(&n_delivered, 3);
    stop_server();
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    start_server();
    const char *a = talk("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfirst"
                         "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "3;x=y\r\nsec\r\n3\r\nond\r\n0\r\nTrailer: t\r\n\r\n"
                         "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
                         "GET /early HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                         "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(count(a, "HTTP/1.1 "), 4);
    const char *first = strstr(a, "first"), *second = strstr(a, "second"), *no = strstr(a, "404"),
               *early = strstr(a, "who are you?");
    assert_true(first && first < second && second < no && no < early);
    wait_for(&n_requests, 4);
    stop_server();
}

static void a_long_pipeline_is_answered_whole(void **state)
{
    (void)state;
    enum { REQUESTS = 700 };
    static char text[REQUESTS * 32 + 64];
    size_t n = 0;
    start_server();
    for (int i = 0; i < REQUESTS - 1; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "GET /none HTTP/1.1\r\nHost: x\r\n\r\n");
    snprintf(text + n, sizeof text - n, "GET /none HTTP/1.0\r\n\r\n");
    int fd = dial();
    put_text(fd, text);
    static char answers[1 << 18];
    size_t total = 0;
    ssize_t got;
    while ((got = recv(fd, answers + total, sizeof answers - 1 - total, 0)) > 0)
        total += (size_t)got;
    answers[total] = 0;
    assert_int_equal(count(answers, "HTTP/1.1 404 "), REQUESTS);
    close(fd);
    wait_for(&n_delivered, REQUESTS);
    stop_server();
}

static void byte_by_byte_is_the_same(void **state)
{
    (void)state;
    start_server();
    const char *request = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                          "Connection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    int fd = dial(), on = 1;
    setsockopt(fd, IPPROTO_TCP, 1, &on, sizeof on);
    for (size_t i = 0; request[i]; i++) {
        assert_int_equal(send(fd, request + i, 1, 0), 1);
        usleep(300);
    }
    assert_non_null(strstr(read_all(fd), "\r\n\r\nhello"));
    close(fd);
    stop_server();
}

static void answers_stream_in_chunks(void **state)
{
    (void)state;
    start_server();
    const char *a = talk("GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(a, "Transfer-Encoding: chunked\r\n"));
    assert_non_null(strstr(a, "\r\n\r\n4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n"));
    a = talk("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_null(strstr(a, "chunked"));
    assert_non_null(strstr(a, "Connection: close\r\n"));
    assert_non_null(strstr(a, "\r\n\r\none two three"));
    a = talk("GET /short HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_null(strstr(a, "\r\n\r\n\r\n"));
    a = talk("GET /bad-header HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_non_null(strstr(a, "HTTP/1.1 500 "));
    assert_null(strstr(a, "b: c"));
    stop_server();
}

static void bad_requests_get_a_json_reason(void **state)
{
    (void)state;
    options.limits.max_body_bytes = 1000;
    options.limits.max_header_bytes = 2000;
    start_server();
    static const struct {
        const char *request, *status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", "400 Bad Request"},
        {"GET / HTTP/1.1\nHost: x\n\n", "400 Bad Request"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", "413 "},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "501 "},
        {"GET / HTTP/3.0\r\nHost: x\r\n\r\n", "505 "},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", "417 "},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400 "},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        const char *a = talk(cases[i].request);
        assert_non_null(strstr(a, cases[i].status));
        assert_non_null(strstr(a, "{\"error\":{\"message\":\""));
        assert_non_null(strstr(a, "\"type\":\"invalid_request_error\",\"code\":"));
        assert_non_null(strstr(a, "Connection: close\r\n"));
    }
    char large[4096];
    int n = snprintf(large, sizeof large, "GET / HTTP/1.1\r\nHost: x\r\nA: ");
    memset(large + n, 'a', 3000);
    large[n + 3000] = 0;
    assert_non_null(strstr(talk(large), "431 "));
    n = snprintf(large, sizeof large,
                 "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n");
    memset(large + n, 'a', 2000);
    large[n + 2000] = 0;
    assert_non_null(strstr(talk(large), "413 "));
    wait_for(&n_failed, 2);
    stop_server();
}

static void expect_continue_is_answered_when_the_body_is_wanted(void **state)
{
    (void)state;
    start_server();
    int fd = dial();
    put_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                 "Expect: 100-continue\r\nConnection: close\r\n\r\n");
    char interim[64] = {0};
    assert_true(recv(fd, interim, sizeof interim - 1, 0) > 0);
    assert_string_equal(interim, "HTTP/1.1 100 Continue\r\n\r\n");
    put_text(fd, "ok");
    assert_non_null(strstr(read_all(fd), "\r\n\r\nok"));
    close(fd);
    /* Refused at once: no invitation, and the connection ends. */
    const char *a = talk("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                         "Expect: 100-continue\r\n\r\n");
    assert_null(strstr(a, "100 Continue"));
    assert_non_null(strstr(a, "401 "));
    assert_non_null(strstr(a, "Connection: close\r\n"));
    stop_server();
}

static void an_early_answer_reads_over_a_small_body(void **state)
{
    (void)state;
    start_server();
    const char *a = talk("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
                         "GET /peer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(a, "401 "));
    assert_non_null(strstr(a, "\r\n\r\n127.0.0.1"));
    stop_server();
}

static void large_bodies_come_whole(void **state)
{
    (void)state;
    enum { BYTES = 3000000 };
    start_server();
    int fd = dial();
    put_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n"
                 "Connection: close\r\n\r\n");
    char *body = malloc(BYTES), *back = malloc(BYTES + 1000);
    for (size_t i = 0; i < BYTES; i++)
        body[i] = (char)(i * 2654435761u >> 11);
    size_t n_sent = 0, n_back = 0;
    ssize_t n;
    while (n_sent < BYTES && (n = send(fd, body + n_sent, BYTES - n_sent, MSG_NOSIGNAL)) > 0)
        n_sent += (size_t)n;
    while ((n = recv(fd, back + n_back, BYTES + 1000 - n_back, 0)) > 0)
        n_back += (size_t)n;
    assert_true(n_back > BYTES);
    assert_memory_equal(back + n_back - BYTES, body, BYTES);
    free(body);
    free(back);
    close(fd);
    stop_server();
}

static void a_slow_reader_stops_the_source(void **state)
{
    (void)state;
    start_server();
    int fd = dial();
    put_text(fd, "GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    usleep(50000);
    static char buffer[1 << 16];
    size_t total = 0;
    ssize_t n;
    while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0)
        total += (size_t)n;
    assert_true(total > BIG_BYTES);
    close(fd);
    wait_for(&n_delivered, 1);
    assert_true(atomic_load(&n_drains) > 0);
    stop_server();
}

static void streamed_request_bodies_reach_the_handler(void **state)
{
    (void)state;
    handler.on_body = on_body;
    start_server();
    const char *a = talk("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                         "Connection: close\r\n\r\nhello");
    assert_non_null(strstr(a, "200 OK"));
    assert_int_equal(atomic_load(&streamed_bytes), 5);
    stop_server();
}

static void a_client_that_leaves_cancels_its_request(void **state)
{
    (void)state;
    start_server();
    int fd = dial();
    put_text(fd, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(&n_requests, 1);
    usleep(80000);
    close(fd);
    wait_for(&n_failed, 1);
    /* With a reset. */
    fd = dial();
    put_text(fd, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(&n_requests, 2);
    struct linger hard = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
    wait_for(&n_failed, 2);
    /* Half-closed together with the request: it waits for its answer. */
    fd = dial();
    put_text(fd, "GET /peer HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(fd, SHUT_WR);
    assert_non_null(strstr(read_all(fd), "127.0.0.1"));
    close(fd);
    stop_server();
}

static void slow_and_silent_clients_are_let_go(void **state)
{
    (void)state;
    options.limits.header_timeout_ms = 60;
    options.limits.body_timeout_ms = 60;
    options.limits.idle_timeout_ms = 60;
    start_server();
    assert_string_equal(talk(""), "");
    assert_non_null(strstr(talk("GET / HTTP/1.1\r\nHo"), "408 "));
    assert_non_null(
        strstr(talk("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab"), "408 "));
    const char *a = talk("GET /peer HTTP/1.1\r\nHost: x\r\n\r\n"); /* idles out */
    assert_non_null(strstr(a, "\r\n\r\n127.0.0.1"));
    assert_int_equal(count(a, "HTTP/1.1 "), 1);
    wait_for(&n_failed, 1);
    stop_server();
}

static void on_drained(void *ctx)
{
    (void)ctx;
    atomic_store(&is_drained, 1);
}

static void drain_now(struct sl_loop *l, struct sl_message *message)
{
    (void)l;
    (void)message;
    sl_server_drain(server, on_drained, NULL);
}

static void draining_lets_answers_end(void **state)
{
    (void)state;
    start_server();
    int idle = dial(), busy = dial();
    put_text(idle, "GET /peer HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(&n_delivered, 1);
    put_text(busy, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na");
    wait_for(&n_requests, 2);
    struct sl_message message = {.run = drain_now};
    sl_loop_post(loop, &message);
    assert_int_equal(count(read_all(idle), "HTTP/1.1 "), 1); /* closed */
    assert_int_equal(atomic_load(&is_drained), 0);
    put_text(busy, "b");
    const char *a = read_all(busy);
    assert_non_null(strstr(a, "Connection: close\r\n"));
    assert_non_null(strstr(a, "\r\n\r\nab"));
    wait_for(&is_drained, 1);
    close(idle);
    close(busy);
    stop_server();
}

static void too_many_connections_are_turned_away(void **state)
{
    (void)state;
    options.limits.max_connections = 1;
    start_server();
    int first = dial();
    put_text(first, "GET /peer HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(&n_requests, 1);
    assert_string_equal(talk(""), "");
    close(first);
    stop_server();
}

static void answers_may_come_from_anywhere(void **state)
{
    (void)state;
    start_server();
    const char *a = talk("GET /later HTTP/1.1\r\nHost: x\r\n\r\n"
                         "GET /later HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_int_equal(count(a, "\r\n\r\nlater"), 2);
    wait_for(&n_delivered, 2);
    a = talk("POST /paused HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
             "POST /paused HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
             "Connection: close\r\n\r\n3\r\nxyz\r\n0\r\n\r\n");
    assert_non_null(strstr(a, "\r\n\r\nabc"));
    assert_non_null(strstr(a, "\r\n\r\nxyz"));
    stop_server();
}

static void an_aborted_answer_has_no_proper_end(void **state)
{
    (void)state;
    start_server();
    assert_null(strstr(talk("GET /abort HTTP/1.1\r\nHost: x\r\n\r\n"), "later"));
    assert_string_equal(talk("GET /abort-at-once HTTP/1.1\r\nHost: x\r\n\r\n"), "");
    wait_for(&n_failed, 2);
    stop_server();
}

static void destroying_ends_whatever_is_left(void **state)
{
    (void)state;
    start_server();
    int waiting = dial(), half = dial(), idle = dial();
    put_text(waiting, "GET /never HTTP/1.1\r\nHost: x\r\n\r\nGET /never HTTP");
    put_text(half, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe");
    wait_for(&n_requests, 2);
    stop_server();
    assert_int_equal(atomic_load(&n_failed), 2);
    close(waiting);
    close(half);
    close(idle);
}

static void the_same_works_over_tls(void **state)
{
    (void)state;
    struct sl_err err = {0};
    assert_true(test_certs_make(&certs));
    struct sl_tls_server_options tls = {.cert_file = certs.server_cert,
                                        .key_file = certs.server_key};
    if (sl_tls_server_create(&options.tls, &tls, &err) != SL_OK)
        fail_msg("%s", err.message);
    struct sl_tls_context *ours = options.tls;
    start_server();
    SSL_CTX *raw = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(raw);
    int fd = dial();
    SSL_set_fd(ssl, fd);
    assert_int_equal(SSL_connect(ssl), 1);
    static const char request[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
                                  "GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_int_equal(SSL_write(ssl, request, sizeof request - 1), sizeof request - 1);
    static char text[1 << 16];
    size_t total = 0, got;
    while (SSL_read_ex(ssl, text, sizeof text - 1, &got) == 1) {
        if (total == 0)
            assert_non_null(strstr(text, "200 OK"));
        total += got;
    }
    assert_int_equal(SSL_get_error(ssl, 0), SSL_ERROR_ZERO_RETURN);
    assert_true(total > BIG_BYTES);
    SSL_free(ssl);
    SSL_CTX_free(raw);
    close(fd);
    stop_server();
    sl_tls_unref(ours);
    test_certs_remove(&certs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_exchange),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_long_pipeline_is_answered_whole),
        cmocka_unit_test(byte_by_byte_is_the_same),
        cmocka_unit_test(answers_stream_in_chunks),
        cmocka_unit_test(bad_requests_get_a_json_reason),
        cmocka_unit_test(expect_continue_is_answered_when_the_body_is_wanted),
        cmocka_unit_test(an_early_answer_reads_over_a_small_body),
        cmocka_unit_test(large_bodies_come_whole),
        cmocka_unit_test(a_slow_reader_stops_the_source),
        cmocka_unit_test(streamed_request_bodies_reach_the_handler),
        cmocka_unit_test(a_client_that_leaves_cancels_its_request),
        cmocka_unit_test(slow_and_silent_clients_are_let_go),
        cmocka_unit_test(draining_lets_answers_end),
        cmocka_unit_test(too_many_connections_are_turned_away),
        cmocka_unit_test(answers_may_come_from_anywhere),
        cmocka_unit_test(an_aborted_answer_has_no_proper_end),
        cmocka_unit_test(destroying_ends_whatever_is_left),
        cmocka_unit_test(the_same_works_over_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
