/* Signal "classifier": a classifier of one's own, local or by LLM. Record only, no engine yet. */
#include "config/field.h"
#include "config/scope.h"
#include "route/signal.h"

struct classifier_rule {
    sl_str name;
    sl_str description;
    sl_str type; /* exact: "local" or "llm" */
    struct sl_strs labels;
    sl_str model_path;
    enum sl_tri use_cpu;
    sl_str model;
    sl_str instructions;
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(classifier_rule, name), .flags = SL_REQUIRED | SL_TRIMMED,
     .help = "Name that decisions use; no colon."},
    {"description", SL_F_STR, SL_AT(classifier_rule, description), .help = "For people."},
    {"type", SL_F_STR, SL_AT(classifier_rule, type), .flags = SL_REQUIRED,
     .help = "`local` (a sequence classifier from disk) or `llm` (an external model is asked)."},
    {"labels", SL_F_STRS, SL_AT(classifier_rule, labels), .flags = SL_REQUIRED,
     .help = "The answers: exactly two for `local`, at least one for `llm`; no colons."},
    {"model_path", SL_F_STR, SL_AT(classifier_rule, model_path),
     .help = "`local`: folder of the model."},
    {"use_cpu", SL_F_TRI, SL_AT(classifier_rule, use_cpu), .help = "`local`: run on the CPU."},
    {"model", SL_F_STR, SL_AT(classifier_rule, model),
     .help = "`llm`: name of an entry of `global.model_catalog.external` whose role is "
             "`classification`."},
    {"instructions", SL_F_STR, SL_AT(classifier_rule, instructions),
     .help = "`llm`: when to choose which label."},
    SL_FIELD_END,
};

static void error_at(struct sl_check *c, const struct sl_yaml *node, sl_str key,
                     const char *message)
{
    const struct sl_yaml *value = sl_yaml_get(node, key);
    size_t length = sl_check_push(c, key);
    sl_check_error(c, value ? value : node, "%s", message);
    sl_check_pop(c, length);
}

static void check_labels(struct sl_check *c, const struct sl_yaml *node,
                         const struct classifier_rule *rule)
{
    const struct sl_yaml *list = sl_yaml_get(node, SL_STR("labels"));
    size_t length = sl_check_push(c, SL_STR("labels"));
    for (uint32_t i = 0; i < rule->labels.n; i++) {
        sl_str label = rule->labels.items[i];
        const struct sl_yaml *at = list && i < list->n ? list->items[i] : list;
        size_t index = sl_check_push_index(c, i);
        if (!sl_str_trim(label).n)
            sl_check_error(c, at, "labels cannot contain empty values");
        else if (sl_str_trim(label).n != label.n)
            sl_check_error(c, at, "label \"%.*s\" must not contain surrounding whitespace",
                           SL_FMT(label));
        if (sl_str_chr(label, ':') < label.n)
            sl_check_error(c, at, "label \"%.*s\" must not contain ':'", SL_FMT(label));
        for (uint32_t k = 0; k < i; k++) {
            if (sl_str_eq(rule->labels.items[k], label))
                sl_check_error(c, at, "duplicate label \"%.*s\"", SL_FMT(label));
        }
        sl_check_pop(c, index);
    }
    sl_check_pop(c, length);
}

static void check_local(struct sl_check *c, const struct sl_yaml *node,
                        const struct classifier_rule *rule)
{
    if (rule->labels.n && rule->labels.n != 2)
        error_at(c, node, SL_STR("labels"), "local classifiers require exactly 2 labels");
    if (!sl_str_trim(rule->model_path).n)
        error_at(c, node, SL_STR("model_path"), "local classifiers require model_path");
    if (rule->model.n)
        error_at(c, node, SL_STR("model"), "model is not supported by local classifiers");
    if (rule->instructions.n)
        error_at(c, node, SL_STR("instructions"),
                 "instructions are not supported by local classifiers");
}

