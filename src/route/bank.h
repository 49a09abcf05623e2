/*
 * Banks of example texts that a text is compared with: the vectors of the examples, similar ones
 * reduced to one prototype, and the score of a query against them (chapter 01 section 6).
 *
 * A bank is made empty while a policy is compiled, and filled once its examples' vectors are known
 * (sl_policy_learn). From then on it is immutable. Lives in the policy's arena.
 */
#ifndef SL_ROUTE_BANK_H
#define SL_ROUTE_BANK_H

#include "config/config.h"
#include "route/infer.h"

struct sl_kernels; /* ml/kernel/kernel.h */

struct sl_bank {
    const sl_str *texts; /* distinct, none blank */
    uint32_t n_texts;
    uint32_t dimension;                 /* vectors are cut to it; 0: whole */
    const struct sl_prototype_cfg *cfg; /* NULL: every example counts */
    const float *vectors;               /* of the prototypes, `n_floats` each */
    const uint32_t *sources;            /* the prototypes' texts */
    uint32_t n, n_floats;
    const struct sl_kernels *kernels;
    bool is_filled;
    struct sl_bank *next; /* of the policy */
};

/*
 * A bank of the texts in `lists`, hung on *all. NULL: out of memory. The config must outlive it.
 */
struct sl_bank *sl_bank_new(struct sl_bank **all, struct sl_arena *arena,
                            const struct sl_strs *lists, uint32_t n_lists, uint32_t dimension,
                            const struct sl_prototype_cfg *cfg);

/* vectors[i] belongs to texts[i]; all of one length. SL_LIMIT: too many examples to group. */
SL_MUST_USE enum sl_rc sl_bank_fill(struct sl_bank *bank, struct sl_arena *arena,
                                    const struct sl_vector *vectors);

struct sl_bank_score {
    double best, support, score;
    sl_str nearest; /* the example with the best similarity */
};

/*
 * An empty bank scores 0. `is_mean`: the plain mean of all similarities instead of the configured
 * mixture. `scratch` holds bank->n floats.
 */
struct sl_bank_score sl_bank_score(const struct sl_bank *bank, struct sl_vector query, bool is_mean,
                                   float *scratch);

/* The product over the shorter length: the cosine of vectors of length 1. */
float sl_vector_dot(struct sl_vector a, struct sl_vector b);

/* The first `dimension` numbers, brought to length 1 again; v itself when it is no longer. */
struct sl_vector sl_vector_cut(struct sl_vector v, uint32_t dimension, struct sl_arena *arena);

#endif
