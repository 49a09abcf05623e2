/*
 * Literals of the shared scan. Case-insensitive ones are searched by a piece: a run of ASCII,
 * which the set of strings folds itself, or the first few characters in all their cases. The
 * letters k and s have a third case outside ASCII (the Kelvin sign, the long s), which are strings
 * of their own, searched beside the scan, that point at every literal they may stand in. A
 * candidate is then compared whole.
 */
#include "match/scan_internal.h"

#include "base/unicode.h"
#include "base/utf8.h"

#define MAX_VARIANTS    8
#define MAX_PIECE_BYTES 32

static bool is_hangul(uint32_t cp)
{
    return sl_unicode_script(cp) == SL_SCRIPT_HANGUL;
}

/* An edge that needs a neighbour: Korean, unlike the other scripts of East Asia, has blanks. */
static bool is_word_char(uint32_t cp)
{
    return sl_unicode_is_word(cp) && (!sl_unicode_is_unspaced(cp) || is_hangul(cp));
}

/* Whether two neighbours belong to one word: `API` and a Korean particle behind it do not. */
static bool is_one_word(uint32_t edge, uint32_t neighbour)
{
    return is_word_char(neighbour) && is_hangul(edge) == is_hangul(neighbour);
}

static bool is_letter_or_digit(uint32_t cp)
{
    return sl_unicode_is_alnum(cp) && !sl_unicode_is_unspaced(cp);
}

static bool holds(sl_str text, bool (*is_member)(uint32_t))
{
    unsigned n;
    for (size_t at = 0; at < text.n; at += n)
        if (is_member(sl_utf8_at(text, at, &n)))
            return true;
    return false;
}

void sl_scan_literal_edges(struct sl_scan_pattern *p)
{
    unsigned n;
    p->needs_left = p->needs_right = false;
    if (p->text.n == 0)
        return;
    uint32_t first = sl_utf8_at(p->text, 0, &n), last = sl_utf8_before(p->text, p->text.n, &n);
    if (p->flags & SL_SCAN_WORD_EDGES && !holds(p->text, sl_unicode_is_han)) {
        p->needs_left = is_word_char(first);
        p->needs_right = is_word_char(last);
    }
    if (p->flags & SL_SCAN_LETTER_EDGES && !holds(p->text, sl_unicode_is_cjk)) {
        p->needs_left = !sl_unicode_is_unspaced(first);
        p->needs_right = !sl_unicode_is_unspaced(last);
    }
}

/* The longest run of ASCII in text; k and s count as any other. */
static void longest_ascii(sl_str text, size_t *from, size_t *to)
{
    *from = *to = 0;
    for (size_t at = 0; at < text.n;) {
        size_t begin = at;
        while (at < text.n && (unsigned char)text.p[at] < 0x80)
            at++;
        if (at - begin > *to - *from) {
            *from = begin;
            *to = at;
        }
        while (at < text.n && (unsigned char)text.p[at] >= 0x80)
            at++;
    }
}

/* Strings for k and s in their third case, at every place of [from, to) where they may stand. */
static enum sl_rc add_third_cases(const struct sl_scan_pattern *p, uint32_t id, size_t from,
                                  size_t to, sl_scan_add_entry add, void *ctx)
{
    /* Later places first: they belong to earlier occurrences. */
    for (size_t at = to; at-- > from;) {
        char c = (char)(p->text.p[at] | 32);
        if (c != 'k' && c != 's')
            continue;
        struct sl_scan_ref ref = {.pattern = id,
                                  .is_third_case = true,
                                  .n_before = (uint32_t)sl_utf8_count(sl_str_sub(p->text, 0, at))};
        sl_str third = c == 'k' ? SL_STR("\xe2\x84\xaa") : SL_STR("\xc5\xbf");
        enum sl_rc rc = add(ctx, third, false, ref);
        if (rc != SL_OK)
            return rc;
    }
    return SL_OK;
}

/* Extends every variant by every case of cp; false, unchanged, when they would be too many. */
static bool extend(char variants[][MAX_PIECE_BYTES + 4], size_t *lengths, uint32_t *n_variants,
                   uint32_t cp)
{
    uint32_t cases[8], n_cases = 0, c = cp;
    do {
        cases[n_cases++] = c;
        /* ASCII is folded by the scan, and its third cases have strings of their own. */
        c = cp < 0x80 ? cp : sl_unicode_next_case(c);
    } while (c != cp && n_cases < SL_COUNT(cases));
    if (*n_variants * n_cases > MAX_VARIANTS)
        return false;
    for (uint32_t v = 0; v < *n_variants; v++)
        if (lengths[v] > MAX_PIECE_BYTES - 4)
            return false;
    uint32_t n = *n_variants;
    for (uint32_t k = n_cases; k-- > 0;) {
        for (uint32_t v = 0; v < n; v++) {
            uint32_t to = k * n + v;
            if (to != v) {
                memcpy(variants[to], variants[v], lengths[v]);
                lengths[to] = lengths[v];
            }
            lengths[to] += sl_utf8_encode(cases[k], variants[to] + lengths[to]);
        }
    }
    *n_variants = n * n_cases;
    return true;
}

