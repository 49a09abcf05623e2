/* What HTTP requests and responses are made of, whatever the version: header lists and views. */
#ifndef SL_HTTP_MESSAGE_H
#define SL_HTTP_MESSAGE_H

#include "base/arena.h"

struct sl_header {
    sl_str name;  /* as received or written; compare without case */
    sl_str value; /* outer blanks cut off */
};

struct sl_headers {
    struct sl_header *items;
    uint32_t n;
    uint32_t cap;
};

/* First value of that name, or p == NULL. `name` in lower case. */
sl_str sl_headers_get(const struct sl_headers *h, sl_str name);

/* Appends (views are kept, not copied). SL_NOMEM when the arena is full. */
SL_MUST_USE enum sl_rc sl_headers_add(struct sl_headers *h, struct sl_arena *arena, sl_str name,
                                      sl_str value);

enum sl_http_method {
    SL_GET,
    SL_HEAD,
    SL_POST,
    SL_PUT,
    SL_DELETE,
    SL_PATCH,
    SL_OPTIONS,
    SL_METHOD_OTHER,
};

/* Methods are case-sensitive (RFC 9110 9.1). */
enum sl_http_method sl_http_method_of(sl_str text);

/* "OK", "Not Found"; "Unknown" for others. */
const char *sl_http_reason(int status);

#endif
