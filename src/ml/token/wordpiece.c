/* WordPiece: from each place of a word the longest token of the vocabulary; else the whole is
 * [UNK]. */
#include "ml/token/parts.h"

enum sl_rc sl_wordpiece_encode(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                               const struct sl_token_text *text, uint32_t from, uint32_t to,
                               struct sl_token_list *out)
{
    const struct sl_wordpiece *m = &t->wordpiece;
    sl_str word = sl_str_of(text->p + from, to - from);
    uint32_t n_before = out->n, at = 0;
    bool is_known = word.n <= m->max_chars || sl_utf8_count(word) <= m->max_chars;
    while (is_known && at < word.n) {
        uint32_t id, length;
        if (!sl_trie_longest(at ? &m->inside : &m->first, word.p + at, (uint32_t)word.n - at, &id,
                             &length)) {
            is_known = false;
            break;
        }
        if (!sl_token_add(s, out, id, sl_token_text_span(text, from + at, from + at + length)))
            return SL_NOMEM;
        at += length;
    }
    if (is_known)
        return SL_OK;
    out->n = n_before;
    return sl_token_add(s, out, t->unk_id, sl_token_text_span(text, from, to)) ? SL_OK : SL_NOMEM;
}
