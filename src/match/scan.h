/*
 * The shared scan: every literal and regular expression that any rule of a recipe looks for. One
 * pass over the text (stringset.h) finds literals, pieces of caseless literals, and strings that a
 * regular expression cannot match without; what it finds is verified around the place (Unicode
 * case and word edges), and an expression whose strings occur is run by our own linear-time
 * automaton (regex.h). So a hit is always exact, and compiling takes well below a millisecond.
 *
 * Word edges: an edge of a literal that is a word character (letter, mark, digit, underscore of
 * any script) needs a neighbour that is none. Scripts written without blanks (Han, kana, Thai,
 * Lao, Khmer, Myanmar ...) need no edge and are one for others; so is Hangul for others, while a
 * Korean word wants its own edges. A literal that holds a Han character matches anywhere.
 *
 * Threads: a compiled scan is immutable; scratch and hits belong to one thread. Pure: no I/O.
 */
#ifndef SL_MATCH_SCAN_H
#define SL_MATCH_SCAN_H

#include "base/arena.h"
#include "base/err.h"

struct sl_scan_builder;
struct sl_scan;
struct sl_scan_scratch;

enum sl_scan_flags {
    SL_SCAN_CASELESS = 1 << 0,   /* Unicode simple case folding */
    SL_SCAN_WORD_EDGES = 1 << 1, /* an edge that is a word character needs a non-word neighbour */
    SL_SCAN_COUNTS = 1 << 2,     /* the number of non-overlapping matches is wanted, not only one */
    SL_SCAN_POSITIONS =
        1 << 3, /* where a literal is (first SL_SCAN_MAX_POSITIONS, overlapping too) */
    SL_SCAN_LETTER_EDGES = 1 << 4, /* a literal must not touch a letter or digit (keyword sets) */
};
#define SL_SCAN_MAX_POSITIONS 64

struct sl_scan_builder *sl_scan_builder_new(struct sl_arena *arena);

/* Adds a literal or an RE2 regular expression; *id for the hits. Equal patterns share one. */
SL_MUST_USE enum sl_rc sl_scan_add_literal(struct sl_scan_builder *b, sl_str literal,
                                           unsigned flags, uint32_t *id);
SL_MUST_USE enum sl_rc sl_scan_add_regex(struct sl_scan_builder *b, sl_str regex, unsigned flags,
                                         uint32_t *id, struct sl_err *err);

/* *out is NULL with SL_OK when nothing was added. Lives in the arena of the builder. */
SL_MUST_USE enum sl_rc sl_scan_compile(struct sl_scan_builder *b, struct sl_scan **out,
                                       struct sl_err *err);

/* Working memory for one thread; grows to fit every scan it is used with. */
struct sl_scan_scratch *sl_scan_scratch_new(void);
void sl_scan_scratch_free(struct sl_scan_scratch *scratch);

struct sl_scan_span {
    uint32_t from, to;
}; /* bytes [from, to) */

struct sl_scan_hits {
    const uint64_t *found;  /* bit set by id */
    const uint32_t *counts; /* by id; only for SL_SCAN_COUNTS patterns, else 0 or 1 */
    const struct sl_scan_span *const *spans; /* by id; NULL without SL_SCAN_POSITIONS */
    const uint32_t *n_spans;
};

static inline bool sl_scan_found(const struct sl_scan_hits *h, uint32_t id)
{
    return h->found[id >> 6] >> (id & 63) & 1;
}

/* One pass over text (any length below 4 GiB). Results live in the arena. */
SL_MUST_USE enum sl_rc sl_scan_run(const struct sl_scan *scan, sl_str text,
                                   struct sl_scan_scratch *scratch, struct sl_arena *arena,
                                   struct sl_scan_hits *out);

#endif
