/* Character classes of HTTP/1 and a word-wise search for the end of a text. */
#ifndef SL_HTTP_HTTP1_TEXT_H
#define SL_HTTP_HTTP1_TEXT_H

#include "base/str.h"

/* RFC 9110 5.6.2: tchar. */
static inline bool sl_h1_is_token_char(unsigned char c)
{
    static const uint32_t map[8] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff, 0, 0, 0, 0};
    return map[c >> 5] >> (c & 31) & 1;
}

/*
 * Offset of the first control byte (below 0x20, or 0x7f) that is not a tab, at or after `from`;
 * n when there is none. Eight bytes a step.
 */
static inline size_t sl_h1_text_end(const char *s, size_t from, size_t n)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    size_t at = from;
    while (n - at >= 8) {
        uint64_t v;
        memcpy(&v, s + at, 8);
        uint64_t below = (v - ones * 0x20) & ~v;
        uint64_t del = v ^ ones * 0x7f;
        uint64_t hits = (below | ((del - ones) & ~del)) & highs;
        if (!hits) {
            at += 8;
            continue;
        }
        /* Borrows only travel upwards: the lowest hit is a true one. */
        at += (size_t)__builtin_ctzll(hits) / 8;
        if (s[at] != '\t')
            return at;
        at++;
    }
    for (; at < n; at++) {
        unsigned char c = (unsigned char)s[at];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return at;
    }
    return n;
}

/* Without blanks and tabs at both ends. */
static inline sl_str sl_h1_trim(sl_str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

#endif
