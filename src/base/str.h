/*
 * String views: a pointer and a length, by value. They own nothing and need no terminator;
 * whoever made the bytes (an arena, a request body, a literal) says how long they live.
 */
#ifndef SL_BASE_STR_H
#define SL_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct sl_str {
    const char *p;
    size_t n;
} sl_str;

#define SL_STR(literal) ((sl_str){(literal), sizeof(literal) - 1})
#define SL_STR_INIT(literal)                                                                       \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
/* For printf("%.*s"): lengths beyond INT_MAX are cut, which only affects what a log shows. */
#define SL_FMT(s) (int)((s).n > 0x7fffffff ? 0x7fffffff : (s).n), ((s).n ? (s).p : "")

static inline sl_str sl_str_from(const char *c_string)
{
    return (sl_str){c_string, c_string ? strlen(c_string) : 0};
}

static inline sl_str sl_str_of(const void *p, size_t n)
{
    return (sl_str){(const char *)p, n};
}

static inline bool sl_str_eq(sl_str a, sl_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Bytes [from, to) of s; positions beyond the end are clamped. */
static inline sl_str sl_str_sub(sl_str s, size_t from, size_t to)
{
    if (to > s.n)
        to = s.n;
    if (from > to)
        from = to;
    return (sl_str){s.p + from, to - from};
}

static inline bool sl_str_starts(sl_str s, sl_str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool sl_str_ends(sl_str s, sl_str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* ASCII case folded equality; other bytes compare exactly. For header names and enumerations. */
bool sl_str_eq_nocase(sl_str a, sl_str b);

/* memcmp order, shorter first on a common prefix. */
int sl_str_cmp(sl_str a, sl_str b);

/* Offset of the first `c`, or s.n when absent. */
size_t sl_str_chr(sl_str s, char c);

/* Offset of the first occurrence of `needle`, or SIZE_MAX. An empty needle is at 0. */
size_t sl_str_find(sl_str s, sl_str needle);

/* Without leading and trailing ASCII blanks (space, \t, \r, \n, \v, \f). */
sl_str sl_str_trim(sl_str s);

/*
 * The next piece of *rest up to `sep` (or its end), trimmed of nothing; *rest moves behind the
 * separator. False when *rest is exhausted (p == NULL). An empty input yields one empty piece.
 */
bool sl_str_split(sl_str *rest, char sep, sl_str *piece);

/* Whole of s as a number; false on anything else, on overflow, on an empty string. */
bool sl_str_to_i64(sl_str s, int64_t *out);
bool sl_str_to_f64(sl_str s, double *out);

/*
 * Optimal string distance (insert, delete, replace) in bytes, up to `limit` (then limit + 1).
 * For "did you mean": inputs longer than 64 bytes count as far apart.
 */
unsigned sl_str_distance(sl_str a, sl_str b, unsigned limit);

/* The nearest of `names` (NULL-terminated) within a third of its length, or NULL. */
const char *sl_str_nearest(sl_str found, const char *const *names);

#endif
