/*
 * Signal `conversation`: counts of messages, tools, tool calls and images of a request. Only
 * referenced rules run; their value is reported whether they match or not.
 */
#include "route/predicate.h"
#include "route/rules.h"
#include "route/trace.h"

enum feature_kind { FEATURE_UNSET, FEATURE_COUNT, FEATURE_EXISTS };
enum source_kind {
    SOURCE_UNSET,
    SOURCE_MESSAGE,
    SOURCE_TOOL_DEFINITION,
    SOURCE_TOOL_CALL,
    SOURCE_TOOL_CYCLE,
    SOURCE_ACTIVE_LOOP,
    SOURCE_IMAGE,
};
enum role_kind {
    ROLE_ALL,
    ROLE_USER,
    ROLE_ASSISTANT,
    ROLE_SYSTEM,
    ROLE_DEVELOPER,
    ROLE_TOOL,
    ROLE_NON_USER,
};

static const char *const feature_names[] = {"", "count", "exists", NULL};
static const char *const source_names[] = {"",
                                           "message",
                                           "tool_definition",
                                           "assistant_tool_call",
                                           "assistant_tool_cycle",
                                           "active_tool_loop",
                                           "image_content",
                                           NULL};
static const char *const role_names[] = {"",          "user", "assistant", "system",
                                         "developer", "tool", "non_user",  NULL};

struct conversation_source {
    int type;
    int role;
};

struct conversation_feature {
    int type;
    struct conversation_source source;
};

struct conversation_rule {
    sl_str name;
    sl_str description;
    struct conversation_feature feature;
    struct sl_predicate predicate;
};

static const struct sl_field source_fields[] = {
    {.key = "type",
     .type = SL_F_ENUM,
     .flags = SL_EXACT,
     .offset = offsetof(struct conversation_source, type),
     .choices = source_names,
     .help = "What is counted."},
    {.key = "role",
     .type = SL_F_ENUM,
     .flags = SL_EXACT,
     .offset = offsetof(struct conversation_source, role),
     .choices = role_names,
     .help = "Whose messages, for type message; without it all of them."},
    SL_FIELD_END,
};

static const struct sl_field feature_fields[] = {
    {.key = "type",
     .type = SL_F_ENUM,
     .flags = SL_EXACT,
     .offset = offsetof(struct conversation_feature, type),
     .choices = feature_names,
     .help = "count compares the number, exists asks for at least one."},
    {.key = "source",
     .type = SL_F_STRUCT,
     .offset = offsetof(struct conversation_feature, source),
     .sub = source_fields,
     .sub_size = sizeof(struct conversation_source),
     .help = "What is counted."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {.key = "name",
     .type = SL_F_STR,
     .offset = offsetof(struct conversation_rule, name),
     .flags = SL_REQUIRED,
     .help = "Name that decisions refer to."},
    {.key = "description",
     .type = SL_F_STR,
     .offset = offsetof(struct conversation_rule, description),
     .help = "What the rule is for."},
    {.key = "feature",
     .type = SL_F_STRUCT,
     .offset = offsetof(struct conversation_rule, feature),
     .sub = feature_fields,
     .sub_size = sizeof(struct conversation_feature),
     .help = "The number that the rule looks at."},
    {.key = "predicate",
     .type = SL_F_STRUCT,
     .offset = offsetof(struct conversation_rule, predicate),
     .sub = sl_predicate_fields,
     .sub_size = sizeof(struct sl_predicate),
     .help = "Bounds of the number, for feature type count."},
    SL_FIELD_END,
};

static bool is_given(const struct sl_yaml *node, const char *key)
{
    const struct sl_yaml *value = sl_yaml_get(node, sl_str_from(key));
    return value && value->kind != SL_YAML_NULL &&
           !(value->kind == SL_YAML_SCALAR && sl_str_trim(value->text).n == 0);
}

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct conversation_rule *r = decoded;
    const struct sl_yaml *feature = sl_yaml_get(node, SL_STR("feature"));
    const struct sl_yaml *source = sl_yaml_get(feature, SL_STR("source"));
    /* A value that is present and unknown was reported by the field table. */
    if (!r->feature.type && !is_given(feature, "type"))
        sl_check_error(c, feature ? feature : node,
                       "conversation rule \"%.*s\": unsupported feature.type \"\"; valid types: "
                       "count, exists",
                       SL_FMT(r->name));
    if (!r->feature.source.type && !is_given(source, "type"))
        sl_check_error(c, source ? source : node,
                       "conversation rule \"%.*s\": unsupported feature.source.type \"\"; valid "
                       "types: message, tool_definition, assistant_tool_call, "
                       "assistant_tool_cycle, active_tool_loop, image_content",
                       SL_FMT(r->name));
    if (r->feature.source.role && r->feature.source.type > SOURCE_MESSAGE)
        sl_check_error(c, source,
                       "conversation rule \"%.*s\": source.role is only for type message",
                       SL_FMT(r->name));
    bool has_predicate = is_given(node, "predicate");
    const struct sl_yaml *predicate = sl_yaml_get(node, SL_STR("predicate"));
    if (has_predicate && r->feature.type == FEATURE_EXISTS) {
        sl_check_error(c, predicate,
                       "conversation rule \"%.*s\": feature type exists takes no predicate",
                       SL_FMT(r->name));
    } else if (has_predicate) {
        const char *fault = sl_predicate_fault(&r->predicate);
        if (fault)
            sl_check_error(c, predicate, "conversation rule \"%.*s\": %s", SL_FMT(r->name), fault);
    } else if (r->feature.type == FEATURE_COUNT) {
        sl_check_warn(c, node,
                      "conversation rule \"%.*s\": a count without a predicate matches every "
                      "request; add one, or use exists",
                      SL_FMT(r->name));
    }
}

