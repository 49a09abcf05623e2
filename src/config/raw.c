/*
 * Checks and rewrites on the raw tree, before any table sees it: names that the reference has
 * retired get an error that says what replaces them, and old spellings of the response cache are
 * renamed. What was reported is taken out of the tree, so that it is reported once. Recipes are
 * treated like the top-level profile.
 */
#include "config/load.h"

struct removed {
    const char *path; /* "*" stands for every element of a list */
    const char *advice;
};

#define DEPRECATED   "this field is no longer supported; "
#define TO_ADAPT     "removed; use global.router.learning.adaptation"
#define TO_TOOLS     "removed; use a plugin of type tools with the same keys in its configuration"
#define TO_CARDS     DEPRECATED "put it into the routing.modelCards entry of this model"
#define TO_DEFAULTS  DEPRECATED "put it under providers.defaults"
#define TO_REFS      DEPRECATED "use backend_refs of the model"
#define IN_SELECTION "global.router.model_selection."

static const struct removed document_removed[] = {
    {"providers.model_targets", TO_REFS},
    {"providers.backends", TO_REFS},
    {"providers.auth_profiles",
     DEPRECATED "use auth_header, auth_prefix and api_key of backend_refs"},
    {"providers.default_model", TO_DEFAULTS},
    {"providers.reasoning_families", TO_DEFAULTS},
    {"providers.default_reasoning_effort", TO_DEFAULTS},
    {"providers.models.*.access", DEPRECATED "put its keys into the model itself"},
    {"providers.models.*.endpoints", TO_REFS},
    {"providers.models.*.access_key", DEPRECATED "use api_key of backend_refs"},
    {"providers.models.*.param_size", TO_CARDS},
    {"providers.models.*.context_window_size", TO_CARDS},
    {"providers.models.*.description", TO_CARDS},
    {"providers.models.*.capabilities", TO_CARDS},
    {"providers.models.*.loras", TO_CARDS},
    {"providers.models.*.quality_score", TO_CARDS},
    {"providers.models.*.modality", TO_CARDS},
    {"providers.models.*.tags", TO_CARDS},
    {"global.modules", DEPRECATED "use global.model_catalog.modules"},
    {"global.model_catalog.embeddings.bert",
     DEPRECATED "use global.model_catalog.embeddings.semantic"},
    {"global.model_catalog.classifiers", "removed; use global.model_catalog.kbs"},
    {IN_SELECTION "session_aware", "removed; use global.router.learning.protection"},
    {IN_SELECTION "model_switch_gate", "removed; use global.router.learning.protection"},
    {IN_SELECTION "lookup_tables", TO_ADAPT},
    {IN_SELECTION "elo", TO_ADAPT},
    {IN_SELECTION "rl_driven", TO_ADAPT},
    {IN_SELECTION "gmtrouter", TO_ADAPT},
    {IN_SELECTION "bandit", TO_ADAPT},
    {IN_SELECTION "personalization", TO_ADAPT},
};

static const struct removed routing_removed[] = {
    {"models", DEPRECATED "use modelCards"},
    {"decisions.*.modelSelectionAlgorithm", DEPRECATED "use algorithm"},
    {"decisions.*.tool_scope", TO_TOOLS},
    {"decisions.*.allow_tools", TO_TOOLS},
    {"decisions.*.block_tools", TO_TOOLS},
    {"decisions.*.algorithm.session_aware", "removed; use global.router.learning.protection"},
    {"decisions.*.algorithm.elo", TO_ADAPT},
    {"decisions.*.algorithm.rl_driven", TO_ADAPT},
    {"decisions.*.algorithm.gmtrouter", TO_ADAPT},
    {"decisions.*.algorithm.bandit", TO_ADAPT},
    {"decisions.*.algorithm.personalization", TO_ADAPT},
    {"signals.structure.*.feature.normalize_by",
     "removed; a feature of type density counts in text units by itself"},
    {"signals.category_kb", "no longer supported; use signals.kb with global.model_catalog.kbs"},
    {"signals.taxonomy", "no longer supported; use signals.kb with global.model_catalog.kbs"},
};

