/* Added tokens: sought in the text, the longest at the leftmost place, before the model sees it. */
#include "ml/token/chars.h"
#include "ml/token/parts.h"

static bool has_word_before(sl_str text, uint32_t at)
{
    unsigned n;
    return at > 0 && sl_char_is(sl_utf8_before(text, at, &n), SL_CHAR_WORD);
}

static bool has_word_behind(sl_str text, uint32_t at)
{
    unsigned n;
    return at < text.n && sl_char_is(sl_utf8_at(text, at, &n), SL_CHAR_WORD);
}

static uint32_t blanks_before(sl_str text, uint32_t at)
{
    unsigned n;
    while (at > 0 && sl_char_is(sl_utf8_before(text, at, &n), SL_CHAR_SPACE))
        at -= n;
    return at;
}

static uint32_t blanks_behind(sl_str text, uint32_t at)
{
    unsigned n;
    while (at < text.n && sl_char_is(sl_utf8_at(text, at, &n), SL_CHAR_SPACE))
        at += n;
    return at;
}

enum sl_rc sl_added_cut(const struct sl_added *a, bool is_normalized, bool parse_specials,
                        struct sl_token_scratch *s, sl_str text, struct sl_token_pieces *out)
{
    const struct sl_trie *trie = &a->tries[is_normalized];
    const bool *first_bytes = a->first_bytes[is_normalized];
    uint32_t done = 0, n = (uint32_t)text.n;
    for (uint32_t at = 0; trie->units && at < n;) {
        uint32_t index, length;
        if (!first_bytes[(unsigned char)text.p[at]] ||
            !sl_trie_longest(trie, text.p + at, n - at, &index, &length)) {
            at++;
            continue;
        }
        const struct sl_added_token *token = &a->tokens[index];
        uint32_t from = at, to = at + length;
        at = to;
        if ((token->is_special && !parse_specials) ||
            (token->is_single_word && (has_word_before(text, from) || has_word_behind(text, to))))
            continue;
        if (token->strips_left) {
            from = blanks_before(text, from);
            from = from < done ? done : from;
        }
        if (token->strips_right)
            to = blanks_behind(text, to);
        if ((from > done && !sl_token_add_piece(s, out, done, from, SL_TOKEN_NONE)) ||
            !sl_token_add_piece(s, out, from, to, token->id))
            return SL_NOMEM;
        done = to;
    }
    if (done < n && !sl_token_add_piece(s, out, done, n, SL_TOKEN_NONE))
        return SL_NOMEM;
    return SL_OK;
}
