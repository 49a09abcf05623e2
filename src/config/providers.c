/* providers: reasoning families, and the backends, prices and reliability of each model card. */
#include "config/field.h"
#include "config/load.h"

/* ---- tables -------------------------------------------------------------------------------- */

struct family {
    sl_str name, type, parameter;
};

struct defaults {
    sl_str default_model, default_reasoning_effort;
    struct sl_named_list families; /* struct family */
};

struct reliability {
    struct sl_reliability_cfg cfg;
    sl_str retry_on;
};

struct provider_model {
    sl_str name, reasoning_family, provider_model_id;
    struct sl_str_pairs external_model_ids;
    int api_format;
    struct sl_list refs; /* struct sl_backend_ref */
    struct sl_pricing pricing;
    struct reliability reliability;
};

static const struct sl_field family_fields[] = {
    {"type", SL_F_STR, SL_AT(family, type),
     .help = "chat_template_kwargs, reasoning_effort or top_level_reasoning_effort."},
    {"parameter", SL_F_STR, SL_AT(family, parameter), .help = "Name of the request parameter."},
    SL_FIELD_END,
};

static const struct sl_field defaults_fields[] = {
    {"default_model", SL_F_STR, SL_AT(defaults, default_model),
     .help = "Model of requests that no decision matches."},
    {"default_reasoning_effort", SL_F_STR, SL_AT(defaults, default_reasoning_effort),
     .flags = SL_KEEPS_DEFAULT_ON_EMPTY, .fallback = "medium",
     .help = "Reasoning effort where a decision names none."},
    {"reasoning_families", SL_F_MAP, SL_AT(defaults, families), SL_SUB(family_fields, family),
     .help = "How families of models spell reasoning."},
    SL_FIELD_END,
};

#define RATE(key, member, help_text)                                                               \
    {                                                                                              \
        key, SL_F_FLOAT, SL_AT(sl_pricing, member), SL_BETWEEN(0, SL_MAX_COUNT), .help = help_text \
    }

static const struct sl_field pricing_fields[] = {
    {"currency", SL_F_STR, SL_AT(sl_pricing, currency),
     .help = "Currency; USD when a rate is set."},
    RATE("prompt_per_1m", prompt_per_1m, "Price of a million prompt tokens."),
    RATE("completion_per_1m", completion_per_1m, "Price of a million completion tokens."),
    RATE("cached_input_per_1m", cached_input_per_1m, "Price of a million cached prompt tokens."),
    {"cache_write_per_1m", SL_F_OPT_FLOAT, SL_AT(sl_pricing, cache_write_per_1m),
     SL_BETWEEN(0, SL_MAX_COUNT), .help = "Price of a million tokens written to the cache."},
    SL_FIELD_END,
};

static const struct sl_field reliability_fields[] = {
    {"lb_policy", SL_F_ENUM, SL_AT(reliability, cfg.lb_policy), .flags = SL_EXACT,
     SL_CHOICES("round_robin", "least_request", "consistent_hash", ""), .fallback = "round_robin",
     .help = "How a backend is chosen among several."},
    {"retry_count", SL_F_INT, SL_AT(reliability, cfg.retry_count), SL_BETWEEN(0, 5),
     .help = "Further attempts after a failed one."},
    {"retry_on", SL_F_STR, SL_AT(reliability, retry_on),
     .help = "What is retried, such as connect-failure,refused-stream,5xx."},
    {"consecutive_5xx", SL_F_INT, SL_AT(reliability, cfg.consecutive_5xx),
     SL_BETWEEN(0, SL_MAX_COUNT), .help = "Failures in a row that eject a backend; 0: never."},
    {"base_ejection_time", SL_F_DURATION, SL_AT(reliability, cfg.base_ejection_ms),
     SL_BETWEEN(0, 86400000.0), .fallback = "30s", .flags = SL_KEEPS_DEFAULT_ON_EMPTY,
     .help = "How long a backend stays ejected, times the number of ejections."},
    {"max_ejection_percent", SL_F_INT, SL_AT(reliability, cfg.max_ejection_percent),
     SL_BETWEEN(0, 100), .fallback = "10", .flags = SL_KEEPS_DEFAULT_ON_EMPTY,
     .help = "Largest share of the backends that may be ejected at one time."},
    {"health_check_path", SL_F_STR, SL_AT(reliability, cfg.health_check_path),
     .help = "Path of active health checks; empty: none."},
    {"health_check_interval", SL_F_DURATION, SL_AT(reliability, cfg.health_check_interval_ms),
     SL_BETWEEN(1, 86400000.0), .fallback = "10s", .flags = SL_KEEPS_DEFAULT_ON_EMPTY,
     .help = "Time between two health checks."},
    {"health_check_timeout", SL_F_DURATION, SL_AT(reliability, cfg.health_check_timeout_ms),
     SL_BETWEEN(1, 86400000.0), .fallback = "2s", .flags = SL_KEEPS_DEFAULT_ON_EMPTY,
     .help = "Time within which a health check must be answered."},
    SL_FIELD_END,
};

