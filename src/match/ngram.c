/*
 * N-gram similarity. Grams are 64-bit keys (exact up to arity 3, hashed beyond); the grams of a
 * keyword are sorted once. Those of a window are first looked up in a filter of all keywords'
 * grams; only when enough of them may be shared are they sorted and merged with the keywords.
 */
#include "match/ngram.h"

#include "base/hash.h"
#include "base/unicode.h"
#include "base/utf8.h"

#include <stdlib.h>

#define MAX_ARITY      8
#define MAX_WINDOW     8
#define MAX_TEXT       256 /* code points of a window or keyword */
#define WHOLE_TEXT_MAX 40  /* code points of a text that is also compared as a whole */
#define FILTER_BITS    12

struct keyword {
    uint32_t n_grams; /* 0: too long, never similar */
    uint32_t n_words;
    uint32_t least_same;   /* grams that a window must share at the very least */
    const uint64_t *grams; /* ascending */
};

struct sl_ngram {
    struct sl_arena *arena;
    uint32_t arity;
    bool is_case_sensitive;
    float enough;
    struct keyword *keywords;
    uint32_t n, cap;
    uint32_t max_words;
    uint32_t least_same;                      /* of all keywords */
    uint64_t lengths;                         /* of words that can be similar enough */
    uint64_t filter[(1 << FILTER_BITS) / 64]; /* hashes of all grams */
};

enum sl_rc sl_ngram_new(struct sl_ngram **out, struct sl_arena *arena, uint32_t arity,
                        bool is_case_sensitive, float enough)
{
    struct sl_ngram *set = SL_NEW(arena, struct sl_ngram);
    *out = set;
    if (!set)
        return SL_NOMEM;
    set->arena = arena;
    set->arity = arity < 2 ? 2 : arity > MAX_ARITY ? MAX_ARITY : arity;
    set->is_case_sensitive = is_case_sensitive;
    set->enough = enough;
    set->least_same = UINT32_MAX;
    return SL_OK;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void sort(uint64_t *grams, uint32_t n)
{
    if (n > 24) {
        qsort(grams, n, sizeof(*grams), by_value);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        uint64_t gram = grams[i];
        uint32_t at = i;
        for (; at > 0 && grams[at - 1] > gram; at--)
            grams[at] = grams[at - 1];
        grams[at] = gram;
    }
}

/* Grams of the text padded with arity - 1 blanks on both sides, in order; n + arity - 1 of them. */
static uint32_t make_grams(uint32_t arity, const uint32_t *cp, uint32_t n, uint64_t *grams)
{
    uint32_t n_grams = n + arity - 1;
    if (arity <= 3) {
        const uint64_t keep = ((uint64_t)1 << 21 * arity) - 1;
        uint64_t gram = arity == 2 ? ' ' : (uint64_t)' ' << 21 | ' ';
        for (uint32_t i = 0; i < n_grams; i++)
            grams[i] = gram = (gram << 21 | (i < n ? cp[i] : ' ')) & keep;
        return n_grams;
    }
    for (uint32_t i = 0; i < n_grams; i++) {
        uint64_t gram = 0;
        for (uint32_t k = 0; k < arity; k++) {
            int64_t at = (int64_t)i + k - (arity - 1);
            uint32_t c = at < 0 || at >= (int64_t)n ? ' ' : cp[at];
            gram = sl_hash_u64(c, gram + 1);
        }
        grams[i] = gram;
    }
    return n_grams;
}

static uint32_t filter_bit(uint64_t gram)
{
    return (uint32_t)(gram * 0x9e3779b97f4a7c15u >> (64 - FILTER_BITS));
}

/* How many of the grams some keyword may have. */
static uint32_t count_known(const struct sl_ngram *set, const uint64_t *grams, uint32_t n)
{
    uint32_t known = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t bit = filter_bit(grams[i]);
        known += (uint32_t)(set->filter[bit >> 6] >> (bit & 63) & 1);
    }
    return known;
}

static float similarity(uint32_t same, uint32_t n_a, uint32_t n_b)
{
    float all = (float)(n_a + n_b - same), rest = all - (float)same;
    return all > 0 ? (all * all - rest * rest) / (all * all) : 0;
}

static uint32_t read_text(const struct sl_ngram *set, sl_str text, uint32_t *cp, uint32_t max)
{
    uint32_t n = 0;
    unsigned length;
    for (size_t at = 0; at < text.n; at += length) {
        uint32_t c = sl_utf8_at(text, at, &length);
        if (n == max)
            return max + 1;
        cp[n++] = set->is_case_sensitive ? c : sl_unicode_lower(c);
    }
    return n;
}

