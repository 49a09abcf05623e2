/* The response parser: the same events however the bytes are cut, and strict refusals. */
#include "unit.h"

#include "http/http1_response.h"

#include <stdio.h>
#include <stdlib.h>

struct outcome {
    enum sl_rc rc;
    bool is_complete;
    int status;
    uint32_t n_headers;
    bool is_keep_alive;
    uint64_t content_length;
    char body[4096];
    size_t n_body;
    size_t n_left;
};

static void drive(struct outcome *o, struct sl_h1_response *p, sl_str *in)
{
    for (;;) {
        enum sl_h1_event event;
        sl_str body = {NULL, 0};
        o->rc = sl_h1_response_next(p, in, &event, &body);
        if (o->rc != SL_OK || event == SL_H1_MORE)
            return;
        if (event == SL_H1_HEAD) {
            o->status = p->status;
            o->n_headers = p->headers.n;
            o->is_keep_alive = p->is_keep_alive;
            o->content_length = p->content_length;
        } else if (event == SL_H1_BODY) {
            assert_true(body.n > 0 && o->n_body + body.n <= sizeof(o->body));
            memcpy(o->body + o->n_body, body.p, body.n);
            o->n_body += body.n;
        } else {
            o->is_complete = true;
            return;
        }
    }
}

/* Feeds `text` in pieces of `step` bytes, each from its own heap copy, and then the end. */
static struct outcome run(sl_str text, size_t step, bool is_for_head)
{
    struct sl_arena arena;
    struct sl_h1_response p;
    struct outcome o = {0};
    sl_arena_init(&arena, NULL, 1 << 20);
    sl_h1_response_init(&p, &arena, is_for_head, 4096);
    for (size_t at = 0; at < text.n && !o.is_complete && o.rc == SL_OK; at += step) {
        sl_str piece = sl_str_sub(text, at, at + step);
        char *copy = malloc(piece.n);
        memcpy(copy, piece.p, piece.n);
        sl_str in = {copy, piece.n};
        drive(&o, &p, &in);
        o.n_left = in.n + (text.n - at - piece.n);
        free(copy);
    }
    if (!o.is_complete && o.rc == SL_OK)
        o.rc = sl_h1_response_eof(&p);
    if (o.rc != SL_OK && o.rc != SL_CLOSED)
        assert_non_null(p.error);
    sl_arena_reset(&arena);
    return o;
}

struct good_case {
    const char *text;
    bool is_for_head;
    int status;
    bool is_keep_alive;
    const char *body;
    size_t n_left;
};

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static const struct good_case good[] = {
    {OK_HEAD "Content-Length: 5\r\n\r\nhello", false, 200, true, "hello", 0},
    {OK_HEAD "content-length:0\r\n\r\n", false, 200, true, "", 0},
    {OK_HEAD "Content-Length: \t 5 \t\r\n\r\nhelloHTTP", false, 200, true, "hello", 4},
    {"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", false, 200, true, "x", 0},
    {"HTTP/1.1 404 \r\nContent-Length: 1\r\n\r\nx", false, 404, true, "x", 0},
    {OK_HEAD "Content-Length: 2\r\nConnection: close\r\n\r\nok", false, 200, false, "ok", 0},
    {OK_HEAD "Content-Length: 2\r\nConnection: x , Close\r\n\r\nok", false, 200, false, "ok", 0},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false, 200, false, "ok", 0},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", false, 200, true,
     "ok", 0},
    {OK_HEAD "\r\nuntil close", false, 200, false, "until close", 0},
    {OK_HEAD "\r\n", false, 200, false, "", 0},
    {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", false, 200, true, "hello",
     0},
    {OK_HEAD "Transfer-Encoding: CHUNKED\r\n\r\n1\r\na\r\n00A\r\n0123456789\r\n0\r\n\r\nrest",
     false, 200, true, "a0123456789", 4},
    {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5;name=\"v\"\r\nhello\r\n0;x\r\nT: 1\r\nU:\r\n\r\n",
     false, 200, true, "hello", 0},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK_HEAD
     "Content-Length: 2\r\n\r\nok",
     false, 200, true, "ok", 0},
    {"HTTP/1.1 204 No Content\r\n\r\n", false, 204, true, "", 0},
    {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", false, 204, true, "", 5},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, 304, true, "", 0},
    {OK_HEAD "Content-Length: 5\r\n\r\n", true, 200, true, "", 0},
    {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n", true, 200, true, "", 0},
    {OK_HEAD "X-Empty:\r\nX-Bytes: \xc3\xa9\xff\r\nContent-Length: 0\r\n\r\n", false, 200, true, "",
     0},
};

static void test_good_answers_however_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < SL_COUNT(good); i++) {
        sl_str text = sl_str_from(good[i].text);
        for (size_t step = 1; step <= text.n; step++) {
            struct outcome o = run(text, step, good[i].is_for_head);
            if (o.rc != SL_OK || o.n_body != strlen(good[i].body))
                fail_msg("case %zu step %zu: rc %s, %zu body bytes", i, step, sl_rc_name(o.rc),
                         o.n_body);
            assert_int_equal(o.status, good[i].status);
            assert_int_equal(o.is_keep_alive, good[i].is_keep_alive);
            assert_memory_equal(o.body, good[i].body, o.n_body);
            assert_int_equal(o.n_left, good[i].n_left);
        }
    }
}

