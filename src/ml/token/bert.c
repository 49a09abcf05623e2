/*
 * BertNormalizer, BertPreTokenizer and WordPiece in one pass over source bytes, as most text of
 * such models is ASCII words: they are lowered on the way into a word buffer and looked up there,
 * their spans known by position. Everything else takes a slower step, character by character.
 *
 * Marks that are not removed and would have to be ordered (a few, outside of plain text) are left
 * to the general way: SL_UNSUPPORTED.
 */
#include "ml/token/chars.h"
#include "ml/token/parts.h"

enum { WORD, SPACE, PUNCT, DROPPED, LONG };

/* What an ASCII byte is; LONG begins a longer character. */
static const uint8_t kinds[256] = {
    [0 ... 8] = DROPPED,   [9 ... 10] = SPACE,    [11 ... 12] = DROPPED, [13] = SPACE,
    [14 ... 31] = DROPPED, [' '] = SPACE,         ['!' ... '/'] = PUNCT, [':' ... '@'] = PUNCT,
    ['[' ... '`'] = PUNCT, ['{' ... '~'] = PUNCT, [127] = DROPPED,       [128 ... 255] = LONG,
};

/* The word under way. Its spans are by position (from `start`) until something breaks the line. */
struct word {
    const struct sl_tokenizer *t;
    struct sl_token_scratch *scratch;
    struct sl_token_list *out;
    struct sl_token_buffer *bytes;
    uint32_t n_chars; /* the buffer holds max_chars of them */
    uint32_t start;
    uint32_t end; /* of its source */
    bool has_spans;
    bool is_full;
};

static struct sl_token_span span_of(const struct word *w, uint32_t from, uint32_t to)
{
    if (!w->has_spans)
        return (struct sl_token_span){w->start + from, w->start + to};
    return (struct sl_token_span){w->bytes->at[from].from, w->bytes->at[to - 1].to};
}

static void add(struct word *w, uint32_t id, struct sl_token_span span)
{
    w->is_full |= !sl_token_add(w->scratch, w->out, id, span);
}

/* The word, if there is one, to tokens. */
static void flush(struct word *w)
{
    const struct sl_wordpiece *m = &w->t->wordpiece;
    uint32_t n = w->bytes->n, n_before = w->out->n, id, length;
    if (!w->n_chars)
        return;
    const char *p = w->bytes->p;
    bool is_known = w->n_chars <= m->max_chars;
    for (uint32_t at = 0; is_known && at < n; at += length) {
        is_known = sl_trie_longest(at ? &m->inside : &m->first, p + at, n - at, &id, &length);
        if (is_known)
            add(w, id, span_of(w, at, at + length));
    }
    if (!is_known) {
        w->out->n = n_before;
        add(w, w->t->unk_id, (struct sl_token_span){span_of(w, 0, 1).from, w->end});
    }
    w->bytes->n = 0;
    w->n_chars = 0;
    w->has_spans = false;
}

/* From here on the word's source is not one line of single bytes. */
static void keep_spans(struct word *w)
{
    if (w->has_spans || !w->n_chars)
        return;
    for (uint32_t i = 0; i < w->bytes->n; i++)
        w->bytes->at[i] = (struct sl_token_span){w->start + i, w->start + i + 1};
    w->has_spans = true;
}

/* One more character of the word; those behind its maximum are counted only. */
static void put(struct word *w, uint32_t cp, struct sl_token_span span)
{
    struct sl_token_buffer *b = w->bytes;
    w->end = span.to;
    if (w->n_chars > w->t->wordpiece.max_chars)
        return;
    if (!w->n_chars++) {
        w->start = span.from;
        w->has_spans = true;
    }
    keep_spans(w);
    if (!sl_token_buffer_room(w->scratch, b, (uint64_t)b->n + 4)) {
        w->is_full = true;
        return;
    }
    unsigned n = sl_utf8_encode(cp, b->p + b->n);
    for (unsigned i = 0; i < n; i++)
        b->at[b->n + i] = span;
    b->n += n;
}

/* A character as it leaves the normaliser. */
static void put_normal(struct word *w, uint32_t cp, struct sl_token_span span)
{
    unsigned flags = sl_char_flags(cp);
    if (flags & (SL_CHAR_SPACE | SL_CHAR_PUNCT))
        flush(w);
    if (!(flags & SL_CHAR_SPACE))
        put(w, cp, span);
    if (flags & SL_CHAR_PUNCT)
        flush(w);
}

