/*
 * The policy as YAML text: providers and model cards from the pool, signals and decisions from
 * requests.c, each decision with a description that says why in words. Written to be read and
 * changed by a person: `sluice init` puts it into a file.
 */
#include "codec/json_write.h"
#include "discover/discover_impl.h"

uint32_t sl_role_model(const struct sl_pool *pool, enum sl_role role)
{
    const struct sl_roles *r = &pool->roles;
    const uint32_t models[] = {
        [SL_ROLE_SMALL] = r->small,         [SL_ROLE_MIDDLE] = r->middle,
        [SL_ROLE_LARGE] = r->large,         [SL_ROLE_CODE] = r->code,
        [SL_ROLE_REASONING] = r->reasoning, [SL_ROLE_VISION] = r->vision,
        [SL_ROLE_LONGEST] = r->longest,
    };
    return models[role];
}

void sl_role_reason(struct sl_buf *out, const struct sl_pool *pool, enum sl_role role)
{
    const struct sl_found_model *m = &pool->models[sl_role_model(pool, role)];
    bool is_only = pool->roles.small == pool->roles.large;
    if (role == SL_ROLE_VISION)
        sl_buf_add(out, SL_STR("the strongest that sees pictures"));
    else if (role == SL_ROLE_LONGEST && m->context_tok)
        sl_buf_printf(out, "the largest window, %lld tokens", (long long)m->context_tok);
    else if (role == SL_ROLE_CODE && m->is_code)
        sl_buf_add(out, SL_STR("made for code"));
    else if (role == SL_ROLE_REASONING && m->is_reasoning)
        sl_buf_add(out, SL_STR("made for reasoning"));
    else if (is_only)
        sl_buf_add(out, SL_STR("the only one found"));
    else if (role == SL_ROLE_SMALL)
        sl_buf_add(out, SL_STR("the cheapest and fastest"));
    else if (role == SL_ROLE_MIDDLE && sl_role_model(pool, role) != pool->roles.large)
        sl_buf_add(out, SL_STR("of middle size and price"));
    else
        sl_buf_add(out, SL_STR("the strongest found"));
}

/* A name as a YAML scalar: JSON's quoting is also YAML's. */
static void put_name(struct sl_buf *out, sl_str name)
{
    sl_json_escape(out, name);
}

static void put_backend(struct sl_buf *out, const struct sl_source *source, uint32_t number)
{
    sl_buf_printf(out, "        - name: backend-%u\n", number + 1);
    if (source->is_local) {
        bool is_ipv6 = sl_str_chr(source->host, ':') < source->host.n;
        sl_buf_printf(out, "          endpoint: \"%s%.*s%s:%u\" # %.*s\n", is_ipv6 ? "[" : "",
                      SL_FMT(source->host), is_ipv6 ? "]" : "", source->port, SL_FMT(source->name));
        return;
    }
    sl_buf_printf(out,
                  "          base_url: %.*s\n"
                  "          provider: openai # the dialect, spoken by %.*s\n"
                  "          api_key_env: %.*s\n",
                  SL_FMT(source->base_url), SL_FMT(source->name), SL_FMT(source->key_env));
}

static bool takes_effort(const struct sl_found_model *m)
{
    static const char *const words[] = {"o3", "o4-", "gpt-5", "gpt-oss"};
    for (size_t i = 0; i < SL_COUNT(words); i++)
        if (sl_str_find(m->name, sl_str_from(words[i])) != SIZE_MAX)
            return m->is_reasoning;
    return false;
}

