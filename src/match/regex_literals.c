/*
 * Strings that every match must contain, computed while parsing. Exact sets are multiplied along
 * concatenations as long as they stay small; where they end, the best set so far is kept.
 * ASCII letters are lowered: the scan looks for them in any case, which can only find too many.
 */
#include "match/regex_prog.h"

#include "base/utf8.h"

#define MAX_CLASS 4

void sl_regex_info_empty(struct sl_regex_info *out)
{
    memset(out, 0, sizeof(*out));
    out->is_exact = true;
    out->is_nullable = true;
    out->set.n = 1;
}

static bool add(struct sl_regex_literals *set, const char *p, size_t n)
{
    if (n > SL_REGEX_MAX_LITERAL_BYTES)
        return false;
    for (uint32_t i = 0; i < set->n; i++)
        if (set->items[i].n == n && memcmp(set->items[i].p, p, n) == 0)
            return true;
    if (set->n == SL_REGEX_MAX_LITERALS)
        return false;
    set->items[set->n].n = (uint8_t)n;
    memcpy(set->items[set->n++].p, p, n);
    return true;
}

static void forget(struct sl_regex_info *info)
{
    info->is_exact = false;
    info->set.n = 0;
}

void sl_regex_info_class(struct sl_regex_info *out, const struct sl_charset *set)
{
    memset(out, 0, sizeof(*out));
    out->is_exact = true;
    uint32_t size = 0;
    for (uint32_t i = 0; i < set->n; i++) {
        uint32_t span = set->ranges[i].high - set->ranges[i].low;
        if (span >= MAX_CLASS || (size += span + 1) > MAX_CLASS) {
            forget(out);
            return;
        }
        for (uint32_t cp = set->ranges[i].low; cp <= set->ranges[i].high; cp++) {
            char bytes[4];
            unsigned n = sl_utf8_encode(cp - 'A' < 26 ? cp + 32 : cp, bytes);
            /* U+FFFD also stands for malformed bytes, which no literal spells. */
            if (cp == SL_UTF8_BAD || !add(&out->set, bytes, n)) {
                forget(out);
                return;
            }
        }
    }
    if (set->n == 0)
        forget(out);
}

static size_t shortest(const struct sl_regex_literals *set)
{
    size_t n = set->n ? SIZE_MAX : 0;
    for (uint32_t i = 0; i < set->n; i++)
        if (set->items[i].n < n)
            n = set->items[i].n;
    return n;
}

static bool is_better(const struct sl_regex_literals *a, const struct sl_regex_literals *b)
{
    size_t x = shortest(a), y = shortest(b);
    return x != y ? x > y : a->n < b->n;
}

void sl_regex_info_cat(struct sl_regex_info *a, const struct sl_regex_info *b)
{
    bool is_nullable = a->is_nullable && b->is_nullable;
    if (a->is_exact && b->is_exact) {
        struct sl_regex_literals product = {0};
        bool fits = true;
        for (uint32_t i = 0; i < a->set.n && fits; i++) {
            for (uint32_t j = 0; j < b->set.n && fits; j++) {
                char joined[2 * SL_REGEX_MAX_LITERAL_BYTES];
                size_t n = a->set.items[i].n;
                memcpy(joined, a->set.items[i].p, n);
                memcpy(joined + n, b->set.items[j].p, b->set.items[j].n);
                fits = add(&product, joined, n + b->set.items[j].n);
            }
        }
        if (fits) {
            a->set = product;
            a->is_nullable = is_nullable;
            return;
        }
    }
    if (is_better(&b->set, &a->set))
        a->set = b->set;
    a->is_exact = false;
    a->is_nullable = is_nullable;
    if (shortest(&a->set) == 0)
        a->set.n = 0;
}

void sl_regex_info_alt(struct sl_regex_info *a, const struct sl_regex_info *b)
{
    bool is_known = a->set.n && b->set.n;
    a->is_exact = a->is_exact && b->is_exact;
    a->is_nullable |= b->is_nullable;
    for (uint32_t i = 0; i < b->set.n && is_known; i++)
        is_known = add(&a->set, b->set.items[i].p, b->set.items[i].n);
    if (!is_known || (!a->is_exact && shortest(&a->set) == 0))
        forget(a);
}

void sl_regex_info_repeat(struct sl_regex_info *a, int min, int max)
{
    if (min == 1 && max == 1)
        return;
    if (min == 0 && max == 1 && a->is_exact && add(&a->set, "", 0)) {
        a->is_nullable = true;
        return;
    }
    a->is_exact = false;
    if (min == 0) {
        a->is_nullable = true;
        a->set.n = 0;
    } else if (shortest(&a->set) == 0) {
        a->set.n = 0;
    }
}

void sl_regex_info_finish(const struct sl_regex_info *a, struct sl_regex_literals *out)
{
    *out = a->set;
    if (shortest(out) == 0)
        out->n = 0;
}
