/* The labels of a knowledge base, from its manifest file. */
#ifndef SL_CONFIG_GLOBAL_KB_MANIFEST_H
#define SL_CONFIG_GLOBAL_KB_MANIFEST_H

#include "base/err.h"
#include "config/schema.h"

/*
 * Finds `path`/`manifest` (chapter 01 section 6.16: as it is when absolute, else below base_dir,
 * $VLLM_SR_CONFIG_ASSET_ROOT, /app/config), reads it and lists its labels in *out. Labels of the
 * two built-in bases are known without a file. SL_NOTFOUND, SL_INVALID, SL_LIMIT with err set.
 */
SL_MUST_USE enum sl_rc sl_kb_manifest_labels(struct sl_arena *arena, sl_str base_dir, sl_str path,
                                             sl_str manifest, struct sl_strs *out,
                                             struct sl_err *err);

#endif
