/*
 * /api/v1/embeddings, /api/v1/similarity and /api/v1/similarity/batch in the reference's shapes
 * (chapter 05 section 1.6). Like eval.h: started, answered by whoever can ask models, finished.
 */
#ifndef SL_ADMIN_VECTORS_H
#define SL_ADMIN_VECTORS_H

#include "base/buf.h"
#include "config/config.h"
#include "route/infer.h"

enum sl_vectors_kind { SL_VECTORS_EMBED, SL_VECTORS_SIMILARITY, SL_VECTORS_BATCH };

struct sl_vectors; /* one request; lives in its arena */

/*
 * Reads `body`. 0: answer or fail the asks of sl_vectors_asks, then finish. Else the status of an
 * error that was appended to out.
 */
int sl_vectors_start(struct sl_vectors **out_v, enum sl_vectors_kind kind,
                     const struct sl_config *config, sl_str body, uint64_t (*now_ns)(void),
                     int64_t unix_s, struct sl_arena *arena, struct sl_buf *out);
struct sl_infer *sl_vectors_asks(struct sl_vectors *v);
/* Appends the answer and returns its status. */
int sl_vectors_finish(struct sl_vectors *v, struct sl_buf *out);

#endif
