/* Signal "embedding": nearness of the request to example texts. */
#include "config/field.h"
#include "config/scope.h"
#include "route/learned.h"

#include <stdlib.h>

enum { AGGREGATE_UNSET, AGGREGATE_MAX, AGGREGATE_MEAN, AGGREGATE_ANY };
enum { MODALITY_UNSET, MODALITY_TEXT, MODALITY_IMAGE, MODALITY_AUDIO };

struct embedding_rule {
    sl_str name;
    double threshold;
    struct sl_strs candidates;
    int aggregation_method;
    int query_modality;
    sl_str model;
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(embedding_rule, name), .flags = SL_REQUIRED,
     .help = "Name that decisions use."},
    {"threshold", SL_F_FLOAT, SL_AT(embedding_rule, threshold), SL_BETWEEN(0, 1),
     .help = "Score from which the rule matches; 0 matches every text with a score of at least 0."},
    {"candidates", SL_F_STRS, SL_AT(embedding_rule, candidates),
     .help = "Example texts that the request is compared with."},
    {"aggregation_method", SL_F_ENUM, SL_AT(embedding_rule, aggregation_method),
     .flags = SL_LENIENT, SL_CHOICES("", "max", "mean", "any"),
     .help = "How the similarities to the examples become one score: `mean` is their plain mean; "
             "the others weigh the best with the mean of the best few."},
    {"query_modality", SL_F_ENUM, SL_AT(embedding_rule, query_modality), .flags = SL_TRIMMED,
     SL_CHOICES("", "text", "image", "audio"),
     .help = "What of the request is compared: its text (default) or its inline image; `audio` is "
             "not supported."},
    {"model", SL_F_STR, SL_AT(embedding_rule, model),
     .help = "Accepted for older files and ignored: the embedding model is chosen in "
             "`global.model_catalog.embeddings`."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct embedding_rule *rule = decoded;
    if (rule->query_modality != MODALITY_AUDIO)
        return;
    size_t length = sl_check_push(c, SL_STR("query_modality"));
    sl_check_error(c, sl_yaml_get(node, SL_STR("query_modality")),
                   "query_modality \"audio\" is not supported; use \"text\" or \"image\"");
    sl_check_pop(c, length);
}

static void validate_in(struct sl_check *c, const struct sl_recipe_scope *scope,
                        const struct sl_yaml *node, const void *decoded)
{
    const struct embedding_rule *rule = decoded;
    if (rule->query_modality != MODALITY_IMAGE)
        return;
    sl_str type = sl_str_trim(scope->catalog->embedding.model_type);
    if (sl_str_eq_nocase(type, SL_STR("multimodal")))
        return;
    size_t length = sl_check_push(c, SL_STR("query_modality"));
    sl_check_error(c, sl_yaml_get(node, SL_STR("query_modality")),
                   "query_modality \"image\" needs "
                   "global.model_catalog.embeddings.semantic.embedding_config.model_type "
                   "\"multimodal\", found \"%.*s\"",
                   SL_FMT(type));
    sl_check_pop(c, length);
}

static const char *lacks(const struct sl_config *config, const void *decoded)
{
    const struct embedding_rule *rule = decoded;
    if (rule->query_modality == MODALITY_IMAGE)
        return "no model that embeds images";
    return config->global.embedding.lacks;
}

/* ---- the engine ---------------------------------------------------------------------------- */

struct compiled_rule {
    const struct embedding_rule *rule;
    const struct sl_bank *bank;
    sl_slot slot, best, support, prototype_count;
};

struct embedding_state {
    const struct sl_embedding_cfg *cfg;
    struct compiled_rule *rules;
    uint32_t n, n_most; /* prototypes of one bank, at most */
};

static bool compile_rule(struct sl_signal_build *b, struct embedding_state *s,
                         const struct embedding_rule *rule)
{
    struct compiled_rule *out = &s->rules[s->n];
    out->rule = rule;
    out->bank = sl_bank_new(b->banks, b->arena, &rule->candidates, 1, s->cfg->dimension,
                            &s->cfg->prototypes);
    out->slot = b->slot(b, rule->name);
    out->best = sl_signal_detail(b, rule->name, "best");
    out->support = sl_signal_detail(b, rule->name, "support");
    out->prototype_count = sl_signal_detail(b, rule->name, "prototype_count");
    if (!out->bank)
        return false;
    if (out->bank->n_texts > s->n_most)
        s->n_most = out->bank->n_texts;
    s->n++;
    return true;
}

