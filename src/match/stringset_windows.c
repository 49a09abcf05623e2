/*
 * The filter for many strings: at every place, the bit of the window's hash, and that of the first
 * two bytes when there are short strings. 8 or 16 places at once with AVX2 or AVX-512, which
 * gather.
 */
#include "match/stringset_parts.h"

#define BLOCK 64 /* places between two looks at what was found */

static size_t look_one_by_one(const struct sl_stringset_run *r, const char *p, size_t n,
                              size_t base)
{
    const struct sl_stringset *set = r->set;
    unsigned shift = 32 - set->n_bits;
    size_t at = 0;
    for (; n - at >= BLOCK + SL_WINDOW; at += BLOCK) {
        uint64_t places = 0;
        for (unsigned i = 0; set->longs && i < BLOCK; i++)
            places |= (uint64_t)sl_window_bit(set->longs, sl_window_hash(p + at + i) >> shift) << i;
        for (unsigned i = 0; set->pairs && i < BLOCK; i++)
            places |= (uint64_t)sl_window_bit(set->pairs, sl_window_pair(p + at + i)) << i;
        if (SL_UNLIKELY(places))
            sl_stringset_verify(r, p + at, base + at, places);
    }
    return at;
}

#ifdef __x86_64__
#include <immintrin.h>

__attribute__((target("avx512f,avx512bw"))) static size_t
look_avx512(const struct sl_stringset_run *r, const char *p, size_t n, size_t base)
{
    const struct sl_stringset *set = r->set;
    const __m512i spread = _mm512_setr_epi32(0, 1, 0, 0, 1, 2, 0, 0, 2, 3, 0, 0, 3, 4, 0, 0);
    const __m512i slide =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6));
    const __m512i fold = _mm512_set1_epi32(0x20202020), factor = _mm512_set1_epi32((int)0x9e3779b1);
    const __m512i one = _mm512_set1_epi32(1), low = _mm512_set1_epi32(0xffff);
    const __m128i shift = _mm_cvtsi32_si128((int)(32 - set->n_bits));
    size_t at = 0;
    for (; n - at >= BLOCK + SL_WINDOW; at += BLOCK) {
        uint64_t places = 0;
        for (unsigned i = 0; i < BLOCK; i += 16) {
            /* 20 bytes make 16 windows. */
            __m512i bytes = _mm512_maskz_loadu_epi32(0x1f, p + at + i);
            __m512i windows = _mm512_shuffle_epi8(_mm512_permutexvar_epi32(spread, bytes), slide);
            __mmask16 found = 0;
            if (set->longs) {
                __m512i hash = _mm512_mullo_epi32(_mm512_or_si512(windows, fold), factor);
                hash = _mm512_srl_epi32(hash, shift);
                __m512i bits = _mm512_i32gather_epi32(_mm512_srli_epi32(hash, 5), set->longs, 4);
                found = _mm512_test_epi32_mask(bits, _mm512_rolv_epi32(one, hash));
            }
            if (set->pairs) {
                __m512i pair = _mm512_and_si512(windows, low);
                __m512i bits = _mm512_i32gather_epi32(_mm512_srli_epi32(pair, 5), set->pairs, 4);
                found |= _mm512_test_epi32_mask(bits, _mm512_rolv_epi32(one, pair));
            }
            places |= (uint64_t)found << i;
        }
        if (SL_UNLIKELY(places))
            sl_stringset_verify(r, p + at, base + at, places);
    }
    return at;
}

__attribute__((target("avx2"))) static size_t look_avx2(const struct sl_stringset_run *r,
                                                        const char *p, size_t n, size_t base)
{
    const struct sl_stringset *set = r->set;
    const __m256i slide =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6));
    const __m256i fold = _mm256_set1_epi32(0x20202020), factor = _mm256_set1_epi32((int)0x9e3779b1);
    const __m256i low = _mm256_set1_epi32(0xffff), last = _mm256_set1_epi32(31);
    const __m128i shift = _mm_cvtsi32_si128((int)(32 - set->n_bits));
    size_t at = 0;
    for (; n - at >= BLOCK + SL_WINDOW; at += BLOCK) {
        uint64_t places = 0;
        for (unsigned i = 0; i < BLOCK; i += 8) {
            __m256i bytes = _mm256_inserti128_si256(
                _mm256_castsi128_si256(_mm_loadl_epi64((const void *)(p + at + i))),
                _mm_loadl_epi64((const void *)(p + at + i + 4)), 1);
            __m256i windows = _mm256_shuffle_epi8(bytes, slide), found = _mm256_setzero_si256();
            if (set->longs) {
                __m256i hash = _mm256_mullo_epi32(_mm256_or_si256(windows, fold), factor);
                hash = _mm256_srl_epi32(hash, shift);
                __m256i bits =
                    _mm256_i32gather_epi32((const int *)set->longs, _mm256_srli_epi32(hash, 5), 4);
                found = _mm256_sllv_epi32(bits, _mm256_andnot_si256(hash, last));
            }
            if (set->pairs) {
                __m256i pair = _mm256_and_si256(windows, low);
                __m256i bits =
                    _mm256_i32gather_epi32((const int *)set->pairs, _mm256_srli_epi32(pair, 5), 4);
                found = _mm256_or_si256(found,
                                        _mm256_sllv_epi32(bits, _mm256_andnot_si256(pair, last)));
            }
            /* The bit looked for has become the sign. */
            places |= (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(found)) << i;
        }
        if (SL_UNLIKELY(places))
            sl_stringset_verify(r, p + at, base + at, places);
    }
    return at;
}

sl_stringset_filter sl_windows_filter(unsigned width)
{
    return width == 64 ? look_avx512 : width == 32 ? look_avx2 : look_one_by_one;
}

#else

sl_stringset_filter sl_windows_filter(unsigned width)
{
    (void)width;
    return look_one_by_one;
}

#endif
