/*
 * What a file switches on under `global` by itself, without a rule or a plugin that names it, and
 * that has no engine yet: it must not be taken for working. Built-in defaults do not count.
 */
#include "config/load.h"

static const char *const switches[][4] = {
    {"router", "learning"},
    {"services", "router_replay"},
    {"services", "observability", "tracing"},
    {"stores", "memory"},
};

static bool is_on(const struct sl_yaml *node)
{
    const struct sl_yaml *enabled = sl_yaml_get(node, SL_STR("enabled"));
    bool value;
    return enabled && sl_yaml_bool(enabled, &value) && value;
}

void sl_load_inactive_switches(struct sl_load *l, const struct sl_yaml *global)
{
    for (size_t i = 0; i < SL_COUNT(switches); i++) {
        size_t length = l->c.path.n;
        const struct sl_yaml *node = global;
        sl_str last = {NULL, 0};
        for (size_t k = 0; k < SL_COUNT(switches[i]) && switches[i][k]; k++) {
            last = sl_str_from(switches[i][k]);
            node = sl_yaml_get(node, last);
            sl_check_push(&l->c, last);
        }
        if (is_on(node))
            sl_load_inactive(l, "service", last);
        sl_check_pop(&l->c, length);
    }
}
