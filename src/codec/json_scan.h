/*
 * Kernels of the JSON parser: the two loops that touch every byte. One file per instruction set;
 * json_scan_ref.c is portable and is what the others are compared with. Pure; safe from any
 * thread.
 */
#ifndef SL_CODEC_JSON_SCAN_H
#define SL_CODEC_JSON_SCAN_H

#include "base/rc.h"
#include "base/str.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

/*
 * Of the bytes of a string that begin at p, the first 16 (or 8, see SL_JSON_PEEK): offset of the
 * first that ends a plain run, or SL_JSON_PEEK. Most keys end here.
 */
#if defined(__SSE2__)
#define SL_JSON_PEEK 16
static inline unsigned sl_json_peek(const char *p)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    unsigned special =
        (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), control));
    return (unsigned)__builtin_ctz(special | 1u << SL_JSON_PEEK);
}

/* How many of the bytes at p are blanks, up to SL_JSON_PEEK. */
static inline unsigned sl_json_peek_blanks(const char *p)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i space = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(' '));
    __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
    __m128i lf = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'));
    __m128i cr = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r'));
    __m128i blank = _mm_or_si128(_mm_or_si128(space, tab), _mm_or_si128(lf, cr));
    return (unsigned)__builtin_ctz(~(unsigned)_mm_movemask_epi8(blank));
}
#else
#define SL_JSON_PEEK 8
static inline unsigned sl_json_peek(const char *p)
{
    uint64_t special = sl_json_special8(sl_load_le64(p));
    return special ? (unsigned)(__builtin_ctzll(special) >> 3) : SL_JSON_PEEK;
}

static inline unsigned sl_json_peek_blanks(const char *p)
{
    unsigned n = 0;
    while (n < SL_JSON_PEEK && (p[n] == ' ' || p[n] == '\n' || p[n] == '\r' || p[n] == '\t'))
        n++;
    return n;
}
#endif

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
