/*
 * A set of any number of strings, all of whose occurrences are found in one pass. Of some dozens,
 * places are found by half bytes (stringset_teddy.c); of more, by hashes of windows
 * (stringset_windows.c). Built in microseconds.
 *
 * Pure; a set is immutable and lives in its arena; any thread.
 */
#ifndef SL_MATCH_STRINGSET_H
#define SL_MATCH_STRINGSET_H

#include "base/arena.h"

struct sl_stringset;

struct sl_stringset_string {
    sl_str text;      /* outlives the set; lower case where it is caseless; below two bytes it is
                         not searched */
    bool is_caseless; /* ASCII letters match in both cases */
    bool is_ordered;  /* reported in order of place with all others of this mark */
};

/* Less than the processor can do; for tests. */
struct sl_stringset_options {
    unsigned max_width; /* of vectors, in bytes: 0, 32, 64 */
    bool is_hashed;     /* always by hashes */
};

/* *out is NULL with SL_OK when there is nothing to search. options: usually NULL. SL_NOMEM. */
SL_MUST_USE enum sl_rc sl_stringset_new(struct sl_stringset **out, struct sl_arena *arena,
                                        const struct sl_stringset_string *strings, uint32_t n,
                                        const struct sl_stringset_options *options);

/* `string` counts in the order given; the occurrences of each come in order of place. */
typedef void (*sl_stringset_fn)(void *ctx, uint32_t string, size_t from);

void sl_stringset_run(const struct sl_stringset *set, sl_str text, sl_stringset_fn f, void *ctx);

#endif
