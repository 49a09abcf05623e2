/*
 * The working memory of a run, carved once from one allocation. Rows are tokens of all lanes; work
 * that needs no whole sequence passes SL_CHUNK rows at a time, so that what lies between two
 * products stays in the second-level cache. For the files of this room.
 */
#ifndef SL_ML_ENCODER_SCRATCH_H
#define SL_ML_ENCODER_SCRATCH_H

#include "ml/encoder/parts.h"

enum { SL_CHUNK = 128, SL_BIAS_ROWS = 32 };

struct sl_encoder_scratch {
    const struct sl_encoder *encoder;
    uint32_t max_tokens, max_lanes;
    void *memory;
    size_t bytes;

    float *x, *qkv, *attention; /* [rows, their strides] */
    struct sl_rows_i8 x_codes;  /* what the next product reads, of every row; int8 only */

    float *a, *y, *h, *low;    /* [SL_CHUNK, their strides] */
    struct sl_rows_i8 h_codes; /* [SL_CHUNK]; int8 only */
    uint32_t *positions;       /* [SL_CHUNK] */
    void *kernel;              /* scratch of products and attention */

    float *c2p, *p2c; /* DeBERTa: [max_tokens, relative_stride] of one head */
    float *bias;      /* [SL_BIAS_ROWS, bias_stride] */

    size_t x_stride, qkv_stride, attention_stride, a_stride, h_stride, low_stride;
    size_t relative_stride, bias_stride;
};

#endif
