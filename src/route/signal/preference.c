/* Signal "preference": the route a user would prefer. */
#include "config/field.h"
#include "route/learned.h"

struct preference_rule {
    sl_str name;
    sl_str description;
    struct sl_strs examples;
    double threshold;
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(preference_rule, name), .flags = SL_REQUIRED,
     .help = "Name that decisions use."},
    {"description", SL_F_STR, SL_AT(preference_rule, description),
     .help = "What the preference means; also compared with the request."},
    {"examples", SL_F_STRS, SL_AT(preference_rule, examples),
     .help = "Texts that show the preference."},
    {"threshold", SL_F_FLOAT, SL_AT(preference_rule, threshold), SL_BETWEEN(0, 1),
     .help = "Score that the best rule must reach; 0 asks for none."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct preference_rule *rule = decoded;
    if (!rule->examples.n && !sl_str_trim(rule->description).n)
        sl_check_warn(c, node, "has neither a description nor examples, so nothing can match it");
}

static const char *lacks(const struct sl_config *config, const void *decoded)
{
    (void)decoded;
    if (config->global.asks_for_preference)
        return "asking an external model for preferences is not built yet";
    return config->global.embedding.lacks;
}

/* ---- the engine ---------------------------------------------------------------------------- */

struct compiled_rule {
    const struct preference_rule *rule;
    const struct sl_bank *bank;
    sl_slot slot, best, support, prototype_count, margin;
};

struct preference_state {
    const struct sl_prototype_cfg *cfg;
    struct compiled_rule *rules;
    uint32_t n, n_most;
};

static bool compile_rule(struct sl_signal_build *b, struct preference_state *s,
                         const struct preference_rule *rule)
{
    struct compiled_rule *out = &s->rules[s->n++];
    const struct sl_strs lists[] = {{&rule->description, 1}, rule->examples};
    out->rule = rule;
    out->bank = sl_bank_new(b->banks, b->arena, lists, SL_COUNT(lists), 0, s->cfg);
    out->slot = b->slot(b, rule->name);
    out->best = sl_signal_detail(b, rule->name, "best");
    out->support = sl_signal_detail(b, rule->name, "support");
    out->prototype_count = sl_signal_detail(b, rule->name, "prototype_count");
    out->margin = sl_signal_detail(b, rule->name, "margin");
    if (out->bank && out->bank->n_texts > s->n_most)
        s->n_most = out->bank->n_texts;
    return out->bank != NULL;
}

static enum sl_rc compile(struct sl_signal_build *b, void **out)
{
    struct preference_state *s = SL_NEW(b->arena, struct preference_state);
    if (!s || !(s->rules = SL_NEW_ARRAY(b->arena, struct compiled_rule, b->signal->n_rules)))
        return SL_NOMEM;
    s->cfg = &b->config->global.preference_prototypes;
    for (uint32_t i = 0; i < b->signal->n_rules; i++) {
        const struct preference_rule *rule = b->signal->rules[i].decoded;
        if (!lacks(b->config, rule) && !compile_rule(b, s, rule))
            return SL_NOMEM;
    }
    *out = s->n_most ? s : NULL;
    return SL_OK;
}

struct ranking {
    struct sl_bank_score *scores; /* by rule */
    uint32_t first, second;       /* rules; second: SL_NO_INDEX with one rule */
};

static bool is_better(const struct preference_state *s, const struct ranking *r, uint32_t a,
                      uint32_t b)
{
    if (b == SL_NO_INDEX || r->scores[a].score != r->scores[b].score)
        return b == SL_NO_INDEX || r->scores[a].score > r->scores[b].score;
    return sl_str_cmp(s->rules[a].rule->name, s->rules[b].rule->name) < 0;
}

/* False when a rule's examples are unknown: a comparison without it would be another. */
static bool rank(const struct preference_state *s, struct sl_vector query,
                 struct sl_signal_run *run, struct ranking *out)
{
    float *scratch = sl_signal_scores(run, s->n_most);
    out->scores = SL_NEW_ARRAY(run->arena, struct sl_bank_score, s->n);
    out->first = out->second = SL_NO_INDEX;
    for (uint32_t i = 0; i < s->n; i++) {
        const struct compiled_rule *r = &s->rules[i];
        if (!scratch || !out->scores || !r->bank->is_filled)
            return false;
        out->scores[i] = sl_bank_score(r->bank, query, false, scratch);
        sl_signal_note_nearest(run, r->slot, &out->scores[i], r->rule->threshold);
        if (is_better(s, out, i, out->first)) {
            out->second = out->first;
            out->first = i;
        } else if (is_better(s, out, i, out->second)) {
            out->second = i;
        }
    }
    return true;
}

static void report(const struct preference_state *s, const struct ranking *r, double margin,
                   struct sl_slots *out)
{
    const struct compiled_rule *winner = &s->rules[r->first];
    for (uint32_t i = 0; i < s->n; i++) {
        sl_slot_value(out, s->rules[i].slot, r->scores[i].score);
        sl_slot_value(out, s->rules[i].best, r->scores[i].best);
        sl_slot_value(out, s->rules[i].support, r->scores[i].support);
        sl_slot_value(out, s->rules[i].prototype_count, s->rules[i].bank->n);
    }
    sl_slot_value(out, winner->margin, margin);
    sl_slot_match(out, winner->slot);
    sl_slot_conf(out, winner->slot, r->scores[r->first].score);
}

/* The best rule matches, unless it is too weak or leads by too little. */
static void eval(const void *state, struct sl_signal_run *run)
{
    const struct preference_state *s = state;
    struct sl_vector query;
    struct ranking r;
    if (!sl_str_trim(run->text).n || sl_signal_vector(run, run->text, &query) != SL_OK ||
        !rank(s, query, run, &r))
        return;
    double score = r.scores[r.first].score, threshold = s->rules[r.first].rule->threshold;
    double margin = r.second == SL_NO_INDEX ? 0 : score - r.scores[r.second].score;
    bool is_weak = threshold > 0 && score < threshold;
    bool is_close = s->cfg->margin_threshold > 0 && margin < s->cfg->margin_threshold;
    if (!is_weak && !is_close)
        report(s, &r, margin, run->out);
}

const struct sl_signal_type sl_signal_preference = {
    .feature =
        {
            .name = "preference",
            .list_key = "preferences",
            .summary = "The request shows one of several described preferences",
            .help = "Ranks the rules by nearness of their description and examples to the current "
                    "user turn; at most the best one matches, if it reaches its threshold and "
                    "leads by the configured margin. With `use_contrastive: false` an external "
                    "model chooses instead.",
            .example = "name: terse_answers\n"
                       "description: The user wants short answers.\n"
                       "examples:\n"
                       "  - keep it short\n"
                       "  - bullet points only\n"
                       "threshold: 0.7\n",
            .fields = fields,
            .size = sizeof(struct preference_rule),
            .is_active = true,
            .lacks = lacks,
            .validate = validate,
        },
    .matched_key = "preferences",
    .header = "x-vsr-matched-preference",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_NO_MATCH,
    .reads_window = true,
    .compile = compile,
    .eval = eval,
};
