/* Learning overrides, annotations, candidate iterations and the retention directive. */
#include "config/decision_parts.h"

#include "config/field.h"
#include "config/scalar.h"

/* ---- adaptations --------------------------------------------------------------------------- */

enum { MODE_UNSET, MODE_APPLY, MODE_OBSERVE, MODE_BYPASS };

struct adaptations {
    int mode;
    struct {
        int mode;
    } adaptation, protection;
};

#define MODE_FIELD(member)                                                                         \
    {                                                                                              \
        "mode", SL_F_ENUM, SL_AT(adaptations, member),                                             \
            .flags = SL_EXACT, SL_CHOICES("", "apply", "observe", "bypass"),                       \
            .help = "apply, observe or bypass."                                                    \
    }

static const struct sl_field adaptation_fields[] = {
    {"mode", SL_F_ENUM, .offset = 0, .flags = SL_EXACT,
     SL_CHOICES("", "apply", "observe", "bypass"), .help = "apply, observe or bypass."},
    {"candidate_set", SL_F_ENUM, .flags = SL_CHECKED_ONLY | SL_EXACT,
     SL_CHOICES("", "decision", "tier", "global"),
     .help = "Among which candidates learning may choose."},
    SL_FIELD_END,
};

static const struct sl_field protection_fields[] = {
    {"mode", SL_F_ENUM, .offset = 0, .flags = SL_EXACT,
     SL_CHOICES("", "apply", "observe", "bypass"), .help = "apply, observe or bypass."},
    {"stability_weight", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "Weight of staying with the current model."},
    {"switch_margin", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "By how much another model must be better."},
    SL_FIELD_END,
};

static const struct sl_field adaptations_fields[] = {
    MODE_FIELD(mode),
    {"adaptation", SL_F_STRUCT, SL_AT(adaptations, adaptation), .sub = adaptation_fields,
     .help = "Changes of the selection by outcomes."},
    {"protection", SL_F_STRUCT, SL_AT(adaptations, protection), .sub = protection_fields,
     .help = "Staying with a model within a conversation."},
    SL_FIELD_END,
};

static void check_strength(struct sl_check *c, const struct sl_yaml *node, const char *part,
                           int whole, int mode)
{
    if (!whole || !mode || mode >= whole)
        return;
    size_t length = sl_check_push(c, sl_str_from(part));
    sl_check_push(c, SL_STR("mode"));
    const struct sl_yaml *at = sl_yaml_get(sl_yaml_get(node, sl_str_from(part)), SL_STR("mode"));
    sl_check_error(c, at, "the mode of a part cannot be stronger than the decision's own");
    sl_check_pop(c, length);
}

void sl_check_adaptations(struct sl_check *c, const struct sl_yaml *node)
{
    if (!node)
        return;
    struct adaptations a = {.mode = 0};
    size_t length = sl_check_push(c, SL_STR("adaptations"));
    sl_schema_decode(c, adaptations_fields, node, &a);
    check_strength(c, node, "adaptation", a.mode, a.adaptation.mode);
    check_strength(c, node, "protection", a.mode, a.protection.mode);
    sl_check_pop(c, length);
}

/* ---- annotations --------------------------------------------------------------------------- */

static size_t json_text_bytes(sl_str text)
{
    size_t n = 2 + text.n;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t')
            n += 1;
        else if (c < 0x20 || c == '<' || c == '>' || c == '&')
            n += 5;
    }
    return n;
}

static size_t json_scalar_bytes(const struct sl_yaml *node)
{
    double number;
    bool truth;
    if (node->kind == SL_YAML_NULL)
        return 4;
    if (sl_yaml_bool(node, &truth))
        return truth ? 4 : 5;
    return sl_scalar_float(node, &number) ? node->text.n : json_text_bytes(node->text);
}

