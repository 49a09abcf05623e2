/*
 * The client against a scripted peer: a thread with blocking sockets that reads one request and
 * writes what the scenario says, in pieces, then keeps or closes the connection.
 */
#include "unit.h"

#include "http/client.h"
#include "net/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct step {
    const char *text; /* sent after a whole request was read; NULL: hang up without an answer */
    bool is_bytewise;
    bool closes;
    bool resets;
    bool stalls; /* does nothing until the peer hangs up */
};

struct peer {
    int listen_fd;
    uint16_t port;
    const struct step *steps;
    int n_steps;
    _Atomic int n_accepted;
    char reading[65536]; /* the peer's own */
    pthread_mutex_t lock;
    char last_request[65536]; /* under the lock */
    pthread_t thread;
};

/* A socket orders the two threads, but only a lock says so to ThreadSanitizer. */
static void publish(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    memcpy(p->last_request, p->reading, sizeof(p->last_request));
    pthread_mutex_unlock(&p->lock);
}

static bool read_request(struct peer *p, int fd)
{
    size_t n = 0, want = 0;
    for (;;) {
        ssize_t got = read(fd, p->reading + n, sizeof(p->reading) - 1 - n);
        if (got <= 0)
            return false;
        n += (size_t)got;
        p->reading[n] = 0;
        char *end = strstr(p->reading, "\r\n\r\n");
        if (end && !want) {
            char *length = strstr(p->reading, "content-length: ");
            want = (size_t)(end - p->reading) + 4 + (length ? strtoul(length + 16, NULL, 10) : 0);
        }
        if (want && n >= want) {
            publish(p);
            return true;
        }
    }
}

static void *serve(void *arg)
{
    struct peer *p = arg;
    int fd = -1;
    char sink[64];
    for (int i = 0; i < p->n_steps; i++) {
        const struct step *s = &p->steps[i];
        if (fd < 0) {
            fd = accept(p->listen_fd, NULL, NULL);
            if (fd < 0)
                return NULL;
            p->n_accepted++;
        }
        if (!read_request(p, fd)) { /* the client hung up: the step waits for the next one */
            close(fd);
            fd = -1;
            i--;
            continue;
        }
        size_t n = s->text ? strlen(s->text) : 0, by = s->is_bytewise ? 1 : n;
        for (size_t at = 0; at < n; at += by)
            if (write(fd, s->text + at, by) != (ssize_t)by)
                break;
        if (s->stalls)
            while (read(fd, sink, sizeof(sink)) > 0)
                ;
        if (s->resets)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
        if (!s->text || s->closes || s->resets || s->stalls) {
            close(fd);
            fd = -1;
        }
    }
    if (fd >= 0) {
        while (read(fd, sink, sizeof(sink)) > 0)
            ;
        close(fd);
    }
    return NULL;
}

static void start_peer(struct peer *p, const struct step *steps, int n)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    memset(p, 0, sizeof(*p));
    p->steps = steps;
    p->n_steps = n;
    pthread_mutex_init(&p->lock, NULL);
    p->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p->listen_fd, (void *)&a, sizeof(a)), 0);
    assert_int_equal(listen(p->listen_fd, 8), 0);
    getsockname(p->listen_fd, (void *)&a, &len);
    p->port = ntohs(a.sin_port);
    pthread_create(&p->thread, NULL, serve, p);
}

struct result {
    struct sl_loop *loop;
    struct sl_arena arena;
    int status, n_heads, n_ends, n_fails, n_flushes;
    char body[65536];
    size_t n_body;
    enum sl_rc rc;
    enum sl_call_phase phase;
    bool was_sent, got_bytes;
    char reason[128];
    struct sl_call *call;
    bool cancels_on_head;
    bool pauses;
    struct sl_timer timer;
    struct sl_call_times times;
};

static void on_head(void *ctx, const struct sl_response *response)
{
    struct result *r = ctx;
    r->n_heads++;
    r->status = response->status;
    if (r->cancels_on_head) {
        sl_call_cancel(r->call);
        sl_loop_stop(r->loop);
    }
}

static void resume(struct sl_loop *loop, struct sl_timer *timer)
{
    (void)loop;
    sl_call_resume(SL_CONTAINER(timer, struct result, timer)->call);
}

