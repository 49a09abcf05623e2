/* Signal "kb": nearness to the labels of a knowledge base. */
#include "config/field.h"
#include "config/scope.h"
#include "route/learned.h"
#include "route/trace.h"

enum { MATCH_UNSET, MATCH_THRESHOLD, MATCH_BEST };

struct kb_target {
    sl_str kind;
    sl_str value;
};

struct kb_rule {
    sl_str name;
    sl_str kb;
    struct kb_target target;
    int match;
};

static const struct sl_field target_fields[] = {
    {"kind", SL_F_STR, SL_AT(kb_target, kind), .flags = SL_REQUIRED, .help = "`label` or `group`."},
    {"value", SL_F_STR, SL_AT(kb_target, value), .flags = SL_REQUIRED,
     .help = "Name of a label or group of the knowledge base."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(kb_rule, name), .flags = SL_REQUIRED,
     .help = "Name that decisions use."},
    {"kb", SL_F_STR, SL_AT(kb_rule, kb), .flags = SL_REQUIRED,
     .help = "Name of a knowledge base of `global.model_catalog.kbs`."},
    {"target", SL_F_STRUCT, SL_AT(kb_rule, target), SL_SUB(target_fields, kb_target),
     .flags = SL_REQUIRED, .help = "What must be found."},
    {"match", SL_F_ENUM, SL_AT(kb_rule, match), .flags = SL_TRIMMED,
     SL_CHOICES("", "threshold", "best"),
     .help = "`threshold` (default): the target reaches its threshold; `best`: it is the best."},
    SL_FIELD_END,
};

static bool is_group(const struct kb_rule *rule)
{
    return sl_str_eq(rule->target.kind, SL_STR("group"));
}

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct kb_rule *rule = decoded;
    if (!rule->target.kind.n || is_group(rule) || sl_str_eq(rule->target.kind, SL_STR("label")))
        return;
    size_t length = sl_check_push(c, SL_STR("target"));
    sl_check_push(c, SL_STR("kind"));
    sl_check_error(c, sl_yaml_get(sl_yaml_get(node, SL_STR("target")), SL_STR("kind")),
                   "target.kind \"%.*s\" is unsupported (supported: label, group)",
                   SL_FMT(rule->target.kind));
    sl_check_pop(c, length);
}

/* True when the base has the target; labels of a manifest that was not read count as there. */
static bool has_target(const struct sl_kb_cfg *kb, const struct kb_rule *rule)
{
    if (is_group(rule)) {
        const struct sl_kb_group_cfg *groups = kb->groups.items;
        for (uint32_t i = 0; i < kb->groups.n; i++) {
            if (sl_str_eq(groups[i].name, rule->target.value))
                return true;
        }
        return false;
    }
    for (uint32_t i = 0; i < kb->labels.n; i++) {
        if (sl_str_eq(kb->labels.items[i], rule->target.value))
            return true;
    }
    return !kb->is_loaded;
}

static void validate_in(struct sl_check *c, const struct sl_recipe_scope *scope,
                        const struct sl_yaml *node, const void *decoded)
{
    const struct kb_rule *rule = decoded;
    if (!rule->kb.n || !rule->target.value.n)
        return;
    const struct sl_kb_cfg *kb = sl_catalog_kb(scope->catalog, rule->kb);
    if (!kb) {
        size_t length = sl_check_push(c, SL_STR("kb"));
        sl_check_error(c, sl_yaml_get(node, SL_STR("kb")),
                       "kb \"%.*s\" is not declared in global.model_catalog.kbs", SL_FMT(rule->kb));
        sl_check_pop(c, length);
        return;
    }
    if (has_target(kb, rule))
        return;
    size_t length = sl_check_push(c, SL_STR("target"));
    sl_check_push(c, SL_STR("value"));
    sl_check_error(c, sl_yaml_get(sl_yaml_get(node, SL_STR("target")), SL_STR("value")),
                   "target.value \"%.*s\" is not a declared %s for kb \"%.*s\"",
                   SL_FMT(rule->target.value), is_group(rule) ? "group" : "label",
                   SL_FMT(rule->kb));
    sl_check_pop(c, length);
}

static const char *lacks(const struct sl_config *config, const void *decoded)
{
    const struct kb_rule *rule = decoded;
    if (!sl_config_kb(config, rule->kb))
        return "the manifest of its knowledge base is not here";
    return config->global.embedding.lacks;
}

/* ---- the engine ---------------------------------------------------------------------------- */

struct compiled_rule {
    const struct kb_rule *rule;
    uint32_t base, target; /* target: a label or a group of the base */
    sl_slot slot;
};

struct compiled_base {
    const struct sl_kb *kb;
    const struct sl_bank **banks; /* by label */
    sl_slot best_score, best_matched_score;
    sl_slot *metrics;
};

