/*
 * The lexical signals: 12 keyword rules (60 keywords) and 6 structure rules over texts of 131 B,
 * 4 KB and 57 KB, and the language signal at 131 B. Beside each figure, from the same run: the
 * limit, which is vectorscan alone over the same literals with a callback that does nothing, and
 * the usual way, one pattern after the other (glibc's regexec; the reference takes 79 ms at 56 KB).
 * Then the same policy with one rule more of each method that reads words, over the same texts and
 * over prose (the guides of this repository, whose words repeat less).
 */
#include "base/clock.h"
#include "match/language.h"

#include "../../tests/unit/support/signals.c"

#include <glob.h>
#include <hs.h>
#include <malloc.h>
#include <regex.h>
#include <stdlib.h>

#define KEYWORDS                                                                                   \
    "- {name: math, operator: OR, keywords: [algebra, integral, theorem, equation, derivative]}\n" \
    "- {name: invoice, operator: AND, keywords: [invoice, payment]}\n"                             \
    "- {name: calm, operator: NOR, keywords: [weather, rain, sunny]}\n"                            \
    "- {name: cased, operator: OR, keywords: [API, JSON, Apple, SQL], case_sensitive: true}\n"     \
    "- {name: languages, operator: OR, keywords: [C++, 'C#', .NET, node.js, python, rust]}\n"      \
    "- {name: accents, operator: OR, keywords: [café, naïve, Straße, Ångström]}\n"            \
    "- {name: cyrillic, operator: OR, keywords: [привет, договор]}\n"                 \
    "- {name: cjk, operator: OR, keywords: [首先, 合同, 東京, GPU显卡]}\n"                 \
    "- {name: phrases, operator: OR, keywords: [credit card, social security, right now, step by " \
    "step]}\n"                                                                                     \
    "- {name: code, operator: OR, keywords: [function, debug, refactor, compile, algorithm, "      \
    "stack "                                                                                       \
    "trace, exception, class, method, variable]}\n"                                                \
    "- {name: urgent, operator: OR, keywords: [urgent, immediate, asap, emergency, deadline]}\n"   \
    "- {name: errors, operator: OR, method: regex, keywords: ['err(or|no)\\b', "                   \
    "'\\d{3}-\\d{4}']}\n"

#define STRUCTURE                                                                                  \
    "structure:\n"                                                                                 \
    "- {name: questions, feature: {type: count, source: {type: regex, pattern: '[?？]'}}, "       \
    "predicate: {gte: 3}}\n"                                                                       \
    "- {name: numbered, feature: {type: exists, source: {type: regex, pattern: "                   \
    "'(?m)^\\s*\\d+\\.\\s+'}}}\n"                                                                  \
    "- {name: fence, feature: {type: exists, source: {type: regex, pattern: '```'}}}\n"            \
    "- {name: url, feature: {type: exists, source: {type: regex, pattern: 'https?://[^\\s]+'}}}\n" \
    "- {name: modal, feature: {type: density, source: {type: keyword_set, keywords: [must, "       \
    "should, "                                                                                     \
    "at least, 至少]}}, predicate: {gt: 0.08}}\n"                                                \
    "- {name: order, feature: {type: sequence, source: {type: sequence, sequences: [[first, "      \
    "then], "                                                                                      \
    "[首先, 然后]]}}}\n"

#define BM25                                                                                       \
    "- {name: ranked, method: bm25, operator: OR, bm25_threshold: 0.8, keywords: [code, "          \
    "function, "                                                                                   \
    "debug, algorithm, refactor]}\n"
#define NGRAM                                                                                      \
    "- {name: similar, method: ngram, operator: OR, keywords: [urgent, immediate, asap, "          \
    "emergency]}\n"
#define FUZZY                                                                                      \
    "- {name: misspelt, operator: OR, fuzzy_match: true, keywords: [subscription, password]}\n"

static const struct {
    const char *name, *yaml;
} policies[] = {
    {"scan", "keywords:\n" KEYWORDS STRUCTURE},
    {"+ bm25", "keywords:\n" BM25 KEYWORDS STRUCTURE},
    {"+ ngram", "keywords:\n" NGRAM KEYWORDS STRUCTURE},
    {"+ fuzzy", "keywords:\n" FUZZY KEYWORDS STRUCTURE},
    {"+ all", "keywords:\n" BM25 NGRAM FUZZY KEYWORDS STRUCTURE},
};

