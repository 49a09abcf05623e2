/* A selection algorithm: one file in route/select/ with one record. Picks among candidates. */
#ifndef SL_ROUTE_SELECTOR_H
#define SL_ROUTE_SELECTOR_H

#include "config/config.h"

struct sl_selection_input {
    const struct sl_config *config;
    const struct sl_recipe_cfg *recipe;
    const struct sl_decision_cfg *decision;
    uint64_t random; /* one draw, from the caller: this layer has no randomness of its own */
};

struct sl_selector_type {
    struct sl_feature feature;
    /* Index into decision->refs, or SL_NO_INDEX. NULL function: not built yet. */
    uint32_t (*select)(const void *decoded, const struct sl_selection_input *in);
};

#endif
