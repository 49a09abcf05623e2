/*
 * Keywords with misspellings: a word of the text within a Levenshtein distance (in code points,
 * case ignored) of the keyword. A keyword of several words is compared with windows of as many
 * words. A set is immutable; a run needs no memory but its result.
 */
#ifndef SL_MATCH_FUZZY_H
#define SL_MATCH_FUZZY_H

#include "match/words.h"

#include "base/arena.h"

struct sl_fuzzy;

struct sl_fuzzy *sl_fuzzy_new(struct sl_arena *arena);

/* Adds a keyword; *id counts from 0. Longer than 64 code points or of more than 8 words: never
 * found. */
SL_MUST_USE enum sl_rc sl_fuzzy_add(struct sl_fuzzy *set, sl_str keyword, uint32_t max_distance,
                                    uint32_t *id);
uint32_t sl_fuzzy_n(const struct sl_fuzzy *set);

/* Sets found[id] for the keywords that occur; entries already true are not looked for. */
void sl_fuzzy_run(const struct sl_fuzzy *set, sl_str text, bool *found);

/*
 * The same in two steps: words one by one or as pieces (lexicon.h), in any order, and phrases
 * in the text.
 * lengths: which words can be near a keyword that is not found, as struct sl_lexicon_filter.
 */
uint64_t sl_fuzzy_lengths(const struct sl_fuzzy *set, const bool *found);
void sl_fuzzy_word(const struct sl_fuzzy *set, const struct sl_word *word, bool *found);
void sl_fuzzy_piece(const struct sl_fuzzy *set, sl_str piece, bool *found);
void sl_fuzzy_phrases(const struct sl_fuzzy *set, sl_str text, bool *found);

#endif
