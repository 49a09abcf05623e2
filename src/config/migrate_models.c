/*
 * Models of the older shapes: provider models that carried card fields and endpoints, and
 * model_config with vllm_endpoints and provider_profiles.
 */
#include "config/migrate.h"

#include <stdio.h>

static const char *const card_keys[] = {
    "param_size", "context_window_size", "description", "capabilities",
    "loras",      "quality_score",       "modality",    "tags"};

static struct sl_yaml *find_named(const struct sl_yaml *list, sl_str name)
{
    for (uint32_t i = 0; list && list->kind == SL_YAML_LIST && i < list->n; i++) {
        const struct sl_yaml *key = sl_yaml_get(list->items[i], SL_STR("name"));
        if (key && sl_str_eq(key->text, name))
            return list->items[i];
    }
    return NULL;
}

/* The element of that name in the list at `path`, made when absent. */
static struct sl_yaml *make_named(struct sl_migration *m, const char *path, sl_str name,
                                  const struct sl_yaml *place)
{
    struct sl_yaml *list = sl_migrate_make(m, m->root, path, SL_YAML_LIST, place);
    struct sl_yaml *item = find_named(list, name);
    if (item || !list)
        return item;
    item = sl_yaml_new(m->arena, SL_YAML_MAP, place);
    struct sl_yaml *text = sl_yaml_new_str(m->arena, name, place);
    if (!item || sl_yaml_set(m->arena, item, SL_STR("name"), text) != SL_OK ||
        sl_yaml_push(m->arena, list, item) != SL_OK)
        return NULL;
    return item;
}

static void move_card_fields(struct sl_migration *m, struct sl_yaml *model, sl_str name)
{
    bool has_any = false;
    for (size_t i = 0; i < SL_COUNT(card_keys); i++)
        has_any |= sl_yaml_get(model, sl_str_from(card_keys[i])) != NULL;
    if (!has_any && !m->is_old)
        return;
    struct sl_yaml *card = make_named(m, "routing.modelCards", name, model);
    for (size_t i = 0; card && i < SL_COUNT(card_keys); i++)
        (void)sl_migrate_move(m, model, card_keys[i], card, card_keys[i]);
    if (has_any)
        sl_migrate_note(m, model, "providers.models", "routing.modelCards");
}

/* A copy of the endpoint's keys that a backend_ref knows. */
static struct sl_yaml *ref_of_endpoint(struct sl_migration *m, struct sl_yaml *endpoint,
                                       struct sl_yaml *access_key)
{
    static const char *const keys[] = {"name", "endpoint", "protocol", "weight",
                                       "type", "api_key",  "base_url"};
    struct sl_yaml *ref = sl_yaml_new(m->arena, SL_YAML_MAP, endpoint);
    for (size_t i = 0; ref && i < SL_COUNT(keys); i++)
        sl_migrate_put(m, ref, keys[i], sl_yaml_get(endpoint, sl_str_from(keys[i])));
    if (ref && !sl_yaml_get(ref, SL_STR("name")))
        sl_migrate_put(m, ref, "name", sl_yaml_new_str(m->arena, SL_STR("primary"), endpoint));
    if (ref)
        sl_migrate_put(m, ref, "api_key", access_key);
    return ref;
}

static void move_endpoints(struct sl_migration *m, struct sl_yaml *model)
{
    struct sl_yaml *endpoints = sl_yaml_get(model, SL_STR("endpoints"));
    struct sl_yaml *access_key = sl_yaml_get(model, SL_STR("access_key"));
    if (endpoints && endpoints->kind == SL_YAML_LIST) {
        struct sl_yaml *refs = sl_yaml_new(m->arena, SL_YAML_LIST, endpoints);
        for (uint32_t i = 0; refs && i < endpoints->n; i++)
            if (sl_yaml_push(m->arena, refs, ref_of_endpoint(m, endpoints->items[i], access_key)) !=
                SL_OK)
                return;
        sl_migrate_put(m, model, "backend_refs", refs);
        sl_yaml_remove(model, SL_STR("endpoints"));
        sl_migrate_note(m, endpoints, "providers.models[].endpoints",
                        "providers.models[].backend_refs");
    }
    struct sl_yaml *refs = sl_yaml_get(model, SL_STR("backend_refs"));
    for (uint32_t i = 0; access_key && refs && i < refs->n; i++)
        sl_migrate_put(m, refs->items[i], "api_key", access_key);
    if (access_key) {
        sl_yaml_remove(model, SL_STR("access_key"));
        sl_migrate_note(m, access_key, "providers.models[].access_key",
                        "api_key of its backend_refs");
    }
}

