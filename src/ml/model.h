/*
 * A model folder, whole: tokenizer, encoder and heads. Texts in; embeddings, probabilities of
 * labels or entities with byte offsets out. Long text is read in windows of tokens that overlap;
 * nothing is cut off silently. A literal control token in a text is text.
 *
 * A model does not change once open: any thread may use it, each with its own scratch.
 */
#ifndef SL_ML_MODEL_H
#define SL_ML_MODEL_H

#include "ml/encoder/encoder.h"
#include "ml/encoder/spans.h"
#include "ml/token/tokenizer.h"

struct sl_model;
struct sl_model_scratch;

struct sl_model_options {
    struct sl_encoder_options encoder;
    uint32_t window_tokens;  /* 0: 512, or what the encoder takes if that is less */
    uint32_t overlap_tokens; /* 0: an eighth of the window */
    uint32_t max_windows;    /* a text of more is SL_LIMIT, before any is run; 0: no limit */
    const char *label_map;   /* a mapping file, or NULL: config.json's labels */
};

/* Reads tokenizer.json beside the encoder's files. Errors as sl_encoder_open and
 * sl_tokenizer_load; SL_INVALID when the label map has another number of labels than the head. */
SL_MUST_USE enum sl_rc sl_model_open(struct sl_model **out, const char *folder,
                                     const struct sl_model_options *options, struct sl_err *err);
void sl_model_close(struct sl_model *m);

const struct sl_encoder *sl_model_encoder(const struct sl_model *m);
const struct sl_tokenizer *sl_model_tokenizer(const struct sl_model *m);
/* The labels of a head's outputs: the label map's, else config.json's. */
const struct sl_labels *sl_model_labels(const struct sl_model *m, uint32_t adapter);

/* For runs of up to max_lanes adapters at once. NULL when out of memory. */
struct sl_model_scratch *sl_model_scratch_new(const struct sl_model *m, uint32_t max_lanes);
void sl_model_scratch_free(struct sl_model_scratch *s);

/*
 * out [n, dim]: one vector a text, of length 1 unless options ask for raw ones. A text of several
 * windows is the mean of theirs, weighted by tokens. Several short texts share a run. n_tokens [n]
 * (may be NULL): of each text, template included. An empty text is its template.
 */
SL_MUST_USE enum sl_rc sl_model_embed(const struct sl_model *m, const sl_str *texts, uint32_t n,
                                      const struct sl_embed_options *options,
                                      struct sl_model_scratch *s, float *out, uint32_t *n_tokens,
                                      struct sl_err *err);

/* What one sequence head says of a text: of several windows both answers, for the caller to choose
 * (a topic is the mean, a danger anywhere is a danger). */
struct sl_model_verdict {
    uint32_t adapter; /* in: or SL_NO_ADAPTER */
    float *mean;      /* out [n_labels]: probabilities, windows weighted by tokens */
    float *most;      /* out [n_labels]: each label's highest over the windows; may be NULL */
};

/* `pair` as the second text (p == NULL: none); windows slide over `text`, the pair is in each.
 * All verdicts share each pass over the weights. */
SL_MUST_USE enum sl_rc sl_model_classify(const struct sl_model *m, sl_str text, sl_str pair,
                                         const struct sl_model_verdict *verdicts,
                                         uint32_t n_verdicts, struct sl_model_scratch *s,
                                         uint32_t *n_windows, struct sl_err *err);

/* Entities of a token head, in the order of the text, offsets in its bytes. SL_LIMIT when there are
 * more than max; what fits is there. *n is set. */
SL_MUST_USE enum sl_rc sl_model_spans(const struct sl_model *m, uint32_t adapter, sl_str text,
                                      struct sl_model_scratch *s, struct sl_span *spans,
                                      uint32_t *n, uint32_t max, struct sl_err *err);

#endif
