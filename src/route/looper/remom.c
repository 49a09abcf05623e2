/* Algorithm "remom": rounds of parallel reasoning. Record only, no engine yet. */
#include "config/field.h"
#include "config/scope.h"
#include "route/selector.h"

struct remom_cfg {
    struct sl_ints breadth_schedule;
    sl_str synthesis_model;
};

static const struct sl_field fields[] = {
    {"breadth_schedule", SL_F_INTS, SL_AT(remom_cfg, breadth_schedule), SL_BETWEEN(1, 1000),
     .flags = SL_REQUIRED, .help = "Calls of each round; a last round of one follows."},
    {"model_distribution", SL_F_ENUM,
     SL_CHECKED_EXACT("", "weighted", "equal", "round_robin", "first_only"), .fallback = "weighted",
     .help = "How a round's calls are shared out among the candidates."},
    {"temperature", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 2),
     .help = "Temperature; omitted: the request's."},
    {"include_reasoning", SL_F_BOOL, SL_CHECKED, .help = "Passes reasoning on, not only answers."},
    {"compaction_strategy", SL_F_ENUM, SL_CHECKED_EXACT("", "full", "last_n_tokens"),
     .fallback = "full", .help = "What of an answer is passed on."},
    {"compaction_tokens", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_TOKENS), .fallback = "1000",
     .help = "How many tokens of `last_n_tokens`."},
    {"synthesis_template", SL_F_STR, SL_CHECKED, .help = "Prompt that joins answers."},
    {"synthesis_model", SL_F_STR, SL_AT(remom_cfg, synthesis_model),
     .help = "Model of the last call; one of modelRefs."},
    {"max_concurrent", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "Calls at once; 0: all."},
    {"max_completion_tokens", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_TOKENS),
     .help = "Longest answer; 0: the request's."},
    {"round_timeout_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS),
     .help = "Time of a round; 0: any."},
    {"min_successful_responses", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "Answers that are enough for a round; 0: all."},
    {"on_error", SL_F_ENUM, SL_CHECKED_EXACT("", "skip", "fail"), .fallback = "skip",
     .help = "A failed call is left out, or fails the request."},
    {"shuffle_seed", SL_F_INT, SL_CHECKED, SL_BETWEEN(-9e15, 9e15),
     .help = "Seed of the order in which answers are passed on."},
    {"include_intermediate_responses", SL_F_BOOL, SL_CHECKED,
     .help = "Returns the answers of all rounds too."},
    {"max_responses_per_round", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "Answers passed on; 0: all."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct remom_cfg *cfg = decoded;
    const struct sl_yaml *list = sl_yaml_get(node, SL_STR("breadth_schedule"));
    if (list && list->kind == SL_YAML_LIST && !cfg->breadth_schedule.n)
        sl_check_error(c, list, "breadth_schedule must list at least one round");
}

static void validate_in(struct sl_check *c, const struct sl_recipe_scope *scope,
                        const struct sl_yaml *node, const void *decoded)
{
    const struct remom_cfg *cfg = decoded;
    if (!cfg->synthesis_model.n || sl_scope_has_ref(scope, cfg->synthesis_model))
        return;
    size_t length = sl_check_push(c, SL_STR("synthesis_model"));
    sl_check_error(c, sl_yaml_get(node, SL_STR("synthesis_model")),
                   "synthesis_model \"%.*s\" must be one of modelRefs",
                   SL_FMT(cfg->synthesis_model));
    sl_check_pop(c, length);
}

const struct sl_selector_type sl_looper_remom = {
    .feature =
        {
            .name = "remom",
            .summary = "Rounds of parallel reasoning, joined at the end",
            .help = "Each round asks several candidates at once and gives the next round their "
                    "answers; the last call joins them into one.",
            .example = "breadth_schedule: [3, 2]\n"
                       "model_distribution: round_robin\n"
                       "min_successful_responses: 2\n",
            .fields = fields,
            .size = sizeof(struct remom_cfg),
            .validate = validate,
            .validate_in = validate_in,
        },
};
