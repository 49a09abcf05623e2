/*
 * The patterns of Replace and Split, as scanners written by hand: the regular expressions that the
 * published families use, and no others. Alternatives are tried in the order of the expression.
 */
#include "ml/token/chars.h"
#include "ml/token/parts.h"

#define SUFFIXES      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
#define WORDS         "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
#define SIGNS         " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
#define BLANKS_BEHIND "\\s+(?!\\S)|\\s+"

static const struct {
    const char *regex;
    struct sl_pattern pattern;
} known[] = {
    {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|" BLANKS_BEHIND,
     {.kind = SL_PATTERN_GPT2}},
    {SUFFIXES WORDS "\\p{N}|" SIGNS "\\s*[\\r\\n]+|" BLANKS_BEHIND,
     {.kind = SL_PATTERN_CL100K, .max_digits = 1}},
    {SUFFIXES WORDS "\\p{N}{1,3}|" SIGNS "\\s*[\\r\\n]+|" BLANKS_BEHIND,
     {.kind = SL_PATTERN_CL100K, .max_digits = 3}},
    {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}|"
     " ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
     {.kind = SL_PATTERN_CL100K, .max_digits = 3}},
    {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}|"
     " ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
     {.kind = SL_PATTERN_CL100K, .max_digits = 3}},
    {" {2,}", {.kind = SL_PATTERN_BLANKS, .min = 2}},
    {" +", {.kind = SL_PATTERN_BLANKS, .min = 1}},
    {"\\s+", {.kind = SL_PATTERN_SPACES}},
    {" ", {.kind = SL_PATTERN_LITERAL, .literal = SL_STR_INIT(" ")}},
};

bool sl_pattern_of_regex(struct sl_pattern *p, sl_str regex)
{
    for (size_t i = 0; i < SL_COUNT(known); i++) {
        if (sl_str_eq(regex, sl_str_from(known[i].regex))) {
            *p = known[i].pattern;
            return true;
        }
    }
    return false;
}

/* The classes these expressions speak of: everything that is no letter, number or space is a sign.
 */
enum class { LETTER, NUMBER, SPACE, SIGN, END };

static enum class class_at(sl_str text, uint32_t at, unsigned *n) {
        *n = 0; if (at >= text.n) return END;
        unsigned flags = sl_char_flags(sl_utf8_at(text, at, n));
        if (flags & SL_CHAR_LETTER) return LETTER;
        if (flags & SL_CHAR_NUMBER) return NUMBER;
        return flags & SL_CHAR_SPACE ? SPACE : SIGN;
}

/* Behind the characters of one class that stand at `at`; at most `max` of them. */
static uint32_t behind(sl_str text, uint32_t at, enum class wanted, uint32_t max)
{
    unsigned n;
    while (max-- && class_at(text, at, &n) == wanted)
        at += n;
    return at;
}

/* Behind 's 't 're 've 'm 'll 'd at `at`, or `at`. */
static uint32_t suffix(sl_str text, uint32_t at, bool any_case)
{
    if (text.p[at] != '\'' || at + 1 >= text.n)
        return at;
    unsigned char a = (unsigned char)text.p[at + 1];
    unsigned char b = at + 2 < text.n ? (unsigned char)text.p[at + 2] : 0;
    if (any_case) {
        if (a == 0xc5 && b == 0xbf) /* U+017F folds to s */
            return at + 3;
        a |= 0x20;
        b |= 0x20;
    }
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return at + 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l'))
        return at + 3;
    return at;
}

/* \s+(?!\S)|\s+ : all blanks at the end of the text, else all but the last one, else the one. */
static uint32_t blanks(sl_str text, uint32_t at)
{
    uint32_t end = behind(text, at, SPACE, UINT32_MAX);
    if (end == text.n)
        return end;
    unsigned n;
    sl_utf8_before(text, end, &n);
    return end - n > at ? end - n : end;
}

static uint32_t gpt2(sl_str text, uint32_t at)
{
    uint32_t end = suffix(text, at, false);
    if (end > at)
        return end;
    unsigned n;
    uint32_t word = at + (text.p[at] == ' ');
    enum class class = class_at(text, word, &n);
    if (class == LETTER || class == NUMBER || class == SIGN)
        return behind(text, word, class, UINT32_MAX);
    return blanks(text, at);
}

static bool is_line_end(sl_str text, uint32_t at)
{
    return at < text.n && (text.p[at] == '\r' || text.p[at] == '\n');
}

/* \s*[\r\n]+ or \s*[\r\n] : up to the last line end among the blanks; `at` when there is none. */
static uint32_t lines(sl_str text, uint32_t at)
{
    uint32_t end = at, last = at;
    unsigned n;
    while (class_at(text, end, &n) == SPACE) {
        if (is_line_end(text, end))
            last = end + 1;
        end += n;
    }
    return last;
}

static uint32_t cl100k(const struct sl_pattern *p, sl_str text, uint32_t at)
{
    uint32_t end = suffix(text, at, true);
    if (end > at)
        return end;
    unsigned n, n_next;
    enum class class = class_at(text, at, &n);
    if (class == LETTER)
        return behind(text, at, LETTER, UINT32_MAX);
    if (class == NUMBER)
        return behind(text, at, NUMBER, p->max_digits);
    enum class next = class_at(text, at + n, &n_next);
    if (next == LETTER && !is_line_end(text, at))
        return behind(text, at + n, LETTER, UINT32_MAX);
    uint32_t sign = at + (text.p[at] == ' ');
    if (class_at(text, sign, &n) == SIGN) {
        end = behind(text, sign, SIGN, UINT32_MAX);
        while (is_line_end(text, end))
            end++;
        return end;
    }
    end = lines(text, at);
    return end > at ? end : blanks(text, at);
}

static bool find_class(const struct sl_pattern *p, sl_str text, uint32_t at, uint32_t *from,
                       uint32_t *to)
{
    while (at < text.n) {
        unsigned n;
        if (p->kind == SL_PATTERN_SPACES) {
            if (class_at(text, at, &n) == SPACE) {
                *from = at;
                *to = behind(text, at, SPACE, UINT32_MAX);
                return true;
            }
            at += n;
            continue;
        }
        const char *blank = memchr(text.p + at, ' ', text.n - at);
        if (!blank)
            return false;
        at = (uint32_t)(blank - text.p);
        uint32_t end = at;
        while (end < text.n && text.p[end] == ' ')
            end++;
        if (end - at >= p->min) {
            *from = at;
            *to = end;
            return true;
        }
        at = end;
    }
    return false;
}

bool sl_pattern_find(const struct sl_pattern *p, sl_str text, uint32_t at, uint32_t *from,
                     uint32_t *to)
{
    if (at >= text.n)
        return false;
    switch (p->kind) {
    case SL_PATTERN_LITERAL: {
        size_t found =
            p->literal.n ? sl_str_find(sl_str_sub(text, at, text.n), p->literal) : SIZE_MAX;
        if (found == SIZE_MAX)
            return false;
        *from = at + (uint32_t)found;
        *to = *from + (uint32_t)p->literal.n;
        return true;
    }
    case SL_PATTERN_SPACES:
    case SL_PATTERN_BLANKS:
        return find_class(p, text, at, from, to);
    case SL_PATTERN_GPT2:
        *from = at;
        *to = gpt2(text, at);
        return true;
    case SL_PATTERN_CL100K:
        *from = at;
        *to = cl100k(p, text, at);
        return true;
    }
    return false;
}
