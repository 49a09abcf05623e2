/* Sets of code points: normalisation, negation, case closure, and the groups that RE2 names. */
#include "match/charset.h"

#include "base/unicode.h"
#include "base/unicode_tables.h"

#include <stdlib.h>

#define LAST 0x10ffffu

void sl_charset_init(struct sl_charset *set, struct sl_arena *arena)
{
    *set = (struct sl_charset){.arena = arena};
}

void sl_charset_add(struct sl_charset *set, uint32_t low, uint32_t high)
{
    if (set->n && set->ranges[set->n - 1].high + 1 == low) { /* the usual case: ascending */
        set->ranges[set->n - 1].high = high;
        return;
    }
    if (set->n == set->cap) {
        uint32_t cap = set->cap ? set->cap * 2 : 4;
        struct sl_range *ranges = sl_arena_alloc(set->arena, cap * sizeof(*ranges));
        if (!ranges) {
            set->is_out_of_memory = true;
            return;
        }
        if (set->n)
            memcpy(ranges, set->ranges, set->n * sizeof(*ranges));
        set->ranges = ranges;
        set->cap = cap;
    }
    set->ranges[set->n++] = (struct sl_range){low, high};
}

void sl_charset_add_set(struct sl_charset *set, const struct sl_charset *other)
{
    for (uint32_t i = 0; i < other->n; i++)
        sl_charset_add(set, other->ranges[i].low, other->ranges[i].high);
    set->is_out_of_memory |= other->is_out_of_memory;
}

static int by_low(const void *a, const void *b)
{
    const struct sl_range *x = a, *y = b;
    return x->low < y->low ? -1 : x->low > y->low;
}

void sl_charset_normalise(struct sl_charset *set)
{
    if (set->n < 2)
        return;
    qsort(set->ranges, set->n, sizeof(*set->ranges), by_low);
    uint32_t n = 0;
    for (uint32_t i = 1; i < set->n; i++) {
        struct sl_range *last = &set->ranges[n], next = set->ranges[i];
        if (next.low <= last->high || next.low == last->high + 1) {
            if (next.high > last->high)
                last->high = next.high;
        } else {
            set->ranges[++n] = next;
        }
    }
    set->n = n + 1;
}

void sl_charset_negate(struct sl_charset *set)
{
    struct sl_charset out;
    sl_charset_init(&out, set->arena);
    out.is_out_of_memory = set->is_out_of_memory;
    uint32_t next = 0;
    for (uint32_t i = 0; i < set->n; i++) {
        if (set->ranges[i].low > next)
            sl_charset_add(&out, next, set->ranges[i].low - 1);
        next = set->ranges[i].high + 1;
    }
    if (next <= LAST)
        sl_charset_add(&out, next, LAST);
    *set = out;
}

bool sl_charset_has(const struct sl_charset *set, uint32_t cp)
{
    uint32_t low = 0, high = set->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (set->ranges[middle].high < cp)
            low = middle + 1;
        else
            high = middle;
    }
    return low < set->n && set->ranges[low].low <= cp;
}

static void add_cases(struct sl_charset *set, uint32_t cp)
{
    for (uint32_t c = sl_unicode_next_case(cp); c != cp; c = sl_unicode_next_case(c))
        sl_charset_add(set, c, c);
}

void sl_charset_fold(struct sl_charset *set)
{
    struct sl_charset base = *set;
    uint64_t size = 0;
    for (uint32_t i = 0; i < base.n; i++)
        size += base.ranges[i].high - base.ranges[i].low + 1;
    struct sl_charset out;
    sl_charset_init(&out, set->arena);
    sl_charset_add_set(&out, &base);
    if (size <= 256) {
        for (uint32_t i = 0; i < base.n; i++)
            for (uint32_t cp = base.ranges[i].low; cp <= base.ranges[i].high; cp++)
                add_cases(&out, cp);
    } else {
        for (uint32_t i = 0; i < sl_unicode_n_orbits; i++)
            if (sl_charset_has(&base, sl_unicode_orbits[i][0]))
                add_cases(&out, sl_unicode_orbits[i][0]);
    }
    sl_charset_normalise(&out);
    *set = out;
}

bool sl_charset_add_posix(struct sl_charset *set, sl_str name)
{
    static const struct {
        const char *name;
        const char *ranges; /* pairs */
    } groups[] = {
        {"d", "09"},           {"s", "\t\n\f\r  "}, {"w", "09AZ__az"},   {"alnum", "09AZaz"},
        {"alpha", "AZaz"},     {"ascii", NULL},     {"blank", "\t\t  "}, {"cntrl", NULL},
        {"digit", "09"},       {"graph", "!~"},     {"lower", "az"},     {"print", " ~"},
        {"punct", "!/:@[`{~"}, {"space", "\t\r  "}, {"upper", "AZ"},     {"word", "09AZ__az"},
        {"xdigit", "09AFaf"},
    };
    for (size_t i = 0; i < SL_COUNT(groups); i++) {
        if (!sl_str_eq(name, sl_str_from(groups[i].name)))
            continue;
        if (!groups[i].ranges) { /* these begin with NUL */
            sl_charset_add(set, 0, groups[i].name[0] == 'a' ? 0x7f : 0x1f);
            if (groups[i].name[0] == 'c')
                sl_charset_add(set, 0x7f, 0x7f);
            return true;
        }
        for (const char *p = groups[i].ranges; *p; p += 2)
            sl_charset_add(set, (unsigned char)p[0], (unsigned char)p[1]);
        return true;
    }
    return false;
}

/* Nothing is assigned between the last ideographs and plane 14 but for private use. */
#define LAST_IDEOGRAPH 0x323afu
#define PLANE_14       0xe0000u

static void add_where(struct sl_charset *set, unsigned categories, int script)
{
    bool has_private = categories >> SL_GC_CO & 1;
    for (uint32_t cp = 0; cp <= LAST; cp++) {
        if (cp == LAST_IDEOGRAPH + 1 && !has_private)
            cp = PLANE_14;
        if (script >= 0 ? (int)sl_unicode_script(cp) == script
                        : categories >> sl_unicode_gc(cp) & 1)
            sl_charset_add(set, cp, cp);
    }
}

bool sl_charset_add_unicode(struct sl_charset *set, sl_str name)
{
    static const char gc[] = "LuLlLtLmLoMnMcMeNdNlNoPcPdPsPePiPfPoSmScSkSoZsZlZpCcCfCsCo";
    if (sl_str_eq(name, SL_STR("Any"))) {
        sl_charset_add(set, 0, LAST);
        return true;
    }
    unsigned categories = 0;
    for (unsigned i = 0; i * 2 < sizeof(gc) - 1; i++)
        if (name.n && name.n <= 2 && name.p[0] == gc[i * 2] &&
            (name.n == 1 || name.p[1] == gc[i * 2 + 1]))
            categories |= 1u << i;
    if (categories) {
        add_where(set, categories, -1);
        return true;
    }
    for (int script = SL_SCRIPT_LATIN; script < SL_SCRIPT_OTHER; script++) {
        if (sl_str_eq(name, sl_str_from(sl_script_name((enum sl_script)script)))) {
            add_where(set, 0, script);
            return true;
        }
    }
    return false;
}
