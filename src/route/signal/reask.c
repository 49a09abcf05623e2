/* Signal "reask": the user repeats an earlier question. Record only, no engine yet. */
#include "config/field.h"
#include "route/signal.h"

struct reask_rule {
    sl_str name;
    sl_str description;
    double threshold;
    int64_t lookback_turns;
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(reask_rule, name), .flags = SL_REQUIRED,
     .help = "Name that decisions use."},
    {"description", SL_F_STR, SL_AT(reask_rule, description), .help = "For people."},
    {"threshold", SL_F_FLOAT, SL_AT(reask_rule, threshold), SL_BETWEEN(0, 1), .fallback = "0.8",
     .flags = SL_KEEPS_DEFAULT_ON_EMPTY,
     .help = "Similarity from which two turns count as the same question."},
    {"lookback_turns", SL_F_INT, SL_AT(reask_rule, lookback_turns), SL_BETWEEN(0, 1000),
     .fallback = "1", .flags = SL_KEEPS_DEFAULT_ON_EMPTY,
     .help = "How many user turns in a row must be similar to the current one."},
    SL_FIELD_END,
};

const struct sl_signal_type sl_signal_reask = {
    .feature =
        {
            .name = "reask",
            .list_key = "reasks",
            .summary = "The user asks the same thing again",
            .help = "Compares the current user turn with the earlier ones, newest first. The rule "
                    "matches when the last `lookback_turns` turns all reach `threshold`. Of "
                    "several matching rules those that look back furthest are kept.",
            .example = "name: asked_twice\n"
                       "description: The last two turns were the same question.\n"
                       "threshold: 0.8\n"
                       "lookback_turns: 2\n",
            .fields = fields,
            .size = sizeof(struct reask_rule),
        },
    .matched_key = "reask",
    .header = "x-vsr-matched-reask",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_NO_MATCH,
    .reads_window = true,
};
