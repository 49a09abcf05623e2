/* Algorithm "workflows": steps of several agents. Record only, no engine yet. */
#include "config/field.h"
#include "config/scope.h"
#include "route/selector.h"

enum { MODE_UNSET, MODE_STATIC, MODE_DYNAMIC };

struct role {
    sl_str name;
    struct sl_strs models;
};

struct workflows_cfg {
    int mode;
    struct sl_list roles; /* struct role */
    struct {
        sl_str model;
    } final, planner;
    int64_t max_steps;
};

static const struct sl_field role_fields[] = {
    {"name", SL_F_STR, SL_AT(role, name), .flags = SL_REQUIRED, .help = "Name of the step."},
    {"models", SL_F_STRS, SL_AT(role, models), .help = "Its models, of modelRefs."},
    {"prompt", SL_F_STR, SL_CHECKED, .help = "Its instruction; omitted: by name."},
    {"access_list", SL_F_STRS, SL_CHECKED,
     .help = "Earlier steps that it sees; omitted: all, []: none."},
    SL_FIELD_END,
};

static const struct sl_field final_fields[] = {
    {"model", SL_F_STR, SL_WITHIN(workflows_cfg, final, model), .help = "Model of the answer."},
    {"prompt", SL_F_STR, SL_CHECKED, .help = "Its instruction."},
    SL_FIELD_END,
};

static const struct sl_field planner_fields[] = {
    {"model", SL_F_STR, SL_WITHIN(workflows_cfg, planner, model), .help = "Model that plans."},
    {"max_completion_tokens", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_TOKENS),
     .fallback = "2048", .help = "Longest plan."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {"mode", SL_F_ENUM, SL_AT(workflows_cfg, mode), .flags = SL_EXACT,
     SL_CHOICES("", "static", "dynamic"), .fallback = "static",
     .help = "Steps from the file, or planned for each request."},
    {"template", SL_F_STR, SL_CHECKED, .fallback = "micro_agent", .help = "A label."},
    {"roles", SL_F_LIST, SL_AT(workflows_cfg, roles), SL_SUB(role_fields, role),
     .help = "The steps of mode static."},
    {"final", SL_F_STRUCT, SL_AT(workflows_cfg, final), .sub = final_fields,
     .help = "Who writes the answer; omitted: the planner, else the first that responded."},
    {"planner", SL_F_STRUCT, SL_AT(workflows_cfg, planner), .sub = planner_fields,
     .help = "Who plans in mode dynamic."},
    {"max_steps", SL_F_INT, SL_AT(workflows_cfg, max_steps), SL_BETWEEN(0, 1000), .fallback = "3",
     .flags = SL_KEEPS_DEFAULT_ON_EMPTY, .help = "Most steps."},
    {"max_parallel", SL_F_INT, SL_BETWEEN(0, 1000), .fallback = "2",
     .flags = SL_CHECKED_ONLY | SL_KEEPS_DEFAULT_ON_EMPTY, .help = "Most models of a step."},
    {"max_completion_tokens", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_TOKENS),
     .help = "Longest answer; 0: the request's."},
    {"round_timeout_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS),
     .help = "Time of a step; 0: any."},
    {"min_successful_responses", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "Answers that are enough for a step; 0: all."},
    {"temperature", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 2),
     .help = "Temperature; omitted: the request's."},
    {"include_intermediate_responses", SL_F_TRI, SL_CHECKED, .fallback = "true",
     .help = "Returns the steps too."},
    {"on_error", SL_F_ENUM, SL_CHECKED_EXACT("", "skip", "fail"), .fallback = "fail",
     .help = "A failed step is left out, or fails the request."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct workflows_cfg *cfg = decoded;
    const struct sl_yaml *roles = sl_yaml_get(node, SL_STR("roles"));
    if (!node || node->kind != SL_YAML_MAP)
        return;
    if (cfg->mode == MODE_DYNAMIC) {
        if (!sl_str_trim(cfg->planner.model).n)
            sl_check_error(c, node, "mode dynamic requires planner.model");
        if (cfg->roles.n)
            sl_check_error(c, roles, "roles are only for mode static");
    } else if (!cfg->roles.n) {
        sl_check_error(c, roles ? roles : node, "mode static requires roles");
    } else if (cfg->roles.n > cfg->max_steps) {
        sl_check_error(c, roles, "%u roles are more than max_steps %lld", cfg->roles.n,
                       (long long)cfg->max_steps);
    }
}

static void validate_in(struct sl_check *c, const struct sl_recipe_scope *scope,
                        const struct sl_yaml *node, const void *decoded)
{
    const struct workflows_cfg *cfg = decoded;
    const struct role *roles = cfg->roles.items;
    const struct sl_yaml *list = sl_yaml_get(node, SL_STR("roles"));
    for (uint32_t i = 0; i < cfg->roles.n; i++) {
        for (uint32_t k = 0; k < roles[i].models.n; k++) {
            if (!sl_scope_has_ref(scope, roles[i].models.items[k]))
                sl_check_error(c, list && i < list->n ? list->items[i] : node,
                               "roles[%u].models[%u] \"%.*s\" must be one of modelRefs", i, k,
                               SL_FMT(roles[i].models.items[k]));
        }
    }
    if (cfg->mode != MODE_DYNAMIC && cfg->final.model.n &&
        !sl_scope_has_ref(scope, cfg->final.model))
        sl_check_error(c, sl_yaml_get(node, SL_STR("final")),
                       "final.model \"%.*s\" must be one of modelRefs", SL_FMT(cfg->final.model));
}

const struct sl_selector_type sl_looper_workflows = {
    .feature =
        {
            .name = "workflows",
            .summary = "Steps of several agents, fixed or planned",
            .help = "Runs steps one after the other, several models in a step at once; later steps "
                    "see earlier ones. A final model writes the answer. Tool calls suspend the "
                    "flow until the client brings the results.",
            .example = "mode: dynamic\n"
                       "planner:\n"
                       "  model: large-model\n"
                       "max_steps: 4\n"
                       "max_parallel: 2\n",
            .fields = fields,
            .size = sizeof(struct workflows_cfg),
            .validate = validate,
            .validate_in = validate_in,
        },
};
