/* Pieces of a text against plain readings of the whole text, and similar words without filters. */
#include "match/bm25.h"
#include "match/fuzzy.h"
#include "match/lexicon.h"
#include "match/ngram.h"
#include "match/words.h"
#include "unit.h"

#include "base/hash.h"
#include "base/unicode.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>

static uint64_t seed = 11;

static uint32_t pick(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((seed >> 33) % n);
}

/* Words that repeat, joined by what separates, joins, or is no ASCII; some bytes are malformed. */
static sl_str make_text(char *to, size_t max, bool is_wild)
{
    static const char *const words[] = {"a",
                                        "I",
                                        "the",
                                        "Code",
                                        "codes",
                                        "password",
                                        "passwrod",
                                        "urgently",
                                        "urgnt",
                                        "refund",
                                        "refunding",
                                        "ASAP",
                                        "caf\xc3\xa9",
                                        ("Stra\xc3\x9f"
                                         "e"),
                                        "3.14",
                                        "1,000",
                                        "don't",
                                        "node.js",
                                        "well-known",
                                        "snake_case",
                                        "x",
                                        "emergency",
                                        "emergence",
                                        "\xd0\xb4\xd0\xbe\xd0\xb3\xd0\xbe\xd0\xb2\xd0\xbe\xd1\x80",
                                        "\xe5\x90\x88\xe5\x90\x8c",
                                        "pneumonoultramicroscopicsilicovolcanoconiosis",
                                        "subscription",
                                        "subscripton",
                                        "machine",
                                        "learning",
                                        "lerning",
                                        "database",
                                        "data",
                                        "base",
                                        "algorithms",
                                        "function",
                                        "functional",
                                        "K\xe2\x84\xaa"};
    static const char *const gaps[] = {" ",  " ",  " ", " ",  ", ", ". ",      "\n", "-",
                                       "_",  ".",  "'", ":",  ";",  "(",       "\t", "\xe2\x80\x94",
                                       "  ", "..", "/", "-.", "_.", "\xc2\xb7"};
    size_t n = 0, end = pick((uint32_t)max - 64);
    while (n < end) {
        const char *word = words[pick(SL_COUNT(words))], *gap = gaps[pick(SL_COUNT(gaps))];
        memcpy(to + n, word, strlen(word));
        n += strlen(word);
        memcpy(to + n, gap, strlen(gap));
        n += strlen(gap);
        if (is_wild && pick(8) == 0)
            to[n - 1] = (char)pick(256);
    }
    return sl_str_of(to, n);
}

/* Sums that do not depend on order. */
struct sum {
    uint64_t words[2], tokens; /* without and with joiners */
    struct sl_tokens *rules;
    uint32_t times;
    uint64_t pieces;
};

static void add_words(struct sum *s, sl_str text, uint32_t times)
{
    for (int joiners = 0; joiners < 2; joiners++) {
        struct sl_words words = {.text = text, .has_joiners = joiners};
        struct sl_word word;
        while (sl_words_next(&words, &word)) {
            uint32_t n = word.n < SL_WORD_MAX ? word.n : SL_WORD_MAX;
            s->words[joiners] +=
                times * sl_hash(sl_str_of(word.cp, n * sizeof(*word.cp)), word.letters + word.n);
        }
    }
}

static void add_token(void *ctx, sl_str stem)
{
    struct sum *s = ctx;
    s->tokens += s->times * sl_hash(stem, 1);
}

