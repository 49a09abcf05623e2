/*
 * Signal `event`: event types, severities, action codes and words of urgency, as whole words.
 * Confidence grows with the share of criteria that matched.
 */
#include "match/scan.h"
#include "route/signal.h"
#include "route/trace.h"

struct event_rule {
    sl_str name;
    sl_str description;
    struct sl_strs event_types;
    struct sl_strs severities;
    struct sl_strs action_codes;
    bool is_temporal;
};

static const struct sl_field fields[] = {
    {.key = "name",
     .type = SL_F_STR,
     .offset = offsetof(struct event_rule, name),
     .flags = SL_REQUIRED,
     .help = "Name that decisions refer to."},
    {.key = "description",
     .type = SL_F_STR,
     .offset = offsetof(struct event_rule, description),
     .help = "What the rule is for."},
    {.key = "event_types",
     .type = SL_F_STRS,
     .offset = offsetof(struct event_rule, event_types),
     .help = "Names of events, such as payment_failed."},
    {.key = "severities",
     .type = SL_F_STRS,
     .offset = offsetof(struct event_rule, severities),
     .help = "Of critical, high, medium, low."},
    {.key = "action_codes",
     .type = SL_F_STRS,
     .offset = offsetof(struct event_rule, action_codes),
     .help = "Codes, such as TXN_DECLINE."},
    {.key = "temporal",
     .type = SL_F_BOOL,
     .offset = offsetof(struct event_rule, is_temporal),
     .fallback = "false",
     .help = "Whether words of urgency are a criterion."},
    SL_FIELD_END,
};

static const char *const severities[] = {"critical", "high", "medium", "low", NULL};
static const char temporal_pattern[] =
    "\\b(urgent|immediate|asap|deadline|time.sensitive|now|critical.window)\\b";

static bool is_severity(sl_str text)
{
    text = sl_str_trim(text);
    for (size_t i = 0; severities[i]; i++)
        if (sl_str_eq_nocase(text, sl_str_from(severities[i])))
            return true;
    return false;
}

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct event_rule *r = decoded;
    const struct sl_yaml *list = sl_yaml_get(node, SL_STR("severities"));
    for (uint32_t i = 0; i < r->severities.n; i++) {
        if (!is_severity(r->severities.items[i]))
            sl_check_warn(c, list && i < list->n ? list->items[i] : node,
                          "severity \"%.*s\" is unknown and ignored (known: critical, high, "
                          "medium, low)",
                          SL_FMT(r->severities.items[i]));
    }
}

struct criterion {
    uint32_t *patterns;
    uint32_t n;
};

struct event_state_rule {
    const struct event_rule *rule;
    sl_slot slot, severity_slot, temporal_slot;
    struct criterion types, severities, codes, temporal;
    uint32_t n_criteria;
};

struct event_state {
    struct event_state_rule *rules;
    uint32_t n;
};

static enum sl_rc add_words(struct sl_signal_build *b, struct criterion *c,
                            const struct sl_strs *words, bool is_severity_list)
{
    c->patterns = SL_NEW_ARRAY(b->arena, uint32_t, words->n);
    if (!c->patterns)
        return SL_NOMEM;
    for (uint32_t i = 0; i < words->n; i++) {
        sl_str word = words->items[i];
        if (is_severity_list && !is_severity(word))
            continue;
        if (is_severity_list)
            word = sl_str_trim(word);
        enum sl_rc rc = sl_scan_add_literal(b->scan, word, SL_SCAN_CASELESS | SL_SCAN_WORD_EDGES,
                                            &c->patterns[c->n]);
        if (rc != SL_OK)
            return rc;
        c->n++;
    }
    return SL_OK;
}

static enum sl_rc add_temporal(struct sl_signal_build *b, struct criterion *c)
{
    c->patterns = SL_NEW(b->arena, uint32_t);
    if (!c->patterns)
        return SL_NOMEM;
    c->n = 1;
    return sl_scan_add_regex(b->scan, SL_STR(temporal_pattern), SL_SCAN_CASELESS, c->patterns,
                             NULL);
}

static sl_slot sub_slot(struct sl_signal_build *b, sl_str name, const char *part)
{
    return b->slot(b, sl_arena_printf(b->arena, "%.*s:%s", SL_FMT(name), part));
}

