/*
 * Calls of an OpenAI-compatible /embeddings. Pure: what is sent and what is made of the answer;
 * engine.c does the calling.
 */
#ifndef SL_INFER_REMOTE_H
#define SL_INFER_REMOTE_H

#include "base/buf.h"
#include "config/config.h"
#include "route/infer.h"

/* {"model", "input": [...], "dimensions"?} of asks[ids[0..n)]. */
void sl_remote_write(struct sl_buf *out, const struct sl_embedding_cfg *cfg,
                     const struct sl_infer *infer, const uint32_t *ids, uint32_t n);

/*
 * Reads the answer's n vectors, brought to length 1, in the order of the inputs, into `out`; they
 * live in the arena. SL_INVALID with err: too few, too many, twice the same, of another length
 * than asked for or than each other, or no numbers.
 */
SL_MUST_USE enum sl_rc sl_remote_read(struct sl_vector *out, uint32_t n, sl_str body,
                                      const struct sl_embedding_cfg *cfg, struct sl_arena *arena,
                                      struct sl_err *err);

#endif
