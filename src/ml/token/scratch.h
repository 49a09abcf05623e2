/* The growing arrays that one thread encodes with. Internal to this room. */
#ifndef SL_ML_TOKEN_SCRATCH_H
#define SL_ML_TOKEN_SCRATCH_H

#include "ml/token/tokenizer.h"

/* A text under way: see text.h. */
struct sl_token_text {
    const char *p;
    const struct sl_token_span *at; /* one a byte; NULL: byte i came from byte base + i */
    uint32_t n;
    uint32_t base; /* where the text begins in the source */
};

struct sl_token_buffer {
    char *p;
    struct sl_token_span *at;
    uint32_t n;
    uint32_t cap;
};

/* Bytes [from, to) of the text under way, or a token that is already known. */
struct sl_token_piece {
    uint32_t from;
    uint32_t to;
    uint32_t id; /* SL_TOKEN_NONE: to be tokenized */
};

#define SL_TOKEN_NONE UINT32_MAX

struct sl_token_pieces {
    struct sl_token_piece *v;
    uint32_t n;
    uint32_t cap;
};

/* Tokens of a text without the template, and the same with it. */
struct sl_token_list {
    uint32_t *ids;
    struct sl_token_span *spans;
    uint32_t n;
    uint32_t cap;
};

/* A symbol of a word that BPE merges. */
struct sl_bpe_symbol {
    uint32_t id;
    uint32_t len; /* bytes; 0: merged away */
    int32_t before;
    int32_t behind;
};

struct sl_bpe_merge {
    uint32_t rank;
    uint32_t at;
    uint32_t id;
};

struct sl_unigram_node {
    double score;
    uint32_t id;
    uint32_t from; /* SL_TOKEN_NONE: not reached */
};

#define SL_BPE_CACHE_SLOTS 4096
#define SL_BPE_CACHE_BYTES 40
#define SL_BPE_CACHE_IDS   12

/* A word and its tokens, as the tokenizer `owner` cut it. */
struct sl_bpe_cached {
    uint64_t owner; /* 0: free */
    uint8_t n_bytes;
    uint8_t n_ids;
    uint8_t lens[SL_BPE_CACHE_IDS];
    char bytes[SL_BPE_CACHE_BYTES];
    uint32_t ids[SL_BPE_CACHE_IDS];
};

struct sl_token_scratch {
    size_t max_bytes;
    size_t n_bytes;

    struct sl_token_buffer buffers[2];
    struct sl_token_pieces source;    /* cut at the tokens that are sought before normalising */
    struct sl_token_pieces pieces[2]; /* before and after a pre-tokenizer */
    struct sl_token_list texts[2];
    struct sl_token_list out;
    uint8_t *out_texts, *out_types;
    uint32_t cap_out;

    struct sl_bpe_symbol *symbols;
    uint32_t cap_symbols;
    struct sl_bpe_merge *merges;
    uint32_t cap_merges;
    struct sl_bpe_cached *cache;
    struct sl_unigram_node *nodes;
    uint32_t cap_nodes;
    struct sl_token_run *run; /* characters between two starters, for the normal forms */
    uint32_t cap_run;
};

/*
 * Makes *p an array of at least `need` elements of `size` bytes; its content stays. False at the
 * scratch's maximum.
 */
bool sl_token_grow(struct sl_token_scratch *s, void **p, uint32_t *cap, uint64_t need, size_t size);

#define SL_TOKEN_GROW(s, array, cap, need)                                                         \
    (SL_LIKELY((uint64_t)(need) <= (cap)) ||                                                       \
     sl_token_grow((s), (void **)(void *)&(array), &(cap), (need), sizeof *(array)))

bool sl_token_buffer_room(struct sl_token_scratch *s, struct sl_token_buffer *b, uint64_t need);
bool sl_token_list_room(struct sl_token_scratch *s, struct sl_token_list *l, uint64_t need);

static inline bool sl_token_add_piece(struct sl_token_scratch *s, struct sl_token_pieces *to,
                                      uint32_t from, uint32_t end, uint32_t id)
{
    if (!SL_TOKEN_GROW(s, to->v, to->cap, (uint64_t)to->n + 1))
        return false;
    to->v[to->n++] = (struct sl_token_piece){from, end, id};
    return true;
}

static inline bool sl_token_add(struct sl_token_scratch *s, struct sl_token_list *l, uint32_t id,
                                struct sl_token_span span)
{
    if (SL_UNLIKELY(l->n == l->cap) && !sl_token_list_room(s, l, (uint64_t)l->n + 1))
        return false;
    l->ids[l->n] = id;
    l->spans[l->n++] = span;
    return true;
}

#endif
