/* A run of the shared scan: one pass over the strings, then bytes and expressions that are left. */
#include "match/byteskip.h"
#include "match/scan_internal.h"

#include "base/unicode.h"
#include "base/utf8.h"

#include <stdlib.h>

#define MAX_SCANS 8 /* of which a scratch remembers caches: live recipes, old generations */

struct scan_caches {
    uint64_t serial; /* 0: free */
    uint64_t last_used;
    struct sl_regex_cache **caches; /* by regex; NULL: not used yet */
    uint32_t n;
};

struct sl_scan_scratch {
    uint64_t clock;
    struct scan_caches scans[MAX_SCANS];
};

struct sl_scan_scratch *sl_scan_scratch_new(void)
{
    return calloc(1, sizeof(struct sl_scan_scratch));
}

static void drop(struct scan_caches *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        sl_regex_cache_free(s->caches[i]);
    free(s->caches);
    *s = (struct scan_caches){0};
}

void sl_scan_scratch_free(struct sl_scan_scratch *scratch)
{
    if (!scratch)
        return;
    for (int i = 0; i < MAX_SCANS; i++)
        drop(&scratch->scans[i]);
    free(scratch);
}

/* The caches for this scan; the least recently used make room for a new one. */
static struct scan_caches *caches_of(struct sl_scan_scratch *scratch, const struct sl_scan *scan)
{
    struct scan_caches *oldest = &scratch->scans[0];
    scratch->clock++;
    for (int i = 0; i < MAX_SCANS; i++) {
        struct scan_caches *s = &scratch->scans[i];
        if (s->serial == scan->serial) {
            s->last_used = scratch->clock;
            return s;
        }
        if (s->last_used < oldest->last_used)
            oldest = s;
    }
    drop(oldest);
    oldest->caches = calloc(scan->n_regexes + 1, sizeof(struct sl_regex_cache *));
    if (!oldest->caches)
        return NULL;
    oldest->n = scan->n_regexes;
    oldest->serial = scan->serial;
    oldest->last_used = scratch->clock;
    return oldest;
}

struct run {
    const struct sl_scan *scan;
    sl_str text;
    uint64_t *found;
    uint64_t *gates;
    uint32_t *counts;
    uint32_t *last_end; /* of the last counted occurrence */
    struct sl_scan_span **spans;
    uint32_t *n_spans;
};

static void report(struct run *r, uint32_t id, struct sl_scan_span span)
{
    const struct sl_scan_pattern *p = &r->scan->patterns[id];
    r->found[id >> 6] |= (uint64_t)1 << (id & 63);
    if (p->flags & SL_SCAN_POSITIONS && r->n_spans[id] < SL_SCAN_MAX_POSITIONS)
        r->spans[id][r->n_spans[id]++] = span;
    if (p->flags & SL_SCAN_COUNTS && span.from >= r->last_end[id]) {
        r->last_end[id] = span.to;
        r->counts[id]++;
    }
}

/* Single characters never overlap, and no order is asked of them. */
static void report_char(struct run *r, uint32_t id)
{
    r->found[id >> 6] |= (uint64_t)1 << (id & 63);
    if (r->scan->patterns[id].flags & SL_SCAN_COUNTS)
        r->counts[id]++;
}

static bool is_settled(const struct run *r, uint32_t id)
{
    return r->found[id >> 6] >> (id & 63) & 1 &&
           !(r->scan->patterns[id].flags & (SL_SCAN_COUNTS | SL_SCAN_POSITIONS));
}

static void on_string(void *ctx, uint32_t entry, size_t from)
{
    struct run *r = ctx;
    const struct sl_scan_entry *e = &r->scan->entries[entry];
    for (uint32_t i = 0; i < e->n_refs; i++) {
        const struct sl_scan_ref *ref = &e->refs[i];
        uint32_t id = ref->pattern;
        struct sl_scan_span span;
        if (ref->is_gate)
            r->gates[id >> 6] |= (uint64_t)1 << (id & 63);
        else if (ref->is_char)
            report_char(r, id);
        else if (!is_settled(r, id) && sl_scan_literal_verify(&r->scan->patterns[id], ref, r->text,
                                                              from, from + e->text.n, &span))
            report(r, id, span);
    }
}

