/*
 * Collecting what an encoder wants from a checkpoint. A family's file names tensors and where they
 * go; once all are named they are packed together and the places are filled. The first mistake is
 * kept; later wants do nothing. Used while opening, by one thread.
 */
#ifndef SL_ML_ENCODER_LOADER_H
#define SL_ML_ENCODER_LOADER_H

#include "ml/encoder/parts.h"

struct sl_want;

struct sl_loader {
    struct sl_encoder *encoder;
    const struct sl_checkpoint *weights;
    const char *prefix;        /* before every name of the backbone */
    enum sl_dtype matrix_type; /* of the matrices wanted from here on */
    float weight_scale;        /* of the matrices wanted from here on; 1 */
    struct sl_pack_item *items;
    struct sl_want *wants;
    uint32_t n, cap;
    struct sl_err *err;
    enum sl_rc rc;
};

void sl_loader_init(struct sl_loader *l, struct sl_encoder *e, const struct sl_checkpoint *weights,
                    struct sl_err *err);
void sl_loader_free(struct sl_loader *l);

/* Formatted, in the encoder's arena. */
const char *sl_name(struct sl_loader *l, const char *format, ...) SL_PRINTF(2, 3);

/* The tensor prefix + name + suffix, or NULL. */
const struct sl_tensor *sl_tensor_named(const struct sl_loader *l, const char *name,
                                        const char *suffix);

/* The first of the prefixes (NULL-terminated) under which `name` exists becomes the loader's. */
void sl_loader_probe(struct sl_loader *l, const char *const *prefixes, const char *name);

/* `name`.weight [n, k] and, where it is there, `name`.bias [n]. */
void sl_want_linear(struct sl_loader *l, struct sl_linear *to, const char *name, uint32_t n,
                    uint32_t k);
/* Several matrices, one below the other; is_gated as in pack.h. */
void sl_want_parts(struct sl_loader *l, struct sl_linear *to, const char *const *names,
                   const uint32_t *rows, uint32_t n_parts, uint32_t k, bool is_gated);
/* `name`.weight [d] (or .gamma), `name`.bias [d] (or .beta) where it is there. */
void sl_want_norm(struct sl_loader *l, struct sl_norm_weights *to, const char *name, uint32_t d);
/* x / rms(x) * (weight + add). */
void sl_want_rms(struct sl_loader *l, struct sl_norm_weights *to, const char *name, uint32_t d,
                 float add);
/* `name`.weight [rows, d] times scale. */
void sl_want_table(struct sl_loader *l, struct sl_table *to, const char *name, uint32_t rows,
                   uint32_t d, float scale);

/* Packs everything wanted (path may be NULL) and fills the places. */
SL_MUST_USE enum sl_rc sl_loader_pack(struct sl_loader *l, struct sl_pack **pack, sl_str identity,
                                      const char *path);

#endif
