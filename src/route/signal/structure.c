/*
 * Signal `structure`: the shape of the text. Counts of expressions and keyword sets come from the
 * shared scan; sequences are looked for only when all their markers were found; densities divide
 * by the text's word units.
 */
#include "match/scan.h"
#include "match/units.h"
#include "route/predicate.h"
#include "route/signal.h"
#include "route/trace.h"

#include <math.h>

enum feature_kind {
    FEATURE_UNSET,
    FEATURE_EXISTS,
    FEATURE_COUNT,
    FEATURE_DENSITY,
    FEATURE_SEQUENCE
};
enum source_kind { SOURCE_UNSET, SOURCE_REGEX, SOURCE_KEYWORDS, SOURCE_SEQUENCE, SOURCE_BYTES };

static const char *const feature_names[] = {"", "exists", "count", "density", "sequence", NULL};
static const char *const source_names[] = {"",         "regex",      "keyword_set",
                                           "sequence", "text_bytes", NULL};

struct structure_source {
    int type;
    sl_str pattern;
    struct sl_strs keywords;
    struct sl_list sequences; /* struct sl_strs */
    bool is_case_sensitive;
};

struct structure_feature {
    int type;
    struct structure_source source;
};

struct structure_rule {
    sl_str name;
    sl_str description;
    struct structure_feature feature;
    struct sl_predicate predicate;
};

static void decode_sequences(struct sl_check *c, const struct sl_yaml *node, void *at)
{
    struct sl_list *list = at;
    *list = (struct sl_list){0};
    if (!node || node->kind == SL_YAML_NULL)
        return;
    if (node->kind != SL_YAML_LIST) {
        sl_check_error(c, node, "expected a list of lists of markers");
        return;
    }
    struct sl_strs *sequences = SL_NEW_ARRAY(c->arena, struct sl_strs, node->n);
    if (!sequences)
        return;
    for (uint32_t i = 0; i < node->n; i++) {
        const struct sl_yaml *item = node->items[i];
        size_t length = sl_check_push_index(c, i);
        sl_str *markers = NULL;
        if (item->kind == SL_YAML_LIST)
            markers = SL_NEW_ARRAY(c->arena, sl_str, item->n);
        else if (item->kind != SL_YAML_NULL)
            sl_check_error(c, item, "expected a list of markers");
        for (uint32_t k = 0; markers && k < item->n; k++) {
            if (item->items[k]->kind == SL_YAML_LIST || item->items[k]->kind == SL_YAML_MAP)
                sl_check_error(c, item->items[k], "expected a text");
            else
                markers[k] = item->items[k]->text;
        }
        sequences[i] = (struct sl_strs){markers, markers ? item->n : 0};
        sl_check_pop(c, length);
    }
    list->items = sequences;
    list->n = node->n;
}

static const struct sl_field source_fields[] = {
    {.key = "type",
     .type = SL_F_ENUM,
     .flags = SL_TRIMMED,
     .offset = offsetof(struct structure_source, type),
     .choices = source_names,
     .help = "What is looked for."},
    {.key = "pattern",
     .type = SL_F_STR,
     .offset = offsetof(struct structure_source, pattern),
     .help = "RE2 expression, for type regex."},
    {.key = "keywords",
     .type = SL_F_STRS,
     .offset = offsetof(struct structure_source, keywords),
     .help = "Words and phrases, for type keyword_set."},
    {.key = "sequences",
     .type = SL_F_CUSTOM,
     .offset = offsetof(struct structure_source, sequences),
     .decode = decode_sequences,
     .help = "Lists of at least two markers that follow one another, for type sequence."},
    {.key = "case_sensitive",
     .type = SL_F_BOOL,
     .offset = offsetof(struct structure_source, is_case_sensitive),
     .fallback = "false",
     .help = "Whether case matters."},
    SL_FIELD_END,
};

