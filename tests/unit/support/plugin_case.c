#include "support/plugin_case.h"

#include <stdlib.h>

const struct sl_plugin_type *const request_plugins[] = {
    &sl_plugin_fast_response,
    &sl_plugin_system_prompt,
    &sl_plugin_header_mutation,
    &sl_plugin_request_params,
    NULL,
};

const struct sl_plugin_type *find_plugin(const char *name)
{
    for (const struct sl_plugin_type *const *p = request_plugins; *p; p++)
        if (strcmp((*p)->feature.name, name) == 0)
            return *p;
    return NULL;
}

const void *decode_plugin(struct sl_arena *arena, const struct sl_plugin_type *plugin,
                          const struct sl_yaml *configuration, struct sl_diags *diags)
{
    void *decoded = sl_arena_zero(arena, 1, plugin->feature.size);
    struct sl_check c = {.arena = arena, .diags = diags};
    sl_buf_init(&c.path, 1024);
    sl_schema_decode(&c, plugin->feature.fields, configuration, decoded);
    if (plugin->feature.validate)
        plugin->feature.validate(&c, configuration, decoded);
    sl_buf_free(&c.path);
    return decoded;
}

struct plugin_result run_plugin(struct sl_arena *arena, const char *name,
                                const struct sl_yaml *configuration, sl_str body)
{
    struct plugin_result result = {0};
    const struct sl_plugin_type *plugin = find_plugin(name);
    if (!plugin)
        abort();
    struct sl_diags diags;
    sl_diags_init(&diags, arena, 20);
    const void *decoded = decode_plugin(arena, plugin, configuration, &diags);
    if (diags.n_errors || diags.n_warnings) {
        for (uint32_t i = 0; i < diags.n; i++)
            result.mistakes =
                sl_arena_printf(arena, "%.*s%.*s: %.*s\n", SL_FMT(result.mistakes),
                                SL_FMT(diags.items[i].path), SL_FMT(diags.items[i].message));
        if (diags.n_errors)
            return result;
    }
    struct sl_json json;
    struct sl_err err;
    if (sl_json_parse(&json, arena, body, NULL, &err))
        abort();
    struct sl_rewrite r = {.body = &json, .edits = sl_splice_new(&json, arena), .arena = arena};
    if (plugin->apply(decoded, &r) || sl_splice_flat(r.edits, &result.body))
        abort();
    for (uint32_t i = 0; i < r.n_headers; i++)
        result.headers = sl_arena_printf(arena, "%.*s%.*s%s%.*s;", SL_FMT(result.headers),
                                         SL_FMT(r.headers[i].name), r.headers[i].value.p ? "=" : "",

                                         SL_FMT(r.headers[i].value));
    result.answer = r.answer;
    return result;
}
