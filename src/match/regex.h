/*
 * Regular expressions with the syntax and the meaning of RE2: no back-references, no look-around,
 * linear time. Leftmost-first matches over code points; a malformed byte is U+FFFD. A compiled
 * expression is immutable and shared; a cache (a lazily built automaton) belongs to one thread.
 */
#ifndef SL_MATCH_REGEX_H
#define SL_MATCH_REGEX_H

#include "base/arena.h"
#include "base/err.h"

enum { SL_REGEX_CASELESS = 1 };

#define SL_REGEX_MAX_LITERALS      16
#define SL_REGEX_MAX_LITERAL_BYTES 24

/* Strings of which at least one is in every match, ASCII letters in lower case. */
struct sl_regex_literals {
    uint32_t n; /* 0: nothing is known */
    struct sl_regex_literal {
        uint8_t n;
        char p[SL_REGEX_MAX_LITERAL_BYTES];
    } items[SL_REGEX_MAX_LITERALS];
};

struct sl_regex;
struct sl_regex_cache;

/* Everything lives in the arena. SL_INVALID with a message that names the construct. */
SL_MUST_USE enum sl_rc sl_regex_compile(struct sl_regex **out, struct sl_arena *arena,
                                        sl_str pattern, unsigned flags, struct sl_err *err);

const struct sl_regex_literals *sl_regex_required(const struct sl_regex *re);

/* True when it matches single characters without case, and those of sl_regex_required are all. */
bool sl_regex_is_chars(const struct sl_regex *re);

struct sl_regex_cache *sl_regex_cache_new(const struct sl_regex *re);
void sl_regex_cache_free(struct sl_regex_cache *cache);

/*
 * The leftmost-first match that begins at or after `from`: true and its end. What precedes `from`
 * is context for ^ and \b. Out of memory counts as no match with *failed set.
 */
bool sl_regex_find(const struct sl_regex *re, struct sl_regex_cache *cache, sl_str text,
                   size_t from, size_t *end, bool *failed);

/* Number of non-overlapping matches, at most `limit` (an empty one right behind another does not
   count). */
uint32_t sl_regex_count(const struct sl_regex *re, struct sl_regex_cache *cache, sl_str text,
                        uint32_t limit, bool *failed);

#endif
