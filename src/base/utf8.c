/* UTF-8 by the table of well-formed sequences (Unicode, table 3-7). */
#include "base/utf8.h"

uint32_t sl_utf8_decode_long(const unsigned char *p, const unsigned char *end, unsigned *n)
{
    size_t left = (size_t)(end - p);
    unsigned c = p[0];
    *n = 1;
    if (c < 0x80)
        return c;
    if (c < 0xc2 || c > 0xf4 || left < 2 || (p[1] & 0xc0) != 0x80)
        return SL_UTF8_BAD;
    if (c < 0xe0) {
        *n = 2;
        return (c & 0x1f) << 6 | (p[1] & 0x3f);
    }
    if (left < 3 || (p[2] & 0xc0) != 0x80)
        return SL_UTF8_BAD;
    if (c < 0xf0) {
        uint32_t cp = (c & 0x0f) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3f);
        if (cp < 0x800 || (cp >= 0xd800 && cp < 0xe000))
            return SL_UTF8_BAD;
        *n = 3;
        return cp;
    }
    if (left < 4 || (p[3] & 0xc0) != 0x80)
        return SL_UTF8_BAD;
    uint32_t cp = (c & 0x07) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3f);
    if (cp < 0x10000 || cp > 0x10ffff)
        return SL_UTF8_BAD;
    *n = 4;
    return cp;
}

uint32_t sl_utf8_before(sl_str s, size_t at, unsigned *n)
{
    size_t limit = at < 4 ? at : 4;
    for (size_t back = 1; back <= limit; back++) {
        if (((unsigned char)s.p[at - back] & 0xc0) == 0x80)
            continue;
        unsigned length;
        uint32_t cp = sl_utf8_at(sl_str_of(s.p, at), at - back, &length);
        if (length != back)
            break;
        *n = length;
        return cp;
    }
    *n = 1;
    return SL_UTF8_BAD;
}

size_t sl_utf8_valid_prefix(sl_str s)
{
    size_t at = 0;
    while (at < s.n) {
        uint64_t word;
        if (s.n - at >= sizeof(word)) {
            memcpy(&word, s.p + at, sizeof(word));
            if (!(word & 0x8080808080808080u)) {
                at += sizeof(word);
                continue;
            }
        }
        unsigned n;
        if (sl_utf8_at(s, at, &n) == SL_UTF8_BAD && n == 1)
            return at;
        at += n;
    }
    return at;
}

size_t sl_utf8_count(sl_str s)
{
    size_t count = 0;
    for (size_t at = 0; at < s.n; count++) {
        unsigned n;
        sl_utf8_at(s, at, &n);
        at += n;
    }
    return count;
}

unsigned sl_utf8_encode(uint32_t cp, char out[4])
{
    if (cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
        cp = SL_UTF8_BAD;
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}
