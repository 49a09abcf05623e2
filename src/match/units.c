/* Word units of a text; ASCII in blocks of 64 bytes, whose words are counted as bits. */
#include "match/units.h"

#include "match/byteskip.h"

#include "base/unicode.h"
#include "base/utf8.h"

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

uint64_t sl_text_units(sl_str text)
{
    uint64_t units = 0;
    bool is_inside = false;
    size_t at = 0;
    while (at < text.n) {
        uint64_t word;
        if (text.n - at >= 64 && classify(text.p + at, &word)) {
            units += count_bits(word & ~(word << 1 | is_inside));
            is_inside = word >> 63;
            at += 64;
            continue;
        }
        unsigned n;
        uint32_t cp = sl_utf8_at(text, at, &n);
        at += n;
        if (sl_unicode_is_cjk(cp)) {
            units++;
            is_inside = false;
            continue;
        }
        bool is_word = cp < 0x80 ? cp - '0' < 10 || (cp | 32) - 'a' < 26 : sl_unicode_is_alnum(cp);
        units += is_word && !is_inside;
        is_inside = is_word;
    }
    return units;
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
