/* sluice migrate: a file of an older shape as the canonical one. */
#include "main/options.h"
#include "main/policy_file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { MAX_DIAGS = 10000, MAX_ARENA_BYTES = 512 << 20, MAX_FILE_BYTES = 32 << 20 };

static enum sl_rc read_all(const char *path, struct sl_buf *out)
{
    FILE *file = !strcmp(path, "-") ? stdin : fopen(path, "rb");
    if (!file)
        return SL_IO;
    enum sl_rc rc = SL_OK;
    while (rc == SL_OK) {
        char *room = sl_buf_reserve(out, 65536);
        size_t n = room ? fread(room, 1, 65536, file) : 0;
        out->n += n;
        if (!room)
            rc = SL_LIMIT;
        else if (n == 0)
            rc = ferror(file) ? SL_IO : SL_EOF;
    }
    if (file != stdin)
        fclose(file);
    return rc == SL_EOF ? SL_OK : rc;
}

static bool write_all(const char *path, sl_str text)
{
    FILE *file = path ? fopen(path, "wb") : stdout;
    bool ok = file && fwrite(text.p, 1, text.n, file) == text.n;
    if (file && path)
        ok = fclose(file) == 0 && ok;
    else if (file)
        ok = fflush(file) == 0 && ok;
    if (!ok)
        fprintf(stderr, "sluice migrate: cannot write %s\n", path ? path : "standard output");
    return ok;
}

/* The canonical text of `text` in *out; a file that is canonical stays byte for byte. */
static enum sl_rc migrate(struct sl_arena *arena, struct sl_diags *diags, sl_str text,
                          struct sl_buf *out)
{
    struct sl_yaml *root = NULL;
    struct sl_err err = {0};
    enum sl_rc rc = sl_yaml_parse(&root, arena, text, NULL, &err);
    if (rc != SL_OK) {
        sl_diags_add(diags, SL_ERROR, err.line, err.column, SL_STR(""), "%s", err.message);
        return rc;
    }
    if (sl_config_migrate(arena, root, diags))
        sl_yaml_dump(out, root);
    else
        sl_buf_add(out, text);
    return sl_buf_rc(out);
}

/* Mistakes of the result, as the strict loader sees them. Environment variables are left alone. */
static bool loads(struct sl_diags *diags, sl_str text)
{
    const struct sl_load_options options = {.is_strict = true, .is_reading_only = true};
    struct sl_config *config = NULL;
    enum sl_rc rc = sl_config_load_text(&config, text, &options, diags);
    sl_config_unref(config);
    return rc == SL_OK;
}

static int run(int argc, char **argv)
{
    struct sl_options o;
    int status = sl_options_parse(&o, argc, argv);
    if (status != SL_OPTIONS_RUN)
        return status;
    if (o.n_operands != 1)
        return sl_usage_error(&o, "expected one file (or - for standard input)");
    const char *path = o.operands[0];
    struct sl_arena arena;
    struct sl_diags diags;
    struct sl_buf text;
    struct sl_buf out;
    sl_arena_init(&arena, NULL, MAX_ARENA_BYTES);
    sl_diags_init(&diags, &arena, MAX_DIAGS);
    sl_buf_init(&text, MAX_FILE_BYTES);
    sl_buf_init(&out, 2 * (size_t)MAX_FILE_BYTES);
    status = 1;
    if (read_all(path, &text) != SL_OK) {
        fprintf(stderr, "sluice migrate: cannot read %s\n", path);
        goto out;
    }
    enum sl_rc rc = migrate(&arena, &diags, sl_buf_str(&text), &out);
    sl_diags_print(stderr, &diags, sl_str_from(path), false);
    if (rc != SL_OK || !write_all(sl_option(&o, "--output"), sl_buf_str(&out)))
        goto out;
    sl_diags_init(&diags, &arena, MAX_DIAGS);
    status = loads(&diags, sl_buf_str(&out)) ? 0 : 1;
    sl_diags_print(stderr, &diags, SL_STR("(migrated)"), true);
out:
    sl_buf_free(&text);
    sl_buf_free(&out);
    sl_arena_reset(&arena);
    return status;
}

static const struct sl_option options_table[] = {
    {"--output", 'o', "FILE", "write there instead of to standard output"},
    {.name = NULL},
};

const struct sl_command sl_command_migrate = {
    .name = "migrate",
    .summary = "rewrite a configuration of an older shape",
    .usage = "sluice migrate [-o FILE] FILE",
    .help =
        "Prints the canonical form of a file in the flat v0.1 shape or the router shape before\n"
        "it; what was rewritten is said on standard error. Comments are lost. A file that is\n"
        "canonical is printed as it is. Exits with 1 when the result has mistakes.\n"
        "\n"
        "  sluice migrate old.yaml -o config.yaml",
    .options = options_table,
    .run = run,
};
