/*
 * The different pieces of a text: runs between ASCII blanks and punctuation that no reader of words
 * (words.h, tokens.h) joins over. Words repeat, so a reader that takes a text piece by piece does
 * its work once for each different piece. Underscores, hyphens, other scripts, and points between
 * letters or digits stay inside pieces; reading every piece yields the words of the text.
 *
 * Pure; takes 48 KB of the stack, whatever the text, and no other memory. Any thread.
 */
#ifndef SL_MATCH_LEXICON_H
#define SL_MATCH_LEXICON_H

#include "base/rc.h"
#include "base/str.h"

/*
 * Which pieces are wanted. A piece that is one ASCII word is left out when neither its length nor
 * its start is; all others are wanted.
 */
struct sl_lexicon_filter {
    uint64_t lengths;       /* bit n: words of n bytes; bit 63: of 63 and more */
    const uint64_t *starts; /* NULL, or 65,536 bits: first byte << 8 | second byte (or 0), lower */
};

/*
 * `is_plain`: the piece is one word of ASCII letters and digits, without a joiner. `times`: how
 * often it is there; one piece may come in several calls.
 */
typedef void (*sl_lexicon_fn)(void *ctx, sl_str piece, bool is_plain, uint32_t times);

/* Calls f for every wanted piece of a text below 4 GiB, in no order. */
void sl_lexicon_run(sl_str text, const struct sl_lexicon_filter *filter, sl_lexicon_fn f,
                    void *ctx);

#endif