static void put_providers(struct sl_buf *out, const struct sl_pool *pool)
{
    bool has_effort = false;
    for (uint32_t i = 0; i < pool->n_models; i++)
        has_effort |= takes_effort(&pool->models[i]);
    sl_buf_add(out, SL_STR("providers:\n  defaults:\n    default_model: "));
    put_name(out, pool->models[pool->roles.middle].name);
    sl_buf_add(out, SL_STR("\n"));
    if (has_effort)
        sl_buf_add(out, SL_STR("    reasoning_families:\n      effort: {type: "
                               "top_level_reasoning_effort, parameter: reasoning_effort}\n"));
    sl_buf_add(out, SL_STR("  models:\n"));
    for (uint32_t i = 0; i < pool->n_models; i++) {
        const struct sl_found_model *m = &pool->models[i];
        sl_buf_add(out, SL_STR("    - name: "));
        put_name(out, m->name);
        sl_buf_add_char(out, '\n');
        if (takes_effort(m))
            sl_buf_add(out, SL_STR("      reasoning_family: effort\n"));
        if (m->is_priced)
            sl_buf_printf(out,
                          "      pricing: {currency: USD, prompt_per_1m: %g, completion_per_1m: "
                          "%g}\n",
                          m->prompt_per_1m, m->completion_per_1m);
        sl_buf_add(out, SL_STR("      backend_refs:\n"));
        for (uint32_t k = 0; k < m->n_sources; k++)
            put_backend(out, &pool->sources[m->sources[k]], k);
    }
}

static void put_cards(struct sl_buf *out, const struct sl_pool *pool)
{
    sl_buf_add(out, SL_STR("  modelCards:\n"));
    for (uint32_t i = 0; i < pool->n_models; i++) {
        const struct sl_found_model *m = &pool->models[i];
        sl_buf_add(out, SL_STR("    - name: "));
        put_name(out, m->name);
        if (m->params_b > 0)
            sl_buf_printf(out, "\n      param_size: %gB", m->params_b);
        if (m->context_tok)
            sl_buf_printf(out, "\n      context_window_size: %lld", (long long)m->context_tok);
        sl_buf_printf(out, "\n      capabilities: [%s%s%s%s]\n",
                      m->is_embedding ? "embeddings" : "chat", m->can_see ? ", vision" : "",
                      m->is_code ? ", code" : "", m->is_reasoning ? ", reasoning" : "");
    }
}

static void put_conditions(struct sl_buf *out, const struct sl_request_kind *kind)
{
    if (!kind->operator)
        return;
    sl_buf_printf(out, "      rules:\n        operator: %s\n        conditions:\n", kind->operator);
    for (size_t i = 0; i < SL_COUNT(kind->conditions) && kind->conditions[i]; i++) {
        sl_str text = sl_str_from(kind->conditions[i]);
        size_t colon = sl_str_chr(text, ':');
        sl_buf_printf(out, "          - {type: %.*s, name: %.*s}\n",
                      SL_FMT(sl_str_sub(text, 0, colon)),
                      SL_FMT(sl_str_trim(sl_str_sub(text, colon + 1, text.n))));
    }
}

static void put_decisions(struct sl_buf *out, const struct sl_pool *pool)
{
    sl_buf_add(out, SL_STR("  decisions: # the matching one of the highest priority is taken\n"));
    for (const struct sl_request_kind *kind = sl_request_kinds; kind->decision; kind++) {
        uint32_t model = sl_role_model(pool, kind->role);
        if (model == SL_NO_MODEL) {
            sl_buf_printf(out, "    # %s is left out: no model found fits.\n", kind->decision);
            continue;
        }
        sl_buf_printf(out, "    - name: %s\n      description: \"%s; goes to the model that is ",
                      kind->decision, kind->what);
        sl_role_reason(out, pool, kind->role);
        sl_buf_printf(out, "\"\n      priority: %d\n", kind->priority);
        put_conditions(out, kind);
        sl_buf_add(out, SL_STR("      modelRefs:\n        - model: "));
        put_name(out, pool->models[model].name);
        sl_buf_printf(out, "\n          use_reasoning: %s\n", kind->thinks ? "true" : "false");
    }
}

static uint16_t management_port(const struct sl_pool *pool, const struct sl_policy_options *o)
{
    if (o->management_port)
        return o->management_port;
    for (uint32_t i = 0; i < pool->n_sources; i++)
        if (pool->sources[i].is_local && pool->sources[i].has_answered &&
            pool->sources[i].port == 8080)
            return 8081;
    return o->port == 8080 ? 8081 : 8080;
}

