/*
 * Byte streams over non-blocking sockets. Plaintext is recvmsg/sendmsg and nothing else; TLS is an
 * OpenSSL object over a BIO of our own, because the stock socket BIO raises SIGPIPE.
 */
#include "net/stream.h"

#include "net/address.h"
#include "net/tls.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RECORD_BYTES 16384
#define MAX_PIECES   64 /* iovecs passed to one system call */

struct sl_stream {
    int fd;
    bool is_drained;
    bool is_handshaken;
    int error_number; /* errno of the last failure, 0: see reason */
    SSL *ssl;         /* NULL: plaintext */
    struct sl_tls_context *tls;
    const char *reason; /* static text */
    char *owned_reason; /* composed text, or NULL */
};

static int bio_write(BIO *bio, const char *from, int n)
{
    struct sl_stream *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t sent = send(s->fd, from, (size_t)n, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN))
        BIO_set_retry_write(bio);
    else if (sent < 0)
        s->error_number = errno;
    return (int)sent;
}

static int bio_read(BIO *bio, char *to, int n)
{
    struct sl_stream *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t got = recv(s->fd, to, (size_t)n, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN))
        BIO_set_retry_read(bio);
    else if (got < 0)
        s->error_number = errno;
    else if (got == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return (int)got;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *stream_bio_method;

__attribute__((constructor)) static void make_bio_method(void)
{
    stream_bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    if (!stream_bio_method)
        return;
    BIO_meth_set_write(stream_bio_method, bio_write);
    BIO_meth_set_read(stream_bio_method, bio_read);
    BIO_meth_set_ctrl(stream_bio_method, bio_ctrl);
}

/* SNI takes names only; the certificate is checked against the name or the address. */
static bool set_peer(SSL *ssl, sl_str host)
{
    char name[256];
    if (host.n == 0)
        return true;
    if (host.n >= sizeof name)
        return false;
    memcpy(name, host.p, host.n);
    name[host.n] = 0;
    struct sl_address address;
    if (sl_address_parse(host, 0, &address)) {
        char text[SL_ADDRESS_TEXT_BYTES];
        sl_address_print(&address, text);
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), text) == 1;
    }
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

static bool start_tls(struct sl_stream *s, struct sl_tls_context *tls, bool is_server, sl_str host)
{
    s->ssl = SSL_new(sl_tls_raw(tls));
    BIO *bio = s->ssl && stream_bio_method ? BIO_new(stream_bio_method) : NULL;
    if (!bio)
        return false;
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio);
    s->tls = sl_tls_ref(tls);
    if (is_server) {
        SSL_set_accept_state(s->ssl);
        return true;
    }
    SSL_set_connect_state(s->ssl);
    return set_peer(s->ssl, host);
}

struct sl_stream *sl_stream_new(int fd, struct sl_tls_context *tls, bool is_server, sl_str host)
{
    struct sl_stream *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->fd = fd;
    s->is_handshaken = !tls;
    if (tls && !start_tls(s, tls, is_server, host)) {
        SSL_free(s->ssl);
        sl_tls_unref(s->tls);
        free(s);
        return NULL;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return s;
}

void sl_stream_close(struct sl_stream *s)
{
    if (!s)
        return;
    SSL_free(s->ssl);
    sl_tls_unref(s->tls);
    close(s->fd);
    free(s->owned_reason);
    free(s);
}

void sl_stream_reset(struct sl_stream *s)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (s)
        setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    sl_stream_close(s);
}

int sl_stream_fd(const struct sl_stream *s)
{
    return s->fd;
}

/* Why the handshake failed: what certificate verification said, else OpenSSL's reason. */
static void explain_tls(struct sl_stream *s)
{
    long verdict = SSL_get_verify_result(s->ssl);
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    s->reason = reason ? reason : s->error_number ? NULL : "TLS connection ended";
    if (verdict == X509_V_OK || s->is_handshaken)
        return;
    free(s->owned_reason);
    if (asprintf(&s->owned_reason, "certificate refused: %s",
                 X509_verify_cert_error_string(verdict)) < 0)
        s->owned_reason = NULL;
}

