/* Runs one plugin of the registry on one body, from texts. */
#ifndef SL_TESTS_PLUGIN_CASE_H
#define SL_TESTS_PLUGIN_CASE_H

#include "route/plugin.h"

/* Named here rather than through the registry, which would link every feature there is. */
extern const struct sl_plugin_type sl_plugin_fast_response, sl_plugin_system_prompt,
    sl_plugin_header_mutation, sl_plugin_request_params;
extern const struct sl_plugin_type *const request_plugins[]; /* ends with NULL */

struct plugin_result {
    sl_str body;    /* after the edits */
    sl_str headers; /* "name=value;name;" in order */
    sl_str answer;
    sl_str mistakes; /* messages of the configuration check, a line each; then nothing ran */
};

struct plugin_result run_plugin(struct sl_arena *arena, const char *name,
                                const struct sl_yaml *configuration, sl_str body);

/* Decodes a configuration with the plugin's table and checks; messages go to diags. */
const void *decode_plugin(struct sl_arena *arena, const struct sl_plugin_type *plugin,
                          const struct sl_yaml *configuration, struct sl_diags *diags);

const struct sl_plugin_type *find_plugin(const char *name);

#endif
