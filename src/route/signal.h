/*
 * A signal type: one file in route/signal/ with one record. compile() turns the rules of a recipe
 * into state; eval() reads facts and reports through slots.
 *
 * A slot is one reportable name: "keyword:urgent", "event:pay:severity". It can be matched, have
 * a confidence, and have a raw value, each on its own. Decisions and projections are compiled to
 * slot numbers, so evaluation compares no strings.
 */
#ifndef SL_ROUTE_SIGNAL_H
#define SL_ROUTE_SIGNAL_H

#include "config/config.h"
#include "route/facts.h"

struct sl_scan_builder; /* match/scan.h: the shared literal and regex scan */
struct sl_scan_hits;
struct sl_bank;    /* route/bank.h: examples and their vectors */
struct sl_infer;   /* route/infer.h: what is asked of models */
struct sl_scratch; /* per event loop: automata built so far and other working memory */

enum sl_signal_cost {                /* order of evaluation, cheapest first */
                      SL_COST_FACT,  /* counters and headers: under 100 ns */
                      SL_COST_SCAN,  /* reads run->hits, the shared pass over the text */
                      SL_COST_TEXT,  /* tokenisation, n-grams: microseconds */
                      SL_COST_MODEL, /* inference, remote calls */
};

enum sl_failure { SL_FAIL_NO_MATCH, SL_FAIL_MATCH, SL_FAIL_REFUSE };

typedef uint32_t sl_slot;

/* What compile() works with. */
struct sl_signal_build {
    const struct sl_config *config;
    const struct sl_recipe_cfg *recipe;
    const struct sl_signal_cfg *signal;
    struct sl_arena *arena;       /* lives as long as the policy */
    struct sl_scan_builder *scan; /* register patterns; matched in one pass a text */
    struct sl_diags *diags;
    struct sl_bank **banks; /* for sl_bank_new */
    /* Registers "<type>:<name>"; the same name gives the same slot. Rule i's own slot first. */
    sl_slot (*slot)(struct sl_signal_build *b, sl_str name);
    /* The same under another type's name: what is measured beside rules ("kb_metric"). */
    sl_slot (*slot_as)(struct sl_signal_build *b, sl_str type, sl_str name);
    /* A slot of any type, "keyword:urgent", that `slot` rests on: evaluated where it is. */
    sl_slot (*depends)(struct sl_signal_build *b, sl_slot slot, sl_str type, sl_str name);
    void *slots; /* private to the policy compiler */
};

/* Result arrays of one evaluation, indexed by slot; owned by the request arena. */
struct sl_slots {
    uint64_t *matched; /* bit sets */
    uint64_t *has_conf;
    uint64_t *has_value;
    uint64_t *has_error;
    double *conf;
    double *value;
    sl_slot *order; /* matched slots in the order they were reported */
    uint32_t n_order;
    uint32_t n_slots;
};

struct sl_signal_run {
    const struct sl_facts *facts;
    sl_str text; /* facts->eval, compressed if configured; its window with reads_window */
    const struct sl_scan_hits *hits; /* of the shared scan over `text`; SL_COST_SCAN types only */
    struct sl_slots *out;
    struct sl_scratch *scratch;
    struct sl_arena *arena; /* the request's */
    const uint64_t *wanted; /* bit set of slots; NULL = every rule */
    const char *error;      /* set to refuse the request (authz without a user) */
    struct sl_infer *infer; /* NULL: no model can be asked */
    bool is_waiting;        /* set when something was asked: nothing was reported, come again */
    void *evidence;         /* struct sl_trace * or NULL: route/trace.h */
};

struct sl_signal_type {
    struct sl_feature feature; /* first: the registry casts */
    const char *matched_key;   /* key in eval answers: "keywords" */
    const char *header;        /* "x-vsr-matched-keywords"; NULL: none */
    enum sl_signal_cost cost;
    enum sl_failure on_failure; /* what an engine failure means unless configured otherwise */
    bool is_per_rule;           /* only referenced rules run (conversation, metadata) */
    bool reads_window;          /* sees the 2,048-code-point window, not the full text */
    /*
     * State for eval; NULL state with SL_OK: nothing to run. Mistakes that only show now (a regex
     * that does not compile) go to b->diags. NULL function: the engine is not built yet.
     */
    enum sl_rc (*compile)(struct sl_signal_build *b, void **state);
    void (*eval)(const void *state, struct sl_signal_run *run);
    /* Behind all families, before projections; may be NULL. For what rests on other signals. */
    void (*finish)(const void *state, struct sl_slots *out);
    void (*destroy)(void *state); /* may be NULL: everything was in the arena */
};

/* Reporting, for eval(). */
static inline void sl_slot_match(struct sl_slots *s, sl_slot slot)
{
    uint64_t bit = (uint64_t)1 << (slot & 63);
    if (s->matched[slot >> 6] & bit)
        return;
    s->matched[slot >> 6] |= bit;
    s->order[s->n_order++] = slot;
}

static inline void sl_slot_conf(struct sl_slots *s, sl_slot slot, double confidence)
{
    s->has_conf[slot >> 6] |= (uint64_t)1 << (slot & 63);
    s->conf[slot] = confidence;
}

static inline void sl_slot_value(struct sl_slots *s, sl_slot slot, double value)
{
    s->has_value[slot >> 6] |= (uint64_t)1 << (slot & 63);
    s->value[slot] = value;
}

static inline bool sl_slot_is_matched(const struct sl_slots *s, sl_slot slot)
{
    return s->matched[slot >> 6] >> (slot & 63) & 1;
}

#endif
