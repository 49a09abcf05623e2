/* Signal "jailbreak": attempts to get around the rules. */
#include "config/field.h"
#include "route/learned.h"
#include "route/trace.h"

#define PIECE_UNITS           1536
#define CONTRASTIVE_THRESHOLD 0.10

enum { METHOD_UNSET, METHOD_CLASSIFIER, METHOD_CONTRASTIVE, METHOD_HYBRID };

struct jailbreak_rule {
    sl_str name;
    sl_str description;
    int method;
    struct sl_opt_float threshold; /* unset: the guard module's, 0.10 for contrastive */
    bool include_history;
    struct sl_strs jailbreak_patterns;
    struct sl_strs benign_patterns;
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(jailbreak_rule, name), .flags = SL_REQUIRED,
     .help = "Name that decisions use."},
    {"description", SL_F_STR, SL_AT(jailbreak_rule, description), .help = "For people."},
    {"method", SL_F_ENUM, SL_AT(jailbreak_rule, method), .flags = SL_LENIENT,
     SL_CHOICES("", "classifier", "contrastive", "hybrid"),
     .help = "`classifier` (default) asks the guard model, `contrastive` compares with the two "
             "lists of patterns, `hybrid` matches when either does."},
    {"threshold", SL_F_OPT_FLOAT, SL_AT(jailbreak_rule, threshold), SL_BETWEEN(0, 1),
     .help = "Risk from which the rule matches; omitted: the guard module's threshold (0.10 for "
             "`contrastive`)."},
    {"include_history", SL_F_BOOL, SL_AT(jailbreak_rule, include_history),
     .help = "Also scans earlier turns and the system prompt."},
    {"jailbreak_patterns", SL_F_STRS, SL_AT(jailbreak_rule, jailbreak_patterns),
     .help = "Example attacks for `contrastive` and `hybrid`."},
    {"benign_patterns", SL_F_STRS, SL_AT(jailbreak_rule, benign_patterns),
     .help = "Example texts that look similar and are harmless."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct jailbreak_rule *rule = decoded;
    bool needs_patterns = rule->method == METHOD_CONTRASTIVE || rule->method == METHOD_HYBRID;
    if (needs_patterns && !rule->jailbreak_patterns.n)
        sl_check_warn(c, node, "method %s has no jailbreak_patterns to compare with",
                      rule->method == METHOD_HYBRID ? "hybrid" : "contrastive");
    if (!needs_patterns && (rule->jailbreak_patterns.n || rule->benign_patterns.n))
        sl_check_warn(c, node, "patterns are not read by method classifier; use hybrid");
}

static const char *lacks(const struct sl_config *config, const void *decoded)
{
    const struct jailbreak_rule *rule = decoded;
    if (config->global.guard_is_off)
        return "prompt_guard.enabled is false";
    if (rule->method != METHOD_CONTRASTIVE)
        return "no guard model";
    return config->global.embedding.lacks;
}

/* ---- the engine: contrastive rules --------------------------------------------------------- */

struct compiled_rule {
    const struct jailbreak_rule *rule;
    const struct sl_bank *attacks, *harmless;
    double threshold;
    sl_slot slot;
};

struct jailbreak_state {
    struct compiled_rule *rules;
    uint32_t n, n_most;
    bool fails_open, includes_history;
};

static bool compile_rule(struct sl_signal_build *b, struct jailbreak_state *s,
                         const struct jailbreak_rule *rule)
{
    struct compiled_rule *out = &s->rules[s->n++];
    bool is_set = rule->threshold.is_set && rule->threshold.value > 0;
    *out = (struct compiled_rule){
        .rule = rule,
        .attacks = sl_bank_new(b->banks, b->arena, &rule->jailbreak_patterns, 1, 0, NULL),
        .harmless = sl_bank_new(b->banks, b->arena, &rule->benign_patterns, 1, 0, NULL),
        .threshold = is_set ? rule->threshold.value : CONTRASTIVE_THRESHOLD,
        .slot = b->slot(b, rule->name)};
    if (!out->attacks || !out->harmless)
        return false;
    uint32_t n = out->attacks->n_texts > out->harmless->n_texts ? out->attacks->n_texts
                                                                : out->harmless->n_texts;
    s->n_most = n > s->n_most ? n : s->n_most;
    s->includes_history |= rule->include_history;
    return true;
}

static enum sl_rc compile(struct sl_signal_build *b, void **out)
{
    struct jailbreak_state *s = SL_NEW(b->arena, struct jailbreak_state);
    if (!s || !(s->rules = SL_NEW_ARRAY(b->arena, struct compiled_rule, b->signal->n_rules)))
        return SL_NOMEM;
    s->fails_open = b->config->global.guard_fails_open;
    for (uint32_t i = 0; i < b->signal->n_rules; i++) {
        const struct jailbreak_rule *rule = b->signal->rules[i].decoded;
        if (!lacks(b->config, rule) && !compile_rule(b, s, rule))
            return SL_NOMEM;
    }
    *out = s->n ? s : NULL;
    return SL_OK;
}

/* The vectors of all pieces of the texts that are scanned. */
struct pieces {
    struct sl_vector *vectors;
    sl_str *texts;
    uint32_t n, n_current; /* those of the current turn come first */
    bool has_failed;
};