static enum sl_rc tls_result(struct sl_stream *s, int result)
{
    switch (SSL_get_error(s->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return SL_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return SL_EOF;
    default:
        explain_tls(s);
        ERR_clear_error();
        return SL_IO;
    }
}

enum sl_rc sl_stream_handshake(struct sl_stream *s)
{
    if (s->is_handshaken)
        return SL_OK;
    ERR_clear_error();
    int result = SSL_do_handshake(s->ssl);
    if (result == 1) {
        s->is_handshaken = true;
        return SL_OK;
    }
    enum sl_rc rc = tls_result(s, result);
    return rc == SL_EOF ? SL_IO : rc;
}

sl_str sl_stream_alpn(const struct sl_stream *s)
{
    const unsigned char *name = NULL;
    unsigned n = 0;
    if (s->ssl)
        SSL_get0_alpn_selected(s->ssl, &name, &n);
    return name ? sl_str_of(name, n) : SL_STR("");
}

const char *sl_stream_error(const struct sl_stream *s)
{
    if (s->owned_reason)
        return s->owned_reason;
    if (s->reason)
        return s->reason;
    const char *name = strerrordesc_np(s->error_number);
    return s->error_number && name ? name : "no error";
}

bool sl_stream_is_drained(const struct sl_stream *s)
{
    return s->is_drained;
}

static enum sl_rc system_failure(struct sl_stream *s)
{
    if (errno == EAGAIN || errno == EINTR || errno == ENOTCONN)
        return SL_AGAIN;
    s->error_number = errno;
    return SL_IO;
}

enum sl_rc sl_stream_read(struct sl_stream *s, void *to, size_t n, size_t *got)
{
    if (!s->ssl) {
        ssize_t result = recv(s->fd, to, n, 0);
        s->is_drained = result < (ssize_t)n;
        if (result <= 0)
            return result == 0 && n > 0 ? SL_EOF : system_failure(s);
        *got = (size_t)result;
        return SL_OK;
    }
    ERR_clear_error();
    int result = SSL_read_ex(s->ssl, to, n, got);
    s->is_drained = false;
    if (result == 1)
        return SL_OK;
    enum sl_rc rc = tls_result(s, result);
    s->is_drained = rc == SL_AGAIN;
    return rc;
}

static enum sl_rc plain_writev(struct sl_stream *s, const struct iovec *iov, size_t n, size_t *sent)
{
    struct msghdr message = {
        .msg_iov = (struct iovec *)(uintptr_t)iov,
        .msg_iovlen = n < MAX_PIECES ? n : MAX_PIECES,
    };
    ssize_t result = n == 1 ? send(s->fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL)
                            : sendmsg(s->fd, &message, MSG_NOSIGNAL);
    if (result < 0)
        return system_failure(s);
    *sent = (size_t)result;
    return SL_OK;
}

/* A place in a list of pieces. */
struct cursor {
    const struct iovec *iov;
    size_t n;
    size_t offset; /* into iov[0] */
};

static void skip(struct cursor *c, size_t bytes)
{
    while (c->n && bytes >= c->iov->iov_len - c->offset) {
        bytes -= c->iov->iov_len - c->offset;
        c->iov++;
        c->n--;
        c->offset = 0;
    }
    if (c->n)
        c->offset += bytes;
}

static size_t gather(struct cursor c, char *to, size_t room)
{
    size_t filled = 0;
    while (c.n && filled < room) {
        size_t take = c.iov->iov_len - c.offset;
        if (take > room - filled)
            take = room - filled;
        if (take)
            memcpy(to + filled, (const char *)c.iov->iov_base + c.offset, take);
        filled += take;
        skip(&c, take);
    }
    return filled;
}

/* One record's worth a step: in place when the first piece fills it, else joined on the stack. */
static enum sl_rc tls_writev(struct sl_stream *s, const struct iovec *iov, size_t n, size_t *sent)
{
    struct cursor at = {iov, n, 0};
    size_t total = 0;
    skip(&at, 0);
    while (at.n) {
        char joined[RECORD_BYTES];
        const char *from = (const char *)at.iov->iov_base + at.offset;
        size_t bytes = at.iov->iov_len - at.offset, written = 0;
        if (bytes >= RECORD_BYTES)
            bytes = RECORD_BYTES;
        else if (at.n > 1)
            bytes = gather(at, joined, sizeof joined), from = joined;
        ERR_clear_error();
        int result = SSL_write_ex(s->ssl, from, bytes, &written);
        if (result != 1) {
            enum sl_rc rc = tls_result(s, result);
            if (total && rc == SL_AGAIN)
                break;
            return rc == SL_EOF ? SL_IO : rc;
        }
        total += written;
        skip(&at, written);
    }
    *sent = total;
    return SL_OK;
}

enum sl_rc sl_stream_writev(struct sl_stream *s, const struct iovec *iov, size_t n, size_t *sent)
{
    return s->ssl ? tls_writev(s, iov, n, sent) : plain_writev(s, iov, n, sent);
}

enum sl_rc sl_stream_shutdown(struct sl_stream *s)
{
    if (s->ssl && s->is_handshaken) {
        ERR_clear_error();
        int result = SSL_shutdown(s->ssl);
        enum sl_rc rc = result < 0 ? tls_result(s, result) : SL_OK;
        if (rc == SL_AGAIN)
            return rc;
    }
    return shutdown(s->fd, SHUT_WR) == 0 ? SL_OK : SL_IO;
}
