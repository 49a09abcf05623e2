/* Scores, bands and their confidences; see project.h. */
#include "route/project.h"

#include "route/predicate.h"

#include <math.h>

/* ---- compiling ---------------------------------------------------------------------------- */

struct build {
    struct sl_slot_table *table;
    const struct sl_recipe_cfg *recipe;
    struct sl_arena *arena;
    struct sl_proj_score *scores;
    uint32_t n_done; /* scores compiled so far */
};

static uint32_t score_index(const struct build *b, sl_str name)
{
    for (uint32_t i = 0; i < b->recipe->n_scores; i++)
        if (sl_str_eq(b->recipe->scores[i].name, name))
            return i;
    return SL_NO_INDEX;
}

/* The score behind a mapping output. */
static uint32_t output_source(const struct build *b, sl_str name)
{
    for (uint32_t i = 0; i < b->recipe->n_mappings; i++)
        for (uint32_t k = 0; k < b->recipe->mappings[i].n_outputs; k++)
            if (sl_str_eq(b->recipe->mappings[i].outputs[k].name, name))
                return score_index(b, b->recipe->mappings[i].source);
    return SL_NO_INDEX;
}

static sl_slot output_slot(struct build *b, sl_str name)
{
    return sl_slot_table_get(b->table, SL_STR("projection"), name, SL_FAMILY_NONE, NULL);
}

static bool is_partition_default(const struct sl_recipe_cfg *recipe, sl_str name)
{
    for (uint32_t i = 0; i < recipe->n_partitions; i++)
        if (sl_str_eq(recipe->partitions[i].fallback, name))
            return true;
    return false;
}

static const struct sl_signal_type *signal_of(uint32_t family)
{
    if (family == SL_FAMILY_NONE)
        return NULL;
    return SL_CONTAINER(sl_signal_features[family], struct sl_signal_type, feature);
}

/* "kb_metric:<kb>:<metric>" belongs to the family that measures it. */
static bool compile_metric(struct build *b, const struct sl_score_input_cfg *cfg,
                           struct sl_proj_input *in, uint64_t *families)
{
    uint32_t family = sl_family_find(SL_STR("kb"));
    sl_str name = sl_arena_printf(b->arena, "%.*s:%.*s", SL_FMT(cfg->kb), SL_FMT(cfg->metric));
    if (!name.p)
        return false;
    for (char *p = (char *)(uintptr_t)name.p; *p; p++)
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p | 32 : *p);
    in->kind = SL_INPUT_RAW;
    in->slot = sl_slot_table_get(b->table, SL_STR("kb_metric"), name, family, signal_of(family));
    *families |= family == SL_FAMILY_NONE ? 0 : (uint64_t)1 << family;
    return true;
}

/* A score, or the confidence of an output; both make this score depend on another. */
static uint32_t compile_reference(struct build *b, const struct sl_score_input_cfg *cfg,
                                  struct sl_proj_input *in)
{
    bool is_confidence = cfg->value_source == SL_VALUE_CONFIDENCE;
    uint32_t source = is_confidence ? output_source(b, cfg->name) : score_index(b, cfg->name);
    in->kind = is_confidence ? SL_INPUT_OUTPUT_CONF : SL_INPUT_SCORE;
    in->slot = is_confidence ? output_slot(b, cfg->name) : source;
    return source;
}

static bool compile_input(struct build *b, const struct sl_score_input_cfg *cfg,
                          struct sl_proj_input *in, struct sl_proj_score *score)
{
    *in = (struct sl_proj_input){
        .weight = cfg->weight, .match = cfg->match != 0 ? cfg->match : 1, .miss = cfg->miss};
    in->cfg = cfg;
    if (sl_str_eq_nocase(sl_str_trim(cfg->type), SL_STR("kb_metric")))
        return compile_metric(b, cfg, in, &score->families);
    if (sl_str_eq_nocase(sl_str_trim(cfg->type), SL_STR("projection"))) {
        uint32_t source = compile_reference(b, cfg, in);
        if (source == SL_NO_INDEX || source >= b->n_done) {
            in->kind = SL_INPUT_RAW; /* validation refuses this; a value that is never there */
            in->slot = output_slot(b, cfg->name);
            return true;
        }
        score->families |= b->scores[source].families;
        score->n_reads += b->scores[source].n_reads;
        return true;
    }
    uint32_t family = sl_family_find(cfg->type);
    in->kind = cfg->value_source == SL_VALUE_CONFIDENCE ? SL_INPUT_CONFIDENCE
               : cfg->value_source == SL_VALUE_RAW      ? SL_INPUT_RAW
                                                        : SL_INPUT_BINARY;
    in->slot = sl_slot_table_get(b->table, cfg->type, cfg->name, family, signal_of(family));
    in->is_partition_default = is_partition_default(b->recipe, cfg->name);
    score->families |= family == SL_FAMILY_NONE ? 0 : (uint64_t)1 << family;
    return true;
}

