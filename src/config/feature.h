/*
 * Features: whatever a policy can name (a signal type, a plugin, a selection algorithm) is one
 * file with one record. This header is the part of the record that configuration, documentation
 * and validation need; the owning room embeds it as the first member of its own record
 * (route/signal.h, route/plugin.h, route/selector.h) and adds the functions that run.
 *
 * The registry arrays are written by CMake from the folder listings.
 */
#ifndef SL_CONFIG_FEATURE_H
#define SL_CONFIG_FEATURE_H

#include "config/schema.h"

struct sl_config;
struct sl_recipe_scope;

struct sl_feature {
    const char *name;              /* as a policy spells it: "keyword", "system_prompt", "static" */
    const char *list_key;          /* signals: key under routing.signals ("keywords"); else NULL */
    const char *summary;           /* one line */
    const char *help;              /* a paragraph or more, Markdown */
    const char *example;           /* YAML of one rule / configuration; a test loads it */
    const struct sl_field *fields; /* of one rule / the configuration; may be NULL: no block */
    uint32_t size;  /* of the decoded struct; for signals it begins with sl_str name */
    bool is_active; /* false: loads and validates, but its engine is not built yet */
    /*
     * Signals that need a model: what the configuration lacks for this rule, in words ("no
     * embedding model: ..."); NULL: nothing. NULL function: it needs none.
     */
    const char *(*lacks)(const struct sl_config *config, const void *decoded);
    bool is_lenient; /* plugins: the reference ignores unknown keys here; we still reject them */
    /* Checks within one decoded rule, behind the table's own. May be NULL. */
    void (*validate)(struct sl_check *c, const struct sl_yaml *node, const void *decoded);
    /* Checks that need the rest of the recipe (names of other signals, cards). May be NULL. */
    void (*validate_in)(struct sl_check *c, const struct sl_recipe_scope *scope,
                        const struct sl_yaml *node, const void *decoded);
};

/* NULL-terminated, sorted by file name. */
extern const struct sl_feature *const sl_signal_features[];
extern const struct sl_feature *const sl_plugin_features[];
extern const struct sl_feature *const sl_selector_features[];
extern const struct sl_feature *const sl_looper_features[];

/* The feature of that name in a registry array, or NULL. */
const struct sl_feature *sl_feature_find(const struct sl_feature *const *registry, sl_str name);

#endif
