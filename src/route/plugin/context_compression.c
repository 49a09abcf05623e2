/* Plugin "context_compression": long contexts made shorter. Record only, no engine yet. */
#include "config/field.h"
#include "config/scalar.h"
#include "config/scope.h"
#include "route/plugin.h"

#define AUTO_TOKENS (-1)

struct target {
    int64_t min_tokens;
    int64_t target_tokens;
};

struct targets {
    struct target tool_outputs, history, rag, memory;
};

struct context_compression_cfg {
    bool is_enabled;
    struct {
        int64_t trigger, target, reserve; /* AUTO_TOKENS: `auto` */
    } budget;
    struct targets targets;
    struct {
        int method;
        sl_str embedding_model_ref;
    } scoring;
    struct {
        bool is_enabled;
    } recovery;
    struct {
        struct sl_strs allowed;
    } controls;
};

/* A whole number of at least 0, or `auto`. */
static void decode_budget(struct sl_check *c, const struct sl_yaml *node, void *at)
{
    int64_t *out = at;
    *out = AUTO_TOKENS;
    if (!node || node->kind == SL_YAML_NULL)
        return;
    if (node->kind == SL_YAML_SCALAR &&
        (!node->text.n || sl_str_eq_nocase(sl_str_trim(node->text), SL_STR("auto"))))
        return;
    int64_t value;
    if (sl_scalar_int(node, &value) && value >= 0 && value <= (int64_t)SL_MAX_TOKENS) {
        *out = value;
        return;
    }
    sl_check_error(c, node, "compression token limit must be a non-negative integer or \"auto\"");
}

static const struct sl_field budget_fields[] = {
    {"trigger_tokens", SL_F_CUSTOM, SL_WITHIN(context_compression_cfg, budget, trigger),
     .decode = decode_budget, .help = "Size from which compression starts: a number or `auto`."},
    {"target_tokens", SL_F_CUSTOM, SL_WITHIN(context_compression_cfg, budget, target),
     .decode = decode_budget, .help = "Size aimed at: a number or `auto`."},
    {"reserve_output_tokens", SL_F_CUSTOM, SL_WITHIN(context_compression_cfg, budget, reserve),
     .decode = decode_budget, .help = "Room kept for the answer: a number or `auto`."},
    SL_FIELD_END,
};

#define TARGET_FIELDS(default_mode, default_min, default_target)                                   \
    {                                                                                              \
        {"mode",                                                                                   \
         SL_F_ENUM,                                                                                \
         SL_CHECKED,                                                                               \
         SL_CHOICES("", "preserve", "extractive", "recoverable"),                                  \
         .fallback = default_mode,                                                                 \
         .help = "Leave it, keep the relevant parts, or keep those and store the rest."},          \
            {"min_tokens",                                                                         \
             SL_F_INT,                                                                             \
             SL_AT(target, min_tokens),                                                            \
             SL_BETWEEN(0, SL_MAX_TOKENS),                                                         \
             .fallback = default_min,                                                              \
             .help = "Shorter texts are left alone."},                                             \
            {"target_tokens",                                                                      \
             SL_F_INT,                                                                             \
             SL_AT(target, target_tokens),                                                         \
             SL_BETWEEN(0, SL_MAX_TOKENS),                                                         \
             .fallback = default_target,                                                           \
             .help = "Size aimed at; less than min_tokens."},                                      \
            SL_FIELD_END,                                                                          \
    }

static const struct sl_field tool_output_fields[] = TARGET_FIELDS("extractive", "2000", "1000");
static const struct sl_field other_fields[] = TARGET_FIELDS("preserve", "0", "0");

