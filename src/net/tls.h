/*
 * TLS contexts: certificates, trust and protocol choices shared by many streams. Refcounted and
 * immutable, so that a reload can swap one while streams still use the old. Any thread.
 */
#ifndef SL_NET_TLS_H
#define SL_NET_TLS_H

#include "base/err.h"

struct sl_tls_context;

struct sl_tls_server_options {
    const char *cert_file;      /* PEM chain, leaf first */
    const char *key_file;       /* PEM */
    const char *client_ca_file; /* NULL: clients show no certificate; else they must (mTLS) */
    const char *alpn;           /* "h2,http/1.1", preferred first; NULL: "http/1.1" */
};

struct sl_tls_client_options {
    const char *ca_file;   /* NULL: the system's roots */
    const char *cert_file; /* our own certificate for mTLS, or NULL */
    const char *key_file;
    const char *alpn;        /* as above */
    bool skips_verification; /* trusts every certificate; must be asked for */
};

/* TLS 1.2 and later. err names the file and what is wrong with it. */
SL_MUST_USE enum sl_rc sl_tls_server_create(struct sl_tls_context **out,
                                            const struct sl_tls_server_options *options,
                                            struct sl_err *err);
SL_MUST_USE enum sl_rc sl_tls_client_create(struct sl_tls_context **out,
                                            const struct sl_tls_client_options *options,
                                            struct sl_err *err);

struct sl_tls_context *sl_tls_ref(struct sl_tls_context *context);
void sl_tls_unref(struct sl_tls_context *context); /* NULL is fine */

/* For stream.c: the SSL_CTX behind it. */
struct ssl_ctx_st *sl_tls_raw(const struct sl_tls_context *context);

#endif