static const char *const literals[] = {"algebra",
                                       "integral",
                                       "theorem",
                                       "equation",
                                       "derivative",
                                       "invoice",
                                       "payment",
                                       "weather",
                                       "rain",
                                       "sunny",
                                       "API",
                                       "JSON",
                                       "Apple",
                                       "SQL",
                                       "C++",
                                       "C#",
                                       ".NET",
                                       "node.js",
                                       "python",
                                       "rust",
                                       "caf",
                                       "stra",
                                       "ngstr",
                                       "\xd0\xbf\xd1\x80\xd0\xb8",
                                       "\xe9\xa6\x96\xe5\x85\x88",
                                       "credit card",
                                       "social security",
                                       "right now",
                                       "step by step",
                                       "function",
                                       "debug",
                                       "refactor",
                                       "compile",
                                       "algorithm",
                                       "stack trace",
                                       "exception",
                                       "class",
                                       "method",
                                       "variable",
                                       "urgent",
                                       "immediate",
                                       "asap",
                                       "emergency",
                                       "deadline",
                                       "error",
                                       "errno",
                                       "```",
                                       "http",
                                       "must",
                                       "should",
                                       "at least",
                                       "first",
                                       "then"};

static const char *const words[] = {
    "the",    "people",     "who",     "write",  "long",   "letters",    "about",  "their",
    "garden", "often",      "forget",  "to",     "say",    "what",       "they",   "planted",
    "and",    "when",       "it",      "will",   "bloom",  "in",         "spring", "so",
    "a",      "reader",     "has",     "no",     "idea",   "whether",    "roses",  "or",
    "beans",  "are",        "meant",   "which",  "would",  "matter",     "for",    "visitors",
    "of",     "town",       "because", "some",   "like",   "flowers",    "while",  "others",
    "prefer", "vegetables", "with",    "butter", "is",     "considered", "rather", "unusual",
    "by",     "neighbours", "then",    "first",  "should", "method"};

static char text[57000];

static void make_text(void)
{
    uint64_t seed = 5;
    size_t at = 0, n_words = 0;
    while (at < sizeof(text) - 32) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        /* The last four, which rules look for, are rare. */
        uint32_t pick = (uint32_t)(seed >> 33) % 1000;
        const char *word =
            words[pick < 12 ? SL_COUNT(words) - 4 + pick % 4 : pick % (SL_COUNT(words) - 4)];
        size_t n = strlen(word);
        memcpy(text + at, word, n);
        at += n;
        text[at++] = ++n_words % 17 ? ' ' : n_words % 34 ? '.' : '\n';
        if (n_words % 119 == 0)
            text[at++] = '?';
    }
    memset(text + at, ' ', sizeof(text) - at);
}

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Best of five batches: what the code takes when the machine lets it. */
#define MEASURE(us, rounds, code)                                                                  \
    do {                                                                                           \
        us = 1e30;                                                                                 \
        for (int batch_ = 0; batch_ < 5; batch_++) {                                               \
            uint64_t begin_ = cpu_ns();                                                            \
            for (int i_ = 0; i_ < (rounds); i_++) {                                                \
                code;                                                                              \
            }                                                                                      \
            double took_ = (double)(cpu_ns() - begin_) / 1e3 / (rounds);                           \
            us = took_ < us ? took_ : us;                                                          \
        }                                                                                          \
    } while (0)

static int ignore(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                  void *ctx)
{
    (void)id, (void)from, (void)to, (void)flags, (void)ctx;
    return 0;
}

static hs_database_t *compile_limit(void)
{
    unsigned flags[SL_COUNT(literals)], ids[SL_COUNT(literals)];
    size_t lengths[SL_COUNT(literals)];
    for (unsigned i = 0; i < SL_COUNT(literals); i++) {
        flags[i] = HS_FLAG_CASELESS | HS_FLAG_SINGLEMATCH;
        ids[i] = i;
        lengths[i] = strlen(literals[i]);
    }
    hs_database_t *db = NULL;
    hs_compile_error_t *err = NULL;
    if (hs_compile_lit_multi(literals, flags, ids, lengths, SL_COUNT(literals), HS_MODE_BLOCK, NULL,
                             &db, &err) != HS_SUCCESS)
        abort();
    return db;
}

static int run_one_by_one(const regex_t *patterns, const char *at)
{
    int n = 0;
    regmatch_t m;
    for (size_t i = 0; i < SL_COUNT(literals); i++)
        n += regexec(&patterns[i], at, 1, &m, 0) == 0;
    return n;
}

static void compile_patterns(regex_t *patterns)
{
    for (size_t i = 0; i < SL_COUNT(literals); i++) {
        char pattern[128], *to = pattern;
        for (const char *c = literals[i]; *c; c++) {
            if (strchr(".+*?()[]{}|^$\\", *c))
                *to++ = '\\';
            *to++ = *c;
        }
        *to = 0;
        if (regcomp(&patterns[i], pattern, REG_EXTENDED | REG_ICASE) != 0)
            abort();
    }
}

static const struct size {
    size_t n;
    double bar_us;
    int rounds;
} sizes[] = {{131, 2, 20000}, {4096, 5, 4000}, {57000, 40, 400}};

