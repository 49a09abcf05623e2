/*
 * TLS contexts over OpenSSL 3. Sessions are resumed by stateless tickets only, read and write
 * buffers are given back while a connection is idle, and a partial write reports what it took.
 */
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdlib.h>

struct sl_tls_context {
    SSL_CTX *raw;
    atomic_uint refs;
    unsigned char alpn[64]; /* wire form: length byte, name, ... */
    unsigned alpn_bytes;
};

static enum sl_rc fail(struct sl_err *err, const char *what, const char *file)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    enum sl_rc rc = sl_err_set(err, SL_INVALID, "%s %s: %s", what, file ? file : "",
                               reason ? reason : "not usable");
    ERR_clear_error();
    return rc;
}

static enum sl_rc set_alpn(struct sl_tls_context *c, const char *names, struct sl_err *err)
{
    sl_str rest = sl_str_from(names ? names : "http/1.1"), name;
    while (sl_str_split(&rest, ',', &name)) {
        if (name.n == 0 || name.n + 1 > sizeof c->alpn - c->alpn_bytes)
            return sl_err_set(err, SL_INVALID, "ALPN list \"%s\" is empty or too long", names);
        c->alpn[c->alpn_bytes++] = (unsigned char)name.n;
        memcpy(c->alpn + c->alpn_bytes, name.p, name.n);
        c->alpn_bytes += (unsigned)name.n;
    }
    return SL_OK;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *n,
                       const unsigned char *offered, unsigned n_offered, void *arg)
{
    (void)ssl;
    const struct sl_tls_context *c = arg;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, n, c->alpn, c->alpn_bytes, offered, n_offered) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static enum sl_rc new_context(struct sl_tls_context **out, const SSL_METHOD *method,
                              const char *alpn, struct sl_err *err)
{
    struct sl_tls_context *c = calloc(1, sizeof *c);
    if (!c)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    atomic_init(&c->refs, 1);
    c->raw = SSL_CTX_new(method);
    enum sl_rc rc = c->raw ? set_alpn(c, alpn, err) : sl_err_set(err, SL_NOMEM, "out of memory");
    if (rc != SL_OK) {
        sl_tls_unref(c);
        return rc;
    }
    SSL_CTX_set_min_proto_version(c->raw, TLS1_2_VERSION);
    SSL_CTX_set_mode(c->raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(c->raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_read_ahead(c->raw, 1);
    SSL_CTX_set_session_cache_mode(c->raw, SSL_SESS_CACHE_OFF);
    *out = c;
    return SL_OK;
}

static enum sl_rc load_identity(SSL_CTX *raw, const char *cert, const char *key, struct sl_err *err)
{
    ERR_clear_error();
    if (!cert || SSL_CTX_use_certificate_chain_file(raw, cert) != 1)
        return fail(err, "certificate", cert);
    if (!key || SSL_CTX_use_PrivateKey_file(raw, key, SSL_FILETYPE_PEM) != 1)
        return fail(err, "private key", key);
    if (SSL_CTX_check_private_key(raw) != 1)
        return fail(err, "the private key does not belong to certificate", cert);
    return SL_OK;
}

static enum sl_rc require_clients(SSL_CTX *raw, const char *ca_file, struct sl_err *err)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(ca_file);
    if (!names || SSL_CTX_load_verify_file(raw, ca_file) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return fail(err, "client CA", ca_file);
    }
    SSL_CTX_set_client_CA_list(raw, names);
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return SL_OK;
}

enum sl_rc sl_tls_server_create(struct sl_tls_context **out,
                                const struct sl_tls_server_options *options, struct sl_err *err)
{
    struct sl_tls_context *c;
    enum sl_rc rc = new_context(&c, TLS_server_method(), options->alpn, err);
    if (rc != SL_OK)
        return rc;
    SSL_CTX_set_num_tickets(c->raw, 1);
    SSL_CTX_set_alpn_select_cb(c->raw, choose_alpn, c);
    static const unsigned char session_id[] = "sluice";
    SSL_CTX_set_session_id_context(c->raw, session_id, sizeof session_id - 1);
    rc = load_identity(c->raw, options->cert_file, options->key_file, err);
    if (rc == SL_OK && options->client_ca_file)
        rc = require_clients(c->raw, options->client_ca_file, err);
    if (rc != SL_OK) {
        sl_tls_unref(c);
        return rc;
    }
    *out = c;
    return SL_OK;
}

static enum sl_rc set_trust(SSL_CTX *raw, const struct sl_tls_client_options *options,
                            struct sl_err *err)
{
    if (options->skips_verification) {
        SSL_CTX_set_verify(raw, SSL_VERIFY_NONE, NULL);
        return SL_OK;
    }
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, NULL);
    ERR_clear_error();
    if (options->ca_file)
        return SSL_CTX_load_verify_file(raw, options->ca_file) == 1
                   ? SL_OK
                   : fail(err, "CA file", options->ca_file);
    return SSL_CTX_set_default_verify_paths(raw) == 1 ? SL_OK
                                                      : fail(err, "the system's roots", NULL);
}

enum sl_rc sl_tls_client_create(struct sl_tls_context **out,
                                const struct sl_tls_client_options *options, struct sl_err *err)
{
    struct sl_tls_context *c;
    enum sl_rc rc = new_context(&c, TLS_client_method(), options->alpn, err);
    if (rc != SL_OK)
        return rc;
    SSL_CTX_set_alpn_protos(c->raw, c->alpn, c->alpn_bytes);
    rc = set_trust(c->raw, options, err);
    if (rc == SL_OK && options->cert_file)
        rc = load_identity(c->raw, options->cert_file, options->key_file, err);
    if (rc != SL_OK) {
        sl_tls_unref(c);
        return rc;
    }
    *out = c;
    return SL_OK;
}

struct sl_tls_context *sl_tls_ref(struct sl_tls_context *context)
{
    if (context)
        atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
    return context;
}

void sl_tls_unref(struct sl_tls_context *context)
{
    if (!context || atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(context->raw);
    free(context);
}

struct ssl_ctx_st *sl_tls_raw(const struct sl_tls_context *context)
{
    return context->raw;
}
