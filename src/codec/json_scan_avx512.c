/*
 * 64 bytes a step with AVX-512BW. UTF-8 is checked by the three nibble tables of Keiser and
 * Lemire, "Validating UTF-8 in less than one instruction per byte" (2020), with a path for blocks
 * that are all ASCII. Masked loads make the tail safe without padding.
 */
#if defined(__x86_64__)
#include "codec/json.h"
#include "codec/json_scan.h"
#include "codec/utf8_tables.h"

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx2,bmi")))

AVX512 static inline __m512i table(const uint8_t values[16])
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)values));
}

/* Bytes that may follow a backslash: "/ (bit 0), \\ (1), bfn (2), rtu (3), by nibbles. */
static const uint8_t escape_low[16] = {0, 0, 1 | 4 | 8, 0, 8, 8, 4, 0, 0, 0, 0, 0, 2, 0, 4, 1};
static const uint8_t escape_high[16] = {0, 0, 1, 0, 0, 2, 4, 8};

AVX512 static inline uint64_t escapable_mask(__m512i bytes)
{
    __m512i high = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), _mm512_set1_epi8(0x0f));
    /* A byte from 0x80 on selects nothing in the first table. */
    return _mm512_test_epi8_mask(_mm512_shuffle_epi8(table(escape_low), bytes),
                                 _mm512_shuffle_epi8(table(escape_high), high));
}

/*
 * Which bytes follow an escaping backslash, by the carries of one subtraction (simdjson's method):
 * odd runs of backslashes end in an escape. *carry is 1 when the last byte before the block did.
 */
static inline uint64_t escaped_mask(uint64_t backslash, uint64_t *carry)
{
    const uint64_t odd = 0xaaaaaaaaaaaaaaaau;
    uint64_t candidates = backslash & ~*carry;
    uint64_t ends = (((candidates << 1) | odd) - candidates) ^ odd;
    uint64_t escaped = ends ^ (backslash | *carry);
    *carry = (ends & backslash) >> 63;
    return escaped;
}

/* The first of the \uXXXX in u_mask that lacks its digits, as a mask; 0 when all are whole. */
static uint64_t bad_hex(const char *block, const char *end, uint64_t u_mask)
{
    for (; u_mask; u_mask &= u_mask - 1) {
        const char *u = block + __builtin_ctzll(u_mask);
        if (end - u < 5 || !sl_is_hex(u[1]) || !sl_is_hex(u[2]) || !sl_is_hex(u[3]) ||
            !sl_is_hex(u[4]))
            return u_mask & -u_mask;
    }
    return 0;
}

/*
 * A block at a time, whatever stands in it: text with an escape in every other block would
 * mispredict a branch at each, were they taken one by one.
 */
AVX512 static const char *scan_string(const char *p, const char *end, uint32_t *flags)
{
    const __m512i quote = _mm512_set1_epi8('"'), slash = _mm512_set1_epi8('\\');
    uint64_t carry = 0;
    for (; p < end; p += 64) {
        size_t left = (size_t)(end - p);
        uint64_t inside = left < 64 ? (1ull << left) - 1 : ~0ull;
        __m512i bytes = _mm512_maskz_loadu_epi8(inside, p);
        uint64_t backslash = _mm512_cmpeq_epi8_mask(bytes, slash), had = carry;
        uint64_t escaped = escaped_mask(backslash, &carry);
        uint64_t bad = escaped & ~escapable_mask(bytes);
        uint64_t u_mask = escaped & _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('u'));
        uint64_t stop = (_mm512_cmpeq_epi8_mask(bytes, quote) & ~escaped) |
                        _mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8(0x20));
        if (SL_UNLIKELY(u_mask != 0))
            bad |= bad_hex(p, end, u_mask);
        /* A bad escape is reported at its backslash, one byte before. */
        if (SL_UNLIKELY(had && (bad & 1)))
            return p - 1;
        stop |= bad >> 1;
        if (stop) {
            unsigned at = (unsigned)__builtin_ctzll(stop);
            if (backslash & ((2ull << at) - 1))
                *flags |= SL_JSON_ESCAPED;
            return at < left ? p + at : end;
        }
        if (backslash)
            *flags |= SL_JSON_ESCAPED;
    }
    return carry ? end - 1 : end;
}

