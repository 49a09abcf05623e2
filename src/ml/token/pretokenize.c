/*
 * Pre-tokenizers: each turns a list of pieces into a finer one. Those that also change the text
 * (Metaspace, ByteLevel with add_prefix_space) write all pieces anew. What ByteLevel does to bytes
 * is not done here: the byte-level vocabulary is kept as the bytes it stands for (bpe.c).
 */
#include "ml/token/chars.h"
#include "ml/token/parts.h"

/* The pieces that a split leaves, delimiter by delimiter. */
struct splitter {
    struct sl_token_scratch *scratch;
    struct sl_token_pieces *out;
    enum sl_split_behavior behavior;
    uint32_t n_before;  /* pieces of the list before this one */
    bool was_delimiter; /* the last part */
    uint32_t next_from; /* WITH_NEXT: where delimiters that wait for the next part begin */
    bool has_waiting;
};

static bool put(struct splitter *x, uint32_t from, uint32_t to)
{
    return from >= to || sl_token_add_piece(x->scratch, x->out, from, to, SL_TOKEN_NONE);
}

static bool joins(const struct splitter *x, bool is_delimiter)
{
    if (x->out->n == x->n_before)
        return false;
    if (x->behavior == SL_SPLIT_CONTIGUOUS)
        return is_delimiter == x->was_delimiter;
    return x->behavior == SL_SPLIT_WITH_PREVIOUS && is_delimiter && !x->was_delimiter;
}

/* The next part of the piece: they follow on each other. False when the list is full. */
static bool part(struct splitter *x, uint32_t from, uint32_t to, bool is_delimiter)
{
    bool is_ok = true;
    if (from >= to)
        return true;
    if (x->behavior == SL_SPLIT_REMOVED) {
        is_ok = is_delimiter || put(x, from, to);
    } else if (x->behavior == SL_SPLIT_WITH_NEXT) {
        /* A delimiter joins what follows unless that is a delimiter, too. */
        if (is_delimiter) {
            is_ok = !x->has_waiting || put(x, x->next_from, from);
            x->next_from = from;
            x->has_waiting = true;
        } else {
            is_ok = put(x, x->has_waiting ? x->next_from : from, to);
            x->has_waiting = false;
        }
    } else if (joins(x, is_delimiter)) {
        x->out->v[x->out->n - 1].to = to;
    } else {
        is_ok = put(x, from, to);
    }
    x->was_delimiter = is_delimiter;
    return is_ok;
}

static bool finish(struct splitter *x, uint32_t end)
{
    return !x->has_waiting || put(x, x->next_from, end);
}

static struct splitter splitter_begin(struct sl_token_scratch *s, struct sl_token_pieces *out,
                                      enum sl_split_behavior behavior)
{
    return (struct splitter){.scratch = s, .out = out, .behavior = behavior, .n_before = out->n};
}

/* Splits one piece at the characters of a class. */
static bool split_flags(struct splitter *x, sl_str text, uint32_t from, uint32_t to, unsigned flags)
{
    uint32_t done = from;
    sl_str piece = sl_str_of(text.p, to);
    for (uint32_t at = from; at < to;) {
        unsigned n;
        uint32_t cp = sl_utf8_at(piece, at, &n);
        if (sl_char_is(cp, flags)) {
            if (!part(x, done, at, false) || !part(x, at, at + n, true))
                return false;
            done = at + n;
        }
        at += n;
    }
    return part(x, done, to, false) && finish(x, to);
}

static bool split_pattern(struct splitter *x, const struct sl_pattern *p, bool is_inverted,
                          sl_str text, uint32_t from, uint32_t to)
{
    sl_str piece = sl_str_sub(text, from, to);
    uint32_t done = 0, a, b;
    while (sl_pattern_find(p, piece, done, &a, &b)) {
        if (!part(x, from + done, from + a, is_inverted) ||
            !part(x, from + a, from + b, !is_inverted))
            return false;
        done = b;
    }
    return part(x, from + done, to, is_inverted) && finish(x, to);
}

/* \w+|[^\w\s]+ with what lies between removed. */
static bool split_words(struct splitter *x, sl_str text, uint32_t from, uint32_t to)
{
    enum { BLANK, WORD, SIGNS } kind, last = BLANK;
    uint32_t done = from;
    for (uint32_t at = from; at < to;) {
        unsigned n, flags = sl_char_flags(sl_utf8_at(sl_str_of(text.p, to), at, &n));
        kind = flags & SL_CHAR_WORD ? WORD : flags & SL_CHAR_SPACE ? BLANK : SIGNS;
        if (kind != last) {
            if (last != BLANK && !put(x, done, at))
                return false;
            done = at;
            last = kind;
        }
        at += n;
    }
    return last == BLANK || put(x, done, to);
}

static bool split_bert(struct splitter *x, sl_str text, uint32_t from, uint32_t to)
{
    uint32_t done = from;
    for (uint32_t at = from; at < to;) {
        unsigned n, flags = sl_char_flags(sl_utf8_at(sl_str_of(text.p, to), at, &n));
        if (flags & (SL_CHAR_SPACE | SL_CHAR_PUNCT)) {
            if (!put(x, done, at) || (!(flags & SL_CHAR_SPACE) && !put(x, at, at + n)))
                return false;
            done = at + n;
        }
        at += n;
    }
    return put(x, done, to);
}

