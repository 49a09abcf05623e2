/* The sentence-transformers modules of a folder: pooling, dense layers, normalisation. For the
 * files of this room. */
#ifndef SL_ML_ENCODER_MODULES_H
#define SL_ML_ENCODER_MODULES_H

#include "ml/encoder/loader.h"

/*
 * Reads modules.json and the folders it names into pooling, dense and normalises of the encoder;
 * without the file the family's own pooling stays. The dense layers' weights are wanted from
 * checkpoints[i], which the caller closes after packing.
 */
SL_MUST_USE enum sl_rc sl_want_modules(struct sl_loader *l, const char *folder,
                                       struct sl_checkpoint *checkpoints[SL_MAX_DENSE]);

#endif
