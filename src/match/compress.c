/*
 * Prompt compression: which sentences to keep. Scoring is in compress_score.c; here are the
 * sentence splitter, the token estimate and the selection.
 */
#include "match/compress.h"

#include "base/unicode.h"
#include "base/utf8.h"
#include "match/compress_score.h"

#include <stdlib.h>

#define MAX_SENTENCES 500

static const struct sl_compress_profile profiles[] = {
    {"default", .20, .40, .35, .05, .50, 3, 2},    {"coding", .15, .30, .40, .15, .60, 2, 4},
    {"medical", .20, .35, .30, .15, .50, 3, 2},    {"security", .15, .30, .25, .30, .60, 2, 3},
    {"multi_turn", .15, .25, .35, .10, .50, 2, 5},
};

const struct sl_compress_profile *sl_compress_profile(sl_str name)
{
    char plain[16];
    if (name.n >= sizeof plain)
        return NULL;
    for (size_t i = 0; i < name.n; i++)
        plain[i] = name.p[i] == '-' ? '_' : name.p[i];
    for (size_t i = 0; i < SL_COUNT(profiles); i++)
        if (sl_str_eq_nocase(sl_str_of(plain, name.n), sl_str_from(profiles[i].name)))
            return &profiles[i];
    return NULL;
}

uint64_t sl_compress_estimate_tok(sl_str text)
{
    uint64_t n_cjk = 0, n_words = 0;
    bool is_in_field = false, has_other = false;
    unsigned step;
    for (size_t at = 0; at < text.n; at += step) {
        uint32_t c = sl_utf8_at(text, at, &step);
        if (sl_unicode_is_space(c)) {
            n_words += is_in_field && has_other;
            is_in_field = has_other = false;
            continue;
        }
        bool is_cjk = sl_unicode_is_cjk(c);
        n_cjk += is_cjk;
        has_other |= !is_cjk;
        is_in_field = true;
    }
    n_words += is_in_field && has_other;
    if (!n_cjk && !n_words)
        return 0;
    uint64_t tok = (uint64_t)(1.5 * (double)n_cjk + 1.3 * (double)n_words);
    return tok ? tok : 1;
}