static void add_piece(void *ctx, sl_str piece, bool is_plain, uint32_t times)
{
    struct sum *s = ctx;
    struct sl_tokens_pass pass = {.tokens = s->rules};
    s->times = times;
    s->pieces += times;
    add_words(s, piece, times);
    if (is_plain) {
        struct sl_words words = {.text = piece};
        struct sl_word plain, word;
        assert_true(sl_words_next(&words, &word));
        assert_int_equal(word.to, piece.n);
        if (piece.n <= SL_WORD_MAX) {
            sl_words_plain(piece, &plain);
            assert_int_equal(plain.n, word.n);
            assert_int_equal(plain.letters, word.letters);
            assert_memory_equal(plain.cp, word.cp, word.n * sizeof(*word.cp));
        }
        assert_true(sl_tokens_word(&pass, piece, add_token, s));
    } else {
        assert_true(sl_tokens_read(&pass, piece, add_token, s));
    }
    sl_tokens_end(&pass);
}

static void pieces_hold_all_words(void **state)
{
    static char bytes[20000];
    struct sl_arena arena;
    (void)state;
    sl_arena_init(&arena, NULL, 16 << 20);
    struct sl_tokens *rules = sl_tokens_new(&arena);
    for (int round = 0; round < 300; round++) {
        sl_str text = make_text(bytes, round % 3 ? 300 : sizeof(bytes), round % 2);
        struct sum whole = {.rules = rules, .times = 1}, parts = {.rules = rules};
        struct sl_tokens_pass pass = {.tokens = rules};
        add_words(&whole, text, 1);
        assert_true(sl_tokens_read(&pass, text, add_token, &whole));
        sl_tokens_end(&pass);
        struct sl_lexicon_filter all = {.lengths = UINT64_MAX};
        sl_lexicon_run(text, &all, add_piece, &parts);
        assert_int_equal(parts.words[0], whole.words[0]);
        assert_int_equal(parts.words[1], whole.words[1]);
        assert_int_equal(parts.tokens, whole.tokens);
    }
    sl_tokens_free(rules);
    sl_arena_reset(&arena);
}

struct repeats {
    uint32_t n_calls, times;
};

static void count_calls(void *ctx, sl_str piece, bool is_plain, uint32_t times)
{
    struct repeats *r = ctx;
    assert_true(is_plain && sl_str_eq(piece, SL_STR("ab")));
    r->n_calls++;
    r->times += times;
}

static void repeated_words_come_once(void **state)
{
    static char text[3 * 70000];
    (void)state;
    for (size_t i = 0; i < sizeof(text); i += 3)
        memcpy(text + i, "ab ", 3);
    struct repeats r = {0};
    struct sl_lexicon_filter only = {.lengths = 1 << 2};
    sl_lexicon_run(sl_str_of(text, sizeof(text)), &only, count_calls, &r);
    assert_int_equal(r.times, 70000);
    assert_true(r.n_calls < 16);
    r = (struct repeats){0};
    sl_lexicon_run(SL_STR("ab abc abcd a ab ef ghi"),
                   &(struct sl_lexicon_filter){.lengths = 0, .starts = NULL}, count_calls, &r);
    assert_int_equal(r.n_calls, 0);
    uint64_t starts[1024] = {0};
    starts[('a' << 8 | 'b') >> 6] = (uint64_t)1 << ('b' & 63);
    sl_lexicon_run(SL_STR("ab bc cd a ab b ba "), &(struct sl_lexicon_filter){.starts = starts},
                   count_calls, &r);
    assert_int_equal(r.times, 2);
}

/* The similarity of two texts by all pairs of grams; no filter, no sorting. */
static float plain_similarity(const uint32_t *a, uint32_t n, const uint32_t *b, uint32_t m,
                              uint32_t arity)
{
    bool is_taken[128] = {false};
    uint32_t same = 0, n_a = n + arity - 1, n_b = m + arity - 1;
    for (uint32_t i = 0; i < n_a; i++) {
        for (uint32_t j = 0; j < n_b; j++) {
            bool is_equal = !is_taken[j];
            for (uint32_t k = 0; k < arity && is_equal; k++) {
                int64_t x = (int64_t)i + k - (arity - 1), y = (int64_t)j + k - (arity - 1);
                is_equal = (x < 0 || x >= (int64_t)n ? ' ' : a[x]) ==
                           (y < 0 || y >= (int64_t)m ? ' ' : b[y]);
            }
            if (is_equal) {
                is_taken[j] = true;
                same++;
                break;
            }
        }
    }
    float all = (float)(n_a + n_b - same), rest = all - (float)same;
    return (all * all - rest * rest) / (all * all);
}

