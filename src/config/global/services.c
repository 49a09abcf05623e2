/* global.services: the APIs, observability, identity, rate limits, management and replay. */
#include "config/field.h"
#include "config/global/connections.h"
#include "config/global/tables.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* ---- api, response_api, observability ------------------------------------------------------ */

static const struct sl_field size_range_fields[] = {
    {"min", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT), .help = "Smallest size."},
    {"max", SL_F_INT, SL_CHECKED, SL_BETWEEN(-1, SL_MAX_COUNT), .help = "Largest; -1: any."},
    {"label", SL_F_STR, SL_CHECKED, .help = "Label of the metric."},
    SL_FIELD_END,
};

/* A list of numbers of at least 0. */
static void decode_buckets(struct sl_check *c, const struct sl_yaml *node, void *at)
{
    (void)at;
    if (!node || node->kind == SL_YAML_NULL)
        return;
    if (node->kind != SL_YAML_LIST) {
        sl_check_error(c, node, "expected a list of numbers");
        return;
    }
    for (uint32_t i = 0; i < node->n; i++) {
        size_t length = sl_check_push_index(c, i);
        double value = 0;
        const struct sl_yaml *item = node->items[i];
        if (item->kind != SL_YAML_SCALAR || item->is_quoted || !sl_str_to_f64(item->text, &value))
            sl_check_error(c, item, "expected a number");
        else if (value < 0)
            sl_check_error(c, item, "found %.15g, expected a number of at least 0", value);
        sl_check_pop(c, length);
    }
}

static const struct sl_field batch_metric_fields[] = {
    {"sample_rate", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .help = "Share that is measured."},
    {"batch_size_ranges", SL_F_LIST, SL_CHECKED_SUB(size_range_fields), .help = "Groups of sizes."},
    {"duration_buckets", SL_F_CUSTOM, SL_CHECKED, .decode = decode_buckets,
     .help = "Upper bounds of the duration histogram, in seconds."},
    {"size_buckets", SL_F_CUSTOM, SL_CHECKED, .decode = decode_buckets,
     .help = "Upper bounds of the size histogram."},
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Measures batches."},
    {"detailed_goroutine_tracking", SL_F_BOOL, SL_CHECKED,
     .help = "Accepted; there are no goroutines here."},
    {"high_resolution_timing", SL_F_BOOL, SL_CHECKED, .help = "Accepted; timing is always fine."},
    SL_FIELD_END,
};

static const struct sl_field batch_fields[] = {
    {"max_batch_size", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1000000), .help = "Texts a call."},
    {"concurrency_threshold", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1000000),
     .help = "Evaluations that pass freely."},
    {"max_concurrency", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1000000),
     .help = "Evaluations at once; 0: no limit."},
    {"metrics", SL_F_STRUCT, SL_CHECKED_SUB(batch_metric_fields), .help = "What is measured."},
    SL_FIELD_END,
};

static const struct sl_field api_fields[] = {
    {"batch_classification", SL_F_STRUCT, SL_CHECKED_SUB(batch_fields),
     .help = "The batch classification API."},
    SL_FIELD_END,
};

static const struct sl_field response_redis_fields[] = {
    {"address", SL_F_STR, SL_CHECKED, .fallback = "localhost:6379", .help = "host:port."},
    {"password", SL_F_STR, .flags = SL_CHECKED_ONLY | SL_SECRET, .help = "Password."},
    {"db", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65535), .help = "Number of the database."},
    {"key_prefix", SL_F_STR, SL_CHECKED, .help = "Prefix of the keys."},
    {"cluster_mode", SL_F_BOOL, SL_CHECKED, .help = "Speaks to a cluster."},
    {"cluster_addresses", SL_F_STRS, SL_CHECKED, .help = "Its nodes, host:port."},
    {"pool_size", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65536), .help = "Connections."},
    {"min_idle_conns", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65536), .help = "Kept idle."},
    {"max_retries", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1000), .help = "Tries after the first."},
    {"dial_timeout", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .help = "Seconds."},
    {"read_timeout", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .help = "Seconds."},
    {"write_timeout", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .help = "Seconds."},
    {"tls_enabled", SL_F_BOOL, SL_CHECKED, .help = "Speaks TLS."},
    {"tls_cert_path", SL_F_STR, SL_CHECKED, .help = "Client certificate, PEM."},
    {"tls_key_path", SL_F_STR, SL_CHECKED, .help = "Its key, PEM."},
    {"tls_ca_path", SL_F_STR, SL_CHECKED, .help = "Authorities that are trusted, PEM."},
    {"config_path", SL_F_STR, SL_CHECKED, .help = "File with these settings."},
    SL_FIELD_END,
};

