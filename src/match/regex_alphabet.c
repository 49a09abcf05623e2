/*
 * What the automaton needs besides the program: the alphabet (classes of code points that nothing
 * in the expression tells apart), the bytes that a match can begin with, and whether matches only
 * begin at lines or at the start of the text.
 */
#include "match/regex_prog.h"

#include "base/hash.h"
#include "base/utf8.h"

#include <stdlib.h>

#define MAX_INTERVALS 20000
#define LAST          0x10ffffu

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint8_t flags_of(const struct sl_regex *re, uint32_t cp)
{
    if (!re->has_asserts)
        return 0;
    bool is_word = cp == '_' || cp - '0' < 10u || (cp < 0x80 && (cp | 32) - 'a' < 26u);
    return (uint8_t)((is_word ? SL_RE_IS_WORD : 0) | (cp == '\n' ? SL_RE_IS_NEWLINE : 0));
}

/* Every place where membership in some set, or a property that an assertion sees, may change. */
static uint32_t boundaries(const struct sl_regex *re, uint32_t *out)
{
    static const uint32_t asserted[] = {'\n',    '\n' + 1, '0',     '9' + 1, 'A',
                                        'Z' + 1, '_',      '_' + 1, 'a',     'z' + 1};
    uint32_t n = 0;
    out[n++] = 0;
    for (uint32_t i = 0; i < re->n_sets; i++) {
        for (uint32_t k = 0; k < re->sets[i].n; k++) {
            out[n++] = re->sets[i].ranges[k].low;
            if (re->sets[i].ranges[k].high < LAST)
                out[n++] = re->sets[i].ranges[k].high + 1;
        }
    }
    for (size_t i = 0; i < SL_COUNT(asserted) && re->has_asserts; i++)
        out[n++] = asserted[i];
    qsort(out, n, sizeof(*out), by_value);
    uint32_t unique = 0;
    for (uint32_t i = 0; i < n; i++)
        if (unique == 0 || out[unique - 1] != out[i])
            out[unique++] = out[i];
    return unique;
}

static bool is_same_class(const struct sl_regex *re, uint32_t a, uint32_t b)
{
    if (flags_of(re, a) != flags_of(re, b))
        return false;
    for (uint32_t i = 0; i < re->n_sets; i++)
        if (sl_charset_has(&re->sets[i], a) != sl_charset_has(&re->sets[i], b))
            return false;
    return true;
}

static uint64_t signature(const struct sl_regex *re, uint32_t cp)
{
    uint64_t value = flags_of(re, cp);
    for (uint32_t i = 0; i < re->n_sets; i++)
        if (sl_charset_has(&re->sets[i], cp))
            value += sl_hash_u64(i + 1, 0x9d5c);
    return value;
}

/* Numbers the symbols; `first_of[s]` is a member of symbol s. SL_LIMIT when there are too many. */
static enum sl_rc number_symbols(struct sl_regex *re, uint32_t *first_of, uint64_t *marks)
{
    for (uint32_t i = 0; i < re->n_intervals; i++) {
        uint32_t cp = re->starts[i], s = 0;
        uint64_t mark = signature(re, cp);
        while (s < re->n_symbols && (marks[s] != mark || !is_same_class(re, first_of[s], cp)))
            s++;
        if (s == UINT16_MAX)
            return SL_LIMIT;
        if (s == re->n_symbols) {
            marks[s] = mark;
            first_of[s] = cp;
            re->n_symbols++;
        }
        re->symbols[i] = (uint16_t)s;
    }
    return SL_OK;
}

static enum sl_rc make_alphabet(struct sl_regex *re, struct sl_arena *arena)
{
    uint32_t most = 12;
    for (uint32_t i = 0; i < re->n_sets; i++)
        most += 2 * re->sets[i].n;
    if (most > MAX_INTERVALS)
        return SL_LIMIT;
    uint32_t *first_of = malloc(most * sizeof(*first_of));
    uint64_t *marks = malloc(most * sizeof(*marks));
    re->starts = sl_arena_alloc(arena, most * sizeof(*re->starts));
    enum sl_rc rc = SL_NOMEM;
    if (!first_of || !marks || !re->starts)
        goto out;
    re->n_intervals = boundaries(re, re->starts);
    re->symbols = sl_arena_alloc(arena, re->n_intervals * sizeof(*re->symbols));
    if (!re->symbols)
        goto out;
    rc = number_symbols(re, first_of, marks);
    if (rc != SL_OK)
        goto out;
    rc = SL_NOMEM;
    size_t n_bits = (size_t)re->n_sets * re->n_symbols;
    re->members = SL_NEW_ARRAY(arena, uint64_t, n_bits / 64 + 1);
    re->symbol_flags = SL_NEW_ARRAY(arena, uint8_t, re->n_symbols + 1);
    if (!re->members || !re->symbol_flags)
        goto out;
    for (uint32_t s = 0; s < re->n_symbols; s++) {
        re->symbol_flags[s] = flags_of(re, first_of[s]);
        for (uint32_t i = 0; i < re->n_sets; i++) {
            size_t bit = (size_t)i * re->n_symbols + s;
            if (sl_charset_has(&re->sets[i], first_of[s]))
                re->members[bit >> 6] |= (uint64_t)1 << (bit & 63);
        }
    }
    re->symbol_flags[re->n_symbols] = SL_RE_IS_END;
    for (uint32_t cp = 0, i = 0; cp < 128; cp++) {
        while (i + 1 < re->n_intervals && re->starts[i + 1] <= cp)
            i++;
        re->ascii[cp] = re->symbols[i];
    }
    rc = SL_OK;
out:
    free(first_of);
    free(marks);
    return rc;
}