static void move_access(struct sl_migration *m, struct sl_yaml *model)
{
    static const char *const keys[] = {"provider_model_id", "pricing", "api_format",
                                       "external_model_ids", "backend_refs"};
    struct sl_yaml *access = sl_yaml_get(model, SL_STR("access"));
    if (!access)
        return;
    for (size_t i = 0; i < SL_COUNT(keys); i++)
        (void)sl_migrate_move(m, access, keys[i], model, keys[i]);
    sl_yaml_remove(model, SL_STR("access"));
    sl_migrate_note(m, access, "providers.models[].access", "the model's own keys");
}

static void migrate_provider_models(struct sl_migration *m)
{
    const struct sl_yaml *models =
        sl_yaml_get(sl_yaml_get(m->root, SL_STR("providers")), SL_STR("models"));
    for (uint32_t i = 0; models && models->kind == SL_YAML_LIST && i < models->n; i++) {
        struct sl_yaml *model = models->items[i];
        const struct sl_yaml *name = sl_yaml_get(model, SL_STR("name"));
        if (!name || name->kind != SL_YAML_SCALAR)
            continue;
        move_access(m, model);
        move_endpoints(m, model);
        move_card_fields(m, model, name->text);
    }
}

/* ---- model_config, vllm_endpoints, provider_profiles --------------------------------------- */

static struct sl_yaml *endpoint_address(struct sl_migration *m, const struct sl_yaml *endpoint)
{
    const struct sl_yaml *address = sl_yaml_get(endpoint, SL_STR("address"));
    const struct sl_yaml *port = sl_yaml_get(endpoint, SL_STR("port"));
    if (!address || !address->text.n)
        return NULL;
    bool is_v6 = sl_str_chr(address->text, ':') < address->text.n;
    sl_str text =
        sl_arena_printf(m->arena, "%s%.*s%s%s%.*s", is_v6 ? "[" : "", SL_FMT(address->text),
                        is_v6 ? "]" : "", port ? ":" : "", SL_FMT(port ? port->text : SL_STR("")));
    return text.p ? sl_yaml_new_str(m->arena, text, address) : NULL;
}

static struct sl_yaml *ref_of_router_endpoint(struct sl_migration *m, struct sl_yaml *endpoint,
                                              struct sl_yaml *access_key)
{
    static const char *const own[] = {"name", "protocol", "weight",
                                      "type", "api_key",  "api_key_env"};
    static const char *const shared[] = {"base_url",      "auth_header", "auth_prefix",
                                         "extra_headers", "api_version", "chat_path"};
    struct sl_yaml *ref = sl_yaml_new(m->arena, SL_YAML_MAP, endpoint);
    if (!ref)
        return NULL;
    for (size_t i = 0; i < SL_COUNT(own); i++)
        sl_migrate_put(m, ref, own[i], sl_yaml_get(endpoint, sl_str_from(own[i])));
    sl_migrate_put(m, ref, "endpoint", endpoint_address(m, endpoint));
    const struct sl_yaml *profile_name = sl_yaml_get(endpoint, SL_STR("provider_profile"));
    const struct sl_yaml *profile =
        profile_name
            ? sl_yaml_get(sl_yaml_get(m->root, SL_STR("provider_profiles")), profile_name->text)
            : NULL;
    for (size_t i = 0; profile && i < SL_COUNT(shared); i++)
        sl_migrate_put(m, ref, shared[i], sl_yaml_get(profile, sl_str_from(shared[i])));
    if (profile)
        sl_migrate_put(m, ref, "provider", sl_yaml_get(profile, SL_STR("type")));
    sl_migrate_put(m, ref, "api_key", access_key);
    return ref;
}

static void add_ref(struct sl_migration *m, struct sl_yaml *model, struct sl_yaml *endpoint,
                    struct sl_yaml *access_key)
{
    struct sl_yaml *refs = sl_migrate_make(m, model, "backend_refs", SL_YAML_LIST, endpoint);
    if (refs && sl_yaml_push(m->arena, refs, ref_of_router_endpoint(m, endpoint, access_key)))
        return;
}

static bool serves(const struct sl_yaml *endpoint, sl_str model)
{
    const struct sl_yaml *one = sl_yaml_get(endpoint, SL_STR("model"));
    const struct sl_yaml *many = sl_yaml_get(endpoint, SL_STR("models"));
    for (uint32_t i = 0; many && many->kind == SL_YAML_LIST && i < many->n; i++)
        if (sl_str_eq(many->items[i]->text, model))
            return true;
    return one && sl_str_eq(one->text, model);
}

