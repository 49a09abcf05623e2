/*
 * The language detector. Every letter, with the three before it in its word, picks four rows of a
 * table of signed bytes (orders 1 to 4); the rows are added, one column a language. Weights stay
 * within 31, so that four of them add up in a byte. Features as in training/language/train.py.
 */
#include "match/language.h"

#include "base/unicode.h"
#include "base/utf8.h"

#include <math.h>

#define M1          0x9e3779b97f4a7c15u
#define M2          0xd6e8feb86659fd93u
#define MAX_LETTERS 512
#define MIN_LETTERS 4 /* the word end counts: fewer than three letters say nothing */
#define MAX_LANES   64
#define FEW_LETTERS 6 /* five of one word, and its end: a guess below these is more often wrong */
#define FEW_LATIN   0.4f
#define FEW_OTHER   0.5f
#define FLUSH_EVERY 128 /* letters: 128 * 4 * 31 fits sixteen bits */
#define EDGE        '_'

#define ALWAYS_INLINE static inline __attribute__((always_inline))

typedef int8_t bytes16 __attribute__((vector_size(16)));
typedef int16_t shorts16 __attribute__((vector_size(32)));

struct group {
    uint32_t n;     /* languages */
    uint32_t lanes; /* columns: 32 or 64 */
    uint32_t bits;  /* 2^bits rows */
    float scale;
    const char *codes;            /* four bytes each */
    const unsigned char *scripts; /* enum sl_script each */
    const unsigned char *bias;    /* little-endian float each */
    const int8_t *rows;
};

struct sums;
typedef void (*add_up_fn)(const struct group *g, sl_str text, struct sums *s);

struct sl_language_model {
    add_up_fn add_up;
    struct group groups[2]; /* Latin; the other shared scripts */
};

