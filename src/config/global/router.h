/* global.router: what the routing core itself takes from the file, limits included. */
#ifndef SL_CONFIG_GLOBAL_ROUTER_H
#define SL_CONFIG_GLOBAL_ROUTER_H

#include "config/schema.h"

#include "base/limits.h"

struct sl_router_cfg {
    int config_source; /* 0 file, 1 kubernetes */
    int strategy;      /* 0 unset, 1 priority, 2 confidence */
    sl_str auto_model_name;
    struct {
        struct sl_strs names;
        bool is_set; /* an empty list is a choice: no automatic names */
    } auto_model_names;
    bool include_config_models_in_list;
    bool skips_processing;
    const struct sl_yaml *learning;
    struct sl_limits_cfg limits;
};

extern const struct sl_field sl_global_router_fields[]; /* struct sl_router_cfg */
extern const struct sl_field sl_limits_fields[];        /* struct sl_limits_cfg */

#endif