static void add_refs(struct sl_migration *m, struct sl_yaml *model, sl_str name,
                     const struct sl_yaml *config)
{
    const struct sl_yaml *endpoints = sl_yaml_get(m->root, SL_STR("vllm_endpoints"));
    const struct sl_yaml *preferred = sl_yaml_get(config, SL_STR("preferred_endpoints"));
    struct sl_yaml *access_key = sl_yaml_get(config, SL_STR("access_key"));
    if (!endpoints || endpoints->kind != SL_YAML_LIST || sl_yaml_get(model, SL_STR("backend_refs")))
        return;
    for (uint32_t i = 0; preferred && preferred->kind == SL_YAML_LIST && i < preferred->n; i++) {
        struct sl_yaml *endpoint = find_named(endpoints, preferred->items[i]->text);
        if (endpoint)
            add_ref(m, model, endpoint, access_key);
        else
            sl_diags_add(m->diags, SL_WARNING, preferred->items[i]->line,
                         preferred->items[i]->column, SL_STR("model_config"),
                         "preferred endpoint \"%.*s\" is not among vllm_endpoints",
                         SL_FMT(preferred->items[i]->text));
    }
    for (uint32_t i = 0; !preferred && i < endpoints->n; i++)
        if (serves(endpoints->items[i], name))
            add_ref(m, model, endpoints->items[i], access_key);
}

static void migrate_model_config(struct sl_migration *m)
{
    struct sl_yaml *configs = sl_yaml_get(m->root, SL_STR("model_config"));
    for (uint32_t i = 0; configs && configs->kind == SL_YAML_MAP && i < configs->n; i++) {
        struct sl_yaml *config = configs->items[i];
        sl_str name = configs->keys[i]->text;
        struct sl_yaml *model = make_named(m, "providers.models", name, config);
        struct sl_yaml *card = make_named(m, "routing.modelCards", name, config);
        if (!model || !card)
            return;
        (void)sl_migrate_move(m, config, "model_id", model, "provider_model_id");
        (void)sl_migrate_move(m, config, "pricing", model, "pricing");
        (void)sl_migrate_move(m, config, "api_format", model, "api_format");
        (void)sl_migrate_move(m, config, "external_model_ids", model, "external_model_ids");
        (void)sl_migrate_move(m, config, "reasoning_family", model, "reasoning_family");
        for (size_t k = 0; k < SL_COUNT(card_keys); k++)
            (void)sl_migrate_move(m, config, card_keys[k], card, card_keys[k]);
        add_refs(m, model, name, config);
    }
    if (!configs)
        return;
    sl_yaml_remove(m->root, SL_STR("model_config"));
    sl_migrate_note(m, configs, "model_config", "providers.models and routing.modelCards");
}

/* Models that only an endpoint names. */
static void migrate_endpoint_models(struct sl_migration *m)
{
    struct sl_yaml *endpoints = sl_yaml_get(m->root, SL_STR("vllm_endpoints"));
    for (uint32_t i = 0; endpoints && endpoints->kind == SL_YAML_LIST && i < endpoints->n; i++) {
        struct sl_yaml *endpoint = endpoints->items[i];
        const struct sl_yaml *many = sl_yaml_get(endpoint, SL_STR("models"));
        const struct sl_yaml *one = sl_yaml_get(endpoint, SL_STR("model"));
        uint32_t n = many && many->kind == SL_YAML_LIST ? many->n : one != NULL;
        for (uint32_t k = 0; k < n; k++) {
            sl_str name = many && many->kind == SL_YAML_LIST ? many->items[k]->text : one->text;
            struct sl_yaml *model = make_named(m, "providers.models", name, endpoint);
            if (!model || !make_named(m, "routing.modelCards", name, endpoint))
                return;
            add_refs(m, model, name, NULL);
        }
    }
    if (endpoints) {
        sl_yaml_remove(m->root, SL_STR("vllm_endpoints"));
        sl_migrate_note(m, endpoints, "vllm_endpoints", "backend_refs of providers.models");
    }
    sl_yaml_remove(m->root, SL_STR("provider_profiles"));
}

/* The default model of a file that never described its models. */
static void ensure_default_card(struct sl_migration *m)
{
    const struct sl_yaml *defaults =
        sl_yaml_get(sl_yaml_get(m->root, SL_STR("providers")), SL_STR("defaults"));
    const struct sl_yaml *name = sl_yaml_get(defaults, SL_STR("default_model"));
    const struct sl_yaml *cards =
        sl_yaml_get(sl_yaml_get(m->root, SL_STR("routing")), SL_STR("modelCards"));
    if (m->is_old && name && name->kind == SL_YAML_SCALAR && name->text.n && !cards)
        (void)make_named(m, "routing.modelCards", name->text, name);
}

void sl_migrate_models(struct sl_migration *m)
{
    struct sl_yaml *routing = sl_yaml_get(m->root, SL_STR("routing"));
    const struct sl_yaml *old = sl_yaml_get(routing, SL_STR("models"));
    if (old && sl_migrate_move(m, routing, "models", routing, "modelCards"))
        sl_migrate_note(m, old, "routing.models", "routing.modelCards");
    migrate_model_config(m);
    migrate_endpoint_models(m);
    migrate_provider_models(m);
    ensure_default_card(m);
}
