/*
 * Tokens for ranking. Stemmers of libstemmer hold working memory, so a few of them wait in slots
 * that a run takes one from and puts it back to; no lock, and no allocation once warm.
 */
#include "match/tokens.h"

#include "base/map.h"
#include "base/unicode.h"
#include "base/utf8.h"

#include <libstemmer.h>
#include <stdatomic.h>

#define N_SLOTS   8
#define MAX_TOKEN 128 /* bytes; longer words are cut, which no keyword notices */

static const char *const stop_words[] = {
    "i",         "me",        "my",         "myself",   "we",      "our",     "ours",
    "ourselves", "you",       "you're",     "you've",   "you'll",  "you'd",   "your",
    "yours",     "yourself",  "yourselves", "he",       "him",     "his",     "himself",
    "she",       "she's",     "her",        "hers",     "herself", "it",      "it's",
    "its",       "itself",    "they",       "them",     "their",   "theirs",  "themselves",
    "what",      "which",     "who",        "whom",     "this",    "that",    "that'll",
    "these",     "those",     "am",         "is",       "are",     "was",     "were",
    "be",        "been",      "being",      "have",     "has",     "had",     "having",
    "do",        "does",      "did",        "doing",    "a",       "an",      "the",
    "and",       "but",       "if",         "or",       "because", "as",      "until",
    "while",     "of",        "at",         "by",       "for",     "with",    "about",
    "against",   "between",   "into",       "through",  "during",  "before",  "after",
    "above",     "below",     "to",         "from",     "up",      "down",    "in",
    "out",       "on",        "off",        "over",     "under",   "again",   "further",
    "then",      "once",      "here",       "there",    "when",    "where",   "why",
    "how",       "all",       "any",        "both",     "each",    "few",     "more",
    "most",      "other",     "some",       "such",     "no",      "nor",     "not",
    "only",      "own",       "same",       "so",       "than",    "too",     "very",
    "s",         "t",         "can",        "will",     "just",    "don",     "don't",
    "should",    "should've", "now",        "d",        "ll",      "m",       "o",
    "re",        "ve",        "y",          "ain",      "aren",    "aren't",  "couldn",
    "couldn't",  "didn",      "didn't",     "doesn",    "doesn't", "hadn",    "hadn't",
    "hasn",      "hasn't",    "haven",      "haven't",  "isn",     "isn't",   "ma",
    "mightn",    "mightn't",  "mustn",      "mustn't",  "needn",   "needn't", "shan",
    "shan't",    "shouldn",   "shouldn't",  "wasn",     "wasn't",  "weren",   "weren't",
    "won",       "won't",     "wouldn",     "wouldn't",
};

struct sl_tokens {
    struct sl_map stop;
    uint64_t starts[1024]; /* first two bytes of expected stems */
    _Atomic(struct sb_stemmer *) slots[N_SLOTS];
};

struct sl_tokens *sl_tokens_new(struct sl_arena *arena)
{
    struct sl_tokens *t = SL_NEW(arena, struct sl_tokens);
    if (!t)
        return NULL;
    sl_map_init(&t->stop, arena, 0x570b);
    for (size_t i = 0; i < SL_COUNT(stop_words); i++)
        if (sl_map_put(&t->stop, sl_str_from(stop_words[i]), 1) != SL_OK)
            return NULL;
    return t;
}

void sl_tokens_free(struct sl_tokens *t)
{
    for (int i = 0; t && i < N_SLOTS; i++)
        sb_stemmer_delete(atomic_exchange(&t->slots[i], NULL));
}

static struct sb_stemmer *take_stemmer(const struct sl_tokens *shared)
{
    struct sl_tokens *t = (struct sl_tokens *)(uintptr_t)shared; /* only the slots change */
    for (int i = 0; i < N_SLOTS; i++) {
        struct sb_stemmer *s = atomic_exchange(&t->slots[i], NULL);
        if (s)
            return s;
    }
    return sb_stemmer_new("english", "UTF_8");
}

static void put_stemmer(const struct sl_tokens *shared, struct sb_stemmer *stemmer)
{
    struct sl_tokens *t = (struct sl_tokens *)(uintptr_t)shared;
    for (int i = 0; i < N_SLOTS && stemmer; i++)
        stemmer = atomic_exchange(&t->slots[i], stemmer);
    sb_stemmer_delete(stemmer);
}

static void mark(struct sl_tokens *t, unsigned first, unsigned second)
{
    unsigned bit = first << 8 | second;
    t->starts[bit >> 6] |= (uint64_t)1 << (bit & 63);
}

void sl_tokens_expect(struct sl_tokens *t, sl_str stem)
{
    if (stem.n == 0)
        return;
    unsigned first = (unsigned char)stem.p[0];
    unsigned second = stem.n > 1 ? (unsigned char)stem.p[1] : 0;
    for (unsigned c = 0; c < 256 && stem.n == 1; c++)
        mark(t, first, c);
    mark(t, first, second);
    if (second == 'i') /* dying, lying, tying stem to die, lie, tie */
        mark(t, first, 'y');
}

static bool is_expected(const struct sl_tokens *t, const char *p, size_t n)
{
    unsigned bit = (unsigned)(unsigned char)p[0] << 8 | (n > 1 ? (unsigned char)p[1] : 0);
    return t->starts[bit >> 6] >> (bit & 63) & 1;
}

enum joint { JOINT_NONE, JOINT_LETTERS = 1, JOINT_DIGITS = 2 };

