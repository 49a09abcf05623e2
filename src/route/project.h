/*
 * Projections: weighted sums of signal results and the bands they fall into. Chapter 02 sections
 * 1.3 to 1.5. Compiled to slot numbers; evaluation is arithmetic only.
 */
#ifndef SL_ROUTE_PROJECT_H
#define SL_ROUTE_PROJECT_H

#include "route/slots.h"
#include "route/trace.h"

enum sl_input_kind {
    SL_INPUT_BINARY,
    SL_INPUT_CONFIDENCE,
    SL_INPUT_RAW,
    SL_INPUT_SCORE,      /* of the score at index `slot` */
    SL_INPUT_OUTPUT_CONF /* confidence of a mapping output, 0 unless emitted */
};

struct sl_proj_input {
    enum sl_input_kind kind;
    uint32_t slot;
    bool is_partition_default; /* a confidence of 0 is meant, not missing */
    double weight, match, miss;
    const struct sl_score_input_cfg *cfg;
};

struct sl_proj_mapping {
    const struct sl_mapping_cfg *cfg;
    const sl_slot *outputs; /* slot of cfg->outputs[i] */
};

struct sl_proj_score {
    const struct sl_score_cfg *cfg;
    const struct sl_proj_input *inputs;
    const struct sl_proj_mapping *mappings; /* whose source is this score */
    uint32_t n_mappings;
    uint64_t families;    /* bit set of signal types that must have run, transitive */
    const sl_slot *reads; /* slots it depends on, transitive */
    uint32_t n_reads;
};

struct sl_projection {
    const struct sl_proj_score *scores; /* in dependency order */
    uint32_t n_scores;                  /* 0 unless the recipe has scores and mappings */
};

/* Registers the outputs' and inputs' slots in `table`. SL_NOMEM is the only failure. */
SL_MUST_USE enum sl_rc sl_projection_compile(struct sl_projection *out, struct sl_slot_table *table,
                                             const struct sl_recipe_cfg *recipe,
                                             struct sl_arena *arena);

/*
 * Computes score `i` into totals[i] and emits the outputs of its mappings. Scores that it reads
 * must have been computed. `trace` may be NULL.
 */
void sl_projection_eval(const struct sl_projection *p, uint32_t i, struct sl_slots *s,
                        double *totals, struct sl_trace *trace);

#endif
