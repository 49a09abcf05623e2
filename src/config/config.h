/*
 * The configuration snapshot: one immutable, reference-counted tree of plain structs that a loaded
 * file becomes. A request pins the snapshot it began with; a reload builds a new one and swaps a
 * pointer. Everything lives in the snapshot's arena; views and pointers die with the last unref.
 *
 * What routing makes of it (compiled signals, decisions) is route/policy.h, hung on `policy`.
 */
#ifndef SL_CONFIG_CONFIG_H
#define SL_CONFIG_CONFIG_H

#include "base/limits.h"
#include "base/map.h"
#include "config/feature.h"
#include "match/compress.h"

#define SL_NO_INDEX UINT32_MAX

/* ---- listeners, limits ------------------------------------------------------------------- */

struct sl_tls_cfg {
    sl_str cert_file; /* PEM chain; empty: plaintext */
    sl_str key_file;
    sl_str client_ca_file; /* mTLS when set */
};

struct sl_listener_cfg {
    sl_str name;
    sl_str address;
    int64_t port;
    int64_t timeout_ms; /* whole upstream exchange */
    struct sl_tls_cfg tls;
};

/* ---- providers --------------------------------------------------------------------------- */

enum sl_reasoning_type {
    SL_REASONING_TEMPLATE_KWARGS, /* chat_template_kwargs.<parameter>: bool */
    SL_REASONING_EFFORT,          /* effort, place by dialect */
    SL_REASONING_TOP_LEVEL,       /* top-level reasoning_effort */
};

struct sl_reasoning_family {
    sl_str name;
    int type; /* enum sl_reasoning_type */
    sl_str parameter;
};

enum sl_api_format { SL_API_OPENAI, SL_API_ANTHROPIC };

/* How reasoning fields are spelled for a backend, from its profile and host (chapter 01 2.2.3). */
enum sl_backend_dialect {
    SL_DIALECT_VLLM,
    SL_DIALECT_GENERIC,
    SL_DIALECT_OPENAI,
    SL_DIALECT_DEEPSEEK,
    SL_DIALECT_OPENROUTER,
};

struct sl_backend_cfg {
    sl_str name; /* runtime name "<model>_<ref name>" */
    sl_str host; /* resolved from endpoint or base_url; IPv6 without brackets */
    uint16_t port;
    bool is_tls;
    bool has_profile; /* provider profile present: auth, path and headers are shaped */
    uint32_t weight;  /* >= 1 */
    sl_str type;      /* key into external_model_ids */
    sl_str provider;  /* kind of 2.2.2, "" without one */
    enum sl_backend_dialect dialect;
    sl_str model_id;    /* name sent upstream; empty: the model's own name */
    sl_str path;        /* whole chat path, query included */
    sl_str base_path;   /* base_url path without trailing '/', for /completions, /embeddings */
    sl_str auth_header; /* lower case; empty: none */
    sl_str auth_value;  /* "Bearer <key>", complete; empty: the client's own header is kept */
    struct sl_str_pairs extra_headers;
};

enum sl_lb_policy { SL_LB_ROUND_ROBIN, SL_LB_LEAST_REQUEST, SL_LB_CONSISTENT_HASH };

struct sl_reliability_cfg {
    int lb_policy; /* enum sl_lb_policy */
    int64_t retry_count;
    uint32_t retry_on; /* bits of enum sl_retry_on */
    int64_t consecutive_5xx;
    int64_t base_ejection_ms;
    int64_t max_ejection_percent;
    sl_str health_check_path; /* empty: no active checks */
    int64_t health_check_interval_ms;
    int64_t health_check_timeout_ms;
};

enum sl_retry_on {
    SL_RETRY_CONNECT_FAILURE = 1 << 0,
    SL_RETRY_REFUSED_STREAM = 1 << 1,
    SL_RETRY_5XX = 1 << 2,
    SL_RETRY_GATEWAY_ERROR = 1 << 3, /* 502, 503, 504 */
    SL_RETRY_RESET = 1 << 4,
    SL_RETRY_429 = 1 << 5,           /* "retriable-status-codes", "429", "rate-limited" */
    SL_RETRY_RETRIABLE_4XX = 1 << 6, /* 409 */
};

struct sl_pricing {
    bool is_priced;
    sl_str currency;
    double prompt_per_1m;
    double completion_per_1m;
    double cached_input_per_1m;
    struct sl_opt_float cache_write_per_1m;
};