static uint32_t count_pieces(sl_str text)
{
    uint32_t n = 0;
    for (size_t from = 0; sl_str_trim(text).n && sl_text_piece(text, &from, PIECE_UNITS).n;)
        n++;
    return n;
}

static void embed_pieces(struct sl_signal_run *run, sl_str text, struct pieces *p)
{
    sl_str piece;
    for (size_t from = 0;
         sl_str_trim(text).n && (piece = sl_text_piece(text, &from, PIECE_UNITS)).n;)
        if (sl_signal_vector(run, piece, &p->vectors[p->n]) == SL_OK)
            p->texts[p->n++] = piece;
        else
            p->has_failed = true;
}

static bool collect(const struct jailbreak_state *s, struct sl_signal_run *run, struct pieces *p)
{
    const struct sl_facts *f = run->facts;
    uint32_t n = count_pieces(run->text), n_history = s->includes_history ? f->n_nonuser : 0;
    uint32_t n_prior = s->includes_history ? f->n_prior : 0;
    for (uint32_t i = 0; i < n_history; i++)
        n += count_pieces(f->nonuser[i]);
    for (uint32_t i = 0; i < n_prior; i++)
        n += count_pieces(f->prior[i]);
    p->vectors = SL_NEW_ARRAY(run->arena, struct sl_vector, n);
    p->texts = SL_NEW_ARRAY(run->arena, sl_str, n);
    if (!p->vectors || !p->texts)
        return false;
    embed_pieces(run, run->text, p);
    p->n_current = p->n;
    for (uint32_t i = 0; i < n_history; i++)
        embed_pieces(run, f->nonuser[i], p);
    for (uint32_t i = 0; i < n_prior; i++)
        embed_pieces(run, f->prior[i], p);
    return true;
}

/* How much nearer to an attack than to what is harmless, at worst; an empty side counts as 0. */
static double worst_of(const struct compiled_rule *r, const struct pieces *p, float *scratch,
                       sl_str *piece, sl_str *nearest)
{
    uint32_t n = r->rule->include_history ? p->n : p->n_current;
    double worst = -2;
    for (uint32_t i = 0; i < n; i++) {
        struct sl_bank_score attack = sl_bank_score(r->attacks, p->vectors[i], false, scratch);
        double score = attack.best - sl_bank_score(r->harmless, p->vectors[i], false, scratch).best;
        if (score <= worst)
            continue;
        worst = score;
        *piece = p->texts[i];
        *nearest = attack.nearest;
    }
    return worst;
}

static void eval_rule(const struct compiled_rule *r, const struct jailbreak_state *s,
                      const struct pieces *p, float *scratch, struct sl_signal_run *run)
{
    bool has_banks = r->attacks->is_filled && r->harmless->is_filled;
    sl_str piece = {0}, nearest = {0};
    double score = has_banks ? worst_of(r, p, scratch, &piece, &nearest) : -2;
    if (score >= r->threshold) {
        sl_slot_match(run->out, r->slot);
        sl_slot_conf(run->out, r->slot, score);
    } else if ((!has_banks || p->has_failed) && !s->fails_open) {
        sl_slot_match(run->out, r->slot);
        sl_slot_conf(run->out, r->slot, 1);
        sl_trace_note(run, r->slot, SL_STR("classification_error: the embedding model failed"), 1,
                      r->threshold, true);
        return;
    }
    if (run->evidence && score > -2)
        sl_trace_note(run, r->slot,
                      sl_arena_printf(run->arena, "\"%.*s\" is near the pattern \"%.*s\"",
                                      SL_FMT(sl_str_sub(piece, 0, 80)),
                                      SL_FMT(sl_str_sub(nearest, 0, 80))),
                      score, r->threshold, true);
}

static void eval(const void *state, struct sl_signal_run *run)
{
    const struct jailbreak_state *s = state;
    struct pieces pieces = {0};
    float *scratch = sl_signal_scores(run, s->n_most);
    if (!scratch || !collect(s, run, &pieces))
        pieces.has_failed = true;
    for (uint32_t i = 0; !run->is_waiting && i < s->n; i++)
        eval_rule(&s->rules[i], s, &pieces, scratch, run);
}

const struct sl_signal_type sl_signal_jailbreak = {
    .feature =
        {
            .name = "jailbreak",
            .list_key = "jailbreak",
            .summary = "The request tries to get around its rules",
            .help = "A guard model (or, with `contrastive`, nearness to example attacks) scans the "
                    "whole text in overlapping pieces. The highest risk is the confidence. When "
                    "the guard fails, the rule matches: safety fails closed unless "
                    "`prompt_guard.on_error: allow` is written.",
            .example = "name: prompt_injection\n"
                       "method: hybrid\n"
                       "threshold: 0.7\n"
                       "include_history: true\n"
                       "jailbreak_patterns: [\"ignore previous instructions\"]\n"
                       "benign_patterns: [\"explain what prompt injection is\"]\n",
            .fields = fields,
            .size = sizeof(struct jailbreak_rule),
            .is_active = true,
            .lacks = lacks,
            .validate = validate,
        },
    .matched_key = "jailbreak",
    .header = "x-vsr-matched-jailbreak",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_MATCH,
    .compile = compile,
    .eval = eval,
};
