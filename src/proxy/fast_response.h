/*
 * The answer of a decision that answers by itself (specification 02 5.3), in the reference's
 * shape: one chat completion, or its stream. Streamed pieces end behind their blanks, so that the
 * pieces joined are the message byte for byte. Pure.
 */
#ifndef SL_PROXY_FAST_RESPONSE_H
#define SL_PROXY_FAST_RESPONSE_H

#include "base/buf.h"

void sl_fast_response_json(struct sl_buf *out, sl_str message, int64_t unix_s);
void sl_fast_response_sse(struct sl_buf *out, sl_str message, int64_t unix_s);

#endif
