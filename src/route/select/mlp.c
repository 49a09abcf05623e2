/* Algorithm "mlp": a small network over requests. Record only, no engine yet. */
#include "route/selector.h"

const struct sl_selector_type sl_selector_mlp = {
    .feature =
        {
            .name = "mlp",
            .summary = "A small neural network over requests",
            .help = "Classifies the embedded request with a small network; each class is a model. "
                    "Trained offline; configured in `global.router.model_selection.ml`. Takes no "
                    "block in the decision.",
            .example = "",
        },
};
