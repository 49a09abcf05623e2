/* Throw-away certificates for tests. */
#include "support/certs.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool write_pem(const char *path, X509 *cert, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    bool is_ok = cert ? PEM_write_X509(file, cert) == 1
                      : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
    return fclose(file) == 0 && is_ok;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool is_ok = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_ok;
}

/* issuer NULL: self-signed. */
static X509 *make_cert(const char *name, long serial, EVP_PKEY *key, X509 *issuer,
                       EVP_PKEY *issuer_key)
{
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    bool is_ok = issuer ? add_extension(cert, issuer, NID_subject_alt_name,
                                        "DNS:localhost,IP:127.0.0.1,IP:::1")
                        : add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
    if (is_ok && X509_sign(cert, issuer_key ? issuer_key : key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

bool test_certs_make(struct test_certs *c)
{
    snprintf(c->folder, sizeof c->folder, "/tmp/certs.XXXXXX");
    if (!mkdtemp(c->folder))
        return false;
    snprintf(c->ca, sizeof c->ca, "%s/ca.pem", c->folder);
    snprintf(c->server_cert, sizeof c->server_cert, "%s/server.pem", c->folder);
    snprintf(c->server_key, sizeof c->server_key, "%s/server.key", c->folder);
    snprintf(c->client_cert, sizeof c->client_cert, "%s/client.pem", c->folder);
    snprintf(c->client_key, sizeof c->client_key, "%s/client.key", c->folder);
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *server_key = EVP_EC_gen("P-256"),
             *client_key = EVP_EC_gen("P-256");
    X509 *ca = make_cert("test CA", 1, ca_key, NULL, NULL);
    X509 *server = ca ? make_cert("server", 2, server_key, ca, ca_key) : NULL;
    X509 *client = ca ? make_cert("client", 3, client_key, ca, ca_key) : NULL;
    bool is_ok =
        server && client && write_pem(c->ca, ca, NULL) && write_pem(c->server_cert, server, NULL) &&
        write_pem(c->server_key, NULL, server_key) && write_pem(c->client_cert, client, NULL) &&
        write_pem(c->client_key, NULL, client_key);
    X509_free(ca);
    X509_free(server);
    X509_free(client);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(server_key);
    EVP_PKEY_free(client_key);
    return is_ok;
}

void test_certs_remove(struct test_certs *c)
{
    const char *const files[] = {c->ca, c->server_cert, c->server_key, c->client_cert,
                                 c->client_key};
    for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++)
        unlink(files[i]);
    rmdir(c->folder);
}