static const struct sl_field response_api_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .fallback = "true", .help = "Keeps responses."},
    {"store_backend", SL_F_ENUM, SL_CHECKED_CHOICE("", "memory", "redis", "milvus"),
     .fallback = "redis", .help = "Where."},
    {"ttl_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .fallback = "86400",
     .help = "How long."},
    {"max_responses", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT), .fallback = "1000",
     .help = "How many, in memory."},
    {"redis", SL_F_STRUCT, SL_CHECKED_SUB(response_redis_fields), .help = "The Redis server."},
    SL_FIELD_END,
};

static const struct sl_field windowed_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Keeps figures of the last minutes."},
    {"time_windows", SL_F_STRS, SL_CHECKED, .help = "Windows, such as 1m, 5m, 1h."},
    {"update_interval", SL_F_STR, SL_CHECKED, .help = "How often they are renewed, such as 10s."},
    {"model_metrics", SL_F_BOOL, SL_CHECKED, .help = "A figure a model."},
    {"queue_depth_estimation", SL_F_BOOL, SL_CHECKED, .help = "Estimates queues."},
    {"max_models", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1000000), .help = "Most models."},
    SL_FIELD_END,
};

static const struct sl_field metrics_fields[] = {
    {"enabled", SL_F_BOOL, SL_WITHIN(sl_services_cfg, observability.metrics, enabled),
     .fallback = "true", .help = "Serves /metrics."},
    {"windowed_metrics", SL_F_STRUCT, SL_CHECKED_SUB(windowed_fields),
     .help = "Figures over the last minutes."},
    SL_FIELD_END,
};

static const struct sl_field exporter_fields[] = {
    {"type", SL_F_ENUM, SL_CHECKED_CHOICE("", "otlp", "stdout"), .fallback = "otlp",
     .help = "How traces leave."},
    {"endpoint", SL_F_STR, SL_CHECKED, .fallback = "vllm-sr-jaeger:4317", .help = "host:port."},
    {"insecure", SL_F_BOOL, SL_CHECKED, .fallback = "true", .help = "Without TLS."},
    SL_FIELD_END,
};

static const struct sl_field sampling_fields[] = {
    {"type", SL_F_ENUM, SL_CHECKED_CHOICE("", "always_on", "always_off", "probabilistic"),
     .fallback = "always_on", .help = "Which requests are traced."},
    {"rate", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "1.0",
     .help = "Share of `probabilistic`."},
    SL_FIELD_END,
};

static const struct sl_field resource_fields[] = {
    {"service_name", SL_F_STR, SL_CHECKED, .fallback = "vllm-sr", .help = "Name in traces."},
    {"service_version", SL_F_STR, SL_CHECKED, .fallback = "v0.3.0", .help = "Version in traces."},
    {"deployment_environment", SL_F_STR, SL_CHECKED, .fallback = "development",
     .help = "Environment in traces."},
    SL_FIELD_END,
};

static const struct sl_field tracing_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .fallback = "true", .help = "Traces requests."},
    {"provider", SL_F_STR, SL_CHECKED, .fallback = "opentelemetry", .help = "Kind of tracing."},
    {"exporter", SL_F_STRUCT, SL_CHECKED_SUB(exporter_fields), .help = "Where traces go."},
    {"sampling", SL_F_STRUCT, SL_CHECKED_SUB(sampling_fields), .help = "How many."},
    {"resource", SL_F_STRUCT, SL_CHECKED_SUB(resource_fields), .help = "What they say of us."},
    SL_FIELD_END,
};

static const struct sl_field observability_fields[] = {
    {"metrics", SL_F_STRUCT, SL_WITHIN(sl_services_cfg, observability, metrics),
     .sub = metrics_fields, .help = "Figures for Prometheus."},
    {"tracing", SL_F_STRUCT, SL_CHECKED_SUB(tracing_fields), .help = "Traces."},
    SL_FIELD_END,
};

