/*
 * Tokens for ranking: words by the rules of UAX #29 (for ASCII; other letters join as letters,
 * every Han character is a word), lower-cased, accents removed, without English stop words,
 * stemmed by Snowball's English stemmer.
 */
#ifndef SL_MATCH_TOKENS_H
#define SL_MATCH_TOKENS_H

#include "base/arena.h"

struct sl_tokens;
typedef void (*sl_token_fn)(void *ctx, sl_str stem);

struct sl_tokens *sl_tokens_new(struct sl_arena *arena);
void sl_tokens_free(struct sl_tokens *t); /* the stemmers; the rest is in the arena */

/* Marks a stem as one of those that sl_tokens_expected looks for. */
void sl_tokens_expect(struct sl_tokens *t, sl_str stem);

/* Calls f for every token, in order. False when no stemmer could be made. */
bool sl_tokens_all(const struct sl_tokens *t, sl_str text, sl_token_fn f, void *ctx);

/* The same for tokens that may equal an expected stem; others may be left out. */
bool sl_tokens_expected(const struct sl_tokens *t, sl_str text, sl_token_fn f, void *ctx);

#endif
