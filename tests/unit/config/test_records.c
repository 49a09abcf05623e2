/*
 * The checks of records and global sections: tests/vectors/mistakes/records.yaml, each part put
 * into a configuration that loads.
 */
#include "unit.h"

#include "config/config.h"

#include <stdio.h>

static const char base[] = "routing:\n"
                           "  modelCards: [{name: a}, {name: b}, {name: c}]\n"
                           "  decisions:\n"
                           "    - {name: d, modelRefs: [{model: a}, {model: b}]}\n"
                           "providers:\n"
                           "  models:\n"
                           "    - {name: a, backend_refs: [{endpoint: \"127.0.0.1:1\"}]}\n";

static sl_str read_file(struct sl_arena *arena, const char *path)
{
    char text[65536];
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("no %s", path);
    size_t n = fread(text, 1, sizeof(text), file);
    fclose(file);
    assert_true(n < sizeof(text));
    return sl_arena_dup(arena, sl_str_of(text, n));
}

/* The base with the case's part in its place. */
static struct sl_yaml *compose(struct sl_arena *arena, const struct sl_yaml *part)
{
    struct sl_yaml *root = NULL;
    assert_int_equal(sl_yaml_parse(&root, arena, sl_str_from(base), NULL, NULL), SL_OK);
    struct sl_yaml *routing = sl_yaml_get(root, SL_STR("routing"));
    struct sl_yaml *decision = sl_yaml_get(routing, SL_STR("decisions"))->items[0];
    struct sl_yaml *plugin = sl_yaml_get(part, SL_STR("plugin"));
    struct sl_yaml *algorithm = sl_yaml_get(part, SL_STR("algorithm"));
    struct sl_yaml *signals = sl_yaml_get(part, SL_STR("signals"));
    struct sl_yaml *global = sl_yaml_get(part, SL_STR("global"));
    enum sl_rc rc = SL_OK;
    if (plugin) {
        struct sl_yaml *list = sl_yaml_new(arena, SL_YAML_LIST, plugin);
        rc |= sl_yaml_push(arena, list, plugin);
        rc |= sl_yaml_set(arena, decision, SL_STR("plugins"), list);
    }
    if (algorithm)
        rc |= sl_yaml_set(arena, decision, SL_STR("algorithm"), algorithm);
    if (signals)
        rc |= sl_yaml_set(arena, routing, SL_STR("signals"), signals);
    if (global)
        rc |= sl_yaml_set(arena, root, SL_STR("global"), global);
    assert_int_equal(rc, SL_OK);
    return root;
}

static bool is_found(const struct sl_diags *diags, sl_str at, sl_str says)
{
    for (uint32_t i = 0; i < diags->n; i++) {
        if (diags->items[i].severity == SL_ERROR && sl_str_ends(diags->items[i].path, at) &&
            sl_str_find(diags->items[i].message, says) != SIZE_MAX)
            return true;
    }
    return false;
}

static bool run_case(struct sl_arena *arena, const struct sl_yaml *part)
{
    struct sl_buf text;
    struct sl_diags diags;
    struct sl_config *config = NULL;
    struct sl_load_options options = {.name = SL_STR("vector")};
    const struct sl_yaml *at = sl_yaml_get(part, SL_STR("at"));
    const struct sl_yaml *says = sl_yaml_get(part, SL_STR("says"));
    sl_buf_init(&text, 1 << 16);
    sl_diags_init(&diags, arena, 32);
    sl_yaml_dump(&text, compose(arena, part));
    enum sl_rc rc = sl_config_load_text(&config, sl_buf_str(&text), &options, &diags);
    sl_config_unref(config);
    sl_buf_free(&text);
    bool is_right = says ? rc != SL_OK && is_found(&diags, at ? at->text : SL_STR(""), says->text)
                         : rc == SL_OK;
    for (uint32_t i = 0; !is_right && i < diags.n; i++)
        print_message("line %u: %.*s: %.*s\n", part->line, SL_FMT(diags.items[i].path),
                      SL_FMT(diags.items[i].message));
    if (!is_right)
        print_message("line %u: %s\n", part->line, says ? "not found" : "should load");
    return is_right;
}

static void mistakes_are_found(void **state)
{
    (void)state;
    struct sl_arena arena;
    struct sl_yaml *cases = NULL;
    struct sl_err err = {0};
    uint32_t n_wrong = 0;
    sl_arena_init(&arena, NULL, 256 << 20);
    sl_str text = read_file(&arena, SLUICE_SOURCE_DIR "/tests/vectors/mistakes/records.yaml");
    if (sl_yaml_parse(&cases, &arena, text, NULL, &err) != SL_OK)
        fail_msg("line %u: %s", err.line, err.message);
    assert_true(cases->n > 60);
    for (uint32_t i = 0; i < cases->n; i++)
        n_wrong += !run_case(&arena, cases->items[i]);
    sl_arena_reset(&arena);
    assert_int_equal(n_wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(mistakes_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