/* ---- authz, ratelimit ---------------------------------------------------------------------- */

static const struct sl_field identity_fields[] = {
    {"user_id_header", SL_F_STR, SL_AT(sl_identity_cfg, user_id_header),
     .fallback = "x-authz-user-id", .flags = SL_KEEPS_DEFAULT_ON_EMPTY | SL_TRIMMED,
     .help = "Header that names the user."},
    {"user_groups_header", SL_F_STR, SL_AT(sl_identity_cfg, user_groups_header),
     .fallback = "x-authz-user-groups", .flags = SL_KEEPS_DEFAULT_ON_EMPTY | SL_TRIMMED,
     .help = "Header that lists the user's groups."},
    {"trusted_proxies", SL_F_STRS, SL_AT(sl_identity_cfg, trusted_proxies),
     .help = "Addresses (CIDR) whose identity headers are believed; those of others are stripped."},
    {"trusted_secret_header", SL_F_STR, SL_AT(sl_identity_cfg, trusted_secret_header),
     .flags = SL_TRIMMED, .help = "Or: who sends this header ..."},
    {"trusted_secret", SL_F_STR, SL_AT(sl_identity_cfg, trusted_secret), .flags = SL_SECRET,
     .help = "... with this value is believed."},
    SL_FIELD_END,
};

static const struct sl_field authz_provider_fields[] = {
    {"type", SL_F_ENUM, SL_AT(sl_authz_provider_cfg, type), .flags = SL_LENIENT,
     SL_CHOICES("", "header-injection", "static-config"),
     .help = "Keys from request headers, or from the file."},
    {"headers", SL_F_STR_MAP, SL_AT(sl_authz_provider_cfg, headers),
     .help = "Provider and the header that carries its key."},
    SL_FIELD_END,
};

static const struct sl_field authz_fields[] = {
    {"fail_open", SL_F_BOOL, SL_WITHIN(sl_services_cfg, authz, fail_open),
     .help = "Lets requests without an identity or key through."},
    {"identity", SL_F_STRUCT, SL_WITHIN(sl_services_cfg, authz, identity),
     SL_SUB(identity_fields, sl_identity_cfg), .help = "Who the caller is."},
    {"providers", SL_F_LIST, SL_WITHIN(sl_services_cfg, authz, providers),
     SL_SUB(authz_provider_fields, sl_authz_provider_cfg),
     .help = "Where provider keys come from, first hit wins."},
    SL_FIELD_END,
};

static const struct sl_field limit_match_fields[] = {
    {"user", SL_F_STR, SL_CHECKED, .help = "User; empty or `*`: any."},
    {"group", SL_F_STR, SL_CHECKED, .help = "Group; empty or `*`: any."},
    {"model", SL_F_STR, SL_CHECKED, .help = "Selected model; empty or `*`: any."},
    SL_FIELD_END,
};

static const struct sl_field limit_rule_fields[] = {
    {"name", SL_F_STR, SL_CHECKED, .help = "Name."},
    {"match", SL_F_STRUCT, SL_CHECKED_SUB(limit_match_fields), .help = "Whom it limits."},
    {"requests_per_unit", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "Requests; 0: no limit."},
    {"tokens_per_unit", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_BYTES),
     .help = "Tokens; 0: no limit."},
    {"unit", SL_F_ENUM, SL_CHECKED_CHOICE("", "second", "minute", "hour", "day"),
     .fallback = "minute", .help = "Window."},
    SL_FIELD_END,
};

static const struct sl_field limit_provider_fields[] = {
    {"type", SL_F_ENUM, SL_CHECKED_CHOICE("", "local-limiter", "envoy-ratelimit"),
     .help = "Counts here, or asks a rate limit service."},
    {"address", SL_F_STR, SL_CHECKED, .help = "The service, host:port."},
    {"domain", SL_F_STR, SL_CHECKED, .fallback = "semantic-router", .help = "Its domain."},
    {"rules", SL_F_LIST, SL_CHECKED_SUB(limit_rule_fields),
     .help = "Limits, all that match count."},
    SL_FIELD_END,
};

static const struct sl_field ratelimit_fields[] = {
    {"fail_open", SL_F_BOOL, SL_CHECKED, .help = "Lets requests through when a provider fails."},
    {"providers", SL_F_LIST, SL_CHECKED_SUB(limit_provider_fields),
     .help = "Asked in order; the first refusal wins."},
    SL_FIELD_END,
};

