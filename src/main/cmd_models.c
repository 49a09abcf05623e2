/* sluice models: what a policy needs, what is there, and what runs it. */
#include "config/config.h"
#include "infer/local.h"
#include "main/options.h"
#include "main/policy_file.h"
#include "ml/kernel/kernel.h"

#include <stdio.h>

static void print_kernels(void)
{
    const struct sl_kernels *table, *best = sl_kernels_best();
    printf("kernels     ");
    for (unsigned i = 0; (table = sl_kernels_at(i)); i++)
        printf("%s%s%s", i ? ", " : "", table->name, table == best ? " (runs)" : "");
    printf("\n");
}

/* 0, or 1 when it does not open. */
static int print_folder(const char *folder, uint32_t layer)
{
    struct sl_local_model *model;
    struct sl_err err = {0};
    const struct sl_local_options options = {.layer = layer};
    printf("  folder    %s\n", folder);
    if (sl_local_open(&model, folder, &options, &err) != SL_OK) {
        printf("  broken    %s\n", err.message);
        return 1;
    }
    struct sl_local_info i = sl_local_info(model);
    printf("  type      %.*s, %u layers of %u, vectors of %u\n", SL_FMT(i.model_type), i.n_layers,
           i.hidden, i.dimension);
    printf("  reads     windows of %u tokens, %u in the vocabulary\n", i.window_tokens,
           i.vocabulary);
    printf("  weights   %.1f MiB as %s, %s\n", (double)i.weight_bytes / 1048576.0, i.precision,
           i.was_packed_before ? "mapped from the packed file of an earlier start"
                               : "packed now for this machine");
    printf("  runs on   %s\n", i.kernels);
    sl_local_close(model);
    return 0;
}

static int print_embedding(const struct sl_config *config)
{
    const struct sl_embedding_cfg *e = &config->global.embedding;
    printf("embedding   %s\n", e->lacks ? e->lacks : e->is_remote ? "asked for" : "computed here");
    if (e->lacks)
        return 0;
    if (!e->is_remote)
        return print_folder(e->folder.p, e->layer);
    printf("  provider  %.*s\n", SL_FMT(e->remote.base_url));
    printf("  model     %.*s\n", SL_FMT(e->remote.model));
    return 0;
}

static int print_inactive(const struct sl_config *config)
{
    if (config->n_inactive)
        printf("missing\n");
    for (uint32_t i = 0; i < config->n_inactive; i++)
        printf("  %.*s: %.*s\n", SL_FMT(config->inactive[i].path),
               SL_FMT(config->inactive[i].what));
    return config->n_inactive ? 1 : 0;
}

static int run(int argc, char **argv)
{
    struct sl_options o;
    int status = sl_options_parse(&o, argc, argv);
    if (status != SL_OPTIONS_RUN)
        return status;
    const char *path = sl_option(&o, "--config");
    if (!path == !o.n_operands || o.n_operands > 1)
        return sl_usage_error(&o, "give -c FILE, or one FOLDER");
    print_kernels();
    if (o.n_operands) {
        printf("model\n");
        return print_folder(o.operands[0], 0);
    }
    struct sl_config *config = sl_policy_file_load(path, true);
    if (!config)
        return 1;
    status = print_embedding(config);
    status |= print_inactive(config);
    sl_config_unref(config);
    return status;
}

static const struct sl_option options[] = {
    {"--config", 'c', "FILE", "the policy"},
    {NULL, 0, NULL, NULL},
};

const struct sl_command sl_command_models = {
    .name = "models",
    .summary = "the models that a policy needs: what is there, what is missing",
    .usage = "sluice models (-c FILE | FOLDER)",
    .help =
        "Shows the embedding model of a policy (where it is, its shape, its memory, which\n"
        "kernels run it) and every rule whose model is missing, with where it was looked for.\n"
        "Of a folder: whether it can be used. Exits with 1 when something is missing or broken.",
    .options = options,
    .run = run,
};
