/* What plugins share: header edits, and JSON texts in the request's arena. */
#include "codec/json_write.h"
#include "route/plugin.h"

enum { FIRST_HEADERS = 8 };

enum sl_rc sl_rewrite_header(struct sl_rewrite *r, sl_str name, sl_str value)
{
    if (r->n_headers == r->cap_headers) {
        uint32_t cap = r->cap_headers ? r->cap_headers * 2 : FIRST_HEADERS;
        struct sl_header_edit *grown = SL_NEW_ARRAY(r->arena, struct sl_header_edit, cap);
        if (!grown)
            return SL_NOMEM;
        if (r->n_headers)
            memcpy(grown, r->headers, r->n_headers * sizeof *grown);
        r->headers = grown;
        r->cap_headers = cap;
    }
    sl_str lower = sl_arena_dup(r->arena, name);
    if (!lower.p)
        return SL_NOMEM;
    for (char *p = (char *)(uintptr_t)lower.p; p < lower.p + lower.n; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + ('a' - 'A'));
    r->headers[r->n_headers++] = (struct sl_header_edit){lower, value};
    return SL_OK;
}

sl_str sl_rewrite_quote(struct sl_rewrite *r, sl_str text)
{
    struct sl_buf b;
    sl_buf_init(&b, text.n * 6 + 16);
    sl_json_escape(&b, text);
    sl_str s = sl_buf_rc(&b) ? (sl_str){NULL, 0} : sl_arena_dup(r->arena, sl_buf_str(&b));
    sl_buf_free(&b);
    return s;
}
