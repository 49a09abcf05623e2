/*
 * Metric cells of a loop, looked up once for a snapshot and kept: counting is an add. What labels
 * come from a request is remembered by the last value seen. Private to the pipeline; owner loop.
 */
#ifndef SL_PROXY_COUNTS_H
#define SL_PROXY_COUNTS_H

#include "obs/metrics.h"
#include "route/policy.h"

struct sl_px;
struct sl_lane;
struct sl_rewrite;

/* The cell of the last label seen; the label is a static text or lives in the configuration. */
struct sl_memo {
    const void *label;
    struct sl_cell *cell;
};

/* The metric cells that most requests to a model touch. */
struct sl_model_cells {
    struct sl_cell *requests, *in_flight, *ttft, *latency, *tpot, *itl;
    struct sl_cell *prompt_tok, *completion_tok, *tok, *prompt_hist, *completion_hist;
    struct sl_cell *cost;
    struct sl_memo reason, context, param, effort;
    sl_str source; /* the name last routed here, of the configuration */
    struct sl_cell *modification;
    struct sl_backend_cells *backends; /* by index */
};

struct sl_backend_cells {
    struct sl_cell *opened, *reused, *first_byte;
    struct sl_cell *calls; /* answered with `code` */
    int code;
};

/* Of one candidate of a decision, or of none (the default model). */
struct sl_ref_cells {
    struct sl_memo selection, effort;
    bool was_on; /* of `effort` */
};

struct sl_decision_cells {
    const struct sl_decision_cfg *decision; /* the key */
    struct sl_cell *matches, *confidence;
    struct sl_ref_cells *refs; /* n_refs + 1; the last: no candidate */
    struct sl_cell **plugins;  /* applied with success, by index */
    struct sl_decision_cells *next;
};

struct sl_recipe_cells {
    const struct sl_recipe_cfg *recipe; /* the key */
    struct sl_cell **matches;           /* by slot */
    const struct sl_slot_info **infos;
    struct sl_recipe_cells *next;
};

#define SL_COUNT_GATES    8
#define SL_COUNT_ENDS     8
#define SL_COUNT_FAMILIES 64
#define SL_COUNT_BUCKETS  64 /* of the decision table */

/* Of a loop, whatever the snapshot. */
struct sl_proxy_cells {
    struct {
        int status;
        struct sl_cell *cell;
    } answers[SL_COUNT_GATES];
    struct sl_memo ends[SL_COUNT_ENDS];
    struct sl_cell *families[SL_COUNT_FAMILIES];
};

/* Of a snapshot. */
struct sl_lane_cells {
    struct sl_model_cells *models; /* by index; filled at first use */
    struct sl_decision_cells *decisions[SL_COUNT_BUCKETS];
    struct sl_recipe_cells *recipes;
};

/* Those of the verdict's model. */
struct sl_model_cells *sl_px_model_cells(const struct sl_px *px);

/* The verdict: signals, decision, selection, reasons. */
void sl_count_verdict(struct sl_px *px);
void sl_count_plugin(struct sl_px *px, uint32_t plugin, enum sl_rc rc);
/* What the rewrites say they did. */
void sl_count_rewrite(struct sl_px *px, const struct sl_rewrite *rewrite);
/* One call to px->backend, by the status of its answer; 0: none came. At most once a call. */
void sl_count_call(struct sl_px *px, int status);
void sl_count_answer(struct sl_px *px, const char *path, uint32_t gate);

#endif