/* ---- management_api ------------------------------------------------------------------------ */

static const struct sl_field token_fields[] = {
    {"env", SL_F_STR, SL_AT(sl_management_token_cfg, env),
     .help = "Environment variable that holds the token."},
    {"role", SL_F_STR, SL_AT(sl_management_token_cfg, role), .help = "Role that it grants."},
    SL_FIELD_END,
};

static const struct {
    const char *name;
    const char *permissions;
} built_in_roles[] = {
    {"viewer", "health.read ready.read docs.read metrics.read classify.invoke config.read "
               "replay.read data.read cache.read compression.read"},
    {"operator", "health.read ready.read docs.read metrics.read classify.invoke config.read "
                 "replay.read data.read cache.read compression.read config.write learning.ingest "
                 "replay.detail data.write cache.invalidate compression.preview"},
    {"admin", "*"},
};

static struct sl_strs split_words(struct sl_arena *arena, sl_str words)
{
    struct sl_strs out = {NULL, 0};
    sl_str *items = SL_NEW_ARRAY(arena, sl_str, 32);
    sl_str piece;
    while (items && out.n < 32 && sl_str_split(&words, ' ', &piece))
        items[out.n++] = piece;
    out.items = items;
    return out;
}

static void decode_permissions(struct sl_check *c, const struct sl_yaml *node, struct sl_strs *out)
{
    *out = (struct sl_strs){NULL, 0};
    if (node->kind == SL_YAML_NULL)
        return;
    if (node->kind != SL_YAML_LIST) {
        sl_check_error(c, node, "expected a list of permissions");
        return;
    }
    sl_str *items = SL_NEW_ARRAY(c->arena, sl_str, node->n);
    for (uint32_t i = 0; items && i < node->n; i++) {
        size_t length = sl_check_push_index(c, i);
        if (node->items[i]->kind == SL_YAML_SCALAR)
            items[i] = node->items[i]->text;
        else
            sl_check_error(c, node->items[i], "expected a permission such as config.read");
        sl_check_pop(c, length);
    }
    *out = (struct sl_strs){items, items ? node->n : 0};
}

/* The built-in roles, then the file's: a role of the same name replaces. */
static void decode_roles(struct sl_check *c, const struct sl_yaml *node, void *at)
{
    uint32_t n_file = node && node->kind == SL_YAML_MAP ? node->n : 0;
    struct sl_management_role_cfg *roles =
        SL_NEW_ARRAY(c->arena, struct sl_management_role_cfg, SL_COUNT(built_in_roles) + n_file);
    if (!roles)
        return;
    uint32_t n = 0;
    for (; n < SL_COUNT(built_in_roles); n++) {
        roles[n].name = sl_str_from(built_in_roles[n].name);
        roles[n].permissions = split_words(c->arena, sl_str_from(built_in_roles[n].permissions));
    }
    if (node && node->kind != SL_YAML_MAP && node->kind != SL_YAML_NULL)
        sl_check_error(c, node, "expected a map of role to permissions");
    for (uint32_t i = 0; i < n_file; i++) {
        uint32_t k = 0;
        while (k < n && !sl_str_eq(roles[k].name, node->keys[i]->text))
            k++;
        size_t length = sl_check_push(c, node->keys[i]->text);
        roles[k].name = node->keys[i]->text;
        decode_permissions(c, node->items[i], &roles[k].permissions);
        sl_check_pop(c, length);
        if (k == n)
            n++;
    }
    if (at)
        *(struct sl_named_list *)at = (struct sl_named_list){roles, n};
}

static const struct sl_field management_auth_fields[] = {
    {"mode", SL_F_ENUM, SL_WITHIN(sl_services_cfg, management_api.auth, mode),
     SL_CHOICES("disabled", "bearer"), .fallback = "disabled",
     .help = "Whether callers need a token."},
    {"tokens", SL_F_LIST, SL_WITHIN(sl_services_cfg, management_api.auth, tokens),
     SL_SUB(token_fields, sl_management_token_cfg), .help = "Tokens and their roles."},
    {"roles", SL_F_CUSTOM, SL_WITHIN(sl_services_cfg, management_api.auth, roles),
     .decode = decode_roles,
     .help = "Role and its permissions; viewer, operator and admin are built in."},
    SL_FIELD_END,
};

