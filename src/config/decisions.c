/* routing.decisions: rules, candidates, algorithm, plugins and what else hangs on a decision. */
#include "config/decision_parts.h"
#include "config/field.h"
#include "config/load.h"

struct model_ref {
    sl_str model, lora_name, reasoning_effort, reasoning_description;
    double weight;
    enum sl_tri use_reasoning;
};

struct decision {
    sl_str name, description;
    int64_t priority, tier;
    const struct sl_yaml *rules, *algorithm, *plugins, *adaptations, *annotations;
    const struct sl_yaml *iterations, *emits, *contract;
    struct sl_list refs; /* struct model_ref */
};

#define REF_FIELDS                                                                                 \
    {"lora_name", SL_F_STR, SL_AT(model_ref, lora_name), .help = "Adapter of the model."},         \
        {"weight", SL_F_FLOAT, SL_AT(model_ref, weight), SL_BETWEEN(0, SL_MAX_COUNT),              \
         .help = "Share of the traffic among the candidates."},                                    \
        {"use_reasoning", SL_F_TRI, SL_AT(model_ref, use_reasoning),                               \
         .help = "Whether the model reasons."},                                                    \
        {"reasoning_description", SL_F_STR, SL_AT(model_ref, reasoning_description),               \
         .help = "Why it does."},                                                                  \
    {                                                                                              \
        "reasoning_effort", SL_F_STR, SL_AT(model_ref, reasoning_effort),                          \
            .help = "Effort, such as low, medium or high."                                         \
    }

const struct sl_field sl_model_ref_fields[] = {
    {"model", SL_F_STR, SL_AT(model_ref, model), .flags = SL_REQUIRED, .help = "A model card."},
    REF_FIELDS,
    SL_FIELD_END,
};

const struct sl_field sl_decision_fields[] = {
    {"name", SL_F_STR, SL_AT(decision, name), .flags = SL_REQUIRED,
     .help = "Name, unique within the recipe."},
    {"description", SL_F_STR, SL_AT(decision, description), .help = "What it is for."},
    {"priority", SL_F_INT, SL_AT(decision, priority), SL_UNBOUNDED,
     .help = "Higher wins under priority."},
    {"tier", SL_F_INT, SL_AT(decision, tier), SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "Tier; lower ones win when a matching decision has one."},
    {"rules", SL_F_NODE, SL_AT(decision, rules), .help = "When it matches; omitted: always."},
    {"modelRefs", SL_F_LIST, SL_AT(decision, refs), SL_SUB(sl_model_ref_fields, model_ref),
     .help = "Candidate models; none: the default model."},
    {"algorithm", SL_F_NODE, SL_AT(decision, algorithm), .help = "How a candidate is chosen."},
    {"plugins", SL_F_NODE, SL_AT(decision, plugins), .help = "What is done to the request."},
    {"adaptations", SL_F_NODE, SL_AT(decision, adaptations),
     .help = "How learning may change this decision."},
    {"output_contract", SL_F_STR, SL_CHECKED, .help = "Text about the output, shown to models."},
    {"output_contract_spec", SL_F_NODE, SL_AT(decision, contract),
     .help = "The shape of the output of multi-model algorithms."},
    {"candidateIterations", SL_F_NODE, SL_AT(decision, iterations),
     .help = "Declared loops over candidates."},
    {"emits", SL_F_NODE, SL_AT(decision, emits), .help = "Directives to caches and sessions."},
    {"annotations", SL_F_NODE, SL_AT(decision, annotations), .help = "Free notes for records."},
    SL_FIELD_END,
};

/* ---- candidates ---------------------------------------------------------------------------- */

static void check_lora(struct sl_load *l, const struct sl_yaml *node, const struct model_ref *ref,
                       const struct sl_model_cfg *model)
{
    sl_str names[64];
    uint32_t n = 0;
    for (uint32_t i = 0; i < model->n_loras; i++) {
        if (sl_str_eq(model->loras[i].name, ref->lora_name))
            return;
        if (n < SL_COUNT(names))
            names[n++] = model->loras[i].name;
    }
    size_t length = sl_check_push(&l->c, SL_STR("lora_name"));
    sl_check_error(&l->c, sl_yaml_get(node, SL_STR("lora_name")),
                   "\"%.*s\" not found in routing.modelCards[%.*s].loras%s", SL_FMT(ref->lora_name),
                   SL_FMT(model->name), sl_hint_of(ref->lora_name, names, n).text);
    sl_check_pop(&l->c, length);
}