static const struct sl_field provider_model_fields[] = {
    {"name", SL_F_STR, SL_AT(provider_model, name), .flags = SL_REQUIRED,
     .help = "Name of a model card."},
    {"reasoning_family", SL_F_STR, SL_AT(provider_model, reasoning_family),
     .help = "A key of providers.defaults.reasoning_families."},
    {"provider_model_id", SL_F_STR, SL_AT(provider_model, provider_model_id), .flags = SL_TRIMMED,
     .help = "Name of the model at its backends."},
    {"external_model_ids", SL_F_STR_MAP, SL_AT(provider_model, external_model_ids),
     .help = "Name of the model by backend type."},
    {"api_format", SL_F_ENUM, SL_AT(provider_model, api_format), SL_CHOICES("openai", "anthropic"),
     .flags = SL_LENIENT, .fallback = "openai", .help = "Wire format of its backends."},
    {"backend_refs", SL_F_LIST, SL_AT(provider_model, refs),
     SL_SUB(sl_backend_ref_fields, sl_backend_ref), .help = "Where the model is served."},
    {"pricing", SL_F_STRUCT, SL_AT(provider_model, pricing), .sub = pricing_fields,
     .help = "Prices."},
    {"reliability", SL_F_STRUCT, SL_AT(provider_model, reliability), .sub = reliability_fields,
     .help = "Balancing, retries, ejection and health checks."},
    SL_FIELD_END,
};

struct providers {
    struct defaults defaults;
    struct sl_list models; /* struct provider_model */
};

const struct sl_field sl_providers_fields[] = {
    {"defaults", SL_F_STRUCT, SL_AT(providers, defaults), .sub = defaults_fields,
     .help = "Default model, effort and reasoning families."},
    {"models", SL_F_LIST, SL_AT(providers, models), SL_SUB(provider_model_fields, provider_model),
     .help = "Where each model card is served."},
    SL_FIELD_END,
};

/* ---- reasoning families -------------------------------------------------------------------- */

static void fill_families(struct sl_load *l, const struct defaults *defaults)
{
    const struct family *from = defaults->families.items;
    struct sl_reasoning_family *to =
        SL_LOAD_ARRAY(l, struct sl_reasoning_family, defaults->families.n);
    for (uint32_t i = 0; to && i < defaults->families.n; i++) {
        to[i] = (struct sl_reasoning_family){.name = from[i].name, .parameter = from[i].parameter};
        if (sl_str_eq(from[i].type, SL_STR("reasoning_effort")))
            to[i].type = SL_REASONING_EFFORT;
        else if (sl_str_eq(from[i].type, SL_STR("top_level_reasoning_effort")))
            to[i].type = SL_REASONING_TOP_LEVEL;
    }
    l->config->families = to;
    l->config->n_families = to ? defaults->families.n : 0;
    l->config->default_effort = defaults->default_reasoning_effort;
}

/* ---- reliability --------------------------------------------------------------------------- */

static const struct {
    const char *word;
    uint32_t bits;
} retry_words[] = {
    {"connect-failure", SL_RETRY_CONNECT_FAILURE},
    {"refused-stream", SL_RETRY_REFUSED_STREAM},
    {"5xx", SL_RETRY_5XX | SL_RETRY_CONNECT_FAILURE | SL_RETRY_RESET | SL_RETRY_REFUSED_STREAM},
    {"gateway-error", SL_RETRY_GATEWAY_ERROR},
    {"reset", SL_RETRY_RESET},
    {"reset-before-request", SL_RETRY_RESET},
    {"retriable-status-codes", SL_RETRY_429},
    {"429", SL_RETRY_429},
    {"rate-limited", SL_RETRY_429},
    {"envoy-ratelimited", SL_RETRY_429},
    {"retriable-4xx", SL_RETRY_RETRIABLE_4XX},
    {"retriable-headers", 0},
    {"cancelled", 0},
    {"deadline-exceeded", 0},
    {"internal", 0},
    {"resource-exhausted", 0},
    {"unavailable", 0},
    {"http3-post-connect-failure", SL_RETRY_CONNECT_FAILURE},
};

