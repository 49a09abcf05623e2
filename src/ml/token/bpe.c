/*
 * Byte pair encoding: of the pairs of neighbours the one of lowest rank merges first, the leftmost
 * of equals. Short words are scanned for it, long ones keep the pairs in a heap. Words that were
 * cut before come from a cache in the scratch.
 *
 * A byte-level vocabulary is kept as bytes ("Ġthe" as " the"), so that pieces need no translation.
 * Control tokens are no part of the merges: text never becomes one.
 */
#include "ml/token/parts.h"

#define SHORT_WORD 24 /* symbols up to which scanning is faster than a heap */

static const struct sl_bpe_pair *pair_of(const struct sl_bpe *m, uint32_t left, uint32_t right)
{
    uint64_t pair = (uint64_t)left << 32 | right;
    uint32_t at = (uint32_t)sl_hash_u64(pair, 0) & m->mask;
    for (;; at = (at + 1) & m->mask) {
        const struct sl_bpe_pair *p = &m->pairs[at];
        if (p->id == SL_TOKEN_NONE)
            return NULL;
        if (p->pair == pair)
            return p;
    }
}

/* Symbols under way: their number, and a run of unknown characters that waits to be one. */
struct symbols {
    struct sl_token_scratch *scratch;
    uint32_t n;
    uint32_t unk_len;
    bool is_full;
};

static void add_symbol(struct symbols *x, uint32_t id, uint32_t len)
{
    struct sl_token_scratch *s = x->scratch;
    if (!SL_TOKEN_GROW(s, s->symbols, s->cap_symbols, (uint64_t)x->n + 1)) {
        x->is_full = true;
        return;
    }
    s->symbols[x->n] = (struct sl_bpe_symbol){id, len, (int32_t)x->n - 1, (int32_t)x->n + 1};
    x->n++;
}

static void end_unknown(const struct sl_tokenizer *t, struct symbols *x)
{
    if (x->unk_len)
        add_symbol(x, t->unk_id, x->unk_len);
    x->unk_len = 0;
}

static void add_unknown(const struct sl_tokenizer *t, struct symbols *x, uint32_t len)
{
    if (t->unk_id == SL_TOKEN_NONE)
        return;
    if (!t->bpe.fuse_unk)
        end_unknown(t, x);
    x->unk_len += len;
}

static bool add_bytes(const struct sl_bpe *m, struct symbols *x, sl_str c)
{
    for (size_t i = 0; i < c.n; i++) {
        if (m->bytes[(unsigned char)c.p[i]] == SL_TOKEN_NONE)
            return false;
    }
    for (size_t i = 0; i < c.n; i++)
        add_symbol(x, m->bytes[(unsigned char)c.p[i]], 1);
    return true;
}

/* The id of a character, with the prefix or suffix that its place in the word asks for. */
static uint32_t character(const struct sl_bpe *m, sl_str c, bool is_first, bool is_last)
{
    sl_str prefix = is_first ? (sl_str){0} : m->prefix;
    sl_str suffix = is_last ? m->suffix : (sl_str){0};
    if (!prefix.n && !suffix.n)
        return c.n == 1 ? m->ascii[(unsigned char)c.p[0]] : sl_vocab_get(&m->words, c);
    char joined[128];
    if (prefix.n + c.n + suffix.n > sizeof joined)
        return SL_TOKEN_NONE;
    if (prefix.n)
        memcpy(joined, prefix.p, prefix.n);
    memcpy(joined + prefix.n, c.p, c.n);
    if (suffix.n)
        memcpy(joined + prefix.n + c.n, suffix.p, suffix.n);
    return sl_vocab_get(&m->words, sl_str_of(joined, prefix.n + c.n + suffix.n));
}