static void on_body(void *ctx, sl_str bytes)
{
    struct result *r = ctx;
    assert_false(r->cancels_on_head);
    assert_true(r->n_body + bytes.n <= sizeof(r->body));
    memcpy(r->body + r->n_body, bytes.p, bytes.n);
    r->n_body += bytes.n;
    if (r->pauses) {
        sl_call_pause(r->call);
        r->timer.on_timer = resume;
        sl_timer_start(r->loop, &r->timer, 2);
    }
}

static void on_flush(void *ctx)
{
    ((struct result *)ctx)->n_flushes++;
}

static void on_end(void *ctx)
{
    struct result *r = ctx;
    r->n_ends++;
    sl_call_get_times(r->call, &r->times);
    sl_loop_stop(r->loop);
}

static void on_fail(void *ctx, enum sl_rc rc, enum sl_call_phase phase, bool was_sent,
                    bool got_bytes, const char *reason)
{
    struct result *r = ctx;
    r->n_fails++;
    r->rc = rc;
    r->phase = phase;
    r->was_sent = was_sent;
    r->got_bytes = got_bytes;
    snprintf(r->reason, sizeof(r->reason), "%s", reason);
    sl_loop_stop(r->loop);
}

static const struct sl_call_callbacks callbacks = {on_head, on_body, on_flush, on_end, on_fail};

struct setup {
    struct sl_loop *loop;
    struct sl_client *client;
    struct sl_resolver *resolver;
};

static void open_setup(struct setup *s, uint32_t idle_ms)
{
    struct sl_resolver_options none = {0};
    assert_int_equal(sl_loop_create(&s->loop), SL_OK);
    assert_int_equal(sl_resolver_create(&s->resolver, &none), SL_OK);
    struct sl_client_options options = {.resolver = s->resolver, .idle_ms = idle_ms};
    assert_int_equal(sl_client_create(&s->client, s->loop, &options), SL_OK);
}

static void close_setup(struct setup *s, struct peer *p)
{
    struct sl_client_stats stats;
    sl_client_get_stats(s->client, &stats);
    assert_int_equal(stats.n_busy, 0);
    sl_client_destroy(s->client);
    sl_resolver_destroy(s->resolver);
    sl_loop_destroy(s->loop);
    if (p) {
        shutdown(p->listen_fd, SHUT_RDWR);
        pthread_join(p->thread, NULL);
        close(p->listen_fd);
    }
}

static struct result result;

static struct result *call(struct setup *s, const char *host, uint16_t port, const char *body,
                           struct sl_client_timeouts timeouts)
{
    struct result *r = &result;
    struct sl_header header = {SL_STR("x-test"), SL_STR("yes")};
    struct sl_headers headers = {.items = &header, .n = 1, .cap = 1};
    struct iovec pieces[3] = {{(void *)(uintptr_t)body, 1},
                              {(void *)(uintptr_t) "", 0},
                              {(void *)(uintptr_t)(body + 1), strlen(body) - 1}};
    r->loop = s->loop;
    sl_arena_init(&r->arena, NULL, 1 << 20);
    struct sl_request request = {
        .host = sl_str_from(host),
        .port = port,
        .method = SL_STR("POST"),
        .target = SL_STR("/v1/x?y=1"),
        .headers = &headers,
        .body = pieces,
        .n_body = 3,
        .timeouts = timeouts,
        .arena = &r->arena,
    };
    r->call = sl_client_start(s->client, &request, &callbacks, r);
    assert_non_null(r->call);
    assert_int_equal(r->n_heads + r->n_ends + r->n_fails, 0);
    sl_loop_run(s->loop);
    sl_arena_reset(&r->arena);
    return r;
}

#define FRESH() memset(&result, 0, sizeof(result))
static const struct sl_client_timeouts no_limits = {0};

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define CHUNKED                                                                                    \
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"

static void expect_hello(const struct result *r)
{
    if (r->n_fails)
        fail_msg("failed in %s: %s", sl_call_phase_name(r->phase), r->reason);
    assert_int_equal(r->n_heads, 1);
    assert_int_equal(r->n_ends, 1);
    assert_int_equal(r->status, 200);
    assert_int_equal(r->n_body, 5);
    assert_memory_equal(r->body, "hello", 5);
}

