/*
 * Extractive prompt compression, for signals only (what goes to the provider never changes): the
 * sentences that say most about a long text, in their order. Sentences are scored by TextRank
 * (Mihalcea and Tarau 2004), position, TF-IDF and novelty. Pure.
 */
#ifndef SL_MATCH_COMPRESS_H
#define SL_MATCH_COMPRESS_H

#include "base/arena.h"

struct sl_compress_profile {
    const char *name;
    double textrank_weight, position_weight, tfidf_weight, novelty_weight;
    double position_depth; /* 0 to 1: how much less the middle counts */
    uint32_t preserve_first_n, preserve_last_n;
};

/* default, coding, medical, security, multi_turn ('-' is '_'); NULL when unknown. */
const struct sl_compress_profile *sl_compress_profile(sl_str name);

/* Token estimate of a text: 1.5 per CJK character, 1.3 per word; at least 1 for a text. */
uint64_t sl_compress_estimate_tok(sl_str text);

/*
 * The text cut to about max_tok, or the text itself when it is short enough or one sentence. At
 * most 500 sentences are looked at (first, last and an even sample). Memory: the arena, about
 * 1.2 MB for 500 sentences; SL_NOMEM when it is full.
 */
SL_MUST_USE enum sl_rc sl_compress(sl_str text, uint64_t max_tok,
                                   const struct sl_compress_profile *profile,
                                   struct sl_arena *arena, sl_str *out);

/* Sentences of a text; for the tests. */
SL_MUST_USE enum sl_rc sl_compress_sentences(sl_str text, struct sl_arena *arena,
                                             const sl_str **sentences, uint32_t *n);

#endif
