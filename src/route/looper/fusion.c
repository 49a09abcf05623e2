/* Algorithm "fusion": a panel answers, a judge joins. Record only, no engine yet. */
#include "config/field.h"
#include "config/scope.h"
#include "route/selector.h"

struct override {
    sl_str model;
};

struct fusion_cfg {
    sl_str model;
    struct sl_strs analysis_models;
    struct sl_list overrides; /* struct override */
};

static const struct sl_field override_fields[] = {
    {"model", SL_F_STR, SL_AT(override, model), .flags = SL_REQUIRED,
     .help = "Panel model that it is for."},
    {"temperature", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 2), .help = "Its temperature."},
    {"max_completion_tokens", SL_F_OPT_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_TOKENS),
     .help = "Its longest answer."},
    SL_FIELD_END,
};

static const struct sl_field grounding_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Scores the panel's answers for faithfulness."},
    {"reference", SL_F_ENUM, SL_CHECKED_EXACT("", "hybrid", "context", "panel"),
     .fallback = "hybrid",
     .help = "Against the request's context, against each other, or context when there is one."},
    {"policy", SL_F_ENUM, SL_CHECKED_EXACT("", "weight", "annotate", "filter"),
     .fallback = "weight", .help = "What the judge is told, or whether weak answers are dropped."},
    {"min_score", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .help = "Score that `filter` keeps."},
    {"min_keep", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1000), .help = "At least so many stay; 0: 1."},
    {"nli_contradiction_penalty", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1000),
     .help = "Weight of contradictions; 0: 1."},
    {"on_error", SL_F_ENUM, SL_CHECKED_EXACT("", "skip", "fail"),
     .help = "Without scores go on, or fail; empty: as the whole."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {"model", SL_F_STR, SL_AT(fusion_cfg, model),
     .help = "The judge; omitted: the first of the panel."},
    {"analysis_models", SL_F_STRS, SL_AT(fusion_cfg, analysis_models),
     .help = "The panel; omitted: modelRefs."},
    {"analysis_overrides", SL_F_LIST, SL_AT(fusion_cfg, overrides),
     SL_SUB(override_fields, override), .help = "Settings of single panel models."},
    {"max_concurrent", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "Calls at once; 0: all."},
    {"max_completion_tokens", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_TOKENS),
     .help = "Longest answer; 0: the request's."},
    {"round_timeout_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS),
     .help = "Time of the panel; 0: any."},
    {"min_successful_responses", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "Answers that are enough; 0: all."},
    {"temperature", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 2),
     .help = "Temperature; omitted: the request's."},
    {"include_analysis", SL_F_TRI, SL_CHECKED, .fallback = "true",
     .help = "Returns the judge's analysis too."},
    {"on_error", SL_F_ENUM, SL_CHECKED_EXACT("", "skip", "fail"), .fallback = "skip",
     .help = "A failed panel model is left out, or fails the request."},
    {"analysis_template", SL_F_STR, SL_CHECKED,
     .help = "Prompt of the analysis; {{original}} and {{responses}} are filled in."},
    {"synthesis_template", SL_F_STR, SL_CHECKED,
     .help = "Prompt of the answer; also {{analysis}}."},
    {"judge_prompt_version", SL_F_STR, SL_CHECKED, .fallback = "fusion-v1",
     .help = "Version of the built-in prompts."},
    {"include_intermediate_responses", SL_F_TRI, SL_CHECKED, .fallback = "true",
     .help = "Returns the panel's answers too."},
    {"grounding", SL_F_STRUCT, SL_CHECKED_SUB(grounding_fields), .help = "Faithfulness."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct fusion_cfg *cfg = decoded;
    const struct override *all = cfg->overrides.items;
    const struct sl_yaml *list = sl_yaml_get(node, SL_STR("analysis_overrides"));
    for (uint32_t i = 0; i < cfg->overrides.n; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (sl_str_eq(all[k].model, all[i].model))
                sl_check_error(c, list && i < list->n ? list->items[i] : node,
                               "analysis_overrides[%u]: duplicate model \"%.*s\"", i,
                               SL_FMT(all[i].model));
        }
    }
}

/* A model name that asks for fusion would call itself for ever. */
static bool is_slug(const struct sl_recipe_scope *scope, sl_str name)
{
    const struct sl_strs *names = &scope->integrations->looper.fusion.model_names;
    for (uint32_t i = 0; i < names->n; i++) {
        if (sl_str_eq(sl_str_trim(names->items[i]), name))
            return true;
    }
    return sl_str_eq(name, SL_STR("vllm-sr/fusion"));
}

static void validate_in(struct sl_check *c, const struct sl_recipe_scope *scope,
                        const struct sl_yaml *node, const void *decoded)
{
    const struct fusion_cfg *cfg = decoded;
    if (is_slug(scope, cfg->model))
        sl_check_error(c, sl_yaml_get(node, SL_STR("model")),
                       "model \"%.*s\" is the name that asks for fusion itself",
                       SL_FMT(cfg->model));
    for (uint32_t i = 0; i < cfg->analysis_models.n; i++) {
        if (is_slug(scope, cfg->analysis_models.items[i]))
            sl_check_error(c, sl_yaml_get(node, SL_STR("analysis_models")),
                           "analysis_models[%u] \"%.*s\" is the name that asks for fusion itself",
                           i, SL_FMT(cfg->analysis_models.items[i]));
    }
}

const struct sl_selector_type sl_looper_fusion = {
    .feature =
        {
            .name = "fusion",
            .summary = "A panel answers, a judge joins the answers",
            .help = "All panel models answer at once; the judge analyses where they agree and "
                    "differ, and writes the final answer.",
            .example = "model: large-model\n"
                       "analysis_models: [small-model, large-model]\n"
                       "min_successful_responses: 1\n",
            .fields = fields,
            .size = sizeof(struct fusion_cfg),
            .validate = validate,
            .validate_in = validate_in,
        },
};
