/* The labels of a knowledge base and their examples, from its manifest file. */
#ifndef SL_CONFIG_GLOBAL_KB_MANIFEST_H
#define SL_CONFIG_GLOBAL_KB_MANIFEST_H

#include "base/err.h"
#include "config/schema.h"

/*
 * Finds `path`/`manifest` (chapter 01 section 6.16: as it is when absolute, else below base_dir and
 * the three folders above it,
 * $VLLM_SR_CONFIG_ASSET_ROOT, /app/config), reads it and lists its labels, and the exemplars of
 * each. Labels of the two built-in bases are known without a file; their *exemplars is NULL then.
 * SL_NOTFOUND, SL_INVALID, SL_LIMIT with err set.
 */
SL_MUST_USE enum sl_rc sl_kb_manifest_read(struct sl_arena *arena, sl_str base_dir, sl_str path,
                                           sl_str manifest, struct sl_strs *labels,
                                           const struct sl_strs **exemplars, struct sl_err *err);

#endif
