/* The `global` block: sections decoded over their defaults, and what the router takes from them. */
#include "config/field.h"
#include "config/load.h"

#define SECTION(name, table)                                                                       \
    SL_F_STRUCT, SL_AT(sl_global_sections, name),                                                  \
        .sub = (table), .sub_size = sizeof(((struct sl_global_sections *)NULL)->name)

const struct sl_field sl_global_fields[] = {
    {"router", SECTION(router, sl_global_router_fields), .help = "The routing core."},
    {"services", SECTION(services, sl_global_services_fields),
     .help = "APIs, identity, rate limits, observability."},
    {"stores", SECTION(stores, sl_global_stores_fields), .help = "Caches, memory, vector stores."},
    {"integrations", SECTION(integrations, sl_global_integrations_fields),
     .help = "Tools and multi-model execution."},
    {"model_catalog", SECTION(catalog, sl_global_catalog_fields),
     .help = "Models of the router itself, external models, knowledge bases."},
    SL_FIELD_END,
};

static void fill_credentials(struct sl_load *l, struct sl_global_cfg *out)
{
    const struct sl_list *from = &l->global.services.authz.providers;
    const struct sl_authz_provider_cfg *all = from->items;
    struct sl_credential_provider_cfg *to =
        SL_LOAD_ARRAY(l, struct sl_credential_provider_cfg, from->n);
    for (uint32_t i = 0; to && i < from->n; i++)
        to[i] = (struct sl_credential_provider_cfg){
            .is_header_injection = all[i].type == 1,
            .headers = all[i].headers,
        };
    out->credential_providers = to;
    out->n_credential_providers = to ? from->n : 0;
}

/* An empty one and 0 mean the default, as in the field's table. */
static bool names_port(const struct sl_load *l)
{
    const struct sl_yaml *services =
        sl_yaml_get(sl_yaml_get(l->root, SL_STR("global")), SL_STR("services"));
    const struct sl_yaml *port =
        sl_yaml_get(sl_yaml_get(services, SL_STR("management_api")), SL_STR("port"));
    return port && port->kind == SL_YAML_SCALAR && !sl_yaml_is_null_text(port->text) &&
           !sl_str_eq(port->text, SL_STR("0"));
}

static void fill_management(struct sl_load *l, struct sl_management_cfg *out)
{
    const struct sl_services_cfg *services = &l->global.services;
    const struct sl_list *from = &services->management_api.auth.tokens;
    const struct sl_management_token_cfg *all = from->items;
    struct sl_str_pair *tokens = SL_LOAD_ARRAY(l, struct sl_str_pair, from->n);
    for (uint32_t i = 0; tokens && i < from->n; i++)
        tokens[i] = (struct sl_str_pair){all[i].env, all[i].role};
    *out = (struct sl_management_cfg){
        .bind_address = services->management_api.bind_address,
        .port = services->management_api.port,
        .has_port = names_port(l),
        .is_remote = services->management_api.remote_exposure,
        .needs_bearer = services->management_api.auth.mode == 1,
        .tokens = {tokens, tokens ? from->n : 0},
    };
}

static double or_else(double given, double fallback)
{
    return given > 0 ? given : fallback;
}

static void fill_compression(struct sl_load *l, struct sl_compression_cfg *out)
{
    const struct sl_catalog_cfg *c = &l->global.catalog;
    const struct sl_compress_profile *named = sl_compress_profile(c->prompt_compression.profile);
    struct sl_compress_profile p = named ? *named : *sl_compress_profile(SL_STR("default"));
    p.textrank_weight = or_else(c->prompt_compression.textrank_weight, p.textrank_weight);
    p.position_weight = or_else(c->prompt_compression.position_weight, p.position_weight);
    p.tfidf_weight = or_else(c->prompt_compression.tfidf_weight, p.tfidf_weight);
    p.novelty_weight = or_else(c->prompt_compression.novelty_weight, p.novelty_weight);
    p.position_depth = or_else(c->prompt_compression.position_depth, p.position_depth);
    if (c->prompt_compression.preserve_first_n > 0)
        p.preserve_first_n = (uint32_t)c->prompt_compression.preserve_first_n;
    if (c->prompt_compression.preserve_last_n > 0)
        p.preserve_last_n = (uint32_t)c->prompt_compression.preserve_last_n;
    *out = (struct sl_compression_cfg){
        .is_enabled = c->prompt_compression.enabled && c->prompt_compression.max_tokens > 0,
        .max_tok = (uint64_t)c->prompt_compression.max_tokens,
        .min_bytes = (uint64_t)c->prompt_compression.min_length,
        .profile = p,
        .skip_signals = c->prompt_compression.skip_signals,
    };
}

static void check_section(struct sl_load *l, const struct sl_yaml *global, const char *name,
                          void (*check)(struct sl_load *, const struct sl_yaml *))
{
    size_t length = sl_check_push(&l->c, sl_str_from(name));
    check(l, sl_yaml_get(global, sl_str_from(name)));
    sl_check_pop(&l->c, length);
}

static void check_router(struct sl_load *l, const struct sl_yaml *node)
{
    (void)node;
    if (l->global.router.learning)
        sl_global_check_learning(&l->c, l->global.router.learning);
}

