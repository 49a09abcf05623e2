/*
 * Every configuration of the reference's own collection loads without an error: complete files,
 * recipes, Helm values, and fragments put into a minimal configuration of their kind.
 */
#include "support/fixtures.h"
#include "unit.h"

#include "config/config.h"

#include <fnmatch.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct sl_arena arena;
static unsigned n_files;
static unsigned n_failed;

static const char *no_variable(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return NULL;
}

static void report(const char *path, const struct sl_diags *diags)
{
    n_failed++;
    for (uint32_t i = 0; i < diags->n; i++)
        if (diags->items[i].severity == SL_ERROR)
            print_message("%s:%u:%u: %.*s: %.*s\n", path, diags->items[i].line,
                          diags->items[i].column, SL_FMT(diags->items[i].path),
                          SL_FMT(diags->items[i].message));
}

static void expect_loads(const char *path, const struct sl_yaml *root)
{
    struct sl_diags diags;
    struct sl_config *config = NULL;
    struct sl_buf text;
    const struct sl_load_options options = {
        .base_dir = sl_str_from(fixture("compat/")), .is_strict = true, .getenv = no_variable};
    sl_diags_init(&diags, &arena, 1000);
    sl_buf_init(&text, 8u << 20);
    sl_yaml_dump(&text, root);
    n_files++;
    if (sl_config_load_text(&config, sl_buf_str(&text), &options, &diags) != SL_OK)
        report(path, &diags);
    sl_config_unref(config);
    sl_buf_free(&text);
}

static struct sl_yaml *parse_file(const char *path)
{
    struct sl_yaml *root = NULL;
    struct sl_err err = {0};
    struct sl_buf text;
    sl_buf_init(&text, 8u << 20);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *room;
    size_t n;
    while ((room = sl_buf_reserve(&text, 65536)) && (n = fread(room, 1, 65536, file)) > 0)
        text.n += n;
    fclose(file);
    if (sl_yaml_parse(&root, &arena, sl_buf_str(&text), NULL, &err) != SL_OK)
        fail_msg("%s:%u:%u: %s", path, err.line, err.column, err.message);
    sl_buf_free(&text);
    return root;
}

/* ---- fragments ----------------------------------------------------------------------------- */

static const char frame[] =
    "providers:\n"
    "  models:\n"
    "  - {name: qwen3-8b, backend_refs: [{endpoint: 'localhost:8000'}]}\n"
    "routing:\n"
    "  modelCards:\n"
    "  - name: qwen2.5:3b\n"
    "  - name: qwen3-8b\n"
    "  - name: qwen-coordinator\n"
    "  - {name: qwen3-32b, loras: [{name: computer-science-expert}]}\n"
    "  signals:\n"
    "    keywords:\n"
    "    - {name: urgent_keywords, operator: OR, keywords: [urgent]}\n"
    "    complexity:\n"
    "    - {name: needs_reasoning, hard: {candidates: [prove it]}, easy: {candidates: [hi]}}\n"
    "    jailbreak:\n"
    "    - {name: prompt_injection, threshold: 0.7}\n"
    "  decisions:\n"
    "  - name: route\n"
    "    modelRefs: [{model: qwen3-8b}, {model: qwen3-32b}, {model: qwen-coordinator}]\n"
    "global:\n"
    "  model_catalog:\n"
    "    embeddings: {semantic: {embedding_config: {model_type: multimodal}}}\n";

static void put(struct sl_yaml *map, const char *key, struct sl_yaml *value)
{
    if (value)
        assert_int_equal(sl_yaml_set(&arena, map, sl_str_from(key), value), SL_OK);
}

static struct sl_yaml *wrap(struct sl_yaml *fragment)
{
    struct sl_yaml *root = NULL;
    assert_int_equal(sl_yaml_parse(&root, &arena, sl_str_from(frame), NULL, NULL), SL_OK);
    struct sl_yaml *routing = sl_yaml_get(root, SL_STR("routing"));
    struct sl_yaml *decision = sl_yaml_get(routing, SL_STR("decisions"))->items[0];
    const struct sl_yaml *given = sl_yaml_get(fragment, SL_STR("routing"));
    struct sl_yaml *plugin = sl_yaml_get(fragment, SL_STR("plugin"));
    put(decision, "algorithm", sl_yaml_get(fragment, SL_STR("algorithm")));
    put(decision, "plugins", sl_yaml_get(fragment, SL_STR("plugins")));
    if (plugin) {
        struct sl_yaml *list = sl_yaml_new(&arena, SL_YAML_LIST, NULL);
        assert_int_equal(sl_yaml_push(&arena, list, plugin), SL_OK);
        put(decision, "plugins", list);
    }
    put(routing, "decisions", sl_yaml_get(given, SL_STR("decisions")));
    put(routing, "projections", sl_yaml_get(given, SL_STR("projections")));
    put(root, "global", sl_yaml_get(fragment, SL_STR("global")));
    const struct sl_yaml *signals = sl_yaml_get(given, SL_STR("signals"));
    for (uint32_t i = 0; signals && i < signals->n; i++)
        put(sl_yaml_get(routing, SL_STR("signals")), signals->keys[i]->text.p, signals->items[i]);
    bool is_known = given || plugin || sl_yaml_get(fragment, SL_STR("algorithm")) ||
                    sl_yaml_get(fragment, SL_STR("plugins")) ||
                    sl_yaml_get(fragment, SL_STR("global"));
    assert_true(is_known);
    return root;
}

static int on_fragment(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info;
    (void)place;
    if (type == FTW_F && fnmatch("*.yaml", path, 0) == 0)
        expect_loads(path, wrap(parse_file(path)));
    return 0;
}

/* ---- whole files --------------------------------------------------------------------------- */

static int on_file(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info;
    (void)place;
    if (type != FTW_F || fnmatch("*.yaml", path, 0) != 0 || strstr(path, "/dsl/") ||
        strstr(path, "probes.yaml") || strstr(path, "metadata.yaml"))
        return 0;
    struct sl_yaml *root = parse_file(path);
    struct sl_yaml *wrapped = sl_yaml_get(root, SL_STR("config"));
    expect_loads(path, wrapped && wrapped->kind == SL_YAML_MAP ? wrapped : root);
    return 0;
}

static void walk(const char *folder, __nftw_func_t visit)
{
    if (nftw(folder, visit, 16, FTW_PHYS) != 0)
        fail_msg("cannot walk %s", folder);
}

static void test_collection(void **state)
{
    (void)state;
    skip_without_fixture("compat/reference-config.yaml");
    sl_arena_init(&arena, NULL, 512u << 20);
    walk(fixture("compat/fragments"), on_fragment);
    walk(fixture("compat/goldens"), on_file);
    walk(fixture("compat/recipes"), on_file);
    walk(fixture("compat/configs"), on_file);
    expect_loads("reference-config.yaml", parse_file(fixture("compat/reference-config.yaml")));
    print_message("%u of %u configurations load\n", n_files - n_failed, n_files);
    assert_int_equal(n_failed, 0);
    assert_true(n_files > 70);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_collection)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sl_arena_reset(&arena);
    return failed;
}
