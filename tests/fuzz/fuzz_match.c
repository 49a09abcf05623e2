/*
 * Text matching on foreign bytes. The first byte picks: an expression and a text (compile, find,
 * count, required strings), a literal and a text through the shared scan against the plain search,
 * or a text alone for words, tokens, language and UTF-8.
 */
#include "base/utf8.h"
#include "match/bm25.h"
#include "match/fuzzy.h"
#include "match/language.h"
#include "match/lexicon.h"
#include "match/ngram.h"
#include "match/regex.h"
#include "match/scan.h"
#include "match/units.h"

#include <stdlib.h>

static void check(bool is_true)
{
    if (!is_true)
        abort();
}

static void fuzz_regex(sl_str pattern, sl_str text, struct sl_arena *arena)
{
    struct sl_regex *re;
    struct sl_err err;
    if (sl_regex_compile(&re, arena, pattern, SL_REGEX_CASELESS, &err) != SL_OK)
        return;
    struct sl_regex_cache *cache = sl_regex_cache_new(re);
    size_t end = 0;
    bool failed;
    bool found = sl_regex_find(re, cache, text, 0, &end, &failed);
    check(!found || end <= text.n);
    check((sl_regex_count(re, cache, text, UINT32_MAX, &failed) > 0) == found);
    sl_regex_cache_free(cache);
}

static void fuzz_scan(sl_str literal, sl_str text, struct sl_arena *arena)
{
    struct sl_scan_builder *b = sl_scan_builder_new(arena);
    uint32_t plain, edged, folded;
    struct sl_scan *scan;
    struct sl_scan_hits hits;
    if (sl_scan_add_literal(b, literal, SL_SCAN_COUNTS, &plain) != SL_OK ||
        sl_scan_add_literal(b, literal, SL_SCAN_WORD_EDGES | SL_SCAN_CASELESS, &edged) != SL_OK ||
        sl_scan_add_literal(b, literal, SL_SCAN_CASELESS | SL_SCAN_POSITIONS, &folded) != SL_OK ||
        sl_scan_compile(b, &scan, NULL) != SL_OK)
        return;
    struct sl_scan_scratch *scratch = sl_scan_scratch_new();
    check(sl_scan_run(scan, text, scratch, arena, &hits) == SL_OK);
    check(sl_scan_found(&hits, plain) == (sl_str_find(text, literal) != SIZE_MAX));
    check(!sl_scan_found(&hits, edged) || sl_scan_found(&hits, folded));
    check(!sl_utf8_is_valid(literal) || !sl_scan_found(&hits, plain) ||
          sl_scan_found(&hits, folded));
    sl_scan_scratch_free(scratch);
}

static uint32_t count_words(sl_str text)
{
    struct sl_words words = {.text = text, .has_joiners = true};
    struct sl_word word;
    uint32_t n = 0;
    while (sl_words_next(&words, &word))
        n++;
    return n;
}

static void add_piece(void *ctx, sl_str piece, bool is_plain, uint32_t times)
{
    uint32_t n = count_words(piece);
    check(!is_plain || n == 1);
    *(uint32_t *)ctx += times * n;
}

static void fuzz_text(sl_str keyword, sl_str text, struct sl_arena *arena)
{
    struct sl_language_model *model;
    check(sl_language_open(&model, arena, sl_language_data, sl_language_data_n, NULL) == SL_OK);
    struct sl_language_guess guess = sl_language_detect(model, text);
    check(guess.confidence >= 0 && guess.confidence <= 1.0001f);
    check(sl_text_units(text) <= text.n);
    uint32_t n_words = 0;
    sl_lexicon_run(text, &(struct sl_lexicon_filter){.lengths = UINT64_MAX}, add_piece, &n_words);
    check(n_words == count_words(text));
    struct sl_fuzzy *fuzzy = sl_fuzzy_new(arena);
    struct sl_ngram *ngram;
    struct sl_bm25 *bm25 = sl_bm25_new(arena);
    uint32_t id, first;
    bool found = false;
    float similar;
    double score = 0;
    check(sl_fuzzy_add(fuzzy, keyword, 2, &id) == SL_OK);
    sl_fuzzy_run(fuzzy, text, &found);
    check(sl_ngram_new(&ngram, arena, 3, false, 0.4f) == SL_OK &&
          sl_ngram_add(ngram, keyword) == SL_OK);
    sl_ngram_run(ngram, text, &similar);
    check(similar >= 0 && similar <= 1.0001f);
    check(sl_bm25_add(bm25, &keyword, 1, &first) == SL_OK && sl_bm25_finish(bm25) == SL_OK);
    sl_bm25_run(bm25, text, &score);
    check(score >= 0);
    sl_bm25_free(bm25);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 2)
        return 0;
    struct sl_arena arena;
    sl_arena_init(&arena, NULL, 64 << 20);
    sl_str rest = sl_str_of(data + 2, n - 2);
    sl_str a = sl_str_sub(rest, 0, data[1]), b = sl_str_sub(rest, data[1], rest.n);
    switch (data[0] % 3) {
    case 0:
        fuzz_regex(a, b, &arena);
        break;
    case 1:
        fuzz_scan(a, b, &arena);
        break;
    default:
        fuzz_text(a, b, &arena);
        break;
    }
    sl_arena_reset(&arena);
    return 0;
}
