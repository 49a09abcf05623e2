/*
 * 32 bytes a step with AVX2; the method is that of json_scan_avx512.c. Tails go through a padded
 * copy.
 */
#if defined(__x86_64__)
#include "codec/json.h"
#include "codec/json_scan.h"
#include "codec/utf8_tables.h"

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi")))

AVX2 static inline __m256i load(const char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2 static inline uint32_t special_mask(__m256i bytes)
{
    __m256i quote = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"'));
    __m256i slash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\'));
    __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(quote, slash), control));
}

AVX2 static const char *scan_string(const char *p, const char *end, uint32_t *flags)
{
    while (end - p >= 32) {
        uint32_t special = special_mask(load(p));
        if (!special) {
            p += 32;
            continue;
        }
        p += __builtin_ctz(special);
        if (*p != '\\')
            return p;
        *flags |= SL_JSON_ESCAPED;
        const char *behind = sl_json_skip_escape(p, end);
        if (!behind)
            return p;
        p = behind;
    }
    return sl_json_scan_ref.string(p, end, flags);
}

AVX2 static inline __m256i table(const uint8_t values[16])
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)values));
}

struct utf8_state {
    __m256i error;
    __m256i before; /* the previous block */
};

/* bytes shifted up by `count`, the freed places filled from the block before. */
#define SHIFTED(bytes, carried, count) _mm256_alignr_epi8(bytes, carried, 16 - (count))

AVX2 static inline void check_block(struct utf8_state *s, __m256i bytes)
{
    const __m256i nibble = _mm256_set1_epi8(0x0f);
    __m256i carried = _mm256_permute2x128_si256(s->before, bytes, 0x21);
    __m256i one = SHIFTED(bytes, carried, 1);
    __m256i two = SHIFTED(bytes, carried, 2);
    __m256i three = SHIFTED(bytes, carried, 3);
    __m256i special = _mm256_and_si256(
        _mm256_and_si256(
            _mm256_shuffle_epi8(table(sl_utf8_first_high),
                                _mm256_and_si256(_mm256_srli_epi16(one, 4), nibble)),
            _mm256_shuffle_epi8(table(sl_utf8_first_low), _mm256_and_si256(one, nibble))),
        _mm256_shuffle_epi8(table(sl_utf8_second_high),
                            _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble)));
    __m256i third = _mm256_subs_epu8(two, _mm256_set1_epi8((char)(0xe0 - 0x80)));
    __m256i fourth = _mm256_subs_epu8(three, _mm256_set1_epi8((char)(0xf0 - 0x80)));
    __m256i must_continue =
        _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    s->error = _mm256_or_si256(s->error, _mm256_xor_si256(must_continue, special));
    s->before = bytes;
}

/* True when the last bytes of the block before want a continuation. */
AVX2 static inline bool is_unfinished(const struct utf8_state *s)
{
    uint32_t tail;
    memcpy(&tail, (const char *)&s->before + 28, sizeof tail);
    unsigned last = tail >> 24, second = tail >> 16 & 0xff, third = tail >> 8 & 0xff;
    return last >= 0xc0 || second >= 0xe0 || third >= 0xf0;
}

AVX2 static size_t utf8_error(const char *text, size_t n)
{
    struct utf8_state s = {.error = _mm256_setzero_si256(), .before = _mm256_setzero_si256()};
    size_t at = 0;
    while (at < n) {
        while (!is_unfinished(&s) && n - at >= 128) {
            __m256i a = load(text + at), b = load(text + at + 32);
            __m256i c = load(text + at + 64), d = load(text + at + 96);
            __m256i any = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
            if (_mm256_movemask_epi8(any))
                break;
            s.before = d;
            at += 128;
        }
        for (int i = 0; i < 4 && at < n; i++) {
            char padded[32] = {0};
            size_t step = n - at >= 32 ? 32 : n - at;
            if (step < 32)
                memcpy(padded, text + at, step);
            check_block(&s, load(step < 32 ? padded : text + at));
            at += step;
        }
    }
    bool is_bad = is_unfinished(&s) || !_mm256_testz_si256(s.error, s.error);
    return is_bad ? sl_json_scan_ref.utf8(text, n) : n;
}

const struct sl_json_scan sl_json_scan_avx2 = {"avx2", scan_string, utf8_error};
#endif