struct sl_lora_cfg {
    sl_str name;
    sl_str description;
};

/* A model card joined with the provider model of its name. */
struct sl_model_cfg {
    sl_str name;
    sl_str param_size;
    int64_t context_window_size;
    sl_str description;
    struct sl_strs capabilities;
    const struct sl_lora_cfg *loras;
    uint32_t n_loras;
    double quality_score;
    sl_str modality;
    struct sl_strs tags;

    bool has_provider;         /* a providers.models entry exists */
    uint32_t reasoning_family; /* index into families, SL_NO_INDEX without */
    enum sl_api_format api_format;
    const struct sl_backend_cfg *backends;
    uint32_t n_backends;
    uint32_t primary_backend; /* first of the highest weight: shapes headers and body */
    sl_str access_key;        /* first key among its backends */
    struct sl_pricing pricing;
    struct sl_reliability_cfg reliability;
};

/* ---- routing ----------------------------------------------------------------------------- */

struct sl_rule_cfg {
    sl_str name;
    const void *decoded; /* the signal feature's struct */
    const struct sl_yaml *node;
};

/* All rules of one signal type in one recipe, declaration order. */
struct sl_signal_cfg {
    const struct sl_feature *feature;
    const struct sl_rule_cfg *rules;
    uint32_t n_rules;
};

struct sl_predicate {
    struct sl_opt_float gt, gte, lt, lte;
};

enum sl_node_op { SL_OP_LEAF, SL_OP_AND, SL_OP_OR, SL_OP_NOT };

struct sl_rule_node {
    enum sl_node_op op;
    sl_str type; /* leaf: as written, trimmed; `signal` is its normalised feature */
    sl_str name;
    sl_str label;
    bool has_predicate;
    struct sl_predicate predicate;
    bool is_match_on_error;
    const struct sl_rule_node *children;
    uint32_t n_children;
    const struct sl_yaml *node;
};

struct sl_model_ref {
    uint32_t model; /* index into models; SL_NO_INDEX when no cards exist */
    sl_str name;
    sl_str lora_name;
    double weight;
    enum sl_tri use_reasoning;
    sl_str reasoning_effort;
    sl_str reasoning_description;
};

struct sl_plugin_cfg {
    const struct sl_feature *feature;
    const void *decoded;
    const struct sl_yaml *node; /* its `configuration` */
};

/* Tri-state: unset fields are not emitted. */
struct sl_retention_cfg {
    bool is_present;
    enum sl_tri drop;
    struct sl_opt_int ttl_turns;
    enum sl_tri keep_current_model;
    enum sl_tri prefer_prefix_retention;
};

struct sl_decision_cfg {
    sl_str name;
    sl_str description;
    int64_t priority;
    int64_t tier;
    bool has_rules; /* false: unconditional */
    struct sl_rule_node rules;
    const struct sl_model_ref *refs;
    uint32_t n_refs;
    const struct sl_feature *algorithm; /* NULL: static */
    const void *algorithm_cfg;          /* decoded block or NULL */
    const struct sl_plugin_cfg *plugins;
    uint32_t n_plugins;
    struct sl_retention_cfg retention;
    const struct sl_yaml *node;
};

struct sl_partition_cfg {
    sl_str name;
    bool is_softmax;
    double temperature;
    struct sl_strs members;
    sl_str fallback; /* `default` */
};

enum sl_value_source { SL_VALUE_BINARY, SL_VALUE_CONFIDENCE, SL_VALUE_RAW, SL_VALUE_SCORE };

struct sl_score_input_cfg {
    sl_str type, name, kb, metric;
    double weight;
    int value_source; /* enum sl_value_source */
    double match, miss;
};

struct sl_score_cfg {
    sl_str name;
    const struct sl_score_input_cfg *inputs;
    uint32_t n_inputs;
};

struct sl_band_cfg {
    sl_str name;
    struct sl_predicate bounds;
};

struct sl_mapping_cfg {
    sl_str name;
    sl_str source;
    bool is_multi_emit;
    double slope; /* > 0 */
    const struct sl_band_cfg *outputs;
    uint32_t n_outputs;
};

enum sl_strategy { SL_STRATEGY_PRIORITY, SL_STRATEGY_CONFIDENCE };