enum sl_rc sl_ngram_add(struct sl_ngram *set, sl_str text)
{
    if (set->n == set->cap) {
        uint32_t cap = set->cap ? set->cap * 2 : 8;
        struct keyword *keywords = SL_NEW_ARRAY(set->arena, struct keyword, cap);
        if (!keywords)
            return SL_NOMEM;
        if (set->n)
            memcpy(keywords, set->keywords, set->n * sizeof(*keywords));
        set->keywords = keywords;
        set->cap = cap;
    }
    struct keyword *k = &set->keywords[set->n++];
    *k = (struct keyword){0};
    uint32_t cp[MAX_TEXT], n = read_text(set, text, cp, MAX_TEXT);
    struct sl_words words = {.text = text, .has_joiners = true};
    struct sl_word word;
    while (sl_words_next(&words, &word))
        k->n_words++;
    if (n > MAX_TEXT || n == 0 || k->n_words > MAX_WINDOW)
        return SL_OK;
    uint64_t *grams = sl_arena_alloc(set->arena, (MAX_TEXT + MAX_ARITY) * sizeof(*grams));
    if (!grams)
        return SL_NOMEM;
    k->n_grams = make_grams(set->arity, cp, n, grams);
    sort(grams, k->n_grams);
    k->grams = grams;
    for (uint32_t i = 0; i < k->n_grams; i++) {
        uint32_t bit = filter_bit(grams[i]);
        set->filter[bit >> 6] |= (uint64_t)1 << (bit & 63);
    }
    /* A window that is nothing but shared grams is the most similar. */
    while (k->least_same < k->n_grams &&
           similarity(k->least_same, k->least_same, k->n_grams) < set->enough)
        k->least_same++;
    if (k->least_same < set->least_same)
        set->least_same = k->least_same;
    for (uint32_t length = 1; length < 64; length++) {
        uint32_t other = length + set->arity - 1;
        uint32_t most = other < k->n_grams ? other : k->n_grams;
        if (length == 63 || similarity(most, other, k->n_grams) >= set->enough)
            set->lengths |= (uint64_t)1 << length;
    }
    if (k->n_words > set->max_words)
        set->max_words = k->n_words;
    return SL_OK;
}

static uint32_t count_same(const struct keyword *k, const uint64_t *grams, uint32_t n)
{
    uint32_t same = 0, i = 0, j = 0;
    while (i < k->n_grams && j < n) {
        if (k->grams[i] == grams[j]) {
            same++;
            i++;
            j++;
        } else if (k->grams[i] < grams[j]) {
            i++;
        } else {
            j++;
        }
    }
    return same;
}

/* Compares a window with the keywords of `n_words` words (0: with all). */
static void compare(const struct sl_ngram *set, const uint32_t *cp, uint32_t n, uint32_t n_words,
                    float *best)
{
    uint64_t grams[MAX_TEXT + MAX_ARITY];
    uint32_t n_grams = make_grams(set->arity, cp, n, grams);
    uint32_t n_known = count_known(set, grams, n_grams);
    bool is_sorted = false;
    if (n_known < set->least_same)
        return;
    for (uint32_t i = 0; i < set->n; i++) {
        const struct keyword *k = &set->keywords[i];
        if (k->n_grams == 0 || n_known < k->least_same || best[i] >= set->enough ||
            (n_words && k->n_words > 1 && k->n_words != n_words) ||
            (n_words > 1 && k->n_words != n_words))
            continue;
        uint32_t most = n_known < k->n_grams ? n_known : k->n_grams;
        if (similarity(most, n_grams, k->n_grams) < set->enough)
            continue;
        if (!is_sorted)
            sort(grams, n_grams);
        is_sorted = true;
        float value = similarity(count_same(k, grams, n_grams), n_grams, k->n_grams);
        if (value > best[i])
            best[i] = value;
    }
}

/* Windows of two and more words: their text as it stands, from the first to the last word. */
static void compare_windows(const struct sl_ngram *set, sl_str text, const size_t *starts,
                            uint32_t n_seen, size_t end, float *best)
{
    for (uint32_t n_words = 2; n_words <= set->max_words && n_words <= n_seen; n_words++) {
        uint32_t cp[MAX_TEXT];
        sl_str window = sl_str_sub(text, starts[(n_seen - n_words) % MAX_WINDOW], end);
        uint32_t n = window.n > 4 * MAX_TEXT ? MAX_TEXT + 1 : read_text(set, window, cp, MAX_TEXT);
        if (n <= MAX_TEXT)
            compare(set, cp, n, n_words, best);
    }
}

uint64_t sl_ngram_lengths(const struct sl_ngram *set)
{
    return set->lengths;
}

void sl_ngram_word(const struct sl_ngram *set, const struct sl_word *word, float *best)
{
    if (word->n <= SL_WORD_MAX)
        compare(set, word->cp, word->n, 1, best);
}

void sl_ngram_piece(const struct sl_ngram *set, sl_str piece, float *best)
{
    struct sl_words words = {
        .text = piece, .has_joiners = true, .keeps_case = set->is_case_sensitive};
    struct sl_word word;
    while (sl_words_next(&words, &word))
        sl_ngram_word(set, &word, best);
}

void sl_ngram_rest(const struct sl_ngram *set, sl_str text, float *best)
{
    struct sl_words words = {.text = text, .has_joiners = true, .keeps_case = true};
    struct sl_word word;
    size_t starts[MAX_WINDOW];
    uint32_t n_seen = 0;
    while (set->max_words > 1 && sl_words_next(&words, &word)) {
        starts[n_seen++ % MAX_WINDOW] = word.from;
        compare_windows(set, text, starts, n_seen, word.to, best);
    }
    uint32_t cp[WHOLE_TEXT_MAX];
    uint32_t n =
        text.n > 4 * WHOLE_TEXT_MAX ? WHOLE_TEXT_MAX + 1 : read_text(set, text, cp, WHOLE_TEXT_MAX);
    if (n && n < WHOLE_TEXT_MAX)
        compare(set, cp, n, 0, best);
}

void sl_ngram_run(const struct sl_ngram *set, sl_str text, float *best)
{
    for (uint32_t i = 0; i < set->n; i++)
        best[i] = 0;
    sl_ngram_piece(set, text, best);
    sl_ngram_rest(set, text, best);
}