/* The length of the tree as compact JSON. */
static size_t json_bytes(const struct sl_yaml *root)
{
    enum { MAX_DEPTH = 130 };
    struct {
        const struct sl_yaml *node;
        uint32_t next;
    } stack[MAX_DEPTH];
    size_t total = 2;
    uint32_t depth = 1;
    stack[0].node = root;
    stack[0].next = 0;
    while (depth) {
        const struct sl_yaml *node = stack[depth - 1].node;
        uint32_t i = stack[depth - 1].next++;
        if (i == node->n) {
            depth--;
            continue;
        }
        const struct sl_yaml *child = node->items[i];
        total += (i > 0) + (node->keys ? json_text_bytes(node->keys[i]->text) + 1 : 0);
        if (child->kind == SL_YAML_MAP || child->kind == SL_YAML_LIST) {
            total += 2;
            if (depth < MAX_DEPTH) {
                stack[depth].node = child;
                stack[depth++].next = 0;
            }
        } else {
            total += json_scalar_bytes(child);
        }
    }
    return total;
}

void sl_check_annotations(struct sl_check *c, const struct sl_yaml *node)
{
    enum { MAX_KEYS = 32, MAX_BYTES = 4096 };
    if (!node || node->kind == SL_YAML_NULL)
        return;
    size_t length = sl_check_push(c, SL_STR("annotations"));
    size_t bytes = node->kind == SL_YAML_MAP ? json_bytes(node) : 0;
    if (node->kind != SL_YAML_MAP)
        sl_check_error(c, node, "found %s, expected a map", sl_found(node).text);
    else if (node->n > MAX_KEYS)
        sl_check_error(c, node, "found %u keys, expected at most %d", node->n, MAX_KEYS);
    else if (bytes > MAX_BYTES)
        sl_check_error(c, node, "found %zu bytes as JSON, expected at most %d", bytes, MAX_BYTES);
    sl_check_pop(c, length);
}

/* ---- candidate iterations ------------------------------------------------------------------ */

struct iteration_output {
    sl_str type, value;
};

struct iteration {
    sl_str variable;
    int source; /* 0 unset, 1 decision.candidates, 2 models */
    struct sl_list models;
    struct sl_list outputs; /* struct iteration_output */
};

static const struct sl_field iteration_output_fields[] = {
    {"type", SL_F_STR, SL_AT(iteration_output, type), .help = "model."},
    {"value", SL_F_STR, SL_AT(iteration_output, value), .help = "Name of the variable."},
    SL_FIELD_END,
};

static const struct sl_field iteration_fields[] = {
    {"variable", SL_F_STR, SL_AT(iteration, variable), .flags = SL_REQUIRED,
     .help = "Name of the loop variable."},
    {"source", SL_F_ENUM, SL_AT(iteration, source), .flags = SL_EXACT,
     SL_CHOICES("", "decision.candidates", "models"), .help = "What is iterated over."},
    {"models", SL_F_LIST, SL_CHECKED_SUB(sl_model_ref_fields), .help = "Models of source models."},
    {"outputs", SL_F_LIST, SL_AT(iteration, outputs),
     SL_SUB(iteration_output_fields, iteration_output), .help = "What each turn yields."},
    SL_FIELD_END,
};

static void check_outputs(struct sl_check *c, const struct sl_yaml *node,
                          const struct iteration *iteration)
{
    const struct iteration_output *outputs = iteration->outputs.items;
    size_t length = sl_check_push(c, SL_STR("outputs"));
    for (uint32_t i = 0; i < iteration->outputs.n; i++) {
        const struct sl_yaml *item = node->items[i];
        size_t at = sl_check_push_index(c, i);
        if (!sl_str_eq(outputs[i].type, SL_STR("model"))) {
            sl_check_push(c, SL_STR("type"));
            sl_check_error(c, item, "unsupported output type \"%.*s\", expected model",
                           SL_FMT(outputs[i].type));
        } else if (!sl_str_eq(outputs[i].value, iteration->variable)) {
            sl_check_push(c, SL_STR("value"));
            sl_check_error(c, item, "found \"%.*s\", expected the variable \"%.*s\"",
                           SL_FMT(outputs[i].value), SL_FMT(iteration->variable));
        }
        sl_check_pop(c, at);
    }
    sl_check_pop(c, length);
}