static bool split(const struct sl_pretoken_step *step, struct splitter *x, sl_str text,
                  uint32_t from, uint32_t to)
{
    switch (step->kind) {
    case SL_PRETOKEN_BERT:
        return split_bert(x, text, from, to);
    case SL_PRETOKEN_WHITESPACE:
        return split_words(x, text, from, to);
    case SL_PRETOKEN_WHITESPACE_SPLIT:
        return split_flags(x, text, from, to, SL_CHAR_SPACE);
    case SL_PRETOKEN_PUNCTUATION:
        return split_flags(x, text, from, to, SL_CHAR_PUNCT);
    case SL_PRETOKEN_DIGITS:
        return split_flags(x, text, from, to, SL_CHAR_NUMERIC);
    case SL_PRETOKEN_METASPACE:
    case SL_PRETOKEN_SPLIT:
    case SL_PRETOKEN_BYTE_LEVEL:
        break;
    }
    return split_pattern(x, &step->pattern, step->is_inverted, text, from, to);
}

/* What goes before a piece: the replacement of Metaspace, the blank of ByteLevel, or nothing. */
static sl_str prefix_of(const struct sl_pretoken_step *step, const struct sl_token_text *text,
                        const struct sl_token_piece *piece)
{
    sl_str p = sl_str_of(text->p + piece->from, piece->to - piece->from);
    if (step->kind == SL_PRETOKEN_BYTE_LEVEL)
        return p.p[0] == ' ' ? (sl_str){0} : SL_STR(" ");
    if (p.p[0] == ' ' || sl_str_starts(p, step->replacement) || step->prepend == SL_PREPEND_NEVER)
        return (sl_str){0};
    if (step->prepend == SL_PREPEND_FIRST && sl_token_text_at(text, piece->from).from != 0)
        return (sl_str){0};
    return step->replacement;
}

static void rewrite_from(struct sl_token_rewrite *r, sl_str content, uint32_t at)
{
    for (size_t i = 0; i < content.n;) {
        unsigned n;
        uint32_t cp = sl_utf8_at(content, i, &n);
        sl_token_rewrite_from(r, cp, at);
        i += n;
    }
}

/* All pieces anew, with their prefixes and, for Metaspace, with blanks replaced. */
static enum sl_rc rewrite(const struct sl_pretoken_step *step, struct sl_token_scratch *s,
                          struct sl_token_text *text, struct sl_token_pieces *pieces)
{
    struct sl_token_rewrite r;
    sl_token_rewrite_begin(&r, s, text);
    for (uint32_t i = 0; i < pieces->n && !r.is_full; i++) {
        struct sl_token_piece *piece = &pieces->v[i];
        uint32_t from = r.out->n;
        if (piece->id != SL_TOKEN_NONE) {
            sl_token_rewrite_copy(&r, piece->from, piece->to);
        } else {
            rewrite_from(&r, prefix_of(step, text, piece), piece->from);
            uint32_t done = piece->from;
            while (step->kind == SL_PRETOKEN_METASPACE && done < piece->to) {
                const char *blank = memchr(text->p + done, ' ', piece->to - done);
                uint32_t at = blank ? (uint32_t)(blank - text->p) : piece->to;
                sl_token_rewrite_copy(&r, done, at);
                if (blank)
                    rewrite_from(&r, step->replacement, at);
                done = at + (blank != NULL);
            }
            sl_token_rewrite_copy(&r, done, piece->to);
        }
        piece->from = from;
        piece->to = r.out->n;
    }
    return sl_token_rewrite_end(&r, text);
}

static bool is_rewriter(const struct sl_pretoken_step *step)
{
    return step->kind == SL_PRETOKEN_METASPACE ||
           (step->kind == SL_PRETOKEN_BYTE_LEVEL && step->add_prefix_space);
}

static bool is_splitter(const struct sl_pretoken_step *step)
{
    return (step->kind != SL_PRETOKEN_METASPACE && step->kind != SL_PRETOKEN_BYTE_LEVEL) ||
           step->has_split;
}

enum sl_rc sl_token_pretokenize(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                                struct sl_token_text *text, struct sl_token_pieces **pieces)
{
    for (uint32_t i = 0; i < t->n_pretoken; i++) {
        const struct sl_pretoken_step *step = &t->pretoken[i];
        enum sl_rc rc = is_rewriter(step) ? rewrite(step, s, text, *pieces) : SL_OK;
        if (rc != SL_OK)
            return rc;
        if (!is_splitter(step))
            continue;
        const struct sl_token_pieces *in = *pieces;
        struct sl_token_pieces *out = &s->pieces[in == &s->pieces[0]];
        out->n = 0;
        for (uint32_t k = 0; k < in->n; k++) {
            const struct sl_token_piece *piece = &in->v[k];
            struct splitter x = splitter_begin(s, out, step->behavior);
            bool is_ok = piece->id == SL_TOKEN_NONE
                             ? split(step, &x, sl_str_of(text->p, text->n), piece->from, piece->to)
                             : sl_token_add_piece(s, out, piece->from, piece->to, piece->id);
            if (!is_ok)
                return SL_NOMEM;
        }
        *pieces = out;
    }
    return SL_OK;
}
