/*
 * The field tables of `global` but for global.router, what is decoded from them, and the checks
 * that go beyond one field. The tables carry the built-in defaults, so that decoding the user's
 * tree is the merge: maps merge key by key, lists and scalars replace.
 *
 * Fields whose engine is not built are SL_CHECKED_ONLY: validated, not stored. The engine that
 * comes gives them a home in these structs.
 *
 * Checks are called with the path of `c` at their section ("global.stores") and report every
 * mistake, with the reference's wording where it has one.
 */
#ifndef SL_CONFIG_GLOBAL_TABLES_H
#define SL_CONFIG_GLOBAL_TABLES_H

#include "config/config.h"

/* ---- global.services --------------------------------------------------------------------- */

struct sl_authz_provider_cfg {
    int type;                    /* 0 unset, 1 header-injection, 2 static-config */
    struct sl_str_pairs headers; /* provider or header -> value */
};

struct sl_management_token_cfg {
    sl_str env;
    sl_str role;
};

struct sl_services_cfg {
    struct {
        bool fail_open;
        struct sl_identity_cfg identity;
        struct sl_list providers; /* struct sl_authz_provider_cfg */
    } authz;
    struct {
        sl_str bind_address;
        int64_t port;
        bool remote_exposure;
        struct {
            int mode;                   /* 0 disabled, 1 bearer */
            struct sl_list tokens;      /* struct sl_management_token_cfg */
            struct sl_named_list roles; /* struct sl_management_role_cfg */
        } auth;
    } management_api;
    struct {
        struct {
            bool enabled;
        } metrics;
    } observability;
};

struct sl_management_role_cfg {
    sl_str name;
    struct sl_strs permissions;
};

extern const struct sl_field sl_global_services_fields[]; /* struct sl_services_cfg */

void sl_global_check_services(struct sl_check *c, const struct sl_services_cfg *services,
                              const struct sl_yaml *node);

/* ---- global.stores ----------------------------------------------------------------------- */

struct sl_stores_cfg {
    struct {
        bool enabled;
        struct sl_opt_float similarity_threshold;
        int64_t max_entries;
        int64_t ttl_seconds;
        sl_str backend_type;
        sl_str embedding_model;
    } response_cache;
    struct {
        bool enabled;
        struct sl_opt_float default_similarity_threshold;
    } memory;
};

extern const struct sl_field sl_global_stores_fields[]; /* struct sl_stores_cfg */

void sl_global_check_stores(struct sl_check *c, const struct sl_stores_cfg *stores,
                            const struct sl_yaml *node);

/* ---- global.integrations ----------------------------------------------------------------- */

struct sl_integrations_cfg {
    struct {
        bool enabled;
    } tools;
    struct {
        sl_str endpoint; /* empty: loopers are off */
        int64_t timeout_seconds;
        struct {
            struct sl_strs model_names; /* n == 0: the default slug */
        } remom, fusion, flow;
    } looper;
};

extern const struct sl_field sl_global_integrations_fields[]; /* struct sl_integrations_cfg */

void sl_global_check_integrations(struct sl_check *c,
                                  const struct sl_integrations_cfg *integrations,
                                  const struct sl_yaml *node);

/*
 * `advanced_filtering` of tools, also used by the plugin tool_selection: fields, and the ranges
 * that hold only when it is enabled. `c` and the node are at advanced_filtering itself.
 */
extern const struct sl_field sl_advanced_filtering_fields[]; /* all checked only */
void sl_check_advanced_filtering(struct sl_check *c, const struct sl_yaml *advanced_filtering);

/* ---- global.model_catalog ---------------------------------------------------------------- */

/* A model called over HTTP: guardrail, classification, preference ... */
struct sl_external_model_cfg {
    sl_str name;
    sl_str model_role;
    struct {
        sl_str address;
        int64_t port;
        sl_str protocol;
    } llm_endpoint;
    sl_str llm_model_name;
    int64_t llm_timeout_seconds;
    sl_str access_key;
};

struct sl_kb_group_cfg {
    sl_str name;
    struct sl_strs labels;
};

