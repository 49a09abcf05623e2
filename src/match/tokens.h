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

/* 65,536 bits, by first byte << 8 | second byte (or 0): tokens that may equal an expected stem. */
const uint64_t *sl_tokens_starts(const struct sl_tokens *t);

/* A reading of one text or of its pieces. One thread. */
struct sl_tokens_pass {
    const struct sl_tokens *tokens;
    bool only_expected; /* tokens that cannot equal an expected stem are left out */
    void *stemmer;      /* borrowed; NULL until needed */
};

/* Calls f for every token of `text`, in order. False when no stemmer could be made. */
bool sl_tokens_read(struct sl_tokens_pass *pass, sl_str text, sl_token_fn f, void *ctx);
/* The same for a text that is one ASCII word. */
bool sl_tokens_word(struct sl_tokens_pass *pass, sl_str word, sl_token_fn f, void *ctx);
void sl_tokens_end(struct sl_tokens_pass *pass); /* gives the stemmer back */

#endif