static enum sl_rc add_variants(const struct sl_scan_pattern *p, uint32_t id, sl_scan_add_entry add,
                               void *ctx)
{
    char variants[MAX_VARIANTS][MAX_PIECE_BYTES + 4];
    size_t lengths[MAX_VARIANTS] = {0}, at = 0;
    uint32_t n_variants = 1;
    while (at < p->text.n) {
        unsigned n;
        if (!extend(variants, lengths, &n_variants, sl_utf8_at(p->text, at, &n)))
            break;
        at += n;
    }
    for (uint32_t v = 0; v < n_variants; v++) {
        enum sl_rc rc =
            add(ctx, sl_str_of(variants[v], lengths[v]), true, (struct sl_scan_ref){.pattern = id});
        if (rc != SL_OK)
            return rc;
    }
    return add_third_cases(p, id, 0, at, add, ctx);
}

enum sl_rc sl_scan_literal_entries(const struct sl_scan_pattern *p, uint32_t id,
                                   sl_scan_add_entry add, void *ctx)
{
    if (!(p->flags & SL_SCAN_CASELESS))
        return add(ctx, p->text, false, (struct sl_scan_ref){.pattern = id, .is_whole = true});
    size_t from, to;
    longest_ascii(p->text, &from, &to);
    if (to - from < 3 && to - from < p->text.n)
        return add_variants(p, id, add, ctx);
    struct sl_scan_ref ref = {.pattern = id,
                              .n_before = (uint32_t)sl_utf8_count(sl_str_sub(p->text, 0, from)),
                              .is_whole = to - from == p->text.n};
    enum sl_rc rc = add(ctx, sl_str_sub(p->text, from, to), true, ref);
    return rc == SL_OK ? add_third_cases(p, id, from, to, add, ctx) : rc;
}

static bool is_apart(const struct sl_scan_pattern *p, uint32_t edge, uint32_t neighbour)
{
    return p->flags & SL_SCAN_WORD_EDGES ? !is_one_word(edge, neighbour)
                                         : !is_letter_or_digit(neighbour);
}

static bool has_edges(const struct sl_scan_pattern *p, sl_str text, size_t from, size_t to)
{
    unsigned n;
    if (p->needs_left && from > 0 &&
        !is_apart(p, sl_utf8_at(text, from, &n), sl_utf8_before(text, from, &n)))
        return false;
    return !p->needs_right || to >= text.n ||
           is_apart(p, sl_utf8_before(text, to, &n), sl_utf8_at(text, to, &n));
}

/* Compares the literal with text at `from`, folded; its end, or SIZE_MAX. */
static size_t compare(const struct sl_scan_pattern *p, sl_str text, size_t from)
{
    if (!(p->flags & SL_SCAN_CASELESS)) {
        bool is_same =
            text.n - from >= p->text.n && memcmp(text.p + from, p->text.p, p->text.n) == 0;
        return is_same ? from + p->text.n : SIZE_MAX;
    }
    unsigned n, m;
    for (size_t at = 0; at < p->text.n; at += n, from += m) {
        if (from >= text.n)
            return SIZE_MAX;
        if (sl_unicode_fold(sl_utf8_at(p->text, at, &n)) !=
            sl_unicode_fold(sl_utf8_at(text, from, &m)))
            return SIZE_MAX;
    }
    return from;
}

bool sl_scan_literal_verify(const struct sl_scan_pattern *p, const struct sl_scan_ref *ref,
                            sl_str text, size_t from, size_t to, struct sl_scan_span *span)
{
    if (!ref->is_whole) {
        for (uint32_t i = 0; i < ref->n_before; i++) {
            unsigned n;
            if (from == 0)
                return false;
            sl_utf8_before(text, from, &n);
            from -= n;
        }
        to = compare(p, text, from);
        if (to == SIZE_MAX)
            return false;
    }
    if (!has_edges(p, text, from, to))
        return false;
    *span = (struct sl_scan_span){(uint32_t)from, (uint32_t)to};
    return true;
}
