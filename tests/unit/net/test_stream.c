/* Streams over socket pairs: plaintext, TLS, verification, mutual TLS, truncation. */
#include "net/stream.h"
#include "net/tls.h"
#include "support/certs.h"
#include "unit.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct test_certs certs;

static int make_certs(void **state)
{
    (void)state;
    return test_certs_make(&certs) ? 0 : -1;
}

static int remove_certs(void **state)
{
    (void)state;
    test_certs_remove(&certs);
    return 0;
}

struct ends {
    struct sl_stream *client, *server;
};

static struct ends connect_ends(struct sl_tls_context *client, struct sl_tls_context *server,
                                const char *host)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    struct ends e = {
        .client = sl_stream_new(fds[0], client, false, sl_str_from(host)),
        .server = sl_stream_new(fds[1], server, true, SL_STR("")),
    };
    assert_non_null(e.client);
    assert_non_null(e.server);
    return e;
}

/* Both sides in turn until neither waits. */
static void shake(struct ends *e, enum sl_rc *client, enum sl_rc *server)
{
    *client = *server = SL_AGAIN;
    for (int i = 0; i < 20 && (*client == SL_AGAIN || *server == SL_AGAIN); i++) {
        if (*client == SL_AGAIN)
            *client = sl_stream_handshake(e->client);
        if (*server == SL_AGAIN)
            *server = sl_stream_handshake(e->server);
        if (*server != SL_OK && *server != SL_AGAIN)
            break;
    }
    if (*server == SL_AGAIN && *client != SL_OK)
        *server = sl_stream_handshake(e->server);
}

static void close_ends(struct ends *e)
{
    sl_stream_close(e->client);
    sl_stream_close(e->server);
}

/* Sends a megabyte in odd pieces while the other side reads in odd sizes. */
static void exchange_megabyte(struct ends *e)
{
    enum { TOTAL = 1 << 20 };
    char *sent = malloc(TOTAL), *received = malloc(TOTAL + 1);
    for (size_t i = 0; i < TOTAL; i++)
        sent[i] = (char)(i * 2654435761u >> 13);
    size_t n_sent = 0, n_received = 0;
    bool is_shut = false;
    for (unsigned round = 0; round < 1000000; round++) {
        size_t left = TOTAL - n_sent, first = left < 7 ? left : 7, done;
        size_t second = left - first < 20000 ? left - first : 20000;
        struct iovec iov[3] = {{sent + n_sent, first}, {sent, 0}, {sent + n_sent + first, second}};
        if (left && sl_stream_writev(e->client, iov, 3, &done) == SL_OK)
            n_sent += done;
        if (!left && !is_shut)
            is_shut = sl_stream_shutdown(e->client) != SL_AGAIN;
        size_t room = TOTAL + 1 - n_received, want = 1 + round * 37 % 30000;
        enum sl_rc rc =
            sl_stream_read(e->server, received + n_received, want < room ? want : room, &done);
        if (rc == SL_OK)
            n_received += done;
        if (rc == SL_EOF)
            break;
        if (rc != SL_OK && rc != SL_AGAIN)
            fail_msg("%s: %s", sl_rc_name(rc), sl_stream_error(e->server));
    }
    assert_int_equal(n_received, TOTAL);
    assert_memory_equal(sent, received, TOTAL);
    free(sent);
    free(received);
}

static void plaintext_carries_every_byte(void **state)
{
    (void)state;
    struct ends e = connect_ends(NULL, NULL, "");
    enum sl_rc client, server;
    shake(&e, &client, &server);
    assert_int_equal(client, SL_OK);
    assert_int_equal(server, SL_OK);
    assert_int_equal(sl_stream_alpn(e.client).n, 0);
    exchange_megabyte(&e);
    close_ends(&e);
}

static struct sl_tls_context *server_context(bool wants_clients)
{
    struct sl_tls_context *c;
    struct sl_err err = {0};
    struct sl_tls_server_options options = {
        .cert_file = certs.server_cert,
        .key_file = certs.server_key,
        .client_ca_file = wants_clients ? certs.ca : NULL,
        .alpn = "h2,http/1.1",
    };
    if (sl_tls_server_create(&c, &options, &err) != SL_OK)
        fail_msg("%s", err.message);
    return c;
}

static struct sl_tls_context *client_context(const char *ca, bool shows_identity)
{
    struct sl_tls_context *c;
    struct sl_err err = {0};
    struct sl_tls_client_options options = {
        .ca_file = ca,
        .cert_file = shows_identity ? certs.client_cert : NULL,
        .key_file = shows_identity ? certs.client_key : NULL,
    };
    if (sl_tls_client_create(&c, &options, &err) != SL_OK)
        fail_msg("%s", err.message);
    return c;
}

static void tls_carries_every_byte_and_agrees_on_a_protocol(void **state)
{
    (void)state;
    static const char *const hosts[] = {"localhost", "127.0.0.1", "::1"};
    for (size_t i = 0; i < SL_COUNT(hosts); i++) {
        struct sl_tls_context *c = client_context(certs.ca, false), *s = server_context(false);
        struct ends e = connect_ends(c, s, hosts[i]);
        sl_tls_unref(c); /* the streams hold their own */
        sl_tls_unref(s);
        enum sl_rc client, server;
        shake(&e, &client, &server);
        assert_int_equal(client, SL_OK);
        assert_int_equal(server, SL_OK);
        assert_true(sl_str_eq(sl_stream_alpn(e.client), SL_STR("http/1.1")));
        assert_true(sl_str_eq(sl_stream_alpn(e.server), SL_STR("http/1.1")));
        exchange_megabyte(&e);
        close_ends(&e);
    }
}

