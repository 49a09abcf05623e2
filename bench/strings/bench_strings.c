/*
 * Sets of strings, ours beside vectorscan's: CPU time to make one and to search 57 KB, and how many
 * occurrences each reports. The text has a string of the set about every 300 bytes. Then what is
 * lost: a word among many numbered terms, at each place of short texts.
 *
 * usage: bench_strings [SEED]
 */
#include "match/stringset.h"

#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TEXT_BYTES 57000
#define MAX_N      50000

static char text[TEXT_BYTES];
static char words[MAX_N][24];
static struct sl_stringset_string strings[MAX_N];

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Words of syllables, as names and terms have; none twice but by chance. */
static void make_words(void)
{
    static const char *const syllables[] = {"ka", "ron", "ti",  "mel", "os", "bra", "chi", "du",
                                            "ex", "for", "gli", "han", "ju", "lo",  "qui", "zer"};
    for (size_t i = 0; i < MAX_N; i++) {
        size_t n = 0;
        for (int k = 2 + rand() % 4; k > 0; k--)
            n += (size_t)snprintf(words[i] + n, sizeof(words[i]) - n, "%s",
                                  syllables[rand() % (int)SL_COUNT(syllables)]);
        strings[i] =
            (struct sl_stringset_string){.text = sl_str_of(words[i], n), .is_caseless = true};
    }
}

/* English by letter frequency, with a word of the set now and then. */
static void make_text(uint32_t n_strings)
{
    static const char letters[] = "eeeeeeettttaaaaoooiiinnnssshhhrrrddlluuccmmffywwggppbbvk    ";
    size_t at = 0;
    while (at < TEXT_BYTES) {
        sl_str s = strings[(uint32_t)rand() % n_strings].text;
        if (rand() % 300 == 0 && at + s.n < TEXT_BYTES) {
            memcpy(text + at, s.p, s.n);
            at += s.n;
        } else {
            text[at++] = letters[rand() % (int)(sizeof(letters) - 1)];
        }
    }
}

static void on_ours(void *ctx, uint32_t string, size_t from)
{
    (void)string, (void)from;
    ++*(uint64_t *)ctx;
}

static int on_theirs(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                     void *ctx)
{
    (void)id, (void)from, (void)to, (void)flags;
    ++*(uint64_t *)ctx;
    return 0;
}

struct result {
    double make_us, search_us;
    uint64_t n_found;
};

static struct result measure_ours(uint32_t n, size_t n_bytes, int rounds)
{
    struct sl_arena arena;
    struct sl_stringset *set;
    struct result out;
    sl_arena_init(&arena, NULL, 256 << 20);
    double begin = cpu_us();
    if (sl_stringset_new(&set, &arena, strings, n, NULL) != SL_OK)
        abort();
    out.make_us = cpu_us() - begin;
    begin = cpu_us();
    for (int i = 0; i < rounds; i++) {
        out.n_found = 0;
        sl_stringset_run(set, sl_str_of(text, n_bytes), on_ours, &out.n_found);
    }
    out.search_us = (cpu_us() - begin) / rounds;
    sl_arena_reset(&arena);
    return out;
}

static struct result measure_theirs(uint32_t n, size_t n_bytes, int rounds)
{
    static const char *texts[MAX_N];
    static unsigned flags[MAX_N], ids[MAX_N];
    static size_t lengths[MAX_N];
    hs_database_t *db;
    hs_compile_error_t *err;
    hs_scratch_t *scratch = NULL;
    struct result out;
    for (uint32_t i = 0; i < n; i++) {
        texts[i] = strings[i].text.p;
        lengths[i] = strings[i].text.n;
        flags[i] = HS_FLAG_CASELESS;
        ids[i] = i;
    }
    double begin = cpu_us();
    if (hs_compile_lit_multi(texts, flags, ids, lengths, n, HS_MODE_BLOCK, NULL, &db, &err) !=
            HS_SUCCESS ||
        hs_alloc_scratch(db, &scratch) != HS_SUCCESS)
        abort();
    out.make_us = cpu_us() - begin;
    begin = cpu_us();
    for (int i = 0; i < rounds; i++) {
        out.n_found = 0;
        hs_scan(db, text, (unsigned)n_bytes, 0, scratch, on_theirs, &out.n_found);
    }
    out.search_us = (cpu_us() - begin) / rounds;
    hs_free_scratch(scratch);
    hs_free_database(db);
    return out;
}

/* Of all places in texts below 200 bytes, those at which the word is not reported. */
static void print_lost(uint32_t n_terms, const char *word)
{
    uint32_t n_places = 0, n_lost[2] = {0};
    for (uint32_t i = 0; i < n_terms; i++) {
        snprintf(words[i], sizeof(words[i]), "unrelated%u", i);
        strings[i].text = sl_str_from(words[i]);
    }
    strings[n_terms].text = sl_str_from(word);
    for (size_t n = 24; n < 200; n += 64) {
        for (size_t at = 0; at + strlen(word) <= n; at++) {
            memset(text, '.', n);
            memcpy(text + at, word, strlen(word));
            n_places++;
            n_lost[0] += !measure_ours(n_terms + 1, n, 1).n_found;
            n_lost[1] += !measure_theirs(n_terms + 1, n, 1).n_found;
        }
    }
    printf("\"%s\" among %u: of %u places ours loses %u, vectorscan %u\n", word, n_terms, n_places,
           n_lost[0], n_lost[1]);
}

int main(int argc, char **argv)
{
    static const uint32_t sizes[] = {20, 60, 120, 250, 500, 1000, 5000, 50000};
    srand(argc > 1 ? (unsigned)atoi(argv[1]) : 7);
    make_words();
    printf("%-8s | %10s %10s %8s | %10s %10s %8s | %s\n", "strings", "make us", "57 KB us", "found",
           "make us", "57 KB us", "found", "vectorscan/ours");
    for (size_t i = 0; i < SL_COUNT(sizes); i++) {
        make_text(sizes[i]);
        struct result ours = measure_ours(sizes[i], TEXT_BYTES, 200);
        struct result theirs = measure_theirs(sizes[i], TEXT_BYTES, 200);
        printf("%-8u | %10.0f %10.1f %8lu | %10.0f %10.1f %8lu | %.2f, lost %ld\n", sizes[i],
               ours.make_us, ours.search_us, (unsigned long)ours.n_found, theirs.make_us,
               theirs.search_us, (unsigned long)theirs.n_found, theirs.search_us / ours.search_us,
               (long)(ours.n_found - theirs.n_found));
    }
    puts("");
    print_lost(150, "ab");
    print_lost(150, "cab1");
    print_lost(600, "YaXbc");
    return 0;
}
