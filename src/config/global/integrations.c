/* global.integrations: the tool database and the looper. */
#include "config/field.h"
#include "config/global/connections.h"
#include "config/global/tables.h"
#include "config/scalar.h"

/* Ranges of these hold only when the block is enabled; see sl_check_advanced_filtering. */
static const struct sl_field weight_fields[] = {
    {"embed", SL_F_OPT_FLOAT, SL_CHECKED, SL_UNBOUNDED,
     .help = "Weight of meaning, 0 to 1 when enabled."},
    {"lexical", SL_F_OPT_FLOAT, SL_CHECKED, SL_UNBOUNDED,
     .help = "Weight of common words, 0 to 1 when enabled."},
    {"tag", SL_F_OPT_FLOAT, SL_CHECKED, SL_UNBOUNDED,
     .help = "Weight of tags, 0 to 1 when enabled."},
    {"name", SL_F_OPT_FLOAT, SL_CHECKED, SL_UNBOUNDED,
     .help = "Weight of the name, 0 to 1 when enabled."},
    {"category", SL_F_OPT_FLOAT, SL_CHECKED, SL_UNBOUNDED,
     .help = "Weight of the category, 0 to 1 when enabled."},
    SL_FIELD_END,
};

static const struct sl_field history_fields[] = {
    {"history_horizon", SL_F_OPT_INT, SL_CHECKED, SL_UNBOUNDED, .fallback = "8",
     .help = "Earlier calls that count, at least 0 when enabled."},
    {"min_history_steps", SL_F_OPT_INT, SL_CHECKED, SL_UNBOUNDED, .fallback = "1",
     .help = "Calls needed for them to count, at least 0 when enabled."},
    {"history_confidence_threshold", SL_F_OPT_FLOAT, SL_CHECKED, SL_UNBOUNDED,
     .help = "Strength needed, 0 to 1 when enabled."},
    {"weight_semantic", SL_F_OPT_FLOAT, SL_CHECKED, SL_UNBOUNDED, .fallback = "1",
     .help = "Weight of meaning, 0 to 1 when enabled."},
    {"weight_history_transition", SL_F_OPT_FLOAT, SL_CHECKED, SL_UNBOUNDED, .fallback = "1",
     .help = "Weight of what usually follows, 0 to 1 when enabled."},
    {"weight_decision_prior", SL_F_OPT_FLOAT, SL_CHECKED, SL_UNBOUNDED, .fallback = "1",
     .help = "Weight of the decision, 0 to 1 when enabled."},
    {"repetition_penalty_strength", SL_F_OPT_FLOAT, SL_CHECKED, SL_UNBOUNDED,
     .help = "Penalty of repeated calls, 0 to 1 when enabled."},
    SL_FIELD_END,
};

const struct sl_field sl_advanced_filtering_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Switches it on."},
    {"retrieval_strategy", SL_F_STR, SL_CHECKED, .fallback = "weighted",
     .help = "`weighted` or `hybrid_history`."},
    {"candidate_pool_size", SL_F_OPT_INT, SL_CHECKED, SL_UNBOUNDED,
     .help = "Tools that are ranked, at least 0 when enabled."},
    {"min_lexical_overlap", SL_F_OPT_INT, SL_CHECKED, SL_UNBOUNDED,
     .help = "Common words needed, at least 0 when enabled."},
    {"min_combined_score", SL_F_OPT_FLOAT, SL_CHECKED, SL_UNBOUNDED,
     .help = "Score needed, 0 to 1 when enabled."},
    {"weights", SL_F_STRUCT, SL_CHECKED_SUB(weight_fields), .help = "What counts how much."},
    {"use_category_filter", SL_F_TRI, SL_CHECKED, .help = "Prefers tools of the same category."},
    {"category_confidence_threshold", SL_F_OPT_FLOAT, SL_CHECKED, SL_UNBOUNDED,
     .help = "How sure of the category one must be, 0 to 1 when enabled."},
    {"allow_tools", SL_F_STRS, SL_CHECKED, .help = "Only these."},
    {"block_tools", SL_F_STRS, SL_CHECKED, .help = "Never these."},
    {"hybrid_history", SL_F_STRUCT, SL_CHECKED_SUB(history_fields), .help = "Earlier calls."},
    SL_FIELD_END,
};

