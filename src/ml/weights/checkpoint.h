/*
 * The weights of a model folder: one safetensors file, or the shards that an index names. Opened,
 * it does not change; any thread may read it.
 */
#ifndef SL_ML_WEIGHTS_CHECKPOINT_H
#define SL_ML_WEIGHTS_CHECKPOINT_H

#include "base/buf.h"
#include "ml/weights/safetensors.h"

struct sl_checkpoint;

/*
 * Opens `folder`/`stem`.safetensors, or the shards of `folder`/`stem`.safetensors.index.json.
 * SL_NOTFOUND: neither is there (the message says what is, if it is a pickle). A shard or a tensor
 * that the index names and the folder lacks is SL_INVALID.
 */
SL_MUST_USE enum sl_rc sl_checkpoint_open(struct sl_checkpoint **out, const char *folder,
                                          const char *stem, struct sl_err *err);
void sl_checkpoint_close(struct sl_checkpoint *c);

/* The tensor of that name in any shard, or NULL. */
const struct sl_tensor *sl_checkpoint_find(const struct sl_checkpoint *c, sl_str name);

/* The i-th tensor over all shards, NULL behind the last. */
const struct sl_tensor *sl_checkpoint_at(const struct sl_checkpoint *c, uint32_t i);

/*
 * Adds to `identity` what tells these files from others: names, sizes, times of change, headers and
 * samples of the data. Reading all of it would take longer than using a packed file saves.
 */
void sl_checkpoint_identify(const struct sl_checkpoint *c, struct sl_buf *identity);

#endif