static void put_lowered(struct word *w, uint32_t cp, bool lowers, struct sl_token_span span)
{
    put_normal(w, lowers ? sl_char_lower(cp) : cp, span);
    if (lowers && cp == 0x130)
        put_normal(w, 0x307, span);
}

/* A character of the source. False for marks that would have to be ordered. */
static bool put_source(struct word *w, const struct sl_normal_step *step, uint32_t cp,
                       struct sl_token_span span)
{
    unsigned flags = sl_char_flags(cp);
    if (flags & SL_CHAR_OTHER) {
        keep_spans(w);
        return true;
    }
    if (flags & SL_CHAR_SPACE) {
        flush(w);
        return true;
    }
    bool is_alone = step->handle_chinese && sl_char_is_chinese(cp);
    if (is_alone)
        flush(w);
    if (step->strip_accents && flags & SL_CHAR_NOT_NFD) {
        uint32_t parts[SL_CHAR_PARTS_MAX];
        unsigned n = sl_char_decompose(cp, false, parts);
        for (unsigned i = 0; i < n; i++) {
            bool is_removed = sl_char_is(parts[i], SL_CHAR_NONSPACING);
            if (!is_removed && sl_char_ccc(parts[i]))
                return false;
            if (!is_removed)
                put_lowered(w, parts[i], step->lowercase, span);
        }
        keep_spans(w);
    } else if (!step->strip_accents || !(flags & SL_CHAR_NONSPACING)) {
        put_lowered(w, cp, step->lowercase, span);
    } else {
        keep_spans(w);
    }
    if (is_alone)
        flush(w);
    return true;
}

/* The ASCII word characters at `at`; behind them. */
static uint32_t put_ascii(struct word *w, const unsigned char *p, uint32_t at, uint32_t to,
                          bool lowers)
{
    struct sl_token_buffer *b = w->bytes;
    uint32_t end = at, max = w->t->wordpiece.max_chars;
    while (end < to && kinds[p[end]] == WORD)
        end++;
    /* Only as many as tell that the word is too long. */
    uint32_t n = end - at, room = max + 1 > w->n_chars ? max + 1 - w->n_chars : 0;
    n = n < room ? n : room;
    if (SL_UNLIKELY(b->cap - b->n < n) &&
        !sl_token_buffer_room(w->scratch, b, (uint64_t)b->n + n)) {
        w->is_full = true;
        return end;
    }
    if (!w->n_chars)
        w->start = at;
    for (uint32_t i = 0; i < n; i++) {
        unsigned char c = p[at + i];
        b->p[b->n + i] = (char)(lowers && c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    for (uint32_t i = 0; w->has_spans && i < n; i++)
        b->at[b->n + i] = (struct sl_token_span){at + i, at + i + 1};
    b->n += n;
    w->n_chars += n;
    w->end = end;
    return end;
}

enum sl_rc sl_bert_encode(const struct sl_tokenizer *t, struct sl_token_scratch *s, sl_str source,
                          uint32_t from, uint32_t to, struct sl_token_list *out)
{
    const struct sl_normal_step *step = &t->normal[0];
    const unsigned char *p = (const unsigned char *)source.p;
    struct word w = {.t = t, .scratch = s, .out = out, .bytes = &s->buffers[0]};
    sl_str part = sl_str_of(source.p, to);
    w.bytes->n = 0;
    for (uint32_t at = from; at < to && !w.is_full;) {
        unsigned n;
        switch (kinds[p[at]]) {
        case WORD:
            at = put_ascii(&w, p, at, to, step->lowercase);
            break;
        case SPACE:
            flush(&w);
            at++;
            break;
        case PUNCT:
            flush(&w);
            put(&w, p[at], (struct sl_token_span){at, at + 1});
            flush(&w);
            at++;
            break;
        case DROPPED:
            keep_spans(&w);
            at++;
            break;
        default: {
            uint32_t cp = sl_utf8_at(part, at, &n);
            if (!put_source(&w, step, cp, (struct sl_token_span){at, at + n}))
                return SL_UNSUPPORTED;
            at += n;
        }
        }
    }
    flush(&w);
    return w.is_full ? SL_NOMEM : SL_OK;
}