static enum sl_rc compile_rule(struct sl_signal_build *b, struct event_state_rule *s,
                               const struct event_rule *r)
{
    s->rule = r;
    s->slot = b->slot(b, r->name);
    s->severity_slot = sub_slot(b, r->name, "severity");
    s->temporal_slot = sub_slot(b, r->name, "temporal");
    enum sl_rc rc = add_words(b, &s->types, &r->event_types, false);
    if (rc == SL_OK)
        rc = add_words(b, &s->severities, &r->severities, true);
    if (rc == SL_OK)
        rc = add_words(b, &s->codes, &r->action_codes, false);
    if (rc == SL_OK && r->is_temporal)
        rc = add_temporal(b, &s->temporal);
    s->n_criteria =
        (s->types.n > 0) + (s->severities.n > 0) + (s->codes.n > 0) + (s->temporal.n > 0);
    return rc;
}

static enum sl_rc compile(struct sl_signal_build *b, void **out)
{
    struct event_state *s = SL_NEW(b->arena, struct event_state);
    if (!s)
        return SL_NOMEM;
    s->n = b->signal->n_rules;
    s->rules = SL_NEW_ARRAY(b->arena, struct event_state_rule, s->n);
    enum sl_rc rc = s->rules ? SL_OK : SL_NOMEM;
    /* The rules' own slots come first. */
    for (uint32_t i = 0; i < s->n && rc == SL_OK; i++)
        b->slot(b, ((const struct event_rule *)b->signal->rules[i].decoded)->name);
    for (uint32_t i = 0; i < s->n && rc == SL_OK; i++)
        rc = compile_rule(b, &s->rules[i], b->signal->rules[i].decoded);
    if (rc == SL_OK)
        *out = s->n ? s : NULL;
    return rc;
}

static bool is_met(const struct criterion *c, const struct sl_scan_hits *hits)
{
    for (uint32_t i = 0; i < c->n && hits; i++)
        if (sl_scan_found(hits, c->patterns[i]))
            return true;
    return false;
}

static void eval(const void *state, struct sl_signal_run *run)
{
    const struct event_state *s = state;
    for (uint32_t i = 0; i < s->n; i++) {
        const struct event_state_rule *r = &s->rules[i];
        bool has_severity = is_met(&r->severities, run->hits);
        bool is_temporal = is_met(&r->temporal, run->hits);
        bool has_type = is_met(&r->types, run->hits), has_code = is_met(&r->codes, run->hits);
        uint32_t n_met = has_type + has_severity + has_code + (uint32_t)is_temporal;
        if (has_severity)
            sl_slot_value(run->out, r->severity_slot, 1);
        if (is_temporal)
            sl_slot_value(run->out, r->temporal_slot, 1);
        if (n_met) {
            sl_slot_conf(run->out, r->slot, 0.5 + 0.5 * n_met / r->n_criteria);
            sl_slot_match(run->out, r->slot);
        }
        if (run->evidence) {
            static const char *const names[] = {"event type", "severity", "action code",
                                                "temporal"};
            bool met[] = {has_type, has_severity, has_code, is_temporal};
            char text[64];
            size_t at = 0;
            for (size_t k = 0; k < SL_COUNT(names); k++) {
                if (!met[k])
                    continue;
                size_t n = strlen(names[k]);
                if (at) {
                    memcpy(text + at, ", ", 2);
                    at += 2;
                }
                memcpy(text + at, names[k], n);
                at += n;
            }
            sl_trace_note(run, r->slot, sl_str_of(text, at), n_met, 1, true);
        }
    }
}

const struct sl_signal_type sl_signal_event = {
    .feature = {.name = "event",
                .list_key = "events",
                .summary = "Event types, severities, action codes and urgency",
                .help =
                    "Every non-empty list, and `temporal: true`, is a criterion; it is met when "
                    "one of its words stands in the text as a whole word, case ignored. The "
                    "rule matches when a criterion is met; its confidence is 0.5 plus half the "
                    "share of criteria met.",
                .example = "name: payment\nevent_types: [payment_failed]\nseverities: [critical]\n"
                           "temporal: true\n",
                .fields = fields,
                .size = sizeof(struct event_rule),
                .is_active = true,
                .validate = validate},
    .matched_key = "event",
    .header = "x-vsr-matched-event",
    .cost = SL_COST_SCAN,
    .on_failure = SL_FAIL_NO_MATCH,
    .reads_window = true,
    .compile = compile,
    .eval = eval,
};
