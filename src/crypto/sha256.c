/* SHA-256 through OpenSSL's one-shot digest. */
#include "crypto/sha256.h"

#include <openssl/evp.h>

enum sl_rc sl_sha256_hex(sl_str bytes, char out[65])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!EVP_Digest(bytes.n ? bytes.p : "", bytes.n, digest, &n, EVP_sha256(), NULL) || n != 32)
        return SL_NOMEM;
    for (unsigned i = 0; i < n; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[64] = 0;
    return SL_OK;
}
