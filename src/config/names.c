/*
 * What a request's model name means: automatic names, entrypoints of recipes, and the names of
 * multi-model algorithms; everything else is a concrete model. Also the order of /v1/models.
 */
#include "config/field.h"
#include "config/load.h"

struct entrypoint {
    struct sl_strs model_names;
    sl_str recipe;
};

const struct sl_field sl_entrypoint_fields[] = {
    {"model_names", SL_F_STRS, SL_AT(entrypoint, model_names), .flags = SL_TRIMMED,
     .help = "Model names that lead to the recipe."},
    {"recipe", SL_F_STR, SL_AT(entrypoint, recipe), .help = "The recipe they lead to."},
    SL_FIELD_END,
};

struct name_list {
    struct sl_name_entry *items;
    uint32_t n;
    uint32_t cap;
};

static void add(struct sl_load *l, struct name_list *list, struct sl_name_entry entry)
{
    uint64_t taken;
    if (!entry.name.n || list->n == list->cap)
        return;
    bool is_concrete = entry.kind == SL_NAME_CONCRETE;
    if (!is_concrete && sl_map_get(&l->config->name_index, entry.name, &taken))
        return;
    if (!is_concrete && sl_map_put(&l->config->name_index, entry.name, list->n) != SL_OK)
        l->is_nomem = true;
    list->items[list->n++] = entry;
}

static void add_auto_names(struct sl_load *l, struct name_list *list)
{
    const struct sl_router_cfg *router = &l->global.router;
    struct sl_name_entry entry = {
        .kind = SL_NAME_AUTO,
        .is_listed = true,
        .description = SL_STR_INIT("Intelligent Router for Mixture-of-Models"),
    };
    sl_str usual[] = {SL_STR_INIT("vllm-sr/auto"), SL_STR_INIT("auto"), router->auto_model_name};
    const sl_str *names = usual;
    uint32_t n = SL_COUNT(usual);
    if (router->auto_model_names.is_set) {
        names = router->auto_model_names.names.items;
        n = router->auto_model_names.names.n;
    }
    for (uint32_t i = 0; i < n; i++) {
        entry.name = sl_str_trim(names[i]);
        add(l, list, entry);
    }
}

/* ---- multi-model algorithms ---------------------------------------------------------------- */

static const struct {
    const char *algorithm;
    const char *slug;
    const char *what;
} loopers[] = {
    {"remom", "vllm-sr/remom", "the ReMoM algorithm slug"},
    {"fusion", "vllm-sr/fusion", "the Fusion algorithm slug"},
    {"workflows", "vllm-sr/flow", "the Flow algorithm slug"},
};

static const struct sl_strs *looper_names(const struct sl_load *l, uint32_t i)
{
    const struct sl_strs *all[] = {
        &l->global.integrations.looper.remom.model_names,
        &l->global.integrations.looper.fusion.model_names,
        &l->global.integrations.looper.flow.model_names,
    };
    return all[i];
}

static const char *looper_of(const struct sl_load *l, sl_str name)
{
    for (uint32_t i = 0; i < SL_COUNT(loopers); i++) {
        const struct sl_strs *names = looper_names(l, i);
        if (!names->n && sl_str_eq(name, sl_str_from(loopers[i].slug)))
            return loopers[i].what;
        for (uint32_t k = 0; k < names->n; k++)
            if (sl_str_eq(sl_str_trim(names->items[k]), name))
                return loopers[i].what;
    }
    return NULL;
}

static bool is_looper_listed(const struct sl_load *l, uint32_t which)
{
    const struct sl_recipe_cfg *r = &l->config->recipes[0];
    if (!l->config->global.looper_enabled)
        return false;
    if (which == 1 && looper_names(l, which)->n)
        return true;
    for (uint32_t i = 0; i < r->n_decisions; i++)
        if (r->decisions[i].algorithm && sl_str_eq(sl_str_from(r->decisions[i].algorithm->name),
                                                   sl_str_from(loopers[which].algorithm)))
            return true;
    return false;
}

static void add_looper_names(struct sl_load *l, struct name_list *list)
{
    for (uint32_t i = 0; i < SL_COUNT(loopers); i++) {
        const struct sl_strs *names = looper_names(l, i);
        struct sl_name_entry entry = {
            .kind = SL_NAME_LOOPER,
            .description = sl_str_from(loopers[i].algorithm),
            .is_listed = is_looper_listed(l, i),
        };
        for (uint32_t k = 0; k < (names->n ? names->n : 1); k++) {
            entry.name = names->n ? sl_str_trim(names->items[k]) : sl_str_from(loopers[i].slug);
            add(l, list, entry);
        }
    }
}

/* ---- entrypoints --------------------------------------------------------------------------- */

