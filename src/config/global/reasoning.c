/* Checks of providers.defaults.reasoning_families. */
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
