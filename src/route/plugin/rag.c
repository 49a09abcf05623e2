/*
 * Plugin "rag": passages of a store in the request. Record only, no engine yet.
 *
 * `backend` chooses the table for `backend_config`, so that block is decoded behind the rest.
 */
#include "config/field.h"
#include "route/plugin.h"

struct rag_cfg {
    bool is_enabled;
    sl_str backend;
    const struct sl_yaml *backend_config;
};

/* What the rules of backend_config look at. */
struct backend_cfg {
    sl_str collection, endpoint, request_format, server_name, tool_name;
    sl_str vector_store_id, api_key, primary, fallback, strategy;
    sl_str filter_expression;
    const struct sl_yaml *primary_config, *fallback_config;
};

struct backend {
    const char *name;
    const struct sl_field *fields;
};

static const struct sl_field milvus_fields[] = {
    {"collection", SL_F_STR, SL_AT(backend_cfg, collection), .flags = SL_REQUIRED,
     .help = "Name of the collection."},
    {"reuse_cache_connection", SL_F_BOOL, SL_CHECKED,
     .help = "Uses the connection of the response cache."},
    {"content_field", SL_F_STR, SL_CHECKED, .fallback = "content",
     .help = "Field that holds the text."},
    {"metadata_field", SL_F_STR, SL_CHECKED, .help = "Field that holds the metadata."},
    {"filter_expression", SL_F_STR, SL_AT(backend_cfg, filter_expression),
     .help = "Expression that passages must satisfy; at most 10000 bytes."},
    SL_FIELD_END,
};

static const struct sl_field qdrant_fields[] = {
    {"collection", SL_F_STR, SL_AT(backend_cfg, collection), .flags = SL_REQUIRED,
     .help = "Name of the collection."},
    {"reuse_cache_connection", SL_F_BOOL, SL_CHECKED,
     .help = "Uses the connection of the response cache."},
    {"content_field", SL_F_STR, SL_CHECKED, .fallback = "content",
     .help = "Field that holds the text."},
    SL_FIELD_END,
};

static const struct sl_field external_api_fields[] = {
    {"endpoint", SL_F_STR, SL_AT(backend_cfg, endpoint), .flags = SL_REQUIRED,
     .help = "URL that is asked."},
    {"api_key", SL_F_STR, .flags = SL_CHECKED_ONLY | SL_SECRET, .help = "Key, sent as Bearer."},
    {"auth_header", SL_F_STR, SL_CHECKED, .fallback = "Authorization",
     .help = "Header that carries the key."},
    {"request_format", SL_F_STR, SL_AT(backend_cfg, request_format), .flags = SL_REQUIRED,
     .help = "`pinecone`, `weaviate`, `elasticsearch` or `custom`."},
    {"request_template", SL_F_STR, SL_CHECKED,
     .help = "Body of `custom`; {{.Query}}, {{.TopK}} and {{.Threshold}} are filled in."},
    {"timeout_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 3600), .fallback = "30",
     .help = "Time for an answer."},
    {"headers", SL_F_STR_MAP, SL_CHECKED, .help = "Further headers."},
    SL_FIELD_END,
};

static const struct sl_field mcp_fields[] = {
    {"server_name", SL_F_STR, SL_AT(backend_cfg, server_name), .flags = SL_REQUIRED,
     .help = "Name of the MCP server."},
    {"tool_name", SL_F_STR, SL_AT(backend_cfg, tool_name), .flags = SL_REQUIRED,
     .help = "Tool that is called."},
    {"tool_arguments", SL_F_NODE, SL_CHECKED,
     .help = "Arguments; ${user_content}, ${matched_domains}, ${matched_keywords} and "
             "${decision_name} are filled in."},
    {"timeout_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 3600), .fallback = "10",
     .help = "Time for an answer."},
    SL_FIELD_END,
};