struct sl_recipe_cfg {
    sl_str name; /* "default" for the top-level profile */
    sl_str description;
    enum sl_strategy strategy;           /* resolved through global.router.strategy */
    const struct sl_signal_cfg *signals; /* one per entry of sl_signal_features, same order */
    const struct sl_partition_cfg *partitions;
    uint32_t n_partitions;
    const struct sl_score_cfg *scores; /* in dependency order */
    uint32_t n_scores;
    const struct sl_mapping_cfg *mappings;
    uint32_t n_mappings;
    const struct sl_decision_cfg *decisions;
    uint32_t n_decisions;
};

/* What a request's model name means (chapter 01 section 4). */
enum sl_name_kind { SL_NAME_CONCRETE, SL_NAME_AUTO, SL_NAME_ENTRYPOINT, SL_NAME_LOOPER };

struct sl_name_entry { /* of /v1/models, in its order */
    sl_str name;
    enum sl_name_kind kind;
    uint32_t recipe; /* index; SL_NO_INDEX for concrete */
    sl_str description;
    bool is_listed;
};

/* ---- global ------------------------------------------------------------------------------ */

struct sl_identity_cfg {
    sl_str user_id_header; /* lower case */
    sl_str user_groups_header;
    struct sl_strs trusted_proxies; /* CIDR texts; identity headers of other peers are stripped */
    sl_str trusted_secret_header;   /* or: peers that send this header ... */
    sl_str trusted_secret;          /* ... with this value */
};

struct sl_credential_provider_cfg {
    bool is_header_injection; /* else static-config */
    struct sl_str_pairs headers;
};

/* A shorter text for signals (match/compress.h); what is sent to models does not change. */
struct sl_compression_cfg {
    bool is_enabled;
    uint64_t max_tok;
    uint64_t min_bytes; /* texts of at most so many bytes are left alone */
    struct sl_compress_profile profile;
    struct sl_strs skip_signals; /* types that read the whole text */
};

/* How the similarities of a text to examples become one score (chapter 01 section 6). */
struct sl_prototype_cfg {
    bool enabled; /* similar examples are one prototype */
    double cluster_similarity_threshold;
    int64_t max_prototypes;  /* 0: any number */
    double best_weight;      /* of the best similarity; the rest is for the mean of the top_m */
    int64_t top_m;           /* 0: all */
    double margin_threshold; /* lead that the best preference needs */
};

/* Where vectors of texts come from, and what is made of them. */
struct sl_embedding_cfg {
    const char *lacks; /* why there are no vectors, in words; NULL: there are */
    bool is_remote;
    sl_str model_type;         /* as written */
    sl_str folder;             /* of the local model, as written; empty: none is configured */
    uint32_t dimension, layer; /* asked for; 0: the model's own */
    bool has_soft_matching;
    uint32_t top_k; /* of embedding matches; 0: any number */
    double min_score;
    struct sl_prototype_cfg prototypes;
    struct {
        sl_str base_url, model, api_key_env;
        int64_t timeout_seconds, max_retries, dimensions;
    } remote;
};

struct sl_kb_label {
    sl_str name;
    struct sl_strs exemplars;
    double threshold;
};

struct sl_kb_group {
    sl_str name;
    const uint32_t *labels; /* indices */
    uint32_t n_labels;
};

struct sl_kb_metric {
    sl_str name;
    uint32_t positive, negative; /* groups */
};

/* A knowledge base that a recipe uses and whose manifest was read. */
struct sl_kb {
    sl_str name;
    const struct sl_kb_label *labels;
    uint32_t n_labels;
    const struct sl_kb_group *groups;
    uint32_t n_groups;
    const struct sl_kb_metric *metrics;
    uint32_t n_metrics;
    struct sl_prototype_cfg prototypes;
};

struct sl_management_cfg {
    sl_str bind_address;
    int64_t port;
    bool has_port; /* the file names one; else `port` is the default */
    bool is_remote;
    bool needs_bearer;
    struct sl_str_pairs tokens; /* env name, role */
};

