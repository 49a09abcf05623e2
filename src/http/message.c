/* Header lists, methods and reason phrases. */
#include "http/message.h"

sl_str sl_headers_get(const struct sl_headers *h, sl_str name)
{
    for (uint32_t i = 0; i < h->n; i++)
        if (h->items[i].name.n == name.n && sl_str_eq_nocase(h->items[i].name, name))
            return h->items[i].value;
    return (sl_str){NULL, 0};
}

static enum sl_rc grow(struct sl_headers *h, struct sl_arena *arena)
{
    uint32_t cap = h->cap ? h->cap * 2 : 16;
    struct sl_header *items = sl_arena_alloc(arena, cap * sizeof *items);
    if (!items)
        return SL_NOMEM;
    if (h->n)
        memcpy(items, h->items, h->n * sizeof *items);
    h->items = items;
    h->cap = cap;
    return SL_OK;
}

enum sl_rc sl_headers_add(struct sl_headers *h, struct sl_arena *arena, sl_str name, sl_str value)
{
    if (h->n == h->cap && grow(h, arena) != SL_OK)
        return SL_NOMEM;
    h->items[h->n++] = (struct sl_header){name, value};
    return SL_OK;
}

enum sl_http_method sl_http_method_of(sl_str text)
{
    static const struct {
        sl_str text;
        enum sl_http_method method;
    } known[] = {
        {SL_STR_INIT("POST"), SL_POST},     {SL_STR_INIT("GET"), SL_GET},
        {SL_STR_INIT("HEAD"), SL_HEAD},     {SL_STR_INIT("OPTIONS"), SL_OPTIONS},
        {SL_STR_INIT("DELETE"), SL_DELETE}, {SL_STR_INIT("PUT"), SL_PUT},
        {SL_STR_INIT("PATCH"), SL_PATCH},
    };
    for (size_t i = 0; i < SL_COUNT(known); i++)
        if (sl_str_eq(known[i].text, text))
            return known[i].method;
    return SL_METHOD_OTHER;
}

const char *sl_http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } known[] = {
        {200, "OK"},
        {100, "Continue"},
        {101, "Switching Protocols"},
        {201, "Created"},
        {202, "Accepted"},
        {203, "Non-Authoritative Information"},
        {204, "No Content"},
        {206, "Partial Content"},
        {300, "Multiple Choices"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {424, "Failed Dependency"},
        {425, "Too Early"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {451, "Unavailable For Legal Reasons"},
        {499, "Client Closed Request"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {529, "Overloaded"},
    };
    for (size_t i = 0; i < SL_COUNT(known); i++)
        if (known[i].status == status)
            return known[i].reason;
    return "Unknown";
}