/* A literal of one byte (or none, which is everywhere). */
static void run_byte(struct run *r, uint32_t id)
{
    const struct sl_scan_pattern *p = &r->scan->patterns[id];
    if (p->text.n == 0) {
        report(r, id, (struct sl_scan_span){0, 0});
        return;
    }
    unsigned char c = (unsigned char)p->text.p[0];
    struct sl_range ranges[4] = {{c, c}};
    uint32_t n_ranges = 1;
    if (p->flags & SL_SCAN_CASELESS && c < 0x80 && sl_unicode_next_case(c) != c) {
        unsigned char other = c ^ 32;
        ranges[n_ranges++] = (struct sl_range){other, other};
        if ((c | 32) == 'k')
            ranges[n_ranges++] = (struct sl_range){0xe2, 0xe2};
        if ((c | 32) == 's')
            ranges[n_ranges++] = (struct sl_range){0xc5, 0xc5};
    }
    struct sl_scan_ref ref = {.pattern = id};
    const unsigned char *bytes = (const unsigned char *)r->text.p;
    for (size_t at = 0; at < r->text.n && !is_settled(r, id); at++) {
        struct sl_scan_span span;
        at = sl_byteskip(bytes, at, r->text.n, ranges, n_ranges);
        if (at < r->text.n && sl_scan_literal_verify(p, &ref, r->text, at, at + 1, &span))
            report(r, id, span);
    }
}

/* Finds every occurrence again, in order: a third case was met, which the scan does not report. */
static void recount(struct run *r, uint32_t id)
{
    const struct sl_scan_pattern *p = &r->scan->patterns[id];
    struct sl_scan_ref ref = {.pattern = id};
    struct sl_scan_span span;
    unsigned n;
    if (p->flags & SL_SCAN_COUNTS)
        r->counts[id] = r->last_end[id] = 0;
    if (p->flags & SL_SCAN_POSITIONS)
        r->n_spans[id] = 0;
    for (size_t at = 0; at < r->text.n; at += n) {
        sl_utf8_at(r->text, at, &n);
        if (sl_scan_literal_verify(p, &ref, r->text, at, at, &span))
            report(r, id, span);
    }
}

/* Strings of one byte: characters of expressions. */
static void run_single(struct run *r, uint32_t entry)
{
    const unsigned char *bytes = (const unsigned char *)r->text.p;
    unsigned char c = (unsigned char)r->scan->entries[entry].text.p[0];
    struct sl_range range = {c, c};
    for (size_t at = 0; (at = sl_byteskip(bytes, at, r->text.n, &range, 1)) < r->text.n; at++)
        on_string(r, entry, at);
}

/* The Kelvin sign and the long s, which stand for k and s in caseless literals. */
static void run_third_cases(struct run *r)
{
    static const struct sl_range lead[2] = {{0xc5, 0xc5}, {0xe2, 0xe2}};
    const struct sl_scan *scan = r->scan;
    const unsigned char *bytes = (const unsigned char *)r->text.p;
    bool was_met[2] = {false, false};
    if (scan->third_cases[0] == UINT32_MAX && scan->third_cases[1] == UINT32_MAX)
        return;
    for (size_t at = 0; (at = sl_byteskip(bytes, at, r->text.n, lead, 2)) < r->text.n; at++) {
        int which = bytes[at] == 0xe2;
        if (scan->third_cases[which] == UINT32_MAX)
            continue;
        const struct sl_scan_entry *e = &scan->entries[scan->third_cases[which]];
        if (!sl_str_starts(sl_str_sub(r->text, at, r->text.n), e->text))
            continue;
        was_met[which] = true;
        on_string(r, scan->third_cases[which], at);
    }
    for (int which = 0; which < 2; which++) {
        if (!was_met[which])
            continue;
        const struct sl_scan_entry *e = &scan->entries[scan->third_cases[which]];
        for (uint32_t i = 0; i < e->n_refs; i++)
            if (scan->patterns[e->refs[i].pattern].flags & (SL_SCAN_COUNTS | SL_SCAN_POSITIONS))
                recount(r, e->refs[i].pattern);
    }
}

