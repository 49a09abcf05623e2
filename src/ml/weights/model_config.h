/*
 * config.json of a Hugging Face encoder, read into one description that the encoder follows. The
 * families differ in few things (where norms stand, how positions enter, what a key may be seen
 * by), and each is a field here. Pure; a description does not change once read.
 */
#ifndef SL_ML_WEIGHTS_MODEL_CONFIG_H
#define SL_ML_WEIGHTS_MODEL_CONFIG_H

#include "ml/kernel/kernel.h"
#include "ml/weights/labels.h"

enum { SL_MAX_LAYERS = 256 };

enum sl_family {
    SL_FAMILY_BERT,       /* BERT, MiniLM */
    SL_FAMILY_ROBERTA,    /* BERT's layers, positions counted from pad_token_id + 1 */
    SL_FAMILY_MODERNBERT, /* ModernBERT, mmBERT */
    SL_FAMILY_QWEN3,
    SL_FAMILY_GEMMA3,  /* EmbeddingGemma */
    SL_FAMILY_DEBERTA, /* v2 and v3 */
};

enum sl_problem {
    SL_PROBLEM_SINGLE, /* one label: softmax */
    SL_PROBLEM_MULTI,  /* every label on its own: sigmoid */
    SL_PROBLEM_REGRESSION,
};

/* Rotary frequencies of one kind of layer. */
struct sl_rope_config {
    double theta;
    double factor;          /* 1: no scaling */
    bool is_yarn;           /* the factor is YaRN's, otherwise positions are divided by it */
    double original_length; /* YaRN: positions that the model was trained on */
    double beta_fast, beta_slow;
    double attention_factor; /* YaRN: cos and sin are multiplied by it */
};

/* DeBERTa's relative attention. */
struct sl_relative_config {
    bool is_on, c2p, p2c;
    bool shares_keys;      /* positions use the content's projections */
    bool normalises_table; /* layer norm over the table of relative positions */
    uint32_t buckets;      /* 0: distances are not bucketed */
    uint32_t max_distance;
};

struct sl_model_config {
    enum sl_family family;
    sl_str model_type;
    uint32_t vocab_size, hidden, embedding_size, n_layers, heads, kv_heads, head_dim, intermediate;
    uint32_t max_positions, type_vocab; /* type_vocab 0: no token types */
    uint32_t position_offset;           /* of the learned positions' first row in use */
    bool has_positions;                 /* learned absolute positions */
    float norm_epsilon;
    enum sl_act act;
    float attention_scale;
    bool is_causal;
    uint32_t window; /* of local layers: |i - j| <= window (0: none are local) */
    uint8_t is_local[SL_MAX_LAYERS];
    struct sl_rope_config rope[2]; /* of global and of local layers */
    struct sl_relative_config relative;

    enum sl_act head_act;  /* between the head's dense layer and its classifier */
    bool pools_mean;       /* ModernBERT's classifier_pooling */
    bool has_architecture; /* the class that saved the checkpoint is one of the three below */
    bool is_token_classifier, is_sequence_classifier;
    enum sl_problem problem;
    uint32_t n_labels; /* 0: config.json says nothing */
    struct sl_labels labels;
};

/*
 * Reads the text of a config.json. Texts are copied into the arena. A field that is missing, of
 * another type or out of bounds is SL_INVALID and named; a model_type or an option that is not
 * implemented is SL_UNSUPPORTED.
 */
SL_MUST_USE enum sl_rc sl_model_config_parse(struct sl_model_config *out, struct sl_arena *arena,
                                             sl_str text, struct sl_err *err);

/* "bert", "modernbert", ... for people. */
const char *sl_family_name(enum sl_family family);

/* The activation that a config names; false when it is not implemented. */
bool sl_act_named(sl_str name, enum sl_act *out);

#endif
