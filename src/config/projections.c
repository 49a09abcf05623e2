/*
 * routing.projections: partitions, scores and mappings. Names of signals are checked when the
 * recipe is complete; scores are put into dependency order here.
 */
#include "config/field.h"
#include "config/load.h"

#include "config/scalar.h"

struct partition {
    sl_str name, semantics, fallback;
    double temperature;
    struct sl_strs members;
};

struct input {
    sl_str type, name, kb, metric, value_source;
    double weight, match, miss;
};

struct score {
    sl_str name, method;
    struct sl_list inputs;
};

struct output {
    sl_str name;
    struct sl_predicate bounds;
};

struct mapping {
    sl_str name, source, method;
    struct {
        sl_str method;
        double slope;
    } calibration;
    struct sl_list outputs;
};

static const struct sl_field partition_fields[] = {
    {"name", SL_F_STR, SL_AT(partition, name), .flags = SL_REQUIRED, .help = "Name."},
    {"semantics", SL_F_STR, SL_AT(partition, semantics), .help = "exclusive or softmax_exclusive."},
    {"temperature", SL_F_FLOAT, SL_AT(partition, temperature), SL_UNBOUNDED,
     .help = "Softmax temperature, above 0 for softmax_exclusive."},
    {"members", SL_F_STRS, SL_AT(partition, members),
     .help = "Domains or embedding rules of which one may match."},
    {"default", SL_F_STR, SL_AT(partition, fallback), .help = "Member that holds when none does."},
    SL_FIELD_END,
};

static const struct sl_field input_fields[] = {
    {"type", SL_F_STR, SL_AT(input, type), .help = "Signal type, kb_metric or projection."},
    {"name", SL_F_STR, SL_AT(input, name), .help = "Name of the rule, score or output."},
    {"kb", SL_F_STR, SL_AT(input, kb), .help = "Knowledge base of a kb_metric."},
    {"metric", SL_F_STR, SL_AT(input, metric), .help = "Metric of a kb_metric."},
    {"weight", SL_F_FLOAT, SL_AT(input, weight), SL_UNBOUNDED, .help = "Factor of the value."},
    {"value_source", SL_F_STR, SL_AT(input, value_source), .flags = SL_TRIMMED,
     .help = "binary, confidence, raw or score."},
    {"match", SL_F_FLOAT, SL_AT(input, match), SL_UNBOUNDED,
     .help = "Value when matched; 0 counts as 1."},
    {"miss", SL_F_FLOAT, SL_AT(input, miss), SL_UNBOUNDED, .help = "Value when not matched."},
    SL_FIELD_END,
};

static const struct sl_field score_fields[] = {
    {"name", SL_F_STR, SL_AT(score, name), .flags = SL_REQUIRED, .help = "Unique name."},
    {"method", SL_F_STR, SL_AT(score, method), .help = "weighted_sum."},
    {"inputs", SL_F_LIST, SL_AT(score, inputs), SL_SUB(input_fields, input), .help = "Summands."},
    SL_FIELD_END,
};

static const struct sl_field calibration_fields[] = {
    {"method", SL_F_STR, .offset = 0, .help = "sigmoid_distance."},
    {"slope", SL_F_FLOAT,
     .offset = offsetof(struct mapping, calibration.slope) - offsetof(struct mapping, calibration),
     SL_UNBOUNDED, .help = "Steepness of the confidence; 12 when not above 0."},
    SL_FIELD_END,
};

static const struct sl_field output_fields[] = {
    {"name", SL_F_STR, SL_AT(output, name), .flags = SL_REQUIRED,
     .help = "Name that decisions use, unique over all mappings."},
    {"gt", SL_F_OPT_FLOAT, SL_AT(output, bounds.gt), SL_UNBOUNDED, .help = "Score greater than."},
    {"gte", SL_F_OPT_FLOAT, SL_AT(output, bounds.gte), SL_UNBOUNDED, .help = "Score at least."},
    {"lt", SL_F_OPT_FLOAT, SL_AT(output, bounds.lt), SL_UNBOUNDED, .help = "Score less than."},
    {"lte", SL_F_OPT_FLOAT, SL_AT(output, bounds.lte), SL_UNBOUNDED, .help = "Score at most."},
    SL_FIELD_END,
};

