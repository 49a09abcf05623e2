/*
 * Keywords ranked by BM25 (k1 1.2, b 0.75): every keyword is a document, the text is the query.
 * Tokens are English stems without stop words, accents removed. One index serves many rules
 * (corpora). Immutable once built; runs on any thread.
 */
#ifndef SL_MATCH_BM25_H
#define SL_MATCH_BM25_H

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

void sl_bm25_free(struct sl_bm25 *index); /* what is not in the arena */

#endif
