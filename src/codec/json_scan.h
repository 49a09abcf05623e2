/*
 * Kernels of the JSON parser: the two loops that touch every byte. One file per instruction set;
 * json_scan_ref.c is portable and is what the others are compared with. Pure; safe from any
 * thread.
 */
#ifndef SL_CODEC_JSON_SCAN_H
#define SL_CODEC_JSON_SCAN_H

#include "base/rc.h"
#include "base/str.h"

struct sl_json_scan {
    const char *name; /* "ref", "avx2", "avx512" */
    /*
     * From p (inside a string) to its closing quote, over valid escapes; sets *flags to
     * SL_JSON_ESCAPED when it met one. Returns the quote, or the first byte that may not stand
     * there: a control character, the backslash of a bad escape, or end.
     */
    const char *(*string)(const char *p, const char *end, uint32_t *flags);
    /* Offset of the first byte that is not part of well-formed UTF-8 (RFC 3629), or n. */
    size_t (*utf8)(const char *p, size_t n);
};

extern const struct sl_json_scan sl_json_scan_ref;
#if defined(__x86_64__)
extern const struct sl_json_scan sl_json_scan_avx2;
extern const struct sl_json_scan sl_json_scan_avx512;
#endif

/* The best set for this processor; chosen once. */
const struct sl_json_scan *sl_json_scan_best(void);

/* Every set this processor can run, the portable one first; NULL-terminated. */
const struct sl_json_scan *const *sl_json_scan_all(void);

static inline uint64_t sl_load_le64(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = __builtin_bswap64(w);
#endif
    return w;
}

/*
 * High bit set in each byte of w that ends a plain run in a string: quote, backslash or control.
 * Only the lowest set bit is exact (a borrow may mark the bytes above it).
 */
static inline uint64_t sl_json_special8(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
    return (((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((w - ones * 0x20) & ~w)) &
           high;
}

static inline bool sl_is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Behind the escape that begins at p (a backslash), or NULL when it is none. */
static inline const char *sl_json_skip_escape(const char *p, const char *end)
{
    if (end - p < 2)
        return NULL;
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 2;
    case 'u':
        if (end - p < 6)
            return NULL;
        return sl_is_hex(p[2]) && sl_is_hex(p[3]) && sl_is_hex(p[4]) && sl_is_hex(p[5]) ? p + 6
                                                                                        : NULL;
    default:
        return NULL;
    }
}

#endif
