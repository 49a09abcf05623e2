/* Lookups in the generated tables, and the classes that routing speaks of. */
#include "base/unicode.h"

#include "base/unicode_tables.h"

#define BIT(x)    (1u << (x))
#define LETTERS   (BIT(SL_GC_LU) | BIT(SL_GC_LL) | BIT(SL_GC_LT) | BIT(SL_GC_LM) | BIT(SL_GC_LO))
#define NUMBERS   (BIT(SL_GC_ND) | BIT(SL_GC_NL) | BIT(SL_GC_NO))
#define MARKS     (BIT(SL_GC_MN) | BIT(SL_GC_MC) | BIT(SL_GC_ME))
#define SCRIPT(x) ((uint64_t)1 << (SL_SCRIPT_##x))
#define CJK       (SCRIPT(HAN) | SCRIPT(HIRAGANA) | SCRIPT(KATAKANA) | SCRIPT(HANGUL))
#define UNSPACED                                                                                   \
    (CJK | SCRIPT(THAI) | SCRIPT(LAO) | SCRIPT(KHMER) | SCRIPT(MYANMAR) | SCRIPT(TIBETAN) |        \
     SCRIPT(BOPOMOFO) | SCRIPT(YI) | SCRIPT(JAVANESE) | SCRIPT(BALINESE))

static unsigned property(uint32_t cp)
{
    if (cp > 0x10ffff)
        return SL_GC_CN;
    return sl_unicode_property_blocks[sl_unicode_property_index[cp >> 7] * 128u + (cp & 127)];
}

static bool is_in(uint32_t cp, unsigned categories)
{
    return categories >> (property(cp) & 31) & 1;
}

static bool has_script(uint32_t cp, uint64_t scripts)
{
    return scripts >> (property(cp) >> 5) & 1;
}

enum sl_gc sl_unicode_gc(uint32_t cp)
{
    return (enum sl_gc)(property(cp) & 31);
}

enum sl_script sl_unicode_script(uint32_t cp)
{
    return (enum sl_script)(property(cp) >> 5);
}

const char *sl_script_name(enum sl_script script)
{
    static const char *const names[SL_N_SCRIPTS] = {
        "Common",    "Latin",    "Greek",      "Cyrillic",  "Armenian", "Hebrew",   "Arabic",
        "Syriac",    "Thaana",   "Devanagari", "Bengali",   "Gurmukhi", "Gujarati", "Oriya",
        "Tamil",     "Telugu",   "Kannada",    "Malayalam", "Sinhala",  "Thai",     "Lao",
        "Tibetan",   "Myanmar",  "Georgian",   "Hangul",    "Ethiopic", "Cherokee", "Khmer",
        "Mongolian", "Hiragana", "Katakana",   "Bopomofo",  "Han",      "Javanese", "Balinese",
        "Yi",        "Other",
    };
    return (unsigned)script < SL_N_SCRIPTS ? names[script] : "";
}

bool sl_unicode_is_letter(uint32_t cp)
{
    return is_in(cp, LETTERS);
}

bool sl_unicode_is_number(uint32_t cp)
{
    return is_in(cp, NUMBERS);
}

bool sl_unicode_is_alnum(uint32_t cp)
{
    return is_in(cp, LETTERS | NUMBERS);
}

bool sl_unicode_is_space(uint32_t cp)
{
    if (cp < 0x80)
        return cp == ' ' || (cp >= '\t' && cp <= '\r');
    return cp == 0x85 || is_in(cp, BIT(SL_GC_ZS) | BIT(SL_GC_ZL) | BIT(SL_GC_ZP));
}

bool sl_unicode_is_word(uint32_t cp)
{
    return cp == '_' || is_in(cp, LETTERS | MARKS | BIT(SL_GC_ND) | BIT(SL_GC_NL));
}

bool sl_unicode_is_cjk(uint32_t cp)
{
    return cp >= 0x1100 && has_script(cp, CJK);
}

bool sl_unicode_is_han(uint32_t cp)
{
    return cp >= 0x2e80 && has_script(cp, SCRIPT(HAN));
}

bool sl_unicode_is_unspaced(uint32_t cp)
{
    return cp >= 0x0e00 && has_script(cp, UNSPACED);
}

uint32_t sl_unicode_fold(uint32_t cp)
{
    if (cp < 0x80)
        return cp - 'A' < 26 ? cp + 32 : cp;
    if (cp > 0x10ffff)
        return cp;
    unsigned at = sl_unicode_fold_blocks[sl_unicode_fold_index[cp >> 7] * 128u + (cp & 127)];
    return cp + (uint32_t)sl_unicode_deltas[at];
}

uint32_t sl_unicode_lower(uint32_t cp)
{
    if (cp < 0x80)
        return cp - 'A' < 26 ? cp + 32 : cp;
    if (cp > 0x10ffff)
        return cp;
    unsigned at = sl_unicode_lower_blocks[sl_unicode_lower_index[cp >> 7] * 128u + (cp & 127)];
    return cp + (uint32_t)sl_unicode_deltas[at];
}

/* Second column of a sorted table of pairs, or cp itself. */
static uint32_t look_up(const uint32_t (*table)[2], uint32_t n, uint32_t cp)
{
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (table[middle][0] < cp)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && table[low][0] == cp ? table[low][1] : cp;
}

uint32_t sl_unicode_next_case(uint32_t cp)
{
    return look_up(sl_unicode_orbits, sl_unicode_n_orbits, cp);
}

uint32_t sl_unicode_base(uint32_t cp)
{
    return cp < 0x80 ? cp : look_up(sl_unicode_bases, sl_unicode_n_bases, cp);
}