static enum sl_rc run_regex(struct run *r, uint32_t id, struct scan_caches *caches)
{
    const struct sl_scan_pattern *p = &r->scan->patterns[id];
    if (p->is_gated && !(r->gates[id >> 6] >> (id & 63) & 1))
        return SL_OK;
    struct sl_regex_cache **cache = &caches->caches[p->next_regex];
    if (!*cache && !(*cache = sl_regex_cache_new(p->regex)))
        return SL_NOMEM;
    bool has_failed;
    uint32_t n;
    if (p->flags & SL_SCAN_COUNTS) {
        n = sl_regex_count(p->regex, *cache, r->text, UINT32_MAX, &has_failed);
        r->counts[id] = n;
    } else {
        size_t end;
        n = sl_regex_find(p->regex, *cache, r->text, 0, &end, &has_failed);
    }
    if (n)
        r->found[id >> 6] |= (uint64_t)1 << (id & 63);
    return has_failed ? SL_NOMEM : SL_OK;
}

static enum sl_rc make_results(struct run *r, struct sl_arena *arena)
{
    const struct sl_scan *scan = r->scan;
    uint32_t n = scan->n_patterns, n_words = (n + 63) / 64;
    r->found = SL_NEW_ARRAY(arena, uint64_t, n_words);
    r->gates = SL_NEW_ARRAY(arena, uint64_t, n_words);
    if (!r->found || !r->gates)
        return SL_NOMEM;
    if (!scan->has_counts && !scan->has_positions)
        return SL_OK;
    r->counts = SL_NEW_ARRAY(arena, uint32_t, n);
    r->last_end = SL_NEW_ARRAY(arena, uint32_t, n);
    if (!r->counts || !r->last_end)
        return SL_NOMEM;
    if (!scan->has_positions)
        return SL_OK;
    r->spans = SL_NEW_ARRAY(arena, struct sl_scan_span *, n);
    r->n_spans = SL_NEW_ARRAY(arena, uint32_t, n);
    if (!r->spans || !r->n_spans)
        return SL_NOMEM;
    for (uint32_t id = 0; id < n; id++) {
        if (!(scan->patterns[id].flags & SL_SCAN_POSITIONS))
            continue;
        r->spans[id] = SL_NEW_ARRAY(arena, struct sl_scan_span, SL_SCAN_MAX_POSITIONS);
        if (!r->spans[id])
            return SL_NOMEM;
    }
    return SL_OK;
}

enum sl_rc sl_scan_run(const struct sl_scan *scan, sl_str text, struct sl_scan_scratch *scratch,
                       struct sl_arena *arena, struct sl_scan_hits *out)
{
    struct run r = {.scan = scan, .text = text};
    if (text.n >= UINT32_MAX)
        return SL_LIMIT;
    enum sl_rc rc = make_results(&r, arena);
    if (rc != SL_OK)
        return rc;
    struct scan_caches *caches = caches_of(scratch, scan);
    if (!caches)
        return SL_NOMEM;
    if (scan->set)
        sl_stringset_run(scan->set, text, on_string, &r);
    run_third_cases(&r);
    for (uint32_t i = 0; i < scan->n_single; i++)
        run_single(&r, scan->single[i]);
    for (uint32_t i = 0; i < scan->n_bytes; i++)
        run_byte(&r, scan->bytes[i]);
    for (uint32_t i = 0; i < scan->n_regexes && rc == SL_OK; i++)
        rc = run_regex(&r, scan->regexes[i], caches);
    *out = (struct sl_scan_hits){.found = r.found,
                                 .counts = r.counts,
                                 .spans = (const struct sl_scan_span *const *)r.spans,
                                 .n_spans = r.n_spans};
    return rc;
}
