/*
 * A local embedding model (ml/model.h) for the pool: where its packed weights are kept, and batches
 * of texts of which each has an answer of its own.
 *
 * A model is immutable and shared; a scratch belongs to one thread.
 */
#ifndef SL_INFER_LOCAL_H
#define SL_INFER_LOCAL_H

#include "base/err.h"
#include "route/infer.h"

struct sl_local_model;
struct sl_local_scratch;

struct sl_local_options {
    uint32_t layer; /* leave the model behind this layer; 0, or more than it has: the last */
};

/* The packed weights are kept in the user's cache folder, or, without one, in memory only. */
SL_MUST_USE enum sl_rc sl_local_open(struct sl_local_model **out, const char *folder,
                                     const struct sl_local_options *options, struct sl_err *err);
void sl_local_close(struct sl_local_model *model); /* NULL is fine */

struct sl_local_info {
    sl_str model_type;
    uint32_t n_layers, hidden, dimension, window_tokens, vocabulary;
    const char *kernels;   /* "avx512" ...: what runs it on this machine */
    const char *precision; /* "int8", "bf16", "f32" */
    size_t weight_bytes;
    bool was_packed_before; /* the packed file of an earlier start was taken */
};
struct sl_local_info sl_local_info(const struct sl_local_model *model);

/* NULL: out of memory; sl_local_embed then fails every text. */
struct sl_local_scratch *sl_local_scratch_new(const struct sl_local_model *model);
void sl_local_scratch_free(struct sl_local_scratch *scratch);

struct sl_local_result {
    struct sl_vector vector; /* of length 1; in the scratch, until its next use */
    uint32_t n_tok;          /* of the text, the template's and shared ones of windows included */
    const char *error;       /* NULL: none; else in the scratch or static */
};

/* n texts, at most 16; one of more than 64 windows (some 29,000 tokens) is an error. An empty text
 * has the vector of no tokens but the template's. */
void sl_local_embed(const struct sl_local_model *model, struct sl_local_scratch *scratch,
                    const sl_str *texts, uint32_t n, struct sl_local_result *out);

#endif