static const struct sl_field management_fields[] = {
    {"bind_address", SL_F_STR, SL_WITHIN(sl_services_cfg, management_api, bind_address),
     .fallback = "127.0.0.1", .flags = SL_KEEPS_DEFAULT_ON_EMPTY | SL_TRIMMED,
     .help = "Address of the management listener."},
    {"port", SL_F_INT, SL_WITHIN(sl_services_cfg, management_api, port), SL_BETWEEN(0, SL_MAX_PORT),
     .fallback = "8080", .flags = SL_KEEPS_DEFAULT_ON_EMPTY, .help = "Its port."},
    {"remote_exposure", SL_F_BOOL, SL_WITHIN(sl_services_cfg, management_api, remote_exposure),
     .help = "Other machines may reach it; needs bearer tokens."},
    {"auth", SL_F_STRUCT, SL_WITHIN(sl_services_cfg, management_api, auth),
     .sub = management_auth_fields, .help = "Who may do what."},
    SL_FIELD_END,
};

/* ---- router_replay, startup_status --------------------------------------------------------- */

static const struct sl_field replay_milvus_fields[] = {
    {"address", SL_F_STR, SL_CHECKED, .help = "host:port."},
    {"username", SL_F_STR, SL_CHECKED, .help = "User."},
    {"password", SL_F_STR, .flags = SL_CHECKED_ONLY | SL_SECRET, .help = "Password."},
    {"collection_name", SL_F_STR, SL_CHECKED, .help = "Collection."},
    {"consistency_level", SL_F_STR, SL_CHECKED, .help = "`Strong`, `Bounded` ..."},
    {"shard_num", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65536), .help = "Shards."},
    SL_FIELD_END,
};

static const struct sl_field replay_qdrant_fields[] = {
    {"host", SL_F_STR, SL_CHECKED, .help = "Host name or address."},
    {"port", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_PORT), .fallback = "6334",
     .help = "gRPC port."},
    {"api_key", SL_F_STR, .flags = SL_CHECKED_ONLY | SL_SECRET, .help = "Key."},
    {"use_tls", SL_F_BOOL, SL_CHECKED, .help = "Speaks TLS."},
    {"collection_name", SL_F_STR, SL_CHECKED, .help = "Collection."},
    SL_FIELD_END,
};

static const struct sl_field replay_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Records routed requests."},
    {"store_backend", SL_F_ENUM,
     SL_CHECKED_CHOICE("", "memory", "redis", "postgres", "milvus", "qdrant"), .fallback = "memory",
     .help = "Where; empty: the first configured block."},
    {"ttl_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .fallback = "2592000",
     .help = "How long."},
    {"async_writes", SL_F_BOOL, SL_CHECKED, .help = "Accepted; writes never delay an answer."},
    {"redis", SL_F_STRUCT, SL_CHECKED_SUB(sl_redis_simple_fields), .help = "The Redis server."},
    {"postgres", SL_F_STRUCT, SL_CHECKED_SUB(sl_postgres_fields), .help = "The PostgreSQL server."},
    {"milvus", SL_F_STRUCT, SL_CHECKED_SUB(replay_milvus_fields), .help = "The Milvus server."},
    {"qdrant", SL_F_STRUCT, SL_CHECKED_SUB(replay_qdrant_fields), .help = "The Qdrant server."},
    SL_FIELD_END,
};

static const struct sl_field startup_redis_fields[] = {
    {"address", SL_F_STR, SL_CHECKED, .help = "host:port."},
    {"password", SL_F_STR, .flags = SL_CHECKED_ONLY | SL_SECRET, .help = "Password."},
    {"db", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65535), .help = "Number of the database."},
    SL_FIELD_END,
};

static const struct sl_field startup_fields[] = {
    {"store_backend", SL_F_ENUM, SL_CHECKED_CHOICE("", "file", "redis"), .fallback = "file",
     .help = "Where the state of starting up is kept."},
    {"redis", SL_F_STRUCT, SL_CHECKED_SUB(startup_redis_fields), .help = "The Redis server."},
    SL_FIELD_END,
};

