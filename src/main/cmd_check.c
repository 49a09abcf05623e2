/* sluice check: every mistake of configuration files, with its place. */
#include "codec/json_write.h"
#include "main/options.h"
#include "main/policy_file.h"
#include "main/terminal.h"
#include "route/policy.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { MAX_DIAGS = 10000, MAX_DIAGS_BYTES = 64 << 20, MAX_STDIN_BYTES = 32 << 20 };

struct checked {
    sl_str file;
    struct sl_arena arena;
    struct sl_diags diags;
    struct sl_config *config; /* NULL: has mistakes */
};

static enum sl_rc read_stdin(struct sl_buf *out)
{
    for (;;) {
        char *room = sl_buf_reserve(out, 65536);
        ssize_t n = room ? read(STDIN_FILENO, room, 65536) : -1;
        if (n < 0 && room && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? SL_OK : room ? SL_IO : SL_LIMIT;
        out->n += (size_t)n;
    }
}

static enum sl_rc load(struct checked *c, const struct sl_load_options *options)
{
    if (!sl_str_eq(c->file, SL_STR("-")))
        return sl_config_load(&c->config, c->file, options, &c->diags);
    struct sl_buf text;
    sl_buf_init(&text, MAX_STDIN_BYTES);
    enum sl_rc rc = read_stdin(&text);
    if (rc == SL_OK)
        rc = sl_config_load_text(&c->config, sl_buf_str(&text), options, &c->diags);
    else
        sl_diags_add(&c->diags, SL_ERROR, 0, 0, SL_STR(""), "cannot read standard input");
    sl_buf_free(&text);
    return rc;
}

/* Loads and compiles; true when the file is right. */
static bool check(struct checked *c, const struct sl_load_options *options)
{
    sl_arena_init(&c->arena, NULL, MAX_DIAGS_BYTES);
    sl_diags_init(&c->diags, &c->arena, MAX_DIAGS);
    enum sl_rc rc = load(c, options);
    if (rc == SL_OK)
        rc = sl_policy_compile(c->config, &c->diags);
    sl_diags_sort(&c->diags);
    if (rc != SL_OK && !c->diags.n_errors)
        sl_diags_add(&c->diags, SL_ERROR, 0, 0, SL_STR(""), "%s", sl_rc_name(rc));
    return rc == SL_OK && !c->diags.n_errors && !(options->is_strict && c->diags.n_warnings);
}

static void release(struct checked *c)
{
    sl_config_unref(c->config);
    sl_arena_reset(&c->arena);
}

/* ---- output -------------------------------------------------------------------------------- */

static void print_summary(const struct checked *c, bool is_right)
{
    const struct sl_config *config = c->config;
    printf("%.*s: %s%s%s", SL_FMT(c->file), sl_style(stdout, is_right ? SL_GREEN : SL_RED),
           is_right ? "ok" : "failed", sl_style(stdout, SL_PLAIN));
    if (c->diags.n_errors || c->diags.n_warnings)
        printf(", %u error%s, %u warning%s", c->diags.n_errors, c->diags.n_errors == 1 ? "" : "s",
               c->diags.n_warnings, c->diags.n_warnings == 1 ? "" : "s");
    if (!config) {
        putchar('\n');
        return;
    }
    uint32_t n_decisions = 0;
    for (uint32_t i = 0; i < config->n_recipes; i++)
        n_decisions += config->recipes[i].n_decisions;
    printf(": %u model%s, %u recipe%s, %u decision%s\n", config->n_models,
           config->n_models == 1 ? "" : "s", config->n_recipes, config->n_recipes == 1 ? "" : "s",
           n_decisions, n_decisions == 1 ? "" : "s");
    if (config->n_inactive)
        printf("  recognised, but without an engine yet (serve needs --allow-inactive):\n");
    for (uint32_t i = 0; i < config->n_inactive; i++)
        printf("    %.*s: %.*s\n", SL_FMT(config->inactive[i].path),
               SL_FMT(config->inactive[i].what));
}

static void put_diags(struct sl_json_writer *w, const struct sl_diags *diags)
{
    static const char *const names[] = {"error", "warning", "note"};
    sl_json_open(w, '[');
    for (uint32_t i = 0; i < diags->n; i++) {
        const struct sl_diag *d = &diags->items[i];
        sl_json_open(w, '{');
        sl_json_key(w, SL_STR("severity"));
        sl_json_put_str(w, sl_str_from(names[d->severity]));
        sl_json_key(w, SL_STR("line"));
        sl_json_put_i64(w, d->line);
        sl_json_key(w, SL_STR("column"));
        sl_json_put_i64(w, d->column);
        sl_json_key(w, SL_STR("path"));
        sl_json_put_str(w, d->path);
        sl_json_key(w, SL_STR("message"));
        sl_json_put_str(w, d->message);
        sl_json_close(w, '}');
    }
    sl_json_close(w, ']');
}

static void put_inactive(struct sl_json_writer *w, const struct sl_config *config)
{
    sl_json_open(w, '[');
    for (uint32_t i = 0; config && i < config->n_inactive; i++) {
        sl_json_open(w, '{');
        sl_json_key(w, SL_STR("path"));
        sl_json_put_str(w, config->inactive[i].path);
        sl_json_key(w, SL_STR("what"));
        sl_json_put_str(w, config->inactive[i].what);
        sl_json_close(w, '}');
    }
    sl_json_close(w, ']');
}

/* One object a file and line: tools can read while a long list is checked. */
static void print_json(const struct checked *c, bool is_right)
{
    struct sl_buf out;
    struct sl_json_writer w;
    sl_buf_init(&out, MAX_DIAGS_BYTES);
    sl_json_writer_init(&w, &out);
    sl_json_open(&w, '{');
    sl_json_key(&w, SL_STR("file"));
    sl_json_put_str(&w, c->file);
    sl_json_key(&w, SL_STR("ok"));
    sl_json_put_bool(&w, is_right);
    if (c->config) {
        sl_json_key(&w, SL_STR("sha256"));
        sl_json_put_str(&w, sl_str_from(c->config->sha256_hex));
    }
    sl_json_key(&w, SL_STR("diagnostics"));
    put_diags(&w, &c->diags);
    sl_json_key(&w, SL_STR("inactive"));
    put_inactive(&w, c->config);
    sl_json_close(&w, '}');
    printf("%.*s\n", SL_FMT(sl_buf_str(&out)));
    sl_buf_free(&out);
}

/* ---- command ------------------------------------------------------------------------------- */

static int run(int argc, char **argv)
{
    struct sl_options o;
    int status = sl_options_parse(&o, argc, argv);
    if (status != SL_OPTIONS_RUN)
        return status;
    if (!o.n_operands)
        return sl_usage_error(&o, "expected a file (or - for standard input)");
    const struct sl_load_options options = {
        .is_strict = sl_option_is_given(&o, "--strict"),
        .is_reading_only = sl_option_is_given(&o, "--no-env"),
    };
    status = 0;
    for (int i = 0; i < o.n_operands; i++) {
        struct checked c = {.file = sl_str_from(o.operands[i])};
        bool is_right = check(&c, &options);
        if (sl_option_is_given(&o, "--json")) {
            print_json(&c, is_right);
        } else {
            sl_diags_print(stdout, &c.diags, c.file, sl_option_is_given(&o, "--quiet"));
            if (!sl_option_is_given(&o, "--quiet"))
                print_summary(&c, is_right);
        }
        release(&c);
        if (!is_right)
            status = 1;
    }
    return status;
}

static const struct sl_option options_table[] = {
    {"--json", 0, NULL, "one JSON object a file, for tools"},
    {"--strict", 0, NULL, "older shapes and warnings are failures"},
    {"--no-env", 0, NULL, "no environment variables are put in and no further files are read"},
    {"--quiet", 'q', NULL, "errors only"},
    {.name = NULL},
};

const struct sl_command sl_command_check = {
    .name = "check",
    .summary = "find the mistakes in configuration files",
    .usage = "sluice check [options] FILE...",
    .help = "Loads each file as `sluice serve` would and prints every mistake it finds as\n"
            "FILE:LINE:COLUMN: error: PATH: MESSAGE, then what is configured but has no engine\n"
            "yet. Exits with 0 when all files are right and 1 otherwise.\n"
            "\n"
            "  sluice check config.yaml\n"
            "  sluice check --json config.yaml | jq .diagnostics",
    .options = options_table,
    .run = run,
};
