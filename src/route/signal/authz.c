/*
 * Signal `authz` (role bindings): roles of the user that trusted headers name. A binding matches
 * when a subject is the user or one of its groups; it reports its role and its own name, so that
 * a decision may use either. A request without a user is refused unless fail_open is configured.
 */
#include "route/signal.h"
#include "route/trace.h"

enum subject_kind { SUBJECT_UNSET, SUBJECT_USER, SUBJECT_GROUP };
static const char *const kind_names[] = {"", "User", "Group", NULL};

struct authz_subject {
    int kind;
    sl_str name;
};

struct authz_rule {
    sl_str name;
    sl_str description;
    sl_str role;
    struct sl_list subjects; /* struct authz_subject */
};

static const struct sl_field subject_fields[] = {
    {.key = "kind",
     .type = SL_F_ENUM,
     .offset = offsetof(struct authz_subject, kind),
     .choices = kind_names,
     .help = "User or Group."},
    {.key = "name",
     .type = SL_F_STR,
     .flags = SL_TRIMMED,
     .offset = offsetof(struct authz_subject, name),
     .help = "Exact user id or group name."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {.key = "name",
     .type = SL_F_STR,
     .offset = offsetof(struct authz_rule, name),
     .flags = SL_REQUIRED,
     .help = "Unique name of the binding."},
    {.key = "description",
     .type = SL_F_STR,
     .offset = offsetof(struct authz_rule, description),
     .help = "What the binding is for."},
    {.key = "role",
     .type = SL_F_STR,
     .offset = offsetof(struct authz_rule, role),
     .flags = SL_REQUIRED,
     .help = "Role that decisions refer to."},
    {.key = "subjects",
     .type = SL_F_LIST,
     .offset = offsetof(struct authz_rule, subjects),
     .sub = subject_fields,
     .sub_size = sizeof(struct authz_subject),
     .help = "Users and groups that have the role."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct authz_rule *r = decoded;
    const struct authz_subject *subjects = r->subjects.items;
    /* The reference's loader takes these; a subject without a kind or name is nobody. */
    if (r->subjects.n == 0)
        sl_check_warn(c, node, "role binding \"%.*s\": without a subject nobody has the role",
                      SL_FMT(r->name));
    for (uint32_t i = 0; i < r->subjects.n; i++) {
        const struct sl_yaml *list = sl_yaml_get(node, SL_STR("subjects"));
        const struct sl_yaml *at = list && i < list->n ? list->items[i] : node;
        const struct sl_yaml *kind = sl_yaml_get(at, SL_STR("kind"));
        if (!subjects[i].kind && (!kind || kind->text.n == 0))
            sl_check_warn(c, at, "role binding \"%.*s\": subject kind must be User or Group",
                          SL_FMT(r->name));
        if (sl_str_trim(subjects[i].name).n == 0)
            sl_check_warn(c, at, "role binding \"%.*s\": a subject without a name is nobody",
                          SL_FMT(r->name));
    }
}

struct authz_binding {
    const struct authz_rule *rule;
    sl_slot role_slot;
    sl_slot name_slot;
};

struct authz_state {
    struct authz_binding *bindings;
    uint32_t n;
    bool is_fail_open;
};

static enum sl_rc compile(struct sl_signal_build *b, void **out)
{
    struct authz_state *s = SL_NEW(b->arena, struct authz_state);
    if (!s)
        return SL_NOMEM;
    s->n = b->signal->n_rules;
    s->is_fail_open = b->config && b->config->global.authz_fail_open;
    s->bindings = SL_NEW_ARRAY(b->arena, struct authz_binding, s->n);
    if (!s->bindings)
        return SL_NOMEM;
    for (uint32_t i = 0; i < s->n; i++) {
        s->bindings[i].rule = b->signal->rules[i].decoded;
        s->bindings[i].name_slot = b->slot(b, s->bindings[i].rule->name);
        s->bindings[i].role_slot = b->slot(b, s->bindings[i].rule->role);
    }
    *out = s->n ? s : NULL;
    return SL_OK;
}

static bool has_group(const struct sl_facts *facts, sl_str group)
{
    for (uint32_t i = 0; i < facts->n_groups; i++)
        if (sl_str_eq(sl_str_trim(facts->groups[i]), group))
            return true;
    return false;
}

static bool binds(const struct authz_rule *rule, const struct sl_facts *facts)
{
    const struct authz_subject *subjects = rule->subjects.items;
    for (uint32_t i = 0; i < rule->subjects.n; i++) {
        sl_str name = sl_str_trim(subjects[i].name);
        if (subjects[i].kind == SUBJECT_USER ? sl_str_eq(name, facts->user_id)
                                             : has_group(facts, name))
            return true;
    }
    return false;
}

static void eval(const void *state, struct sl_signal_run *run)
{
    const struct authz_state *s = state;
    if (run->facts->user_id.n == 0) {
        if (!s->is_fail_open)
            run->error = "authz: no user identity in the request's trusted headers";
        return;
    }
    for (uint32_t i = 0; i < s->n; i++) {
        const struct authz_binding *b = &s->bindings[i];
        if (!binds(b->rule, run->facts))
            continue;
        sl_slot_conf(run->out, b->role_slot, 1);
        sl_slot_match(run->out, b->role_slot);
        sl_slot_conf(run->out, b->name_slot, 1);
        sl_slot_match(run->out, b->name_slot);
        if (run->evidence)
            sl_trace_note(run, b->role_slot, b->rule->name, 0, 0, false);
    }
}

const struct sl_signal_type sl_signal_authz = {
    .feature = {.name = "authz",
                .list_key = "role_bindings",
                .summary = "Roles of the authenticated user",
                .help = "Each binding gives a role to users and groups. The user and the groups "
                        "come from headers that only trusted proxies may set. A decision may name "
                        "the role or the binding. When a decision asks for a role and the request "
                        "has no user, it is refused, unless `global.services.authz.fail_open` is "
                        "true.",
                .example = "name: gold-members\nrole: premium\nsubjects:\n- kind: Group\n"
                           "  name: gold\n",
                .fields = fields,
                .size = sizeof(struct authz_rule),
                .is_active = true,
                .validate = validate},
    .matched_key = "authz",
    .header = "x-vsr-matched-authz",
    .cost = SL_COST_FACT,
    .on_failure = SL_FAIL_REFUSE,
    .compile = compile,
    .eval = eval,
};
