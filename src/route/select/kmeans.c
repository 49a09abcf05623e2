/* Algorithm "kmeans": the best model of the request's cluster. Record only, no engine yet. */
#include "route/selector.h"

const struct sl_selector_type sl_selector_kmeans = {
    .feature =
        {
            .name = "kmeans",
            .summary = "The best model of the request's cluster",
            .help = "Finds the cluster of the request and takes the model with the best mix of "
                    "quality and speed there. "
                    "Trained offline; configured in `global.router.model_selection.ml`. Takes no "
                    "block in the decision.",
            .example = "",
        },
};
