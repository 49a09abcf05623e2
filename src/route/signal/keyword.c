/*
 * Signal `keyword`: words, phrases and expressions in the full text. Literals and expressions of
 * all rules are found by the recipe's shared scan; bm25, n-gram and fuzzy rules have indexes of
 * their own, to which the text's different words are shown once.
 */
#include "match/bm25.h"
#include "match/fuzzy.h"
#include "match/lexicon.h"
#include "match/ngram.h"
#include "match/scan.h"
#include "route/signal.h"
#include "route/trace.h"

enum operator_kind { OP_UNSET, OP_AND, OP_OR, OP_NOR };
enum method_kind { METHOD_LITERAL, METHOD_REGEX, METHOD_BM25, METHOD_NGRAM };

static const char *const operator_names[] = {"", "AND", "OR", "NOR", NULL};
static const char *const method_names[] = {"", "regex", "bm25", "ngram", NULL};

struct keyword_rule {
    sl_str name;
    sl_str description;
    int op;
    int method;
    struct sl_strs keywords;
    bool is_case_sensitive;
    bool is_fuzzy;
    int64_t fuzzy_threshold;
    double bm25_threshold;
    double ngram_threshold;
    int64_t ngram_arity;
};

static const struct sl_field fields[] = {
    {.key = "name",
     .type = SL_F_STR,
     .offset = offsetof(struct keyword_rule, name),
     .flags = SL_REQUIRED,
     .help = "Name that decisions refer to."},
    {.key = "description",
     .type = SL_F_STR,
     .offset = offsetof(struct keyword_rule, description),
     .help = "What the rule is for."},
    {.key = "operator",
     .type = SL_F_ENUM,
     .flags = SL_EXACT | SL_LENIENT,
     .offset = offsetof(struct keyword_rule, op),
     .choices = operator_names,
     .help = "AND: all keywords, OR: any, NOR: none."},
    {.key = "keywords",
     .type = SL_F_STRS,
     .offset = offsetof(struct keyword_rule, keywords),
     .help = "Words, phrases or, for method regex, expressions."},
    {.key = "case_sensitive",
     .type = SL_F_BOOL,
     .offset = offsetof(struct keyword_rule, is_case_sensitive),
     .fallback = "false",
     .help = "Whether case matters; bm25 and fuzzy matching always ignore it."},
    {.key = "method",
     .type = SL_F_ENUM,
     .flags = SL_TRIMMED | SL_LENIENT,
     .offset = offsetof(struct keyword_rule, method),
     .choices = method_names,
     .help = "Empty: whole words; regex: RE2 expressions; bm25: ranked stems; ngram: similarity."},
    {.key = "fuzzy_match",
     .type = SL_F_BOOL,
     .offset = offsetof(struct keyword_rule, is_fuzzy),
     .fallback = "false",
     .help = "Also accept misspelt keywords (literal and regex methods)."},
    {.key = "fuzzy_threshold",
     .type = SL_F_INT,
     .offset = offsetof(struct keyword_rule, fuzzy_threshold),
     .flags = SL_KEEPS_DEFAULT_ON_EMPTY | SL_LENIENT,
     .fallback = "2",
     .min = 0,
     .max = 64,
     .help = "Greatest edit distance in characters."},
    {.key = "bm25_threshold",
     .type = SL_F_FLOAT,
     .offset = offsetof(struct keyword_rule, bm25_threshold),
     .flags = SL_KEEPS_DEFAULT_ON_EMPTY | SL_LENIENT,
     .fallback = "0.1",
     .min = 0,
     .max = 1000,
     .help = "Least BM25 score of a keyword."},
    {.key = "ngram_threshold",
     .type = SL_F_FLOAT,
     .offset = offsetof(struct keyword_rule, ngram_threshold),
     .flags = SL_KEEPS_DEFAULT_ON_EMPTY | SL_LENIENT,
     .fallback = "0.4",
     .min = 0,
     .max = 1,
     .help = "Least similarity of a keyword."},
    {.key = "ngram_arity",
     .type = SL_F_INT,
     .offset = offsetof(struct keyword_rule, ngram_arity),
     .flags = SL_KEEPS_DEFAULT_ON_EMPTY | SL_LENIENT,
     .fallback = "3",
     .min = 2,
     .max = 8,
     .help = "Characters of a gram."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct keyword_rule *r = decoded;
    const struct sl_yaml *op = sl_yaml_get(node, SL_STR("operator"));
    /* The reference's loader takes anything here; an unknown operator counts as OR. */
    for (int i = OP_AND; op && r->op == OP_UNSET && operator_names[i]; i++)
        if (sl_str_eq_nocase(op->text, sl_str_from(operator_names[i])))
            sl_check_error(c, op, "unsupported keyword rule operator: \"%.*s\"; write %s",
                           SL_FMT(op->text), operator_names[i]);
    if (r->op == OP_UNSET && (!op || op->text.n == 0))
        sl_check_warn(c, op ? op : node, "a keyword rule without an operator counts as OR");
    if (r->is_fuzzy && r->method > METHOD_REGEX)
        sl_check_warn(c, node, "fuzzy_match has no effect on method %s", method_names[r->method]);
    if (r->is_case_sensitive && r->method == METHOD_BM25)
        sl_check_warn(c, node, "case_sensitive has no effect on method bm25");
    const struct sl_yaml *list = sl_yaml_get(node, SL_STR("keywords"));
    for (uint32_t i = 0; i < r->keywords.n; i++)
        if (r->keywords.items[i].n == 0 && r->method <= METHOD_REGEX)
            sl_check_warn(c, list && i < list->n ? list->items[i] : node,
                          "an empty keyword is in every text");
}

struct rule_state {
    const struct keyword_rule *rule;
    sl_slot slot;
    uint32_t *patterns;  /* of the scan, one a keyword */
    uint32_t first_bm25; /* document of the first keyword */
    uint32_t first_fuzzy;
    uint32_t first_ngram;
    struct sl_ngram *ngram;
};

struct keyword_state {
    struct rule_state *rules;
    uint32_t n;
    struct sl_bm25 *bm25;
    struct sl_fuzzy *fuzzy;
    const struct rule_state **ngram_rules;
    uint32_t n_ngram_rules;
    uint32_t n_ngram;       /* keywords of all n-gram rules */
    uint64_t ngram_lengths; /* of words that some of them may be similar to */
};

static enum sl_rc add_patterns(struct sl_signal_build *b, struct rule_state *s, uint32_t index)
{
    const struct keyword_rule *r = s->rule;
    s->patterns = SL_NEW_ARRAY(b->arena, uint32_t, r->keywords.n);
    if (!s->patterns)
        return SL_NOMEM;
    unsigned flags = r->is_case_sensitive ? 0 : SL_SCAN_CASELESS;
    for (uint32_t i = 0; i < r->keywords.n; i++) {
        sl_str keyword = r->keywords.items[i];
        if (r->method == METHOD_LITERAL) {
            enum sl_rc rc =
                sl_scan_add_literal(b->scan, keyword, flags | SL_SCAN_WORD_EDGES, &s->patterns[i]);
            if (rc != SL_OK)
                return rc;
            continue;
        }
        struct sl_err err = {0};
        if (sl_scan_add_regex(b->scan, keyword, flags, &s->patterns[i], &err) != SL_OK) {
            const struct sl_yaml *list =
                sl_yaml_get(b->signal->rules[index].node, SL_STR("keywords"));
            const struct sl_yaml *at = list && i < list->n ? list->items[i] : list;
            sl_str path =
                sl_arena_printf(b->arena, "routing.signals.keywords[%u].keywords[%u]", index, i);
            sl_diags_add(b->diags, SL_ERROR, at ? at->line : 0, at ? at->column : 0, path,
                         "keyword rule \"%.*s\": %s", SL_FMT(r->name), err.message);
        }
    }
    return SL_OK;
}

static enum sl_rc add_fuzzy(struct sl_signal_build *b, struct keyword_state *s,
                            struct rule_state *rule)
{
    const struct keyword_rule *r = rule->rule;
    if (!s->fuzzy && !(s->fuzzy = sl_fuzzy_new(b->arena)))
        return SL_NOMEM;
    rule->first_fuzzy = sl_fuzzy_n(s->fuzzy);
    uint32_t distance = r->fuzzy_threshold < 0 ? 0 : (uint32_t)r->fuzzy_threshold;
    for (uint32_t i = 0; i < r->keywords.n; i++) {
        uint32_t id;
        enum sl_rc rc = sl_fuzzy_add(s->fuzzy, r->keywords.items[i], distance, &id);
        if (rc != SL_OK)
            return rc;
    }
    return SL_OK;
}

static enum sl_rc compile_rule(struct sl_signal_build *b, struct keyword_state *s, uint32_t index)
{
    struct rule_state *rule = &s->rules[index];
    const struct keyword_rule *r = b->signal->rules[index].decoded;
    rule->rule = r;
    rule->slot = b->slot(b, r->name);
    enum sl_rc rc = SL_OK;
    switch ((enum method_kind)r->method) {
    case METHOD_LITERAL:
    case METHOD_REGEX:
        rc = add_patterns(b, rule, index);
        return rc == SL_OK && r->is_fuzzy ? add_fuzzy(b, s, rule) : rc;
    case METHOD_BM25:
        if (!s->bm25 && !(s->bm25 = sl_bm25_new(b->arena)))
            return SL_NOMEM;
        return sl_bm25_add(s->bm25, r->keywords.items, r->keywords.n, &rule->first_bm25);
    case METHOD_NGRAM:
        rc = sl_ngram_new(&rule->ngram, b->arena, r->ngram_arity < 2 ? 2 : (uint32_t)r->ngram_arity,
                          r->is_case_sensitive, (float)r->ngram_threshold);
        for (uint32_t i = 0; i < r->keywords.n && rc == SL_OK; i++)
            rc = sl_ngram_add(rule->ngram, r->keywords.items[i]);
        s->ngram_rules[s->n_ngram_rules++] = rule;
        rule->first_ngram = s->n_ngram;
        s->n_ngram += r->keywords.n;
        if (rc == SL_OK)
            s->ngram_lengths |= sl_ngram_lengths(rule->ngram);
        return rc;
    }
    return rc;
}

static void destroy(void *state)
{
    struct keyword_state *s = state;
    sl_bm25_free(s->bm25);
}

static enum sl_rc compile(struct sl_signal_build *b, void **out)
{
    struct keyword_state *s = SL_NEW(b->arena, struct keyword_state);
    if (!s)
        return SL_NOMEM;
    s->n = b->signal->n_rules;
    s->rules = SL_NEW_ARRAY(b->arena, struct rule_state, s->n);
    s->ngram_rules = SL_NEW_ARRAY(b->arena, const struct rule_state *, s->n);
    enum sl_rc rc = s->rules && s->ngram_rules ? SL_OK : SL_NOMEM;
    for (uint32_t i = 0; i < s->n && rc == SL_OK; i++)
        rc = compile_rule(b, s, i);
    if (rc == SL_OK && s->bm25)
        rc = sl_bm25_finish(s->bm25);
    if (rc != SL_OK) {
        destroy(s);
        return rc;
    }
    *out = s->n ? s : NULL;
    return SL_OK;
}

/* Working memory of one evaluation; NULL members where no rule needs them. */
struct matching {
    double *scores; /* bm25, by document */
    bool *fuzzy;    /* by fuzzy keyword */
    float *similar; /* by n-gram keyword */
};

static bool is_literal_found(const struct rule_state *rule, const struct sl_signal_run *run,
                             uint32_t i)
{
    return run->hits && sl_scan_found(run->hits, rule->patterns[i]);
}

static bool is_found(const struct rule_state *rule, const struct sl_signal_run *run,
                     const struct matching *m, uint32_t i)
{
    const struct keyword_rule *r = rule->rule;
    switch ((enum method_kind)r->method) {
    case METHOD_BM25: {
        double score = m->scores[rule->first_bm25 + i];
        return score > 0 && (float)score >= (float)r->bm25_threshold;
    }
    case METHOD_NGRAM:
        return m->similar[rule->first_ngram + i] >= (float)r->ngram_threshold;
    case METHOD_LITERAL:
    case METHOD_REGEX:
        return is_literal_found(rule, run, i) || (r->is_fuzzy && m->fuzzy[rule->first_fuzzy + i]);
    }
    return false;
}

static bool holds(enum operator_kind op, uint32_t n_found, uint32_t n)
{
    switch (op) {
    case OP_AND:
        return n_found == n;
    case OP_OR:
    case OP_UNSET:
        return n_found > 0;
    case OP_NOR:
        return n_found == 0;
    }
    return false;
}

/* Whether one more keyword can change the verdict. */
static bool is_open(enum operator_kind op, uint32_t n_found, uint32_t n_missed)
{
    return op == OP_AND ? n_missed == 0 : n_found == 0;
}

/* "urgent, pasword (fuzzy)": the keywords that were found. */
static void note(const struct rule_state *rule, struct sl_signal_run *run, const struct matching *m)
{
    const struct keyword_rule *r = rule->rule;
    char text[512];
    size_t at = 0;
    uint32_t n_found = 0;
    for (uint32_t i = 0; i < r->keywords.n; i++) {
        sl_str keyword = r->keywords.items[i];
        if (!is_found(rule, run, m, i))
            continue;
        n_found++;
        bool is_fuzzy = r->is_fuzzy && !is_literal_found(rule, run, i);
        sl_str parts[] = {SL_STR(", "), keyword, is_fuzzy ? SL_STR(" (fuzzy)") : SL_STR("")};
        for (size_t k = at == 0; k < SL_COUNT(parts); k++) {
            size_t n = parts[k].n < sizeof(text) - at ? parts[k].n : sizeof(text) - at;
            if (n)
                memcpy(text + at, parts[k].p, n);
            at += n;
        }
    }
    sl_trace_note(run, rule->slot, sl_str_of(text, at), n_found,
                  r->op == OP_AND ? r->keywords.n : 1, r->op != OP_NOR);
}

/* What the scan found needs no second look; nor does a rule that it has settled. */
static void mark_found(const struct keyword_state *s, const struct sl_signal_run *run, bool *fuzzy)
{
    for (uint32_t i = 0; i < s->n; i++) {
        const struct rule_state *rule = &s->rules[i];
        uint32_t n = rule->rule->keywords.n, n_found = 0;
        if (!rule->rule->is_fuzzy || !rule->patterns)
            continue;
        bool *found = fuzzy + rule->first_fuzzy;
        for (uint32_t k = 0; k < n; k++)
            n_found += found[k] = is_literal_found(rule, run, k);
        if (n_found && rule->rule->op != OP_AND && !run->evidence)
            memset(found, true, n);
    }
}

struct reading {
    const struct keyword_state *state;
    struct matching *m;
    uint64_t lengths; /* of words for fuzzy and n-gram rules */
    struct sl_bm25_pass bm25;
};

/* One ASCII word: read once for all rules. */
static void on_word(struct reading *r, sl_str text, uint32_t times)
{
    const struct keyword_state *s = r->state;
    struct sl_word word;
    if (s->bm25)
        sl_bm25_word(&r->bm25, text, times);
    if (!(r->lengths >> (text.n < 63 ? text.n : 63) & 1))
        return;
    sl_words_plain(text, &word);
    if (s->fuzzy)
        sl_fuzzy_word(s->fuzzy, &word, r->m->fuzzy);
    for (uint32_t i = 0; i < s->n_ngram_rules; i++) {
        const struct rule_state *rule = s->ngram_rules[i];
        if (rule->rule->is_case_sensitive)
            sl_ngram_piece(rule->ngram, text, r->m->similar + rule->first_ngram);
        else
            sl_ngram_word(rule->ngram, &word, r->m->similar + rule->first_ngram);
    }
}

static void on_piece(void *ctx, sl_str piece, bool is_plain, uint32_t times)
{
    struct reading *r = ctx;
    const struct keyword_state *s = r->state;
    if (is_plain && piece.n <= SL_WORD_MAX) {
        on_word(r, piece, times);
        return;
    }
    if (s->bm25)
        sl_bm25_piece(&r->bm25, piece, times);
    if (s->fuzzy)
        sl_fuzzy_piece(s->fuzzy, piece, r->m->fuzzy);
    for (uint32_t i = 0; i < s->n_ngram_rules; i++) {
        const struct rule_state *rule = s->ngram_rules[i];
        sl_ngram_piece(rule->ngram, piece, r->m->similar + rule->first_ngram);
    }
}

/* Reads the text for the rules that look at its words. */
static void read_words(const struct keyword_state *s, struct sl_signal_run *run, struct matching *m)
{
    struct sl_lexicon_filter filter = {.lengths = s->ngram_lengths};
    struct reading r = {.state = s, .m = m};
    if (s->bm25) {
        sl_bm25_begin(&r.bm25, s->bm25, m->scores);
        filter.starts = sl_bm25_starts(s->bm25);
    }
    if (s->fuzzy)
        filter.lengths |= sl_fuzzy_lengths(s->fuzzy, m->fuzzy);
    r.lengths = filter.lengths;
    if (filter.starts || filter.lengths)
        sl_lexicon_run(run->text, &filter, on_piece, &r);
    if (s->bm25)
        sl_bm25_end(&r.bm25);
    if (s->fuzzy)
        sl_fuzzy_phrases(s->fuzzy, run->text, m->fuzzy);
    for (uint32_t i = 0; i < s->n_ngram_rules; i++) {
        const struct rule_state *rule = s->ngram_rules[i];
        sl_ngram_rest(rule->ngram, run->text, m->similar + rule->first_ngram);
    }
}

static bool prepare(const struct keyword_state *s, struct sl_signal_run *run, struct matching *m)
{
    if (s->bm25 && !(m->scores = SL_NEW_ARRAY(run->arena, double, sl_bm25_n(s->bm25))))
        return false;
    if (s->fuzzy && !(m->fuzzy = SL_NEW_ARRAY(run->arena, bool, sl_fuzzy_n(s->fuzzy))))
        return false;
    if (s->n_ngram && !(m->similar = SL_NEW_ARRAY(run->arena, float, s->n_ngram)))
        return false;
    if (s->fuzzy)
        mark_found(s, run, m->fuzzy);
    read_words(s, run, m);
    return true;
}

static void eval(const void *state, struct sl_signal_run *run)
{
    const struct keyword_state *s = state;
    struct matching m = {0};
    if (!prepare(s, run, &m))
        return;
    for (uint32_t i = 0; i < s->n; i++) {
        const struct rule_state *rule = &s->rules[i];
        const struct keyword_rule *r = rule->rule;
        enum operator_kind op = (enum operator_kind)r->op;
        uint32_t n_found = 0, k = 0;
        for (; k < r->keywords.n && is_open(op, n_found, k - n_found); k++)
            n_found += is_found(rule, run, &m, k);
        if (holds(op, n_found, r->keywords.n))
            sl_slot_match(run->out, rule->slot);
        if (run->evidence)
            note(rule, run, &m);
    }
}

const struct sl_signal_type sl_signal_keyword = {
    .feature =
        {.name = "keyword",
         .list_key = "keywords",
         .summary = "Words, phrases and expressions in the text",
         .help =
             "Looks for keywords in the full text and combines them: `AND` all, `OR` any, `NOR` "
             "none. Without a method a keyword is found as a whole word: an edge that is a "
             "letter, digit or underscore of any script needs a neighbour that is none "
             "(`C++` is found in `I write C++`, `café` is not found in `cafés`); scripts "
             "written without blanks match anywhere. Case is ignored, by Unicode, unless "
             "`case_sensitive`.\n\n`method: regex` takes RE2 expressions, used as they are. "
             "`method: bm25` ranks keywords against the text by English stems; `case_sensitive` "
             "has no effect there. `method: ngram` accepts similar spellings. `fuzzy_match` "
             "adds words within `fuzzy_threshold` edits, and windows of words for phrases; it "
             "always ignores case.",
         .example = "name: urgent\noperator: OR\nkeywords: [urgent, asap, right now]\n",
         .fields = fields,
         .size = sizeof(struct keyword_rule),
         .is_active = true,
         .validate = validate},
    .matched_key = "keywords",
    .header = "x-vsr-matched-keywords",
    .cost = SL_COST_SCAN,
    .on_failure = SL_FAIL_NO_MATCH,
    .compile = compile,
    .eval = eval,
    .destroy = destroy,
};
