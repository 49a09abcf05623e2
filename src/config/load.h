/*
 * The state of one load, shared by the files of this room only. Each step reads the document and
 * fills its part of the snapshot; mistakes go to the check, so that all are reported at once.
 */
#ifndef SL_CONFIG_LOAD_H
#define SL_CONFIG_LOAD_H

#include "config/config.h"
#include "config/global/router.h"
#include "config/global/tables.h"

struct sl_global_sections {
    struct sl_router_cfg router;
    struct sl_services_cfg services;
    struct sl_stores_cfg stores;
    struct sl_integrations_cfg integrations;
    struct sl_catalog_cfg catalog;
};

/* Where a recipe stands in the document, for the checks behind its decoding. */
struct sl_recipe_place {
    sl_str path; /* "routing" or "recipes[2].routing" */
    const struct sl_yaml *routing;
};

struct sl_load {
    struct sl_check c;
    struct sl_config *config;
    struct sl_arena *arena; /* the snapshot's */
    const struct sl_load_options *options;
    struct sl_yaml *root;
    sl_str base_dir; /* of the file, for relative paths; empty: from memory */
    struct sl_global_sections global;
    struct sl_recipe_place *places; /* one a recipe of the snapshot */
    bool is_nomem;
    uint32_t cap_inactive;
};

/* Zeroed elements of the snapshot; NULL marks the load as out of memory. n == 0 is valid. */
void *sl_load_zero(struct sl_load *l, size_t n, size_t size);
#define SL_LOAD_ARRAY(l, type, n) ((type *)sl_load_zero((l), (n), sizeof(type)))

/* An environment variable through the options' lookup; NULL when unset. */
const char *sl_load_getenv(const struct sl_load *l, const char *name);

/* A mistake at `node`'s field `key` (at `node` itself when it lacks the field). */
void sl_load_error(struct sl_load *l, const struct sl_yaml *node, const char *key,
                   const char *format, ...) SL_PRINTF(4, 5);

/* Something that is configured but has no engine yet; the path is the check's. */
void sl_load_inactive(struct sl_load *l, const char *kind, sl_str name);
void sl_load_inactive_because(struct sl_load *l, const char *kind, sl_str name, const char *why);
/* Services that the `global` block itself switches on; the path is at "global". */
void sl_load_inactive_switches(struct sl_load *l, const struct sl_yaml *global);

/* "did you mean" over any names: writes `; did you mean "x"?` or nothing. */
struct sl_hint {
    char text[120];
};
struct sl_hint sl_hint_of(sl_str found, const sl_str *names, uint32_t n);

/* scoped.c: whether `type`:`name` is a declared rule of the recipe, and what was meant if not. */
bool sl_scope_resolves(const struct sl_recipe_cfg *r, sl_str type, sl_str name,
                       struct sl_hint *hint);

/* The steps, in the order in which they run. */
void sl_load_expand_env(struct sl_load *l);    /* env.c */
void sl_load_rewrite(struct sl_load *l);       /* raw.c: aliases, removed fields */
void sl_load_global(struct sl_load *l);        /* global.c */
void sl_load_listeners(struct sl_load *l);     /* listeners.c */
void sl_load_cards(struct sl_load *l);         /* cards.c */
void sl_load_providers(struct sl_load *l);     /* providers.c */
void sl_load_recipes(struct sl_load *l);       /* recipes.c */
void sl_load_names(struct sl_load *l);         /* names.c */
void sl_load_check_catalog(struct sl_load *l); /* global.c: knowledge bases that recipes use */
void sl_load_check_scoped(struct sl_load *l);  /* scoped.c: what needs its neighbours */
void sl_load_engines(struct sl_load *l);       /* engines.c: models, and rules that lack theirs */

/* backend.c: address, path and credentials of one backend_ref; see there. */
struct sl_backend_ref {
    sl_str name, endpoint, base_url, type, provider, auth_header, auth_prefix, api_version,
        chat_path, api_key, api_key_env;
    int protocol; /* 0 http, 1 https */
    int64_t weight;
    struct sl_str_pairs extra_headers;
};
extern const struct sl_field sl_backend_ref_fields[];
void sl_load_backend(struct sl_load *l, const struct sl_yaml *node,
                     const struct sl_backend_ref *ref, uint32_t index, sl_str model,
                     struct sl_backend_cfg *out, sl_str *key);

/* rules.c: the decision tree under `node` (NULL: none). */
void sl_load_rules(struct sl_load *l, const struct sl_yaml *node, struct sl_rule_node *out);
void sl_check_predicate(struct sl_check *c, const struct sl_yaml *node,
                        const struct sl_predicate *predicate, bool is_range_warning_only);

/* decisions.c, projections.c: parts of one recipe, with the check's path at its routing block. */
void sl_load_decisions(struct sl_load *l, const struct sl_yaml *routing, struct sl_recipe_cfg *r);
void sl_load_projections(struct sl_load *l, const struct sl_yaml *routing, struct sl_recipe_cfg *r);
void sl_check_projections(struct sl_load *l, const struct sl_yaml *routing,
                          const struct sl_recipe_cfg *r);

#endif
