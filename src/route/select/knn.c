/* Algorithm "knn": models that did well on similar requests. Record only, no engine yet. */
#include "route/selector.h"

const struct sl_selector_type sl_selector_knn = {
    .feature =
        {
            .name = "knn",
            .summary = "Models that did well on similar requests",
            .help =
                "Finds the nearest requests of the training set and lets their best models vote. "
                "Trained offline; configured in `global.router.model_selection.ml`. Takes no "
                "block in the decision.",
            .example = "",
        },
};