static const struct sl_field feature_fields[] = {
    {.key = "type",
     .type = SL_F_ENUM,
     .flags = SL_TRIMMED,
     .offset = offsetof(struct structure_feature, type),
     .choices = feature_names,
     .help = "exists, count, density (count per word) or sequence."},
    {.key = "source",
     .type = SL_F_STRUCT,
     .offset = offsetof(struct structure_feature, source),
     .sub = source_fields,
     .sub_size = sizeof(struct structure_source),
     .help = "What is looked for."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {.key = "name",
     .type = SL_F_STR,
     .offset = offsetof(struct structure_rule, name),
     .flags = SL_REQUIRED,
     .help = "Name that decisions refer to."},
    {.key = "description",
     .type = SL_F_STR,
     .offset = offsetof(struct structure_rule, description),
     .help = "What the rule is for."},
    {.key = "feature",
     .type = SL_F_STRUCT,
     .offset = offsetof(struct structure_rule, feature),
     .sub = feature_fields,
     .sub_size = sizeof(struct structure_feature),
     .help = "The number that the rule looks at."},
    {.key = "predicate",
     .type = SL_F_STRUCT,
     .offset = offsetof(struct structure_rule, predicate),
     .sub = sl_predicate_fields,
     .sub_size = sizeof(struct sl_predicate),
     .help = "Bounds of the number; without it, more than zero matches."},
    SL_FIELD_END,
};

static bool is_given(const struct sl_yaml *node, const char *key)
{
    const struct sl_yaml *value = sl_yaml_get(node, sl_str_from(key));
    return value && value->kind != SL_YAML_NULL &&
           !(value->kind == SL_YAML_SCALAR && sl_str_trim(value->text).n == 0);
}

#define STRUCTURE_ERROR(c, node, r, text)                                                          \
    sl_check_error((c), (node), "structure[\"%.*s\"]: " text, SL_FMT((r)->name))

static void validate_source(struct sl_check *c, const struct sl_yaml *source,
                            const struct structure_rule *r)
{
    const struct structure_source *s = &r->feature.source;
    const struct sl_strs *sequences = s->sequences.items;
    switch ((enum source_kind)s->type) {
    case SOURCE_REGEX:
        if (s->pattern.n == 0)
            STRUCTURE_ERROR(c, source, r, "regex source requires pattern");
        break;
    case SOURCE_KEYWORDS:
        if (s->keywords.n == 0)
            STRUCTURE_ERROR(c, source, r, "keyword_set source requires keywords");
        break;
    case SOURCE_SEQUENCE:
        if (s->sequences.n == 0)
            STRUCTURE_ERROR(c, source, r, "sequence source requires sequences");
        for (uint32_t i = 0; i < s->sequences.n; i++) {
            size_t length = sl_check_push(c, SL_STR("feature.source.sequences"));
            sl_check_push_index(c, i);
            if (sequences[i].n < 2)
                STRUCTURE_ERROR(c, source, r, "sequence entries must contain at least 2 markers");
            sl_check_pop(c, length);
        }
        break;
    case SOURCE_BYTES:
        if (r->feature.type && r->feature.type != FEATURE_COUNT)
            STRUCTURE_ERROR(c, source, r, "text_bytes source requires feature.type count");
        break;
    case SOURCE_UNSET:
        break;
    }
}

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct structure_rule *r = decoded;
    const struct sl_yaml *feature = sl_yaml_get(node, SL_STR("feature"));
    const struct sl_yaml *source = sl_yaml_get(feature, SL_STR("source"));
    const struct sl_yaml *at = feature ? feature : node;
    /* A type that is present and unknown was reported by the field table. */
    if (!r->feature.type && !is_given(feature, "type"))
        STRUCTURE_ERROR(c, at, r,
                        "unsupported feature.type \"\" (supported: exists, count, density, "
                        "sequence)");
    if (!r->feature.source.type && !is_given(source, "type"))
        STRUCTURE_ERROR(c, source ? source : at, r,
                        "unsupported feature.source.type \"\" (supported: regex, keyword_set, "
                        "sequence, text_bytes)");
    if (r->feature.type && r->feature.source.type &&
        (r->feature.type == FEATURE_SEQUENCE) != (r->feature.source.type == SOURCE_SEQUENCE))
        STRUCTURE_ERROR(c, at, r, "feature.type sequence and a sequence source require each other");
    validate_source(c, source ? source : at, r);
    const struct sl_yaml *predicate = sl_yaml_get(node, SL_STR("predicate"));
    if (!predicate || predicate->kind == SL_YAML_NULL)
        return;
    const char *fault = sl_predicate_fault(&r->predicate);
    if (r->feature.type == FEATURE_EXISTS)
        STRUCTURE_ERROR(c, predicate, r, "feature.type exists does not take a predicate");
    else if (fault)
        sl_check_error(c, predicate, "structure[\"%.*s\"]: %s", SL_FMT(r->name), fault);
}

struct rule_state {
    const struct structure_rule *rule;
    sl_slot slot;
    uint32_t *patterns; /* regex: one; keywords: one each; sequences: markers in order */
    uint32_t n_patterns;
};

struct structure_state {
    struct rule_state *rules;
    uint32_t n;
    bool needs_units;
};