struct kb_state {
    struct compiled_base *bases;
    struct compiled_rule *rules;
    uint32_t n_bases, n_rules, n_most;
};

static sl_slot metric_slot(struct sl_signal_build *b, const struct sl_kb *kb, sl_str metric)
{
    sl_str name = sl_arena_printf(b->arena, "%.*s:%.*s", SL_FMT(kb->name), SL_FMT(metric));
    for (size_t i = 0; name.p && i < name.n; i++) {
        char *c = (char *)(uintptr_t)name.p + i;
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c | 32 : *c);
    }
    return b->slot_as(b, SL_STR("kb_metric"), name);
}

static bool compile_base(struct sl_signal_build *b, struct kb_state *s, const struct sl_kb *kb)
{
    struct compiled_base *out = &s->bases[s->n_bases++];
    *out = (struct compiled_base){.kb = kb};
    out->banks = SL_NEW_ARRAY(b->arena, const struct sl_bank *, kb->n_labels);
    out->metrics = SL_NEW_ARRAY(b->arena, sl_slot, kb->n_metrics);
    if (!out->banks || !out->metrics)
        return false;
    for (uint32_t i = 0; i < kb->n_labels; i++) {
        out->banks[i] =
            sl_bank_new(b->banks, b->arena, &kb->labels[i].exemplars, 1, 0, &kb->prototypes);
        if (!out->banks[i])
            return false;
        if (out->banks[i]->n_texts > s->n_most)
            s->n_most = out->banks[i]->n_texts;
    }
    out->best_score = metric_slot(b, kb, SL_STR("best_score"));
    out->best_matched_score = metric_slot(b, kb, SL_STR("best_matched_score"));
    for (uint32_t i = 0; i < kb->n_metrics; i++)
        out->metrics[i] = metric_slot(b, kb, kb->metrics[i].name);
    return true;
}

static uint32_t find_target(const struct sl_kb *kb, const struct kb_rule *rule)
{
    uint32_t n = is_group(rule) ? kb->n_groups : kb->n_labels;
    for (uint32_t i = 0; i < n; i++)
        if (sl_str_eq(is_group(rule) ? kb->groups[i].name : kb->labels[i].name, rule->target.value))
            return i;
    return SL_NO_INDEX;
}

static void compile_rules(struct sl_signal_build *b, struct kb_state *s)
{
    for (uint32_t i = 0; i < b->signal->n_rules; i++) {
        const struct kb_rule *rule = b->signal->rules[i].decoded;
        struct compiled_rule *out = &s->rules[s->n_rules];
        *out = (struct compiled_rule){.rule = rule, .slot = b->slot(b, rule->name)};
        while (out->base < s->n_bases && !sl_str_eq(s->bases[out->base].kb->name, rule->kb))
            out->base++;
        if (out->base == s->n_bases)
            continue;
        out->target = find_target(s->bases[out->base].kb, rule);
        s->n_rules += out->target != SL_NO_INDEX;
    }
}

/* Every base that a rule or a projection of some recipe uses; they are few. */
static enum sl_rc compile(struct sl_signal_build *b, void **out)
{
    const struct sl_global_cfg *global = &b->config->global;
    struct kb_state *s = SL_NEW(b->arena, struct kb_state);
    if (global->embedding.lacks)
        return SL_OK;
    if (!s || !(s->bases = SL_NEW_ARRAY(b->arena, struct compiled_base, global->n_kbs)) ||
        !(s->rules = SL_NEW_ARRAY(b->arena, struct compiled_rule, b->signal->n_rules)))
        return SL_NOMEM;
    for (uint32_t i = 0; i < global->n_kbs; i++)
        if (!compile_base(b, s, &global->kbs[i]))
            return SL_NOMEM;
    compile_rules(b, s);
    *out = s->n_bases ? s : NULL;
    return SL_OK;
}

/* What one base makes of a text. */
struct measured {
    double *labels, *groups;
    bool *is_label_matched, *is_group_matched;
    uint32_t best_label, best_group; /* SL_NO_INDEX: there is none */
    bool is_there;
};

static uint32_t best_of(const double *scores, uint32_t n, const struct sl_kb *kb, bool is_groups)
{
    uint32_t best = SL_NO_INDEX;
    for (uint32_t i = 0; i < n; i++) {
        sl_str name = is_groups ? kb->groups[i].name : kb->labels[i].name;
        if (best == SL_NO_INDEX || scores[i] > scores[best] ||
            (scores[i] == scores[best] &&
             sl_str_cmp(name, is_groups ? kb->groups[best].name : kb->labels[best].name) < 0))
            best = i;
    }
    return best;
}

static void measure_groups(const struct sl_kb *kb, struct measured *m)
{
    for (uint32_t g = 0; g < kb->n_groups; g++) {
        for (uint32_t k = 0; k < kb->groups[g].n_labels; k++) {
            uint32_t label = kb->groups[g].labels[k];
            if (m->labels[label] > m->groups[g])
                m->groups[g] = m->labels[label];
            m->is_group_matched[g] |= m->is_label_matched[label];
        }
    }
    m->best_label = best_of(m->labels, kb->n_labels, kb, false);
    m->best_group = best_of(m->groups, kb->n_groups, kb, true);
}

