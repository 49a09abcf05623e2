/*
 * SHA-256 by OpenSSL's plain functions. The EVP ones that replace them start the whole library
 * (providers, error texts, its configuration file): 2 MiB resident in a router without TLS.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/sha256.h"

#include <openssl/sha.h>

enum sl_rc sl_sha256_hex(sl_str bytes, char out[65])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256_CTX state;
    if (!SHA256_Init(&state) || !SHA256_Update(&state, bytes.n ? bytes.p : "", bytes.n) ||
        !SHA256_Final(digest, &state))
        return SL_NOMEM;
    for (size_t i = 0; i < sizeof(digest); i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[64] = 0;
    return SL_OK;
}