static const struct sl_field tools_fields[] = {
    {"enabled", SL_F_BOOL, SL_WITHIN(sl_integrations_cfg, tools, enabled),
     .help = "Loads the tool database."},
    {"top_k", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "3", .help = "Tools chosen."},
    {"tools_db_path", SL_F_STR, SL_CHECKED, .fallback = "config/tools_db.json",
     .help = "File of the database."},
    {"fallback_to_empty", SL_F_BOOL, SL_CHECKED, .fallback = "true",
     .help = "Sends no tools when none fits."},
    {"similarity_threshold", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "Similarity from which a tool fits; omitted: the embedding minimum."},
    {"advanced_filtering", SL_F_STRUCT, SL_CHECKED_SUB(sl_advanced_filtering_fields),
     .help = "Ranks by more than meaning."},
    SL_FIELD_END,
};

#define NAMES_FIELDS(member, example)                                                              \
    {                                                                                              \
        {"model_names", SL_F_STRS, SL_WITHIN(sl_integrations_cfg, looper.member, model_names),     \
         .help = "Model names that ask for this algorithm; omitted: `" example "`."},              \
            SL_FIELD_END,                                                                          \
    }

static const struct sl_field remom_fields[] = NAMES_FIELDS(remom, "vllm-sr/remom");
static const struct sl_field fusion_fields[] = NAMES_FIELDS(fusion, "vllm-sr/fusion");

static const struct sl_field flow_file_fields[] = {
    {"directory", SL_F_STR, SL_CHECKED, .help = "Folder; omitted: the user's cache folder."},
    SL_FIELD_END,
};

static const struct sl_field flow_state_fields[] = {
    {"store_backend", SL_F_ENUM, SL_CHECKED_EXACT("", "memory", "file", "redis"),
     .fallback = "file", .help = "Where suspended workflows wait."},
    {"ttl_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .fallback = "1800",
     .help = "How long."},
    {"file", SL_F_STRUCT, SL_CHECKED_SUB(flow_file_fields), .help = "In files."},
    {"redis", SL_F_STRUCT, SL_CHECKED_SUB(sl_redis_simple_fields), .help = "In Redis."},
    SL_FIELD_END,
};

static const struct sl_field flow_fields[] = {
    {"model_names", SL_F_STRS, SL_WITHIN(sl_integrations_cfg, looper.flow, model_names),
     .help = "Model names that ask for this algorithm; omitted: `vllm-sr/flow`."},
    {"state", SL_F_STRUCT, SL_CHECKED_SUB(flow_state_fields), .help = "Suspended workflows."},
    SL_FIELD_END,
};

static const struct sl_field looper_fields[] = {
    {"endpoint", SL_F_STR, SL_WITHIN(sl_integrations_cfg, looper, endpoint),
     .fallback = "http://localhost:8899/v1/chat/completions", .flags = SL_TRIMMED,
     .help = "Where inner calls go; empty: multi-model algorithms are off."},
    {"timeout_seconds", SL_F_INT, SL_WITHIN(sl_integrations_cfg, looper, timeout_seconds),
     SL_BETWEEN(0, SL_MAX_SECONDS), .fallback = "1200", .help = "Time of one inner call."},
    {"retry_count", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 100), .help = "Tries after the first."},
    {"headers", SL_F_STR_MAP, SL_CHECKED, .help = "Headers of inner calls."},
    {"grpc_max_msg_size_mb", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1048576), .fallback = "4",
     .help = "Largest message behind Envoy."},
    {"max_response_bytes_mb", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1048576), .fallback = "32",
     .help = "Largest answer of an inner call."},
    {"remom", SL_F_STRUCT, SL_WITHIN(sl_integrations_cfg, looper, remom), .sub = remom_fields,
     .help = "Rounds of parallel reasoning."},
    {"fusion", SL_F_STRUCT, SL_WITHIN(sl_integrations_cfg, looper, fusion), .sub = fusion_fields,
     .help = "Panel and judge."},
    {"flow", SL_F_STRUCT, SL_WITHIN(sl_integrations_cfg, looper, flow), .sub = flow_fields,
     .help = "Workflows."},
    SL_FIELD_END,
};

const struct sl_field sl_global_integrations_fields[] = {
    {"tools", SL_F_STRUCT, SL_AT(sl_integrations_cfg, tools), .sub = tools_fields,
     .help = "The tool database."},
    {"looper", SL_F_STRUCT, SL_AT(sl_integrations_cfg, looper), .sub = looper_fields,
     .help = "Algorithms that call several models."},
    SL_FIELD_END,
};

/* ---- checks -------------------------------------------------------------------------------- */

static bool number_of(const struct sl_yaml *map, const char *key, const struct sl_yaml **at,
                      double *out)
{
    *at = sl_yaml_get(map, sl_str_from(key));
    return *at && sl_scalar_float(*at, out);
}

