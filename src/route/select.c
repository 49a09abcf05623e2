/*
 * Selection: a single candidate needs no selector, a fast_response decision no model, and a
 * selector that is missing or goes astray falls back to the first candidate, with the reason.
 */
#include "route/select.h"

#include "route/selector.h"

static sl_str ref_name(const struct sl_model_ref *ref)
{
    return ref->lora_name.n ? ref->lora_name : ref->name;
}

static const struct sl_feature *find_selector(const char *name)
{
    return sl_feature_find(sl_selector_features, sl_str_from(name));
}

/* Loopers that cannot run, and decisions without an algorithm, select statically. */
static const struct sl_feature *selector_of(const struct sl_decision_cfg *decision)
{
    const struct sl_feature *algorithm = decision->algorithm;
    for (uint32_t i = 0; algorithm && sl_looper_features[i]; i++)
        if (sl_looper_features[i] == algorithm)
            algorithm = NULL;
    return algorithm ? algorithm : find_selector("static");
}

static const struct sl_model_ref *ask_selector(const struct sl_config *config,
                                               const struct sl_plan *plan,
                                               const struct sl_decision_cfg *decision,
                                               const struct sl_route_options *options,
                                               struct sl_verdict *out)
{
    const struct sl_feature *feature = selector_of(decision);
    const struct sl_selector_type *type =
        feature ? SL_CONTAINER(feature, struct sl_selector_type, feature) : NULL;
    out->method = feature ? feature->name : "static";
    if (!type || !type->select) {
        out->fallback_reason = "selector_unavailable";
        return &decision->refs[0];
    }
    const struct sl_selection_input in = {
        .config = config, .recipe = plan->recipe, .decision = decision, .random = options->random};
    const void *decoded = decision->algorithm == feature ? decision->algorithm_cfg : NULL;
    uint32_t chosen = type->select(decoded, &in);
    if (chosen < decision->n_refs && ref_name(&decision->refs[chosen]).n)
        return &decision->refs[chosen];
    out->fallback_reason = "selector_invalid_result";
    return &decision->refs[0];
}

static bool answers_itself(const struct sl_decision_cfg *decision)
{
    for (uint32_t i = 0; i < decision->n_plugins; i++)
        if (!strcmp(decision->plugins[i].feature->name, "fast_response"))
            return true;
    return false;
}

static const struct sl_model_ref *choose(const struct sl_config *config, const struct sl_plan *plan,
                                         const struct sl_decision_cfg *decision,
                                         const struct sl_route_options *options,
                                         struct sl_verdict *out)
{
    const struct sl_model_ref *first = NULL;
    uint32_t n_usable = 0;
    for (uint32_t i = 0; i < decision->n_refs; i++) {
        if (!ref_name(&decision->refs[i]).n)
            continue;
        first = first ? first : &decision->refs[i];
        n_usable++;
    }
    if (answers_itself(decision)) {
        out->method = "fast_response";
        return first;
    }
    if (!first)
        return NULL;
    if (decision->n_refs == 1) {
        out->method = "single";
        return first;
    }
    if (n_usable == decision->n_refs)
        return ask_selector(config, plan, decision, options, out);
    out->method = selector_of(decision) ? selector_of(decision)->name : "static";
    out->fallback_reason = "selector_invalid_context";
    return first;
}

/* The first ref of the same model that names an effort, else the configured default. */
static sl_str effort_of(const struct sl_config *config, const struct sl_decision_cfg *decision,
                        const struct sl_model_ref *chosen)
{
    if (chosen->reasoning_effort.n)
        return chosen->reasoning_effort;
    for (uint32_t i = 0; i < decision->n_refs; i++) {
        const struct sl_model_ref *ref = &decision->refs[i];
        if (ref->reasoning_effort.n && sl_str_eq(ref->name, chosen->name))
            return ref->reasoning_effort;
    }
    return config->default_effort.n ? config->default_effort : SL_STR("medium");
}

bool sl_select_default(const struct sl_config *config, struct sl_verdict *out)
{
    out->effort = config->default_effort.n ? config->default_effort : SL_STR("medium");
    if (config->default_model == SL_NO_INDEX || config->default_model >= config->n_models)
        return false;
    out->model = &config->models[config->default_model];
    out->model_name = config->default_model_name.n ? config->default_model_name : out->model->name;
    return true;
}

void sl_select_model(const struct sl_config *config, const struct sl_plan *plan,
                     const struct sl_decision_cfg *decision, const struct sl_route_options *options,
                     struct sl_verdict *out)
{
    const struct sl_model_ref *ref = choose(config, plan, decision, options, out);
    out->has_reasoning = true;
    if (!ref) {
        if (!out->method)
            out->method = "default";
        if (!sl_select_default(config, out) && !answers_itself(decision))
            out->status = SL_ROUTE_NO_MODEL;
        return;
    }
    out->ref = ref;
    out->model_name = ref_name(ref);
    out->model = ref->model < config->n_models ? &config->models[ref->model]
                                               : sl_config_model(config, ref->name);
    out->use_reasoning = ref->use_reasoning == SL_YES;
    out->effort = effort_of(config, decision, ref);
}