/* Only cards may be named, and only when there are cards at all. */
static uint32_t find_card(struct sl_load *l, const struct sl_yaml *node, sl_str name)
{
    const struct sl_config *config = l->config;
    uint64_t at;
    if (!config->n_models || !name.n)
        return SL_NO_INDEX;
    if (sl_map_get(&config->model_by_name, name, &at) && sl_str_eq(config->models[at].name, name))
        return (uint32_t)at;
    sl_str names[64];
    uint32_t n = 0;
    while (n < SL_COUNT(names) && n < config->n_models) {
        names[n] = config->models[n].name;
        n++;
    }
    size_t length = sl_check_push(&l->c, SL_STR("model"));
    sl_check_error(&l->c, sl_yaml_get(node, SL_STR("model")), "unknown model \"%.*s\"%s",
                   SL_FMT(name), sl_hint_of(name, names, n).text);
    sl_check_pop(&l->c, length);
    return SL_NO_INDEX;
}

static void load_refs(struct sl_load *l, const struct sl_yaml *node, const struct sl_list *list,
                      struct sl_decision_cfg *out)
{
    struct sl_model_ref *refs = SL_LOAD_ARRAY(l, struct sl_model_ref, list->n);
    size_t length = sl_check_push(&l->c, SL_STR("modelRefs"));
    for (uint32_t i = 0; refs && i < list->n; i++) {
        const struct model_ref *from = &((const struct model_ref *)list->items)[i];
        size_t at = sl_check_push_index(&l->c, i);
        refs[i] = (struct sl_model_ref){
            .model = find_card(l, node->items[i], from->model),
            .name = from->model,
            .lora_name = from->lora_name,
            .weight = from->weight,
            .use_reasoning = from->use_reasoning,
            .reasoning_effort = from->reasoning_effort,
            .reasoning_description = from->reasoning_description,
        };
        if (from->lora_name.n && refs[i].model != SL_NO_INDEX)
            check_lora(l, node->items[i], from, &l->config->models[refs[i].model]);
        sl_check_pop(&l->c, at);
    }
    sl_check_pop(&l->c, length);
    out->refs = refs;
    out->n_refs = refs ? list->n : 0;
}

/* ---- algorithm ----------------------------------------------------------------------------- */

struct algorithm {
    sl_str type, on_error;
};

static const struct sl_feature *find_algorithm(sl_str name)
{
    const struct sl_feature *feature = sl_feature_find(sl_selector_features, name);
    return feature ? feature : sl_feature_find(sl_looper_features, name);
}

static uint32_t algorithm_names(sl_str *names, uint32_t max)
{
    uint32_t n = 0;
    for (uint32_t i = 0; sl_selector_features[i] && n < max; i++)
        names[n++] = sl_str_from(sl_selector_features[i]->name);
    for (uint32_t i = 0; sl_looper_features[i] && n < max; i++)
        names[n++] = sl_str_from(sl_looper_features[i]->name);
    return n;
}

static void report_algorithm(struct sl_load *l, const struct sl_yaml *node, sl_str type)
{
    static const char *const moved[] = {"elo", "rl_driven", "gmtrouter", "bandit",
                                        "personalization"};
    sl_str names[64];
    uint32_t n = algorithm_names(names, SL_COUNT(names));
    for (size_t i = 0; i < SL_COUNT(moved); i++) {
        if (sl_str_eq(type, sl_str_from(moved[i]))) {
            sl_check_error(&l->c, node, "\"%s\" has moved to global.router.learning.adaptation",
                           moved[i]);
            return;
        }
    }
    if (sl_str_eq(type, SL_STR("session_aware")))
        sl_check_error(&l->c, node,
                       "\"session_aware\" is no longer supported; use "
                       "global.router.learning.protection");
    else
        sl_check_error(&l->c, node, "unsupported algorithm \"%.*s\"%s", SL_FMT(type),
                       sl_hint_of(type, names, n).text);
}

