/*
 * The decision trace: for every signal, projection, decision and candidate its value, threshold,
 * matched or not, skipped and why, cost. Filled only on request; lives in the request's arena.
 */
#ifndef SL_ROUTE_TRACE_H
#define SL_ROUTE_TRACE_H

#include "route/policy.h"

struct sl_trace_signal { /* one family's evaluation */
    const struct sl_signal_type *type;
    bool was_run;
    const char *skip_reason; /* "not referenced", "decision settled", "inactive", ... */
    uint64_t cost_ns;
};

/* Why a rule matched or nearly did: the matched keywords, the value against its bound. */
struct sl_trace_evidence {
    sl_slot slot;
    sl_str text; /* "urgent, asap"; "value 3, needs >= 4" */
    double value;
    double threshold;
    bool has_threshold;
};

struct sl_trace_node { /* of a decision's rule tree, in preorder */
    enum sl_node_op op;
    bool is_fallback; /* empty root */
    sl_str type, name, label;
    bool matched;
    bool was_skipped; /* behind the first failing child of an AND */
    double confidence;
    uint32_t n_children;
    uint32_t n_nodes; /* in this subtree, itself included: the next sibling is at i + n_nodes */
};

struct sl_trace_decision {
    const struct sl_decision_cfg *decision;
    bool matched;
    bool was_skipped;
    const char *skip_reason;
    double confidence;
    const struct sl_trace_node *nodes;
    uint32_t n_nodes;
    uint64_t cost_ns;
};

struct sl_trace_partition {
    const struct sl_partition_cfg *cfg;
    sl_str type; /* "domain" or "embedding" */
    sl_slot winner;
    uint32_t n_contenders;
    double score, raw_score, margin;
    bool was_default;
};

struct sl_trace_input {
    sl_str type, name, kb, metric;
    double weight, value, contribution;
};

struct sl_trace_score {
    sl_str name;
    double total;
    const struct sl_trace_input *inputs;
    uint32_t n_inputs;
};

struct sl_trace_band {
    sl_str name;
    bool matched;
    double boundary_distance;
};

struct sl_trace_mapping {
    sl_str name, source;
    double score;
    sl_str selected; /* first matching output */
    double confidence, boundary_distance;
    const struct sl_trace_band *bands;
    uint32_t n_bands;
};

struct sl_trace_candidate {
    const struct sl_model_ref *ref;
    bool was_selected;
    const char *why;
    double score;
};

struct sl_trace {
    struct sl_arena *arena;
    uint64_t (*now_ns)(void); /* NULL: costs are 0 */
    bool is_brief;            /* only `signals`: which ran, and their cost */
    struct sl_trace_signal *signals;
    uint32_t n_signals;
    struct sl_trace_evidence *evidence;
    uint32_t n_evidence, cap_evidence;
    struct sl_trace_partition *partitions;
    uint32_t n_partitions, cap_partitions;
    struct sl_trace_score *scores;
    uint32_t n_scores;
    struct sl_trace_mapping *mappings;
    uint32_t n_mappings;
    struct sl_trace_decision *decisions;
    uint32_t n_decisions;
    struct sl_trace_candidate *candidates;
    uint32_t n_candidates;
    uint64_t total_ns;
};

/* For a signal's eval(); nothing happens when run->evidence is NULL. The text is copied. */
void sl_trace_note(struct sl_signal_run *run, sl_slot slot, sl_str text, double value,
                   double threshold, bool has_threshold);

#endif