/* Every slot the score rests on, those of the scores it reads included. */
static bool collect_reads(struct build *b, struct sl_proj_score *score)
{
    uint32_t n_inputs = score->cfg->n_inputs;
    sl_slot *reads = SL_NEW_ARRAY(b->arena, sl_slot, score->n_reads + n_inputs);
    uint32_t n = 0;
    if (!reads)
        return false;
    for (uint32_t i = 0; i < n_inputs; i++) {
        const struct sl_proj_input *in = &score->inputs[i];
        uint32_t source = in->kind == SL_INPUT_SCORE ? in->slot : SL_NO_INDEX;
        if (in->kind == SL_INPUT_OUTPUT_CONF)
            source = output_source(b, in->cfg->name);
        if (source == SL_NO_INDEX) {
            reads[n++] = in->slot;
            continue;
        }
        memcpy(reads + n, b->scores[source].reads, b->scores[source].n_reads * sizeof(*reads));
        n += b->scores[source].n_reads;
        if (in->kind == SL_INPUT_OUTPUT_CONF)
            reads[n++] = in->slot;
    }
    score->reads = reads;
    score->n_reads = n;
    return true;
}

static bool compile_mappings(struct build *b, struct sl_proj_score *score)
{
    const struct sl_recipe_cfg *recipe = b->recipe;
    struct sl_proj_mapping *mappings =
        SL_NEW_ARRAY(b->arena, struct sl_proj_mapping, recipe->n_mappings);
    if (!mappings)
        return false;
    for (uint32_t i = 0; i < recipe->n_mappings; i++) {
        const struct sl_mapping_cfg *cfg = &recipe->mappings[i];
        if (!sl_str_eq(cfg->source, score->cfg->name))
            continue;
        sl_slot *outputs = SL_NEW_ARRAY(b->arena, sl_slot, cfg->n_outputs);
        if (!outputs)
            return false;
        for (uint32_t k = 0; k < cfg->n_outputs; k++)
            outputs[k] = output_slot(b, cfg->outputs[k].name);
        mappings[score->n_mappings++] = (struct sl_proj_mapping){cfg, outputs};
    }
    score->mappings = mappings;
    return true;
}

enum sl_rc sl_projection_compile(struct sl_projection *out, struct sl_slot_table *table,
                                 const struct sl_recipe_cfg *recipe, struct sl_arena *arena)
{
    struct build b = {.table = table, .recipe = recipe, .arena = arena};
    *out = (struct sl_projection){0};
    if (!recipe->n_scores || !recipe->n_mappings)
        return SL_OK;
    b.scores = SL_NEW_ARRAY(arena, struct sl_proj_score, recipe->n_scores);
    if (!b.scores)
        return SL_NOMEM;
    for (uint32_t i = 0; i < recipe->n_scores; i++, b.n_done++) {
        struct sl_proj_score *score = &b.scores[i];
        score->cfg = &recipe->scores[i];
        struct sl_proj_input *inputs =
            SL_NEW_ARRAY(arena, struct sl_proj_input, score->cfg->n_inputs);
        if (!inputs)
            return SL_NOMEM;
        score->inputs = inputs;
        for (uint32_t k = 0; k < score->cfg->n_inputs; k++)
            if (!compile_input(&b, &score->cfg->inputs[k], &inputs[k], score))
                return SL_NOMEM;
        if (!collect_reads(&b, score) || !compile_mappings(&b, score))
            return SL_NOMEM;
    }
    out->scores = b.scores;
    out->n_scores = recipe->n_scores;
    return table->is_full ? SL_NOMEM : SL_OK;
}

/* ---- evaluation --------------------------------------------------------------------------- */

static bool has_conf(const struct sl_slots *s, uint32_t slot)
{
    return s->has_conf[slot >> 6] >> (slot & 63) & 1;
}