static uint32_t messages_of(const struct sl_conversation_facts *f, enum role_kind role)
{
    switch (role) {
    case ROLE_USER:
        return f->n_user;
    case ROLE_ASSISTANT:
        return f->n_assistant;
    case ROLE_SYSTEM:
        return f->n_system;
    case ROLE_DEVELOPER:
        return f->has_developer;
    case ROLE_TOOL:
        return f->n_tool;
    case ROLE_NON_USER:
        return f->n_assistant + f->n_system + f->n_tool + f->has_developer;
    case ROLE_ALL:
        break;
    }
    return f->n_user + f->n_assistant + f->n_system + f->n_tool + f->has_developer;
}

static uint32_t count(const struct sl_conversation_facts *f, const struct conversation_source *s)
{
    switch ((enum source_kind)s->type) {
    case SOURCE_MESSAGE:
        return messages_of(f, (enum role_kind)s->role);
    case SOURCE_TOOL_DEFINITION:
        return f->n_tool_definitions;
    case SOURCE_TOOL_CALL:
        return f->n_assistant_tool_calls;
    case SOURCE_TOOL_CYCLE:
        return f->n_tool;
    case SOURCE_ACTIVE_LOOP:
        return f->is_last_tool_result || f->does_last_user_follow_tool_result ||
               f->n_assistant_tool_calls > f->n_tool;
    case SOURCE_IMAGE:
        return f->n_images;
    case SOURCE_UNSET:
        break;
    }
    return 0;
}

static enum sl_rc compile(struct sl_signal_build *b, void **out)
{
    struct sl_signal_rules *rules = SL_NEW(b->arena, struct sl_signal_rules);
    enum sl_rc rc = rules ? sl_signal_rules(b, rules) : SL_NOMEM;
    *out = rc == SL_OK && rules->n ? rules : NULL;
    return rc;
}

static void eval(const void *state, struct sl_signal_run *run)
{
    const struct sl_signal_rules *s = state;
    for (uint32_t i = 0; i < s->n; i++) {
        sl_slot slot = s->slots[i];
        if (run->wanted && !(run->wanted[slot >> 6] >> (slot & 63) & 1))
            continue;
        const struct conversation_rule *r = s->decoded[i];
        double value = count(&run->facts->conversation, &r->feature.source);
        bool is_match = r->feature.type == FEATURE_EXISTS
                            ? value > 0
                            : sl_predicate_holds(&r->predicate, value);
        sl_slot_value(run->out, slot, value);
        sl_slot_conf(run->out, slot, is_match);
        if (is_match)
            sl_slot_match(run->out, slot);
        if (run->evidence) {
            struct sl_predicate_text why = sl_predicate_explain(&r->predicate, value);
            sl_trace_note(run, slot, sl_str_from(why.text), value,
                          sl_predicate_bound(&r->predicate), sl_predicate_is_set(&r->predicate));
        }
    }
}

const struct sl_signal_type sl_signal_conversation = {
    .feature = {.name = "conversation",
                .list_key = "conversation",
                .summary = "Counts of messages, tools, tool calls and images",
                .help = "Looks at the shape of the conversation: messages by role, offered tools, "
                        "tool calls, results of tools, images, and whether a tool loop is under "
                        "way (the last message is a result, the last user message follows one, or "
                        "calls wait for results). `exists` matches when there is at least one, "
                        "`count` when the predicate holds.",
                .example = "name: multi_turn\nfeature:\n  type: count\n  source:\n"
                           "    type: message\n    role: user\npredicate:\n  gte: 2\n",
                .fields = fields,
                .size = sizeof(struct conversation_rule),
                .is_active = true,
                .validate = validate},
    .matched_key = "conversation",
    .header = "x-vsr-matched-conversation",
    .cost = SL_COST_FACT,
    .on_failure = SL_FAIL_NO_MATCH,
    .is_per_rule = true,
    .compile = compile,
    .eval = eval,
};