static const char *const bad[] = {
    "HTTP/2 200 OK\r\n\r\n",
    "HTTP/1.2 200 OK\r\n\r\n",
    "http/1.1 200 OK\r\n\r\n",
    " HTTP/1.1 200 OK\r\n\r\n",
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
    "SSH-2.0-OpenSSH",
    "HTTP/1.1  200 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 099 OK\r\n\r\n",
    "HTTP/1.1 600 OK\r\n\r\n",
    "HTTP/1.1 2x0 OK\r\n\r\n",
    "HTTP/1.1 200 O\x01K\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
    OK_HEAD "Content-Length: 0\nX: y\r\n\r\n",
    OK_HEAD "X: a\rb\r\n\r\n",
    OK_HEAD " folded: x\r\n\r\n",
    OK_HEAD "X: a\r\n folded\r\n\r\n",
    OK_HEAD "X : a\r\n\r\n",
    OK_HEAD ": a\r\n\r\n",
    OK_HEAD "no colon\r\n\r\n",
    OK_HEAD "X(y): a\r\n\r\n",
    OK_HEAD "X: a\x7f\r\n\r\n",
    OK_HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    OK_HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    OK_HEAD "Content-Length: 5, 5\r\n\r\nhello",
    OK_HEAD "Content-Length: +5\r\n\r\nhello",
    OK_HEAD "Content-Length: 0x5\r\n\r\nhello",
    OK_HEAD "Content-Length:\r\n\r\nhello",
    OK_HEAD "Content-Length: 9999999999999999999\r\n\r\nhello",
    OK_HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    OK_HEAD "Transfer-Encoding: identity\r\n\r\nx",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n 1\r\nx\r\n0\r\n\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1 \r\nx\r\n0\r\n\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nx\n0\r\n\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1;a\nb\r\nx\r\n0\r\n\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1;\r\nx\r\n0\r\n\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1;a=\"b\r\nx\r\n0\r\n\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1;a=b c\r\nx\r\n0\r\n\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\nX : y\r\n\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1234567890abcdef0\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n X: folded\r\n\r\n",
    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\n\r\n",
};

static void test_bad_answers_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        sl_str text = sl_str_from(bad[i]);
        for (size_t step = 1; step <= text.n; step++) {
            struct outcome o = run(text, step, false);
            if (o.rc != SL_INVALID)
                fail_msg("case %zu step %zu: %s", i, step, sl_rc_name(o.rc));
            assert_false(o.is_complete);
        }
    }
}

static void test_cut_answers_are_not_complete(void **state)
{
    (void)state;
    static const char *const cut[] = {
        "",
        "HTTP/1.1 200",
        OK_HEAD "Content-Length: 5\r\n",
        OK_HEAD "Content-Length: 5\r\n\r\nhell",
        OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    };
    for (size_t i = 0; i < SL_COUNT(cut); i++) {
        struct outcome o = run(sl_str_from(cut[i]), 1, false);
        assert_int_equal(o.rc, SL_CLOSED);
        assert_false(o.is_complete);
    }
}

static void test_head_limit(void **state)
{
    (void)state;
    char text[8192];
    memset(text, 'a', sizeof(text));
    memcpy(text, OK_HEAD, sizeof(OK_HEAD) - 1);
    assert_int_equal(run(sl_str_of(text, sizeof(text)), 100, false).rc, SL_LIMIT);
    assert_int_equal(run(sl_str_of(text, sizeof(text)), sizeof(text), false).rc, SL_LIMIT);

    char interim[20 * 32] = "";
    size_t n = 0;
    for (int i = 0; i < 20; i++)
        n += (size_t)snprintf(interim + n, sizeof(interim) - n, "HTTP/1.1 102 P\r\n\r\n");
    assert_int_equal(run(sl_str_of(interim, n), n, false).rc, SL_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_answers_however_cut),
        cmocka_unit_test(test_bad_answers_are_refused),
        cmocka_unit_test(test_cut_answers_are_not_complete),
        cmocka_unit_test(test_head_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
