/*
 * Far skips: 64 bytes a step with AVX-512, 32 with AVX2, else 16. Chosen at the first call; the
 * choice is the same in every thread, so that a race stores the same pointer.
 */
#include "match/byteskip.h"

#ifdef __SSE2__
#include <immintrin.h>
#include <stdatomic.h>

typedef size_t skip_fn(const unsigned char *p, size_t at, size_t n, const struct sl_range *ranges,
                       uint32_t n_ranges);

static size_t skip_sse2(const unsigned char *p, size_t at, size_t n, const struct sl_range *ranges,
                        uint32_t n_ranges)
{
    __m128i low[4], span[4];
    for (uint32_t r = 0; r < n_ranges; r++) {
        low[r] = _mm_set1_epi8((char)ranges[r].low);
        span[r] = _mm_set1_epi8((char)(ranges[r].high - ranges[r].low));
    }
    for (; at + 16 <= n; at += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(p + at));
        int mask = _mm_movemask_epi8(sl_byteskip_hits(block, low, span, n_ranges));
        if (mask)
            return at + (size_t)__builtin_ctz((unsigned)mask);
    }
    return sl_byteskip_tail(p, at, n, ranges, n_ranges);
}

/*
 * The wide loops are written for a constant number of ranges and inlined once for each, so that
 * their bounds stay in registers.
 */
#define FOR_EACH_NUMBER_OF_RANGES(loop)                                                            \
    switch (n_ranges) {                                                                            \
    case 1:                                                                                        \
        return loop(p, at, n, ranges, 1);                                                          \
    case 2:                                                                                        \
        return loop(p, at, n, ranges, 2);                                                          \
    case 3:                                                                                        \
        return loop(p, at, n, ranges, 3);                                                          \
    default:                                                                                       \
        return loop(p, at, n, ranges, 4);                                                          \
    }

__attribute__((target("avx2"), always_inline)) static inline size_t
loop_avx2(const unsigned char *p, size_t at, size_t n, const struct sl_range *ranges,
          uint32_t n_ranges)
{
    __m256i low[4], span[4];
    for (uint32_t r = 0; r < n_ranges; r++) {
        low[r] = _mm256_set1_epi8((char)ranges[r].low);
        span[r] = _mm256_set1_epi8((char)(ranges[r].high - ranges[r].low));
    }
    for (; n - at >= 32; at += 32) {
        __m256i block = _mm256_loadu_si256((const __m256i *)(const void *)(p + at));
        __m256i hit = _mm256_setzero_si256();
        for (uint32_t r = 0; r < n_ranges; r++) {
            __m256i off = _mm256_sub_epi8(block, low[r]);
            hit = _mm256_or_si256(hit, _mm256_cmpeq_epi8(_mm256_min_epu8(off, span[r]), off));
        }
        unsigned mask = (unsigned)_mm256_movemask_epi8(hit);
        if (mask)
            return at + (size_t)__builtin_ctz(mask);
    }
    return sl_byteskip_tail(p, at, n, ranges, n_ranges);
}

__attribute__((target("avx2"))) static size_t skip_avx2(const unsigned char *p, size_t at, size_t n,
                                                        const struct sl_range *ranges,
                                                        uint32_t n_ranges)
{
    FOR_EACH_NUMBER_OF_RANGES(loop_avx2)
}

__attribute__((target("avx512f,avx512bw"), always_inline)) static inline __mmask64
hits_avx512(__m512i block, const __m512i *low, const __m512i *span, uint32_t n_ranges)
{
    __mmask64 hit = 0;
    for (uint32_t r = 0; r < n_ranges; r++)
        hit |= _mm512_cmple_epu8_mask(_mm512_sub_epi8(block, low[r]), span[r]);
    return hit;
}

__attribute__((target("avx512f,avx512bw"), always_inline)) static inline size_t
loop_avx512(const unsigned char *p, size_t at, size_t n, const struct sl_range *ranges,
            uint32_t n_ranges)
{
    __m512i low[4], span[4];
    for (uint32_t r = 0; r < n_ranges; r++) {
        low[r] = _mm512_set1_epi8((char)ranges[r].low);
        span[r] = _mm512_set1_epi8((char)(ranges[r].high - ranges[r].low));
    }
    for (; n - at >= 128; at += 128) {
        __mmask64 near = hits_avx512(_mm512_loadu_si512(p + at), low, span, n_ranges);
        __mmask64 far = hits_avx512(_mm512_loadu_si512(p + at + 64), low, span, n_ranges);
        if (near | far)
            return at + (size_t)(near ? __builtin_ctzll(near) : 64 + __builtin_ctzll(far));
    }
    for (; at < n; at += 64) {
        __mmask64 inside = n - at >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << (n - at)) - 1;
        __m512i block = _mm512_maskz_loadu_epi8(inside, p + at);
        __mmask64 hit = hits_avx512(block, low, span, n_ranges) & inside;
        if (hit)
            return at + (size_t)__builtin_ctzll(hit);
    }
    return n;
}

__attribute__((target("avx512f,avx512bw"))) static size_t skip_avx512(const unsigned char *p,
                                                                      size_t at, size_t n,
                                                                      const struct sl_range *ranges,
                                                                      uint32_t n_ranges)
{
    FOR_EACH_NUMBER_OF_RANGES(loop_avx512)
}

static skip_fn *choose(void)
{
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
        return skip_avx512;
    return __builtin_cpu_supports("avx2") ? skip_avx2 : skip_sse2;
}

size_t sl_byteskip_far(const unsigned char *p, size_t at, size_t n, const struct sl_range *ranges,
                       uint32_t n_ranges)
{
    static _Atomic(skip_fn *) chosen;
    skip_fn *skip = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (!skip) {
        skip = choose();
        atomic_store_explicit(&chosen, skip, memory_order_relaxed);
    }
    return skip(p, at, n, ranges, n_ranges);
}
#else
typedef int sl_byteskip_has_no_far_skips;
#endif
