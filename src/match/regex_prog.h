/* Inside of the regular expressions: what the parser writes and the automaton reads. */
#ifndef SL_MATCH_REGEX_PROG_H
#define SL_MATCH_REGEX_PROG_H

#include "match/charset.h"
#include "match/regex.h"

enum sl_regex_op { SL_RE_CLASS, SL_RE_SPLIT, SL_RE_JUMP, SL_RE_ASSERT, SL_RE_MATCH };

enum sl_regex_assert {
    SL_RE_BEGIN_TEXT,
    SL_RE_END_TEXT,
    SL_RE_BEGIN_LINE,
    SL_RE_END_LINE,
    SL_RE_WORD,
    SL_RE_NOT_WORD,
};

/* Jumps are relative to their own place, so that a piece of program can be copied and moved. */
struct sl_regex_inst {
    uint8_t op;
    bool prefers_jump; /* SPLIT: the jump comes first, else the next instruction */
    int32_t arg;       /* CLASS: number of the set; SPLIT, JUMP: offset; ASSERT: kind */
};

enum sl_regex_start { SL_RE_START_ANYWHERE, SL_RE_START_LINE, SL_RE_START_TEXT };

struct sl_regex {
    struct sl_regex_inst *code;
    uint32_t n_code;
    struct sl_charset *sets;
    uint32_t n_sets;
    bool has_asserts;
    bool is_exact;    /* `required` is all that it matches, but for case */
    bool is_nullable; /* may match the empty text: no skipping */
    struct sl_regex_literals required;

    enum sl_regex_start start;
    uint64_t first[4];       /* bytes that a match can begin with */
    struct sl_range skip[4]; /* the same as byte ranges, when they are few */
    uint32_t n_skip;         /* 0: too many, use `first` */

    /* Symbols: classes of code points that no set and no assertion tells apart. */
    uint32_t n_symbols; /* without the end of the text, which is symbol n_symbols */
    uint16_t ascii[128];
    uint32_t *starts;  /* first code point of interval i, ascending */
    uint16_t *symbols; /* its symbol */
    uint32_t n_intervals;
    uint8_t *symbol_flags; /* SL_RE_IS_WORD, SL_RE_IS_NEWLINE */
    uint64_t *members;     /* bit (set * n_symbols + symbol) */
};

enum { SL_RE_IS_WORD = 1, SL_RE_IS_NEWLINE = 2, SL_RE_IS_END = 4 };

/* Alphabet, first bytes and start of a parsed program (regex_alphabet.c). */
SL_MUST_USE enum sl_rc sl_regex_analyse(struct sl_regex *re, struct sl_arena *arena,
                                        struct sl_err *err);

/* What a piece of an expression must contain (regex_literals.c). */
struct sl_regex_info {
    bool is_exact; /* `set` is all that it can match */
    bool is_nullable;
    struct sl_regex_literals set; /* exact strings, or required ones (n == 0: unknown) */
};
void sl_regex_info_empty(struct sl_regex_info *out);
void sl_regex_info_class(struct sl_regex_info *out, const struct sl_charset *set);
void sl_regex_info_cat(struct sl_regex_info *a, const struct sl_regex_info *b);
void sl_regex_info_alt(struct sl_regex_info *a, const struct sl_regex_info *b);
void sl_regex_info_repeat(struct sl_regex_info *a, int min, int max);
/* Required strings of a whole expression. */
void sl_regex_info_finish(const struct sl_regex_info *a, struct sl_regex_literals *out);

#endif