void sl_pool_policy(struct sl_buf *out, const struct sl_pool *pool,
                    const struct sl_policy_options *options)
{
    sl_buf_add(out,
               SL_STR("# A policy for the models that were found, written by `sluice init`.\n"
                      "# Ask for model \"auto\" and the decisions below choose; any model's own "
                      "name goes to it directly.\n"
                      "# `sluice explain -c THIS \"prompt\"` shows how a prompt is routed.\n"
                      "version: v0.3\n\nlisteners:\n"));
    sl_buf_printf(out, "  - name: http\n    address: \"%.*s\"\n    port: %u\n\n",
                  SL_FMT(options->address), options->port);
    put_providers(out, pool);
    sl_buf_add(out, SL_STR("\nrouting:\n  strategy: priority\n"));
    put_cards(out, pool);
    sl_buf_add(out, SL_STR("\n  signals:\n"));
    sl_buf_add(out, sl_str_from(sl_request_signals));
    sl_buf_printf(out,
                  "    context:\n      - name: long_context # estimated tokens of the whole "
                  "conversation\n        min_tokens: \"%lld\"\n\n",
                  (long long)pool->roles.long_from_tok);
    put_decisions(out, pool);
    sl_buf_printf(out,
                  "\nglobal:\n  router:\n    include_config_models_in_list: true\n  services:\n    "
                  "management_api:\n      bind_address: 127.0.0.1\n      port: %u\n",
                  management_port(pool, options));
}

static void describe_source(struct sl_buf *out, const struct sl_pool *pool, uint32_t index)
{
    const struct sl_source *s = &pool->sources[index];
    unsigned shown = 0;
    if (!s->n_models)
        return;
    if (s->is_local)
        sl_buf_printf(out, "  %.*s at %.*s:%u:", SL_FMT(s->name), SL_FMT(s->host), s->port);
    else
        sl_buf_printf(out, "  %.*s, by %.*s:", SL_FMT(s->name), SL_FMT(s->key_env));
    for (uint32_t i = 0; i < pool->n_models; i++) {
        const struct sl_found_model *m = &pool->models[i];
        bool is_here = false;
        for (uint32_t k = 0; k < m->n_sources; k++)
            is_here |= m->sources[k] == index;
        if (is_here && shown++ < 6)
            sl_buf_printf(out, "%s %.*s", shown > 1 ? "," : "", SL_FMT(m->name));
    }
    if (shown > 6)
        sl_buf_printf(out, " and %u more", shown - 6);
    sl_buf_add_char(out, '\n');
}

void sl_pool_describe(struct sl_buf *out, const struct sl_pool *pool)
{
    sl_buf_add(out, SL_STR("found\n"));
    for (uint32_t i = 0; i < pool->n_sources; i++)
        describe_source(out, pool, i);
    sl_buf_add(out, SL_STR("policy\n"));
    for (const struct sl_request_kind *kind = sl_request_kinds; kind->decision; kind++) {
        uint32_t model = sl_role_model(pool, kind->role);
        if (model == SL_NO_MODEL)
            continue;
        sl_buf_printf(out, "  %-16s -> %.*s, ", kind->decision, SL_FMT(pool->models[model].name));
        sl_role_reason(out, pool, kind->role);
        sl_buf_add_char(out, '\n');
    }
}

void sl_pool_advise(struct sl_buf *out)
{
    sl_buf_add(out, SL_STR("No model was found. Start a server on its usual port:\n"));
    for (const struct sl_usual_server *s = sl_usual_servers; s->name; s++)
        sl_buf_printf(out, "  %-10s 127.0.0.1:%u\n", s->name, s->port);
    sl_buf_add(out, SL_STR("or set a provider's key:\n "));
    for (const struct sl_known_provider *p = sl_known_providers; p->name; p++)
        sl_buf_printf(out, " %s", p->key_envs[0]);
    sl_buf_add(out, SL_STR("\nor name a server: sluice init --server http://127.0.0.1:9000\n"
                           "To try it without any model: make run, or sluice mock.\n"));
}
