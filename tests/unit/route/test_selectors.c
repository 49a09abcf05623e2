/* Selection algorithms on whole configurations: tests/vectors/algorithm/<name>.yaml. */
#include "unit.h"

#include "config/config.h"
#include "route/selector.h"

#include <stdio.h>

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

/* Loads the case's configuration as a file would be. */
static struct sl_config *load(struct sl_arena *arena, const struct sl_yaml *node)
{
    struct sl_buf text;
    struct sl_diags diags;
    struct sl_config *config = NULL;
    struct sl_load_options options = {.name = SL_STR("vector")};
    sl_buf_init(&text, 1 << 16);
    sl_diags_init(&diags, arena, 16);
    sl_yaml_dump(&text, node);
    if (sl_config_load_text(&config, sl_buf_str(&text), &options, &diags) != SL_OK)
        fail_msg("does not load: %.*s: %.*s", SL_FMT(diags.items[0].path),
                 SL_FMT(diags.items[0].message));
    sl_buf_free(&text);
    return config;
}

static void run_case(struct sl_arena *arena, const struct sl_selector_type *type,
                     const struct sl_yaml *node)
{
    const char *name = sl_yaml_get(node, SL_STR("name"))->text.p;
    sl_str expected = sl_yaml_get(node, SL_STR("expect"))->text;
    struct sl_config *config = load(arena, sl_yaml_get(node, SL_STR("config")));
    const struct sl_recipe_cfg *recipe = &config->recipes[0];
    const struct sl_decision_cfg *decision = &recipe->decisions[0];
    const struct sl_selection_input in = {.config = config, .recipe = recipe, .decision = decision};
    uint32_t chosen = type->select(decision->algorithm_cfg, &in);
    if (chosen >= decision->n_refs || !sl_str_eq(decision->refs[chosen].name, expected))
        fail_msg("%s: chose candidate %u, expected %.*s", name, chosen, SL_FMT(expected));
    sl_config_unref(config);
}

static void vectors_hold(void **state)
{
    (void)state;
    uint32_t n_types = 0;
    for (uint32_t i = 0; sl_selector_features[i]; i++) {
        const struct sl_selector_type *type = (const void *)sl_selector_features[i];
        if (!type->feature.is_active)
            continue;
        struct sl_arena arena;
        struct sl_yaml *cases = NULL;
        char path[512];
        snprintf(path, sizeof(path), SLUICE_SOURCE_DIR "/tests/vectors/algorithm/%s.yaml",
                 type->feature.name);
        sl_arena_init(&arena, NULL, 16 << 20);
        sl_str text = read_file(&arena, path);
        assert_int_equal(sl_yaml_parse(&cases, &arena, text, NULL, NULL), SL_OK);
        assert_true(cases->n > 0);
        for (uint32_t k = 0; k < cases->n; k++)
            run_case(&arena, type, cases->items[k]);
        sl_arena_reset(&arena);
        n_types++;
    }
    assert_true(n_types > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
