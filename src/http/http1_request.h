/*
 * HTTP/1 request heads, parsed incrementally and strictly (RFC 9112): bytes in, views out, no I/O.
 * Whatever two parsers could understand in two ways is refused: bare LF or CR, obs-fold, blanks
 * around names, control bytes, any second Content-Length, Transfer-Encoding or Host,
 * Content-Length beside Transfer-Encoding, an empty line before the request.
 */
#ifndef SL_HTTP_HTTP1_REQUEST_H
#define SL_HTTP_HTTP1_REQUEST_H

#include "http/message.h"

#define SL_H1_MAX_TARGET  16384u
#define SL_H1_MAX_HEADERS 128u

struct sl_h1_request {
    enum sl_http_method method;
    sl_str method_text;
    sl_str target; /* as received */
    sl_str path;   /* without authority and query */
    sl_str query;
    struct sl_headers headers;
    sl_str host;
    uint64_t content_length; /* UINT64_MAX: chunked; 0: no body */
    bool is_chunked;
    bool is_http_10;
    bool is_keep_alive;
    bool expects_continue;

    int status;        /* after a refusal: 400, 414, 417, 431, 501 or 505 */
    const char *error; /* and why, static text */

    /* private */
    bool has_length, has_host, says_close, says_keep_alive;
    uint8_t phase;
    uint32_t max_bytes;
    size_t line;    /* where the unfinished line begins */
    size_t scanned; /* up to where that line's text is known to be fine; 0: nothing */
    const char *base;
    struct sl_arena *arena; /* for the header list */
};

void sl_h1_request_init(struct sl_h1_request *r, struct sl_arena *arena, uint32_t max_head_bytes);

/*
 * `bytes` is everything received of this request so far, from its first byte; it may move in
 * memory between calls. SL_OK: *head_bytes of it were the head, views point into it. SL_AGAIN:
 * call again with more. SL_INVALID: refused, see status and error; the connection must be closed.
 * SL_NOMEM: the arena is full.
 */
SL_MUST_USE enum sl_rc sl_h1_request_feed(struct sl_h1_request *r, sl_str bytes,
                                          size_t *head_bytes);

/* After SL_OK: the head was copied to `base`; views follow. */
void sl_h1_request_rebase(struct sl_h1_request *r, const char *base);

#endif
