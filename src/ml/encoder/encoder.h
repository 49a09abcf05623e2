/*
 * An encoder: token ids in, hidden states, embeddings and classifier logits out. It is opened from
 * a Hugging Face model folder and never changes; any number of threads run it at once, each with
 * its own scratch. Nothing is allocated by a run.
 *
 * Several sequences run packed one behind the other, without padding; a sequence's result does not
 * depend on its neighbours. Adapters (LoRA) are lanes: the same tokens pass the shared weights once
 * for all lanes of a run, each lane adding its own low-rank terms.
 */
#ifndef SL_ML_ENCODER_ENCODER_H
#define SL_ML_ENCODER_ENCODER_H

#include "ml/weights/model_config.h"

struct sl_encoder;
struct sl_encoder_scratch;

enum sl_head_kind {
    SL_HEAD_NONE,
    SL_HEAD_SEQUENCE, /* logits of each sequence */
    SL_HEAD_TOKENS,   /* logits of each token */
};

enum sl_pooling {
    SL_POOL_MEAN,
    SL_POOL_FIRST,
    SL_POOL_LAST,
    SL_POOL_MAX,
    SL_POOL_ROOT_MEAN,     /* the mean times the root of the length */
    SL_POOL_WEIGHTED_MEAN, /* token i of 1..n counts i times */
};

enum { SL_MAX_ADAPTERS = 32, SL_NO_ADAPTER = 0xffff };

struct sl_encoder_options {
    enum sl_dtype precision; /* of the layers' weights; 0: int8 */
    /* The packed file, mapped at later starts; NULL: pack into memory at every start. */
    const char *pack_path;
    const struct sl_kernels *kernels; /* NULL: the best of this machine */
    uint32_t max_tokens;              /* of one sequence; 0: what the model allows, at most 8192 */
    const char *const *adapters;      /* folders of LoRA adapters; lane i uses adapters[i] */
    uint32_t n_adapters;
    /* NONE: as config.json's architecture says, else SEQUENCE. An adapter's task_type goes before,
     * so that adapters of texts and of tokens share a base. */
    enum sl_head_kind head;
    bool honours_rope_scaling; /* ModernBERT: apply config.json's YaRN; default is plain RoPE */
    bool is_causal_gemma;      /* EmbeddingGemma with a causal mask, as some stored vectors */
};

/* SL_NOTFOUND, SL_INVALID, SL_UNSUPPORTED, SL_LIMIT, SL_IO, SL_NOMEM with a message naming the
 * file or tensor. One thread. */
SL_MUST_USE enum sl_rc sl_encoder_open(struct sl_encoder **out, const char *folder,
                                       const struct sl_encoder_options *options,
                                       struct sl_err *err);
void sl_encoder_close(struct sl_encoder *e);

struct sl_encoder_info {
    const struct sl_model_config *config;
    const struct sl_kernels *kernels;
    enum sl_dtype precision;
    uint32_t max_tokens;    /* of one sequence */
    uint32_t embedding_dim; /* behind the dense modules, if there are any */
    enum sl_pooling pooling;
    bool normalises; /* the folder's modules end with a normalisation */
    size_t weight_bytes;
    uint32_t n_adapters;
    bool was_packed_before; /* the packed file was there */
    const char *note;       /* about the packed file; "" when there is nothing to say */
};
struct sl_encoder_info sl_encoder_info(const struct sl_encoder *e);

/* The head of the checkpoint (SL_NO_ADAPTER) or of an adapter. */
struct sl_head_info {
    enum sl_head_kind kind;
    enum sl_problem problem;
    uint32_t n_labels;
    const struct sl_labels *labels; /* of n_labels names */
};
struct sl_head_info sl_encoder_head(const struct sl_encoder *e, uint32_t adapter);

/*
 * Working memory for runs of at most max_tokens tokens in all and max_lanes lanes. One thread at a
 * time. NULL when out of memory.
 */
struct sl_encoder_scratch *sl_encoder_scratch_new(const struct sl_encoder *e, uint32_t max_tokens,
                                                  uint32_t max_lanes);
void sl_encoder_scratch_free(struct sl_encoder_scratch *s);
size_t sl_encoder_scratch_bytes(const struct sl_encoder_scratch *s);

/* n sequences; the i-th is ids[starts[i] .. starts[i + 1]). */
struct sl_sequences {
    const uint32_t *ids;
    const uint8_t *types; /* token types, or NULL for zeros */
    const uint32_t *starts;
    uint32_t n;
};

/*
 * Every run: SL_LIMIT when the scratch or the model's positions are exceeded, SL_INVALID for an id
 * outside the vocabulary, a layer or dimension that the model lacks, and for results that are not
 * finite (damaged weights must not become a verdict).
 */
struct sl_embed_options {
    uint32_t layer; /* leave behind this layer (1..n_layers); 0: the last */
    uint32_t dim;   /* keep this many values; 0: all */
    bool is_raw;    /* do not scale to length 1 */
};
/* out [n, dim]. A sequence without tokens gives zeros. options may be NULL. */
SL_MUST_USE enum sl_rc sl_encoder_embed(const struct sl_encoder *e, const struct sl_sequences *in,
                                        const struct sl_embed_options *options,
                                        struct sl_encoder_scratch *s, float *out,
                                        struct sl_err *err);

/* Final hidden states, [tokens, hidden]. layer as above. */
SL_MUST_USE enum sl_rc sl_encoder_hidden(const struct sl_encoder *e, const struct sl_sequences *in,
                                         uint32_t layer, struct sl_encoder_scratch *s, float *out,
                                         struct sl_err *err);

struct sl_lane {
    uint32_t adapter; /* index, or SL_NO_ADAPTER */
    float *logits;    /* out: [n, n_labels] or [tokens, n_labels], as its head is */
};
/* Sequences must not be empty. */
SL_MUST_USE enum sl_rc sl_encoder_logits(const struct sl_encoder *e, const struct sl_sequences *in,
                                         const struct sl_lane *lanes, uint32_t n_lanes,
                                         struct sl_encoder_scratch *s, struct sl_err *err);

/* In place over rows of n logits: softmax, sigmoid, or nothing for a regression. */
void sl_probabilities(enum sl_problem problem, uint32_t rows, uint32_t n, float *logits);

#endif
