/* Algorithm "ratings": all candidates answer side by side. Record only, no engine yet. */
#include "config/field.h"
#include "route/selector.h"

static const struct sl_field fields[] = {
    {"max_concurrent", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "Calls at once; 0: all."},
    {"on_error", SL_F_ENUM, SL_CHECKED_CHOICE("", "skip", "fail"), .fallback = "skip",
     .help = "A failed call is left out, or fails the request."},
    SL_FIELD_END,
};

const struct sl_selector_type sl_looper_ratings = {
    .feature =
        {
            .name = "ratings",
            .summary = "All candidates answer, side by side",
            .help = "Calls every candidate and returns one choice each, so that people or programs "
                    "can compare them.",
            .example = "max_concurrent: 3\n"
                       "on_error: skip\n",
            .fields = fields,
        },
};
