/* global.router.learning: learning from outcomes. Its engine is not built yet. */
#include "config/field.h"
#include "config/global/tables.h"

struct learning {
    struct {
        struct {
            sl_str session, conversation;
        } headers;
    } identity;
    struct {
        int backend;
        sl_str address;
    } store;
};

static const struct sl_field adaptation_fields[] = {
    {"enabled", SL_F_TRI, SL_CHECKED, .fallback = "true", .help = "Shifts traffic by outcomes."},
    {"candidate_set", SL_F_ENUM, SL_CHECKED_EXACT("", "decision", "tier", "global"),
     .fallback = "decision", .help = "Among which models."},
    {"strategy", SL_F_ENUM, SL_CHECKED_EXACT("", "routing_sampling"),
     .fallback = "routing_sampling", .help = "How."},
    SL_FIELD_END,
};

static const struct sl_field header_fields[] = {
    {"session", SL_F_STR, SL_WITHIN(learning, identity.headers, session),
     .fallback = "x-session-id", .help = "Header that names the session."},
    {"conversation", SL_F_STR, SL_WITHIN(learning, identity.headers, conversation),
     .fallback = "x-conversation-id", .help = "Header that names the conversation."},
    SL_FIELD_END,
};

static const struct sl_field identity_fields[] = {
    {"headers", SL_F_STRUCT, SL_WITHIN(learning, identity, headers), .sub = header_fields,
     .help = "Headers that name them."},
    SL_FIELD_END,
};

static const struct sl_field tuning_fields[] = {
    {"idle_timeout_seconds", SL_F_OPT_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS),
     .help = "Silence after which a session is over."},
    {"min_turns_before_switch", SL_F_OPT_INT, SL_CHECKED, SL_BETWEEN(0, 1000000),
     .help = "Turns that a model keeps at least."},
    {"switch_margin", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1000),
     .help = "Lead that another model needs."},
    {"stability_weight", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1000),
     .help = "How much staying counts."},
    SL_FIELD_END,
};

static const struct sl_field protection_fields[] = {
    {"enabled", SL_F_TRI, SL_CHECKED, .fallback = "true", .help = "Keeps sessions on their model."},
    {"scope", SL_F_ENUM, SL_CHECKED_EXACT("", "conversation", "session"),
     .fallback = "conversation", .help = "What is kept together."},
    {"identity", SL_F_STRUCT, SL_AT(learning, identity), .sub = identity_fields,
     .help = "How it is recognised."},
    {"tuning", SL_F_STRUCT, SL_CHECKED_SUB(tuning_fields), .help = "How firmly."},
    SL_FIELD_END,
};

static const struct sl_field redis_fields[] = {
    {"address", SL_F_STR, SL_WITHIN(learning, store, address), .help = "host:port."},
    {"password", SL_F_STR, .flags = SL_CHECKED_ONLY | SL_SECRET, .help = "Password."},
    {"database", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65535), .help = "Number of the database."},
    {"key_prefix", SL_F_STR, SL_CHECKED, .help = "Prefix of the keys."},
    SL_FIELD_END,
};

static const struct sl_field store_fields[] = {
    {"backend", SL_F_ENUM, SL_WITHIN(learning, store, backend), .flags = SL_EXACT,
     SL_CHOICES("", "local", "redis"), .fallback = "local", .help = "Where state is kept."},
    {"ttl_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .help = "How long."},
    {"timeout_ms", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT), .help = "Time for a call."},
    {"redis", SL_F_STRUCT, .offset = 0, .sub = redis_fields, .help = "The Redis server."},
    SL_FIELD_END,
};

const struct sl_field sl_learning_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Switches learning on."},
    {"adaptation", SL_F_STRUCT, SL_CHECKED_SUB(adaptation_fields), .help = "Shifting traffic."},
    {"protection", SL_F_STRUCT, .offset = 0, .sub = protection_fields, .help = "Keeping sessions."},
    {"state_store", SL_F_STRUCT, SL_AT(learning, store), .sub = store_fields, .help = "State."},
    SL_FIELD_END,
};

void sl_global_check_learning(struct sl_check *c, const struct sl_yaml *node)
{
    struct learning found = {.store = {.backend = 0}};
    if (!node || node->kind == SL_YAML_NULL)
        return;
    size_t length = sl_check_push(c, SL_STR("learning"));
    sl_schema_decode(c, sl_learning_fields, node, &found);
    if (!sl_str_trim(found.identity.headers.session).n)
        sl_check_error(c, node, "protection.identity.headers.session must not be blank");
    if (!sl_str_trim(found.identity.headers.conversation).n)
        sl_check_error(c, node, "protection.identity.headers.conversation must not be blank");
    if (found.store.backend == 2 && !sl_str_trim(found.store.address).n)
        sl_check_error(c, sl_yaml_get(node, SL_STR("state_store")),
                       "state_store.redis.address is required by backend redis");
    sl_check_pop(c, length);
}