static enum sl_rc compile(struct sl_signal_build *b, void **out)
{
    struct embedding_state *s = SL_NEW(b->arena, struct embedding_state);
    if (!s || !(s->rules = SL_NEW_ARRAY(b->arena, struct compiled_rule, b->signal->n_rules)))
        return SL_NOMEM;
    s->cfg = &b->config->global.embedding;
    for (uint32_t i = 0; i < b->signal->n_rules; i++) {
        const struct embedding_rule *rule = b->signal->rules[i].decoded;
        if (!lacks(b->config, rule) && !compile_rule(b, s, rule))
            return SL_NOMEM;
    }
    *out = s->n ? s : NULL;
    return SL_OK;
}

struct scored_rule {
    const struct compiled_rule *rule;
    double score;
};

static int by_score(const void *a, const void *b)
{
    const struct scored_rule *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return sl_str_cmp(x->rule->rule->name, y->rule->rule->name);
}

static double score_rule(const struct compiled_rule *r, struct sl_vector query, float *scratch,
                         struct sl_signal_run *run)
{
    struct sl_bank_score score =
        sl_bank_score(r->bank, query, r->rule->aggregation_method == AGGREGATE_MEAN, scratch);
    sl_slot_value(run->out, r->slot, score.score);
    sl_slot_value(run->out, r->best, score.best);
    sl_slot_value(run->out, r->support, score.support);
    sl_slot_value(run->out, r->prototype_count, r->bank->n);
    sl_signal_note_nearest(run, r->slot, &score, r->rule->threshold);
    return score.score;
}

/* Rules that reach their own threshold; without one, those above the general minimum. */
static void match_rules(const struct embedding_state *s, struct scored_rule *scored, uint32_t n,
                        struct sl_slots *out)
{
    bool has_hard = false;
    qsort(scored, n, sizeof(*scored), by_score);
    for (uint32_t i = 0; i < n; i++)
        has_hard |= scored[i].score >= scored[i].rule->rule->threshold;
    if (!has_hard && !s->cfg->has_soft_matching)
        return;
    for (uint32_t i = 0; i < n; i++) {
        double least = has_hard ? scored[i].rule->rule->threshold : s->cfg->min_score;
        if (scored[i].score < least)
            continue;
        sl_slot_match(out, scored[i].rule->slot);
        sl_slot_conf(out, scored[i].rule->slot, scored[i].score);
    }
}

static void eval(const void *state, struct sl_signal_run *run)
{
    const struct embedding_state *s = state;
    struct sl_vector whole, query;
    if (!sl_str_trim(run->text).n || sl_signal_vector(run, run->text, &whole) != SL_OK)
        return;
    query = sl_vector_cut(whole, s->cfg->dimension, run->arena);
    struct scored_rule *scored = SL_NEW_ARRAY(run->arena, struct scored_rule, s->n);
    float *scratch = sl_signal_scores(run, s->n_most);
    uint32_t n = 0;
    if (!scored || !scratch)
        return;
    for (uint32_t i = 0; i < s->n; i++)
        if (s->rules[i].bank->is_filled)
            scored[n++] =
                (struct scored_rule){&s->rules[i], score_rule(&s->rules[i], query, scratch, run)};
    match_rules(s, scored, n, run->out);
}

const struct sl_signal_type sl_signal_embedding = {
    .feature =
        {
            .name = "embedding",
            .list_key = "embeddings",
            .summary = "The request is near in meaning to example texts",
            .help = "Embeds the current user turn (or its image) and compares it with the rule's "
                    "`candidates`. A rule whose score reaches `threshold` matches; when none does "
                    "and soft matching is on, rules above the general minimum match instead. The "
                    "best `top_k` matches are kept. The score is the rule's confidence.",
            .example = "name: technical_support\n"
                       "threshold: 0.75\n"
                       "aggregation_method: max\n"
                       "candidates:\n"
                       "  - how to configure the system\n"
                       "  - installation guide\n",
            .fields = fields,
            .size = sizeof(struct embedding_rule),
            .is_active = true,
            .lacks = lacks,
            .validate = validate,
            .validate_in = validate_in,
        },
    .matched_key = "embeddings",
    .header = "x-vsr-matched-embeddings",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_NO_MATCH,
    .reads_window = true,
    .compile = compile,
    .eval = eval,
};