/* Limits that nothing enforces are worse than none: a kind that is not known is an error. */
static void check_limiter(struct sl_load *l, const struct sl_yaml *node)
{
    static const sl_str kinds[] = {SL_STR_INIT("local-limiter"), SL_STR_INIT("envoy-ratelimit")};
    const struct sl_yaml *providers = sl_yaml_get(node, SL_STR("providers"));
    if (!providers || providers->kind != SL_YAML_LIST || !providers->n)
        return;
    size_t length = sl_check_push(&l->c, SL_STR("ratelimit"));
    sl_load_inactive(l, "service", SL_STR("ratelimit"));
    sl_check_push(&l->c, SL_STR("providers"));
    for (uint32_t i = 0; i < providers->n; i++) {
        const struct sl_yaml *type = sl_yaml_get(providers->items[i], SL_STR("type"));
        sl_str name = sl_str_trim(type ? type->text : SL_STR(""));
        if (!name.n || sl_str_eq_nocase(name, kinds[0]) || sl_str_eq_nocase(name, kinds[1]))
            continue;
        size_t item = sl_check_push_index(&l->c, i);
        sl_check_push(&l->c, SL_STR("type"));
        sl_check_error(&l->c, type, "found \"%.*s\", expected local-limiter or envoy-ratelimit%s",
                       SL_FMT(sl_str_sub(name, 0, 80)),
                       sl_hint_of(name, kinds, SL_COUNT(kinds)).text);
        sl_check_pop(&l->c, item);
    }
    sl_check_pop(&l->c, length);
}

static void check_services(struct sl_load *l, const struct sl_yaml *node)
{
    sl_global_check_services(&l->c, &l->global.services, node);
    check_limiter(l, sl_yaml_get(node, SL_STR("ratelimit")));
}

static void check_stores(struct sl_load *l, const struct sl_yaml *node)
{
    sl_global_check_stores(&l->c, &l->global.stores, node);
}

static void check_integrations(struct sl_load *l, const struct sl_yaml *node)
{
    sl_global_check_integrations(&l->c, &l->global.integrations, node);
}

static void check_catalog(struct sl_load *l, const struct sl_yaml *node)
{
    sl_global_complete_catalog(&l->c, &l->global.catalog, node);
    sl_global_check_catalog(&l->c, &l->global.catalog, node);
}

void sl_load_global(struct sl_load *l)
{
    const struct sl_yaml *node = sl_yaml_get(l->root, SL_STR("global"));
    struct sl_global_cfg *out = &l->config->global;
    size_t length = sl_check_push(&l->c, SL_STR("global"));
    sl_schema_decode(&l->c, sl_global_fields, node, &l->global);
    check_section(l, node, "router", check_router);
    check_section(l, node, "services", check_services);
    check_section(l, node, "stores", check_stores);
    check_section(l, node, "integrations", check_integrations);
    check_section(l, node, "model_catalog", check_catalog);
    sl_load_inactive_switches(l, node);
    sl_check_pop(&l->c, length);

    out->strategy = l->global.router.strategy == 2 ? SL_STRATEGY_CONFIDENCE : SL_STRATEGY_PRIORITY;
    out->lists_config_models = l->global.router.include_config_models_in_list;
    out->skip_processing = l->global.router.skips_processing;
    out->limits = l->global.router.limits;
    out->identity = l->global.services.authz.identity;
    out->authz_fail_open = l->global.services.authz.fail_open;
    out->metrics_enabled = l->global.services.observability.metrics.enabled;
    out->looper_enabled = sl_str_trim(l->global.integrations.looper.endpoint).n > 0;
    out->node = node;
    fill_credentials(l, out);
    fill_management(l, &out->management);
    fill_compression(l, &out->compression);
}

/* ---- knowledge bases, once it is known which are used -------------------------------------- */

static bool uses_kb(const struct sl_recipe_cfg *r, sl_str kb)
{
    for (uint32_t i = 0; sl_signal_features[i]; i++) {
        if (!sl_str_eq(sl_str_from(sl_signal_features[i]->name), SL_STR("kb")))
            continue;
        for (uint32_t k = 0; k < r->signals[i].n_rules; k++) {
            const struct sl_yaml *name = sl_yaml_get(r->signals[i].rules[k].node, SL_STR("kb"));
            if (name && sl_str_eq(name->text, kb))
                return true;
        }
    }
    for (uint32_t i = 0; i < r->n_scores; i++)
        for (uint32_t k = 0; k < r->scores[i].n_inputs; k++)
            if (sl_str_eq(r->scores[i].inputs[k].type, SL_STR("kb_metric")) &&
                sl_str_eq(r->scores[i].inputs[k].kb, kb))
                return true;
    return false;
}

static bool is_kb_used(void *ctx, sl_str kb)
{
    const struct sl_load *l = ctx;
    for (uint32_t i = 0; i < l->config->n_recipes; i++)
        if (uses_kb(&l->config->recipes[i], kb))
            return true;
    return false;
}

void sl_load_check_catalog(struct sl_load *l)
{
    const struct sl_yaml *global = sl_yaml_get(l->root, SL_STR("global"));
    /* Reading only, no manifest is opened, but paths are checked. */
    bool is_checked = l->options->is_reading_only || l->base_dir.n;
    size_t length = sl_check_push(&l->c, SL_STR("global.model_catalog"));
    sl_global_check_kbs(&l->c, &l->global.catalog, sl_yaml_get(global, SL_STR("model_catalog")),
                        l->base_dir, is_checked ? is_kb_used : NULL, l);
    sl_check_pop(&l->c, length);
}
