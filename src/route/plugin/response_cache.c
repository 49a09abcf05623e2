/* Plugin "response_cache": answers given before. Record only, no engine yet. */
#include "config/field.h"
#include "route/plugin.h"

struct response_cache_cfg {
    bool is_enabled;
    struct sl_opt_float flat_threshold;
    struct {
        struct sl_opt_float threshold;
    } semantic;
    enum sl_tri flat_controls;
    sl_str flat_header;
    struct {
        enum sl_tri is_enabled;
        sl_str header;
        struct sl_strs allowed;
    } controls;
};

static const struct sl_field semantic_fields[] = {
    {"similarity_threshold", SL_F_OPT_FLOAT, SL_WITHIN(response_cache_cfg, semantic, threshold),
     SL_BETWEEN(0, 1), .help = "Similarity from which an earlier answer is given; omitted: 0.8."},
    SL_FIELD_END,
};

static const struct sl_field control_fields[] = {
    {"enabled", SL_F_TRI, SL_WITHIN(response_cache_cfg, controls, is_enabled),
     .help = "Lets clients steer the cache by header."},
    {"header", SL_F_STR, SL_WITHIN(response_cache_cfg, controls, header),
     .fallback = "x-vsr-cache-control", .flags = SL_KEEPS_DEFAULT_ON_EMPTY,
     .help = "Name of that header."},
    {"allowed", SL_F_STRS, SL_WITHIN(response_cache_cfg, controls, allowed),
     .help = "Directives that are obeyed: no-cache, no-store, bypass, max-age, ttl; omitted: the "
             "first three."},
    {"max_ttl_seconds", SL_F_OPT_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS),
     .help = "Longest `ttl` that a client may ask for."},
    SL_FIELD_END,
};

static const struct sl_field personalized_fields[] = {
    {"mode", SL_F_ENUM, SL_CHECKED, SL_CHOICES("", "disabled", "exact"), .fallback = "disabled",
     .help = "Whether answers that used memory or retrieval may be kept, for equal contexts."},
    SL_FIELD_END,
};

static const struct sl_field revision_fields[] = {
    {"cache_epoch", SL_F_STR, SL_CHECKED, .help = "A change separates old entries from new."},
    {"model_revision", SL_F_STR, SL_CHECKED, .help = "The same, for the model."},
    {"prompt_revision", SL_F_STR, SL_CHECKED, .help = "The same, for prompts."},
    {"policy_revision", SL_F_STR, SL_CHECKED, .help = "The same, for the policy."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {"enabled", SL_F_BOOL, SL_AT(response_cache_cfg, is_enabled),
     .help = "A decision without this is never cached."},
    {"mode", SL_F_ENUM, SL_CHECKED, SL_CHOICES("", "semantic", "exact", "exact_then_semantic"),
     .fallback = "semantic", .help = "Equal requests, similar ones, or both in that order."},
    {"scope", SL_F_ENUM, SL_CHECKED, SL_CHOICES("", "user", "team", "tenant", "global"),
     .fallback = "user", .help = "Who shares entries; without the identity nothing is cached."},
    {"semantic", SL_F_STRUCT, SL_AT(response_cache_cfg, semantic), .sub = semantic_fields,
     .help = "The similar ones."},
    {"ttl_seconds", SL_F_OPT_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS),
     .help = "Life of an entry; 0 stores nothing; omitted: the store's."},
    {"request_controls", SL_F_STRUCT, SL_AT(response_cache_cfg, controls), .sub = control_fields,
     .help = "What clients may ask for."},
    {"personalized", SL_F_STRUCT, SL_CHECKED_SUB(personalized_fields),
     .help = "Answers that used the user's own context."},
    {"revision", SL_F_STRUCT, SL_CHECKED_SUB(revision_fields),
     .help = "Marks that separate entries of different states of the world."},
    {"allow_request_controls", SL_F_TRI, SL_AT(response_cache_cfg, flat_controls),
     .help = "Older name of `request_controls.enabled`."},
    {"control_header", SL_F_STR, SL_AT(response_cache_cfg, flat_header),
     .help = "Older name of `request_controls.header`."},
    {"similarity_threshold", SL_F_OPT_FLOAT, SL_AT(response_cache_cfg, flat_threshold),
     SL_BETWEEN(0, 1), .help = "Older name of `semantic.similarity_threshold`."},
    SL_FIELD_END,
};

static void check_conflicts(struct sl_check *c, const struct sl_yaml *node,
                            const struct response_cache_cfg *cfg)
{
    const struct sl_yaml *controls = sl_yaml_get(node, SL_STR("request_controls"));
    if (cfg->flat_threshold.is_set && cfg->semantic.threshold.is_set &&
        cfg->flat_threshold.value != cfg->semantic.threshold.value)
        sl_check_error(c, sl_yaml_get(node, SL_STR("similarity_threshold")),
                       "similarity_threshold conflicts with semantic.similarity_threshold");
    if (cfg->flat_controls != SL_UNSET && cfg->controls.is_enabled != SL_UNSET &&
        cfg->flat_controls != cfg->controls.is_enabled)
        sl_check_error(c, sl_yaml_get(node, SL_STR("allow_request_controls")),
                       "allow_request_controls conflicts with request_controls.enabled");
    if (cfg->flat_header.n && sl_yaml_get(controls, SL_STR("header")) &&
        !sl_str_eq_nocase(cfg->flat_header, cfg->controls.header))
        sl_check_error(c, sl_yaml_get(node, SL_STR("control_header")),
                       "control_header conflicts with request_controls.header");
}

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    static const char *const directives[] = {"no-cache", "no-store", "bypass",
                                             "max-age",  "ttl",      NULL};
    const struct response_cache_cfg *cfg = decoded;
    const struct sl_yaml *list =
        sl_yaml_get(sl_yaml_get(node, SL_STR("request_controls")), SL_STR("allowed"));
    check_conflicts(c, node, cfg);
    size_t length = sl_check_push(c, SL_STR("request_controls"));
    sl_check_push(c, SL_STR("allowed"));
    for (uint32_t i = 0; i < cfg->controls.allowed.n; i++) {
        sl_str found = sl_str_trim(cfg->controls.allowed.items[i]);
        uint32_t k = 0;
        while (directives[k] && !sl_str_eq_nocase(found, sl_str_from(directives[k])))
            k++;
        if (directives[k])
            continue;
        size_t at = sl_check_push_index(c, i);
        sl_check_error(c, list && i < list->n ? list->items[i] : node,
                       "found \"%.*s\", expected one of: no-cache, no-store, bypass, max-age, ttl",
                       SL_FMT(found));
        sl_check_pop(c, at);
    }
    sl_check_pop(c, length);
}

const struct sl_plugin_type sl_plugin_response_cache = {
    .feature =
        {
            .name = "response_cache",
            .summary = "Gives answers again that were given before",
            .help = "Keeps answers of this decision in `global.stores.response_cache`, per scope: "
                    "equal requests by hash, similar ones by meaning. Clients may steer it by "
                    "header when `request_controls` allow. Older names of the type: "
                    "`semantic-cache`, `semantic_cache`, `response-cache`.",
            .example = "enabled: true\n"
                       "mode: exact_then_semantic\n"
                       "scope: user\n"
                       "semantic:\n"
                       "  similarity_threshold: 0.9\n"
                       "ttl_seconds: 3600\n",
            .fields = fields,
            .size = sizeof(struct response_cache_cfg),
            .validate = validate,
        },
    .phase = SL_PHASE_NONE,
};
