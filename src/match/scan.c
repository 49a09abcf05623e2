/* Builder of the shared scan: patterns become strings of one set. */
#include "match/scan_internal.h"

#include <stdatomic.h>
#include <stdlib.h>

#define MAX_PATTERNS 100000

struct sl_scan_builder {
    struct sl_arena *arena;
    struct sl_map by_key;   /* flags, kind and text -> pattern */
    struct sl_map by_entry; /* case and text -> entry */
    struct sl_scan_pattern *patterns;
    uint32_t n_patterns, cap_patterns;
    struct sl_scan_entry *entries;
    uint32_t n_entries, cap_entries;
};

struct sl_scan_builder *sl_scan_builder_new(struct sl_arena *arena)
{
    struct sl_scan_builder *b = SL_NEW(arena, struct sl_scan_builder);
    if (!b)
        return NULL;
    b->arena = arena;
    sl_map_init(&b->by_key, arena, 0x5ca1);
    sl_map_init(&b->by_entry, arena, 0x5ca2);
    return b;
}

/* Room for one more element of an arena array that doubles. */
static bool grow(struct sl_arena *arena, void *items, uint32_t n, uint32_t *cap, size_t size)
{
    void **at = items;
    if (n < *cap)
        return true;
    uint32_t next = *cap ? *cap * 2 : 16;
    void *bigger = sl_arena_zero(arena, next, size);
    if (!bigger)
        return false;
    if (n)
        memcpy(bigger, *at, n * size);
    *at = bigger;
    *cap = next;
    return true;
}

static sl_str key_of(struct sl_arena *arena, char kind, unsigned flags, sl_str text)
{
    char *p = sl_arena_alloc_aligned(arena, text.n + 2, 1);
    if (!p)
        return (sl_str){0};
    p[0] = kind;
    p[1] = (char)('0' + flags);
    if (text.n)
        memcpy(p + 2, text.p, text.n);
    return sl_str_of(p, text.n + 2);
}

static enum sl_rc add_pattern(struct sl_scan_builder *b, char kind, sl_str text, unsigned flags,
                              struct sl_scan_pattern **out, uint32_t *id)
{
    sl_str key = key_of(b->arena, kind, flags, text);
    uint64_t known;
    if (!key.p)
        return SL_NOMEM;
    if (sl_map_get(&b->by_key, key, &known)) {
        *id = (uint32_t)known;
        *out = NULL;
        return SL_OK;
    }
    if (b->n_patterns == MAX_PATTERNS)
        return SL_LIMIT;
    if (!grow(b->arena, &b->patterns, b->n_patterns, &b->cap_patterns, sizeof(*b->patterns)) ||
        sl_map_put(&b->by_key, key, b->n_patterns) != SL_OK)
        return SL_NOMEM;
    *id = b->n_patterns++;
    *out = &b->patterns[*id];
    (*out)->text = sl_str_sub(key, 2, key.n);
    (*out)->flags = flags;
    return SL_OK;
}

enum sl_rc sl_scan_add_literal(struct sl_scan_builder *b, sl_str literal, unsigned flags,
                               uint32_t *id)
{
    struct sl_scan_pattern *p;
    enum sl_rc rc = add_pattern(b, 'l', literal, flags, &p, id);
    if (rc == SL_OK && p)
        sl_scan_literal_edges(p);
    return rc;
}

enum sl_rc sl_scan_add_regex(struct sl_scan_builder *b, sl_str regex, unsigned flags, uint32_t *id,
                             struct sl_err *err)
{
    struct sl_regex *re;
    enum sl_rc rc = sl_regex_compile(&re, b->arena, regex,
                                     flags & SL_SCAN_CASELESS ? SL_REGEX_CASELESS : 0, err);
    if (rc != SL_OK)
        return rc;
    struct sl_scan_pattern *p;
    rc = add_pattern(b, 'r', regex, flags, &p, id);
    if (rc == SL_OK && p)
        p->regex = re;
    return rc == SL_OK ? rc : sl_err_set(err, rc, "too many patterns");
}

static enum sl_rc add_entry(void *ctx, sl_str text, bool is_caseless, struct sl_scan_ref ref)
{
    struct sl_scan_builder *b = ctx;
    sl_str key = key_of(b->arena, ref.is_third_case ? 't' : 'e', is_caseless, text);
    if (!key.p)
        return SL_NOMEM;
    for (size_t i = 2; i < key.n && is_caseless; i++) {
        char *c = (char *)(uintptr_t)key.p + i;
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c | 32);
    }
    uint64_t at;
    if (!sl_map_get(&b->by_entry, key, &at)) {
        at = b->n_entries;
        if (!grow(b->arena, &b->entries, b->n_entries, &b->cap_entries, sizeof(*b->entries)) ||
            sl_map_put(&b->by_entry, key, at) != SL_OK)
            return SL_NOMEM;
        b->entries[b->n_entries++] = (struct sl_scan_entry){.text = sl_str_sub(key, 2, key.n),
                                                            .is_caseless = is_caseless,
                                                            .is_third_case = ref.is_third_case};
    }
    struct sl_scan_entry *e = &b->entries[at];
    if (!grow(b->arena, &e->refs, e->n_refs, &e->cap_refs, sizeof(*e->refs)))
        return SL_NOMEM;
    e->refs[e->n_refs++] = ref;
    return SL_OK;
}