static const struct sl_field mapping_fields[] = {
    {"name", SL_F_STR, SL_AT(mapping, name), .flags = SL_REQUIRED, .help = "Name."},
    {"source", SL_F_STR, SL_AT(mapping, source), .help = "The score that is mapped."},
    {"method", SL_F_STR, SL_AT(mapping, method), .help = "threshold_bands or multi_emit."},
    {"calibration", SL_F_STRUCT, SL_AT(mapping, calibration), .sub = calibration_fields,
     .help = "Confidence of the outputs."},
    {"outputs", SL_F_LIST, SL_AT(mapping, outputs), SL_SUB(output_fields, output),
     .help = "Bands of the score."},
    SL_FIELD_END,
};

struct projections {
    struct sl_list partitions, scores, mappings;
};

const struct sl_field sl_projection_fields[] = {
    {"partitions", SL_F_LIST, SL_AT(projections, partitions), SL_SUB(partition_fields, partition),
     .help = "Groups of signals of which one wins."},
    {"scores", SL_F_LIST, SL_AT(projections, scores), SL_SUB(score_fields, score),
     .help = "Weighted sums of signals."},
    {"mappings", SL_F_LIST, SL_AT(projections, mappings), SL_SUB(mapping_fields, mapping),
     .help = "Names for bands of a score."},
    SL_FIELD_END,
};

static void report(struct sl_load *l, const struct sl_yaml *node, const char *key, sl_str found,
                   const char *expected)
{
    const struct sl_yaml *at = sl_yaml_get(node, sl_str_from(key));
    size_t length = sl_check_push(&l->c, sl_str_from(key));
    sl_check_error(&l->c, at ? at : node, "found \"%.*s\", expected %s", SL_FMT(found), expected);
    sl_check_pop(&l->c, length);
}

static void report_duplicate(struct sl_load *l, const struct sl_yaml *node, sl_str name)
{
    const struct sl_yaml *at = sl_yaml_get(node, SL_STR("name"));
    size_t length = sl_check_push(&l->c, SL_STR("name"));
    sl_check_error(&l->c, at ? at : node, "duplicate local name \"%.*s\"", SL_FMT(name));
    sl_check_pop(&l->c, length);
}

/* ---- partitions ---------------------------------------------------------------------------- */

static void fill_partition(struct sl_load *l, const struct sl_yaml *node,
                           const struct partition *from, struct sl_partition_cfg *out)
{
    *out = (struct sl_partition_cfg){
        .name = from->name,
        .is_softmax = sl_str_eq(from->semantics, SL_STR("softmax_exclusive")),
        .temperature = from->temperature,
        .members = from->members,
        .fallback = from->fallback,
    };
    if (!from->name.n)
        return;
    if (!out->is_softmax && !sl_str_eq(from->semantics, SL_STR("exclusive")))
        report(l, node, "semantics", from->semantics, "exclusive or softmax_exclusive");
    if (out->is_softmax && !(from->temperature > 0)) {
        size_t length = sl_check_push(&l->c, SL_STR("temperature"));
        sl_check_error(&l->c, node, "softmax_exclusive requires temperature > 0");
        sl_check_pop(&l->c, length);
    }
    if (!from->members.n) {
        size_t length = sl_check_push(&l->c, SL_STR("members"));
        sl_check_error(&l->c, node, "members cannot be empty");
        sl_check_pop(&l->c, length);
    }
    bool is_member = false;
    for (uint32_t i = 0; i < from->members.n; i++)
        is_member |= sl_str_eq(from->members.items[i], from->fallback);
    if (!from->fallback.n)
        report(l, node, "default", from->fallback, "one of the members");
    else if (!is_member && from->members.n)
        report(l, node, "default", from->fallback, "one of the members");
}

/* ---- scores -------------------------------------------------------------------------------- */

static int value_source(struct sl_load *l, const struct sl_yaml *node, const struct input *from)
{
    bool is_metric = sl_str_eq(from->type, SL_STR("kb_metric"));
    bool is_projection = sl_str_eq(from->type, SL_STR("projection"));
    sl_str s = from->value_source;
    if (!s.n)
        return is_metric || is_projection ? SL_VALUE_SCORE : SL_VALUE_BINARY;
    if (sl_str_eq_nocase(s, SL_STR("score")) && (is_metric || is_projection))
        return SL_VALUE_SCORE;
    if (sl_str_eq_nocase(s, SL_STR("confidence")) && !is_metric)
        return SL_VALUE_CONFIDENCE;
    if (sl_str_eq_nocase(s, SL_STR("binary")) && !is_metric && !is_projection)
        return SL_VALUE_BINARY;
    if (sl_str_eq_nocase(s, SL_STR("raw")) && !is_metric && !is_projection)
        return SL_VALUE_RAW;
    report(l, node, "value_source", s,
           is_metric       ? "score"
           : is_projection ? "score or confidence"
                           : "binary, confidence or raw");
    return SL_VALUE_BINARY;
}