struct sl_global_cfg {
    enum sl_strategy strategy;
    bool lists_config_models; /* include_config_models_in_list */
    bool skip_processing;
    struct sl_identity_cfg identity;
    bool authz_fail_open;
    const struct sl_credential_provider_cfg *credential_providers;
    uint32_t n_credential_providers;
    struct sl_limits_cfg limits;
    struct sl_management_cfg management;
    bool metrics_enabled;
    bool looper_enabled; /* integrations.looper.endpoint non-empty */
    struct sl_compression_cfg compression;
    struct sl_embedding_cfg embedding;
    struct sl_prototype_cfg complexity_prototypes, preference_prototypes;
    bool asks_for_preference; /* of an external model; else preferences compare with examples */
    bool guard_is_off;        /* prompt_guard.enabled is false */
    bool guard_fails_open;    /* prompt_guard.on_error is "allow" */
    double guard_threshold;
    const struct sl_kb *kbs; /* of those that recipes use */
    uint32_t n_kbs;
    const struct sl_yaml *node; /* the file's block, NULL without; defaults are in the tables */
};

/* A configured feature whose engine is not built: where, and what it is. */
struct sl_inactive {
    sl_str path; /* "routing.signals.embeddings[0]" */
    sl_str what; /* "embedding signal \"docs\"" */
};

struct sl_engine;

struct sl_config {
    _Atomic uint32_t refs;
    struct sl_arena arena;
    uint64_t generation; /* 1, 2, ... per process */
    sl_str path;         /* file it came from; empty: embedded or from memory */
    char sha256_hex[65]; /* of the original bytes */
    int64_t loaded_unix_s;

    const struct sl_listener_cfg *listeners;
    uint32_t n_listeners;
    const struct sl_reasoning_family *families;
    uint32_t n_families;
    sl_str default_effort; /* "medium" when unset */
    const struct sl_model_cfg *models;
    uint32_t n_models;
    uint32_t default_model;              /* index, SL_NO_INDEX when unset */
    sl_str default_model_name;           /* may be a LoRA of default_model */
    struct sl_map model_by_name;         /* cards, LoRAs, then external ids -> index of the model */
    const struct sl_recipe_cfg *recipes; /* [0] is "default" */
    uint32_t n_recipes;
    const struct sl_name_entry *names;
    uint32_t n_names;
    struct sl_map name_index; /* auto, entrypoint and looper names -> index into names */
    struct sl_global_cfg global;

    const struct sl_inactive *inactive;
    uint32_t n_inactive;
    const struct sl_yaml *document; /* after migration and expansion: the effective file */

    void *policy; /* struct sl_policy *, owned; compiled by route/ */
    void (*free_policy)(void *policy);
    struct sl_engine *engine; /* infer/engine.h, owned: answers the policy's asks; NULL: none */
    void (*free_engine)(struct sl_engine *engine);
    bool lacks_examples; /* some vectors of examples could not be had: worth asking again */
};

struct sl_load_options {
    bool is_strict;       /* no migration of older shapes */
    bool is_reading_only; /* no environment expansion, no files besides the document */
    sl_str name;          /* for messages; default the path */
    sl_str base_dir;      /* of a text: folder for relative paths; empty: files are not read */
    /* Environment lookup; NULL = getenv. Tests pass their own. */
    const char *(*getenv)(void *ctx, const char *name);
    void *getenv_ctx;
};

/*
 * Loads a file or a text. On success *out holds one reference and diags may hold warnings. On
 * failure *out is NULL and diags holds every mistake found, sorted by place.
 * Any thread; takes milliseconds: not on an event loop.
 */
SL_MUST_USE enum sl_rc sl_config_load(struct sl_config **out, sl_str path,
                                      const struct sl_load_options *options,
                                      struct sl_diags *diags);
SL_MUST_USE enum sl_rc sl_config_load_text(struct sl_config **out, sl_str text,
                                           const struct sl_load_options *options,
                                           struct sl_diags *diags);

struct sl_config *sl_config_ref(struct sl_config *config);
void sl_config_unref(struct sl_config *config); /* the last one frees; any thread */

/* Model of a card, LoRA or external id; NULL when unknown. */
const struct sl_model_cfg *sl_config_model(const struct sl_config *config, sl_str name);

/* A knowledge base that was read; NULL: no recipe uses it, or its manifest is not here. */
const struct sl_kb *sl_config_kb(const struct sl_config *config, sl_str name);

/* Meaning of a request's `model` (trimmed here). NULL: concrete name. */
const struct sl_name_entry *sl_config_name(const struct sl_config *config, sl_str model);

/*
 * Older shapes (chapter 01 section 3) to the canonical tree, in place; a warning per rewritten
 * block. True when anything was rewritten.
 */
bool sl_config_migrate(struct sl_arena *arena, struct sl_yaml *document, struct sl_diags *diags);

#endif
