/* Base64, three bytes at a time. */
#include "codec/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void sl_base64_encode(struct sl_buf *out, sl_str bytes)
{
    size_t n = (bytes.n + 2) / 3 * 4;
    char *to = sl_buf_reserve(out, n);
    if (!to)
        return;
    const unsigned char *p = (const unsigned char *)bytes.p;
    for (size_t left = bytes.n; left; p += left < 3 ? left : 3, left -= left < 3 ? left : 3) {
        uint32_t group =
            (uint32_t)p[0] << 16 | (left > 1 ? (uint32_t)p[1] << 8 : 0) | (left > 2 ? p[2] : 0);
        *to++ = alphabet[group >> 18];
        *to++ = alphabet[group >> 12 & 63];
        *to++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
        *to++ = left > 2 ? alphabet[group & 63] : '=';
    }
    out->n += n;
}

/* Value of a character; 64 when it is none. *alphabets gathers bit 0 for +/ and bit 1 for -_. */
static uint32_t value_of(char c, unsigned *alphabets)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    *alphabets |= c == '+' || c == '/' ? 1u : 2u;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : 64;
}

enum sl_rc sl_base64_decode(struct sl_buf *out, sl_str text)
{
    size_t n = text.n;
    if (n && n % 4 == 0 && text.p[n - 1] == '=')
        n -= text.p[n - 2] == '=' ? 2 : 1;
    if (n % 4 == 1)
        return SL_INVALID;
    char *to = sl_buf_reserve(out, n / 4 * 3 + 2);
    if (!to)
        return SL_NOMEM;
    uint32_t group = 0;
    unsigned alphabets = 0;
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t value = value_of(text.p[i], &alphabets);
        if (value == 64 || alphabets == 3)
            return SL_INVALID;
        group = group << 6 | value;
        if (i % 4 == 3) {
            to[length++] = (char)(group >> 16);
            to[length++] = (char)(group >> 8);
            to[length++] = (char)group;
            group = 0;
        }
    }
    /* Bits behind the last byte must be 0: one text for one content. */
    if (n % 4 == 2) {
        if (group & 0xf)
            return SL_INVALID;
        to[length++] = (char)(group >> 4);
    } else if (n % 4 == 3) {
        if (group & 0x3)
            return SL_INVALID;
        to[length++] = (char)(group >> 10);
        to[length++] = (char)(group >> 2);
    }
    out->n += length;
    return SL_OK;
}
