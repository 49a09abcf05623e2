/* Algorithm "router_dc": nearness of the request to model descriptions. Record only. */
#include "config/field.h"
#include "route/selector.h"

static const struct sl_field fields[] = {
    {"temperature", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 100), .fallback = "0.07",
     .help = "Sharpness of the scores; smaller is sharper."},
    {"dimension_size", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_DIMENSION),
     .help = "Length of the vectors; 0: the embedding model's."},
    {"min_similarity", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "0.3",
     .help = "Score that the best model must reach, else the first one is taken."},
    {"use_query_contrastive", SL_F_TRI, SL_CHECKED, .help = "Accepted; training only."},
    {"use_model_contrastive", SL_F_TRI, SL_CHECKED, .help = "Accepted; training only."},
    {"require_descriptions", SL_F_TRI, SL_CHECKED, .help = "Every candidate needs a description."},
    {"use_capabilities", SL_F_TRI, SL_CHECKED, .fallback = "true",
     .help = "Capabilities of the cards count as description too."},
    SL_FIELD_END,
};

const struct sl_selector_type sl_selector_router_dc = {
    .feature =
        {
            .name = "router_dc",
            .summary = "The model whose description is nearest to the request",
            .help = "Embeds the request and the description of every candidate's card and takes "
                    "the nearest; the first candidate when none is near enough.",
            .example = "temperature: 0.07\n"
                       "min_similarity: 0.3\n"
                       "use_capabilities: true\n",
            .fields = fields,
        },
};
