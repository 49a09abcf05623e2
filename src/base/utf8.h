/*
 * UTF-8. Decoding accepts any bytes: a malformed sequence counts as one U+FFFD of one byte, so a
 * walk over foreign bytes always ends and never reads past them.
 */
#ifndef SL_BASE_UTF8_H
#define SL_BASE_UTF8_H

#include "base/str.h"

#define SL_UTF8_BAD 0xfffdu

/* A sequence of several bytes at p (p < end): its code point, and its length in *n. */
uint32_t sl_utf8_decode_long(const unsigned char *p, const unsigned char *end, unsigned *n);

/* The code point at byte `at` (at < s.n) and its length in *n. */
static inline uint32_t sl_utf8_at(sl_str s, size_t at, unsigned *n)
{
    const unsigned char *p = (const unsigned char *)s.p + at;
    if (*p < 0x80) {
        *n = 1;
        return *p;
    }
    return sl_utf8_decode_long(p, (const unsigned char *)s.p + s.n, n);
}

/* The code point that ends before byte `at` (0 < at <= s.n) and its length in *n. */
uint32_t sl_utf8_before(sl_str s, size_t at, unsigned *n);

/* Offset of the first malformed byte (RFC 3629: no surrogates, no overlong forms), or s.n. */
size_t sl_utf8_valid_prefix(sl_str s);

static inline bool sl_utf8_is_valid(sl_str s)
{
    return sl_utf8_valid_prefix(s) == s.n;
}

/* Number of code points; every malformed byte counts as one. */
size_t sl_utf8_count(sl_str s);

/* Writes 1 to 4 bytes; the caller has room. Values beyond U+10FFFF become U+FFFD. */
unsigned sl_utf8_encode(uint32_t code_point, char out[4]);

#endif
