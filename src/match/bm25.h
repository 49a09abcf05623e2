/*
 * Keywords ranked by BM25 (k1 1.2, b 0.75): every keyword is a document, the text is the query.
 * Tokens are English stems without stop words, accents removed. One index serves many rules
 * (corpora). Immutable once built; runs on any thread.
 */
#ifndef SL_MATCH_BM25_H
#define SL_MATCH_BM25_H

#include "match/tokens.h"

#include "base/arena.h"

struct sl_bm25;

struct sl_bm25 *sl_bm25_new(struct sl_arena *arena);

/* Adds the keywords of one rule; *first is the document number of the first of them. */
SL_MUST_USE enum sl_rc sl_bm25_add(struct sl_bm25 *index, const sl_str *keywords, uint32_t n,
                                   uint32_t *first);
SL_MUST_USE enum sl_rc sl_bm25_finish(struct sl_bm25 *index);
uint32_t sl_bm25_n(const struct sl_bm25 *index);

/* Adds to scores[document], which the caller has zeroed. */
void sl_bm25_run(const struct sl_bm25 *index, sl_str text, double *scores);

/*
 * The same piece by piece (lexicon.h), in any order. A pass belongs to one thread and is ended.
 * starts: what a piece's first two bytes must be, as struct sl_lexicon_filter wants it.
 */
struct sl_bm25_pass {
    const struct sl_bm25 *index;
    double *scores;
    uint32_t times;
    struct sl_tokens_pass tokens;
};
const uint64_t *sl_bm25_starts(const struct sl_bm25 *index);
void sl_bm25_begin(struct sl_bm25_pass *pass, const struct sl_bm25 *index, double *scores);
void sl_bm25_piece(struct sl_bm25_pass *pass, sl_str piece, uint32_t times);
void sl_bm25_word(struct sl_bm25_pass *pass, sl_str word, uint32_t times); /* one ASCII word */
void sl_bm25_end(struct sl_bm25_pass *pass);

void sl_bm25_free(struct sl_bm25 *index); /* what is not in the arena */

#endif
