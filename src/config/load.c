/*
 * From bytes to a snapshot: parse, migrate, expand, then each section in turn. Nothing stops at
 * the first mistake but a document that is no YAML or no map; the snapshot is given out only when
 * no mistake was found.
 */
#include "config/load.h"

#include "config/field.h"

#include "base/clock.h"
#include "config/scalar.h"
#include "crypto/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_SNAPSHOT_BYTES = 512 << 20, MAX_FILE_BYTES = 32 << 20 };

static _Atomic uint64_t next_generation = 1;

void *sl_load_zero(struct sl_load *l, size_t n, size_t size)
{
    void *memory = sl_arena_zero(l->arena, n ? n : 1, size);
    if (!memory)
        l->is_nomem = true;
    return memory;
}

struct sl_hint sl_hint_of(sl_str found, const sl_str *names, uint32_t n)
{
    struct sl_hint hint = {""};
    sl_str nearest = {NULL, 0};
    unsigned best = (unsigned)(found.n / 3 > 3 ? 3 : found.n / 3 < 1 ? 1 : found.n / 3) + 1;
    for (uint32_t i = 0; i < n; i++) {
        bool is_same = sl_str_eq_nocase(sl_str_trim(found), sl_str_trim(names[i]));
        unsigned distance = is_same ? 0 : sl_str_distance(found, names[i], best);
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    if (nearest.n)
        snprintf(hint.text, sizeof hint.text, "; did you mean \"%.*s\"?",
                 SL_FMT(sl_str_sub(nearest, 0, 80)));
    return hint;
}

void sl_load_error(struct sl_load *l, const struct sl_yaml *node, const char *key,
                   const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sl_str message = sl_arena_vprintf(l->arena, format, args);
    va_end(args);
    const struct sl_yaml *at = sl_yaml_get(node, sl_str_from(key));
    size_t length = sl_check_push(&l->c, sl_str_from(key));
    sl_check_error(&l->c, at ? at : node, "%.*s", SL_FMT(message));
    sl_check_pop(&l->c, length);
}

void sl_load_inactive(struct sl_load *l, const char *kind, sl_str name)
{
    sl_load_inactive_because(l, kind, name, NULL);
}

void sl_load_inactive_because(struct sl_load *l, const char *kind, sl_str name, const char *why)
{
    struct sl_config *config = l->config;
    if (config->n_inactive == l->cap_inactive) {
        uint32_t cap = l->cap_inactive ? l->cap_inactive * 2 : 16;
        struct sl_inactive *grown = SL_LOAD_ARRAY(l, struct sl_inactive, cap);
        if (!grown)
            return;
        if (config->n_inactive)
            memcpy(grown, config->inactive, config->n_inactive * sizeof *grown);
        config->inactive = grown;
        l->cap_inactive = cap;
    }
    bool is_signal = strcmp(kind, "plugin") && strcmp(kind, "algorithm") &&
                     strcmp(kind, "service") && strcmp(kind, "api_format");
    struct sl_inactive *item =
        &((struct sl_inactive *)(uintptr_t)config->inactive)[config->n_inactive++];
    item->path = sl_arena_dup(l->arena, sl_buf_str(&l->c.path));
    item->what = sl_arena_printf(l->arena, "%s%s \"%.*s\"%s%s", kind, is_signal ? " signal" : "",
                                 SL_FMT(name), why ? ": " : "", why ? why : "");
    if (!item->path.p || !item->what.p)
        l->is_nomem = true;
}

/* ---- the document -------------------------------------------------------------------------- */

static const struct sl_field document_fields[] = {
    {"version", SL_F_STR, SL_CHECKED, .help = "Version of the format, v0.3."},
    {"listeners", SL_F_NODE, SL_CHECKED, .help = "Where the router accepts connections."},
    {"providers", SL_F_NODE, SL_CHECKED, .help = "Where models are served."},
    {"routing", SL_F_NODE, SL_CHECKED, .help = "The default routing profile."},
    {"entrypoints", SL_F_NODE, SL_CHECKED, .help = "Model names that lead to recipes."},
    {"recipes", SL_F_NODE, SL_CHECKED, .help = "Further routing profiles."},
    {"global", SL_F_NODE, SL_CHECKED, .help = "Settings of the router as a whole."},
    {"setup", SL_F_NODE, SL_CHECKED, .help = "Read by other tools only."},
    SL_FIELD_END,
};

static int by_text(const void *a, const void *b)
{
    return sl_str_cmp(*(const sl_str *)a, *(const sl_str *)b);
}

/* Neither routing nor global: an older or a wrong file. */
static bool check_is_canonical(struct sl_load *l)
{
    sl_str unexpected[16];
    uint32_t n = 0;
    if (sl_yaml_get(l->root, SL_STR("routing")) || sl_yaml_get(l->root, SL_STR("global")))
        return true;
    for (uint32_t i = 0; i < l->root->n && n < SL_COUNT(unexpected); i++) {
        const struct sl_field *f = document_fields;
        while (f->key && !sl_str_eq(l->root->keys[i]->text, sl_str_from(f->key)))
            f++;
        if (!f->key)
            unexpected[n++] = l->root->keys[i]->text;
    }
    qsort(unexpected, n, sizeof *unexpected, by_text);
    struct sl_buf names;
    sl_buf_init(&names, 1024);
    for (uint32_t i = 0; i < n; i++)
        sl_buf_printf(&names, "%s%.*s", i ? ", " : "; unexpected top-level keys: ",
                      SL_FMT(sl_str_sub(unexpected[i], 0, 40)));
    sl_check_error(&l->c, l->root,
                   "the file has neither routing nor global%.*s; expected version, listeners, "
                   "providers, routing, entrypoints, recipes, global (older shapes are rewritten "
                   "by `sluice migrate`)",
                   SL_FMT(sl_buf_str(&names)));
    sl_buf_free(&names);
    return false;
}

static bool is_map_or_null(struct sl_load *l, const char *key, enum sl_yaml_kind kind,
                           const char *expected)
{
    const struct sl_yaml *node = sl_yaml_get(l->root, sl_str_from(key));
    if (!node || node->kind == SL_YAML_NULL || node->kind == kind)
        return true;
    size_t length = sl_check_push(&l->c, sl_str_from(key));
    sl_check_error(&l->c, node, "found %s, expected %s", sl_found(node).text, expected);
    sl_check_pop(&l->c, length);
    return false;
}

static void load_sections(struct sl_load *l)
{
    sl_schema_decode(&l->c, document_fields, l->root, NULL);
    if (!is_map_or_null(l, "routing", SL_YAML_MAP, "a map") ||
        !is_map_or_null(l, "global", SL_YAML_MAP, "a map") ||
        !is_map_or_null(l, "providers", SL_YAML_MAP, "a map") ||
        !is_map_or_null(l, "listeners", SL_YAML_LIST, "a list of maps") ||
        !is_map_or_null(l, "recipes", SL_YAML_LIST, "a list of maps") ||
        !is_map_or_null(l, "entrypoints", SL_YAML_LIST, "a list of maps"))
        return;
    sl_load_global(l);
    sl_load_listeners(l);
    sl_load_cards(l);
    sl_load_providers(l);
    sl_load_recipes(l);
    if (l->is_nomem)
        return;
    sl_load_names(l);
    sl_load_check_catalog(l);
    sl_load_check_scoped(l);
    sl_load_engines(l);
}

static enum sl_rc load_document(struct sl_load *l, sl_str text)
{
    struct sl_err err = {0};
    enum sl_rc rc = sl_yaml_parse(&l->root, l->arena, text, NULL, &err);
    if (rc != SL_OK) {
        sl_diags_add(l->c.diags, SL_ERROR, err.line, err.column, SL_STR(""), "%s", err.message);
        return rc;
    }
    if (l->root->kind != SL_YAML_MAP) {
        sl_check_error(&l->c, l->root, "found %s, expected a map with routing or global",
                       l->root->kind == SL_YAML_NULL ? "an empty document"
                                                     : sl_found(l->root).text);
        return SL_INVALID;
    }
    if (!l->options->is_strict)
        (void)sl_config_migrate(l->arena, l->root, l->c.diags);
    if (!check_is_canonical(l))
        return SL_INVALID;
    sl_load_expand_env(l);
    sl_load_rewrite(l);
    load_sections(l);
    l->is_nomem |= l->arena->n_refused > 0; /* whoever noticed */
    if (l->is_nomem)
        sl_check_error(&l->c, NULL, "out of memory: the configuration is too large");
    return l->is_nomem ? SL_NOMEM : l->c.diags->n_errors ? SL_INVALID : SL_OK;
}

/* ---- snapshots ----------------------------------------------------------------------------- */

static enum sl_rc load(struct sl_config **out, sl_str text, sl_str path, sl_str base_dir,
                       const struct sl_load_options *options, struct sl_diags *diags)
{
    static const struct sl_load_options none;
    *out = NULL;
    struct sl_config *config = calloc(1, sizeof *config);
    struct sl_load *l = calloc(1, sizeof *l);
    enum sl_rc rc = SL_NOMEM;
    if (config)
        atomic_init(&config->refs, 1);
    if (!config || !l)
        goto out;
    sl_arena_init(&config->arena, NULL, MAX_SNAPSHOT_BYTES);
    *l = (struct sl_load){
        .c = {.arena = &config->arena, .diags = diags},
        .config = config,
        .arena = &config->arena,
        .options = options ? options : &none,
        .base_dir = sl_arena_dup(&config->arena, base_dir),
    };
    l->c.is_reading_only = l->options->is_reading_only;
    sl_buf_init(&l->c.path, 16384);
    config->default_model = SL_NO_INDEX;
    config->path = sl_arena_dup(&config->arena, path);
    config->loaded_unix_s = sl_clock_unix_s();
    uint32_t n_before = diags->n_errors;
    rc = sl_sha256_hex(text, config->sha256_hex);
    if (rc == SL_OK)
        rc = load_document(l, text);
    config->document = l->root;
    sl_buf_free(&l->c.path);
    if (rc == SL_OK && diags->n_errors != n_before)
        rc = SL_INVALID;
    if (rc == SL_OK)
        config->generation = atomic_fetch_add(&next_generation, 1);
    sl_diags_sort(diags);
out:
    free(l);
    if (rc == SL_OK)
        *out = config;
    else
        sl_config_unref(config);
    return rc;
}

enum sl_rc sl_config_load_text(struct sl_config **out, sl_str text,
                               const struct sl_load_options *options, struct sl_diags *diags)
{
    return load(out, text, SL_STR(""), options ? options->base_dir : SL_STR(""), options, diags);
}

static enum sl_rc read_file(const char *path, struct sl_buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return SL_IO;
    enum sl_rc rc = SL_OK;
    for (;;) {
        char *room = sl_buf_reserve(out, 65536);
        ssize_t n = room ? read(fd, room, 65536) : -1;
        if (n < 0 && room && errno == EINTR)
            continue;
        if (n < 0)
            rc = room ? SL_IO : SL_LIMIT;
        if (n <= 0)
            break;
        out->n += (size_t)n;
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return rc;
}

/* The folder for relative paths: of the resolved file, or what the environment names. */
static bool find_base_dir(const struct sl_load_options *options, const char *resolved,
                          struct sl_diags *diags, char *out, size_t size)
{
    const struct sl_load probe = {.options = options};
    const char *given = sl_load_getenv(&probe, "VLLM_SR_CONFIG_BASE_DIR");
    struct stat info;
    if (given && *given) {
        if (given[0] != '/' || stat(given, &info) != 0 || !S_ISDIR(info.st_mode)) {
            sl_diags_add(diags, SL_ERROR, 0, 0, SL_STR(""),
                         "VLLM_SR_CONFIG_BASE_DIR is \"%s\", expected the absolute path of an "
                         "existing folder",
                         given);
            return false;
        }
        snprintf(out, size, "%s", given);
        return true;
    }
    snprintf(out, size, "%s", resolved);
    char *slash = strrchr(out, '/');
    if (slash)
        *slash = 0;
    return true;
}

enum sl_rc sl_config_load(struct sl_config **out, sl_str path,
                          const struct sl_load_options *options, struct sl_diags *diags)
{
    static const struct sl_load_options none;
    if (!options)
        options = &none;
    *out = NULL;
    char given[4096];
    char base_dir[4096];
    snprintf(given, sizeof given, "%.*s", SL_FMT(path));
    char *resolved = realpath(given, NULL);
    struct sl_buf text;
    sl_buf_init(&text, MAX_FILE_BYTES);
    enum sl_rc rc = resolved ? read_file(resolved, &text) : SL_IO;
    if (rc == SL_LIMIT)
        sl_diags_add(diags, SL_ERROR, 0, 0, SL_STR(""), "the file is larger than 32 MiB");
    else if (rc != SL_OK)
        sl_diags_add(diags, SL_ERROR, 0, 0, SL_STR(""), "cannot read the file: %s",
                     strerror_r(errno, given, sizeof given));
    else if (!find_base_dir(options, resolved, diags, base_dir, sizeof base_dir))
        rc = SL_INVALID;
    else
        rc = load(out, sl_buf_str(&text), path, sl_str_from(base_dir), options, diags);
    sl_buf_free(&text);
    free(resolved);
    return rc;
}
