/*
 * The chunked transfer coding, undone incrementally and strictly (RFC 9112 7.1): one reading of it
 * for requests and for answers.
 */
#ifndef SL_HTTP_HTTP1_CHUNKS_H
#define SL_HTTP_HTTP1_CHUNKS_H

#include "base/rc.h"
#include "base/str.h"

struct sl_h1_chunks {
    uint64_t left; /* of the current chunk */
    uint8_t state;
    uint16_t line_bytes;    /* digits and extension of the current chunk line */
    uint16_t trailer_bytes; /* all trailers; they are read over */
    const char *error;      /* after SL_INVALID; static text */
};

void sl_h1_chunks_init(struct sl_h1_chunks *c);

/*
 * Moves *in forward to behind the next piece of content and sets *data to it (n == 0: none this
 * time). SL_AGAIN: *in is used up, more is to come. SL_OK: a piece, or the end when *is_end; what
 * is left of *in then belongs to the next message. SL_INVALID: refused.
 */
SL_MUST_USE enum sl_rc sl_h1_chunks_next(struct sl_h1_chunks *c, sl_str *in, sl_str *data,
                                         bool *is_end);

#endif
