/* See policy_file.h. */
#include "main/policy_file.h"

#include "route/policy.h"

#define MAX_DIAGS       1000
#define DIAGS_MAX_BYTES (16u << 20)

void sl_diags_print(FILE *to, const struct sl_diags *diags, sl_str file, bool errors_only)
{
    static const char *const names[] = {"error", "warning", "note"};
    for (uint32_t i = 0; i < diags->n; i++) {
        const struct sl_diag *d = &diags->items[i];
        if (errors_only && d->severity != SL_ERROR)
            continue;
        sl_str place = d->file.n ? d->file : file;
        fprintf(to, "%.*s:", SL_FMT(place));
        if (d->line)
            fprintf(to, "%u:%u:", d->line, d->column);
        fprintf(to, " %s: ", names[d->severity]);
        if (d->path.n)
            fprintf(to, "%.*s: ", SL_FMT(d->path));
        fprintf(to, "%.*s\n", SL_FMT(d->message));
    }
}

struct sl_config *sl_policy_file_load(const char *path, bool is_quiet)
{
    struct sl_arena arena;
    struct sl_diags diags;
    struct sl_config *config = NULL;
    const struct sl_load_options options = {0};
    sl_arena_init(&arena, NULL, DIAGS_MAX_BYTES);
    sl_diags_init(&diags, &arena, MAX_DIAGS);
    enum sl_rc rc = sl_config_load(&config, sl_str_from(path), &options, &diags);
    if (rc == SL_OK)
        rc = sl_policy_compile(config, &diags);
    sl_diags_print(stderr, &diags, sl_str_from(path), is_quiet && rc == SL_OK);
    if (rc != SL_OK) {
        if (!diags.n_errors)
            fprintf(stderr, "%s: error: %s\n", path, sl_rc_name(rc));
        if (config)
            sl_config_unref(config);
        config = NULL;
    }
    sl_arena_reset(&arena);
    return config;
}

void sl_policy_file_attach(struct sl_config *config)
{
    struct sl_err err = {0};
    if (sl_engine_attach(config, NULL, &err) != SL_OK)
        fprintf(stderr, "warning: %s\n", err.message);
}