static void fill_score(struct sl_load *l, const struct sl_yaml *node, const struct score *from,
                       struct sl_score_cfg *out)
{
    out->name = from->name;
    if (!from->name.n)
        return;
    if (!sl_str_eq(from->method, SL_STR("weighted_sum")))
        report(l, node, "method", from->method, "weighted_sum");
    struct sl_score_input_cfg *inputs = SL_LOAD_ARRAY(l, struct sl_score_input_cfg, from->inputs.n);
    const struct sl_yaml *list = sl_yaml_get(node, SL_STR("inputs"));
    size_t length = sl_check_push(&l->c, SL_STR("inputs"));
    if (!from->inputs.n && (!list || list->kind != SL_YAML_SCALAR))
        sl_check_error(&l->c, list ? list : node, "inputs cannot be empty");
    for (uint32_t i = 0; inputs && i < from->inputs.n; i++) {
        const struct input *in = &((const struct input *)from->inputs.items)[i];
        size_t at = sl_check_push_index(&l->c, i);
        inputs[i] = (struct sl_score_input_cfg){
            .type = in->type,
            .name = in->name,
            .kb = in->kb,
            .metric = in->metric,
            .weight = in->weight,
            .value_source = value_source(l, list->items[i], in),
            .match = in->match != 0 ? in->match : 1.0,
            .miss = in->miss,
        };
        sl_check_pop(&l->c, at);
    }
    sl_check_pop(&l->c, length);
    out->inputs = inputs;
    out->n_inputs = inputs ? from->inputs.n : 0;
}

/* ---- mappings ------------------------------------------------------------------------------ */

static void fill_bands(struct sl_load *l, const struct sl_yaml *node, const struct mapping *from,
                       struct sl_mapping_cfg *out)
{
    struct sl_band_cfg *bands = SL_LOAD_ARRAY(l, struct sl_band_cfg, from->outputs.n);
    const struct sl_yaml *list = sl_yaml_get(node, SL_STR("outputs"));
    size_t length = sl_check_push(&l->c, SL_STR("outputs"));
    if (!from->outputs.n && (!list || list->kind != SL_YAML_SCALAR))
        sl_check_error(&l->c, list ? list : node, "outputs cannot be empty");
    else if (out->is_multi_emit && from->outputs.n < 2)
        sl_check_error(&l->c, list ? list : node, "multi_emit needs at least two outputs");
    for (uint32_t i = 0; bands && i < from->outputs.n; i++) {
        const struct output *output = &((const struct output *)from->outputs.items)[i];
        size_t at = sl_check_push_index(&l->c, i);
        bands[i] = (struct sl_band_cfg){output->name, output->bounds};
        if (output->name.n)
            sl_check_predicate(&l->c, list->items[i], &output->bounds, true);
        sl_check_pop(&l->c, at);
    }
    sl_check_pop(&l->c, length);
    out->outputs = bands;
    out->n_outputs = bands ? from->outputs.n : 0;
}

static void fill_mapping(struct sl_load *l, const struct sl_yaml *node, const struct mapping *from,
                         struct sl_mapping_cfg *out)
{
    *out = (struct sl_mapping_cfg){
        .name = from->name,
        .source = from->source,
        .is_multi_emit = sl_str_eq(from->method, SL_STR("multi_emit")),
        .slope = from->calibration.slope > 0 ? from->calibration.slope : 12.0,
    };
    if (!from->name.n)
        return;
    if (from->method.n && !out->is_multi_emit &&
        !sl_str_eq(from->method, SL_STR("threshold_bands")))
        report(l, node, "method", from->method, "threshold_bands or multi_emit");
    const struct sl_yaml *calibration = sl_yaml_get(node, SL_STR("calibration"));
    size_t length = sl_check_push(&l->c, SL_STR("calibration"));
    if (from->calibration.method.n &&
        !sl_str_eq(from->calibration.method, SL_STR("sigmoid_distance")))
        report(l, calibration, "method", from->calibration.method, "sigmoid_distance");
    sl_check_pop(&l->c, length);
    fill_bands(l, node, from, out);
}

/* ---- all three ----------------------------------------------------------------------------- */

