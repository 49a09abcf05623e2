/* What a loaded tokenizer is made of. Internal to this room. */
#ifndef SL_ML_TOKEN_PARTS_H
#define SL_ML_TOKEN_PARTS_H

#include "base/arena.h"
#include "ml/token/text.h"
#include "ml/token/trie.h"
#include "ml/token/vocab.h"

#define SL_TOKEN_MAX_STEPS 16 /* normalisers, and pre-tokenizers, of one file */

enum sl_normal_kind {
    SL_NORMAL_BERT,
    SL_NORMAL_FORM, /* NFC, NFD, NFKC, NFKD */
    SL_NORMAL_LOWERCASE,
    SL_NORMAL_STRIP,
    SL_NORMAL_STRIP_ACCENTS,
    SL_NORMAL_REPLACE,
    SL_NORMAL_PREPEND,
    SL_NORMAL_PRECOMPILED,
};

/* What Replace and Split look for. */
enum sl_pattern_kind {
    SL_PATTERN_LITERAL,
    SL_PATTERN_SPACES, /* \s+ */
    SL_PATTERN_BLANKS, /* " {2,}" and " +": at least `min` of U+0020 */
    SL_PATTERN_GPT2,
    SL_PATTERN_CL100K, /* and Qwen2: see sl_pattern */
};

struct sl_pattern {
    enum sl_pattern_kind kind;
    sl_str literal;
    uint32_t min;        /* BLANKS */
    uint32_t max_digits; /* CL100K: digits in one piece */
};

struct sl_normal_step {
    enum sl_normal_kind kind;
    bool clean_text, handle_chinese, strip_accents, lowercase; /* BERT */
    bool is_composed, is_compatible;                           /* FORM */
    bool left, right;                                          /* STRIP */
    struct sl_pattern pattern;                                 /* REPLACE */
    sl_str content;                                            /* REPLACE, PREPEND */
    const uint32_t *map_units;                                 /* PRECOMPILED: a Darts array */
    uint32_t n_map_units;
    sl_str map_text; /* NUL-ended replacements */
};

enum sl_pretoken_kind {
    SL_PRETOKEN_BERT,
    SL_PRETOKEN_WHITESPACE,
    SL_PRETOKEN_WHITESPACE_SPLIT,
    SL_PRETOKEN_PUNCTUATION,
    SL_PRETOKEN_DIGITS,
    SL_PRETOKEN_METASPACE,
    SL_PRETOKEN_SPLIT,
    SL_PRETOKEN_BYTE_LEVEL,
};

enum sl_split_behavior {
    SL_SPLIT_REMOVED,
    SL_SPLIT_ISOLATED,
    SL_SPLIT_WITH_PREVIOUS,
    SL_SPLIT_WITH_NEXT,
    SL_SPLIT_CONTIGUOUS,
};

enum sl_prepend_scheme { SL_PREPEND_ALWAYS, SL_PREPEND_FIRST, SL_PREPEND_NEVER };

struct sl_pretoken_step {
    enum sl_pretoken_kind kind;
    enum sl_split_behavior behavior; /* PUNCTUATION, DIGITS, SPLIT */
    struct sl_pattern pattern;       /* SPLIT; BYTE_LEVEL: GPT-2's */
    bool is_inverted;                /* SPLIT */
    bool has_split;                  /* METASPACE, BYTE_LEVEL: cuts as well */
    bool add_prefix_space;           /* BYTE_LEVEL */
    enum sl_prepend_scheme prepend;  /* METASPACE */
    sl_str replacement;              /* METASPACE */
};

enum sl_model_kind { SL_MODEL_WORDPIECE, SL_MODEL_BPE, SL_MODEL_UNIGRAM };

struct sl_wordpiece {
    struct sl_trie first;  /* tokens that begin a word */
    struct sl_trie inside; /* tokens that continue one, without their prefix */
    uint32_t max_chars;
};

/* A pair of ids and what they merge to; open addressing. */
struct sl_bpe_pair {
    uint64_t pair; /* left << 32 | right */
    uint32_t rank;
    uint32_t id; /* SL_TOKEN_NONE: free slot */
};

struct sl_bpe {
    struct sl_bpe_pair *pairs;
    uint32_t mask;
    struct sl_vocab words;  /* the vocabulary as the bytes of pieces: "Ġthe" is " the" */
    uint32_t bytes[256];    /* id of a byte: "Ġ", or "<0x20>" under byte_fallback; or NONE */
    uint32_t ascii[128];    /* id of an ASCII character as a symbol, or NONE */
    bool is_byte_level;     /* symbols are bytes, not characters */
    bool has_byte_fallback; /* characters without a token become their bytes' tokens */
    bool fuse_unk;
    bool ignore_merges;
    sl_str prefix; /* continuing_subword_prefix; empty: none */
    sl_str suffix; /* end_of_word_suffix */
};

