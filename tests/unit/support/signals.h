/*
 * The signals of a policy without the engine around them: compiles `routing.signals` of a YAML
 * text and evaluates one request. For tests of signals by themselves.
 */
#ifndef SL_TESTS_SIGNALS_H
#define SL_TESTS_SIGNALS_H

#include "match/scan.h"
#include "route/signal.h"

#define SIGNALS_MAX_SLOTS 512

struct signals {
    struct sl_arena arena;
    struct sl_diags diags;
    struct sl_config config;
    sl_str slot_names[SIGNALS_MAX_SLOTS]; /* "keyword:urgent" */
    uint32_t n_slots;
    struct signals_family {
        const struct sl_signal_type *type;
        void *state;
    } families[64];
    uint32_t n_families;
    struct sl_scan_builder *builder;
    struct sl_scan *scan; /* of all families */
    struct sl_scan_scratch *scratch;
};

/* Decodes and compiles; what is wrong is in diags. */
void signals_load(struct signals *s, sl_str yaml);
void signals_free(struct signals *s);

/* Evaluates all families; results in the arena. *error: a signal that refuses the request. */
struct sl_slots signals_eval(struct signals *s, const struct sl_facts *facts,
                             struct sl_arena *arena, const char **error);

/* Facts of a request that is one user message. */
struct sl_facts signals_text_facts(sl_str text);

/* Slot of "family:rule", or UINT32_MAX. */
sl_slot signals_slot(const struct signals *s, const char *name);
bool signals_matched(const struct signals *s, const struct sl_slots *out, const char *name);

#endif
