/*
 * Base64 (RFC 4648): the standard alphabet with padding, and the URL-safe one. Pure. For what looks
 * into inline images and audio (data URIs); no signal does today.
 */
#ifndef SL_CODEC_BASE64_H
#define SL_CODEC_BASE64_H

#include "base/buf.h"

/* Appends the encoding of `bytes`, padded with '='. */
void sl_base64_encode(struct sl_buf *out, sl_str bytes);

/*
 * Appends the decoded bytes. Takes both alphabets (not mixed), with or without padding; anything
 * else, blanks included, is SL_INVALID and leaves `out` as it was. SL_NOMEM when out is full.
 */
SL_MUST_USE enum sl_rc sl_base64_decode(struct sl_buf *out, sl_str text);

#endif
