/*
 * What validate_in() of a feature may look at: the snapshot under construction and the recipe (and
 * decision) that the rule, plugin or algorithm belongs to. The loader fills it when models, names,
 * signals and decisions of all recipes are decoded, and calls every validate_in() then.
 */
#ifndef SL_CONFIG_SCOPE_H
#define SL_CONFIG_SCOPE_H

#include "config/config.h"
#include "config/global/tables.h"

struct sl_recipe_scope {
    const struct sl_config *config; /* models, names, recipes; policy is not compiled yet */
    const struct sl_recipe_cfg *recipe;
    const struct sl_decision_cfg *decision; /* plugins and algorithms; NULL for signal rules */
    const struct sl_catalog_cfg *catalog;
    const struct sl_integrations_cfg *integrations;
    const struct sl_stores_cfg *stores;
};

/* True when the recipe declares rule `name` of the signal type `type` (its feature name). */
bool sl_scope_has_rule(const struct sl_recipe_scope *scope, sl_str type, sl_str name);

/* True when one of the decision's modelRefs names this model (not its LoRA). */
bool sl_scope_has_ref(const struct sl_recipe_scope *scope, sl_str model);

#endif
