/* output_contract_spec: the machine-readable shape that multi-model algorithms hold answers to. */
#include "config/decision_parts.h"
#include "config/field.h"

enum { TYPE_NONE, TYPE_CHOICE, TYPE_JSON, TYPE_REFERENCE };

struct postprocess {
    sl_str type;
};

struct contract {
    int type;
    struct {
        struct sl_strs values;
    } choice_set;
    struct {
        sl_str schema_ref;
    } json_schema;
    struct {
        int mode; /* 0 unset, 1 value, 2 template */
        sl_str template;
    } render;
    struct {
        int mode; /* 0 unset, 1 exact, 2 json_object */
        struct sl_strs sources;
    } extract;
    struct sl_list postprocess;
};

#define PART(member) SL_AT(contract, member)

static const struct sl_field choice_set_fields[] = {
    {"values", SL_F_STRS, .offset = 0, .help = "The permitted answers."},
    SL_FIELD_END,
};

static const struct sl_field json_schema_fields[] = {
    {"schema_ref", SL_F_STR, .offset = 0, .flags = SL_TRIMMED, .help = "terminal_action_v1."},
    SL_FIELD_END,
};

static const struct sl_field reference_fields[] = {
    {"source", SL_F_ENUM, SL_CHECKED, SL_CHOICES("", "candidate_responses"),
     .help = "What is referred to."},
    {"id_format", SL_F_ENUM, SL_CHECKED, SL_CHOICES("", "index", "reference_number"),
     .help = "How it is referred to."},
    SL_FIELD_END,
};

#define IN(part, member)                                                                           \
    .offset = offsetof(struct contract, part.member) - offsetof(struct contract, part)

static const struct sl_field render_fields[] = {
    {"mode", SL_F_ENUM, IN(render, mode), SL_CHOICES("", "value", "template"),
     .help = "How the answer is written."},
    {"template", SL_F_STR, IN(render, template), .help = "Text with {choice} in it."},
    SL_FIELD_END,
};

static const struct sl_field extract_fields[] = {
    {"mode", SL_F_ENUM, IN(extract, mode), SL_CHOICES("", "exact", "json_object"),
     .help = "How the answer is found in a reply."},
    {"sources", SL_F_STRS, IN(extract, sources), .flags = SL_TRIMMED,
     .help = "Where it is looked for: content, reasoning_content, candidate_responses."},
    SL_FIELD_END,
};

static const struct sl_field normalize_fields[] = {
    {"field_order", SL_F_STRS, SL_CHECKED, .help = "Order of the fields."},
    {"defaults", SL_F_NODE, SL_CHECKED, .help = "Values of missing fields."},
    SL_FIELD_END,
};

static const struct sl_field on_violation_fields[] = {
    {"repair", SL_F_STR, SL_CHECKED, .help = "How a wrong answer is repaired."},
    {"fallback", SL_F_STR, SL_CHECKED, .help = "What is answered when that fails."},
    SL_FIELD_END,
};

static const struct sl_field postprocess_fields[] = {
    {"type", SL_F_STR, SL_AT(postprocess, type), .flags = SL_TRIMMED,
     .help = "dereference_selected_reference."},
    SL_FIELD_END,
};

static const struct sl_field contract_fields[] = {
    {"type", SL_F_ENUM, PART(type),
     SL_CHOICES("", "choice", "structured_json", "reference_selection"),
     .help = "Kind of contract."},
    {"choice_set", SL_F_STRUCT, PART(choice_set), .sub = choice_set_fields,
     .help = "The permitted answers of type choice."},
    {"json_schema", SL_F_STRUCT, PART(json_schema), .sub = json_schema_fields,
     .help = "The schema of type structured_json."},
    {"reference", SL_F_STRUCT, SL_CHECKED_SUB(reference_fields),
     .help = "The references of type reference_selection."},
    {"render", SL_F_STRUCT, PART(render), .sub = render_fields, .help = "How it is written."},
    {"extract", SL_F_STRUCT, PART(extract), .sub = extract_fields, .help = "How it is found."},
    {"normalize", SL_F_STRUCT, SL_CHECKED_SUB(normalize_fields), .help = "How it is tidied."},
    {"on_violation", SL_F_STRUCT, SL_CHECKED_SUB(on_violation_fields),
     .help = "What happens when an answer breaks the contract."},
    {"postprocess", SL_F_LIST, PART(postprocess), SL_SUB(postprocess_fields, postprocess),
     .help = "Steps behind extraction."},
    SL_FIELD_END,
};

