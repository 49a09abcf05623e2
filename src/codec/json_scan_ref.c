/*
 * The portable kernels: eight bytes at a time in a register. Also what the others fall back to for
 * short tails and for finding the exact place of an error.
 */
#include "codec/json.h"
#include "codec/json_scan.h"

static const char *scan_string(const char *p, const char *end, uint32_t *flags)
{
    for (;;) {
        while (end - p >= 8) {
            uint64_t special = sl_json_special8(sl_load_le64(p));
            if (special) {
                p += __builtin_ctzll(special) >> 3;
                break;
            }
            p += 8;
        }
        while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
            p++;
        if (p == end || *p != '\\')
            return p;
        *flags |= SL_JSON_ESCAPED;
        const char *behind = sl_json_skip_escape(p, end);
        if (!behind)
            return p;
        p = behind;
    }
}

/* Length of the well-formed sequence at p (first byte >= 0x80), or 0. RFC 3629, section 4. */
static size_t sequence_length(const unsigned char *p, size_t n)
{
    unsigned char lead = p[0], low = 0x80, high = 0xbf;
    size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length == 0 || length > n)
        return 0;
    if (lead == 0xe0)
        low = 0xa0;
    else if (lead == 0xed)
        high = 0x9f;
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

static size_t utf8_error(const char *text, size_t n)
{
    size_t at = 0;
    while (at < n) {
        if (n - at >= 8 && (sl_load_le64(text + at) & 0x8080808080808080u) == 0) {
            at += 8;
            continue;
        }
        const unsigned char *p = (const unsigned char *)text + at;
        size_t length = *p < 0x80 ? 1 : sequence_length(p, n - at);
        if (length == 0)
            return at;
        at += length;
    }
    return n;
}

const struct sl_json_scan sl_json_scan_ref = {"ref", scan_string, utf8_error};