static bool measure(const struct compiled_base *base, struct sl_vector query, float *scratch,
                    struct sl_arena *arena, struct measured *m)
{
    const struct sl_kb *kb = base->kb;
    m->labels = SL_NEW_ARRAY(arena, double, kb->n_labels);
    m->groups = SL_NEW_ARRAY(arena, double, kb->n_groups);
    m->is_label_matched = SL_NEW_ARRAY(arena, bool, kb->n_labels);
    m->is_group_matched = SL_NEW_ARRAY(arena, bool, kb->n_groups);
    if (!m->labels || !m->groups || !m->is_label_matched || !m->is_group_matched)
        return false;
    for (uint32_t i = 0; i < kb->n_labels; i++) {
        if (!base->banks[i]->is_filled)
            return false;
        m->labels[i] = sl_bank_score(base->banks[i], query, false, scratch).score;
        m->is_label_matched[i] = m->labels[i] >= kb->labels[i].threshold;
    }
    measure_groups(kb, m);
    return true;
}

static void report_metrics(const struct compiled_base *base, const struct measured *m,
                           struct sl_slots *out)
{
    const struct sl_kb *kb = base->kb;
    double best_matched = 0;
    for (uint32_t i = 0; i < kb->n_labels; i++)
        if (m->is_label_matched[i] && m->labels[i] > best_matched)
            best_matched = m->labels[i];
    sl_slot_value(out, base->best_score,
                  m->best_label == SL_NO_INDEX ? 0 : m->labels[m->best_label]);
    sl_slot_value(out, base->best_matched_score, best_matched);
    for (uint32_t i = 0; i < kb->n_metrics; i++)
        sl_slot_value(out, base->metrics[i],
                      m->groups[kb->metrics[i].positive] - m->groups[kb->metrics[i].negative]);
}

static void report_rule(const struct compiled_rule *r, const struct measured *m,
                        struct sl_signal_run *run)
{
    bool group = is_group(r->rule), wants_best = r->rule->match == MATCH_BEST;
    double score = group ? m->groups[r->target] : m->labels[r->target];
    bool is_best = r->target == (group ? m->best_group : m->best_label);
    bool is_matched = group ? m->is_group_matched[r->target] : m->is_label_matched[r->target];
    if (run->evidence)
        sl_trace_note(run, r->slot,
                      sl_arena_printf(run->arena, "score %.3f%s%s", score,
                                      is_matched ? ", reaches its threshold" : "",
                                      is_best ? ", the best" : ""),
                      score, 0, false);
    if (wants_best ? !is_best : !is_matched)
        return;
    sl_slot_match(run->out, r->slot);
    sl_slot_conf(run->out, r->slot, score);
}

static void eval(const void *state, struct sl_signal_run *run)
{
    const struct kb_state *s = state;
    struct sl_vector query;
    if (!sl_str_trim(run->text).n || sl_signal_vector(run, run->text, &query) != SL_OK)
        return;
    struct measured *all = SL_NEW_ARRAY(run->arena, struct measured, s->n_bases);
    float *scratch = sl_signal_scores(run, s->n_most);
    if (!all || !scratch)
        return;
    for (uint32_t i = 0; i < s->n_bases; i++) {
        all[i].is_there = measure(&s->bases[i], query, scratch, run->arena, &all[i]);
        if (all[i].is_there)
            report_metrics(&s->bases[i], &all[i], run->out);
    }
    for (uint32_t i = 0; i < s->n_rules; i++)
        if (all[s->rules[i].base].is_there)
            report_rule(&s->rules[i], &all[s->rules[i].base], run);
}

const struct sl_signal_type sl_signal_kb = {
    .feature =
        {
            .name = "kb",
            .list_key = "kb",
            .summary = "The request falls under a label or group of a knowledge base",
            .help = "A knowledge base is a set of labels with example texts, put into groups. The "
                    "rule matches when its label or group reaches its threshold (or, with `match: "
                    "best`, is the best of all); the score is the confidence. The base's metrics "
                    "are inputs of projections (`kb_metric`).",
            .example = "name: keep_private\n"
                       "kb: privacy_kb\n"
                       "target:\n"
                       "  kind: group\n"
                       "  value: private\n"
                       "match: best\n",
            .fields = fields,
            .size = sizeof(struct kb_rule),
            .is_active = true,
            .lacks = lacks,
            .validate = validate,
            .validate_in = validate_in,
        },
    .matched_key = "kb",
    .header = "x-vsr-matched-kb",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_NO_MATCH,
    .reads_window = true,
    .compile = compile,
    .eval = eval,
};
