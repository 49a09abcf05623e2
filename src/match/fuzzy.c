/*
 * Fuzzy keywords by Myers' bit-parallel edit distance (J. ACM 46, 1999), one machine word a
 * keyword. Lengths and a set of letters rule out nearly every word before it is compared.
 */
#include "match/fuzzy.h"

#include "base/unicode.h"
#include "base/utf8.h"

#define MAX_KEYWORD 64
#define MAX_WINDOW  8

struct keyword {
    uint32_t n;       /* code points; 0: cannot be found */
    uint32_t n_words; /* of the window */
    uint32_t max_distance;
    uint32_t letters;
    uint64_t lengths; /* of words that can be near enough; bit 63: 63 and more */
    uint32_t cp[MAX_KEYWORD];
    uint64_t ascii[128]; /* places of each ASCII character */
};

struct sl_fuzzy {
    struct sl_arena *arena;
    struct keyword **keywords;
    uint32_t n, cap;
};

struct sl_fuzzy *sl_fuzzy_new(struct sl_arena *arena)
{
    struct sl_fuzzy *set = SL_NEW(arena, struct sl_fuzzy);
    if (set)
        set->arena = arena;
    return set;
}

uint32_t sl_fuzzy_n(const struct sl_fuzzy *set)
{
    return set->n;
}

static uint32_t count_words(sl_str text)
{
    struct sl_words words = {.text = text};
    struct sl_word word;
    uint32_t n = 0;
    while (sl_words_next(&words, &word))
        n++;
    return n;
}

static void fill(struct keyword *k, sl_str text)
{
    unsigned length;
    for (size_t at = 0; at < text.n; at += length) {
        if (k->n == MAX_KEYWORD) {
            k->n = 0;
            return;
        }
        uint32_t cp = sl_unicode_lower(sl_utf8_at(text, at, &length));
        if (cp < 128)
            k->ascii[cp] |= (uint64_t)1 << k->n;
        k->cp[k->n++] = cp;
        if (cp != ' ')
            k->letters |= sl_word_bit(cp);
    }
    k->n_words = count_words(text);
    if (k->n_words > MAX_WINDOW)
        k->n = 0;
    for (uint32_t n = 1; n < 64 && k->n; n++) {
        uint32_t gap = n > k->n ? n - k->n : k->n - n;
        if (gap <= k->max_distance || n == 63)
            k->lengths |= (uint64_t)1 << n;
    }
}

enum sl_rc sl_fuzzy_add(struct sl_fuzzy *set, sl_str text, uint32_t max_distance, uint32_t *id)
{
    struct keyword *k = SL_NEW(set->arena, struct keyword);
    if (!k)
        return SL_NOMEM;
    if (set->n == set->cap) {
        uint32_t cap = set->cap ? set->cap * 2 : 8;
        struct keyword **keywords = sl_arena_alloc(set->arena, cap * sizeof(*keywords));
        if (!keywords)
            return SL_NOMEM;
        if (set->n)
            memcpy(keywords, set->keywords, set->n * sizeof(*keywords));
        set->keywords = keywords;
        set->cap = cap;
    }
    k->max_distance = max_distance;
    fill(k, text);
    *id = set->n;
    set->keywords[set->n++] = k;
    return SL_OK;
}

static uint64_t places(const struct keyword *k, uint32_t cp)
{
    if (cp < 128)
        return k->ascii[cp];
    uint64_t mask = 0;
    for (uint32_t i = 0; i < k->n; i++)
        mask |= (uint64_t)(k->cp[i] == cp) << i;
    return mask;
}

static uint32_t distance(const struct keyword *k, const uint32_t *cp, uint32_t n)
{
    uint64_t plus = ~(uint64_t)0, minus = 0, last = (uint64_t)1 << (k->n - 1);
    uint32_t score = k->n;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t equal = places(k, cp[i]);
        uint64_t vertical = equal | minus;
        uint64_t diagonal = (((equal & plus) + plus) ^ plus) | equal;
        uint64_t up = minus | ~(diagonal | plus), down = plus & diagonal;
        if (up & last)
            score++;
        else if (down & last)
            score--;
        up = up << 1 | 1;
        down <<= 1;
        plus = down | ~(vertical | up);
        minus = up & vertical;
    }
    return score;
}