static uint32_t parse_retry_on(struct sl_load *l, const struct sl_yaml *node, sl_str text)
{
    uint32_t bits = 0;
    sl_str names[SL_COUNT(retry_words)];
    for (size_t i = 0; i < SL_COUNT(retry_words); i++)
        names[i] = sl_str_from(retry_words[i].word);
    sl_str word;
    while (sl_str_split(&text, ',', &word)) {
        word = sl_str_trim(word);
        size_t i = 0;
        while (i < SL_COUNT(retry_words) && !sl_str_eq_nocase(word, names[i]))
            i++;
        if (i < SL_COUNT(retry_words))
            bits |= retry_words[i].bits;
        else if (word.n)
            sl_check_warn(&l->c, node, "unknown retry condition \"%.*s\" is ignored%s",
                          SL_FMT(word), sl_hint_of(word, names, SL_COUNT(retry_words)).text);
    }
    return bits;
}

static void fill_reliability(struct sl_load *l, const struct sl_yaml *node,
                             const struct reliability *from, struct sl_reliability_cfg *out)
{
    size_t length = sl_check_push(&l->c, SL_STR("reliability"));
    *out = from->cfg;
    if (out->lb_policy > SL_LB_CONSISTENT_HASH)
        out->lb_policy = SL_LB_ROUND_ROBIN;
    const struct sl_yaml *retry_on = sl_yaml_get(node, SL_STR("retry_on"));
    size_t at = sl_check_push(&l->c, SL_STR("retry_on"));
    if (from->cfg.retry_count > 0 && !sl_str_trim(from->retry_on).n)
        sl_check_error(&l->c, retry_on ? retry_on : node,
                       "required when retry_count is above 0, such as connect-failure,5xx");
    out->retry_on = parse_retry_on(l, retry_on, from->retry_on);
    sl_check_pop(&l->c, at);
    const struct sl_yaml *path = sl_yaml_get(node, SL_STR("health_check_path"));
    at = sl_check_push(&l->c, SL_STR("health_check_path"));
    if (out->health_check_path.n && out->health_check_path.p[0] != '/')
        sl_check_error(&l->c, path, "found \"%.*s\", expected a path that starts with /",
                       SL_FMT(out->health_check_path));
    sl_check_pop(&l->c, at);
    sl_check_pop(&l->c, length);
}

/* ---- models -------------------------------------------------------------------------------- */

static sl_str value_of(const struct sl_str_pairs *pairs, sl_str name)
{
    for (uint32_t i = 0; i < pairs->n; i++)
        if (sl_str_eq(pairs->items[i].name, name))
            return sl_str_trim(pairs->items[i].value);
    return SL_STR("");
}

/* A key is shared with the model's other backends only where it would go to the same place. */
static void share_keys(const struct sl_backend_cfg *keyed, struct sl_backend_cfg *other)
{
    if (other->auth_value.n || !sl_str_eq(keyed->provider, other->provider) ||
        !sl_str_eq_nocase(keyed->host, other->host))
        return;
    other->auth_header = keyed->auth_header;
    other->auth_value = keyed->auth_value;
}

static void fill_backends(struct sl_load *l, const struct sl_yaml *refs,
                          const struct provider_model *from, struct sl_model_cfg *model)
{
    struct sl_backend_cfg *backends = SL_LOAD_ARRAY(l, struct sl_backend_cfg, from->refs.n);
    if (!backends)
        return;
    size_t length = sl_check_push(&l->c, SL_STR("backend_refs"));
    model->primary_backend = 0;
    model->access_key = SL_STR("");
    const struct sl_backend_cfg *keyed = NULL;
    for (uint32_t i = 0; i < from->refs.n; i++) {
        const struct sl_backend_ref *ref = &((const struct sl_backend_ref *)from->refs.items)[i];
        size_t at = sl_check_push_index(&l->c, i);
        sl_str key;
        sl_load_backend(l, refs->items[i], ref, i, model->name, &backends[i], &key);
        backends[i].model_id = from->external_model_ids.n
                                   ? value_of(&from->external_model_ids, backends[i].type)
                                   : from->provider_model_id;
        if (backends[i].weight > backends[model->primary_backend].weight)
            model->primary_backend = i;
        if (key.n && !keyed) {
            keyed = &backends[i];
            model->access_key = key;
        }
        sl_check_pop(&l->c, at);
    }
    for (uint32_t i = 0; keyed && i < from->refs.n; i++)
        share_keys(keyed, &backends[i]);
    model->backends = backends;
    model->n_backends = from->refs.n;
    sl_check_pop(&l->c, length);
}