static uint32_t find_recipe(struct sl_load *l, const struct sl_yaml *node, sl_str name)
{
    sl_str names[64];
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->config->n_recipes; i++) {
        if (sl_str_eq(l->config->recipes[i].name, name))
            return i;
        if (n < SL_COUNT(names))
            names[n++] = l->config->recipes[i].name;
    }
    const struct sl_yaml *place = sl_yaml_get(node, SL_STR("recipe"));
    size_t length = sl_check_push(&l->c, SL_STR("recipe"));
    if (!name.n)
        sl_check_error(&l->c, place ? place : node, "recipe cannot be empty");
    else
        sl_check_error(&l->c, place, "unknown recipe \"%.*s\"%s", SL_FMT(name),
                       sl_hint_of(name, names, n).text);
    sl_check_pop(&l->c, length);
    return SL_NO_INDEX;
}

static const char *meaning_of(struct sl_load *l, sl_str name)
{
    uint64_t at;
    const struct sl_config *config = l->config;
    for (uint32_t i = 0; i < config->n_models; i++) {
        if (sl_str_eq(config->models[i].name, name))
            return "a configured model";
        for (uint32_t k = 0; k < config->models[i].n_loras; k++)
            if (sl_str_eq(config->models[i].loras[k].name, name))
                return "a configured LoRA adapter";
    }
    if (sl_map_get(&config->name_index, name, &at) && config->names[at].kind == SL_NAME_AUTO)
        return "an auto-model alias";
    return looper_of(l, name);
}

static void add_entrypoint(struct sl_load *l, const struct sl_yaml *node,
                           const struct entrypoint *from, struct name_list *list)
{
    struct sl_name_entry entry = {
        .kind = SL_NAME_ENTRYPOINT,
        .recipe = find_recipe(l, node, from->recipe),
        .is_listed = true,
    };
    const struct sl_recipe_cfg *recipe =
        entry.recipe == SL_NO_INDEX ? NULL : &l->config->recipes[entry.recipe];
    if (recipe)
        entry.description =
            recipe->description.n
                ? recipe->description
                : sl_arena_printf(l->arena, "Entrypoint for the %.*s routing recipe",
                                  SL_FMT(recipe->name));
    const struct sl_yaml *names = sl_yaml_get(node, SL_STR("model_names"));
    uint32_t n_given = 0;
    size_t length = sl_check_push(&l->c, SL_STR("model_names"));
    uint32_t first_own = list->n;
    for (uint32_t i = 0; i < from->model_names.n; i++) {
        uint64_t taken;
        entry.name = sl_str_trim(from->model_names.items[i]);
        if (!entry.name.n)
            continue;
        n_given++;
        const char *meaning = meaning_of(l, entry.name);
        size_t at = sl_check_push_index(&l->c, i);
        if (meaning)
            sl_check_error(&l->c, names->items[i],
                           "model name \"%.*s\" is already %s; entrypoint names must be new "
                           "virtual names",
                           SL_FMT(entry.name), meaning);
        else if (sl_map_get(&l->config->name_index, entry.name, &taken) && taken < first_own)
            sl_check_error(&l->c, names->items[i],
                           "model name \"%.*s\" is already mapped by another entrypoint",
                           SL_FMT(entry.name));
        else
            add(l, list, entry);
        sl_check_pop(&l->c, at);
    }
    if (!n_given && (!names || names->kind != SL_YAML_SCALAR))
        sl_check_error(&l->c, names ? names : node, "model_names cannot be empty");
    sl_check_pop(&l->c, length);
}

void sl_load_names(struct sl_load *l)
{
    struct sl_config *config = l->config;
    const struct sl_yaml *node = sl_yaml_get(l->root, SL_STR("entrypoints"));
    size_t length = sl_check_push(&l->c, SL_STR("entrypoints"));
    struct sl_list entrypoints = {NULL, 0};
    sl_schema_decode_list(&l->c, sl_entrypoint_fields, sizeof(struct entrypoint), node,
                          &entrypoints);
    const struct entrypoint *all = entrypoints.items;
    struct name_list list = {.cap =
                                 3 + l->global.router.auto_model_names.names.n + config->n_models};
    for (uint32_t i = 0; i < entrypoints.n; i++)
        list.cap += all[i].model_names.n;
    for (uint32_t i = 0; i < SL_COUNT(loopers); i++)
        list.cap += 1 + looper_names(l, i)->n;
    list.items = SL_LOAD_ARRAY(l, struct sl_name_entry, list.cap);
    if (!list.items)
        return;
    sl_map_init(&config->name_index, l->arena, 0);
    config->names = list.items;
    add_auto_names(l, &list);
    for (uint32_t i = 0; i < entrypoints.n; i++) {
        size_t at = sl_check_push_index(&l->c, i);
        add_entrypoint(l, node->items[i], &all[i], &list);
        sl_check_pop(&l->c, at);
    }
    sl_check_pop(&l->c, length);
    add_looper_names(l, &list);
    for (uint32_t i = 0; i < config->n_models; i++)
        add(l, &list,
            (struct sl_name_entry){
                .name = config->models[i].name,
                .kind = SL_NAME_CONCRETE,
                .recipe = SL_NO_INDEX,
                .description = config->models[i].description,
                .is_listed = config->global.lists_config_models,
            });
    config->n_names = list.n;
}
