/*
 * Words of a text, lower-cased, one at a time: runs of letters and digits, with or without
 * underscore and hyphen. Nothing is stored but the current word.
 */
#ifndef SL_MATCH_WORDS_H
#define SL_MATCH_WORDS_H

#include "base/str.h"

#define SL_WORD_MAX 96 /* code points kept of one word */

struct sl_words {
    sl_str text;
    size_t at;
    bool has_joiners; /* '_' and '-' belong to words */
    bool keeps_case;
};

struct sl_word {
    uint32_t n; /* code points; more than SL_WORD_MAX: only the first are kept */
    uint32_t cp[SL_WORD_MAX];
    uint32_t letters; /* bit set of a..z, other characters spread over the rest */
    size_t from, to;  /* bytes */
};

/* The next word, or false at the end. */
bool sl_words_next(struct sl_words *w, struct sl_word *out);

/* The word that an ASCII word of at most SL_WORD_MAX letters and digits is, as sl_words_next. */
void sl_words_plain(sl_str word, struct sl_word *out);

/* Bit of one lower-cased code point in `letters`. */
static inline uint32_t sl_word_bit(uint32_t cp)
{
    return 1u << (cp - 'a' < 26 ? cp - 'a' : 26 + cp % 6);
}

#endif