static enum sl_rc add_literals(struct sl_signal_build *b, struct rule_state *s,
                               const struct sl_strs *texts, unsigned flags)
{
    for (uint32_t i = 0; i < texts->n; i++) {
        enum sl_rc rc =
            sl_scan_add_literal(b->scan, texts->items[i], flags, &s->patterns[s->n_patterns++]);
        if (rc != SL_OK)
            return rc;
    }
    return SL_OK;
}

static bool starts_caseless(sl_str pattern)
{
    return sl_str_starts(pattern, SL_STR("(?i)"));
}

static enum sl_rc add_regex(struct sl_signal_build *b, struct rule_state *s, uint32_t index)
{
    const struct structure_rule *r = s->rule;
    unsigned flags =
        r->feature.source.is_case_sensitive || starts_caseless(r->feature.source.pattern)
            ? 0
            : SL_SCAN_CASELESS;
    if (r->feature.type != FEATURE_EXISTS)
        flags |= SL_SCAN_COUNTS;
    struct sl_err err = {0};
    enum sl_rc rc = sl_scan_add_regex(b->scan, r->feature.source.pattern, flags,
                                      &s->patterns[s->n_patterns++], &err);
    if (rc == SL_OK || rc == SL_NOMEM)
        return rc;
    const struct sl_yaml *node = sl_yaml_get(
        sl_yaml_get(sl_yaml_get(b->signal->rules[index].node, SL_STR("feature")), SL_STR("source")),
        SL_STR("pattern"));
    sl_str path =
        sl_arena_printf(b->arena, "routing.signals.structure[%u].feature.source.pattern", index);
    sl_diags_add(b->diags, SL_ERROR, node ? node->line : 0, node ? node->column : 0, path,
                 "structure[\"%.*s\"]: %s", SL_FMT(r->name), err.message);
    s->n_patterns = 0;
    return SL_OK;
}

static enum sl_rc compile_rule(struct sl_signal_build *b, struct rule_state *s, uint32_t index)
{
    const struct structure_source *source = &s->rule->feature.source;
    const struct sl_strs *sequences = source->sequences.items;
    unsigned flags = source->is_case_sensitive ? 0 : SL_SCAN_CASELESS;
    uint32_t n = 1 + source->keywords.n;
    for (uint32_t i = 0; i < source->sequences.n; i++)
        n += sequences[i].n;
    s->patterns = SL_NEW_ARRAY(b->arena, uint32_t, n);
    if (!s->patterns)
        return SL_NOMEM;
    switch ((enum source_kind)source->type) {
    case SOURCE_REGEX:
        return add_regex(b, s, index);
    case SOURCE_KEYWORDS:
        flags |= SL_SCAN_LETTER_EDGES;
        if (s->rule->feature.type != FEATURE_EXISTS)
            flags |= SL_SCAN_COUNTS;
        return add_literals(b, s, &source->keywords, flags);
    case SOURCE_SEQUENCE:
        for (uint32_t i = 0; i < source->sequences.n; i++) {
            enum sl_rc rc = add_literals(b, s, &sequences[i], flags | SL_SCAN_POSITIONS);
            if (rc != SL_OK)
                return rc;
        }
        return SL_OK;
    case SOURCE_BYTES:
    case SOURCE_UNSET:
        break;
    }
    return SL_OK;
}

static enum sl_rc compile(struct sl_signal_build *b, void **out)
{
    struct structure_state *s = SL_NEW(b->arena, struct structure_state);
    if (!s)
        return SL_NOMEM;
    s->n = b->signal->n_rules;
    s->rules = SL_NEW_ARRAY(b->arena, struct rule_state, s->n);
    enum sl_rc rc = s->rules ? SL_OK : SL_NOMEM;
    for (uint32_t i = 0; i < s->n && rc == SL_OK; i++) {
        s->rules[i].rule = b->signal->rules[i].decoded;
        s->rules[i].slot = b->slot(b, s->rules[i].rule->name);
        s->needs_units |= s->rules[i].rule->feature.type == FEATURE_DENSITY;
        rc = compile_rule(b, &s->rules[i], i);
    }
    if (rc == SL_OK)
        *out = s->n ? s : NULL;
    return rc;
}

static double count(const struct rule_state *s, const struct sl_signal_run *run)
{
    double total = 0;
    bool has_counts = s->rule->feature.type != FEATURE_EXISTS;
    for (uint32_t i = 0; i < s->n_patterns && run->hits; i++) {
        uint32_t id = s->patterns[i];
        if (sl_scan_found(run->hits, id))
            total += has_counts ? run->hits->counts[id] : 1;
    }
    return total;
}

