/* Reading values off the tape: lookups, iteration, strings without their escapes, numbers. */
#include "codec/json_parts.h"

#include <math.h>
#include <stdlib.h>

/* ---- escapes ----------------------------------------------------------------------------- */

static unsigned hex4(const char *p)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i];
        value = value << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

static size_t put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (char)(0xe0 | code >> 12);
        to[1] = (char)(0x80 | (code >> 6 & 0x3f));
        to[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | code >> 18);
    to[1] = (char)(0x80 | (code >> 12 & 0x3f));
    to[2] = (char)(0x80 | (code >> 6 & 0x3f));
    to[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* The character of the escape at *p, which moves behind it; up to 4 bytes into `to`. */
static size_t take_escape(char *to, const char **p, const char *end)
{
    const char *at = *p;
    *p = at + 2;
    switch (at[1]) {
    case 'b':
        *to = '\b';
        return 1;
    case 'f':
        *to = '\f';
        return 1;
    case 'n':
        *to = '\n';
        return 1;
    case 'r':
        *to = '\r';
        return 1;
    case 't':
        *to = '\t';
        return 1;
    case 'u':
        break;
    default:
        *to = at[1];
        return 1;
    }
    unsigned code = hex4(at + 2);
    *p = at + 6;
    if (code < 0xd800 || code > 0xdfff)
        return put_utf8(to, code);
    if (code <= 0xdbff && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
        unsigned low = hex4(*p + 2);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *p += 6;
            return put_utf8(to, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
        }
    }
    return put_utf8(to, 0xfffd);
}

size_t sl_json_unescape(char *to, sl_str raw)
{
    const char *p = raw.p, *end = raw.p + raw.n;
    char *at = to;
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((slash ? slash : end) - p);
        memcpy(at, p, plain);
        at += plain;
        p += plain;
        /* Runs of escapes (code, tables) stay in this loop. */
        while (p < end && *p == '\\')
            at += take_escape(at, &p, end);
    }
    return (size_t)(at - to);
}

bool sl_json_escaped_is(sl_str raw, sl_str s)
{
    const char *p = raw.p, *end = raw.p + raw.n;
    size_t at = 0;
    while (p < end) {
        char piece[4];
        size_t n = 1;
        if (*p == '\\')
            n = take_escape(piece, &p, end);
        else
            piece[0] = *p++;
        if (n > s.n - at || memcmp(piece, s.p + at, n) != 0)
            return false;
        at += n;
    }
    return at == s.n;
}

/* The next byte of an escaped string's content; -1 at its end. */
struct unescaper {
    const char *p, *end;
    char piece[4];
    size_t at, n;
};

static int next_byte(struct unescaper *u)
{
    if (u->at < u->n)
        return (unsigned char)u->piece[u->at++];
    if (u->p == u->end)
        return -1;
    if (*u->p != '\\')
        return (unsigned char)*u->p++;
    u->n = take_escape(u->piece, &u->p, u->end);
    u->at = 1;
    return (unsigned char)u->piece[0];
}

bool sl_json_escaped_equal(sl_str a, sl_str b)
{
    struct unescaper left = {.p = a.p, .end = a.p + a.n}, right = {.p = b.p, .end = b.p + b.n};
    int byte;
    while ((byte = next_byte(&left)) == next_byte(&right))
        if (byte < 0)
            return true;
    return false;
}

/* ---- the tape ---------------------------------------------------------------------------- */

static inline bool is_type(const struct sl_json *j, sl_json_ref v, enum sl_json_type type)
{
    return v != SL_JSON_NONE && sl_json_type(j, v) == type;
}

static inline sl_str text_of(const struct sl_json *j, sl_json_ref v)
{
    return (sl_str){j->text.p + j->nodes[v].offset, j->nodes[v].len};
}

sl_str sl_json_raw(const struct sl_json *j, sl_json_ref v)
{
    if (v == SL_JSON_NONE)
        return (sl_str){NULL, 0};
    sl_str s = text_of(j, v);
    if (sl_json_type(j, v) == SL_JSON_STRING)
        s = (sl_str){s.p - 1, s.n + 2};
    return s;
}

bool sl_json_is_str(const struct sl_json *j, sl_json_ref v, sl_str s)
{
    if (!is_type(j, v, SL_JSON_STRING))
        return false;
    sl_str own = text_of(j, v);
    if (j->nodes[v].info & SL_JSON_ESCAPED)
        return sl_json_escaped_is(own, s);
    return sl_str_eq(own, s);
}

sl_json_ref sl_json_first(const struct sl_json *j, sl_json_ref v)
{
    if (v == SL_JSON_NONE || sl_json_type(j, v) < SL_JSON_ARRAY || sl_json_count(j, v) == 0)
        return SL_JSON_NONE;
    return v + 1;
}

