/* Word units of a text; ASCII in blocks of eight bytes by a table, without branches a byte. */
#include "match/units.h"

#include "base/unicode.h"
#include "base/utf8.h"

static inline uint64_t high_bits(uint64_t bytes, unsigned char low, unsigned char high)
{
    /* For ASCII bytes: the high bit of each is set where low <= byte <= high. */
    uint64_t ones = 0x0101010101010101u;
    uint64_t above = bytes + ones * (uint64_t)(128 - low),
             beyond = bytes + ones * (uint64_t)(127 - high);
    return above & ~beyond;
}

uint64_t sl_text_units(sl_str text)
{
    uint64_t units = 0;
    bool is_inside = false;
    size_t at = 0;
    while (at < text.n) {
        uint64_t block;
        if (text.n - at >= sizeof(block)) {
            memcpy(&block, text.p + at, sizeof(block));
            if (!(block & 0x8080808080808080u)) {
                uint64_t word = (high_bits(block, '0', '9') |
                                 high_bits(block | 0x2020202020202020u, 'a', 'z')) &
                                0x8080808080808080u;
                uint64_t starts = word & ~(word << 8 | (is_inside ? 0x80u : 0));
                units += (uint64_t)__builtin_popcountll(starts);
                is_inside = word >> 63;
                at += sizeof(block);
                continue;
            }
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