static void visit(struct sl_load *l, struct sl_yaml *node, sl_str path, const char *advice)
{
    size_t dot = sl_str_chr(path, '.');
    sl_str key = sl_str_sub(path, 0, dot);
    sl_str rest = sl_str_sub(path, dot + 1, path.n);
    if (sl_str_eq(key, SL_STR("*"))) {
        for (uint32_t i = 0; node->kind == SL_YAML_LIST && i < node->n; i++) {
            size_t length = sl_check_push_index(&l->c, i);
            visit(l, node->items[i], rest, advice);
            sl_check_pop(&l->c, length);
        }
        return;
    }
    struct sl_yaml *child = sl_yaml_get(node, key);
    if (!child)
        return;
    size_t length = sl_check_push(&l->c, key);
    if (rest.n) {
        visit(l, child, rest, advice);
    } else {
        sl_check_error(&l->c, child, "%s", advice);
        sl_yaml_remove(node, key);
    }
    sl_check_pop(&l->c, length);
}

static void rename_response_cache(struct sl_load *l)
{
    struct sl_yaml *stores = sl_yaml_get(sl_yaml_get(l->root, SL_STR("global")), SL_STR("stores"));
    struct sl_yaml *old = sl_yaml_get(stores, SL_STR("semantic_cache"));
    if (!old)
        return;
    size_t length = sl_check_push(&l->c, SL_STR("global.stores.semantic_cache"));
    if (sl_yaml_get(stores, SL_STR("response_cache")))
        sl_check_error(&l->c, old,
                       "global.stores.response_cache conflicts with deprecated "
                       "global.stores.semantic_cache; keep response_cache");
    else
        sl_check_warn(&l->c, old, "semantic_cache is now called response_cache");
    sl_check_pop(&l->c, length);
    for (uint32_t i = 0; i < stores->n; i++)
        if (sl_str_eq(stores->keys[i]->text, SL_STR("semantic_cache")) &&
            !sl_yaml_get(stores, SL_STR("response_cache")))
            stores->keys[i]->text = SL_STR("response_cache");
    sl_yaml_remove(stores, SL_STR("semantic_cache"));
}

static void check_selection_method(struct sl_load *l)
{
    static const char *const moved[] = {"session_aware",  "lookup_tables", "elo",
                                        "rl_driven",      "gmtrouter",     "bandit",
                                        "personalization"};
    const struct sl_yaml *router =
        sl_yaml_get(sl_yaml_get(l->root, SL_STR("global")), SL_STR("router"));
    const struct sl_yaml *method =
        sl_yaml_get(sl_yaml_get(router, SL_STR("model_selection")), SL_STR("method"));
    for (size_t i = 0; method && i < SL_COUNT(moved); i++) {
        if (!sl_str_eq(method->text, sl_str_from(moved[i])))
            continue;
        size_t length = sl_check_push(&l->c, SL_STR("global.router.model_selection.method"));
        sl_check_error(&l->c, method, "\"%s\" was removed; use global.router.learning.adaptation",
                       moved[i]);
        sl_check_pop(&l->c, length);
    }
}

static void visit_routing(struct sl_load *l, struct sl_yaml *parent)
{
    struct sl_yaml *routing = sl_yaml_get(parent, SL_STR("routing"));
    if (!routing)
        return;
    size_t length = sl_check_push(&l->c, SL_STR("routing"));
    for (size_t i = 0; i < SL_COUNT(routing_removed); i++)
        visit(l, routing, sl_str_from(routing_removed[i].path), routing_removed[i].advice);
    sl_check_pop(&l->c, length);
}

void sl_load_rewrite(struct sl_load *l)
{
    rename_response_cache(l);
    for (size_t i = 0; i < SL_COUNT(document_removed); i++)
        visit(l, l->root, sl_str_from(document_removed[i].path), document_removed[i].advice);
    check_selection_method(l);
    visit_routing(l, l->root);
    const struct sl_yaml *recipes = sl_yaml_get(l->root, SL_STR("recipes"));
    for (uint32_t i = 0; recipes && recipes->kind == SL_YAML_LIST && i < recipes->n; i++) {
        size_t length = sl_check_push(&l->c, SL_STR("recipes"));
        sl_check_push_index(&l->c, i);
        visit_routing(l, recipes->items[i]);
        sl_check_pop(&l->c, length);
    }
}
