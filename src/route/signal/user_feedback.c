/* Signal "user_feedback": what the user thinks of the last answer. Record only, no engine yet. */
#include "config/field.h"
#include "route/signal.h"

struct user_feedback_rule {
    sl_str name;
    sl_str description;
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(user_feedback_rule, name), .flags = SL_REQUIRED,
     .help = "One of the classifier's answers: `satisfied`, `need_clarification`, `wrong_answer`, "
             "`want_different`."},
    {"description", SL_F_STR, SL_AT(user_feedback_rule, description), .help = "For people."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    static const char *const names[] = {"satisfied", "need_clarification", "wrong_answer",
                                        "want_different", NULL};
    const struct user_feedback_rule *rule = decoded;
    for (uint32_t i = 0; names[i]; i++) {
        if (!rule->name.n || sl_str_eq(rule->name, sl_str_from(names[i])))
            return;
    }
    const char *near = sl_str_nearest(rule->name, names);
    size_t length = sl_check_push(c, SL_STR("name"));
    sl_check_warn(
        c, sl_yaml_get(node, SL_STR("name")),
        "\"%.*s\" matches only if the feedback model has a label of that name; the "
        "usual ones are satisfied, need_clarification, wrong_answer, want_different%s%s%s",
        SL_FMT(rule->name), near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    sl_check_pop(c, length);
}

const struct sl_signal_type sl_signal_user_feedback = {
    .feature =
        {
            .name = "user_feedback",
            .list_key = "user_feedbacks",
            .summary = "The user is content, or wants something else than the last answer",
            .help = "A classifier reads the last user turn of a conversation that already has an "
                    "answer, and reports one of its labels.",
            .example = "name: wrong_answer\n"
                       "description: The user says that the previous answer was incorrect.\n",
            .fields = fields,
            .size = sizeof(struct user_feedback_rule),
            .validate = validate,
        },
    .matched_key = "user_feedback",
    .header = "x-vsr-matched-user-feedback",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_NO_MATCH,
    .reads_window = true,
};