/* The end of a marker's first occurrence at or after `from`, or SIZE_MAX. */
static size_t next_end(const struct sl_signal_run *run, uint32_t id, sl_str marker,
                       bool is_case_sensitive, size_t from)
{
    uint32_t n = run->hits->n_spans[id];
    for (uint32_t i = 0; i < n; i++)
        if (run->hits->spans[id][i].from >= from)
            return run->hits->spans[id][i].to;
    /* More than the scan keeps: look for the rest. */
    return n == SL_SCAN_MAX_POSITIONS ? sl_text_find(run->text, from, marker, is_case_sensitive)
                                      : SIZE_MAX;
}

static bool follows(const struct sl_signal_run *run, const uint32_t *ids,
                    const struct sl_strs *markers, bool is_case_sensitive)
{
    size_t at = 0;
    for (uint32_t i = 0; i < markers->n && at != SIZE_MAX; i++)
        at = next_end(run, ids[i], markers->items[i], is_case_sensitive, at);
    return at != SIZE_MAX;
}

static double sequence(const struct rule_state *s, const struct sl_signal_run *run)
{
    const struct structure_source *source = &s->rule->feature.source;
    const struct sl_strs *sequences = source->sequences.items;
    const uint32_t *ids = s->patterns;
    for (uint32_t i = 0; i < source->sequences.n; ids += sequences[i].n, i++) {
        bool has_all = run->hits != NULL;
        for (uint32_t k = 0; k < sequences[i].n && has_all; k++)
            has_all = sl_scan_found(run->hits, ids[k]);
        if (has_all && follows(run, ids, &sequences[i], source->is_case_sensitive))
            return 1;
    }
    return 0;
}

static double value_of(const struct rule_state *s, const struct sl_signal_run *run, uint64_t units)
{
    switch ((enum source_kind)s->rule->feature.source.type) {
    case SOURCE_BYTES:
        return (double)run->facts->current.n;
    case SOURCE_SEQUENCE:
        return sequence(s, run);
    default:
        break;
    }
    double n = count(s, run);
    if (s->rule->feature.type == FEATURE_DENSITY)
        return units ? n / (double)units : 0;
    return s->rule->feature.type == FEATURE_EXISTS ? n > 0 : n;
}

static double confidence(const struct sl_predicate *p, bool is_match, double value)
{
    if (!sl_predicate_is_set(p) || !is_match)
        return is_match;
    double far = 1 / (1 + exp(-4 * fabs(value - sl_predicate_bound(p))));
    return far > 0.5 ? far : 0.5;
}

static void eval(const void *state, struct sl_signal_run *run)
{
    const struct structure_state *s = state;
    uint64_t units = s->needs_units ? sl_text_units(run->text) : 0;
    for (uint32_t i = 0; i < s->n; i++) {
        const struct rule_state *rule = &s->rules[i];
        const struct sl_predicate *p = &rule->rule->predicate;
        double value = value_of(rule, run, units);
        bool is_match = sl_predicate_is_set(p) ? sl_predicate_holds(p, value) : value > 0;
        sl_slot_value(run->out, rule->slot, value);
        sl_slot_conf(run->out, rule->slot, confidence(p, is_match, value));
        if (is_match)
            sl_slot_match(run->out, rule->slot);
        if (run->evidence) {
            struct sl_predicate_text why = sl_predicate_explain(p, value);
            sl_trace_note(run, rule->slot, sl_str_from(why.text), value, sl_predicate_bound(p),
                          sl_predicate_is_set(p));
        }
    }
}

const struct sl_signal_type sl_signal_structure = {
    .feature =
        {.name = "structure",
         .list_key = "structure",
         .summary = "Shape of the text: counts, densities, order of markers",
         .help =
             "`exists` asks whether something is there, `count` how often, `density` how often "
             "per word (CJK characters count one by one), `sequence` whether markers follow one "
             "another. Sources: `regex` (an RE2 expression, matches that do not overlap), "
             "`keyword_set` (keywords that touch no other letter or digit), `sequence`, and "
             "`text_bytes` (length of the user's message). A predicate bounds the number; its "
             "distance from the bound makes the confidence.",
         .example = "name: many_questions\nfeature:\n  type: count\n  source:\n    type: regex\n"
                    "    pattern: '[?]'\npredicate:\n  gte: 3\n",
         .fields = fields,
         .size = sizeof(struct structure_rule),
         .is_active = true,
         .validate = validate},
    .matched_key = "structure",
    .header = "x-vsr-matched-structure",
    .cost = SL_COST_SCAN,
    .on_failure = SL_FAIL_NO_MATCH,
    .compile = compile,
    .eval = eval,
};
