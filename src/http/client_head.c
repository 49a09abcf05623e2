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

/* "host", "host:port", "[v6]:port"; the default port of the scheme is left out. */
static size_t write_authority(const struct sl_request *r, char *to, size_t room)
{
    bool is_v6 = sl_str_chr(r->host, ':') < r->host.n;
    bool is_default = r->port == (r->tls ? 443 : 80);
    int n = snprintf(to, room, "%s%.*s%s", is_v6 ? "[" : "", SL_FMT(r->host), is_v6 ? "]" : "");
    if (!is_default && n > 0 && (size_t)n < room)
        n += snprintf(to + n, room - (size_t)n, ":%u", r->port);
    return n > 0 && (size_t)n < room ? (size_t)n : 0;
}

sl_str sl_client_head(const struct sl_request *r, size_t body_bytes)
{
    const sl_str none = {NULL, 0};
    char authority[300], length[48];
    size_t n_authority = write_authority(r, authority, sizeof(authority));
    size_t n_length = 0;
    if (!n_authority || !is_plain(r->method) || !is_plain(r->target) ||
        !is_plain(sl_str_of(authority, n_authority)))
        return none;
    if (body_bytes || takes_body(r->method))
        n_length = (size_t)snprintf(length, sizeof(length), "content-length: %zu\r\n", body_bytes);
    size_t total = r->method.n + r->target.n + n_authority + n_length + 32;
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
    at = put(at, sl_str_of(authority, n_authority));
    at = put(at, SL_STR("\r\n"));
    at = put(at, sl_str_of(length, n_length));
    for (uint32_t i = 0; i < r->headers->n; i++) {
        at = put(at, r->headers->items[i].name);
        at = put(at, SL_STR(": "));
        at = put(at, r->headers->items[i].value);
        at = put(at, SL_STR("\r\n"));
    }
    at = put(at, SL_STR("\r\n"));
    return sl_str_of(head, (size_t)(at - head));
}
