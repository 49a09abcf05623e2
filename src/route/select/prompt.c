/* Algorithm "prompt": a helper model chooses. Record only, no engine yet. */
#include "config/field.h"
#include "config/scope.h"
#include "route/selector.h"

struct prompt_cfg {
    sl_str model;
    sl_str instructions;
};

static const struct sl_field fields[] = {
    {"model", SL_F_STR, SL_AT(prompt_cfg, model), .flags = SL_REQUIRED,
     .help = "Model card of the helper; it speaks the OpenAI dialect and has a backend."},
    {"instructions", SL_F_STR, SL_AT(prompt_cfg, instructions), .flags = SL_REQUIRED,
     .help = "When to choose which candidate."},
    {"timeout_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 3600),
     .help = "Time for the choice; 0: 5 seconds."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    (void)decoded;
    if (!node || node->kind == SL_YAML_NULL)
        sl_check_error(c, node, "algorithm.type prompt requires the block prompt");
}

static bool is_chat_modality(sl_str modality)
{
    static const char *const names[] = {"", "text", "ar", "both", "multimodal", NULL};
    for (uint32_t i = 0; names[i]; i++) {
        if (sl_str_eq_nocase(sl_str_trim(modality), sl_str_from(names[i])))
            return true;
    }
    return false;
}

static void check_helper(struct sl_check *c, const struct sl_recipe_scope *scope,
                         const struct sl_yaml *at, sl_str name)
{
    const struct sl_model_cfg *model = NULL;
    for (uint32_t i = 0; i < scope->config->n_models; i++) {
        if (sl_str_eq(scope->config->models[i].name, name))
            model = &scope->config->models[i];
    }
    if (!model) {
        sl_check_error(c, at, "helper model \"%.*s\" is not declared in routing.modelCards",
                       SL_FMT(name));
        return;
    }
    if (model->api_format == SL_API_ANTHROPIC)
        sl_check_error(c, at, "helper model \"%.*s\" must have api_format openai", SL_FMT(name));
    if (!is_chat_modality(model->modality))
        sl_check_error(c, at, "helper model \"%.*s\" has modality \"%.*s\", expected text",
                       SL_FMT(name), SL_FMT(model->modality));
    if (!model->n_backends)
        sl_check_error(c, at, "helper model \"%.*s\" has no backend", SL_FMT(name));
}

static uint32_t distinct_refs(const struct sl_decision_cfg *decision)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < decision->n_refs; i++) {
        uint32_t k = 0;
        while (k < i && !sl_str_eq(decision->refs[k].name, decision->refs[i].name))
            k++;
        n += k == i;
    }
    return n;
}

static void validate_in(struct sl_check *c, const struct sl_recipe_scope *scope,
                        const struct sl_yaml *node, const void *decoded)
{
    const struct prompt_cfg *cfg = decoded;
    uint32_t n = distinct_refs(scope->decision);
    size_t length = sl_check_push(c, SL_STR("model"));
    if (sl_str_trim(cfg->model).n)
        check_helper(c, scope, sl_yaml_get(node, SL_STR("model")), cfg->model);
    sl_check_pop(c, length);
    if (n < 2 || n != scope->decision->n_refs)
        sl_check_error(c, node,
                       "algorithm prompt needs at least 2 modelRefs, all of different "
                       "models");
    if (!scope->integrations->looper.endpoint.n)
        sl_check_error(c, node, "algorithm prompt needs global.integrations.looper.endpoint");
}

const struct sl_selector_type sl_selector_prompt = {
    .feature =
        {
            .name = "prompt",
            .summary = "A helper model chooses among the candidates",
            .help = "Asks the helper with your instructions, the candidates and their "
                    "descriptions; its answer must name one of them.",
            .example = "model: small-model\n"
                       "instructions: Take the large model for mathematics and code.\n"
                       "timeout_seconds: 5\n",
            .fields = fields,
            .size = sizeof(struct prompt_cfg),
            .validate = validate,
            .validate_in = validate_in,
        },
};