/* The keys beside type and on_error: at most the block of the type's own name. */
static const struct sl_yaml *find_block(struct sl_load *l, const struct sl_yaml *node,
                                        const struct sl_feature *feature, sl_str type)
{
    const struct sl_yaml *block = NULL;
    sl_str names[66];
    uint32_t n = algorithm_names(names, 64);
    names[n++] = SL_STR("type");
    names[n++] = SL_STR("on_error");
    for (uint32_t i = 0; i < node->n; i++) {
        sl_str key = node->keys[i]->text;
        if (sl_str_eq(key, SL_STR("type")) || sl_str_eq(key, SL_STR("on_error")))
            continue;
        size_t length = sl_check_push(&l->c, key);
        const struct sl_feature *named = find_algorithm(key);
        if (!named)
            sl_check_error(&l->c, node->keys[i], "unknown field%s", sl_hint_of(key, names, n).text);
        else if (!named->fields)
            sl_check_error(&l->c, node->keys[i], "algorithm \"%.*s\" takes no block", SL_FMT(key));
        else if (node->items[i]->kind != SL_YAML_NULL && feature && named != feature)
            sl_check_error(&l->c, node->keys[i],
                           "this block belongs to algorithm \"%.*s\", but the type is \"%.*s\"",
                           SL_FMT(key), SL_FMT(type));
        else if (named == feature)
            block = node->items[i];
        sl_check_pop(&l->c, length);
    }
    return block;
}

static void load_algorithm(struct sl_load *l, const struct sl_yaml *node,
                           struct sl_decision_cfg *out)
{
    size_t length = sl_check_push(&l->c, SL_STR("algorithm"));
    if (node->kind != SL_YAML_MAP) {
        sl_check_error(&l->c, node, "expected a map with type and the block of that type");
        sl_check_pop(&l->c, length);
        return;
    }
    const struct sl_yaml *type = sl_yaml_get(node, SL_STR("type"));
    const struct sl_yaml *on_error = sl_yaml_get(node, SL_STR("on_error"));
    sl_str name = type ? type->text : SL_STR("");
    const struct sl_feature *feature = find_algorithm(name);
    size_t at = sl_check_push(&l->c, SL_STR("type"));
    if (type && type->kind != SL_YAML_SCALAR && type->kind != SL_YAML_NULL)
        sl_check_error(&l->c, type, "expected a text");
    else if (!feature && name.n)
        report_algorithm(l, type, name);
    sl_check_pop(&l->c, at);
    at = sl_check_push(&l->c, SL_STR("on_error"));
    if (on_error && on_error->kind != SL_YAML_SCALAR && on_error->kind != SL_YAML_NULL)
        sl_check_error(&l->c, on_error, "expected a text");
    sl_check_pop(&l->c, at);
    const struct sl_yaml *block = find_block(l, node, feature, name);
    out->algorithm = feature;
    if (feature && feature->fields) {
        void *decoded = sl_load_zero(l, 1, feature->size ? feature->size : 1);
        uint32_t n_errors = l->c.diags->n_errors;
        at = sl_check_push(&l->c, name);
        if (decoded)
            sl_schema_decode(&l->c, feature->fields, block, decoded);
        if (decoded && feature->validate && l->c.diags->n_errors == n_errors)
            feature->validate(&l->c, block ? block : NULL, decoded);
        sl_check_pop(&l->c, at);
        out->algorithm_cfg = decoded;
    }
    if (feature && !feature->is_active)
        sl_load_inactive(l, "algorithm", name);
    sl_check_pop(&l->c, length);
}

/* ---- plugins ------------------------------------------------------------------------------- */

struct plugin {
    sl_str type;
    const struct sl_yaml *configuration;
};

const struct sl_field sl_plugin_fields[] = {
    {"type", SL_F_STR, SL_AT(plugin, type), .help = "Plugin type."},
    {"configuration", SL_F_NODE, SL_AT(plugin, configuration), .help = "Its settings."},
    SL_FIELD_END,
};

static sl_str canonical_plugin(struct sl_load *l, const struct sl_yaml *node, sl_str type)
{
    if (!sl_str_eq(type, SL_STR("semantic-cache")) && !sl_str_eq(type, SL_STR("semantic_cache")) &&
        !sl_str_eq(type, SL_STR("response-cache")))
        return type;
    sl_check_warn(&l->c, node, "\"%.*s\" is now called response_cache", SL_FMT(type));
    return SL_STR("response_cache");
}

