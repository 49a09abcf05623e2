/* Classifier heads: what they want from a checkpoint, and running them over final states. For the
 * files of this room. */
#ifndef SL_ML_ENCODER_HEADS_H
#define SL_ML_ENCODER_HEADS_H

#include "ml/encoder/forward.h"
#include "ml/encoder/loader.h"

/*
 * Finds a head of kind `wanted` (NONE: as config.json says, else SEQUENCE) and wants its weights;
 * kind stays NONE when the checkpoint has no classifier. The loader's prefix is that of the
 * backbone. An adapter's head (base != NULL) takes from the base what the adapter does not hold.
 */
void sl_want_head(struct sl_loader *l, struct sl_head *to, enum sl_head_kind wanted,
                  const struct sl_head *base);

/* What stands before a classifier in a checkpoint that has none itself: adapters' heads take it
 * from there (BERT's pooler, ModernBERT's head of the language model). */
void sl_want_shared_dense(struct sl_loader *l, struct sl_head *to);

/* After packing: what an adapter's head shares with the base. False: neither has the layer that the
 * family's head needs before its classifier. */
bool sl_head_inherit(struct sl_head *to, const struct sl_head *base,
                     const struct sl_model_config *c);

/* Logits of lane l's states: a row for each sequence or each token. */
void sl_run_head(struct sl_run *r, uint32_t lane, const struct sl_head *head, float *logits);

/* One sequence's states, [n, hidden], as one vector of `d` values. */
void sl_pool(const struct sl_kernels *k, enum sl_pooling pooling, uint32_t n, uint32_t d,
             const float *x, size_t stride, float *out);

#endif
