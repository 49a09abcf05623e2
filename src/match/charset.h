/* Sets of code points as sorted ranges, for the regular expression compiler. */
#ifndef SL_MATCH_CHARSET_H
#define SL_MATCH_CHARSET_H

#include "base/arena.h"

struct sl_range {
    uint32_t low, high; /* inclusive */
};

struct sl_charset {
    struct sl_arena *arena;
    struct sl_range *ranges;
    uint32_t n, cap;
    bool is_out_of_memory; /* sticky */
};

void sl_charset_init(struct sl_charset *set, struct sl_arena *arena);
void sl_charset_add(struct sl_charset *set, uint32_t low, uint32_t high);
void sl_charset_add_set(struct sl_charset *set, const struct sl_charset *other);

/* Sorts and merges. The others below want and keep a normalised set. */
void sl_charset_normalise(struct sl_charset *set);
void sl_charset_negate(struct sl_charset *set);
void sl_charset_fold(struct sl_charset *set); /* adds the other cases of every member */
bool sl_charset_has(const struct sl_charset *set, uint32_t code_point);

/*
 * Adds a named group: "d", "s", "w" (ASCII), "[:alpha:]" names ("alpha"), Unicode categories
 * ("L", "Lu") and scripts ("Greek"), "Any". False when there is no such group.
 */
bool sl_charset_add_posix(struct sl_charset *set, sl_str name);
bool sl_charset_add_unicode(struct sl_charset *set, sl_str name);

#endif