/* Whether a text of n code points with these letters can be near enough to be worth comparing. */
static bool is_plausible(const struct keyword *k, uint32_t n, uint32_t letters)
{
    uint32_t gap = n > k->n ? n - k->n : k->n - n;
    return gap <= k->max_distance &&
           (uint32_t)__builtin_popcount(letters & ~k->letters) <= k->max_distance &&
           (uint32_t)__builtin_popcount(k->letters & ~letters) <= k->max_distance;
}

void sl_fuzzy_word(const struct sl_fuzzy *set, const struct sl_word *word, bool *found)
{
    for (uint32_t i = 0; i < set->n; i++) {
        const struct keyword *k = set->keywords[i];
        if (found[i] || k->n == 0 || word->n > SL_WORD_MAX)
            continue;
        if (is_plausible(k, word->n, word->letters) &&
            distance(k, word->cp, word->n) <= k->max_distance)
            found[i] = true;
    }
}

/* The last words, newest at index n - 1, compared as phrases joined by single blanks. */
static void try_windows(const struct sl_fuzzy *set, const struct sl_word *ring, uint32_t n_seen,
                        bool *found)
{
    for (uint32_t i = 0; i < set->n; i++) {
        const struct keyword *k = set->keywords[i];
        if (found[i] || k->n == 0 || k->n_words < 2 || n_seen < k->n_words)
            continue;
        uint32_t length = k->n_words - 1, letters = 0;
        for (uint32_t w = n_seen - k->n_words; w < n_seen; w++) {
            length += ring[w % MAX_WINDOW].n;
            letters |= ring[w % MAX_WINDOW].letters;
        }
        if (length > 2 * MAX_KEYWORD || !is_plausible(k, length, letters))
            continue;
        uint32_t phrase[2 * MAX_KEYWORD], n = 0;
        for (uint32_t w = n_seen - k->n_words; w < n_seen; w++) {
            const struct sl_word *word = &ring[w % MAX_WINDOW];
            if (n)
                phrase[n++] = ' ';
            for (uint32_t c = 0; c < word->n && n < SL_COUNT(phrase); c++)
                phrase[n++] = c < SL_WORD_MAX ? word->cp[c] : 0;
        }
        if (distance(k, phrase, n) <= k->max_distance)
            found[i] = true;
    }
}

uint64_t sl_fuzzy_lengths(const struct sl_fuzzy *set, const bool *found)
{
    uint64_t lengths = 0;
    for (uint32_t i = 0; i < set->n; i++)
        lengths |= found[i] ? 0 : set->keywords[i]->lengths;
    return lengths;
}

void sl_fuzzy_piece(const struct sl_fuzzy *set, sl_str piece, bool *found)
{
    struct sl_words words = {.text = piece};
    struct sl_word word;
    while (sl_words_next(&words, &word))
        sl_fuzzy_word(set, &word, found);
}

void sl_fuzzy_phrases(const struct sl_fuzzy *set, sl_str text, bool *found)
{
    bool is_open = false;
    for (uint32_t i = 0; i < set->n; i++)
        is_open |= !found[i] && set->keywords[i]->n > 0 && set->keywords[i]->n_words > 1;
    if (!is_open)
        return;
    struct sl_words words = {.text = text};
    struct sl_word ring[MAX_WINDOW];
    uint32_t n_seen = 0;
    while (sl_words_next(&words, &ring[n_seen % MAX_WINDOW]))
        try_windows(set, ring, ++n_seen, found);
}

void sl_fuzzy_run(const struct sl_fuzzy *set, sl_str text, bool *found)
{
    sl_fuzzy_piece(set, text, found);
    sl_fuzzy_phrases(set, text, found);
}