static void check_llm(struct sl_check *c, const struct sl_yaml *node,
                      const struct classifier_rule *rule)
{
    if (!sl_str_trim(rule->model).n)
        error_at(c, node, SL_STR("model"), "llm classifiers require model");
    if (!sl_str_trim(rule->instructions).n)
        error_at(c, node, SL_STR("instructions"), "llm classifiers require instructions");
    if (rule->model_path.n)
        error_at(c, node, SL_STR("model_path"), "model_path is not supported by llm classifiers");
    if (rule->use_cpu != SL_UNSET)
        error_at(c, node, SL_STR("use_cpu"), "use_cpu is not supported by llm classifiers");
}

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct classifier_rule *rule = decoded;
    if (sl_str_chr(rule->name, ':') < rule->name.n)
        error_at(c, node, SL_STR("name"), "name must not contain ':'");
    check_labels(c, node, rule);
    if (sl_str_eq(rule->type, SL_STR("local"))) {
        check_local(c, node, rule);
    } else if (sl_str_eq(rule->type, SL_STR("llm"))) {
        check_llm(c, node, rule);
    } else if (rule->type.n) {
        size_t length = sl_check_push(c, SL_STR("type"));
        sl_check_error(c, sl_yaml_get(node, SL_STR("type")),
                       "unsupported type \"%.*s\" (supported: local, llm)", SL_FMT(rule->type));
        sl_check_pop(c, length);
    }
}

/* An external model that can be asked: role, address, port, scheme and model name. */
static void check_external(struct sl_check *c, const struct sl_yaml *at,
                           const struct sl_external_model_cfg *model)
{
    sl_str protocol = model->llm_endpoint.protocol;
    if (!sl_str_eq(model->model_role, SL_STR("classification")))
        sl_check_error(c, at,
                       "external model \"%.*s\" must have model_role \"classification\", found "
                       "\"%.*s\"",
                       SL_FMT(model->name), SL_FMT(model->model_role));
    if (!sl_str_trim(model->llm_model_name).n)
        sl_check_error(c, at, "external model \"%.*s\" requires llm_model_name",
                       SL_FMT(model->name));
    if (!sl_str_trim(model->llm_endpoint.address).n || model->llm_endpoint.port < 1 ||
        model->llm_endpoint.port > 65535)
        sl_check_error(c, at,
                       "external model \"%.*s\" requires a valid llm_endpoint address and port",
                       SL_FMT(model->name));
    if (protocol.n && !sl_str_eq_nocase(protocol, SL_STR("http")) &&
        !sl_str_eq_nocase(protocol, SL_STR("https")))
        sl_check_error(c, at,
                       "external model \"%.*s\" has unsupported llm_endpoint.protocol \"%.*s\" "
                       "(supported: http, https)",
                       SL_FMT(model->name), SL_FMT(protocol));
}

static void validate_in(struct sl_check *c, const struct sl_recipe_scope *scope,
                        const struct sl_yaml *node, const void *decoded)
{
    const struct classifier_rule *rule = decoded;
    if (!sl_str_eq(rule->type, SL_STR("llm")) || !sl_str_trim(rule->model).n)
        return;
    const struct sl_yaml *at = sl_yaml_get(node, SL_STR("model"));
    const struct sl_external_model_cfg *model = sl_catalog_external(scope->catalog, rule->model);
    size_t length = sl_check_push(c, SL_STR("model"));
    if (model)
        check_external(c, at, model);
    else
        sl_check_error(c, at,
                       "llm model \"%.*s\" is not declared in global.model_catalog.external[].name",
                       SL_FMT(rule->model));
    sl_check_pop(c, length);
}

const struct sl_signal_type sl_signal_classifier = {
    .feature =
        {
            .name = "classifier",
            .list_key = "classifiers",
            .summary = "A classifier of your own gives a label",
            .help =
                "`local` runs a two-label sequence classifier from disk; `llm` asks an external "
                "model that must answer with a label and a rationale. Decisions name `label` "
                "and a `predicate` on its score, and say with `on_error` what a failure means.",
            .example = "name: tool_risk\n"
                       "type: llm\n"
                       "model: external-classifier\n"
                       "labels: [SAFE, RISKY]\n"
                       "instructions: Choose RISKY for destructive or irreversible operations.\n",
            .fields = fields,
            .size = sizeof(struct classifier_rule),
            .validate = validate,
            .validate_in = validate_in,
        },
    .matched_key = "classifier",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_NO_MATCH,
    .is_per_rule = true,
};
