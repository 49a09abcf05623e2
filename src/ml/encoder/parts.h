/* What the files of this room share. */
#ifndef SL_ML_ENCODER_PARTS_H
#define SL_ML_ENCODER_PARTS_H

#include "ml/encoder/encoder.h"
#include "ml/weights/checkpoint.h"
#include "ml/weights/pack_file.h"

enum { SL_LINEAR_PARTS = 3, SL_MAX_DENSE = 4 };

/* y = x W^T + b. W may be several matrices of the checkpoint, one below the other. */
struct sl_linear {
    struct sl_weights w;
    const float *bias;
    bool exists;
    uint32_t n_parts;
    const char *names[SL_LINEAR_PARTS]; /* without the checkpoint's prefix and ".weight" */
    uint32_t rows[SL_LINEAR_PARTS];
};

struct sl_norm_weights {
    const float *weight, *bias;
    float epsilon;
    uint32_t d;
    bool is_rms, exists;
};

/* Low-rank terms of one linear, a pair for each of its parts. */
struct sl_lora {
    struct sl_linear a[SL_LINEAR_PARTS], b[SL_LINEAR_PARTS];
    bool exists;
};

/* DeBERTa: keys and queries of the relative positions of one layer, packed for each head. */
struct sl_relative {
    const struct sl_weights *keys, *queries; /* [heads] of [positions, head_dim], or NULL */
};

/*
 * One layer, of any family. Norms that a family lacks do not exist:
 *   BERT, DeBERTa: attn_out, mlp_out        ModernBERT, Qwen3: attn_in, mlp_in
 *   Gemma: attn_in, attn_branch, mlp_in, mlp_branch
 */
struct sl_layer {
    struct sl_norm_weights attn_in, q_norm, k_norm, attn_branch, attn_out;
    struct sl_norm_weights mlp_in, mlp_branch, mlp_out;
    struct sl_linear qkv, o, wi, wo;
    struct sl_linear position_keys, position_queries; /* DeBERTa's own projections, if any */
    struct sl_relative relative;
};

struct sl_layer_lora {
    struct sl_lora qkv, o, wi, wo;
};

struct sl_head {
    enum sl_head_kind kind;
    enum sl_pooling pooling;
    struct sl_linear dense; /* act and norm follow it; all optional */
    struct sl_lora lora;    /* of the dense layer */
    enum sl_act act;
    struct sl_norm_weights norm;
    struct sl_linear classifier;
    struct sl_labels labels;
    enum sl_problem problem;
};

struct sl_adapter {
    struct sl_layer_lora *layers;
    struct sl_head head;
    struct sl_pack *pack;
    uint32_t rank; /* largest */
};

struct sl_dense {
    struct sl_linear linear;
    enum sl_act act;
};

struct sl_encoder {
    struct sl_arena arena;
    struct sl_model_config config;
    const struct sl_kernels *kernels;
    enum sl_dtype precision;
    uint32_t max_tokens;
    struct sl_pack *pack;

    struct sl_table words, positions, types;
    struct sl_linear embed_projection;
    struct sl_norm_weights embed_norm, final_norm;
    struct sl_layer *layers;
    bool is_gated; /* the MLP is act(Wi_0 x) * (Wi_1 x) */

    float *cos[2], *sin[2]; /* [max_tokens, head_dim / 2] of global and local layers, or NULL */

    struct sl_table relative_table; /* DeBERTa */
    struct sl_norm_weights relative_norm;
    uint16_t *relative_index; /* [2 max_tokens - 1]: position of distance i - j + max_tokens - 1 */
    uint32_t n_relative;
    void *relative_memory;

    enum sl_pooling pooling;
    struct sl_dense dense[SL_MAX_DENSE];
    uint32_t n_dense, embedding_dim;
    bool normalises;

    struct sl_head head;
    struct sl_adapter *adapters;
    uint32_t n_adapters;
    bool splits_glu; /* an adapter changes Wi, so its halves are not packed for a fused product */
};

static inline uint32_t sl_query_width(const struct sl_encoder *e)
{
    return e->config.heads * e->config.head_dim;
}

static inline uint32_t sl_qkv_width(const struct sl_encoder *e)
{
    return (e->config.heads + 2 * e->config.kv_heads) * e->config.head_dim;
}

#endif