static const struct sl_field openai_fields[] = {
    {"vector_store_id", SL_F_STR, SL_AT(backend_cfg, vector_store_id), .flags = SL_REQUIRED,
     .help = "Vector store at the provider."},
    {"api_key", SL_F_STR, SL_AT(backend_cfg, api_key), .flags = SL_REQUIRED | SL_SECRET,
     .help = "Key of the provider."},
    {"base_url", SL_F_STR, SL_CHECKED, .help = "URL of the provider."},
    {"max_num_results", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "20",
     .help = "How many results are asked for."},
    {"file_ids", SL_F_STRS, SL_CHECKED, .help = "Only these files."},
    {"filter", SL_F_NODE, SL_CHECKED, .help = "Filter on attributes, as the provider takes it."},
    {"timeout_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 3600), .help = "Time for an answer."},
    {"workflow_mode", SL_F_STR, SL_CHECKED,
     .help = "`direct_search`, or `tool_based`: the model searches with a tool."},
    SL_FIELD_END,
};

static const struct sl_field vectorstore_fields[] = {
    {"vector_store_id", SL_F_STR, SL_AT(backend_cfg, vector_store_id), .flags = SL_REQUIRED,
     .help = "Vector store of this router."},
    {"file_ids", SL_F_STRS, SL_CHECKED, .help = "Only these files."},
    SL_FIELD_END,
};

static const struct sl_field hybrid_fields[] = {
    {"primary", SL_F_STR, SL_AT(backend_cfg, primary), .flags = SL_REQUIRED,
     .help = "Backend that is asked first."},
    {"fallback", SL_F_STR, SL_AT(backend_cfg, fallback), .help = "Backend that steps in."},
    {"primary_config", SL_F_NODE, SL_AT(backend_cfg, primary_config), .help = "Its configuration."},
    {"fallback_config", SL_F_NODE, SL_AT(backend_cfg, fallback_config),
     .help = "Its configuration."},
    {"strategy", SL_F_STR, SL_AT(backend_cfg, strategy),
     .help = "`sequential` (default) or `parallel`."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {"enabled", SL_F_BOOL, SL_AT(rag_cfg, is_enabled), .help = "Switches the plugin on."},
    {"backend", SL_F_STR, SL_AT(rag_cfg, backend),
     .help = "`milvus`, `qdrant`, `external_api`, `mcp`, `openai`, `hybrid` or `vectorstore`; "
             "required when enabled."},
    {"similarity_threshold", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "0.7",
     .help = "Similarity from which a passage counts."},
    {"top_k", SL_F_OPT_INT, SL_CHECKED, SL_BETWEEN(1, 1000), .fallback = "5",
     .help = "Passages that are taken."},
    {"max_context_length", SL_F_OPT_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .fallback = "10000", .help = "Characters of context; more is cut."},
    {"injection_mode", SL_F_ENUM, .flags = SL_CHECKED_ONLY | SL_EXACT,
     SL_CHOICES("", "tool_role", "system_prompt"), .fallback = "tool_role",
     .help = "Where the context goes: a tool message, or before the system prompt."},
    {"backend_config", SL_F_NODE, SL_AT(rag_cfg, backend_config),
     .help = "Configuration of the backend; required when enabled. milvus: collection, "
             "reuse_cache_connection, content_field, metadata_field, filter_expression. qdrant: "
             "collection, reuse_cache_connection, content_field. external_api: endpoint, api_key, "
             "auth_header, request_format, request_template, timeout_seconds, headers. mcp: "
             "server_name, tool_name, tool_arguments, timeout_seconds. openai: vector_store_id, "
             "api_key, base_url, max_num_results, file_ids, filter, timeout_seconds, "
             "workflow_mode. vectorstore: vector_store_id, file_ids. hybrid: primary, fallback, "
             "primary_config, fallback_config, strategy."},
    {"on_failure", SL_F_ENUM, .flags = SL_CHECKED_ONLY | SL_EXACT,
     SL_CHOICES("", "skip", "block", "warn"), .fallback = "skip",
     .help = "What a failed search means: go on without, answer 503, or go on with a warning."},
    {"cache_results", SL_F_BOOL, SL_CHECKED, .help = "Keeps results for equal questions."},
    {"cache_ttl_seconds", SL_F_OPT_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS),
     .fallback = "3600", .help = "How long; 0: for ever."},
    {"min_confidence_threshold", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "Searches only when the fact-check signal is at least this sure."},
    SL_FIELD_END,
};

static const struct backend backends[] = {
    {"milvus", milvus_fields},
    {"qdrant", qdrant_fields},
    {"external_api", external_api_fields},
    {"mcp", mcp_fields},
    {"openai", openai_fields},
    {"hybrid", hybrid_fields},
    {"vectorstore", vectorstore_fields},
};

static const struct backend *find_backend(sl_str name)
{
    for (size_t i = 0; i < SL_COUNT(backends); i++) {
        if (sl_str_eq(sl_str_from(backends[i].name), name))
            return &backends[i];
    }
    return NULL;
}

static void report_backend(struct sl_check *c, const struct sl_yaml *node, const char *key,
                           sl_str found)
{
    const char *names[SL_COUNT(backends) + 1] = {0};
    for (size_t i = 0; i < SL_COUNT(backends); i++)
        names[i] = backends[i].name;
    const char *near = sl_str_nearest(found, names);
    size_t length = sl_check_push(c, sl_str_from(key));
    sl_check_error(c, sl_yaml_get(node, sl_str_from(key)),
                   "unsupported backend \"%.*s\" (supported: milvus, qdrant, external_api, mcp, "
                   "openai, hybrid, vectorstore)%s%s%s",
                   SL_FMT(found), near ? "; did you mean \"" : "", near ? near : "",
                   near ? "\"?" : "");
    sl_check_pop(c, length);
}

static void check_choice(struct sl_check *c, const struct sl_yaml *node, const char *key,
                         sl_str found, const char *const *choices, const char *expected)
{
    for (uint32_t i = 0; choices[i]; i++) {
        if (!found.n || sl_str_eq(found, sl_str_from(choices[i])))
            return;
    }
    size_t length = sl_check_push(c, sl_str_from(key));
    sl_check_error(c, sl_yaml_get(node, sl_str_from(key)), "found \"%.*s\", expected one of: %s",
                   SL_FMT(found), expected);
    sl_check_pop(c, length);
}

static void check_values(struct sl_check *c, const struct sl_yaml *node,
                         const struct backend_cfg *found)
{
    static const char *const formats[] = {"pinecone", "weaviate", "elasticsearch", "custom", NULL};
    static const char *const strategies[] = {"sequential", "parallel", NULL};
    check_choice(c, node, "request_format", found->request_format, formats,
                 "pinecone, weaviate, elasticsearch, custom");
    check_choice(c, node, "strategy", found->strategy, strategies, "sequential, parallel");
    if (found->filter_expression.n > 10000)
        sl_check_error(c, sl_yaml_get(node, SL_STR("filter_expression")),
                       "filter_expression is longer than 10000 bytes");
}

/* The two inner configurations of `hybrid`; they may not be hybrid or vectorstore themselves. */
static void check_inner(struct sl_check *c, const struct sl_yaml *node, const char *key,
                        sl_str name, const char *config_key, const struct sl_yaml *config)
{
    if (!name.n)
        return;
    const struct backend *inner = find_backend(name);
    if (!inner || inner->fields == hybrid_fields || inner->fields == vectorstore_fields) {
        report_backend(c, node, key, name);
        return;
    }
    struct backend_cfg found = {{0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, NULL, NULL};
    size_t length = sl_check_push(c, sl_str_from(config_key));
    if (config && config->kind != SL_YAML_NULL) {
        sl_schema_decode(c, inner->fields, config, &found);
        check_values(c, config, &found);
    }
    sl_check_pop(c, length);
}

static void check_backend(struct sl_check *c, const struct backend *backend,
                          const struct sl_yaml *config)
{
    struct backend_cfg found = {{0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, NULL, NULL};
    size_t length = sl_check_push(c, SL_STR("backend_config"));
    sl_schema_decode(c, backend->fields, config, &found);
    check_values(c, config, &found);
    if (backend->fields == hybrid_fields) {
        check_inner(c, config, "primary", found.primary, "primary_config", found.primary_config);
        check_inner(c, config, "fallback", found.fallback, "fallback_config",
                    found.fallback_config);
    }
    sl_check_pop(c, length);
}

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct rag_cfg *cfg = decoded;
    const struct backend *backend = find_backend(cfg->backend);
    if (cfg->backend.n && !backend) {
        report_backend(c, node, "backend", cfg->backend);
    } else if (!backend) {
        if (cfg->is_enabled)
            sl_check_error(c, node, "backend is required when the plugin is enabled");
    } else if (cfg->backend_config && cfg->backend_config->kind != SL_YAML_NULL) {
        check_backend(c, backend, cfg->backend_config);
    } else if (cfg->is_enabled) {
        sl_check_error(c, node, "backend_config is required for backend \"%s\"", backend->name);
    }
}

const struct sl_plugin_type sl_plugin_rag = {
    .feature =
        {
            .name = "rag",
            .summary = "Puts passages of a document store into the request",
            .help = "Searches the backend with the current user text and injects what reaches the "
                    "threshold. `on_failure` says what a failed search means.",
            .example = "enabled: true\n"
                       "backend: qdrant\n"
                       "top_k: 5\n"
                       "similarity_threshold: 0.75\n"
                       "backend_config:\n"
                       "  collection: docs\n"
                       "  reuse_cache_connection: true\n",
            .fields = fields,
            .size = sizeof(struct rag_cfg),
            .is_lenient = true,
            .validate = validate,
        },
    .phase = SL_PHASE_NONE,
};
