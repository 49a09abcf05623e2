/*
 * Signal `metadata`: the caller's own key-value pairs (`metadata` of the request body), compared
 * exactly. Untrusted input: good for routing, not for permission.
 */
#include "route/signal.h"
#include "route/trace.h"

struct metadata_predicate {
    sl_str equals;
    struct sl_strs in;
    enum sl_tri exists;
};

struct metadata_rule {
    sl_str name;
    sl_str description;
    sl_str key;
    struct metadata_predicate predicate;
};

static const struct sl_field predicate_fields[] = {
    {.key = "equals",
     .type = SL_F_STR,
     .offset = offsetof(struct metadata_predicate, equals),
     .help = "The value is exactly this."},
    {.key = "in",
     .type = SL_F_STRS,
     .offset = offsetof(struct metadata_predicate, in),
     .help = "The value is one of these."},
    {.key = "exists",
     .type = SL_F_TRI,
     .offset = offsetof(struct metadata_predicate, exists),
     .help = "The key is present (true) or absent (false)."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {.key = "name",
     .type = SL_F_STR,
     .offset = offsetof(struct metadata_rule, name),
     .flags = SL_REQUIRED | SL_TRIMMED,
     .help = "Name that decisions refer to."},
    {.key = "description",
     .type = SL_F_STR,
     .offset = offsetof(struct metadata_rule, description),
     .help = "What the rule is for."},
    {.key = "key",
     .type = SL_F_STR,
     .offset = offsetof(struct metadata_rule, key),
     .flags = SL_REQUIRED | SL_TRIMMED,
     .help = "Key in the request's metadata."},
    {.key = "predicate",
     .type = SL_F_STRUCT,
     .offset = offsetof(struct metadata_rule, predicate),
     .sub = predicate_fields,
     .sub_size = sizeof(struct metadata_predicate),
     .help = "Exactly one of equals, in, exists."},
    SL_FIELD_END,
};

static bool has_equals(const struct sl_yaml *rule)
{
    const struct sl_yaml *value =
        sl_yaml_get(sl_yaml_get(rule, SL_STR("predicate")), SL_STR("equals"));
    return value && value->kind != SL_YAML_NULL;
}

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct metadata_rule *r = decoded;
    const struct sl_yaml *predicate = sl_yaml_get(node, SL_STR("predicate"));
    const struct sl_yaml *in = sl_yaml_get(predicate, SL_STR("in"));
    bool has_in = in && in->kind != SL_YAML_NULL;
    int n_set = has_equals(node) + has_in + (r->predicate.exists != SL_UNSET);
    if (n_set != 1)
        sl_check_error(
            c, predicate ? predicate : node,
            "metadata[\"%.*s\"]: predicate must set exactly one of equals, in, or exists",
            SL_FMT(r->name));
    else if (has_in && in->kind == SL_YAML_LIST && in->n == 0)
        sl_check_error(c, in, "metadata[\"%.*s\"]: predicate.in must not be empty",
                       SL_FMT(r->name));
}

struct metadata_check {
    const struct metadata_rule *rule;
    sl_slot slot;
    bool has_equals;
};

struct metadata_state {
    struct metadata_check *checks;
    uint32_t n;
};

static enum sl_rc compile(struct sl_signal_build *b, void **out)
{
    struct metadata_state *s = SL_NEW(b->arena, struct metadata_state);
    if (!s)
        return SL_NOMEM;
    s->n = b->signal->n_rules;
    s->checks = SL_NEW_ARRAY(b->arena, struct metadata_check, s->n);
    if (!s->checks)
        return SL_NOMEM;
    for (uint32_t i = 0; i < s->n; i++) {
        s->checks[i].rule = b->signal->rules[i].decoded;
        s->checks[i].slot = b->slot(b, s->checks[i].rule->name);
        s->checks[i].has_equals = has_equals(b->signal->rules[i].node);
    }
    *out = s->n ? s : NULL;
    return SL_OK;
}

static const sl_str *value_of(const struct sl_facts *facts, sl_str key)
{
    for (uint32_t i = 0; i < facts->n_metadata; i++)
        if (sl_str_eq(facts->metadata[i].key, key))
            return &facts->metadata[i].value;
    return NULL;
}

static bool holds(const struct metadata_check *check, const sl_str *value)
{
    const struct metadata_predicate *p = &check->rule->predicate;
    if (p->exists != SL_UNSET)
        return (value != NULL) == (p->exists == SL_YES);
    if (!value)
        return false;
    if (check->has_equals)
        return sl_str_eq(*value, p->equals);
    for (uint32_t i = 0; i < p->in.n; i++)
        if (sl_str_eq(*value, p->in.items[i]))
            return true;
    return false;
}

static void eval(const void *state, struct sl_signal_run *run)
{
    const struct metadata_state *s = state;
    for (uint32_t i = 0; i < s->n; i++) {
        sl_slot slot = s->checks[i].slot;
        if (run->wanted && !(run->wanted[slot >> 6] >> (slot & 63) & 1))
            continue;
        const sl_str *value = value_of(run->facts, s->checks[i].rule->key);
        if (holds(&s->checks[i], value)) {
            sl_slot_conf(run->out, slot, 1);
            sl_slot_match(run->out, slot);
        }
        if (run->evidence)
            sl_trace_note(run, slot, value ? *value : SL_STR("absent"), 0, 0, false);
    }
}

const struct sl_signal_type sl_signal_metadata = {
    .feature = {.name = "metadata",
                .list_key = "metadata",
                .summary = "Key-value pairs that the caller sent in the body",
                .help =
                    "Compares one key of the request's `metadata` object: `equals` a text, `in` "
                    "a list, or `exists` true or false. Comparison is exact. Any client can "
                    "write metadata, so it routes and does not authorise.",
                .example = "name: denied\nkey: consent\npredicate:\n  equals: denied\n",
                .fields = fields,
                .size = sizeof(struct metadata_rule),
                .is_active = true,
                .validate = validate},
    .matched_key = "metadata",
    .cost = SL_COST_FACT,
    .on_failure = SL_FAIL_NO_MATCH,
    .is_per_rule = true,
    .compile = compile,
    .eval = eval,
};
