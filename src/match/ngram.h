/*
 * Keywords by similarity of character n-grams. A keyword is compared with every window of as
 * many words as it has (single words for single-word keywords), and with the whole text when that
 * is short. Similarity is all^2 - (all - same)^2 over all^2 of the padded gram multisets.
 */
#ifndef SL_MATCH_NGRAM_H
#define SL_MATCH_NGRAM_H

#include "match/words.h"

#include "base/arena.h"

struct sl_ngram;

/* Keywords of one rule. arity >= 2, at most 8; `enough`: the similarity at which a search stops. */
SL_MUST_USE enum sl_rc sl_ngram_new(struct sl_ngram **out, struct sl_arena *arena, uint32_t arity,
                                    bool is_case_sensitive, float enough);
SL_MUST_USE enum sl_rc sl_ngram_add(struct sl_ngram *set, sl_str keyword);

/*
 * best[i]: at least `enough` when keyword i is as similar as that to something in the text, else
 * less than `enough`.
 */
void sl_ngram_run(const struct sl_ngram *set, sl_str text, float *best);

/*
 * The same in two steps, with best[] zeroed before: words one by one (their case as the set has it)
 * or as pieces (lexicon.h), in any order, and the rest. lengths: which words can be similar enough,
 * as struct sl_lexicon_filter.
 */
uint64_t sl_ngram_lengths(const struct sl_ngram *set);
void sl_ngram_word(const struct sl_ngram *set, const struct sl_word *word, float *best);
void sl_ngram_piece(const struct sl_ngram *set, sl_str piece, float *best);
void sl_ngram_rest(const struct sl_ngram *set, sl_str text, float *best);

#endif