/* One evaluation of every signal; `grown` is what the heap grew by while measuring. */
static double measure_signals(struct signals *s, sl_str part, int rounds, size_t *grown)
{
    struct sl_facts facts = signals_text_facts(part);
    struct sl_arena_pool pool;
    struct sl_arena arena;
    double us;
    sl_arena_pool_init(&pool, 64);
    sl_arena_init(&arena, &pool, 16 << 20);
    signals_eval(s, &facts, &arena, NULL);
    sl_arena_reset(&arena);
    size_t before = (size_t)mallinfo2().uordblks;
    MEASURE(us, rounds, {
        signals_eval(s, &facts, &arena, NULL);
        sl_arena_reset(&arena);
    });
    *grown = (size_t)mallinfo2().uordblks - before;
    sl_arena_pool_drain(&pool);
    return us;
}

static double load(struct signals *s, const char *yaml)
{
    uint64_t begin = cpu_ns();
    signals_load(s, sl_str_from(yaml));
    for (uint32_t i = 0; i < s->diags.n; i++)
        fprintf(stderr, "%u: %.*s\n", s->diags.items[i].line, SL_FMT(s->diags.items[i].message));
    return (double)(cpu_ns() - begin) / 1e6;
}

/* Our policy beside its limit and the usual way. */
static bool compare(struct signals *s)
{
    static regex_t patterns[SL_COUNT(literals)];
    hs_database_t *db = compile_limit();
    hs_scratch_t *scratch = NULL;
    if (hs_alloc_scratch(db, &scratch) != HS_SUCCESS)
        return false;
    compile_patterns(patterns);
    printf("%-10s %10s %8s %14s %14s %10s\n", "text", "ours us", "bar us", "vectorscan us",
           "one by one us", "allocated");
    for (size_t i = 0; i < SL_COUNT(sizes); i++) {
        sl_str part = sl_str_of(text, sizes[i].n);
        size_t grown;
        double limit, slow, ours = measure_signals(s, part, sizes[i].rounds, &grown);
        MEASURE(limit, sizes[i].rounds,
                hs_scan(db, part.p, (unsigned)part.n, 0, scratch, ignore, NULL));
        char *copy = strndup(part.p, part.n);
        MEASURE(slow, sizes[i].rounds / 400 + 1, run_one_by_one(patterns, copy));
        free(copy);
        printf("%-10zu %10.2f %8.0f %14.2f %14.0f %10zu   ours/limit %.1f, one by one/ours %.0f\n",
               part.n, ours, sizes[i].bar_us, limit, slow, grown, ours / limit, slow / ours);
    }
    hs_free_scratch(scratch);
    hs_free_database(db);
    return true;
}

/* The guides and READMEs of the repository, joined; empty outside of it. */
static sl_str read_prose(void)
{
    static char prose[57000];
    size_t n = 0;
    glob_t found;
    if (glob("{README.md,docs/guide/*.md,src/*/README.md,training/*/*.md}", GLOB_BRACE, NULL,
             &found) != 0)
        return SL_STR("");
    for (size_t i = 0; i < found.gl_pathc; i++) {
        FILE *f = fopen(found.gl_pathv[i], "r");
        if (!f)
            continue;
        n += fread(prose + n, 1, sizeof(prose) - n, f);
        fclose(f);
    }
    globfree(&found);
    return sl_str_of(prose, n);
}

int main(void)
{
    static struct signals s;
    sl_str prose = read_prose();
    make_text();
    printf("policy loaded and compiled in %.1f ms\n", load(&s, policies[0].yaml));
    if (!compare(&s))
        return 1;
    signals_free(&s);
    printf("\n%-10s", "us");
    for (size_t i = 0; i < SL_COUNT(sizes); i++)
        printf(" %7zu (%.0f)", sizes[i].n, sizes[i].bar_us);
    printf("   prose %zu  allocated\n", prose.n);
    for (size_t k = 0; k < SL_COUNT(policies); k++) {
        size_t grown, sum = 0;
        load(&s, policies[k].yaml);
        printf("%-10s", policies[k].name);
        for (size_t i = 0; i < SL_COUNT(sizes); i++) {
            printf(" %11.2f",
                   measure_signals(&s, sl_str_of(text, sizes[i].n), sizes[i].rounds / 4, &grown));
            sum += grown;
        }
        printf(" %13.2f", prose.n ? measure_signals(&s, prose, 100, &grown) : 0);
        printf(" %10zu\n", sum + grown);
        signals_free(&s);
    }
    struct sl_arena arena;
    struct sl_language_model *model;
    sl_arena_init(&arena, NULL, 1 << 20);
    if (sl_language_open(&model, &arena, sl_language_data, sl_language_data_n, NULL) != SL_OK)
        return 1;
    double language;
    MEASURE(language, 20000, sl_language_detect(model, sl_str_of(text, 131)));
    printf("\nlanguage at 131 B: %.2f us, bar 3 us (the reference: 3200 us)\n", language);
    return 0;
}
