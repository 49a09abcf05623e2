/* Tables of rotary positions. Pure. */
#ifndef SL_ML_ENCODER_ROPE_H
#define SL_ML_ENCODER_ROPE_H

#include "ml/weights/model_config.h"

/* cos and sin, [n, head_dim / 2], of positions 0..n-1. */
void sl_rope_tables(const struct sl_rope_config *rope, uint32_t head_dim, uint32_t n, float *cos,
                    float *sin);

#endif