/* Strings without which the expression cannot match; none when they are too short to help. */
static enum sl_rc add_gate(struct sl_scan_builder *b, struct sl_scan_pattern *p, uint32_t id)
{
    const struct sl_regex_literals *l = sl_regex_required(p->regex);
    if (sl_regex_is_chars(p->regex)) {
        for (uint32_t i = 0; i < l->n; i++) {
            struct sl_scan_ref ref = {.pattern = id, .is_char = true};
            enum sl_rc rc = add_entry(b, sl_str_of(l->items[i].p, l->items[i].n), false, ref);
            if (rc != SL_OK)
                return rc;
        }
        return SL_OK;
    }
    p->is_gated = l->n > 0;
    for (uint32_t i = 0; i < l->n; i++)
        p->is_gated &= l->items[i].n >= 2;
    for (uint32_t i = 0; i < l->n && p->is_gated; i++) {
        struct sl_scan_ref ref = {.pattern = id, .is_gate = true};
        enum sl_rc rc = add_entry(b, sl_str_of(l->items[i].p, l->items[i].n), true, ref);
        if (rc != SL_OK)
            return rc;
    }
    return SL_OK;
}

/* Strings of one byte and third cases are searched by hand. */
static bool is_searched(const struct sl_scan_entry *e)
{
    return !e->is_third_case && e->text.n >= 2;
}

/* Whether somebody counts or places this string and others of his as one. */
static bool needs_order(const struct sl_scan *scan, const struct sl_scan_entry *e,
                        const uint32_t *n_strings)
{
    for (uint32_t i = 0; i < e->n_refs; i++) {
        uint32_t id = e->refs[i].pattern;
        if (n_strings[id] > 1 && scan->patterns[id].flags & (SL_SCAN_COUNTS | SL_SCAN_POSITIONS))
            return true;
    }
    return false;
}

static enum sl_rc compile_strings(struct sl_scan *scan, struct sl_arena *arena)
{
    struct sl_stringset_string *strings =
        SL_NEW_ARRAY(arena, struct sl_stringset_string, scan->n_entries);
    uint32_t *n_strings = SL_NEW_ARRAY(arena, uint32_t, scan->n_patterns);
    if (!strings || !n_strings)
        return SL_NOMEM;
    for (uint32_t i = 0; i < scan->n_entries; i++)
        for (uint32_t k = 0; k < scan->entries[i].n_refs && is_searched(&scan->entries[i]); k++)
            n_strings[scan->entries[i].refs[k].pattern]++;
    for (uint32_t i = 0; i < scan->n_entries; i++) {
        const struct sl_scan_entry *e = &scan->entries[i];
        if (e->is_third_case)
            scan->third_cases[e->text.n == 3] = i;
        else if (e->text.n == 1)
            scan->single[scan->n_single++] = i;
        if (!is_searched(e))
            continue; /* an empty string, which the set passes over */
        strings[i] = (struct sl_stringset_string){.text = e->text,
                                                  .is_caseless = e->is_caseless,
                                                  .is_ordered = needs_order(scan, e, n_strings)};
    }
    return sl_stringset_new(&scan->set, arena, strings, scan->n_entries, NULL);
}

static enum sl_rc sort_out(struct sl_scan_builder *b, struct sl_scan *scan)
{
    scan->regexes = SL_NEW_ARRAY(b->arena, uint32_t, b->n_patterns);
    scan->bytes = SL_NEW_ARRAY(b->arena, uint32_t, b->n_patterns);
    if (!scan->regexes || !scan->bytes)
        return SL_NOMEM;
    for (uint32_t id = 0; id < b->n_patterns; id++) {
        struct sl_scan_pattern *p = &b->patterns[id];
        enum sl_rc rc = SL_OK;
        scan->has_counts |= (p->flags & SL_SCAN_COUNTS) != 0;
        scan->has_positions |= (p->flags & SL_SCAN_POSITIONS) != 0;
        if (p->regex) {
            p->next_regex = scan->n_regexes;
            if (!sl_regex_is_chars(p->regex))
                scan->regexes[scan->n_regexes++] = id;
            rc = add_gate(b, p, id);
        } else if (p->text.n <= 1) {
            scan->bytes[scan->n_bytes++] = id;
        } else {
            rc = sl_scan_literal_entries(p, id, add_entry, b);
        }
        if (rc != SL_OK)
            return rc;
    }
    scan->patterns = b->patterns;
    scan->n_patterns = b->n_patterns;
    scan->entries = b->entries;
    scan->single = SL_NEW_ARRAY(b->arena, uint32_t, b->n_entries);
    if (!scan->single)
        return SL_NOMEM;
    scan->n_entries = b->n_entries;
    return SL_OK;
}

enum sl_rc sl_scan_compile(struct sl_scan_builder *b, struct sl_scan **out, struct sl_err *err)
{
    static _Atomic uint64_t last_serial;
    *out = NULL;
    if (b->n_patterns == 0)
        return SL_OK;
    struct sl_scan *scan = SL_NEW(b->arena, struct sl_scan);
    if (!scan)
        return sl_err_set(err, SL_NOMEM, "out of memory while compiling patterns");
    scan->third_cases[0] = scan->third_cases[1] = UINT32_MAX;
    scan->serial = atomic_fetch_add_explicit(&last_serial, 1, memory_order_relaxed) + 1;
    enum sl_rc rc = sort_out(b, scan);
    if (rc == SL_OK)
        rc = compile_strings(scan, b->arena);
    if (rc != SL_OK)
        return sl_err_set(err, rc, "out of memory while compiling patterns");
    *out = scan;
    return SL_OK;
}