/* What a character between two others joins: "don't", "node.js", "3.14", "1,000". */
static enum joint joint_of(uint32_t cp)
{
    switch (cp) {
    case ':':
    case 0xb7:
    case 0x2027:
        return JOINT_LETTERS;
    case ',':
    case ';':
        return JOINT_DIGITS;
    case '.':
    case '\'':
    case 0x2018:
    case 0x2019:
        return JOINT_LETTERS | JOINT_DIGITS;
    default:
        return JOINT_NONE;
    }
}

struct reader {
    sl_str text;
    size_t at;
    size_t n;
    bool has_alnum;
    char token[MAX_TOKEN];
};

static bool is_letter(uint32_t cp)
{
    return cp < 0x80 ? (cp | 32) - 'a' < 26 : sl_unicode_is_letter(cp);
}

static bool is_digit(uint32_t cp)
{
    return cp < 0x80 ? cp - '0' < 10 : sl_unicode_is_number(cp);
}

static bool is_part(uint32_t cp)
{
    return is_letter(cp) || is_digit(cp) || cp == '_' ||
           (cp >= 0x300 && sl_unicode_is_word(cp) && !sl_unicode_is_han(cp));
}

static void put(struct reader *r, uint32_t cp)
{
    if (r->n + 4 > MAX_TOKEN)
        return;
    static const struct {
        uint32_t cp;
        char text[3];
    } doubles[] = {{0xdf, "ss"}, {0xe6, "ae"}, {0x153, "oe"}, {0xfe, "th"}};
    if (cp == 0x2018 || cp == 0x2019)
        cp = '\'';
    if (cp >= 0x80) {
        cp = sl_unicode_lower(sl_unicode_base(sl_unicode_lower(cp)));
        for (size_t i = 0; i < SL_COUNT(doubles); i++) {
            if (cp == doubles[i].cp) {
                r->token[r->n++] = doubles[i].text[0];
                r->token[r->n++] = doubles[i].text[1];
                return;
            }
        }
        if (sl_unicode_gc(cp) == SL_GC_MN)
            return;
    } else if (cp - 'A' < 26) {
        cp |= 32;
    }
    r->n += sl_utf8_encode(cp, r->token + r->n);
}

/* The next word into r->token; false at the end. */
static bool next_token(struct reader *r)
{
    unsigned n;
    uint32_t cp = 0;
    r->n = 0;
    r->has_alnum = false;
    while (r->at < r->text.n && !is_part(cp = sl_utf8_at(r->text, r->at, &n)))
        r->at += n;
    if (r->at >= r->text.n)
        return false;
    for (uint32_t before = 0; r->at < r->text.n; before = cp) {
        cp = sl_utf8_at(r->text, r->at, &n);
        if (is_part(cp)) {
            if (cp >= 0x2e80 && sl_unicode_is_han(cp)) {
                if (r->n)
                    return true;
                put(r, cp);
                r->at += n;
                r->has_alnum = true;
                return true;
            }
        } else {
            enum joint joint = joint_of(cp);
            if (joint == JOINT_NONE || r->at + n >= r->text.n)
                return true;
            unsigned m;
            uint32_t after = sl_utf8_at(r->text, r->at + n, &m);
            bool joins = (joint & JOINT_LETTERS && is_letter(before) && is_letter(after)) ||
                         (joint & JOINT_DIGITS && is_digit(before) && is_digit(after));
            if (!joins)
                return true;
        }
        r->has_alnum |= cp != '_';
        put(r, cp);
        r->at += n;
    }
    return true;
}

const uint64_t *sl_tokens_starts(const struct sl_tokens *t)
{
    return t->starts;
}

/* Calls f for the stem of a token, unless it is of no interest. */
static bool stem(struct sl_tokens_pass *pass, sl_str token, sl_token_fn f, void *ctx)
{
    uint64_t is_stop;
    if ((pass->only_expected && !is_expected(pass->tokens, token.p, token.n)) ||
        sl_map_get(&pass->tokens->stop, token, &is_stop))
        return true;
    if (!pass->stemmer && !(pass->stemmer = take_stemmer(pass->tokens)))
        return false;
    const sb_symbol *out = sb_stemmer_stem(pass->stemmer, (const sb_symbol *)token.p, (int)token.n);
    if (out)
        f(ctx, sl_str_of(out, (size_t)sb_stemmer_length(pass->stemmer)));
    return true;
}

bool sl_tokens_read(struct sl_tokens_pass *pass, sl_str text, sl_token_fn f, void *ctx)
{
    struct reader r;
    r.text = text;
    r.at = 0;
    while (next_token(&r))
        if (r.has_alnum && r.n && !stem(pass, sl_str_of(r.token, r.n), f, ctx))
            return false;
    return true;
}

bool sl_tokens_word(struct sl_tokens_pass *pass, sl_str word, sl_token_fn f, void *ctx)
{
    char token[MAX_TOKEN];
    size_t n = word.n < MAX_TOKEN - 3 ? word.n : MAX_TOKEN - 3; /* as many as put() takes */
    for (size_t i = 0; i < n; i++)
        token[i] = (char)(word.p[i] | (word.p[i] >= 'A' && word.p[i] <= 'Z') << 5);
    return n == 0 || stem(pass, sl_str_of(token, n), f, ctx);
}

void sl_tokens_end(struct sl_tokens_pass *pass)
{
    if (pass->stemmer)
        put_stemmer(pass->tokens, pass->stemmer);
    pass->stemmer = NULL;
}