/* The word as symbols before any merge; their number. */
static uint32_t symbols_of(const struct sl_tokenizer *t, struct sl_token_scratch *s, sl_str word,
                           bool *is_full)
{
    const struct sl_bpe *m = &t->bpe;
    struct symbols x = {.scratch = s};
    for (uint32_t at = 0; at < word.n;) {
        unsigned n = 1;
        uint32_t id;
        if (m->is_byte_level) {
            id = m->bytes[(unsigned char)word.p[at]];
        } else {
            sl_utf8_at(word, at, &n);
            id = character(m, sl_str_sub(word, at, at + n), at == 0, at + n == word.n);
        }
        if (id != SL_TOKEN_NONE) {
            end_unknown(t, &x);
            add_symbol(&x, id, n);
        } else if (!m->has_byte_fallback || !add_bytes(m, &x, sl_str_sub(word, at, at + n))) {
            add_unknown(t, &x, n);
        }
        at += n;
    }
    end_unknown(t, &x);
    *is_full = x.is_full;
    return x.n;
}

/* Merges by scanning; symbols stay packed. Their number. */
static uint32_t merge_short(const struct sl_bpe *m, struct sl_bpe_symbol *v, uint32_t n)
{
    const struct sl_bpe_pair *pairs[SHORT_WORD];
    for (uint32_t i = 0; i + 1 < n; i++)
        pairs[i] = pair_of(m, v[i].id, v[i + 1].id);
    while (n > 1) {
        uint32_t best = SL_TOKEN_NONE, rank = UINT32_MAX;
        for (uint32_t i = 0; i + 1 < n; i++) {
            if (pairs[i] && (best == SL_TOKEN_NONE || pairs[i]->rank < rank)) {
                best = i;
                rank = pairs[i]->rank;
            }
        }
        if (best == SL_TOKEN_NONE)
            break;
        v[best].id = pairs[best]->id;
        v[best].len += v[best + 1].len;
        n--;
        for (uint32_t i = best + 1; i < n; i++) {
            v[i] = v[i + 1];
            if (i + 1 < n)
                pairs[i] = pairs[i + 1];
        }
        if (best + 1 < n)
            pairs[best] = pair_of(m, v[best].id, v[best + 1].id);
        if (best > 0)
            pairs[best - 1] = pair_of(m, v[best - 1].id, v[best].id);
    }
    return n;
}