static void report(struct sl_check *c, const struct sl_yaml *node, const char *path,
                   const char *message)
{
    size_t length = sl_check_push(c, sl_str_from(path));
    sl_check_error(c, node, "%s", message);
    sl_check_pop(c, length);
}

static void check_choices(struct sl_check *c, const struct sl_yaml *node,
                          const struct sl_strs *values)
{
    if (!values->n)
        report(c, node, "choice_set.values", "required for type choice");
    for (uint32_t i = 0; i < values->n; i++) {
        if (!sl_str_trim(values->items[i]).n)
            report(c, node, "choice_set.values", "found a blank choice");
        for (uint32_t k = 0; k < i; k++)
            if (sl_str_eq_nocase(sl_str_trim(values->items[i]), sl_str_trim(values->items[k])))
                report(c, node, "choice_set.values",
                       "two choices are the same but for upper and lower case");
    }
}

static void check_sources(struct sl_check *c, const struct sl_yaml *node,
                          const struct sl_strs *sources)
{
    static const char *const known[] = {"content", "reasoning_content", "candidate_responses"};
    size_t length = sl_check_push(c, SL_STR("extract.sources"));
    for (uint32_t i = 0; i < sources->n; i++) {
        size_t at = sl_check_push_index(c, i);
        size_t k = 0;
        while (k < SL_COUNT(known) && !sl_str_eq(sources->items[i], sl_str_from(known[k])))
            k++;
        if (k == SL_COUNT(known))
            sl_check_error(c, node,
                           "unsupported source \"%.*s\", expected content, reasoning_content or "
                           "candidate_responses",
                           SL_FMT(sources->items[i]));
        for (uint32_t j = 0; j < i; j++)
            if (sl_str_eq(sources->items[i], sources->items[j]))
                sl_check_error(c, node, "duplicate source \"%.*s\"", SL_FMT(sources->items[i]));
        sl_check_pop(c, at);
    }
    sl_check_pop(c, length);
}

static void check_postprocess(struct sl_check *c, const struct sl_yaml *node,
                              const struct contract *contract)
{
    const struct postprocess *steps = contract->postprocess.items;
    size_t length = sl_check_push(c, SL_STR("postprocess"));
    for (uint32_t i = 0; i < contract->postprocess.n; i++) {
        size_t at = sl_check_push_index(c, i);
        if (!sl_str_eq(steps[i].type, SL_STR("dereference_selected_reference")))
            sl_check_error(c, node,
                           "unsupported type \"%.*s\", expected dereference_selected_reference",
                           SL_FMT(steps[i].type));
        else if (contract->type != TYPE_REFERENCE)
            sl_check_error(c, node,
                           "dereference_selected_reference needs type reference_selection");
        sl_check_pop(c, at);
    }
    sl_check_pop(c, length);
}

static bool has_choice(sl_str template)
{
    return sl_str_find(template, SL_STR("{choice}")) != SIZE_MAX;
}

void sl_check_contract(struct sl_check *c, const struct sl_yaml *node)
{
    if (!node || node->kind == SL_YAML_NULL)
        return;
    struct contract contract = {.type = TYPE_NONE};
    size_t length = sl_check_push(c, SL_STR("output_contract_spec"));
    uint32_t n_errors = c->diags->n_errors;
    sl_schema_decode(c, contract_fields, node, &contract);
    if (c->diags->n_errors == n_errors) {
        if (contract.type == TYPE_NONE && !contract.postprocess.n)
            report(c, node, "type", "required unless postprocess is given");
        if (contract.type == TYPE_CHOICE)
            check_choices(c, node, &contract.choice_set.values);
        if (contract.type == TYPE_JSON &&
            !sl_str_eq(contract.json_schema.schema_ref, SL_STR("terminal_action_v1")))
            report(c, node, "json_schema.schema_ref", "expected terminal_action_v1");
        if (contract.render.mode == 2 && !has_choice(contract.render.template))
            report(c, node, "render.template", "the template must contain {choice}");
        if (contract.extract.mode == 2 && contract.type != TYPE_JSON)
            report(c, node, "extract.mode", "json_object needs type structured_json");
        check_sources(c, node, &contract.extract.sources);
        check_postprocess(c, node, &contract);
    }
    sl_check_pop(c, length);
}
