/*
 * The compiled policy and the one call that routes a request. sl_policy_compile turns a snapshot's
 * recipes into run plans, decision programs and projections; sl_route evaluates facts against one
 * recipe and fills a verdict. No clock, no randomness, no I/O: both come in as parameters.
 *
 * Threads: a policy is immutable and shared. A scratch belongs to one thread.
 */
#ifndef SL_ROUTE_POLICY_H
#define SL_ROUTE_POLICY_H

#include "config/config.h"
#include "route/facts.h"
#include "route/signal.h"

struct sl_infer; /* route/infer.h */
struct sl_policy;
struct sl_trace; /* route/trace.h */

/* Compiles config's recipes and hangs the result on config->policy. Mistakes go to diags. */
SL_MUST_USE enum sl_rc sl_policy_compile(struct sl_config *config, struct sl_diags *diags);

/*
 * Examples that rules compare with. _ask adds every text whose vector they need (each once) to
 * `infer`; _learn takes the answers, before the policy is used. SL_IO: an ask failed, and rules
 * that need it will fail; err says which.
 */
SL_MUST_USE enum sl_rc sl_policy_ask(const struct sl_config *config, struct sl_infer *infer);
SL_MUST_USE enum sl_rc sl_policy_learn(struct sl_config *config, struct sl_infer *infer,
                                       struct sl_err *err);

/* Working memory of one thread, good for any policy; grows to the largest seen. */
struct sl_scratch *sl_scratch_new(void);
void sl_scratch_free(struct sl_scratch *scratch);

struct sl_route_options {
    bool evaluates_all;       /* every declared rule and projection (eval API) */
    bool needs_families;      /* whole families of referenced rules, for the matched-* headers */
    uint64_t random;          /* one draw for the selector */
    uint64_t (*now_ns)(void); /* costs in the trace; NULL: not measured */
    struct sl_trace *trace;   /* NULL: none */
    struct sl_infer *infer;   /* where models are asked; NULL: rules that need one fail */
};

enum sl_route_status {
    SL_ROUTED,              /* model chosen (by a decision or by default) */
    SL_ROUTE_PASSTHROUGH,   /* concrete name: no signals ran */
    SL_ROUTE_NO_MODEL,      /* nothing matched and no default model */
    SL_ROUTE_UNKNOWN_MODEL, /* concrete name that is not configured */
    SL_ROUTE_REFUSED,       /* identity or safety refused: 403 with `error` */
};

struct sl_verdict {
    enum sl_route_status status;
    const struct sl_recipe_cfg *recipe;     /* NULL: passthrough */
    const struct sl_decision_cfg *decision; /* NULL: none matched */
    double confidence;
    const struct sl_model_ref *ref; /* NULL: default model or passthrough */
    const struct sl_model_cfg *model;
    sl_str model_name;           /* logical: LoRA or card name */
    const char *method;          /* "static", "single", "default", "fast_response" ...; NULL
                                    without a decision */
    const char *fallback_reason; /* NULL: none */
    bool has_reasoning;          /* a decision exists: reasoning is enforced */
    bool use_reasoning;
    sl_str effort;
    uint64_t context_tok;        /* context estimate; 0 when not computed */
    struct sl_slots slots;       /* everything that was evaluated */
    const sl_str *matched_rules; /* of the decision: "keyword:urgent" */
    uint32_t n_matched_rules;
    uint64_t families;      /* bit set of the signal types that ran, as in sl_signal_features */
    const char *error;      /* REFUSED, NO_MODEL: text for the client */
    struct sl_run *waiting; /* private: an evaluation that asked and was not resumed yet */
};

/*
 * Routes one request. `model` is the request's model field. All results live in `arena` or in the
 * configuration. SL_NOMEM when the arena is full. SL_AGAIN: options->infer holds open asks; answer
 * or fail all of them, then resume with the same facts, options and arena, which must still be
 * there, and the same verdict.
 */
SL_MUST_USE enum sl_rc sl_route(const struct sl_config *config, sl_str model,
                                const struct sl_facts *facts,
                                const struct sl_route_options *options, struct sl_scratch *scratch,
                                struct sl_arena *arena, struct sl_verdict *out);

SL_MUST_USE enum sl_rc sl_route_resume(const struct sl_config *config, sl_str model,
                                       struct sl_scratch *scratch, struct sl_verdict *out);

/*
 * Routes a few built-in texts with each recipe, so that the first request of this thread does not
 * pay for what grows and is paged in on first use. Well under a millisecond for a usual policy.
 * `arena` must be empty, and is again.
 */
void sl_route_warm(const struct sl_config *config, struct sl_scratch *scratch,
                   struct sl_arena *arena);

/* What a slot of a verdict stands for. */
struct sl_slot_info {
    sl_str full;                         /* "event:pay:severity" */
    sl_str type;                         /* "event"; "projection" for mapping outputs */
    sl_str name;                         /* "pay" */
    const struct sl_signal_type *signal; /* NULL for projections */
};
/* NULL when the recipe has no such slot. */
const struct sl_slot_info *sl_policy_slot(const struct sl_config *config,
                                          const struct sl_recipe_cfg *recipe, sl_slot slot);

/*
 * Slots that the leaves of `decision` (NULL: of every decision) ask for, each once, in order of
 * first use; at most `max`. Returns how many.
 */
uint32_t sl_policy_leaves(const struct sl_config *config, const struct sl_recipe_cfg *recipe,
                          const struct sl_decision_cfg *decision, sl_slot *out, uint32_t max);

#endif