static const struct sl_field targets_fields[] = {
    {"tool_outputs", SL_F_STRUCT, SL_AT(targets, tool_outputs), SL_SUB(tool_output_fields, target),
     .help = "Results of tools."},
    {"history", SL_F_STRUCT, SL_AT(targets, history), SL_SUB(other_fields, target),
     .help = "Earlier turns."},
    {"rag", SL_F_STRUCT, SL_AT(targets, rag), SL_SUB(other_fields, target),
     .help = "Retrieved passages."},
    {"memory", SL_F_STRUCT, SL_AT(targets, memory), SL_SUB(other_fields, target),
     .help = "Memories."},
    SL_FIELD_END,
};

enum { SCORING_UNSET, SCORING_BM25, SCORING_EMBEDDING, SCORING_HYBRID };

static const struct sl_field scoring_fields[] = {
    {"method", SL_F_ENUM, SL_WITHIN(context_compression_cfg, scoring, method),
     SL_CHOICES("", "bm25", "embedding", "hybrid"), .fallback = "bm25",
     .help = "How relevance to the question is measured."},
    {"embedding_model_ref", SL_F_STR,
     SL_WITHIN(context_compression_cfg, scoring, embedding_model_ref),
     .help = "Embedding model; required by `embedding` and `hybrid`."},
    SL_FIELD_END,
};

static const struct sl_field recovery_fields[] = {
    {"enabled", SL_F_BOOL, SL_WITHIN(context_compression_cfg, recovery, is_enabled),
     .help = "Stores what was left out."},
    {"store", SL_F_ENUM, SL_CHECKED, SL_CHOICES("", "redis", "valkey", "response_cache"),
     .help = "Where."},
    {"ttl_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .fallback = "900",
     .help = "How long."},
    {"max_bytes_per_request", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_BYTES),
     .fallback = "10485760", .help = "Most of one request."},
    {"max_total_bytes", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_BYTES), .fallback = "268435456",
     .help = "Most of all."},
    {"max_retrievals", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "8",
     .help = "Texts that the model may ask back in one answer."},
    SL_FIELD_END,
};

static const struct sl_field control_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Lets clients steer compression by header."},
    {"header", SL_F_STR, SL_CHECKED, .fallback = "x-vsr-compression-control",
     .help = "Name of that header."},
    {"allowed", SL_F_STRS, SL_WITHIN(context_compression_cfg, controls, allowed),
     .help = "Directives that are obeyed: bypass, target."},
    {"max_target_tokens", SL_F_OPT_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_TOKENS),
     .help = "Largest `target` that a client may ask for."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {"enabled", SL_F_BOOL, SL_AT(context_compression_cfg, is_enabled),
     .help = "Switches the plugin on."},
    {"mode", SL_F_ENUM, SL_CHECKED, SL_CHOICES("", "auto", "always"), .fallback = "auto",
     .help = "Only when the context is full or one part is large, or always."},
    {"budget", SL_F_STRUCT, SL_AT(context_compression_cfg, budget), .sub = budget_fields,
     .help = "When it starts and what it aims at."},
    {"targets", SL_F_STRUCT, SL_AT(context_compression_cfg, targets), .sub = targets_fields,
     .help = "What may be shortened, and how."},
    {"scoring", SL_F_STRUCT, SL_AT(context_compression_cfg, scoring), .sub = scoring_fields,
     .help = "How the parts to keep are chosen."},
    {"recovery", SL_F_STRUCT, SL_AT(context_compression_cfg, recovery), .sub = recovery_fields,
     .help = "Lets the model ask back for what was left out."},
    {"request_controls", SL_F_STRUCT, SL_AT(context_compression_cfg, controls),
     .sub = control_fields, .help = "What clients may ask for."},
    {"failure_mode", SL_F_ENUM, SL_CHECKED, SL_CHOICES("", "fail_open", "fail_closed"),
     .fallback = "fail_open", .help = "Send the whole context on failure, or refuse."},
    SL_FIELD_END,
};

