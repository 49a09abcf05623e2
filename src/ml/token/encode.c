/*
 * From text to tokens: cut at added tokens, normalise, cut at the normalised ones, pre-tokenize,
 * ask the model for each piece; then the template around it (template.c).
 */
#include "ml/token/encode.h"

#include "ml/token/chars.h"

static enum sl_rc encode_pieces(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                                const struct sl_token_text *text,
                                const struct sl_token_pieces *pieces, struct sl_token_list *out)
{
    for (uint32_t i = 0; i < pieces->n; i++) {
        struct sl_token_piece piece = pieces->v[i];
        enum sl_rc rc = SL_OK;
        if (piece.id != SL_TOKEN_NONE)
            rc = sl_token_add(s, out, piece.id, sl_token_text_span(text, piece.from, piece.to))
                     ? SL_OK
                     : SL_NOMEM;
        else if (t->model == SL_MODEL_WORDPIECE)
            rc = sl_wordpiece_encode(t, s, text, piece.from, piece.to, out);
        else if (t->model == SL_MODEL_BPE)
            rc = sl_bpe_encode(t, s, text, piece.from, piece.to, out);
        else
            rc = sl_unigram_encode(t, s, text, piece.from, piece.to, out);
        if (rc != SL_OK)
            return rc;
    }
    return SL_OK;
}

/* Source bytes [from, to), which hold no token that is sought before normalising. */
static enum sl_rc encode_segment(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                                 sl_str source, uint32_t from, uint32_t to, bool parse_specials,
                                 struct sl_token_list *out)
{
    if (t->is_plain_bert) {
        uint32_t n = out->n;
        enum sl_rc fast = sl_bert_encode(t, s, source, from, to, out);
        if (fast != SL_UNSUPPORTED)
            return fast;
        out->n = n;
    }
    struct sl_token_text text;
    struct sl_token_pieces *pieces = &s->pieces[0];
    enum sl_rc rc = sl_token_text_source(s, source, from, to, &text);
    if (rc == SL_OK)
        rc = sl_token_normalize(t, s, &text);
    pieces->n = 0;
    if (rc == SL_OK)
        rc = sl_added_cut(&t->added, true, parse_specials, s, sl_str_of(text.p, text.n), pieces);
    if (rc == SL_OK)
        rc = sl_token_pretokenize(t, s, &text, &pieces);
    if (rc == SL_OK)
        rc = encode_pieces(t, s, &text, pieces, out);
    return rc;
}

/* Blanks at the ends of a token's own text, as ByteLevel's post-processor counts them. */
static uint32_t blanks_of(const struct sl_tokenizer *t, uint32_t id, bool at_end)
{
    static const char mapped[] = "\xc4\xa0"; /* U+0120, a blank among the byte-level letters */
    sl_str text = sl_tokenizer_text(t, id);
    uint32_t count = 0;
    size_t at = at_end ? text.n : 0;
    while (at_end ? at > 0 : at < text.n) {
        unsigned n;
        uint32_t cp = at_end ? sl_utf8_before(text, at, &n) : sl_utf8_at(text, at, &n);
        size_t next = at_end ? at - n : at + n;
        bool is_mapped = n == 2 && memcmp(text.p + (at_end ? next : at), mapped, 2) == 0;
        if (!is_mapped && !sl_char_is(cp, SL_CHAR_SPACE))
            break;
        count++;
        at = next;
    }
    return count;
}

static void trim(const struct sl_tokenizer *t, struct sl_token_list *list)
{
    for (uint32_t i = 0; i < list->n; i++) {
        struct sl_token_span *span = &list->spans[i];
        uint32_t leading = blanks_of(t, list->ids[i], false);
        uint32_t trailing = blanks_of(t, list->ids[i], true);
        if (leading == 1 && t->trim_keeps_prefix && (i == 0 || span->from == 0))
            leading = 0;
        span->from = leading < span->to - span->from ? span->from + leading : span->to;
        if (trailing && span->to >= trailing)
            span->to = span->to - trailing > span->from ? span->to - trailing : span->from;
    }
}

enum sl_rc sl_token_encode_text(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                                sl_str source, bool parse_specials, struct sl_token_list *out)
{
    out->n = 0;
    if (source.n > SL_TOKEN_MAX_TEXT)
        return SL_NOMEM;
    if (!t->added.tries[0].units) {
        enum sl_rc rc =
            source.n ? encode_segment(t, s, source, 0, (uint32_t)source.n, parse_specials, out)
                     : SL_OK;
        if (rc == SL_OK && t->trims_offsets)
            trim(t, out);
        return rc;
    }
    s->source.n = 0;
    enum sl_rc rc = sl_added_cut(&t->added, false, parse_specials, s, source, &s->source);
    for (uint32_t i = 0; rc == SL_OK && i < s->source.n; i++) {
        struct sl_token_piece piece = s->source.v[i];
        struct sl_token_span span = {piece.from, piece.to};
        if (piece.id == SL_TOKEN_NONE)
            rc = encode_segment(t, s, source, piece.from, piece.to, parse_specials, out);
        else
            rc = sl_token_add(s, out, piece.id, span) ? SL_OK : SL_NOMEM;
    }
    if (rc == SL_OK && t->trims_offsets)
        trim(t, out);
    return rc;
}