static bool is_terminator(uint32_t c)
{
    switch (c) {
    case '.':
    case '!':
    case '?':
    case 0x3002: /* 。 */
    case 0xff01: /* ！ */
    case 0xff1f: /* ？ */
    case 0x061f: /* ؟ */
    case 0x0964: /* । */
    case 0x0965: /* ॥ */
    case 0x1362: /* ። */
    case 0x0589: /* ։ */
        return true;
    default:
        return false;
    }
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A full stop at `at` that ends no sentence: in 3.14, or behind the initial of J. Smith. */
static bool is_inner_stop(sl_str text, size_t at)
{
    const char *p = text.p;
    if (p[at] != '.')
        return false;
    if (at > 0 && at + 1 < text.n && is_digit(p[at - 1]) && is_digit(p[at + 1]))
        return true;
    bool is_initial = at > 0 && is_upper(p[at - 1]) &&
                      (at == 1 || p[at - 2] == ' ' || p[at - 2] == '\n' || p[at - 2] == '.');
    return is_initial && at + 2 < text.n && p[at + 1] == ' ' && is_upper(p[at + 2]);
}

/* End of the sentence that begins at `from`, its terminators included. */
static size_t sentence_end(sl_str text, size_t from)
{
    unsigned step;
    for (size_t at = from; at < text.n; at += step) {
        if (!is_terminator(sl_utf8_at(text, at, &step)) || is_inner_stop(text, at))
            continue;
        at += step;
        while (at < text.n && is_terminator(sl_utf8_at(text, at, &step)))
            at += step;
        return at;
    }
    return text.n;
}

enum sl_rc sl_compress_sentences(sl_str text, struct sl_arena *arena, const sl_str **sentences,
                                 uint32_t *n)
{
    uint32_t count = 0, cap = 0;
    sl_str *list = NULL;
    for (size_t at = 0; at < text.n;) {
        size_t end = sentence_end(text, at);
        sl_str sentence = sl_str_trim(sl_str_sub(text, at, end));
        at = end;
        if (!sentence.n)
            continue;
        if (count == cap) {
            cap = cap ? cap * 2 : 32;
            sl_str *grown = SL_NEW_ARRAY(arena, sl_str, cap);
            if (!grown)
                return SL_NOMEM;
            if (count)
                memcpy(grown, list, count * sizeof *grown);
            list = grown;
        }
        list[count++] = sentence;
    }
    *sentences = list;
    *n = count;
    return SL_OK;
}

/* The first, the last, and an even sample between, when there are too many. */
static uint32_t sample(const sl_str *all, uint32_t n, sl_str *kept)
{
    if (n <= MAX_SENTENCES) {
        memcpy(kept, all, n * sizeof *kept);
        return n;
    }
    kept[0] = all[0];
    for (uint32_t i = 0; i < MAX_SENTENCES - 2; i++)
        kept[i + 1] = all[1 + (uint32_t)(i * (double)(n - 2) / (MAX_SENTENCES - 2) + 0.5)];
    kept[MAX_SENTENCES - 1] = all[n - 1];
    return MAX_SENTENCES;
}

struct ranked {
    double score;
    uint32_t index;
};

static int by_score(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

struct choice {
    const sl_str *sentences;
    uint32_t n;
    bool keep[MAX_SENTENCES];
    uint64_t left_tok;
};

static void keep_if_fits(struct choice *c, uint32_t i)
{
    uint64_t tok = sl_compress_estimate_tok(c->sentences[i]);
    if (c->keep[i] || tok > c->left_tok)
        return;
    c->keep[i] = true;
    c->left_tok -= tok;
}

static enum sl_rc join_kept(const struct choice *c, struct sl_arena *arena, sl_str *out)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < c->n; i++)
        bytes += c->keep[i] ? c->sentences[i].n + 1 : 0;
    char *to = sl_arena_alloc_aligned(arena, bytes + 1, 1);
    if (!to)
        return SL_NOMEM;
    size_t at = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        if (!c->keep[i])
            continue;
        if (at)
            to[at++] = ' ';
        memcpy(to + at, c->sentences[i].p, c->sentences[i].n);
        at += c->sentences[i].n;
    }
    *out = sl_str_of(to, at);
    return SL_OK;
}

enum sl_rc sl_compress(sl_str text, uint64_t max_tok, const struct sl_compress_profile *profile,
                       struct sl_arena *arena, sl_str *out)
{
    *out = text;
    if (!max_tok || sl_compress_estimate_tok(text) <= max_tok)
        return SL_OK;
    const sl_str *all;
    uint32_t n_all;
    if (sl_compress_sentences(text, arena, &all, &n_all) != SL_OK)
        return SL_NOMEM;
    if (n_all < 2)
        return SL_OK;

    sl_str *sentences = SL_NEW_ARRAY(arena, sl_str, MAX_SENTENCES);
    double *scores = SL_NEW_ARRAY(arena, double, MAX_SENTENCES);
    struct ranked *order = SL_NEW_ARRAY(arena, struct ranked, MAX_SENTENCES);
    struct choice *c = SL_NEW(arena, struct choice);
    if (!sentences || !scores || !order || !c)
        return SL_NOMEM;
    uint32_t n = sample(all, n_all, sentences);
    if (sl_compress_score(sentences, n, profile, arena, scores) != SL_OK)
        return SL_NOMEM;

    *c = (struct choice){.sentences = sentences, .n = n, .left_tok = max_tok};
    for (uint32_t i = 0; i < n && i < profile->preserve_first_n; i++)
        keep_if_fits(c, i);
    for (uint32_t i = 0; i < n && i < profile->preserve_last_n; i++)
        keep_if_fits(c, n - 1 - i);
    for (uint32_t i = 0; i < n; i++)
        order[i] = (struct ranked){scores[i], i};
    qsort(order, n, sizeof *order, by_score);
    for (uint32_t i = 0; i < n; i++)
        keep_if_fits(c, order[i].index);
    return join_kept(c, arena, out);
}
