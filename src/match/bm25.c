/*
 * BM25 over keywords. Stems are looked up in one map; a term's weight in a document (idf times
 * saturated frequency) is computed when the index is built, so that a run only adds. Words whose
 * first two letters begin no known stem are passed over without stemming.
 */
#include "match/bm25.h"

#include "base/map.h"

#include <math.h>

#define K1             1.2
#define B              0.75
#define FALLBACK_AVGDL 256.0

struct posting {
    uint32_t document;
    uint32_t frequency;
    double weight;
    struct posting *next;
};

struct document {
    uint32_t corpus;
    uint32_t n_tokens;
};

struct corpus {
    uint32_t first, n;
};

struct sl_bm25 {
    struct sl_arena *arena;
    struct sl_tokens *tokens;
    struct sl_map terms; /* stem -> struct posting * */
    struct document *documents;
    uint32_t n_documents, cap_documents;
    struct corpus *corpora;
    uint32_t n_corpora, cap_corpora;
};

struct sl_bm25 *sl_bm25_new(struct sl_arena *arena)
{
    struct sl_bm25 *x = SL_NEW(arena, struct sl_bm25);
    if (!x)
        return NULL;
    x->arena = arena;
    x->tokens = sl_tokens_new(arena);
    sl_map_init(&x->terms, arena, 0xb25);
    return x->tokens ? x : NULL;
}

uint32_t sl_bm25_n(const struct sl_bm25 *x)
{
    return x->n_documents;
}

void sl_bm25_free(struct sl_bm25 *x)
{
    if (x)
        sl_tokens_free(x->tokens);
}

static bool grow(struct sl_arena *arena, void *items, uint32_t n, uint32_t *cap, size_t size)
{
    void **at = items;
    if (n < *cap)
        return true;
    uint32_t next = *cap ? *cap * 2 : 8;
    void *bigger = sl_arena_zero(arena, next, size);
    if (!bigger)
        return false;
    if (n)
        memcpy(bigger, *at, n * size);
    *at = bigger;
    *cap = next;
    return true;
}

struct adding {
    struct sl_bm25 *index;
    uint32_t document;
    enum sl_rc rc;
};

static void add_term(void *ctx, sl_str stem)
{
    struct adding *a = ctx;
    struct sl_bm25 *x = a->index;
    x->documents[a->document].n_tokens++;
    uint64_t head = 0;
    sl_map_get(&x->terms, stem, &head);
    struct posting *p = (struct posting *)(uintptr_t)head;
    for (; p; p = p->next) {
        if (p->document == a->document) {
            p->frequency++;
            return;
        }
    }
    p = SL_NEW(x->arena, struct posting);
    sl_str key = head ? stem : sl_arena_dup(x->arena, stem);
    if (!p || !key.p) {
        a->rc = SL_NOMEM;
        return;
    }
    *p = (struct posting){.document = a->document, .frequency = 1};
    if (head) {
        struct posting *first = (struct posting *)(uintptr_t)head;
        p->next = first->next;
        first->next = p;
        return;
    }
    sl_tokens_expect(x->tokens, key);
    if (sl_map_put(&x->terms, key, (uint64_t)(uintptr_t)p) != SL_OK)
        a->rc = SL_NOMEM;
}

enum sl_rc sl_bm25_add(struct sl_bm25 *x, const sl_str *keywords, uint32_t n, uint32_t *first)
{
    if (!grow(x->arena, &x->corpora, x->n_corpora, &x->cap_corpora, sizeof(*x->corpora)))
        return SL_NOMEM;
    *first = x->n_documents;
    x->corpora[x->n_corpora] = (struct corpus){x->n_documents, n};
    for (uint32_t i = 0; i < n; i++) {
        if (!grow(x->arena, &x->documents, x->n_documents, &x->cap_documents,
                  sizeof(*x->documents)))
            return SL_NOMEM;
        struct adding a = {.index = x, .document = x->n_documents};
        x->documents[x->n_documents++] = (struct document){.corpus = x->n_corpora};
        struct sl_tokens_pass pass = {.tokens = x->tokens};
        bool is_read = sl_tokens_read(&pass, keywords[i], add_term, &a);
        sl_tokens_end(&pass);
        if (!is_read || a.rc != SL_OK)
            return SL_NOMEM;
    }
    x->n_corpora++;
    return SL_OK;
}

static void weigh(struct sl_bm25 *x, struct posting *head)
{
    for (struct posting *p = head; p; p = p->next) {
        const struct document *d = &x->documents[p->document];
        const struct corpus *c = &x->corpora[d->corpus];
        uint32_t n_with = 0;
        for (struct posting *q = head; q; q = q->next)
            n_with += x->documents[q->document].corpus == d->corpus;
        double total = 0;
        for (uint32_t i = 0; i < c->n; i++)
            total += x->documents[c->first + i].n_tokens;
        double mean = c->n && total > 0 ? total / c->n : FALLBACK_AVGDL;
        double idf = log(1 + (c->n - n_with + 0.5) / (n_with + 0.5));
        double f = p->frequency;
        p->weight = idf * f * (K1 + 1) / (f + K1 * (1 - B + B * d->n_tokens / mean));
    }
}

enum sl_rc sl_bm25_finish(struct sl_bm25 *x)
{
    for (uint32_t i = 0; i < x->terms.cap; i++)
        if (x->terms.entries[i].key.p)
            weigh(x, (struct posting *)(uintptr_t)x->terms.entries[i].value);
    return SL_OK;
}

static void add_score(void *ctx, sl_str stem)
{
    struct sl_bm25_pass *pass = ctx;
    uint64_t head;
    if (!sl_map_get(&pass->index->terms, stem, &head))
        return;
    for (const struct posting *p = (const struct posting *)(uintptr_t)head; p; p = p->next)
        pass->scores[p->document] += pass->times * p->weight;
}

const uint64_t *sl_bm25_starts(const struct sl_bm25 *x)
{
    return sl_tokens_starts(x->tokens);
}

void sl_bm25_begin(struct sl_bm25_pass *pass, const struct sl_bm25 *x, double *scores)
{
    *pass = (struct sl_bm25_pass){
        .index = x, .scores = scores, .tokens = {.tokens = x->tokens, .only_expected = true}};
}

void sl_bm25_piece(struct sl_bm25_pass *pass, sl_str piece, uint32_t times)
{
    pass->times = times;
    sl_tokens_read(&pass->tokens, piece, add_score, pass);
}

void sl_bm25_word(struct sl_bm25_pass *pass, sl_str word, uint32_t times)
{
    pass->times = times;
    sl_tokens_word(&pass->tokens, word, add_score, pass);
}

void sl_bm25_end(struct sl_bm25_pass *pass)
{
    sl_tokens_end(&pass->tokens);
}

void sl_bm25_run(const struct sl_bm25 *x, sl_str text, double *scores)
{
    struct sl_bm25_pass pass;
    sl_bm25_begin(&pass, x, scores);
    sl_bm25_piece(&pass, text, 1);
    sl_bm25_end(&pass);
}