void sl_check_iterations(struct sl_check *c, const struct sl_yaml *node)
{
    if (!node)
        return;
    size_t length = sl_check_push(c, SL_STR("candidateIterations"));
    struct sl_list list;
    sl_schema_decode_list(c, iteration_fields, sizeof(struct iteration), node, &list);
    for (uint32_t i = 0; i < list.n; i++) {
        const struct iteration *iteration = &((const struct iteration *)list.items)[i];
        size_t at = sl_check_push_index(c, i);
        if (iteration->variable.n)
            check_outputs(c, sl_yaml_get(node->items[i], SL_STR("outputs")), iteration);
        sl_check_pop(c, at);
    }
    sl_check_pop(c, length);
}

/* ---- emits --------------------------------------------------------------------------------- */

struct emit {
    int kind; /* 0 unset, 1 retention */
    struct sl_retention_cfg retention;
};

static const struct sl_field retention_fields[] = {
    {"drop", SL_F_TRI, SL_AT(sl_retention_cfg, drop), .help = "Answers are not cached."},
    {"ttl_turns", SL_F_OPT_INT, SL_AT(sl_retention_cfg, ttl_turns), SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "How many turns answers are kept."},
    {"keep_current_model", SL_F_TRI, SL_AT(sl_retention_cfg, keep_current_model),
     .help = "The conversation stays with its model."},
    {"prefer_prefix_retention", SL_F_TRI, SL_AT(sl_retention_cfg, prefer_prefix_retention),
     .help = "Backends are asked to keep the prefix."},
    SL_FIELD_END,
};

static const struct sl_field emit_fields[] = {
    {"kind", SL_F_ENUM, SL_AT(emit, kind), .flags = SL_EXACT, SL_CHOICES("", "retention"),
     .help = "retention."},
    {"retention", SL_F_STRUCT, SL_AT(emit, retention), .sub = retention_fields,
     .help = "What is kept, and for how long."},
    SL_FIELD_END,
};

static bool is_no_op(const struct sl_retention_cfg *r)
{
    return !r->drop && !r->ttl_turns.is_set && !r->keep_current_model &&
           !r->prefer_prefix_retention;
}

void sl_load_emits(struct sl_check *c, const struct sl_yaml *node, struct sl_retention_cfg *out)
{
    *out = (struct sl_retention_cfg){.is_present = false};
    if (!node)
        return;
    size_t length = sl_check_push(c, SL_STR("emits"));
    struct sl_list list;
    sl_schema_decode_list(c, emit_fields, sizeof(struct emit), node, &list);
    for (uint32_t i = 0; i < list.n; i++) {
        const struct emit *emit = &((const struct emit *)list.items)[i];
        const struct sl_yaml *item = node->items[i];
        size_t at = sl_check_push_index(c, i);
        if (!emit->kind && !sl_yaml_get(item, SL_STR("kind")))
            sl_check_error(c, item, "unsupported kind \"\"; supported kinds: retention");
        else if (!emit->kind && sl_yaml_get(item, SL_STR("kind"))->text.n == 0)
            sl_check_error(c, item, "unsupported kind \"\"; supported kinds: retention");
        else if (out->is_present)
            sl_check_error(c, item, "a second retention; at most one of a kind is allowed");
        if (emit->retention.drop == SL_YES && emit->retention.ttl_turns.value > 0)
            sl_check_error(c, item, "drop contradicts ttl_turns above 0");
        else if (emit->kind && is_no_op(&emit->retention))
            sl_check_warn(c, item, "this retention sets nothing");
        if (emit->kind && !out->is_present) {
            *out = emit->retention;
            out->is_present = true;
        }
        sl_check_pop(c, at);
    }
    sl_check_pop(c, length);
}