static void fill_pricing(const struct sl_pricing *from, struct sl_pricing *out)
{
    *out = *from;
    bool has_rate = from->prompt_per_1m != 0 || from->completion_per_1m != 0 ||
                    from->cached_input_per_1m != 0 || from->cache_write_per_1m.is_set;
    out->is_priced = has_rate || from->currency.n;
    if (out->is_priced && !from->currency.n)
        out->currency = SL_STR("USD");
}

static void check_family(struct sl_load *l, const struct sl_yaml *node,
                         const struct provider_model *from, struct sl_model_cfg *model)
{
    if (!from->reasoning_family.n)
        return;
    sl_str names[64];
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->config->n_families; i++) {
        if (sl_str_eq(l->config->families[i].name, from->reasoning_family)) {
            model->reasoning_family = i;
            return;
        }
        if (n < SL_COUNT(names))
            names[n++] = l->config->families[i].name;
    }
    size_t length = sl_check_push(&l->c, SL_STR("reasoning_family"));
    sl_check_error(&l->c, sl_yaml_get(node, SL_STR("reasoning_family")),
                   "\"%.*s\" not found in providers.defaults.reasoning_families%s",
                   SL_FMT(from->reasoning_family),
                   sl_hint_of(from->reasoning_family, names, n).text);
    sl_check_pop(&l->c, length);
}

static bool has_metadata(const struct sl_yaml *node, const struct provider_model *m)
{
    return m->reasoning_family.n || m->provider_model_id.n || m->external_model_ids.n ||
           sl_yaml_get(node, SL_STR("api_format")) || sl_yaml_get(node, SL_STR("pricing")) ||
           sl_yaml_get(node, SL_STR("reliability"));
}

/* The model of the card, or NULL with an error. */
static struct sl_model_cfg *find_card(struct sl_load *l, const struct sl_yaml *node, sl_str name)
{
    struct sl_model_cfg *models = (struct sl_model_cfg *)(uintptr_t)l->config->models;
    for (uint32_t i = 0; i < l->config->n_models; i++)
        if (sl_str_eq(models[i].name, name))
            return &models[i];
    if (!name.n)
        return NULL;
    sl_str names[64];
    uint32_t n = 0;
    while (n < SL_COUNT(names) && n < l->config->n_models) {
        names[n] = models[n].name;
        n++;
    }
    size_t length = sl_check_push(&l->c, SL_STR("name"));
    sl_check_error(&l->c, sl_yaml_get(node, SL_STR("name")),
                   "\"%.*s\" does not match any routing.modelCards entry%s", SL_FMT(name),
                   sl_hint_of(name, names, n).text);
    sl_check_pop(&l->c, length);
    return NULL;
}

static void fill_model(struct sl_load *l, const struct sl_yaml *node,
                       const struct provider_model *from)
{
    if (!from->refs.n && from->name.n && !has_metadata(node, from))
        sl_check_error(&l->c, node,
                       "\"%.*s\" must define backend_refs, or one of reasoning_family, "
                       "provider_model_id, api_format, external_model_ids, pricing, reliability",
                       SL_FMT(from->name));
    struct sl_model_cfg unnamed = {.name = from->name, .reasoning_family = SL_NO_INDEX};
    struct sl_model_cfg *model = find_card(l, node, from->name);
    bool is_repeated = model && model->has_provider;
    if (!model)
        model = &unnamed; /* still checked */
    if (is_repeated)
        sl_check_warn(&l->c, node, "\"%.*s\" was given before; this entry replaces the earlier one",
                      SL_FMT(from->name));
    model->has_provider = true;
    model->api_format = from->api_format == 1 ? SL_API_ANTHROPIC : SL_API_OPENAI;
    if (model->api_format != SL_API_OPENAI) {
        size_t length = sl_check_push(&l->c, SL_STR("api_format"));
        sl_load_inactive(l, "api_format", SL_STR("anthropic"));
        sl_check_pop(&l->c, length);
    }
    model->reasoning_family = SL_NO_INDEX;
    check_family(l, node, from, model);
    fill_pricing(&from->pricing, &model->pricing);
    fill_reliability(l, sl_yaml_get(node, SL_STR("reliability")), &from->reliability,
                     &model->reliability);
    fill_backends(l, sl_yaml_get(node, SL_STR("backend_refs")), from, model);
}

