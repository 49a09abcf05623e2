/* SHA-256 of bytes in memory (FIPS 180-4), over OpenSSL. Pure; any thread. */
#ifndef SL_CRYPTO_SHA256_H
#define SL_CRYPTO_SHA256_H

#include "base/rc.h"
#include "base/str.h"

/* 64 lower-case hexadecimal digits and a NUL. */
SL_MUST_USE enum sl_rc sl_sha256_hex(sl_str bytes, char out[65]);

#endif
