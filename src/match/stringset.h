/*
 * A set of strings, all of whose occurrences are found in one pass. Some dozens are found by half
 * bytes (stringset_teddy.c), any number, on any processor, by hashes of windows
 * (stringset_hash.c). Built in microseconds.
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

enum sl_stringset_way {
    SL_STRINGSET_BEST,
    SL_STRINGSET_HASH, /* the ways by name are for tests */
    SL_STRINGSET_TEDDY_AVX2,
    SL_STRINGSET_TEDDY_AVX512,
};

/*
 * *out is NULL with SL_OK when there is nothing to search, or when the way cannot be gone: it
 * needs another processor, or the strings are too many or too common for it. SL_NOMEM.
 */
SL_MUST_USE enum sl_rc sl_stringset_new(struct sl_stringset **out, struct sl_arena *arena,
                                        const struct sl_stringset_string *strings, uint32_t n,
                                        enum sl_stringset_way way);

/* `string` counts in the order given; the occurrences of each come in order of place. */
typedef void (*sl_stringset_fn)(void *ctx, uint32_t string, size_t from);

void sl_stringset_run(const struct sl_stringset *set, sl_str text, sl_stringset_fn f, void *ctx);

#endif
