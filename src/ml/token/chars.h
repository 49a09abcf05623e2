/*
 * Code points as tokenizers see them: the classes, the lower case and the normal forms that the
 * published vocabularies were made with. They are not those of base/unicode.h: see
 * spec/token_unicode.txt for the ages of the data. Pure lookups; any thread.
 */
#ifndef SL_ML_TOKEN_CHARS_H
#define SL_ML_TOKEN_CHARS_H

#include "base/utf8.h"
#include "ml/token/chars_tables.h"

/* Bits of sl_char_flags(), in the order of tools/token_tables.py. */
enum {
    SL_CHAR_SPACE = 1 << 0,      /* White_Space */
    SL_CHAR_LETTER = 1 << 1,     /* \p{L} of the Split patterns */
    SL_CHAR_NUMBER = 1 << 2,     /* \p{N} of the Split patterns */
    SL_CHAR_NUMERIC = 1 << 3,    /* what Digits splits at */
    SL_CHAR_PUNCT = 1 << 4,      /* what Bert and Punctuation split at */
    SL_CHAR_OTHER = 1 << 5,      /* what clean_text removes */
    SL_CHAR_NONSPACING = 1 << 6, /* what strip_accents removes */
    SL_CHAR_WORD = 1 << 7,       /* \w */
    SL_CHAR_MARK = 1 << 8,       /* what StripAccents removes */
    SL_CHAR_NOT_NFC = 1 << 9,    /* may change, or change others, under that form */
    SL_CHAR_NOT_NFKC = 1 << 10,
    SL_CHAR_NOT_NFD = 1 << 11,
    SL_CHAR_NOT_NFKD = 1 << 12,
    SL_CHAR_UPPER = 1 << 13, /* has another lower case */
};

static inline unsigned sl_char_flags(uint32_t cp)
{
    return sl_token_flag_blocks[sl_token_flag_index[cp >> 7] * 128u + (cp & 127)];
}

static inline bool sl_char_is(uint32_t cp, unsigned flags)
{
    return sl_char_flags(cp) & flags;
}

/* Lower case of one code point; U+0130 is the only one with two, the second is U+0307. */
static inline uint32_t sl_char_lower(uint32_t cp)
{
    if (cp == 0x130)
        return 'i';
    unsigned at = sl_token_lower_blocks[sl_token_lower_index[cp >> 7] * 128u + (cp & 127)];
    return cp + (uint32_t)sl_token_lower_deltas[at];
}

/* Canonical combining class. */
static inline unsigned sl_char_ccc(uint32_t cp)
{
    return sl_token_ccc_blocks[sl_token_ccc_index[cp >> 7] * 128u + (cp & 127)];
}

#define SL_CHAR_PARTS_MAX 18 /* the longest full decomposition, U+FDFA */

/* Full decomposition into `parts`; their number (1 and cp itself where there is none). */
unsigned sl_char_decompose(uint32_t cp, bool is_compatible, uint32_t parts[SL_CHAR_PARTS_MAX]);

/* The composition of a and b, or 0. */
uint32_t sl_char_compose(uint32_t a, uint32_t b);

/* What BertNormalizer calls Chinese: the CJK ideograph blocks. */
static inline bool sl_char_is_chinese(uint32_t cp)
{
    return cp >= 0x3400 && ((cp >= 0x4e00 && cp <= 0x9fff) || cp <= 0x4dbf ||
                            (cp >= 0x20000 && cp <= 0x2a6df) || (cp >= 0x2a700 && cp <= 0x2b73f) ||
                            (cp >= 0x2b740 && cp <= 0x2b81f) || (cp >= 0x2b920 && cp <= 0x2ceaf) ||
                            (cp >= 0xf900 && cp <= 0xfaff) || (cp >= 0x2f800 && cp <= 0x2fa1f));
}

#endif