static double input_value(const struct sl_proj_input *in, const struct sl_slots *s,
                          const double *totals)
{
    if (in->kind == SL_INPUT_SCORE)
        return totals[in->slot];
    bool matched = sl_slot_is_matched(s, in->slot);
    switch (in->kind) {
    case SL_INPUT_BINARY:
        return matched ? in->match : in->miss;
    case SL_INPUT_CONFIDENCE:
        if (!matched)
            return 0;
        if (has_conf(s, in->slot) && (s->conf[in->slot] > 0 || in->is_partition_default))
            return s->conf[in->slot];
        return 1;
    case SL_INPUT_OUTPUT_CONF:
        return matched ? s->conf[in->slot] : 0;
    case SL_INPUT_RAW:
    case SL_INPUT_SCORE:
        break;
    }
    return s->has_value[in->slot >> 6] >> (in->slot & 63) & 1 ? s->value[in->slot] : 0;
}

static double boundary_distance(const struct sl_predicate *p, double v)
{
    const struct sl_opt_float *bounds[] = {&p->gt, &p->gte, &p->lt, &p->lte};
    double least = INFINITY;
    for (size_t i = 0; i < SL_COUNT(bounds); i++)
        if (bounds[i]->is_set && fabs(v - bounds[i]->value) < least)
            least = fabs(v - bounds[i]->value);
    return isinf(least) ? 1 : least;
}

static void trace_mapping(struct sl_trace *trace, const struct sl_proj_mapping *m, double score,
                          const struct sl_slots *s)
{
    const struct sl_mapping_cfg *cfg = m->cfg;
    struct sl_trace_band *bands = SL_NEW_ARRAY(trace->arena, struct sl_trace_band, cfg->n_outputs);
    if (!bands)
        return;
    struct sl_trace_mapping *t = &trace->mappings[trace->n_mappings++];
    *t = (struct sl_trace_mapping){
        .name = cfg->name, .source = cfg->source, .score = score, .bands = bands};
    t->n_bands = cfg->n_outputs;
    for (uint32_t i = 0; i < cfg->n_outputs; i++) {
        bands[i].name = cfg->outputs[i].name;
        bands[i].matched = sl_slot_is_matched(s, m->outputs[i]);
        bands[i].boundary_distance = boundary_distance(&cfg->outputs[i].bounds, score);
        if (!bands[i].matched || t->selected.n)
            continue;
        t->selected = bands[i].name;
        t->confidence = s->conf[m->outputs[i]];
        t->boundary_distance = bands[i].boundary_distance;
    }
}

static void emit_bands(const struct sl_proj_mapping *m, double score, struct sl_slots *s)
{
    for (uint32_t i = 0; i < m->cfg->n_outputs; i++) {
        const struct sl_predicate *bounds = &m->cfg->outputs[i].bounds;
        if (!sl_predicate_holds(bounds, score))
            continue;
        double distance = boundary_distance(bounds, score);
        sl_slot_match(s, m->outputs[i]);
        sl_slot_conf(s, m->outputs[i], 1 / (1 + exp(-m->cfg->slope * distance)));
        if (!m->cfg->is_multi_emit)
            return;
    }
}

void sl_projection_eval(const struct sl_projection *p, uint32_t i, struct sl_slots *s,
                        double *totals, struct sl_trace *trace)
{
    const struct sl_proj_score *score = &p->scores[i];
    struct sl_trace_input *inputs = NULL;
    if (trace)
        inputs = SL_NEW_ARRAY(trace->arena, struct sl_trace_input, score->cfg->n_inputs);
    double total = 0;
    for (uint32_t k = 0; k < score->cfg->n_inputs; k++) {
        const struct sl_proj_input *in = &score->inputs[k];
        double value = input_value(in, s, totals);
        total += in->weight * value;
        if (inputs)
            inputs[k] = (struct sl_trace_input){in->cfg->type,     in->cfg->name, in->cfg->kb,
                                                in->cfg->metric,   in->weight,    value,
                                                in->weight * value};
    }
    totals[i] = total;
    if (inputs)
        trace->scores[trace->n_scores++] =
            (struct sl_trace_score){score->cfg->name, total, inputs, score->cfg->n_inputs};
    for (uint32_t k = 0; k < score->n_mappings; k++) {
        emit_bands(&score->mappings[k], total, s);
        if (inputs)
            trace_mapping(trace, &score->mappings[k], total, s);
    }
}