static void test_keep_alive(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {.text = ANSWER}, {.text = CHUNKED, .is_bytewise = true}, {.text = ANSWER}};
    struct setup s;
    struct peer p;
    open_setup(&s, 0);
    start_peer(&p, steps, 3);
    for (int i = 0; i < 3; i++) {
        FRESH();
        struct result *r = call(&s, "127.0.0.1", p.port, "{body}", no_limits);
        expect_hello(r);
        assert_int_equal(r->times.is_reused, i > 0);
        char expect[256];
        snprintf(expect, sizeof(expect),
                 "POST /v1/x?y=1 HTTP/1.1\r\nhost: 127.0.0.1:%u\r\ncontent-length: 6\r\n"
                 "x-test: yes\r\n\r\n{body}",
                 p.port);
        pthread_mutex_lock(&p.lock);
        assert_string_equal(p.last_request, expect);
        pthread_mutex_unlock(&p.lock);
    }
    assert_int_equal(p.n_accepted, 1);
    close_setup(&s, &p);
}

static void stop_loop(struct sl_loop *loop, struct sl_timer *timer)
{
    (void)timer;
    sl_loop_stop(loop);
}

/* Peers come and go with reloads: what no call and no pooled connection needs is forgotten. */
static void test_peers_are_forgotten(void **state)
{
    (void)state;
    static const struct step steps[] = {{.text = ANSWER}};
    struct setup s;
    struct peer p;
    struct sl_client_stats stats;
    open_setup(&s, 1);
    start_peer(&p, steps, 1);
    FRESH();
    expect_hello(call(&s, "127.0.0.1", p.port, "ab", no_limits));
    sl_client_get_stats(s.client, &stats);
    assert_int_equal(stats.n_hosts, 1);
    assert_int_equal(stats.n_idle, 1);
    struct sl_timer end = {.on_timer = stop_loop};
    sl_timer_start(s.loop, &end, 1500);
    sl_loop_run(s.loop);
    sl_client_get_stats(s.client, &stats);
    assert_int_equal(stats.n_hosts, 0);
    assert_int_equal(stats.n_idle, 0);
    close_setup(&s, &p);
}

static void test_close_and_until_close(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"HTTP/1.1 200 OK\r\n\r\nhello", .closes = true},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", .closes = true},
        {.text = "HTTP/1.1 100 Continue\r\n\r\n" ANSWER}};
    struct setup s;
    struct peer p;
    open_setup(&s, 0);
    start_peer(&p, steps, 3);
    for (int i = 0; i < 3; i++) {
        FRESH();
        expect_hello(call(&s, "localhost", p.port, "ab", no_limits));
    }
    assert_int_equal(p.n_accepted, 3);
    close_setup(&s, &p);
}

static void test_stale_connection_is_retried_once(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {.text = ANSWER}, {.text = NULL}, {.text = ANSWER}, {.text = NULL, .resets = true},
        {.text = ANSWER}, {.text = NULL}, {.text = NULL}};
    struct setup s;
    struct peer p;
    open_setup(&s, 0);
    start_peer(&p, steps, 7);
    for (int i = 0; i < 3; i++) { /* 1 fresh; 2 and 3: stale, then fresh */
        FRESH();
        expect_hello(call(&s, "127.0.0.1", p.port, "ab", no_limits));
    }
    FRESH();
    struct result *r = call(&s, "127.0.0.1", p.port, "ab", no_limits);
    assert_int_equal(r->n_fails, 1);
    assert_int_equal(r->rc, SL_CLOSED);
    assert_true(r->was_sent);
    assert_false(r->got_bytes);
    assert_int_equal(p.n_accepted, 4);
    close_setup(&s, &p);
}

