/*
 * The safetensors format: 8 bytes of header length, a JSON header of names, types, shapes and
 * ranges, then the data. Everything a file says about itself is checked against its size before it
 * is believed. Pure; a parsed file does not change and may be read by any thread.
 */
#ifndef SL_ML_WEIGHTS_SAFETENSORS_H
#define SL_ML_WEIGHTS_SAFETENSORS_H

#include "base/err.h"

enum { SL_TENSOR_DIMS = 6 };

enum sl_tensor_type {
    SL_TENSOR_F32,
    SL_TENSOR_F16,
    SL_TENSOR_BF16,
    SL_TENSOR_F64,
    SL_TENSOR_OTHER, /* integers and the like: sized, never read as weights */
};

struct sl_tensor {
    sl_str name; /* in the arena of the parse */
    enum sl_tensor_type type;
    uint32_t n_dims;
    uint64_t shape[SL_TENSOR_DIMS];
    uint64_t count;   /* product of the shape */
    const char *data; /* in the file's bytes; no alignment is promised */
};

/* Sorted by name. */
struct sl_safetensors {
    const struct sl_tensor *tensors;
    uint32_t n;
};

/* Names the mistake and the tensor in err: SL_INVALID, SL_LIMIT, SL_NOMEM. */
SL_MUST_USE enum sl_rc sl_safetensors_parse(struct sl_safetensors *out, struct sl_arena *arena,
                                            sl_str file, struct sl_err *err);

/* NULL: no tensor of that name. */
const struct sl_tensor *sl_safetensors_find(const struct sl_safetensors *s, sl_str name);

/* Values [from, from + count) in row-major order; the caller checked them against t->count and that
 * the type is one of the floating ones. */
void sl_tensor_read(const struct sl_tensor *t, uint64_t from, uint64_t count, float *out);

/* "[768, 3072]", cut to what fits. */
const char *sl_tensor_shape(const struct sl_tensor *t, char out[64]);

#endif
