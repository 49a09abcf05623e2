/* String views: searching, trimming, numbers, and the distance behind "did you mean". */
#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static unsigned char fold(char c)
{
    unsigned char u = (unsigned char)c;
    return (unsigned char)(u >= 'A' && u <= 'Z' ? u | 0x20 : u);
}

bool sl_str_eq_nocase(sl_str a, sl_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (fold(a.p[i]) != fold(b.p[i]))
            return false;
    return true;
}

int sl_str_cmp(sl_str a, sl_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    if (order)
        return order;
    return a.n < b.n ? -1 : a.n > b.n;
}

size_t sl_str_chr(sl_str s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

size_t sl_str_find(sl_str s, sl_str needle)
{
    if (needle.n == 0)
        return 0;
    const char *hit = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return hit ? (size_t)(hit - s.p) : SIZE_MAX;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

sl_str sl_str_trim(sl_str s)
{
    while (s.n && is_blank(s.p[0]))
        s.p++, s.n--;
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool sl_str_split(sl_str *rest, char sep, sl_str *piece)
{
    if (!rest->p)
        return false;
    size_t at = sl_str_chr(*rest, sep);
    *piece = (sl_str){rest->p, at};
    *rest = at == rest->n ? (sl_str){NULL, 0} : (sl_str){rest->p + at + 1, rest->n - at - 1};
    return true;
}

bool sl_str_to_i64(sl_str s, int64_t *out)
{
    char digits[24];
    if (s.n == 0 || s.n >= sizeof digits || is_blank(s.p[0]))
        return false;
    memcpy(digits, s.p, s.n);
    digits[s.n] = 0;
    char *end;
    errno = 0;
    long long value = strtoll(digits, &end, 10);
    if (errno || end != digits + s.n)
        return false;
    *out = value;
    return true;
}

bool sl_str_to_f64(sl_str s, double *out)
{
    char digits[64];
    if (s.n == 0 || s.n >= sizeof digits || is_blank(s.p[0]))
        return false;
    memcpy(digits, s.p, s.n);
    digits[s.n] = 0;
    char *end;
    double value = strtod(digits, &end);
    if (end != digits + s.n || !isfinite(value))
        return false;
    *out = value;
    return true;
}

unsigned sl_str_distance(sl_str a, sl_str b, unsigned limit)
{
    enum { LONGEST = 64 };
    unsigned row[LONGEST + 1];
    size_t gap = a.n > b.n ? a.n - b.n : b.n - a.n;
    if (a.n > LONGEST || b.n > LONGEST || gap > limit)
        return limit + 1;
    for (unsigned j = 0; j <= b.n; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.n; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.n; j++) {
            unsigned best = diagonal + (a.p[i - 1] != b.p[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b.n] > limit ? limit + 1 : row[b.n];
}

const char *sl_str_nearest(sl_str found, const char *const *names)
{
    const char *nearest = NULL;
    unsigned best = (unsigned)(found.n / 3 > 3 ? 3 : found.n / 3 < 1 ? 1 : found.n / 3) + 1;
    for (; *names; names++) {
        unsigned distance = sl_str_distance(found, sl_str_from(*names), best);
        if (distance < best) {
            best = distance;
            nearest = *names;
        }
    }
    return nearest;
}