const struct sl_field sl_global_services_fields[] = {
    {"api", SL_F_STRUCT, SL_CHECKED_SUB(api_fields), .help = "Classification APIs."},
    {"response_api", SL_F_STRUCT, SL_CHECKED_SUB(response_api_fields), .help = "Kept responses."},
    {"observability", SL_F_STRUCT, SL_AT(sl_services_cfg, observability),
     .sub = observability_fields, .help = "Metrics and traces."},
    {"authz", SL_F_STRUCT, SL_AT(sl_services_cfg, authz), .sub = authz_fields,
     .help = "Identity and provider keys."},
    {"ratelimit", SL_F_STRUCT, SL_CHECKED_SUB(ratelimit_fields), .help = "Limits a caller."},
    {"management_api", SL_F_STRUCT, SL_AT(sl_services_cfg, management_api),
     .sub = management_fields, .help = "The management listener."},
    {"router_replay", SL_F_STRUCT, SL_CHECKED_SUB(replay_fields), .help = "Records of requests."},
    {"startup_status", SL_F_STRUCT, SL_CHECKED_SUB(startup_fields), .help = "Starting up."},
    SL_FIELD_END,
};

/* ---- checks -------------------------------------------------------------------------------- */

static bool is_loopback(sl_str address)
{
    return sl_str_eq(address, SL_STR("localhost")) || sl_str_eq(address, SL_STR("::1")) ||
           sl_str_starts(address, SL_STR("127."));
}

static bool is_address(sl_str text)
{
    char copy[64];
    unsigned char binary[16];
    if (sl_str_eq(text, SL_STR("localhost")))
        return true;
    if (text.n >= sizeof(copy))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    return inet_pton(AF_INET, copy, binary) == 1 || inet_pton(AF_INET6, copy, binary) == 1;
}

static void check_tokens(struct sl_check *c, const struct sl_services_cfg *services,
                         const struct sl_yaml *management)
{
    const struct sl_management_token_cfg *tokens = services->management_api.auth.tokens.items;
    const struct sl_management_role_cfg *roles = services->management_api.auth.roles.items;
    const struct sl_yaml *list =
        sl_yaml_get(sl_yaml_get(management, SL_STR("auth")), SL_STR("tokens"));
    for (uint32_t i = 0; i < services->management_api.auth.tokens.n; i++) {
        const struct sl_yaml *at = list && i < list->n ? list->items[i] : management;
        uint32_t k = 0;
        while (k < services->management_api.auth.roles.n &&
               !sl_str_eq(roles[k].name, tokens[i].role))
            k++;
        if (k == services->management_api.auth.roles.n)
            sl_check_warn(c, at,
                          "auth.tokens[%u]: role \"%.*s\" is not declared, so it grants "
                          "nothing",
                          i, SL_FMT(tokens[i].role));
    }
}

static void check_management(struct sl_check *c, const struct sl_services_cfg *services,
                             const struct sl_yaml *node)
{
    sl_str address = services->management_api.bind_address;
    bool has_tokens =
        services->management_api.auth.mode == 1 && services->management_api.auth.tokens.n;
    size_t length = sl_check_push(c, SL_STR("management_api"));
    if (!is_address(address))
        sl_check_error(c, sl_yaml_get(node, SL_STR("bind_address")),
                       "bind_address \"%.*s\" must be an IP address or localhost", SL_FMT(address));
    if (services->management_api.remote_exposure && !has_tokens)
        sl_check_error(c, sl_yaml_get(node, SL_STR("remote_exposure")),
                       "remote_exposure needs auth.mode bearer and at least one token");
    if (!services->management_api.remote_exposure && is_address(address) && !is_loopback(address)) {
        const char *internal =
            c->is_reading_only ? NULL : getenv("VLLM_SR_MANAGEMENT_INTERNAL_LISTENER");
        bool is_internal = internal && sl_str_eq_nocase(sl_str_from(internal), SL_STR("true"));
        if (!is_internal)
            sl_check_error(c, sl_yaml_get(node, SL_STR("bind_address")),
                           "bind_address \"%.*s\" is reachable from other machines; set "
                           "remote_exposure",
                           SL_FMT(address));
    }
    check_tokens(c, services, node);
    sl_check_pop(c, length);
}

void sl_global_check_services(struct sl_check *c, const struct sl_services_cfg *services,
                              const struct sl_yaml *node)
{
    check_management(c, services, sl_yaml_get(node, SL_STR("management_api")));
}