static void mark_first(struct sl_regex *re, uint32_t low, uint32_t high)
{
    for (uint32_t cp = low; cp <= high && cp < 0x80; cp++)
        re->first[cp >> 6] |= (uint64_t)1 << (cp & 63);
    if (high < 0x80)
        return;
    char a[4], b[4];
    sl_utf8_encode(low < 0x80 ? 0x80 : low, a);
    sl_utf8_encode(high, b);
    unsigned from = (unsigned char)a[0], to = (unsigned char)b[0];
    /* Surrogates are encoded as U+FFFD, which also stands for any malformed byte. */
    if (low <= SL_UTF8_BAD && high >= SL_UTF8_BAD) {
        from = 0x80;
        to = 0xff;
    } else if (low >= 0xd800 && low < 0xe000) {
        from = 0xed;
    }
    if (to < from)
        to = 0xff;
    for (unsigned c = from; c <= to; c++)
        re->first[c >> 6] |= (uint64_t)1 << (c & 63);
}

static void make_skip(struct sl_regex *re)
{
    re->n_skip = 0;
    for (unsigned c = 0; c < 256; c++) {
        if (!(re->first[c >> 6] >> (c & 63) & 1))
            continue;
        if (re->n_skip && re->skip[re->n_skip - 1].high + 1 == c) {
            re->skip[re->n_skip - 1].high = c;
        } else if (re->n_skip == SL_COUNT(re->skip)) {
            re->n_skip = 0;
            return;
        } else {
            re->skip[re->n_skip++] = (struct sl_range){c, c};
        }
    }
}

/*
 * Walks what can be reached before the first character. `stops` are assertions not walked
 * through. True when a character or the end of the program is reached; with `marks`, the first
 * bytes are collected.
 */
static bool reaches(struct sl_regex *re, uint32_t *stack, uint8_t *seen, unsigned stops, bool marks)
{
    uint32_t n = 0;
    bool found = false;
    memset(seen, 0, re->n_code);
    stack[n++] = 0;
    while (n) {
        uint32_t pc = stack[--n];
        if (seen[pc])
            continue;
        seen[pc] = 1;
        const struct sl_regex_inst *i = &re->code[pc];
        switch ((enum sl_regex_op)i->op) {
        case SL_RE_CLASS:
            found = true;
            for (uint32_t k = 0; k < re->sets[i->arg].n && marks; k++)
                mark_first(re, re->sets[i->arg].ranges[k].low, re->sets[i->arg].ranges[k].high);
            break;
        case SL_RE_MATCH:
            found = true;
            break;
        case SL_RE_SPLIT:
            stack[n++] = pc + 1;
            stack[n++] = (uint32_t)((int32_t)pc + i->arg);
            break;
        case SL_RE_JUMP:
            stack[n++] = (uint32_t)((int32_t)pc + i->arg);
            break;
        case SL_RE_ASSERT:
            if (!(stops >> i->arg & 1))
                stack[n++] = pc + 1;
            break;
        }
    }
    return found;
}

enum sl_rc sl_regex_analyse(struct sl_regex *re, struct sl_arena *arena, struct sl_err *err)
{
    enum sl_rc rc = make_alphabet(re, arena);
    if (rc == SL_LIMIT)
        return sl_err_set(err, SL_INVALID, "error parsing regexp: too many character classes");
    /* A split pushes two and pops one: twice the program bounds the stack. */
    uint32_t *stack = malloc((2 * (size_t)re->n_code + 2) * sizeof(*stack));
    uint8_t *seen = malloc(re->n_code);
    if (rc != SL_OK || !stack || !seen) {
        rc = sl_err_set(err, SL_NOMEM, "out of memory while compiling a regular expression");
        goto out;
    }
    unsigned text = 1u << SL_RE_BEGIN_TEXT, line = text | 1u << SL_RE_BEGIN_LINE;
    if (!reaches(re, stack, seen, text, false))
        re->start = SL_RE_START_TEXT;
    else if (!reaches(re, stack, seen, line, false))
        re->start = SL_RE_START_LINE;
    reaches(re, stack, seen, 0, true);
    make_skip(re);
out:
    free(stack);
    free(seen);
    return rc;
}