struct sl_kb_metric_cfg {
    sl_str name;
    sl_str type; /* "group_margin" */
    sl_str positive_group;
    sl_str negative_group;
};

struct sl_kb_label_threshold {
    sl_str label;
    double threshold;
    const struct sl_yaml *node;
};

struct sl_kb_cfg {
    sl_str name;
    struct {
        sl_str path;
        sl_str manifest;
    } source;
    double threshold;
    struct sl_list label_thresholds; /* struct sl_kb_label_threshold */
    struct sl_list groups;           /* struct sl_kb_group_cfg, declaration order */
    struct sl_list metrics;          /* struct sl_kb_metric_cfg */
    struct sl_prototype_cfg prototypes;
    struct sl_strs labels;           /* of the manifest, once is_loaded */
    const struct sl_strs *exemplars; /* by label; NULL: a built-in base whose file is not here */
    bool is_loaded;
};

struct sl_catalog_cfg {
    struct {
        sl_str model_type; /* of embedding_config, as written */
        sl_str backend;
        int64_t target_dimension, target_layer;
        int soft_matching; /* enum of SL_F_TRI */
        struct sl_opt_int top_k;
        double min_score_threshold;
        struct sl_prototype_cfg prototypes;
    } embedding;
    struct {
        sl_str qwen3, gemma, mmbert, bert, multimodal;
    } folders; /* of embedding models */
    struct {
        sl_str base_url, model, api_key_env;
        int64_t timeout_seconds, max_retries, dimensions;
    } endpoint;
    struct {
        int is_contrastive; /* SL_F_TRI */
        struct sl_prototype_cfg prototypes;
    } preference;
    struct sl_prototype_cfg complexity_prototypes;
    struct sl_list external; /* struct sl_external_model_cfg */
    struct sl_list kbs;      /* struct sl_kb_cfg */
    struct {
        bool enabled;
        sl_str variant;
        sl_str protocol;
        double threshold;
        sl_str on_error;
    } prompt_guard;
    struct {
        bool enabled;
    } modality_detector;
    struct {
        bool enabled;
        sl_str profile;
        int64_t max_tokens;
        int64_t min_length;
        struct sl_strs skip_signals;
        double textrank_weight, position_weight, tfidf_weight, novelty_weight, position_depth;
        int64_t preserve_first_n, preserve_last_n;
    } prompt_compression;
};

extern const struct sl_field sl_global_catalog_fields[]; /* struct sl_catalog_cfg */

/* Behind decoding: the built-in knowledge bases when the file lists none. */
void sl_global_complete_catalog(struct sl_check *c, struct sl_catalog_cfg *catalog,
                                const struct sl_yaml *node);

void sl_global_check_catalog(struct sl_check *c, const struct sl_catalog_cfg *catalog,
                             const struct sl_yaml *node);

const struct sl_external_model_cfg *sl_catalog_external(const struct sl_catalog_cfg *catalog,
                                                        sl_str name);
const struct sl_kb_cfg *sl_catalog_kb(const struct sl_catalog_cfg *catalog, sl_str name);

/*
 * Knowledge bases: names, thresholds, groups and metrics of all; the manifest of those for which
 * is_used says true (NULL: none is read) is loaded and labels are checked against it. `base_dir`
 * is the folder of the configuration file. `c` is at "global.model_catalog".
 */
void sl_global_check_kbs(struct sl_check *c, struct sl_catalog_cfg *catalog,
                         const struct sl_yaml *node, sl_str base_dir,
                         bool (*is_used)(void *ctx, sl_str kb), void *ctx);

/* ---- checks of other sections ------------------------------------------------------------ */

/* providers.defaults.reasoning_families, `c` at "providers.defaults". */
void sl_check_reasoning_families(struct sl_check *c, const struct sl_yaml *families);

/* global.router.learning, `c` at "global.router". */
extern const struct sl_field sl_learning_fields[];
void sl_global_check_learning(struct sl_check *c, const struct sl_yaml *learning);

/* Local classifiers of all recipes must be one and the same model. */
void sl_check_local_classifiers(struct sl_check *c, const struct sl_recipe_cfg *recipes,
                                uint32_t n_recipes);

#endif
