/* Algorithm "svm": a linear or kernel classifier over requests. Record only, no engine yet. */
#include "route/selector.h"

const struct sl_selector_type sl_selector_svm = {
    .feature =
        {
            .name = "svm",
            .summary = "A support vector machine over requests",
            .help = "Classifies the embedded request; each class is a model. "
                    "Trained offline; configured in `global.router.model_selection.ml`. Takes no "
                    "block in the decision.",
            .example = "",
        },
};
