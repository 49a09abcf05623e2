/*
 * Skips to the next byte that lies in one of a few ranges: sixteen bytes at a time where the
 * compiler has SSE2, far ones by what the processor has (byteskip.c), else one by one.
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

/* The top bit of every byte of a block of sixteen. */
#define sl_movemask16(block) ((uint16_t)_mm_movemask_epi8((__m128i)(block)))

/* Bytes of a block that lie in one of the ranges: 0xff. */
static inline __attribute__((always_inline)) __m128i
sl_byteskip_hits(__m128i block, const __m128i *low, const __m128i *span, uint32_t n_ranges)
{
    __m128i hit = _mm_setzero_si128();
    for (uint32_t r = 0; r < n_ranges; r++) {
        __m128i off = _mm_sub_epi8(block, low[r]);
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(off, span[r]), off));
    }
    return hit;
}

/*
 * The same from `at` on by the widest vectors this processor has; for where nothing is near, since
 * it costs a call. n_ranges is 1 to 4.
 */
size_t sl_byteskip_far(const unsigned char *p, size_t at, size_t n, const struct sl_range *ranges,
                       uint32_t n_ranges);

static inline __attribute__((always_inline)) size_t sl_byteskip_n(const unsigned char *p, size_t at,
                                                                  size_t n,
                                                                  const struct sl_range *ranges,
                                                                  uint32_t n_ranges)
{
    enum { NEAR = 4 }; /* blocks looked at before the call pays */
    __m128i low[4], span[4];
    for (uint32_t r = 0; r < n_ranges; r++) {
        low[r] = _mm_set1_epi8((char)ranges[r].low);
        span[r] = _mm_set1_epi8((char)(ranges[r].high - ranges[r].low));
    }
    for (int k = 0; k < NEAR && at + 16 <= n; k++, at += 16) {
        const __m128i *from = (const __m128i *)(const void *)(p + at);
        int mask = _mm_movemask_epi8(sl_byteskip_hits(_mm_loadu_si128(from), low, span, n_ranges));
        if (mask)
            return at + (size_t)__builtin_ctz((unsigned)mask);
    }
    return at + 16 <= n ? sl_byteskip_far(p, at, n, ranges, n_ranges)
                        : sl_byteskip_tail(p, at, n, ranges, n_ranges);
}

/* One loop a number of ranges, so that their bounds stay in registers. */
static inline size_t sl_byteskip(const unsigned char *p, size_t at, size_t n,
                                 const struct sl_range *ranges, uint32_t n_ranges)
{
    switch (n_ranges) {
    case 1:
        return sl_byteskip_n(p, at, n, ranges, 1);
    case 2:
        return sl_byteskip_n(p, at, n, ranges, 2);
    case 3:
        return sl_byteskip_n(p, at, n, ranges, 3);
    default:
        return sl_byteskip_n(p, at, n, ranges, 4);
    }
}
#else
#define sl_movemask16(block)                                                                       \
    ({                                                                                             \
        uint16_t mask_ = 0;                                                                        \
        for (int at_ = 0; at_ < 16; at_++)                                                         \
            mask_ |= (uint16_t)(((block)[at_] >> 7 & 1) << at_);                                   \
        mask_;                                                                                     \
    })

static inline size_t sl_byteskip(const unsigned char *p, size_t at, size_t n,
                                 const struct sl_range *ranges, uint32_t n_ranges)
{
    return sl_byteskip_tail(p, at, n, ranges, n_ranges);
}
#endif

#endif
