/* The text of a request head, measured first and written once. */
#include "http/client_parts.h"

#include <stdio.h>

static bool has_control_bytes(sl_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static bool is_plain(sl_str s)
{
    return s.n && !has_control_bytes(s) && sl_str_chr(s, ' ') == s.n;
}

static char *put(char *at, sl_str s)
{
    memcpy(at, s.p, s.n);
    return at + s.n;
}

static bool takes_body(sl_str method)
{
    return sl_str_eq(method, SL_STR("POST")) || sl_str_eq(method, SL_STR("PUT")) ||
           sl_str_eq(method, SL_STR("PATCH"));
}

/* The default port of the scheme is left out. */
size_t sl_client_authority(sl_str host, uint16_t port, bool is_tls, char *to, size_t room)
{
    bool is_v6 = sl_str_chr(host, ':') < host.n;
    bool is_default = port == (is_tls ? 443 : 80);
    int n = snprintf(to, room, "%s%.*s%s", is_v6 ? "[" : "", SL_FMT(host), is_v6 ? "]" : "");
    if (!is_default && n > 0 && (size_t)n < room)
        n += snprintf(to + n, room - (size_t)n, ":%u", port);
    return n > 0 && (size_t)n < room ? (size_t)n : 0;
}

static char *put_length(char *at, size_t bytes)
{
    char digits[24];
    size_t i = sizeof(digits);
    do
        digits[--i] = (char)('0' + bytes % 10);
    while (bytes /= 10);
    at = put(at, SL_STR("content-length: "));
    at = put(at, sl_str_of(digits + i, sizeof(digits) - i));
    return put(at, SL_STR("\r\n"));
}

sl_str sl_client_head(const struct sl_request *r, sl_str authority, size_t body_bytes)
{
    const sl_str none = {NULL, 0};
    if (!is_plain(r->method) || !is_plain(r->target) || !is_plain(authority))
        return none;
    bool has_length = body_bytes || takes_body(r->method);
    size_t total = r->method.n + r->target.n + authority.n + 80;
    for (uint32_t i = 0; i < r->headers->n; i++) {
        const struct sl_header *h = &r->headers->items[i];
        if (has_control_bytes(h->value) || !is_plain(h->name))
            return none;
        total += h->name.n + h->value.n + 4;
    }
    char *head = sl_arena_alloc_aligned(r->arena, total, 1);
    if (!head)
        return none;
    char *at = put(head, r->method);
    *at++ = ' ';
    at = put(at, r->target);
    at = put(at, SL_STR(" HTTP/1.1\r\nhost: "));
    at = put(at, authority);
    at = put(at, SL_STR("\r\n"));
    if (has_length)
        at = put_length(at, body_bytes);
    for (uint32_t i = 0; i < r->headers->n; i++) {
        at = put(at, r->headers->items[i].name);
        at = put(at, SL_STR(": "));
        at = put(at, r->headers->items[i].value);
        at = put(at, SL_STR("\r\n"));
    }
    at = put(at, SL_STR("\r\n"));
    return sl_str_of(head, (size_t)(at - head));
}