struct sl_unigram {
    struct sl_trie trie;
    const double *scores; /* by id */
    double unk_score;
    uint32_t bytes[256]; /* ids of "<0x00>" ...; NONE */
    bool has_byte_fallback;
};

struct sl_added_token {
    sl_str content; /* as sought: normalised when is_normalized */
    uint32_t id;
    bool is_special, is_normalized, is_single_word, strips_left, strips_right;
};

/* Tokens sought in the text before the model sees it; longest at the leftmost place wins. */
struct sl_added {
    struct sl_added_token *tokens;
    uint32_t n;
    struct sl_trie tries[2]; /* values are indices of tokens; [1]: of the normalised text */
    bool first_bytes[2][256];
};

/* One piece of a template: a text, or a token. */
struct sl_template_part {
    uint32_t id; /* of the token; SL_TOKEN_NONE: a text */
    uint8_t text;
    uint8_t type;
};

struct sl_template {
    struct sl_template_part *parts;
    uint32_t n;
    uint32_t n_tokens; /* parts that are tokens */
};

struct sl_tokenizer {
    struct sl_arena arena; /* owns everything but the tries */
    uint64_t serial;       /* names this tokenizer in caches of scratches */
    struct sl_normal_step normal[SL_TOKEN_MAX_STEPS];
    uint32_t n_normal;
    struct sl_pretoken_step pretoken[SL_TOKEN_MAX_STEPS];
    uint32_t n_pretoken;
    enum sl_model_kind model;
    struct sl_vocab vocab; /* as the file writes it */
    uint32_t unk_id;       /* SL_TOKEN_NONE: none */
    struct sl_wordpiece wordpiece;
    struct sl_bpe bpe;
    struct sl_unigram unigram;
    struct sl_added added;
    uint8_t *is_control; /* by id: special tokens */
    sl_str *texts;       /* by id */
    uint32_t n_ids;
    struct sl_template templates[2]; /* for one text, for two */
    bool trims_offsets;              /* spans leave out blanks (ByteLevel, Roberta) */
    bool trim_keeps_prefix;          /* but for the one that add_prefix_space put */
    bool is_plain_bert;              /* see sl_bert_encode */
};

/* normalize.c: all normalisers of t over *text. */
SL_MUST_USE enum sl_rc sl_token_normalize(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                                          struct sl_token_text *text);

/* normal_form.c, precompiled.c: one normaliser. */
SL_MUST_USE enum sl_rc sl_normal_form(const struct sl_normal_step *step, struct sl_token_scratch *s,
                                      struct sl_token_text *text);
SL_MUST_USE enum sl_rc sl_normal_precompiled(const struct sl_normal_step *step,
                                             struct sl_token_scratch *s,
                                             struct sl_token_text *text);

/* pattern.c: the next match at or behind `at` (its length > 0), or false. */
bool sl_pattern_find(const struct sl_pattern *p, sl_str text, uint32_t at, uint32_t *from,
                     uint32_t *to);
/* The pattern a regular expression of a file stands for; false when it is none we know. */
bool sl_pattern_of_regex(struct sl_pattern *p, sl_str regex);

/* pretokenize.c: cuts *in (pieces of *text); *out is the list that holds the result. */
SL_MUST_USE enum sl_rc sl_token_pretokenize(const struct sl_tokenizer *t,
                                            struct sl_token_scratch *s, struct sl_token_text *text,
                                            struct sl_token_pieces **pieces);

/* One piece of *text to tokens at the end of `out`. */
SL_MUST_USE enum sl_rc sl_wordpiece_encode(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                                           const struct sl_token_text *text, uint32_t from,
                                           uint32_t to, struct sl_token_list *out);
SL_MUST_USE enum sl_rc sl_bpe_encode(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                                     const struct sl_token_text *text, uint32_t from, uint32_t to,
                                     struct sl_token_list *out);
SL_MUST_USE enum sl_rc sl_unigram_encode(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                                         const struct sl_token_text *text, uint32_t from,
                                         uint32_t to, struct sl_token_list *out);

/* bert.c: BertNormalizer, BertPreTokenizer and WordPiece in one pass over source bytes. */
SL_MUST_USE enum sl_rc sl_bert_encode(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                                      sl_str source, uint32_t from, uint32_t to,
                                      struct sl_token_list *out);

/* added.c: cuts bytes [from, to) of text at added tokens; normalised ones or the others. */
SL_MUST_USE enum sl_rc sl_added_cut(const struct sl_added *a, bool is_normalized,
                                    bool parse_specials, struct sl_token_scratch *s, sl_str text,
                                    struct sl_token_pieces *out);

#endif
