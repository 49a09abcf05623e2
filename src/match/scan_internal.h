/* Inside of the shared scan: what the builder makes and a run reads. */
#ifndef SL_MATCH_SCAN_INTERNAL_H
#define SL_MATCH_SCAN_INTERNAL_H

#include "match/regex.h"
#include "match/scan.h"
#include "match/stringset.h"

#include "base/map.h"

struct sl_scan_pattern {
    sl_str text;
    unsigned flags;
    const struct sl_regex *regex; /* NULL: a literal */
    bool is_gated;                /* regex: runs only when one of its strings was found */
    bool needs_left, needs_right; /* literal: edges that need a neighbour */
    uint32_t next_regex;          /* regex: index of its cache */
};

/* One string of the set and whom it concerns. */
struct sl_scan_ref {
    uint32_t pattern;
    uint32_t n_before;  /* code points of the literal before this string */
    bool is_whole;      /* the string is the literal: its bytes need no comparison */
    bool is_gate;       /* of a regex */
    bool is_char;       /* of a regex: every occurrence is a match */
    bool is_third_case; /* the Kelvin sign or the long s, in a literal with a k or s */
};

struct sl_scan_entry {
    sl_str text;
    bool is_caseless;
    bool is_third_case; /* searched by hand: texts lack it */
    struct sl_scan_ref *refs;
    uint32_t n_refs, cap_refs;
};

struct sl_scan {
    uint64_t serial;          /* of this process: keys the caches of scratches */
    struct sl_stringset *set; /* NULL: no strings */
    struct sl_scan_pattern *patterns;
    uint32_t n_patterns;
    struct sl_scan_entry *entries;
    uint32_t n_entries;
    uint32_t *regexes; /* pattern ids */
    uint32_t n_regexes;
    uint32_t *bytes; /* pattern ids of literals of one byte, searched by hand */
    uint32_t n_bytes;
    uint32_t third_cases[2]; /* entries; UINT32_MAX: none */
    uint32_t *single;        /* entries of one byte, searched by hand too */
    uint32_t n_single;
    bool has_counts, has_positions;
};

/* Strings for a literal (scan_literal.c); calls add for each. */
typedef enum sl_rc (*sl_scan_add_entry)(void *ctx, sl_str text, bool is_caseless,
                                        struct sl_scan_ref ref);
SL_MUST_USE enum sl_rc sl_scan_literal_entries(const struct sl_scan_pattern *pattern, uint32_t id,
                                               sl_scan_add_entry add, void *ctx);
void sl_scan_literal_edges(struct sl_scan_pattern *pattern);

/*
 * The literal around a string found at [from, to) of text: true and its place when it is really
 * there, with its edges.
 */
bool sl_scan_literal_verify(const struct sl_scan_pattern *pattern, const struct sl_scan_ref *ref,
                            sl_str text, size_t from, size_t to, struct sl_scan_span *span);

#endif