static uint32_t read_u32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static float read_f32(const unsigned char *p)
{
    uint32_t bits = read_u32(p);
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

struct sums {
    int32_t total[MAX_LANES];
    shorts16 part[MAX_LANES / 16];
    uint32_t n_part;
    uint32_t n; /* letters and word ends */
};

static void flush(struct sums *s, uint32_t lanes)
{
    for (uint32_t i = 0; i < lanes; i++)
        s->total[i] += s->part[i / 16][i % 16];
    memset(s->part, 0, sizeof(s->part));
    s->n_part = 0;
}

static inline const int8_t *row_of(const struct group *g, uint64_t gram, uint64_t order)
{
    return g->rows + ((gram + order) * M2 >> (64 - g->bits)) * g->lanes;
}

/* Adds the four rows that end at character d behind a, b, c. */
ALWAYS_INLINE void push(const struct group *g, struct sums *s, uint64_t a, uint64_t b, uint64_t c,
                        uint64_t d)
{
    uint64_t two = c * M1 + d, three = (b * M1 + c) * M1 + d;
    uint64_t four = ((a * M1 + b) * M1 + c) * M1 + d;
    const int8_t *r1 = row_of(g, d, 1), *r2 = row_of(g, two, 2);
    const int8_t *r3 = row_of(g, three, 3), *r4 = row_of(g, four, 4);
    for (uint32_t i = 0; i < g->lanes; i += 16) {
        bytes16 v1, v2, v3, v4;
        memcpy(&v1, r1 + i, sizeof(v1));
        memcpy(&v2, r2 + i, sizeof(v2));
        memcpy(&v3, r3 + i, sizeof(v3));
        memcpy(&v4, r4 + i, sizeof(v4));
        v1 += v2 + v3 + v4;
        s->part[i / 16] += __builtin_convertvector(v1, shorts16);
    }
    s->n++;
    if (++s->n_part == FLUSH_EVERY)
        flush(s, g->lanes);
}

static inline bool is_word_char(uint32_t cp)
{
    return cp < 0x80 ? (cp | 32) - 'a' < 26 : sl_unicode_gc(cp) <= SL_GC_ME;
}

ALWAYS_INLINE void add_up(const struct group *g, sl_str text, struct sums *s)
{
    uint64_t a = 0, b = 0, c = 0;
    bool is_inside = false;
    unsigned length;
    for (size_t at = 0; at < text.n && s->n < MAX_LETTERS; at += length) {
        uint32_t cp = sl_utf8_at(text, at, &length);
        if (!is_word_char(cp)) {
            if (is_inside)
                push(g, s, a, b, c, EDGE);
            is_inside = false;
            continue;
        }
        if (!is_inside) {
            a = b = 0;
            c = EDGE;
            is_inside = true;
        }
        uint32_t lower = sl_unicode_lower(cp);
        push(g, s, a, b, c, lower);
        a = b;
        b = c;
        c = lower;
    }
    if (is_inside && s->n < MAX_LETTERS)
        push(g, s, a, b, c, EDGE);
    flush(s, g->lanes);
}

static void add_up_plain(const struct group *g, sl_str text, struct sums *s)
{
    add_up(g, text, s);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void add_up_avx2(const struct group *g, sl_str text,
                                                        struct sums *s)
{
    add_up(g, text, s);
}

static add_up_fn best_add_up(void)
{
    return __builtin_cpu_supports("avx2") ? add_up_avx2 : add_up_plain;
}
#else
static add_up_fn best_add_up(void)
{
    return add_up_plain;
}
#endif

enum sl_rc sl_language_open(struct sl_language_model **out, struct sl_arena *arena,
                            const void *bytes, size_t n, struct sl_err *err)
{
    const unsigned char *p = bytes;
    size_t at = 12;
    *out = NULL;
    struct sl_language_model *m = SL_NEW(arena, struct sl_language_model);
    if (!m)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    if (n < at || memcmp(p, "SLLANG1", 8) != 0 || read_u32(p + 8) != SL_COUNT(m->groups))
        return sl_err_set(err, SL_INVALID, "not a language model");
    for (size_t i = 0; i < SL_COUNT(m->groups); i++) {
        struct group *g = &m->groups[i];
        if (n - at < 16)
            return sl_err_set(err, SL_INVALID, "language model is cut off");
        g->n = read_u32(p + at);
        g->lanes = read_u32(p + at + 4);
        g->bits = read_u32(p + at + 8);
        g->scale = read_f32(p + at + 12);
        at += 16;
        if (g->n == 0 || g->n > g->lanes || (g->lanes != 32 && g->lanes != 64) || g->bits < 4 ||
            g->bits > 20 || n - at < (size_t)g->n * 9)
            return sl_err_set(err, SL_INVALID, "language model has a bad header");
        g->codes = (const char *)p + at;
        g->scripts = p + at + (size_t)g->n * 4;
        g->bias = g->scripts + g->n;
        at += (size_t)g->n * 9;
    }
    at = (at + 63) & ~(size_t)63;
    for (size_t i = 0; i < SL_COUNT(m->groups); i++) {
        struct group *g = &m->groups[i];
        size_t size = (size_t)g->lanes << g->bits;
        if (at > n || n - at < size)
            return sl_err_set(err, SL_INVALID, "language model is cut off");
        g->rows = (const int8_t *)p + at;
        at += size;
    }
    m->add_up = best_add_up();
    *out = m;
    return SL_OK;
}

static struct sl_language_guess guess_by_model(const struct sl_language_model *m,
                                               enum sl_script script, sl_str text)
{
    const struct group *g = &m->groups[script != SL_SCRIPT_LATIN];
    struct sl_language_guess out = {0};
    struct sums s = {0};
    m->add_up(g, text, &s);
    if (s.n < MIN_LETTERS)
        return out;
    float logits[MAX_LANES], best = -INFINITY, norm = g->scale / sqrtf((float)s.n), total = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        if (g->scripts[i] != script)
            continue;
        logits[i] = read_f32(g->bias + i * 4) + (float)s.total[i] * norm;
        if (logits[i] > best) {
            best = logits[i];
            at = i;
        }
    }
    for (uint32_t i = 0; i < g->n; i++)
        if (g->scripts[i] == script)
            total += expf(logits[i] - best);
    float floor = script == SL_SCRIPT_LATIN ? FEW_LATIN : FEW_OTHER;
    bool is_unsure = s.n <= FEW_LETTERS && total * floor > 1;
    if (total > 0 && !is_unsure) {
        memcpy(out.code, g->codes + (size_t)at * 4, 3);
        out.confidence = 1 / total;
    }
    return out;
}

/* Letters by script in the part of the text that is looked at. */
static void count_scripts(sl_str text, uint32_t counts[SL_N_SCRIPTS])
{
    uint32_t n = 0;
    unsigned length;
    for (size_t at = 0; at < text.n && n < MAX_LETTERS; at += length) {
        uint32_t cp = sl_utf8_at(text, at, &length);
        if (cp < 0x80) {
            bool is_letter = (cp | 32) - 'a' < 26;
            counts[SL_SCRIPT_LATIN] += is_letter;
            n += is_letter;
        } else if (sl_unicode_is_letter(cp)) {
            counts[sl_unicode_script(cp)]++;
            n++;
        }
    }
}

/* Languages of the scripts that have one, or one that anybody writes to a model in. */
static const char *language_of(enum sl_script script)
{
    switch (script) {
    case SL_SCRIPT_GREEK:
        return "el";
    case SL_SCRIPT_ARMENIAN:
        return "hy";
    case SL_SCRIPT_THAANA:
        return "dv";
    case SL_SCRIPT_BENGALI:
        return "bn";
    case SL_SCRIPT_GURMUKHI:
        return "pa";
    case SL_SCRIPT_GUJARATI:
        return "gu";
    case SL_SCRIPT_ORIYA:
        return "or";
    case SL_SCRIPT_TAMIL:
        return "ta";
    case SL_SCRIPT_TELUGU:
        return "te";
    case SL_SCRIPT_KANNADA:
        return "kn";
    case SL_SCRIPT_MALAYALAM:
        return "ml";
    case SL_SCRIPT_SINHALA:
        return "si";
    case SL_SCRIPT_THAI:
        return "th";
    case SL_SCRIPT_LAO:
        return "lo";
    case SL_SCRIPT_TIBETAN:
        return "bo";
    case SL_SCRIPT_MYANMAR:
        return "my";
    case SL_SCRIPT_GEORGIAN:
        return "ka";
    case SL_SCRIPT_HANGUL:
        return "ko";
    case SL_SCRIPT_ETHIOPIC:
        return "am";
    case SL_SCRIPT_KHMER:
        return "km";
    case SL_SCRIPT_MONGOLIAN:
        return "mn";
    case SL_SCRIPT_HAN:
    case SL_SCRIPT_BOPOMOFO:
        return "zh";
    case SL_SCRIPT_HIRAGANA:
    case SL_SCRIPT_KATAKANA:
        return "ja";
    default:
        return "";
    }
}

struct sl_language_guess sl_language_detect(const struct sl_language_model *m, sl_str text)
{
    struct sl_language_guess out = {0};
    uint32_t counts[SL_N_SCRIPTS] = {0};
    count_scripts(text, counts);
    /* Kana is never Chinese; a Han character says as much as three letters. */
    uint32_t kana = counts[SL_SCRIPT_HIRAGANA] + counts[SL_SCRIPT_KATAKANA];
    counts[SL_SCRIPT_HIRAGANA] = counts[SL_SCRIPT_KATAKANA] = 0;
    if (kana * 10 > counts[SL_SCRIPT_HAN]) {
        counts[SL_SCRIPT_HIRAGANA] = 2 * (kana + counts[SL_SCRIPT_HAN]);
        counts[SL_SCRIPT_HAN] = 0;
    }
    counts[SL_SCRIPT_HAN] *= 3;
    counts[SL_SCRIPT_HANGUL] *= 2;
    uint32_t total = 0;
    enum sl_script script = SL_SCRIPT_COMMON;
    for (int i = SL_SCRIPT_LATIN; i < SL_N_SCRIPTS; i++) {
        total += counts[i];
        if (counts[i] > counts[script])
            script = (enum sl_script)i;
    }
    if (total == 0)
        return out;
    const char *code = language_of(script);
    if (*code) {
        memcpy(out.code, code, 2);
        out.confidence = 1;
    } else if (script == SL_SCRIPT_LATIN || script == SL_SCRIPT_CYRILLIC ||
               script == SL_SCRIPT_ARABIC || script == SL_SCRIPT_DEVANAGARI ||
               script == SL_SCRIPT_HEBREW) {
        out = guess_by_model(m, script, text);
    }
    out.confidence *= (float)counts[script] / (float)total;
    return out;
}