static void index_external_ids(struct sl_load *l, const struct provider_model *from)
{
    uint64_t model;
    uint64_t taken;
    if (!from->name.n || !sl_map_get(&l->config->model_by_name, from->name, &model))
        return;
    for (uint32_t i = 0; i < from->external_model_ids.n; i++) {
        sl_str id = sl_str_trim(from->external_model_ids.items[i].value);
        if (id.n && !sl_map_get(&l->config->model_by_name, id, &taken) &&
            sl_map_put(&l->config->model_by_name, id, model) != SL_OK)
            l->is_nomem = true;
    }
    sl_str id = from->provider_model_id;
    if (id.n && !from->external_model_ids.n && !sl_map_get(&l->config->model_by_name, id, &taken) &&
        sl_map_put(&l->config->model_by_name, id, model) != SL_OK)
        l->is_nomem = true;
}

static void find_default_model(struct sl_load *l, const struct sl_yaml *providers,
                               const struct defaults *defaults)
{
    struct sl_config *config = l->config;
    config->default_model = SL_NO_INDEX;
    config->default_model_name = defaults->default_model;
    sl_str names[128];
    uint32_t n = 0;
    for (uint32_t i = 0; i < config->n_models; i++) {
        const struct sl_model_cfg *model = &config->models[i];
        bool is_it = sl_str_eq(model->name, defaults->default_model);
        for (uint32_t k = 0; k < model->n_loras; k++)
            is_it |= sl_str_eq(model->loras[k].name, defaults->default_model);
        if (is_it && config->default_model == SL_NO_INDEX)
            config->default_model = i;
        if (n < SL_COUNT(names))
            names[n++] = model->name;
    }
    if (!defaults->default_model.n || config->default_model != SL_NO_INDEX)
        return;
    size_t length = sl_check_push(&l->c, SL_STR("defaults.default_model"));
    sl_check_error(
        &l->c, sl_yaml_get(sl_yaml_get(providers, SL_STR("defaults")), SL_STR("default_model")),
        "\"%.*s\" not found in routing.modelCards or routing.modelCards[].loras%s",
        SL_FMT(defaults->default_model), sl_hint_of(defaults->default_model, names, n).text);
    sl_check_pop(&l->c, length);
}

void sl_load_providers(struct sl_load *l)
{
    const struct sl_yaml *node = sl_yaml_get(l->root, SL_STR("providers"));
    struct providers providers = {.defaults.default_model = SL_STR("")};
    size_t length = sl_check_push(&l->c, SL_STR("providers"));
    sl_schema_decode(&l->c, sl_providers_fields, node, &providers);
    fill_families(l, &providers.defaults);
    size_t at = sl_check_push(&l->c, SL_STR("defaults"));
    sl_check_reasoning_families(
        &l->c, sl_yaml_get(sl_yaml_get(node, SL_STR("defaults")), SL_STR("reasoning_families")));
    sl_check_pop(&l->c, at);
    find_default_model(l, node, &providers.defaults);

    const struct sl_yaml *models = sl_yaml_get(node, SL_STR("models"));
    const struct provider_model *all = providers.models.items;
    at = sl_check_push(&l->c, SL_STR("models"));
    for (uint32_t i = 0; i < providers.models.n; i++) {
        size_t item = sl_check_push_index(&l->c, i);
        fill_model(l, models->items[i], &all[i]);
        sl_check_pop(&l->c, item);
    }
    sl_check_pop(&l->c, at);
    sl_check_pop(&l->c, length);
    for (uint32_t i = 0; i < providers.models.n; i++)
        index_external_ids(l, &all[i]);
}