static uint32_t lowered(sl_str text, uint32_t *cp)
{
    uint32_t n = 0;
    unsigned length;
    for (size_t at = 0; at < text.n && n < 100; at += length)
        cp[n++] = sl_unicode_lower(sl_utf8_at(text, at, &length));
    return n;
}

static bool plain_ngram(sl_str keyword, sl_str text, uint32_t arity, float enough)
{
    uint32_t key[100], n = lowered(keyword, key);
    struct sl_words words = {.text = text, .has_joiners = true};
    struct sl_word word;
    while (sl_words_next(&words, &word))
        if (word.n <= SL_WORD_MAX && plain_similarity(word.cp, word.n, key, n, arity) >= enough)
            return true;
    return false;
}

static void ngram_piece(void *ctx, sl_str piece, bool is_plain, uint32_t times)
{
    void **at = ctx;
    struct sl_word word;
    (void)times;
    if (is_plain && piece.n <= SL_WORD_MAX) {
        sl_words_plain(piece, &word);
        sl_ngram_word(at[0], &word, at[1]);
    } else {
        sl_ngram_piece(at[0], piece, at[1]);
    }
}

static void filters_of_ngrams_lose_nothing(void **state)
{
    static const char *const keywords[] = {"urgent", "asap", "emergency", "caf\xc3\xa9", "code"};
    static char bytes[400];
    struct sl_arena arena;
    (void)state;
    sl_arena_init(&arena, NULL, 64 << 20);
    for (int round = 0; round < 300; round++) {
        sl_str text = make_text(bytes, sizeof(bytes), round % 2);
        uint32_t arity = 2 + pick(3);
        float enough = (float)pick(10) / 10 + 0.05f;
        struct sl_ngram *set;
        assert_int_equal(sl_ngram_new(&set, &arena, arity, false, enough), SL_OK);
        for (size_t i = 0; i < SL_COUNT(keywords); i++)
            assert_int_equal(sl_ngram_add(set, sl_str_from(keywords[i])), SL_OK);
        float best[SL_COUNT(keywords)] = {0}, whole[SL_COUNT(keywords)];
        void *ctx[] = {set, best};
        struct sl_lexicon_filter filter = {.lengths = sl_ngram_lengths(set)};
        sl_lexicon_run(text, &filter, ngram_piece, ctx);
        sl_ngram_rest(set, text, best);
        sl_ngram_run(set, text, whole);
        for (size_t i = 0; i < SL_COUNT(keywords); i++) {
            assert_int_equal(best[i] >= enough, whole[i] >= enough);
            if (text.n > 200) /* no comparison with the whole text */
                assert_int_equal(best[i] >= enough,
                                 plain_ngram(sl_str_from(keywords[i]), text, arity, enough));
        }
    }
    sl_arena_reset(&arena);
}

