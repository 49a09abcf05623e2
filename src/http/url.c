/* URL parts (RFC 3986, what a client needs of it). */
#include "http/url.h"

bool sl_url_parse(sl_str text, struct sl_url *out)
{
    *out = (struct sl_url){.port = 80};
    if (sl_str_starts(text, SL_STR("https://"))) {
        out->is_tls = true;
        out->port = 443;
        text = sl_str_sub(text, 8, text.n);
    } else if (sl_str_starts(text, SL_STR("http://"))) {
        text = sl_str_sub(text, 7, text.n);
    } else if (sl_str_find(text, SL_STR("://")) != SIZE_MAX) {
        return false;
    }
    size_t slash = sl_str_chr(text, '/');
    sl_str authority = sl_str_sub(text, 0, slash);
    out->target = slash < text.n ? sl_str_sub(text, slash, text.n) : SL_STR("/");
    if (sl_str_chr(authority, '@') < authority.n)
        return false;
    size_t host_end = sl_str_chr(authority, ':');
    if (authority.n && authority.p[0] == '[') {
        size_t bracket = sl_str_chr(authority, ']');
        if (bracket == authority.n)
            return false;
        out->host = sl_str_sub(authority, 1, bracket);
        host_end = bracket + 1;
    } else {
        out->host = sl_str_sub(authority, 0, host_end);
    }
    if (host_end < authority.n) {
        int64_t port;
        if (authority.p[host_end] != ':' ||
            !sl_str_to_i64(sl_str_sub(authority, host_end + 1, authority.n), &port) || port < 1 ||
            port > 65535)
            return false;
        out->port = (uint16_t)port;
    }
    return out->host.n > 0;
}
