/* DeBERTa's relative positions. For the files of this room. */
#ifndef SL_ML_ENCODER_RELATIVE_H
#define SL_ML_ENCODER_RELATIVE_H

#include "ml/encoder/parts.h"

/* Projects the table of relative positions through each layer once, at opening. */
SL_MUST_USE enum sl_rc sl_relative_prepare(struct sl_encoder *e, struct sl_err *err);

/* Row of the table for distance i - j. */
uint32_t sl_relative_position(const struct sl_relative_config *r, int32_t distance);

#endif
