/*
 * Skips to the next byte that lies in one of a few ranges: sixteen bytes at a time where the
 * compiler has SSE2, else one by one.
 */
#ifndef SL_MATCH_BYTESKIP_H
#define SL_MATCH_BYTESKIP_H

#include "match/charset.h"

static inline size_t sl_byteskip_tail(const unsigned char *p, size_t at, size_t n,
                                      const struct sl_range *ranges, uint32_t n_ranges)
{
    for (; at < n; at++)
        for (uint32_t r = 0; r < n_ranges; r++)
            if (p[at] >= ranges[r].low && p[at] <= ranges[r].high)
                return at;
    return n;
}

#ifdef __SSE2__
#include <emmintrin.h>

static inline size_t sl_byteskip(const unsigned char *p, size_t at, size_t n,
                                 const struct sl_range *ranges, uint32_t n_ranges)
{
    __m128i low[4], span[4];
    for (uint32_t r = 0; r < n_ranges; r++) {
        low[r] = _mm_set1_epi8((char)ranges[r].low);
        span[r] = _mm_set1_epi8((char)(ranges[r].high - ranges[r].low));
    }
    for (; at + 16 <= n; at += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(p + at));
        __m128i hit = _mm_setzero_si128();
        for (uint32_t r = 0; r < n_ranges; r++) {
            __m128i off = _mm_sub_epi8(block, low[r]);
            hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(off, span[r]), off));
        }
        int mask = _mm_movemask_epi8(hit);
        if (mask)
            return at + (size_t)__builtin_ctz((unsigned)mask);
    }
    return sl_byteskip_tail(p, at, n, ranges, n_ranges);
}
#else
static inline size_t sl_byteskip(const unsigned char *p, size_t at, size_t n,
                                 const struct sl_range *ranges, uint32_t n_ranges)
{
    return sl_byteskip_tail(p, at, n, ranges, n_ranges);
}
#endif

#endif