static void load_plugin(struct sl_load *l, const struct sl_yaml *node, const struct plugin *from,
                        struct sl_plugin_cfg *out)
{
    const struct sl_yaml *type = sl_yaml_get(node, SL_STR("type"));
    size_t length = sl_check_push(&l->c, SL_STR("type"));
    sl_str name = canonical_plugin(l, type ? type : node, from->type);
    const struct sl_feature *feature = sl_feature_find(sl_plugin_features, name);
    if (!feature) {
        sl_str names[64];
        uint32_t n = 0;
        for (; sl_plugin_features[n] && n < SL_COUNT(names); n++)
            names[n] = sl_str_from(sl_plugin_features[n]->name);
        sl_check_error(&l->c, type ? type : node, "unsupported plugin type \"%.*s\"%s",
                       SL_FMT(name), sl_hint_of(name, names, n).text);
    }
    sl_check_pop(&l->c, length);
    length = sl_check_push(&l->c, SL_STR("configuration"));
    const struct sl_yaml *configuration = from->configuration;
    if (feature && (!configuration || configuration->kind == SL_YAML_NULL))
        sl_check_error(&l->c, node, "required, but %s", configuration ? "null" : "missing");
    void *decoded = feature ? sl_load_zero(l, 1, feature->size ? feature->size : 1) : NULL;
    if (decoded && configuration && configuration->kind != SL_YAML_NULL) {
        uint32_t n_errors = l->c.diags->n_errors;
        l->c.wants_texts = true;
        sl_schema_decode(&l->c, feature->fields, configuration, decoded);
        if (feature->validate && l->c.diags->n_errors == n_errors)
            feature->validate(&l->c, configuration, decoded);
        l->c.wants_texts = false;
    }
    sl_check_pop(&l->c, length);
    *out = (struct sl_plugin_cfg){.feature = feature, .decoded = decoded, .node = configuration};
    bool is_on = true;
    const struct sl_yaml *enabled = sl_yaml_get(configuration, SL_STR("enabled"));
    if (enabled)
        (void)sl_yaml_bool(enabled, &is_on);
    if (feature && !feature->is_active && is_on)
        sl_load_inactive(l, "plugin", name);
}

static void load_plugins(struct sl_load *l, const struct sl_yaml *node, struct sl_decision_cfg *out)
{
    size_t length = sl_check_push(&l->c, SL_STR("plugins"));
    struct sl_list list;
    sl_schema_decode_list(&l->c, sl_plugin_fields, sizeof(struct plugin), node, &list);
    struct sl_plugin_cfg *plugins = SL_LOAD_ARRAY(l, struct sl_plugin_cfg, list.n);
    const struct plugin *from = list.items;
    uint32_t n = 0;
    for (uint32_t i = 0; plugins && i < list.n; i++) {
        size_t at = sl_check_push_index(&l->c, i);
        load_plugin(l, node->items[i], &from[i], &plugins[n]);
        for (uint32_t k = 0; k < n && plugins[n].feature; k++)
            if (plugins[k].feature == plugins[n].feature)
                sl_check_error(&l->c, node->items[i],
                               "duplicate plugin \"%s\"; one of a type is allowed in a decision",
                               plugins[n].feature->name);
        n += plugins[n].feature != NULL;
        sl_check_pop(&l->c, at);
    }
    out->plugins = plugins;
    out->n_plugins = n;
    sl_check_pop(&l->c, length);
}

/* ---- decisions ----------------------------------------------------------------------------- */

static bool is_looper(const struct sl_feature *algorithm)
{
    return algorithm &&
           sl_feature_find(sl_looper_features, sl_str_from(algorithm->name)) == algorithm;
}

/* Only algorithms that ask several models hold their answer to a contract. */
static void check_contract_use(struct sl_load *l, const struct sl_yaml *contract,
                               const struct sl_decision_cfg *decision)
{
    if (!contract || contract->kind != SL_YAML_MAP || !contract->n ||
        is_looper(decision->algorithm))
        return;
    size_t length = sl_check_push(&l->c, SL_STR("output_contract_spec"));
    sl_check_warn(&l->c, contract, "has no effect: the decision asks one model");
    sl_check_pop(&l->c, length);
}

