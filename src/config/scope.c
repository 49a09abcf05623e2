/* Lookups in a recipe under construction, for the checks of features that need their neighbours. */
#include "config/scope.h"

bool sl_scope_has_rule(const struct sl_recipe_scope *scope, sl_str type, sl_str name)
{
    for (uint32_t i = 0; sl_signal_features[i]; i++) {
        const struct sl_signal_cfg *signal = &scope->recipe->signals[i];
        if (!sl_str_eq(sl_str_from(sl_signal_features[i]->name), type))
            continue;
        for (uint32_t r = 0; r < signal->n_rules; r++) {
            if (sl_str_eq(signal->rules[r].name, name))
                return true;
        }
    }
    return false;
}

bool sl_scope_has_ref(const struct sl_recipe_scope *scope, sl_str model)
{
    for (uint32_t i = 0; i < scope->decision->n_refs; i++) {
        if (sl_str_eq(scope->decision->refs[i].name, model))
            return true;
    }
    return false;
}