static bool is_before(const struct sl_bpe_merge *a, const struct sl_bpe_merge *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static bool heap_push(struct sl_token_scratch *s, uint32_t *n, struct sl_bpe_merge merge)
{
    if (!SL_TOKEN_GROW(s, s->merges, s->cap_merges, (uint64_t)*n + 1))
        return false;
    uint32_t at = (*n)++;
    while (at > 0 && is_before(&merge, &s->merges[(at - 1) / 2])) {
        s->merges[at] = s->merges[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    s->merges[at] = merge;
    return true;
}

static struct sl_bpe_merge heap_pop(struct sl_token_scratch *s, uint32_t *n)
{
    struct sl_bpe_merge top = s->merges[0], last = s->merges[--*n];
    uint32_t at = 0;
    for (uint32_t child; (child = at * 2 + 1) < *n; at = child) {
        if (child + 1 < *n && is_before(&s->merges[child + 1], &s->merges[child]))
            child++;
        if (!is_before(&s->merges[child], &last))
            break;
        s->merges[at] = s->merges[child];
    }
    s->merges[at] = last;
    return top;
}

static bool push_pair(const struct sl_bpe *m, struct sl_token_scratch *s, uint32_t *n_heap,
                      int32_t left, uint32_t n_symbols)
{
    const struct sl_bpe_symbol *v = s->symbols;
    if (left < 0 || v[left].behind >= (int32_t)n_symbols)
        return true;
    const struct sl_bpe_pair *p = pair_of(m, v[left].id, v[v[left].behind].id);
    return !p || heap_push(s, n_heap, (struct sl_bpe_merge){p->rank, (uint32_t)left, p->id});
}

/* Merges by a heap; merged symbols are left with length 0. */
static bool merge_long(const struct sl_bpe *m, struct sl_token_scratch *s, uint32_t n)
{
    struct sl_bpe_symbol *v = s->symbols;
    uint32_t n_heap = 0;
    for (uint32_t i = 0; i + 1 < n; i++) {
        if (!push_pair(m, s, &n_heap, (int32_t)i, n))
            return false;
    }
    while (n_heap) {
        struct sl_bpe_merge top = heap_pop(s, &n_heap);
        struct sl_bpe_symbol *left = &v[top.at];
        if (!left->len || left->behind >= (int32_t)n)
            continue;
        struct sl_bpe_symbol *right = &v[left->behind];
        const struct sl_bpe_pair *p = pair_of(m, left->id, right->id);
        if (!p || p->id != top.id)
            continue; /* one of the two has merged since */
        left->id = p->id;
        left->len += right->len;
        right->len = 0;
        left->behind = right->behind;
        if (left->behind < (int32_t)n)
            v[left->behind].before = (int32_t)top.at;
        if (!push_pair(m, s, &n_heap, left->before, n) ||
            !push_pair(m, s, &n_heap, (int32_t)top.at, n))
            return false;
    }
    return true;
}

static struct sl_bpe_cached *cached(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                                    sl_str word)
{
    size_t bytes = SL_BPE_CACHE_SLOTS * sizeof *s->cache;
    if (word.n > SL_BPE_CACHE_BYTES)
        return NULL;
    if (!s->cache) {
        uint32_t cap = 0;
        if (!sl_token_grow(s, (void **)(void *)&s->cache, &cap, SL_BPE_CACHE_SLOTS,
                           sizeof *s->cache))
            return NULL;
        memset(s->cache, 0, bytes);
    }
    return &s->cache[sl_hash(word, t->serial) % SL_BPE_CACHE_SLOTS];
}

static void remember(const struct sl_tokenizer *t, struct sl_bpe_cached *c, sl_str word,
                     const struct sl_bpe_symbol *v, uint32_t n)
{
    if (!c || n > SL_BPE_CACHE_IDS)
        return;
    c->owner = t->serial;
    c->n_bytes = (uint8_t)word.n;
    c->n_ids = (uint8_t)n;
    memcpy(c->bytes, word.p, word.n);
    for (uint32_t i = 0; i < n; i++) {
        c->ids[i] = v[i].id;
        c->lens[i] = (uint8_t)v[i].len;
    }
}

static enum sl_rc add_cached(struct sl_token_scratch *s, const struct sl_bpe_cached *c,
                             const struct sl_token_text *text, uint32_t from,
                             struct sl_token_list *out)
{
    for (uint32_t i = 0; i < c->n_ids; i++) {
        struct sl_token_span span = sl_token_text_span(text, from, from + c->lens[i]);
        if (!sl_token_add(s, out, c->ids[i], span))
            return SL_NOMEM;
        from += c->lens[i];
    }
    return SL_OK;
}

enum sl_rc sl_bpe_encode(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                         const struct sl_token_text *text, uint32_t from, uint32_t to,
                         struct sl_token_list *out)
{
    const struct sl_bpe *m = &t->bpe;
    sl_str word = sl_str_of(text->p + from, to - from);
    struct sl_bpe_cached *c = cached(t, s, word);
    if (c && c->owner == t->serial && c->n_bytes == word.n && memcmp(c->bytes, word.p, word.n) == 0)
        return add_cached(s, c, text, from, out);
    uint32_t whole = m->ignore_merges ? sl_vocab_get(&m->words, word) : SL_TOKEN_NONE;
    if (whole != SL_TOKEN_NONE)
        return sl_token_add(s, out, whole, sl_token_text_span(text, from, to)) ? SL_OK : SL_NOMEM;
    bool is_full;
    uint32_t n = symbols_of(t, s, word, &is_full);
    if (is_full)
        return SL_NOMEM;
    if (n <= SHORT_WORD) {
        n = merge_short(m, s->symbols, n);
        remember(t, c, word, s->symbols, n);
    } else if (!merge_long(m, s, n)) {
        return SL_NOMEM;
    }
    for (uint32_t i = 0, at = from; i < n; i++) {
        const struct sl_bpe_symbol *symbol = &s->symbols[i];
        if (!symbol->len)
            continue;
        struct sl_token_span span = sl_token_text_span(text, at, at + symbol->len);
        if (!sl_token_add(s, out, symbol->id, span))
            return SL_NOMEM;
        at += symbol->len;
    }
    return SL_OK;
}
