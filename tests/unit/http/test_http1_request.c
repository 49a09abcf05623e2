/* The request parser against the table of framing cases: fed whole, byte by byte, and cut anywhere.
 */
#include "http/http1_chunks.h"
#include "http/http1_request.h"
#include "http/http1_response.h"
#include "http/http1_text.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_HEAD 65536u

struct outcome {
    int status; /* 200: accepted; 0: incomplete */
    uint64_t body_bytes;
    size_t left; /* bytes behind the request */
};

/* ---- reading the table ------------------------------------------------------------------- */

static int hex(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Undoes the escapes of one character; *p moves behind it. */
static char unescape(const char **p)
{
    char c = *(*p)++;
    if (c != '\\')
        return c;
    c = *(*p)++;
    if (c == 'x') {
        c = (char)(hex((*p)[0]) << 4 | hex((*p)[1]));
        *p += 2;
        return c;
    }
    return c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c;
}

static size_t decode(const char *p, char *to)
{
    size_t n = 0;
    while (*p) {
        const char *star = *p == '{' ? strchr(p, '*') : NULL;
        if (!star) {
            to[n++] = unescape(&p);
            continue;
        }
        size_t start = n;
        for (p++; p < star;)
            to[n++] = unescape(&p);
        size_t piece = n - start;
        long times = strtol(star + 1, (char **)&p, 10);
        for (long i = 1; i < times; i++, n += piece)
            memcpy(to + n, to + start, piece);
        p++; /* } */
    }
    return n;
}

/* ---- running the parsers ----------------------------------------------------------------- */

static struct outcome run_chunks(sl_str rest, size_t step)
{
    struct sl_h1_chunks c;
    struct outcome o = {0};
    sl_h1_chunks_init(&c);
    while (rest.n) {
        sl_str in = sl_str_sub(rest, 0, step), data;
        rest = sl_str_sub(rest, step, rest.n);
        bool is_end = false;
        while (!is_end) {
            enum sl_rc rc = sl_h1_chunks_next(&c, &in, &data, &is_end);
            if (rc == SL_INVALID) {
                assert_non_null(c.error);
                o.status = 400;
                return o;
            }
            if (rc == SL_AGAIN)
                break;
            o.body_bytes += data.n;
        }
        if (is_end) {
            o.status = 200;
            o.left = in.n + rest.n;
            return o;
        }
    }
    return o;
}

static bool is_within(sl_str view, const char *from, size_t n)
{
    return view.n == 0 || (view.p >= from && view.p + view.n <= from + n);
}

/* Feeds `step` bytes more each time, from memory that moves. */
static struct outcome run(sl_str bytes, size_t step)
{
    struct sl_arena arena;
    struct sl_h1_request r;
    struct outcome o = {0};
    size_t head_bytes = 0, fed = 0;
    enum sl_rc rc = SL_AGAIN;
    char *copy = NULL;
    sl_arena_init(&arena, NULL, 1 << 20);
    sl_h1_request_init(&r, &arena, MAX_HEAD);
    while (rc == SL_AGAIN && fed < bytes.n) {
        fed = bytes.n - fed < step ? bytes.n : fed + step;
        char *moved = malloc(fed);
        memcpy(moved, bytes.p, fed);
        rc = sl_h1_request_feed(&r, sl_str_of(moved, fed), &head_bytes);
        free(copy);
        copy = moved;
    }
    if (rc == SL_INVALID) {
        assert_non_null(r.error);
        o.status = r.status;
    } else if (rc == SL_OK) {
        assert_true(is_within(r.target, copy, head_bytes) && is_within(r.path, copy, head_bytes));
        for (uint32_t i = 0; i < r.headers.n; i++)
            assert_true(is_within(r.headers.items[i].value, copy, head_bytes));
        sl_str rest = sl_str_sub(bytes, head_bytes, bytes.n);
        if (r.is_chunked) {
            o = run_chunks(rest, step);
        } else if (rest.n >= r.content_length) {
            o = (struct outcome){200, r.content_length, rest.n - (size_t)r.content_length};
        }
    }
    free(copy);
    sl_arena_reset(&arena);
    return o;
}

static bool is_same(struct outcome a, struct outcome b)
{
    return a.status == b.status &&
           (a.status != 200 || (a.body_bytes == b.body_bytes && a.left == b.left));
}

static struct outcome parse_verdict(const char *text)
{
    struct outcome o = {0};
    unsigned long body = 0, left = 0;
    if (sscanf(text, "ok %lu +%lu", &body, &left) >= 1)
        o = (struct outcome){200, body, left};
    else if (strcmp(text, "more") != 0)
        o.status = (int)strtol(text, NULL, 10);
    return o;
}

static void check_case(const char *name, const char *verdict, sl_str bytes)
{
    struct outcome want = parse_verdict(verdict), whole = run(bytes, bytes.n + 1);
    if (!is_same(whole, want))
        fail_msg("%s: expected %s, found %d with %lu body bytes and %zu left", name, verdict,
                 whole.status, (unsigned long)whole.body_bytes, whole.left);
    /* A head of many kilobytes byte by byte costs the test's copies, not the parser. */
    size_t smallest = bytes.n > 4096 ? 97 : 1;
    for (size_t step = smallest; step < bytes.n && step < smallest + 12; step++) {
        struct outcome cut = run(bytes, step);
        if (!is_same(cut, want))
            fail_msg("%s: fed %zu bytes a time, expected %s, found %d", name, step, verdict,
                     cut.status);
    }
}

#define CHUNKED_POST "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

/* Reads the chunks as those of an answer, `step` bytes a time. */
static struct outcome run_as_answer(sl_str chunks, size_t step)
{
    struct sl_arena arena;
    struct sl_h1_response p;
    struct outcome o = {0};
    sl_str head = SL_STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), body;
    enum sl_h1_event event;
    sl_arena_init(&arena, NULL, 1 << 20);
    sl_h1_response_init(&p, &arena, false, MAX_HEAD);
    assert_int_equal(sl_h1_response_next(&p, &head, &event, &body), SL_OK);
    for (size_t at = 0; at < chunks.n && !o.status; at += step) {
        sl_str in = sl_str_sub(chunks, at, at + step);
        do {
            if (sl_h1_response_next(&p, &in, &event, &body) != SL_OK)
                o.status = 400;
            else if (event == SL_H1_BODY)
                o.body_bytes += body.n;
            else if (event == SL_H1_END)
                o = (struct outcome){200, o.body_bytes, (size_t)(chunks.p + chunks.n - in.p)};
        } while (!o.status && event == SL_H1_BODY);
    }
    sl_arena_reset(&arena);
    return o;
}

