/*
 * Tokenizers of Hugging Face models, read from tokenizer.json: WordPiece, byte-level BPE,
 * SentencePiece-style BPE with byte fallback, Unigram. Ids and offsets equal those of the
 * `tokenizers` package; offsets are bytes of the text that was given. Pure.
 *
 * A tokenizer does not change once loaded: any thread may encode with it, each with a scratch of
 * its own. Nothing is allocated per call once the scratch has grown to the size of its texts.
 *
 * Untrusted text: a control token that a user types ("[SEP]", "<eos>", "<|im_end|>") is text like
 * any other and never becomes the control id, unless parse_specials asks for it.
 */
#ifndef SL_ML_TOKEN_TOKENIZER_H
#define SL_ML_TOKEN_TOKENIZER_H

#include "base/err.h"
#include "base/str.h"

struct sl_tokenizer;
struct sl_token_scratch;

/*
 * From the bytes of a tokenizer.json, which may be freed afterwards. A component that is not
 * implemented, a missing field or a hostile file is SL_INVALID, SL_UNSUPPORTED or SL_LIMIT with
 * the component and the place in err.
 */
SL_MUST_USE enum sl_rc sl_tokenizer_load(struct sl_tokenizer **out, sl_str json,
                                         struct sl_err *err);
void sl_tokenizer_free(struct sl_tokenizer *t);

/* Working memory of one thread, never above max_bytes. NULL when out of memory. */
struct sl_token_scratch *sl_token_scratch_new(size_t max_bytes);
void sl_token_scratch_free(struct sl_token_scratch *s);

/* Bytes [from, to) of the text the token stands for; (0, 0) for one the template put. */
struct sl_token_span {
    uint32_t from;
    uint32_t to;
};

#define SL_TOKEN_OF_TEMPLATE 255

/* Views into the scratch, valid until its next use. */
struct sl_tokens {
    const uint32_t *ids;
    const struct sl_token_span *spans;
    const uint8_t *texts; /* 0, 1: the text the span points into, or SL_TOKEN_OF_TEMPLATE */
    const uint8_t *types; /* token_type_ids of the template */
    uint32_t n;
    uint32_t n_left_out; /* tokens of the texts that max_tokens left no room for */
};

/* Which text gives way when both do not fit (or slides, for windows). */
enum sl_token_cut {
    SL_TOKEN_CUT_LONGEST, /* windows: as FIRST */
    SL_TOKEN_CUT_FIRST,   /* the second text stays whole */
    SL_TOKEN_CUT_SECOND,  /* the first text stays whole */
};

struct sl_token_options {
    uint32_t max_tokens;   /* template included; 0 = no maximum */
    uint32_t overlap;      /* windows: tokens of the text that two neighbours share */
    enum sl_token_cut cut; /* for two texts */
    bool without_specials; /* no template */
    bool parse_specials;   /* control tokens in the text become their ids: trusted text only */
};

/*
 * Encodes `text`, and `pair` (p == NULL: none) as the second sequence of the template. Malformed
 * bytes of the text count as U+FFFD, one each. SL_NOMEM: the scratch's maximum; SL_LIMIT: the
 * template or the text that must stay whole leaves no room in max_tokens.
 */
SL_MUST_USE enum sl_rc sl_tokenizer_encode(const struct sl_tokenizer *t, sl_str text, sl_str pair,
                                           const struct sl_token_options *options,
                                           struct sl_token_scratch *scratch, struct sl_tokens *out);

/*
 * Long text as windows of at most options->max_tokens, template included, that together hold every
 * token; neighbours share options->overlap tokens of the text that slides, the other text (if any)
 * is whole in each. The text is encoded once, by begin; the scratch belongs to the windows until
 * the last one was read. An empty text is one window.
 */
struct sl_token_windows {
    const struct sl_tokenizer *tokenizer;
    struct sl_token_scratch *scratch;
    struct sl_token_options options;
    uint32_t n[2];    /* tokens of each text */
    uint32_t room;    /* tokens of the sliding text in one window */
    uint32_t at;      /* first token of the next window */
    uint32_t n_total; /* windows in all */
    bool has_pair;
    bool is_done;
};

SL_MUST_USE enum sl_rc sl_token_windows_begin(struct sl_token_windows *w,
                                              const struct sl_tokenizer *t, sl_str text,
                                              sl_str pair, const struct sl_token_options *options,
                                              struct sl_token_scratch *scratch);

/* The next window; SL_EOF behind the last. n_left_out is 0. */
SL_MUST_USE enum sl_rc sl_token_windows_next(struct sl_token_windows *w, struct sl_tokens *out);

/* One more than the largest id. */
uint32_t sl_tokenizer_size(const struct sl_tokenizer *t);

/* The token as the vocabulary writes it ("##ing", "Ġthe"); p == NULL for an id that is not used. */
sl_str sl_tokenizer_text(const struct sl_tokenizer *t, uint32_t id);

/* The id of a token of the vocabulary or of the added tokens; UINT32_MAX when there is none. */
uint32_t sl_tokenizer_id(const struct sl_tokenizer *t, sl_str token);

/* Tokens that the template adds to one text, or to two. */
uint32_t sl_tokenizer_n_template(const struct sl_tokenizer *t, bool is_pair);

#endif
