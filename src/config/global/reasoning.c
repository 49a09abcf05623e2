/* Reasoning families, and the one local classifier that all recipes share. */
#include "config/global/tables.h"

static sl_str text_of(const struct sl_yaml *map, const char *key)
{
    const struct sl_yaml *node = sl_yaml_get(map, sl_str_from(key));
    return node && node->kind == SL_YAML_SCALAR ? node->text : SL_STR("");
}

static void check_family(struct sl_check *c, const struct sl_yaml *family)
{
    static const char *const types[] = {"chat_template_kwargs", "reasoning_effort",
                                        "top_level_reasoning_effort", NULL};
    sl_str type = text_of(family, "type");
    sl_str parameter = sl_str_trim(text_of(family, "parameter"));
    bool is_known = false;
    for (uint32_t i = 0; types[i]; i++)
        is_known = is_known || sl_str_eq(type, sl_str_from(types[i]));
    if (!is_known) {
        const struct sl_yaml *at = sl_yaml_get(family, SL_STR("type"));
        const char *near = sl_str_nearest(type, types);
        size_t length = sl_check_push(c, SL_STR("type"));
        sl_check_error(c, at ? at : family,
                       "unsupported value \"%.*s\" (supported: chat_template_kwargs, "
                       "reasoning_effort, top_level_reasoning_effort)%s%s%s",
                       SL_FMT(type), near ? "; did you mean \"" : "", near ? near : "",
                       near ? "\"?" : "");
        sl_check_pop(c, length);
    }
    const struct sl_yaml *at = sl_yaml_get(family, SL_STR("parameter"));
    size_t length = sl_check_push(c, SL_STR("parameter"));
    if (!parameter.n)
        sl_check_error(c, at ? at : family, "must not be empty");
    else if (sl_str_eq(type, SL_STR("top_level_reasoning_effort")) &&
             !sl_str_eq(parameter, SL_STR("reasoning_effort")))
        sl_check_error(c, at,
                       "must be \"reasoning_effort\" for type top_level_reasoning_effort, found "
                       "\"%.*s\"",
                       SL_FMT(parameter));
    sl_check_pop(c, length);
}

void sl_check_reasoning_families(struct sl_check *c, const struct sl_yaml *families)
{
    if (!families || families->kind != SL_YAML_MAP)
        return;
    size_t length = sl_check_push(c, SL_STR("reasoning_families"));
    for (uint32_t i = 0; i < families->n; i++) {
        sl_str name = families->keys[i]->text;
        size_t item = sl_check_push(c, name);
        if (!sl_str_trim(name).n)
            sl_check_error(c, families->keys[i], "a reasoning family's name cannot be empty");
        check_family(c, families->items[i]);
        sl_check_pop(c, item);
    }
    sl_check_pop(c, length);
}

/* ---- local classifiers --------------------------------------------------------------------- */

static bool is_local(const struct sl_yaml *rule)
{
    return sl_str_eq(text_of(rule, "type"), SL_STR("local"));
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

void sl_check_local_classifiers(struct sl_check *c, const struct sl_recipe_cfg *recipes,
                                uint32_t n_recipes)
{
    const struct sl_yaml *first = NULL;
    uint32_t first_recipe = 0;
    for (uint32_t i = 0; sl_signal_features[i]; i++) {
        if (strcmp(sl_signal_features[i]->name, "classifier") != 0)
            continue;
        for (uint32_t r = 0; r < n_recipes; r++) {
            const struct sl_signal_cfg *signal = &recipes[r].signals[i];
            for (uint32_t k = 0; k < signal->n_rules; k++) {
                const struct sl_yaml *rule = signal->rules[k].node;
                if (!is_local(rule))
                    continue;
                if (!first) {
                    first = rule;
                    first_recipe = r;
                } else if (r == first_recipe) {
                    sl_check_error(c, rule,
                                   "routing.signals.classifiers[\"%.*s\"]: only one local "
                                   "classifier is supported",
                                   SL_FMT(signal->rules[k].name));
                } else if (!are_same_model(first, rule)) {
                    sl_check_error(c, rule,
                                   "routing recipes \"%.*s\" and \"%.*s\" declare incompatible "
                                   "local classifiers; path, labels and device must agree",
                                   SL_FMT(recipes[first_recipe].name), SL_FMT(recipes[r].name));
                }
            }
        }
    }
}