sl_json_ref sl_json_after(const struct sl_json *j, sl_json_ref v, sl_json_ref r)
{
    sl_json_ref value = sl_json_type(j, v) == SL_JSON_OBJECT ? r + 1 : r;
    sl_json_ref next = j->nodes[value].next;
    return next < j->nodes[v].next ? next : SL_JSON_NONE;
}

sl_json_ref sl_json_get(const struct sl_json *j, sl_json_ref v, sl_str key)
{
    if (!is_type(j, v, SL_JSON_OBJECT))
        return SL_JSON_NONE;
    for (sl_json_ref r = sl_json_first(j, v); r != SL_JSON_NONE; r = sl_json_after(j, v, r))
        if (sl_json_is_str(j, r, key))
            return r + 1;
    return SL_JSON_NONE;
}

sl_json_ref sl_json_at(const struct sl_json *j, sl_json_ref v, uint32_t i)
{
    if (!is_type(j, v, SL_JSON_ARRAY) || i >= sl_json_count(j, v))
        return SL_JSON_NONE;
    sl_json_ref r = v + 1;
    while (i--)
        r = j->nodes[r].next;
    return r;
}

sl_str sl_json_str(const struct sl_json *j, sl_json_ref v, struct sl_arena *arena)
{
    if (!is_type(j, v, SL_JSON_STRING))
        return (sl_str){NULL, 0};
    sl_str raw = text_of(j, v);
    if (!(j->nodes[v].info & SL_JSON_ESCAPED))
        return raw;
    char *plain = sl_arena_alloc_aligned(arena, raw.n, 1);
    return plain ? (sl_str){plain, sl_json_unescape(plain, raw)} : (sl_str){NULL, 0};
}

/* ---- scalars ----------------------------------------------------------------------------- */

bool sl_json_bool(const struct sl_json *j, sl_json_ref v, bool *out)
{
    if (!is_type(j, v, SL_JSON_TRUE) && !is_type(j, v, SL_JSON_FALSE))
        return false;
    *out = sl_json_type(j, v) == SL_JSON_TRUE;
    return true;
}

/* A number's parts: value = 0.d1d2d3... * 10^point, leading and trailing zeros stripped. */
struct decimal {
    bool is_negative;
    const char *digits; /* of the text; a '.' may stand between them */
    size_t n;           /* significant digits */
    int64_t point;
};

static int64_t exponent_of(const char *p, const char *end)
{
    bool is_negative = *p == '-';
    int64_t value = 0;
    if (*p == '-' || *p == '+')
        p++;
    for (; p < end; p++)
        if (value < INT64_C(1) << 40)
            value = value * 10 + (*p - '0');
    return is_negative ? -value : value;
}

static struct decimal read_decimal(sl_str s)
{
    struct decimal d = {0};
    const char *p = s.p, *end = s.p + s.n;
    if (*p == '-') {
        d.is_negative = true;
        p++;
    }
    size_t seen = 0; /* digits since the first that is not 0 */
    bool is_behind_point = false;
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            is_behind_point = true;
            continue;
        }
        if (*p != '0' && seen == 0)
            d.digits = p;
        if (d.digits) {
            seen++;
            if (*p != '0')
                d.n = seen;
        }
        if (!is_behind_point && d.digits)
            d.point++;
        else if (is_behind_point && !d.digits)
            d.point--;
    }
    if (p < end)
        d.point += exponent_of(p + 1, end);
    return d;
}

bool sl_json_i64(const struct sl_json *j, sl_json_ref v, int64_t *out)
{
    if (!is_type(j, v, SL_JSON_NUMBER))
        return false;
    struct decimal d = read_decimal(text_of(j, v));
    uint64_t value = 0;
    if (d.n) {
        /* An integer has no digit behind the point, and 19 places are the most that fit. */
        if (d.point < (int64_t)d.n || d.point > 19)
            return false;
        const char *p = d.digits;
        for (int64_t i = 0; i < d.point; i++) {
            unsigned digit = 0;
            if (i < (int64_t)d.n) {
                if (*p == '.')
                    p++;
                digit = (unsigned)(*p++ - '0');
            }
            value = value * 10 + digit; /* 19 digits fit in 64 bits */
        }
    }
    if (value > (uint64_t)INT64_MAX + d.is_negative)
        return false;
    *out = d.is_negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

bool sl_json_f64(const struct sl_json *j, sl_json_ref v, double *out)
{
    if (!is_type(j, v, SL_JSON_NUMBER))
        return false;
    sl_str s = text_of(j, v);
    char local[64], *digits = local;
    if (s.n >= sizeof local && !(digits = malloc(s.n + 1)))
        return false;
    memcpy(digits, s.p, s.n);
    digits[s.n] = 0;
    double value = strtod(digits, NULL);
    if (digits != local)
        free(digits);
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}

const char *sl_json_type_name(const struct sl_json *j, sl_json_ref v)
{
    static const char *const names[] = {"Null",   "Bool",  "Bool",  "Number",
                                        "String", "Array", "Object"};
    return names[sl_json_type(j, v)];
}