/* Chunks mean the same in a request and in an answer. */
static bool check_as_answer(const char *name, const char *verdict, sl_str bytes)
{
    if (!sl_str_starts(bytes, SL_STR(CHUNKED_POST)))
        return false;
    sl_str chunks = sl_str_sub(bytes, sizeof(CHUNKED_POST) - 1, bytes.n);
    for (size_t step = 1; step <= chunks.n; step++) {
        struct outcome got = run_as_answer(chunks, step);
        if (!is_same(got, parse_verdict(verdict)))
            fail_msg("%s as an answer, fed %zu bytes a time: expected %s, found %d", name, step,
                     verdict, got.status);
    }
    return true;
}

static void every_case_gets_its_verdict_however_it_is_cut(void **state)
{
    (void)state;
    static char line[8192], bytes[1 << 18];
    FILE *file = fopen(SLUICE_SOURCE_DIR "/tests/vectors/http1/requests.txt", "r");
    assert_non_null(file);
    unsigned n = 0, n_answers = 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (line[0] == '#' || line[0] == 0)
            continue;
        char *verdict = strstr(line, " | ");
        char *text = verdict ? strstr(verdict + 3, " | ") : NULL;
        assert_non_null(text);
        *verdict = *text = 0;
        sl_str decoded = sl_str_of(bytes, decode(text + 3, bytes));
        check_case(line, verdict + 3, decoded);
        n_answers += check_as_answer(line, verdict + 3, decoded);
        n++;
    }
    fclose(file);
    assert_true(n >= 60 && n_answers >= 30);
    print_message("%u cases, the chunks of %u also as an answer\n", n, n_answers);
}

static void a_head_is_taken_apart(void **state)
{
    (void)state;
    static const char text[] = "POST http://Api.example:80/v1/chat?x=1?2 HTTP/1.1\r\n"
                               "host: api.EXAMPLE:80\r\nX-A:  one two \t\r\nConnection: close\r\n"
                               "Transfer-Encoding: chunked\r\nExpect: 100-Continue\r\n\r\nrest";
    struct sl_arena arena;
    struct sl_h1_request r;
    size_t head_bytes;
    sl_arena_init(&arena, NULL, 1 << 20);
    sl_h1_request_init(&r, &arena, MAX_HEAD);
    assert_int_equal(sl_h1_request_feed(&r, sl_str_from(text), &head_bytes), SL_OK);
    assert_int_equal(head_bytes, sizeof text - 1 - 4);
    char moved[sizeof text];
    memcpy(moved, text, sizeof text);
    sl_h1_request_rebase(&r, moved);
    assert_int_equal(r.method, SL_POST);
    assert_true(sl_str_eq(r.path, SL_STR("/v1/chat")));
    assert_true(sl_str_eq(r.query, SL_STR("x=1?2")));
    assert_true(sl_str_eq(sl_headers_get(&r.headers, SL_STR("x-a")), SL_STR("one two")));
    assert_null(sl_headers_get(&r.headers, SL_STR("x-b")).p);
    assert_true(r.is_chunked && r.expects_continue && !r.is_keep_alive && !r.is_http_10);
    assert_true(r.content_length == UINT64_MAX);
    sl_arena_reset(&arena);
}

static void keep_alive_follows_version_and_wish(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_keep_alive;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_arena arena;
        struct sl_h1_request r;
        size_t head_bytes;
        sl_arena_init(&arena, NULL, 1 << 20);
        sl_h1_request_init(&r, &arena, MAX_HEAD);
        assert_int_equal(sl_h1_request_feed(&r, sl_str_from(cases[i].text), &head_bytes), SL_OK);
        assert_int_equal(r.is_keep_alive, cases[i].is_keep_alive);
        sl_arena_reset(&arena);
    }
}

/* The word-wise search against its naive twin. */
static void text_ends_where_the_naive_twin_says(void **state)
{
    (void)state;
    char text[64];
    uint64_t seed = 7;
    for (int round = 0; round < 200000; round++) {
        size_t n = (size_t)(seed >> 33) % sizeof text, want = 0;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            unsigned char c = (unsigned char)(seed >> 56);
            text[i] = (char)(c < 0x20 || c == 0x7f ? (seed >> 40) % 16 ? 'a' : c : c);
            if ((seed >> 44) % 32 == 0)
                text[i] = '\t';
        }
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        while (want < n &&
               !(((unsigned char)text[want] < 0x20 && text[want] != '\t') || text[want] == 0x7f))
            want++;
        assert_int_equal(sl_h1_text_end(text, 0, n), want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_gets_its_verdict_however_it_is_cut),
        cmocka_unit_test(a_head_is_taken_apart),
        cmocka_unit_test(keep_alive_follows_version_and_wish),
        cmocka_unit_test(text_ends_where_the_naive_twin_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