static void load_decision(struct sl_load *l, const struct sl_yaml *node,
                          const struct decision *from, struct sl_decision_cfg *out)
{
    *out = (struct sl_decision_cfg){
        .name = sl_str_trim(from->name),
        .description = from->description,
        .priority = from->priority,
        .tier = from->tier,
        .node = node,
    };
    if (from->rules && from->rules->kind != SL_YAML_NULL) {
        size_t length = sl_check_push(&l->c, SL_STR("rules"));
        sl_load_rules(l, from->rules, &out->rules);
        sl_check_pop(&l->c, length);
        const struct sl_yaml *operator= sl_yaml_get(from->rules, SL_STR("operator"));
        /* An entirely empty root matches always, like no rules at all. */
        out->has_rules = out->rules.op != SL_OP_OR || out->rules.n_children || out->rules.name.n ||
                         (operator&& sl_str_trim(operator->text).n);
    }
    load_refs(l, sl_yaml_get(node, SL_STR("modelRefs")), &from->refs, out);
    if (from->algorithm && from->algorithm->kind != SL_YAML_NULL)
        load_algorithm(l, from->algorithm, out);
    if (from->plugins)
        load_plugins(l, from->plugins, out);
    sl_check_adaptations(&l->c, from->adaptations);
    sl_check_annotations(&l->c, from->annotations);
    sl_check_iterations(&l->c, from->iterations);
    sl_check_contract(&l->c, from->contract);
    check_contract_use(l, from->contract, out);
    sl_load_emits(&l->c, from->emits, &out->retention);
}

static void check_decision_names(struct sl_load *l, const struct sl_recipe_cfg *recipe)
{
    struct sl_map seen;
    sl_map_init(&seen, l->arena, 0);
    for (uint32_t i = 0; i < recipe->n_decisions; i++) {
        const struct sl_decision_cfg *decision = &recipe->decisions[i];
        uint64_t first;
        if (decision->name.n && sl_map_get(&seen, decision->name, &first)) {
            size_t length = sl_check_push_index(&l->c, i);
            sl_check_push(&l->c, SL_STR("name"));
            sl_check_error(&l->c, sl_yaml_get(decision->node, SL_STR("name")),
                           "duplicate decision name \"%.*s\"; first at index %u",
                           SL_FMT(decision->name), (unsigned)first);
            sl_check_pop(&l->c, length);
        } else if (decision->name.n && sl_map_put(&seen, decision->name, i) != SL_OK) {
            l->is_nomem = true;
        }
    }
}

/* Among tiers a decision without one comes first, which is seldom meant. */
static void check_tiers(struct sl_load *l, const struct sl_recipe_cfg *recipe)
{
    bool has_tiers = false;
    for (uint32_t i = 0; i < recipe->n_decisions; i++)
        has_tiers = has_tiers || recipe->decisions[i].tier > 0;
    for (uint32_t i = 0; has_tiers && i < recipe->n_decisions; i++) {
        const struct sl_decision_cfg *decision = &recipe->decisions[i];
        if (decision->tier > 0)
            continue;
        size_t length = sl_check_push_index(&l->c, i);
        sl_check_warn(&l->c, decision->node,
                      "decision \"%.*s\" has no tier and comes before every tier of the others",
                      SL_FMT(decision->name));
        sl_check_pop(&l->c, length);
    }
}

void sl_load_decisions(struct sl_load *l, const struct sl_yaml *routing, struct sl_recipe_cfg *r)
{
    const struct sl_yaml *node = sl_yaml_get(routing, SL_STR("decisions"));
    if (!node)
        return;
    size_t length = sl_check_push(&l->c, SL_STR("decisions"));
    struct sl_list list;
    sl_schema_decode_list(&l->c, sl_decision_fields, sizeof(struct decision), node, &list);
    struct sl_decision_cfg *decisions = SL_LOAD_ARRAY(l, struct sl_decision_cfg, list.n);
    for (uint32_t i = 0; decisions && i < list.n; i++) {
        size_t at = sl_check_push_index(&l->c, i);
        load_decision(l, node->items[i], &((const struct decision *)list.items)[i], &decisions[i]);
        sl_check_pop(&l->c, at);
    }
    r->decisions = decisions;
    r->n_decisions = decisions ? list.n : 0;
    check_decision_names(l, r);
    check_tiers(l, r);
    sl_check_pop(&l->c, length);
}