static void a_wrong_name_and_an_unknown_issuer_are_refused(void **state)
{
    (void)state;
    struct sl_tls_context *trusting = client_context(certs.ca, false);
    struct sl_tls_context *doubting = client_context(NULL, false);
    struct sl_tls_context *s = server_context(false);
    enum sl_rc client, server;
    struct ends e = connect_ends(trusting, s, "elsewhere.test");
    shake(&e, &client, &server);
    assert_int_equal(client, SL_IO);
    assert_non_null(strstr(sl_stream_error(e.client), "certificate refused: "));
    close_ends(&e);
    e = connect_ends(trusting, s, "127.0.0.2");
    shake(&e, &client, &server);
    assert_int_equal(client, SL_IO);
    close_ends(&e);
    e = connect_ends(doubting, s, "localhost");
    shake(&e, &client, &server);
    assert_int_equal(client, SL_IO);
    assert_non_null(strstr(sl_stream_error(e.client), "certificate refused: "));
    close_ends(&e);
    sl_tls_unref(trusting);
    sl_tls_unref(doubting);
    sl_tls_unref(s);
}

static void mutual_tls_wants_a_client_certificate(void **state)
{
    (void)state;
    struct sl_tls_context *known = client_context(certs.ca, true);
    struct sl_tls_context *stranger = client_context(certs.ca, false);
    struct sl_tls_context *s = server_context(true);
    enum sl_rc client, server;
    struct ends e = connect_ends(known, s, "localhost");
    shake(&e, &client, &server);
    assert_int_equal(server, SL_OK);
    exchange_megabyte(&e);
    close_ends(&e);
    e = connect_ends(stranger, s, "localhost");
    shake(&e, &client, &server);
    assert_int_equal(server, SL_IO);
    close_ends(&e);
    sl_tls_unref(known);
    sl_tls_unref(stranger);
    sl_tls_unref(s);
}

static void a_cut_tls_connection_is_an_error_and_not_an_end(void **state)
{
    (void)state;
    struct sl_tls_context *c = client_context(certs.ca, false), *s = server_context(false);
    struct ends e = connect_ends(c, s, "localhost");
    enum sl_rc client, server;
    shake(&e, &client, &server);
    shutdown(sl_stream_fd(e.client), SHUT_WR);
    char byte;
    size_t got;
    assert_int_equal(sl_stream_read(e.server, &byte, 1, &got), SL_IO);
    assert_true(strlen(sl_stream_error(e.server)) > 0);
    close_ends(&e);
    sl_tls_unref(c);
    sl_tls_unref(s);
}

static void a_vanished_peer_raises_no_signal(void **state)
{
    (void)state;
    struct sl_tls_context *c = client_context(certs.ca, false), *s = server_context(false);
    for (int is_tls = 0; is_tls < 2; is_tls++) {
        struct ends e = connect_ends(is_tls ? c : NULL, is_tls ? s : NULL, "localhost");
        enum sl_rc client, server, rc = SL_OK;
        shake(&e, &client, &server);
        sl_stream_close(e.client);
        char text[] = "anyone there?";
        struct iovec iov = {text, sizeof text};
        size_t sent;
        for (int i = 0; i < 3 && rc == SL_OK; i++)
            rc = sl_stream_writev(e.server, &iov, 1, &sent);
        assert_int_equal(rc, SL_IO);
        sl_stream_close(e.server);
    }
    sl_tls_unref(c);
    sl_tls_unref(s);
}

static void bad_files_are_named(void **state)
{
    (void)state;
    struct sl_tls_context *c;
    struct sl_err err = {0};
    struct sl_tls_server_options options = {.cert_file = "/nonexistent/cert.pem",
                                            .key_file = certs.server_key};
    assert_int_equal(sl_tls_server_create(&c, &options, &err), SL_INVALID);
    assert_non_null(strstr(err.message, "/nonexistent/cert.pem"));
    options = (struct sl_tls_server_options){.cert_file = certs.server_cert,
                                             .key_file = certs.client_key};
    assert_int_equal(sl_tls_server_create(&c, &options, &err), SL_INVALID);
    struct sl_tls_client_options client = {.ca_file = "/nonexistent/ca.pem"};
    assert_int_equal(sl_tls_client_create(&c, &client, &err), SL_INVALID);
    assert_non_null(strstr(err.message, "/nonexistent/ca.pem"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plaintext_carries_every_byte),
        cmocka_unit_test(tls_carries_every_byte_and_agrees_on_a_protocol),
        cmocka_unit_test(a_wrong_name_and_an_unknown_issuer_are_refused),
        cmocka_unit_test(mutual_tls_wants_a_client_certificate),
        cmocka_unit_test(a_cut_tls_connection_is_an_error_and_not_an_end),
        cmocka_unit_test(a_vanished_peer_raises_no_signal),
        cmocka_unit_test(bad_files_are_named),
    };
    return cmocka_run_group_tests(tests, make_certs, remove_certs);
}