static void load_partitions(struct sl_load *l, const struct sl_yaml *node,
                            const struct sl_list *list, struct sl_recipe_cfg *r)
{
    struct sl_partition_cfg *out = SL_LOAD_ARRAY(l, struct sl_partition_cfg, list->n);
    size_t length = sl_check_push(&l->c, SL_STR("partitions"));
    for (uint32_t i = 0; out && i < list->n; i++) {
        size_t at = sl_check_push_index(&l->c, i);
        fill_partition(l, node->items[i], &((const struct partition *)list->items)[i], &out[i]);
        for (uint32_t k = 0; k < i && out[i].name.n; k++)
            if (sl_str_eq(sl_str_trim(out[k].name), sl_str_trim(out[i].name)))
                report_duplicate(l, node->items[i], out[i].name);
        sl_check_pop(&l->c, at);
    }
    sl_check_pop(&l->c, length);
    r->partitions = out;
    r->n_partitions = out ? list->n : 0;
}

static void load_scores(struct sl_load *l, const struct sl_yaml *node, const struct sl_list *list,
                        struct sl_recipe_cfg *r)
{
    struct sl_score_cfg *out = SL_LOAD_ARRAY(l, struct sl_score_cfg, list->n);
    size_t length = sl_check_push(&l->c, SL_STR("scores"));
    for (uint32_t i = 0; out && i < list->n; i++) {
        size_t at = sl_check_push_index(&l->c, i);
        fill_score(l, node->items[i], &((const struct score *)list->items)[i], &out[i]);
        for (uint32_t k = 0; k < i && out[i].name.n; k++)
            if (sl_str_eq(sl_str_trim(out[k].name), sl_str_trim(out[i].name)))
                report_duplicate(l, node->items[i], out[i].name);
        sl_check_pop(&l->c, at);
    }
    sl_check_pop(&l->c, length);
    r->scores = out;
    r->n_scores = out ? list->n : 0;
}

static void check_output_names(struct sl_load *l, const struct sl_recipe_cfg *r,
                               const struct sl_yaml *node)
{
    struct sl_map seen;
    sl_map_init(&seen, l->arena, 0);
    size_t length = sl_check_push(&l->c, SL_STR("mappings"));
    for (uint32_t m = 0; m < r->n_mappings; m++) {
        const struct sl_mapping_cfg *mapping = &r->mappings[m];
        size_t at = sl_check_push_index(&l->c, m);
        sl_check_push(&l->c, SL_STR("outputs"));
        const struct sl_yaml *outputs = sl_yaml_get(node->items[m], SL_STR("outputs"));
        for (uint32_t i = 0; i < mapping->n_outputs; i++) {
            uint64_t unused;
            size_t item = sl_check_push_index(&l->c, i);
            sl_str name = mapping->outputs[i].name;
            if (name.n && sl_map_get(&seen, name, &unused))
                report_duplicate(l, outputs->items[i], name);
            else if (name.n && sl_map_put(&seen, name, m) != SL_OK)
                l->is_nomem = true;
            sl_check_pop(&l->c, item);
        }
        sl_check_pop(&l->c, at);
    }
    sl_check_pop(&l->c, length);
}

static void load_mappings(struct sl_load *l, const struct sl_yaml *node, const struct sl_list *list,
                          struct sl_recipe_cfg *r)
{
    struct sl_mapping_cfg *out = SL_LOAD_ARRAY(l, struct sl_mapping_cfg, list->n);
    size_t length = sl_check_push(&l->c, SL_STR("mappings"));
    for (uint32_t i = 0; out && i < list->n; i++) {
        size_t at = sl_check_push_index(&l->c, i);
        fill_mapping(l, node->items[i], &((const struct mapping *)list->items)[i], &out[i]);
        for (uint32_t k = 0; k < i && out[i].name.n; k++)
            if (sl_str_eq(sl_str_trim(out[k].name), sl_str_trim(out[i].name)))
                report_duplicate(l, node->items[i], out[i].name);
        sl_check_pop(&l->c, at);
    }
    sl_check_pop(&l->c, length);
    r->mappings = out;
    r->n_mappings = out ? list->n : 0;
    if (node)
        check_output_names(l, r, node);
}

void sl_load_projections(struct sl_load *l, const struct sl_yaml *routing, struct sl_recipe_cfg *r)
{
    const struct sl_yaml *node = sl_yaml_get(routing, SL_STR("projections"));
    if (!node || node->kind == SL_YAML_NULL)
        return;
    struct projections p = {.scores = {NULL, 0}};
    size_t length = sl_check_push(&l->c, SL_STR("projections"));
    sl_schema_decode(&l->c, sl_projection_fields, node, &p);
    load_partitions(l, sl_yaml_get(node, SL_STR("partitions")), &p.partitions, r);
    load_scores(l, sl_yaml_get(node, SL_STR("scores")), &p.scores, r);
    load_mappings(l, sl_yaml_get(node, SL_STR("mappings")), &p.mappings, r);
    sl_check_pop(&l->c, length);
}