static void check_at_least_0(struct sl_check *c, const struct sl_yaml *map, const char *key)
{
    const struct sl_yaml *at;
    double value;
    if (!number_of(map, key, &at, &value) || value >= 0)
        return;
    size_t length = sl_check_push(c, sl_str_from(key));
    sl_check_error(c, at, "must be >= 0, got %.15g", value);
    sl_check_pop(c, length);
}

static void check_unit(struct sl_check *c, const struct sl_yaml *map, const char *key)
{
    const struct sl_yaml *at;
    double value;
    if (!number_of(map, key, &at, &value) || (value >= 0 && value <= 1))
        return;
    size_t length = sl_check_push(c, sl_str_from(key));
    sl_check_error(c, at, "must be between 0.0 and 1.0, got %.2f", value);
    sl_check_pop(c, length);
}

static void check_hybrid_history(struct sl_check *c, const struct sl_yaml *history)
{
    size_t length = sl_check_push(c, SL_STR("hybrid_history"));
    check_at_least_0(c, history, "history_horizon");
    check_at_least_0(c, history, "min_history_steps");
    check_unit(c, history, "history_confidence_threshold");
    check_unit(c, history, "weight_semantic");
    check_unit(c, history, "weight_history_transition");
    check_unit(c, history, "weight_decision_prior");
    check_unit(c, history, "repetition_penalty_strength");
    sl_check_pop(c, length);
}

void sl_check_advanced_filtering(struct sl_check *c, const struct sl_yaml *node)
{
    bool is_enabled = false;
    const struct sl_yaml *enabled = sl_yaml_get(node, SL_STR("enabled"));
    if (!enabled || !sl_yaml_bool(enabled, &is_enabled) || !is_enabled)
        return;
    const struct sl_yaml *strategy = sl_yaml_get(node, SL_STR("retrieval_strategy"));
    if (strategy && strategy->kind == SL_YAML_SCALAR && sl_str_trim(strategy->text).n &&
        !sl_str_eq(strategy->text, SL_STR("weighted")) &&
        !sl_str_eq(strategy->text, SL_STR("hybrid_history")))
        sl_check_error(c, strategy,
                       "retrieval_strategy: found \"%.*s\", expected weighted or hybrid_history",
                       SL_FMT(strategy->text));
    check_at_least_0(c, node, "candidate_pool_size");
    check_at_least_0(c, node, "min_lexical_overlap");
    check_unit(c, node, "min_combined_score");
    check_unit(c, node, "category_confidence_threshold");
    const struct sl_yaml *weights = sl_yaml_get(node, SL_STR("weights"));
    size_t length = sl_check_push(c, SL_STR("weights"));
    for (const struct sl_field *f = weight_fields; f->key; f++)
        check_unit(c, weights, f->key);
    sl_check_pop(c, length);
    check_hybrid_history(c, sl_yaml_get(node, SL_STR("hybrid_history")));
}

static void check_names(struct sl_check *c, const struct sl_yaml *looper, const char *key,
                        const struct sl_strs *names)
{
    const struct sl_yaml *list =
        sl_yaml_get(sl_yaml_get(looper, sl_str_from(key)), SL_STR("model_names"));
    size_t length = sl_check_push(c, sl_str_from(key));
    for (uint32_t i = 0; i < names->n; i++) {
        if (!sl_str_trim(names->items[i]).n)
            sl_check_error(c, list && i < list->n ? list->items[i] : list,
                           "model_names[%u] must not be blank", i);
    }
    sl_check_pop(c, length);
}

void sl_global_check_integrations(struct sl_check *c, const struct sl_integrations_cfg *cfg,
                                  const struct sl_yaml *node)
{
    const struct sl_yaml *looper = sl_yaml_get(node, SL_STR("looper"));
    const struct sl_yaml *filtering =
        sl_yaml_get(sl_yaml_get(node, SL_STR("tools")), SL_STR("advanced_filtering"));
    size_t length = sl_check_push(c, SL_STR("looper"));
    check_names(c, looper, "remom", &cfg->looper.remom.model_names);
    check_names(c, looper, "fusion", &cfg->looper.fusion.model_names);
    check_names(c, looper, "flow", &cfg->looper.flow.model_names);
    sl_check_pop(c, length);
    sl_check_push(c, SL_STR("tools"));
    sl_check_push(c, SL_STR("advanced_filtering"));
    sl_check_advanced_filtering(c, filtering);
    sl_check_pop(c, length);
}