/* Levenshtein's distance by the table. */
static uint32_t plain_distance(const uint32_t *a, uint32_t n, const uint32_t *b, uint32_t m)
{
    uint32_t row[128];
    for (uint32_t j = 0; j <= m; j++)
        row[j] = j;
    for (uint32_t i = 1; i <= n; i++) {
        uint32_t corner = row[0];
        row[0] = i;
        for (uint32_t j = 1; j <= m; j++) {
            uint32_t best = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[m];
}

static void fuzzy_piece(void *ctx, sl_str piece, bool is_plain, uint32_t times)
{
    void **at = ctx;
    struct sl_word word;
    (void)times;
    if (is_plain && piece.n <= SL_WORD_MAX) {
        sl_words_plain(piece, &word);
        sl_fuzzy_word(at[0], &word, at[1]);
    } else {
        sl_fuzzy_piece(at[0], piece, at[1]);
    }
}

static void filters_of_fuzzy_words_lose_nothing(void **state)
{
    static const char *const keywords[] = {"password", "subscription", "refund", "caf\xc3\xa9",
                                           "x"};
    static char bytes[400];
    struct sl_arena arena;
    (void)state;
    sl_arena_init(&arena, NULL, 64 << 20);
    for (int round = 0; round < 300; round++) {
        sl_str text = make_text(bytes, sizeof(bytes), round % 2);
        uint32_t most = pick(4), id;
        struct sl_fuzzy *set = sl_fuzzy_new(&arena);
        bool parts[SL_COUNT(keywords)] = {false}, plain[SL_COUNT(keywords)] = {false};
        for (size_t i = 0; i < SL_COUNT(keywords); i++)
            assert_int_equal(sl_fuzzy_add(set, sl_str_from(keywords[i]), most, &id), SL_OK);
        struct sl_lexicon_filter filter = {.lengths = sl_fuzzy_lengths(set, parts)};
        void *ctx[] = {set, parts};
        sl_lexicon_run(text, &filter, fuzzy_piece, ctx);
        struct sl_words words = {.text = text};
        struct sl_word word;
        while (sl_words_next(&words, &word)) {
            for (size_t i = 0; i < SL_COUNT(keywords); i++) {
                uint32_t key[100], n = lowered(sl_str_from(keywords[i]), key);
                plain[i] |=
                    word.n <= SL_WORD_MAX && plain_distance(word.cp, word.n, key, n) <= most;
            }
        }
        assert_memory_equal(parts, plain, sizeof(parts));
    }
    sl_arena_reset(&arena);
}

static void bm25_piece(void *ctx, sl_str piece, bool is_plain, uint32_t times)
{
    if (is_plain)
        sl_bm25_word(ctx, piece, times);
    else
        sl_bm25_piece(ctx, piece, times);
}

static void scores_by_piece_are_those_of_the_text(void **state)
{
    static const char *const keywords[] = {"code", "function calls", "algorithm", "refunds",
                                           "data"};
    static char bytes[4000];
    struct sl_arena arena;
    (void)state;
    sl_arena_init(&arena, NULL, 16 << 20);
    struct sl_bm25 *index = sl_bm25_new(&arena);
    sl_str texts[SL_COUNT(keywords)];
    uint32_t first;
    for (size_t i = 0; i < SL_COUNT(keywords); i++)
        texts[i] = sl_str_from(keywords[i]);
    assert_int_equal(sl_bm25_add(index, texts, SL_COUNT(keywords), &first), SL_OK);
    assert_int_equal(sl_bm25_finish(index), SL_OK);
    for (int round = 0; round < 200; round++) {
        sl_str text = make_text(bytes, sizeof(bytes), round % 2);
        double whole[SL_COUNT(keywords)] = {0}, parts[SL_COUNT(keywords)] = {0};
        struct sl_bm25_pass pass;
        sl_bm25_run(index, text, whole);
        sl_bm25_begin(&pass, index, parts);
        struct sl_lexicon_filter filter = {.starts = sl_bm25_starts(index)};
        sl_lexicon_run(text, &filter, bm25_piece, &pass);
        sl_bm25_end(&pass);
        for (size_t i = 0; i < SL_COUNT(keywords); i++)
            assert_true(fabs(parts[i] - whole[i]) <= 1e-9 * whole[i]);
    }
    sl_bm25_free(index);
    sl_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_hold_all_words),
        cmocka_unit_test(repeated_words_come_once),
        cmocka_unit_test(filters_of_ngrams_lose_nothing),
        cmocka_unit_test(filters_of_fuzzy_words_lose_nothing),
        cmocka_unit_test(scores_by_piece_are_those_of_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
