/* The local classifier: one model for the whole process, whatever recipes declare it. */
#include "config/global/tables.h"

static sl_str text_of(const struct sl_yaml *map, const char *key)
{
    const struct sl_yaml *node = sl_yaml_get(map, sl_str_from(key));
    return node && node->kind == SL_YAML_SCALAR ? node->text : SL_STR("");
}

static bool is_cpu(const struct sl_yaml *rule)
{
    bool value = false;
    const struct sl_yaml *node = sl_yaml_get(rule, SL_STR("use_cpu"));
    return node && sl_yaml_bool(node, &value) && value;
}

static bool have_equal_labels(const struct sl_yaml *a, const struct sl_yaml *b)
{
    if (!a || !b || a->n != b->n)
        return a == b;
    for (uint32_t i = 0; i < a->n; i++) {
        if (!sl_str_eq(a->items[i]->text, b->items[i]->text))
            return false;
    }
    return true;
}

static bool are_same_model(const struct sl_yaml *a, const struct sl_yaml *b)
{
    return sl_str_eq(text_of(a, "model_path"), text_of(b, "model_path")) &&
           is_cpu(a) == is_cpu(b) &&
           have_equal_labels(sl_yaml_get(a, SL_STR("labels")), sl_yaml_get(b, SL_STR("labels")));
}

/* The first local rule seen, and where. */
struct first {
    const struct sl_yaml *rule;
    const struct sl_recipe_cfg *recipe;
};

static void check_rule(struct sl_check *c, struct first *first, const struct sl_recipe_cfg *recipe,
                       const struct sl_rule_cfg *rule)
{
    if (!sl_str_eq(text_of(rule->node, "type"), SL_STR("local")))
        return;
    if (!first->rule)
        *first = (struct first){rule->node, recipe};
    else if (first->recipe == recipe)
        sl_check_error(c, rule->node,
                       "routing.signals.classifiers[\"%.*s\"]: only one local classifier is "
                       "supported",
                       SL_FMT(rule->name));
    else if (!are_same_model(first->rule, rule->node))
        sl_check_error(c, rule->node,
                       "routing recipes \"%.*s\" and \"%.*s\" declare incompatible local "
                       "classifiers; path, labels and device must agree",
                       SL_FMT(first->recipe->name), SL_FMT(recipe->name));
}

void sl_check_local_classifiers(struct sl_check *c, const struct sl_recipe_cfg *recipes,
                                uint32_t n_recipes)
{
    struct first first = {NULL, NULL};
    uint32_t type = 0;
    while (sl_signal_features[type] && strcmp(sl_signal_features[type]->name, "classifier") != 0)
        type++;
    for (uint32_t r = 0; sl_signal_features[type] && r < n_recipes; r++) {
        const struct sl_signal_cfg *signal = &recipes[r].signals[type];
        for (uint32_t k = 0; k < signal->n_rules; k++)
            check_rule(c, &first, &recipes[r], &signal->rules[k]);
    }
}
