/*
 * Text on its way through normalisers and pre-tokenizers: valid UTF-8 in which every byte knows the
 * bytes of the source it came from. Untouched text is a view of the source and knows by position.
 */
#ifndef SL_ML_TOKEN_TEXT_H
#define SL_ML_TOKEN_TEXT_H

#include "base/utf8.h"
#include "ml/token/scratch.h"

/* The character that byte `at` belongs to, in valid UTF-8. */
static inline struct sl_token_span sl_token_char_at(const char *p, uint32_t n, uint32_t at)
{
    uint32_t from = at, to = at + 1;
    while (from > 0 && (p[from] & 0xc0) == 0x80)
        from--;
    while (to < n && (p[to] & 0xc0) == 0x80)
        to++;
    return (struct sl_token_span){from, to};
}

/* Where byte `at` (at < t->n) came from. */
static inline struct sl_token_span sl_token_text_at(const struct sl_token_text *t, uint32_t at)
{
    if (t->at)
        return t->at[at];
    struct sl_token_span span = sl_token_char_at(t->p, t->n, at);
    return (struct sl_token_span){span.from + t->base, span.to + t->base};
}

/* Where bytes [from, to) came from; an empty range is at `base`. */
static inline struct sl_token_span sl_token_text_span(const struct sl_token_text *t, uint32_t from,
                                                      uint32_t to)
{
    if (from >= to)
        return (struct sl_token_span){t->base, t->base};
    return (struct sl_token_span){sl_token_text_at(t, from).from, sl_token_text_at(t, to - 1).to};
}

/* Source bytes [from, to) as a text; malformed bytes become U+FFFD. */
SL_MUST_USE enum sl_rc sl_token_text_source(struct sl_token_scratch *s, sl_str source,
                                            uint32_t from, uint32_t to, struct sl_token_text *out);

/*
 * Rewrites a text character by character. A change says how a new character relates to the old
 * ones, as in the `tokenizers` package, whose offsets rest on it: 0 replaces the next old
 * character, n > 0 is put beside the last one, -n replaces the next one and swallows n more.
 */
struct sl_token_rewrite {
    struct sl_token_scratch *scratch;
    const struct sl_token_text *in;
    uint32_t at; /* bytes of `in` consumed */
    struct sl_token_buffer *out;
    bool is_full;
};

/* Writes into the scratch buffer that `in` does not use. */
void sl_token_rewrite_begin(struct sl_token_rewrite *r, struct sl_token_scratch *s,
                            const struct sl_token_text *in);
void sl_token_rewrite_put(struct sl_token_rewrite *r, uint32_t cp, int change);
/* One character that came from where byte `at` of the old text did. */
void sl_token_rewrite_from(struct sl_token_rewrite *r, uint32_t cp, uint32_t at);
/* Bytes [from, to) of the old text as they are. */
void sl_token_rewrite_copy(struct sl_token_rewrite *r, uint32_t from, uint32_t to);
/* *text becomes the new text; SL_NOMEM when it did not fit. */
SL_MUST_USE enum sl_rc sl_token_rewrite_end(struct sl_token_rewrite *r, struct sl_token_text *text);

#endif
