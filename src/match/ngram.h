/*
 * Keywords by similarity of character n-grams. A keyword is compared with every window of as
 * many words as it has (single words for single-word keywords), and with the whole text when that
 * is short. Similarity is all^2 - (all - same)^2 over all^2 of the padded gram multisets.
 */
#ifndef SL_MATCH_NGRAM_H
#define SL_MATCH_NGRAM_H

#include "base/arena.h"

struct sl_ngram;

/* Keywords of one rule. arity >= 2, at most 8. */
SL_MUST_USE enum sl_rc sl_ngram_new(struct sl_ngram **out, struct sl_arena *arena, uint32_t arity,
                                    bool is_case_sensitive);
SL_MUST_USE enum sl_rc sl_ngram_add(struct sl_ngram *set, sl_str keyword);

/* best[i]: greatest similarity of keyword i; the search for it stops at `enough`. */
void sl_ngram_run(const struct sl_ngram *set, sl_str text, float enough, float *best);

#endif
