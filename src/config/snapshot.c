/* References to a snapshot, and the look-ups that every request makes. */
#include "config/config.h"

#include <stdatomic.h>
#include <stdlib.h>

struct sl_config *sl_config_ref(struct sl_config *config)
{
    atomic_fetch_add_explicit(&config->refs, 1, memory_order_relaxed);
    return config;
}

void sl_config_unref(struct sl_config *config)
{
    if (!config || atomic_fetch_sub_explicit(&config->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (config->policy && config->free_policy)
        config->free_policy(config->policy);
    if (config->engine)
        config->free_engine(config->engine);
    sl_arena_reset(&config->arena);
    free(config);
}

const struct sl_model_cfg *sl_config_model(const struct sl_config *config, sl_str name)
{
    uint64_t at;
    return sl_map_get(&config->model_by_name, name, &at) ? &config->models[at] : NULL;
}

const struct sl_name_entry *sl_config_name(const struct sl_config *config, sl_str model)
{
    uint64_t at;
    return sl_map_get(&config->name_index, sl_str_trim(model), &at) ? &config->names[at] : NULL;
}
