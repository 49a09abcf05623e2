/*
 * Throw-away certificates for tests: a CA, a server certificate for localhost, 127.0.0.1 and ::1,
 * and a client certificate, written as PEM files into a fresh temporary folder.
 */
#ifndef SL_TESTS_CERTS_H
#define SL_TESTS_CERTS_H

#include <stdbool.h>

struct test_certs {
    char folder[64];
    char ca[96], server_cert[96], server_key[96], client_cert[96], client_key[96];
};

bool test_certs_make(struct test_certs *certs);
void test_certs_remove(struct test_certs *certs);

#endif
