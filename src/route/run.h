/*
 * Evaluation of one request against one plan: which signals run, in which order, and when to
 * stop. Chapter 01 sections 5.2 and 7. Private to route/.
 */
#ifndef SL_ROUTE_RUN_H
#define SL_ROUTE_RUN_H

#include "route/plan.h"
#include "route/scratch.h"

/* A text that signals read, whole or compressed, and what was made of it so far. */
struct sl_run_text {
    sl_str full, window;
    struct sl_scan_hits full_hits, window_hits;
    bool is_made, has_window, has_full_hits, has_window_hits;
};

struct sl_run {
    const struct sl_plan *plan;
    const struct sl_facts *facts;
    const struct sl_route_options *options;
    struct sl_scratch *scratch;
    struct sl_arena *arena;
    struct sl_slots slots;
    uint64_t families_run; /* bit set by family number */
    const char *error;     /* a signal refused the request */
    uint64_t started_ns;   /* for the trace */
    uint32_t n_refused;    /* the arena's, at the start */

    /* private to run.c */
    uint64_t *unknown, *wanted, *narrowed; /* bit sets of the program's words */
    uint64_t *scores_done;
    double *totals;
    uint64_t families_done; /* bit set by family number */
    struct sl_run_text whole, compressed;
    uint32_t next;   /* family to go on with */
    bool is_waiting; /* some family asked a model and must be evaluated again */
};

/*
 * Fills run->slots; plan, facts, options, scratch and arena are set by the caller. With
 * options->evaluates_all every declared rule and every projection; with needs_families whole
 * families of referenced rules; else only what can still change the decision, cheapest first.
 */
SL_MUST_USE enum sl_rc sl_run_signals(struct sl_run *run);

/* Goes on behind SL_AGAIN, when every ask has been answered. May say SL_AGAIN again. */
SL_MUST_USE enum sl_rc sl_run_resume(struct sl_run *run);

#endif
