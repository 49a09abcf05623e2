/* The forward pass of all families. For the files of this room. */
#ifndef SL_ML_ENCODER_FORWARD_H
#define SL_ML_ENCODER_FORWARD_H

#include "ml/encoder/scratch.h"

struct sl_run {
    const struct sl_encoder *e;
    const struct sl_kernels *k;
    struct sl_encoder_scratch *s;
    const struct sl_sequences *in;
    uint32_t n_tokens;
    const struct sl_adapter *lanes[SL_MAX_ADAPTERS + 1]; /* NULL: without adapter */
    uint32_t n_lanes;
};

/*
 * Checks the input and runs layers [0, n_layers) and the final norm. Lane l's final states are rows
 * [l * n_tokens, (l + 1) * n_tokens) of s->x.
 */
SL_MUST_USE enum sl_rc sl_forward(struct sl_run *r, uint32_t n_layers, struct sl_err *err);

/* One layer's attention of one sequence whose first row is `row`, with n tokens. */
void sl_attend(struct sl_run *r, uint32_t layer, size_t row, uint32_t n);

/* The same with DeBERTa's relative positions (relative.c). */
void sl_attend_relative(struct sl_run *r, uint32_t layer, size_t row, uint32_t n);

#endif
