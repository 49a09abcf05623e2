/*
 * Entities from the labels of tokens: BIO label sets, merged so that no labelled token is lost.
 * Pure; any thread.
 *
 * - "B-T" opens an entity; "I-T" (or "E-T") extends an open one of the same type and opens one
 * where none of its type is open; "O" closes.
 * - In a set without B- and I- every label but the outside one is a type, and neighbours of one
 * type are one entity.
 * - Two entities of one type with nothing but blanks or one of - . / @ between them are one when
 * the second began with I-.
 * - An entity's confidence is the mean over its tokens of the label's probability.
 */
#ifndef SL_ML_ENCODER_SPANS_H
#define SL_ML_ENCODER_SPANS_H

#include "ml/weights/labels.h"

/* Which label is what, found once for a label set. */
struct sl_span_labels {
    const struct sl_labels *labels;
    uint32_t outside; /* index of "O"; of a set without it: 0 */
    bool is_bio;
};
struct sl_span_labels sl_span_labels_of(const struct sl_labels *labels);

/*
 * The type that a label or an answer names: without B-, I- or E-; class_N and LABEL_N are the N-th
 * label of the set. A view of `name` or of the set.
 */
sl_str sl_span_type(const struct sl_labels *labels, sl_str name);

struct sl_span {
    sl_str type;
    uint32_t from, to; /* bytes of the text */
    float confidence;  /* mean */
    float least;
    uint32_t n_tokens;
    bool began_inside; /* with I- */
};

struct sl_span_tokens {
    const float *probabilities; /* [n, labels] */
    const uint32_t *from, *to;  /* bytes of each token; equal ones are skipped (template tokens) */
    uint32_t n;
    sl_str text;   /* what the offsets point into */
    uint32_t base; /* added to the offsets of the answer */
};

/*
 * Appends the entities of one window to spans[*n ..max). SL_LIMIT when there are more: what fits is
 * there.
 */
SL_MUST_USE enum sl_rc sl_spans_find(const struct sl_span_labels *labels,
                                     const struct sl_span_tokens *tokens, struct sl_span *spans,
                                     uint32_t *n, uint32_t max);

/*
 * Spans of several windows as one list in the order of the text: of two that overlap with one type,
 * the union with the higher confidence stays; of two that overlap with different types, both. In
 * place; returns how many are left.
 */
uint32_t sl_spans_settle(struct sl_span *spans, uint32_t n);

#endif