struct utf8_state {
    __m512i error;
    __m512i before;      /* the previous block */
    uint64_t unfinished; /* its last bytes want a continuation */
};

/* bytes shifted up by `count`, the freed places filled from the block before. */
#define SHIFTED(bytes, carried, count) _mm512_alignr_epi8(bytes, carried, 16 - (count))

AVX512 static inline void check_block(struct utf8_state *s, __m512i bytes)
{
    const __m512i nibble = _mm512_set1_epi8(0x0f),
                  last_lanes = _mm512_set_epi64(13, 12, 11, 10, 9, 8, 7, 6);
    __m512i carried = _mm512_permutex2var_epi64(s->before, last_lanes, bytes);
    __m512i one = SHIFTED(bytes, carried, 1);
    __m512i two = SHIFTED(bytes, carried, 2);
    __m512i three = SHIFTED(bytes, carried, 3);
    __m512i special = _mm512_and_si512(
        _mm512_and_si512(
            _mm512_shuffle_epi8(table(sl_utf8_first_high),
                                _mm512_and_si512(_mm512_srli_epi16(one, 4), nibble)),
            _mm512_shuffle_epi8(table(sl_utf8_first_low), _mm512_and_si512(one, nibble))),
        _mm512_shuffle_epi8(table(sl_utf8_second_high),
                            _mm512_and_si512(_mm512_srli_epi16(bytes, 4), nibble)));
    __m512i third = _mm512_subs_epu8(two, _mm512_set1_epi8((char)(0xe0 - 0x80)));
    __m512i fourth = _mm512_subs_epu8(three, _mm512_set1_epi8((char)(0xf0 - 0x80)));
    __m512i must_continue =
        _mm512_and_si512(_mm512_or_si512(third, fourth), _mm512_set1_epi8((char)0x80));
    s->error = _mm512_or_si512(s->error, _mm512_xor_si512(must_continue, special));
    s->before = bytes;
    /* A lead byte too near the end: 2+ in the last place, 3+ in the last two, 4 in the last three.
     */
    uint64_t lead2 = _mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8((char)0xc0));
    uint64_t lead3 = _mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8((char)0xe0));
    uint64_t lead4 = _mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8((char)0xf0));
    s->unfinished = (lead2 >> 63) | (lead3 >> 62) | (lead4 >> 61);
}

AVX512 static size_t utf8_error(const char *text, size_t n)
{
    struct utf8_state s = {.error = _mm512_setzero_si512(), .before = _mm512_setzero_si512()};
    size_t at = 0;
    while (at < n) {
        while (!s.unfinished && n - at >= 256) {
            __m512i a = _mm512_loadu_si512(text + at), b = _mm512_loadu_si512(text + at + 64);
            __m512i c = _mm512_loadu_si512(text + at + 128),
                    d = _mm512_loadu_si512(text + at + 192);
            __m512i any = _mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d));
            if (_mm512_movepi8_mask(any))
                break;
            s.before = d;
            at += 256;
        }
        /* Four blocks before the ASCII path is tried again: text in other scripts stays here. */
        for (int i = 0; i < 4 && at < n; i++) {
            size_t left = n - at;
            __m512i bytes = left >= 64 ? _mm512_loadu_si512(text + at)
                                       : _mm512_maskz_loadu_epi8((1ull << left) - 1, text + at);
            check_block(&s, bytes);
            at += left >= 64 ? 64 : left;
        }
    }
    bool is_bad = s.unfinished || _mm512_test_epi8_mask(s.error, s.error);
    return is_bad ? sl_json_scan_ref.utf8(text, n) : n;
}

const struct sl_json_scan sl_json_scan_avx512 = {"avx512", scan_string, utf8_error};
#endif
