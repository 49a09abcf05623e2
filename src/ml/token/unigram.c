/*
 * Unigram: the segmentation of a piece whose tokens' scores have the largest sum (Viterbi over the
 * bytes). A character without a token of its own may stand for the unknown token, at a score below
 * every other; a run of those is one token, or its bytes' tokens.
 */
#include "ml/token/parts.h"

static void reach(struct sl_unigram_node *node, double score, uint32_t id, uint32_t from)
{
    if (node->from == SL_TOKEN_NONE || score > node->score)
        *node = (struct sl_unigram_node){score, id, from};
}

static void walk(const struct sl_tokenizer *t, struct sl_unigram_node *nodes, sl_str piece)
{
    const struct sl_unigram *m = &t->unigram;
    for (uint32_t at = 0; at < piece.n;) {
        unsigned length;
        double score = nodes[at].score;
        bool has_own = false;
        sl_utf8_at(piece, at, &length);
        uint32_t unit = 0;
        for (uint32_t i = at; m->trie.units && i < piece.n; i++) {
            unit = sl_trie_step(&m->trie, unit, (unsigned char)piece.p[i]);
            if (unit == SL_TRIE_NONE)
                break;
            uint32_t id = m->trie.units[unit].value;
            if (id == SL_TRIE_NONE)
                continue;
            reach(&nodes[i + 1], score + m->scores[id], id, at);
            has_own |= i + 1 - at == length;
        }
        if (!has_own)
            reach(&nodes[at + length], score + m->unk_score, t->unk_id, at);
        at += length;
    }
}

/* The unknown bytes [from, to). */
static bool add_unknown(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                        const struct sl_token_text *text, uint32_t from, uint32_t to,
                        struct sl_token_list *out)
{
    const struct sl_unigram *m = &t->unigram;
    struct sl_token_span span = sl_token_text_span(text, from, to);
    bool has_bytes = m->has_byte_fallback;
    for (uint32_t i = from; i < to && has_bytes; i++)
        has_bytes = m->bytes[(unsigned char)text->p[i]] != SL_TOKEN_NONE;
    if (!has_bytes)
        return sl_token_add(s, out, t->unk_id, span);
    for (uint32_t i = from; i < to; i++) {
        if (!sl_token_add(s, out, m->bytes[(unsigned char)text->p[i]], span))
            return false;
    }
    return true;
}

enum sl_rc sl_unigram_encode(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                             const struct sl_token_text *text, uint32_t from, uint32_t to,
                             struct sl_token_list *out)
{
    sl_str piece = sl_str_of(text->p + from, to - from);
    uint32_t n = to - from;
    if (!SL_TOKEN_GROW(s, s->nodes, s->cap_nodes, (uint64_t)n + 1))
        return SL_NOMEM;
    struct sl_unigram_node *nodes = s->nodes;
    for (uint32_t i = 0; i <= n; i++)
        nodes[i] = (struct sl_unigram_node){0, 0, SL_TOKEN_NONE};
    walk(t, nodes, piece);

    /* The best path backwards; each node's link is turned to the end of its token. */
    uint32_t end = n, next = SL_TOKEN_NONE;
    while (end > 0) {
        uint32_t start = nodes[end].from;
        nodes[end].from = next;
        next = end;
        end = start;
    }
    uint32_t start = 0, unknown = SL_TOKEN_NONE;
    for (uint32_t at = next; at != SL_TOKEN_NONE; start = at, at = nodes[at].from) {
        bool is_unknown = nodes[at].id == t->unk_id;
        if (is_unknown && unknown == SL_TOKEN_NONE)
            unknown = start;
        if (!is_unknown && unknown != SL_TOKEN_NONE) {
            if (!add_unknown(t, s, text, from + unknown, from + start, out))
                return SL_NOMEM;
            unknown = SL_TOKEN_NONE;
        }
        if (!is_unknown &&
            !sl_token_add(s, out, nodes[at].id, sl_token_text_span(text, from + start, from + at)))
            return SL_NOMEM;
    }
    if (unknown != SL_TOKEN_NONE && !add_unknown(t, s, text, from + unknown, to, out))
        return SL_NOMEM;
    return SL_OK;
}