static void check_target(struct sl_check *c, const struct sl_yaml *targets, const char *key,
                         const struct target *target)
{
    const struct sl_yaml *node = sl_yaml_get(targets, sl_str_from(key));
    if (!node || !target->min_tokens || !target->target_tokens ||
        target->target_tokens < target->min_tokens)
        return;
    size_t length = sl_check_push(c, sl_str_from(key));
    sl_check_error(c, node, "target_tokens %lld must be less than min_tokens %lld",
                   (long long)target->target_tokens, (long long)target->min_tokens);
    sl_check_pop(c, length);
}

static void check_allowed(struct sl_check *c, const struct sl_yaml *node, struct sl_strs allowed)
{
    for (uint32_t i = 0; i < allowed.n; i++) {
        sl_str found = sl_str_trim(allowed.items[i]);
        if (!sl_str_eq_nocase(found, SL_STR("bypass")) &&
            !sl_str_eq_nocase(found, SL_STR("target")))
            sl_check_error(c, sl_yaml_get(node, SL_STR("request_controls")),
                           "request_controls.allowed: found \"%.*s\", expected bypass or target",
                           SL_FMT(found));
    }
}

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct context_compression_cfg *cfg = decoded;
    const struct sl_yaml *targets = sl_yaml_get(node, SL_STR("targets"));
    if (cfg->budget.trigger > 0 && cfg->budget.target >= cfg->budget.trigger)
        sl_check_error(c, sl_yaml_get(node, SL_STR("budget")),
                       "budget.target_tokens must be less than budget.trigger_tokens");
    size_t length = sl_check_push(c, SL_STR("targets"));
    check_target(c, targets, "tool_outputs", &cfg->targets.tool_outputs);
    check_target(c, targets, "history", &cfg->targets.history);
    check_target(c, targets, "rag", &cfg->targets.rag);
    check_target(c, targets, "memory", &cfg->targets.memory);
    sl_check_pop(c, length);
    if (cfg->scoring.method >= SCORING_EMBEDDING &&
        !sl_str_trim(cfg->scoring.embedding_model_ref).n)
        sl_check_error(c, sl_yaml_get(node, SL_STR("scoring")),
                       "scoring.embedding_model_ref is required by method %s",
                       cfg->scoring.method == SCORING_EMBEDDING ? "embedding" : "hybrid");
    check_allowed(c, node, cfg->controls.allowed);
}

static void validate_in(struct sl_check *c, const struct sl_recipe_scope *scope,
                        const struct sl_yaml *node, const void *decoded)
{
    const struct context_compression_cfg *cfg = decoded;
    if (!cfg->is_enabled || !cfg->recovery.is_enabled)
        return;
    const struct sl_yaml *at = sl_yaml_get(node, SL_STR("recovery"));
    sl_str store = scope->stores->response_cache.backend_type;
    if (!scope->integrations->looper.endpoint.n)
        sl_check_error(c, at, "recovery needs global.integrations.looper.endpoint");
    if (!sl_str_eq_nocase(store, SL_STR("redis")) && !sl_str_eq_nocase(store, SL_STR("valkey")))
        sl_check_error(c, at,
                       "recovery needs a redis or valkey backend of "
                       "global.stores.response_cache, found \"%.*s\"",
                       SL_FMT(store));
}

const struct sl_plugin_type sl_plugin_context_compression = {
    .feature =
        {
            .name = "context_compression",
            .summary = "Shortens long contexts before they are sent",
            .help = "Keeps the parts of tool results, history, retrieved passages and memories "
                    "that bear on the question, within a budget. With `recovery` the model can "
                    "ask back for what was left out.",
            .example = "enabled: true\n"
                       "mode: auto\n"
                       "budget:\n"
                       "  trigger_tokens: 32000\n"
                       "  target_tokens: 16000\n"
                       "targets:\n"
                       "  tool_outputs:\n"
                       "    mode: extractive\n"
                       "    min_tokens: 2000\n"
                       "    target_tokens: 1000\n",
            .fields = fields,
            .size = sizeof(struct context_compression_cfg),
            .validate = validate,
            .validate_in = validate_in,
        },
    .phase = SL_PHASE_NONE,
};
