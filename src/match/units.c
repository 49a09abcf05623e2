/* Word units of a text; ASCII in blocks of 64 bytes, whose words are counted as bits. */
#include "match/units.h"

#include "match/byteskip.h"

#include "base/unicode.h"
#include "base/utf8.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

typedef int8_t bytes16 __attribute__((vector_size(16)));

static inline uint64_t count_bits(uint64_t bits)
{
    bits -= bits >> 1 & 0x5555555555555555u;
    bits = (bits & 0x3333333333333333u) + (bits >> 2 & 0x3333333333333333u);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return bits * 0x0101010101010101u >> 56;
}

/* Letters and digits of 64 ASCII bytes as a bit set; false when a byte is not ASCII. */
static inline bool classify(const char *p, uint64_t *set)
{
    bytes16 block[4], joined = {0};
    for (int i = 0; i < 4; i++) {
        memcpy(&block[i], p + 16 * i, 16);
        joined |= block[i];
    }
    if (sl_movemask16(joined))
        return false;
    *set = 0;
    for (int i = 0; i < 4; i++) {
        /* Signed compares: ASCII bytes are not negative. */
        bytes16 lower = block[i] | 32;
        bytes16 is_word =
            ((lower > 'a' - 1) & (lower < 'z' + 1)) | ((block[i] > '0' - 1) & (block[i] < '9' + 1));
        *set |= (uint64_t)sl_movemask16(is_word) << (16 * i);
    }
    return true;
}

struct count {
    uint64_t units;
    bool is_inside; /* of a word, at the current place */
};

/* Counts whole blocks of 64 ASCII bytes from p on; the bytes it took. */
static size_t ascii_blocks(const char *p, size_t n, struct count *c)
{
    size_t at = 0;
    uint64_t word;
    for (; n - at >= 64 && classify(p + at, &word); at += 64) {
        c->units += count_bits(word & ~(word << 1 | c->is_inside));
        c->is_inside = word >> 63;
    }
    return at;
}

#ifdef __x86_64__
/* 0xff where a byte of an ASCII block is a letter or digit. */
__attribute__((target("avx2"))) static inline __m256i is_word_avx2(__m256i block)
{
    __m256i lower = _mm256_or_si256(block, _mm256_set1_epi8(32));
    __m256i letter = _mm256_and_si256(_mm256_cmpgt_epi8(lower, _mm256_set1_epi8('a' - 1)),
                                      _mm256_cmpgt_epi8(_mm256_set1_epi8('z' + 1), lower));
    __m256i digit = _mm256_and_si256(_mm256_cmpgt_epi8(block, _mm256_set1_epi8('0' - 1)),
                                     _mm256_cmpgt_epi8(_mm256_set1_epi8('9' + 1), block));
    return _mm256_or_si256(letter, digit);
}

__attribute__((target("avx2,popcnt"))) static size_t ascii_blocks_avx2(const char *p, size_t n,
                                                                       struct count *c)
{
    size_t at = 0;
    for (; n - at >= 64; at += 64) {
        __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)(p + at));
        __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(p + at + 32));
        if (_mm256_movemask_epi8(_mm256_or_si256(low, high)))
            break;
        uint64_t word = (uint32_t)_mm256_movemask_epi8(is_word_avx2(low)) |
                        (uint64_t)(uint32_t)_mm256_movemask_epi8(is_word_avx2(high)) << 32;
        c->units += (uint64_t)_mm_popcnt_u64(word & ~(word << 1 | c->is_inside));
        c->is_inside = word >> 63;
    }
    return at;
}
#endif

static size_t take_ascii(const char *p, size_t n, struct count *c)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        return ascii_blocks_avx2(p, n, c);
#endif
    return ascii_blocks(p, n, c);
}

uint64_t sl_text_units(sl_str text)
{
    struct count c = {0};
    size_t at = 0;
    while (at < text.n) {
        size_t taken = text.n - at >= 64 ? take_ascii(text.p + at, text.n - at, &c) : 0;
        at += taken;
        if (taken)
            continue;
        unsigned n;
        uint32_t cp = sl_utf8_at(text, at, &n);
        at += n;
        if (sl_unicode_is_cjk(cp)) {
            c.units++;
            c.is_inside = false;
            continue;
        }
        bool is_word = cp < 0x80 ? cp - '0' < 10 || (cp | 32) - 'a' < 26 : sl_unicode_is_alnum(cp);
        c.units += is_word && !c.is_inside;
        c.is_inside = is_word;
    }
    return c.units;
}

/* Compares at `at`; the end of the match, or SIZE_MAX. */
static size_t compare(sl_str text, size_t at, sl_str needle)
{
    unsigned n, m;
    for (size_t k = 0; k < needle.n; k += m, at += n) {
        if (at >= text.n ||
            sl_unicode_fold(sl_utf8_at(text, at, &n)) != sl_unicode_fold(sl_utf8_at(needle, k, &m)))
            return SIZE_MAX;
    }
    return at;
}

size_t sl_text_find(sl_str text, size_t from, sl_str needle, bool is_case_sensitive)
{
    if (is_case_sensitive) {
        size_t at = sl_str_find(sl_str_sub(text, from, text.n), needle);
        return at == SIZE_MAX ? SIZE_MAX : from + at + needle.n;
    }
    unsigned n;
    for (size_t at = from; at <= text.n; at += n) {
        size_t end = compare(text, at, needle);
        if (end != SIZE_MAX)
            return end;
        if (at == text.n)
            break;
        sl_utf8_at(text, at, &n);
    }
    return SIZE_MAX;
}