static void test_failures(void **state)
{
    (void)state;
    static const struct {
        struct step step;
        struct sl_client_timeouts timeouts;
        enum sl_rc rc;
        enum sl_call_phase phase;
        bool got_bytes;
    } cases[] = {
        {{.text = NULL}, {.idle_ms = 0}, SL_CLOSED, SL_PHASE_FIRST_BYTE, false},
        {{"", .stalls = true}, {.first_byte_ms = 20}, SL_TIMEOUT, SL_PHASE_FIRST_BYTE, false},
        {{"HTTP/1.1 200", .stalls = true}, {.idle_ms = 20}, SL_TIMEOUT, SL_PHASE_HEAD, true},
        {{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell", .stalls = true},
         {.idle_ms = 20},
         SL_TIMEOUT,
         SL_PHASE_BODY_READ,
         true},
        {{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell", .stalls = true},
         {.total_ms = 20},
         SL_TIMEOUT,
         SL_PHASE_BODY_READ,
         true},
        {{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell", .closes = true},
         {0},
         SL_CLOSED,
         SL_PHASE_BODY_READ,
         true},
        {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", .closes = true},
         {0},
         SL_CLOSED,
         SL_PHASE_BODY_READ,
         true},
        {{"SMTP\r\n", .stalls = true}, {0}, SL_INVALID, SL_PHASE_HEAD, true},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct setup s;
        struct peer p;
        open_setup(&s, 0);
        start_peer(&p, &cases[i].step, 1);
        FRESH();
        struct result *r = call(&s, "127.0.0.1", p.port, "ab", cases[i].timeouts);
        if (r->n_fails != 1 || r->rc != cases[i].rc || r->phase != cases[i].phase)
            fail_msg("case %zu: %d fails, %s in %s (%s)", i, r->n_fails, sl_rc_name(r->rc),
                     sl_call_phase_name(r->phase), r->reason);
        assert_int_equal(r->got_bytes, cases[i].got_bytes);
        assert_int_equal(r->n_ends, 0);
        close_setup(&s, &p);
    }
}

static void test_connect_failures(void **state)
{
    (void)state;
    struct setup s;
    open_setup(&s, 0);
    FRESH();
    struct result *r = call(&s, "127.0.0.1", 1, "ab", no_limits);
    assert_int_equal(r->n_fails, 1);
    assert_int_equal(r->phase, SL_PHASE_CONNECT);
    assert_false(r->was_sent);
    assert_non_null(strstr(r->reason, "refused"));
    FRESH();
    r = call(&s, "no-such-name.invalid", 80, "ab", no_limits);
    assert_int_equal(r->n_fails, 1);
    assert_int_equal(r->phase, SL_PHASE_RESOLVE);
    close_setup(&s, NULL);
}

static void test_cancel_in_callback(void **state)
{
    (void)state;
    static const struct step steps[] = {{ANSWER, .stalls = true}};
    struct setup s;
    struct peer p;
    open_setup(&s, 0);
    start_peer(&p, steps, 1);
    FRESH();
    result.cancels_on_head = true;
    struct result *r = call(&s, "127.0.0.1", p.port, "ab", no_limits);
    assert_int_equal(r->n_heads, 1);
    assert_int_equal(r->n_ends + r->n_fails, 0);
    close_setup(&s, &p);
}

static void test_pause_and_resume(void **state)
{
    (void)state;
    static const struct step steps[] = {{.text = CHUNKED, .is_bytewise = true}};
    struct setup s;
    struct peer p;
    open_setup(&s, 0);
    start_peer(&p, steps, 1);
    FRESH();
    result.pauses = true;
    expect_hello(call(&s, "127.0.0.1", p.port, "ab", no_limits));
    sl_timer_stop(s.loop, &result.timer);
    close_setup(&s, &p);
}

static void test_control_bytes_are_refused(void **state)
{
    (void)state;
    struct setup s;
    open_setup(&s, 0);
    static const struct {
        const char *method, *target, *name, *value;
    } cases[] = {
        {"GET", "/x\r\ny: z", "a", "b"}, {"GET", "/ x", "a", "b"},
        {"G T", "/", "a", "b"},          {"GET", "/", "a\r\nb", "c"},
        {"GET", "/", "a", "b\r\nc: d"},  {"GET", "/", "a", "b\nc"},
        {"GET", "/", "", "b"},           {"", "/", "a", "b"},
        {"GET", "", "a", "b"},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_header header = {sl_str_from(cases[i].name), sl_str_from(cases[i].value)};
        struct sl_headers headers = {&header, 1, 1};
        struct sl_arena arena;
        sl_arena_init(&arena, NULL, 1 << 16);
        struct sl_request request = {.host = SL_STR("127.0.0.1"),
                                     .port = 9,
                                     .method = sl_str_from(cases[i].method),
                                     .target = sl_str_from(cases[i].target),
                                     .headers = &headers,
                                     .arena = &arena};
        assert_null(sl_client_start(s.client, &request, &callbacks, &result));
        sl_arena_reset(&arena);
    }
    close_setup(&s, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_peers_are_forgotten),
        cmocka_unit_test(test_close_and_until_close),
        cmocka_unit_test(test_stale_connection_is_retried_once),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_connect_failures),
        cmocka_unit_test(test_cancel_in_callback),
        cmocka_unit_test(test_pause_and_resume),
        cmocka_unit_test(test_control_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
