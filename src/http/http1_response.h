/*
 * HTTP/1 responses, read incrementally and strictly (RFC 9112): bytes in, events out, no I/O.
 * Refused: bare LF or CR, obs-fold, blanks before a colon, control bytes, Content-Length twice or
 * beside Transfer-Encoding, any coding but chunked, malformed chunk
 * sizes, extensions and trailers. 1xx answers are swallowed.
 *
 * The caller pulls: it calls sl_h1_response_next, also with no input left, until that says
 * SL_H1_MORE or SL_H1_END. Header views live in the arena; body views point into the input.
 */
#ifndef SL_HTTP_HTTP1_RESPONSE_H
#define SL_HTTP_HTTP1_RESPONSE_H

#include "base/arena.h"
#include "http/http1_chunks.h"
#include "http/message.h"

enum sl_h1_event {
    SL_H1_MORE, /* input is used up, the answer is not complete */
    SL_H1_HEAD, /* status, headers, content_length are set */
    SL_H1_BODY, /* *body holds bytes of the content */
    SL_H1_END,  /* complete; whatever input is left does not belong to this answer */
};

enum sl_h1_framing { SL_H1_NO_BODY, SL_H1_LENGTH, SL_H1_CHUNKED, SL_H1_UNTIL_CLOSE };

struct sl_h1_response {
    struct sl_arena *arena;
    int status;
    struct sl_headers headers;
    enum sl_h1_framing framing;
    uint64_t content_length; /* UINT64_MAX: chunked or until close */
    bool is_keep_alive;      /* the connection may carry another exchange after SL_H1_END */
    const char *error;       /* what was wrong, after SL_INVALID or SL_LIMIT; static */

    /* private */
    bool is_for_head;
    uint8_t state;
    uint8_t n_interim;
    char *head;
    uint32_t head_n, head_cap, max_head;
    uint64_t left; /* of a body whose length is known */
    struct sl_h1_chunks chunks;
};

/* is_for_head: the request was HEAD, so the answer has no content. */
void sl_h1_response_init(struct sl_h1_response *p, struct sl_arena *arena, bool is_for_head,
                         uint32_t max_head_bytes);

/*
 * Consumes bytes from *in (moved forward) up to the next event. SL_INVALID, SL_LIMIT or SL_NOMEM
 * are final: the connection must be closed.
 */
SL_MUST_USE enum sl_rc sl_h1_response_next(struct sl_h1_response *p, sl_str *in,
                                           enum sl_h1_event *event, sl_str *body);

/* The peer closed: SL_OK when that ends the answer in order, else SL_CLOSED. */
SL_MUST_USE enum sl_rc sl_h1_response_eof(const struct sl_h1_response *p);

#endif
