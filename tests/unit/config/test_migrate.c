/* Older shapes become the canonical tree, and what they become loads. */
#include "unit.h"

#include "config/config.h"

#include <stdio.h>

static struct sl_arena arena;

static struct sl_yaml *read_vectors(void)
{
    struct sl_yaml *root = NULL;
    struct sl_err err = {0};
    struct sl_buf text;
    sl_buf_init(&text, 8u << 20);
    FILE *file = fopen(SLUICE_SOURCE_DIR "/tests/vectors/config/migrate.yaml", "rb");
    assert_non_null(file);
    char *room;
    size_t n;
    while ((room = sl_buf_reserve(&text, 65536)) && (n = fread(room, 1, 65536, file)) > 0)
        text.n += n;
    fclose(file);
    if (sl_yaml_parse(&root, &arena, sl_buf_str(&text), NULL, &err) != SL_OK)
        fail_msg("migrate.yaml:%u:%u: %s", err.line, err.column, err.message);
    sl_buf_free(&text);
    return root;
}

static bool is_same(const struct sl_yaml *a, const struct sl_yaml *b)
{
    if (!a || !b || a->kind != b->kind || a->n != b->n)
        return false;
    if (a->kind == SL_YAML_SCALAR)
        return sl_str_eq(a->text, b->text);
    for (uint32_t i = 0; i < a->n; i++)
        if (!is_same(a->items[i], a->keys ? sl_yaml_get(b, a->keys[i]->text) : b->items[i]))
            return false;
    return true;
}

static void print_tree(const struct sl_yaml *root)
{
    struct sl_buf text;
    sl_buf_init(&text, 1u << 20);
    sl_yaml_dump(&text, root);
    print_message("%.*s\n", SL_FMT(sl_buf_str(&text)));
    sl_buf_free(&text);
}

static void expect_loads(const char *name, const struct sl_yaml *root)
{
    struct sl_config *config = NULL;
    struct sl_diags diags;
    struct sl_buf text;
    const struct sl_load_options options = {.is_strict = true};
    sl_diags_init(&diags, &arena, 100);
    sl_buf_init(&text, 1u << 20);
    sl_yaml_dump(&text, root);
    enum sl_rc rc = sl_config_load_text(&config, sl_buf_str(&text), &options, &diags);
    for (uint32_t i = 0; rc != SL_OK && i < diags.n; i++)
        print_message("%s: %.*s: %.*s\n", name, SL_FMT(diags.items[i].path),
                      SL_FMT(diags.items[i].message));
    assert_int_equal(rc, SL_OK);
    sl_config_unref(config);
    sl_buf_free(&text);
}

static void test_vectors(void **state)
{
    (void)state;
    sl_arena_init(&arena, NULL, 64u << 20);
    struct sl_yaml *cases = read_vectors();
    for (uint32_t i = 0; i < cases->n; i++) {
        const char *name = sl_yaml_get(cases->items[i], SL_STR("name"))->text.p;
        struct sl_yaml *from = sl_yaml_get(cases->items[i], SL_STR("from"));
        const struct sl_yaml *to = sl_yaml_get(cases->items[i], SL_STR("to"));
        struct sl_diags diags;
        sl_diags_init(&diags, &arena, 100);
        bool is_changed = sl_config_migrate(&arena, from, &diags);
        assert_int_equal(is_changed, diags.n_warnings > 0);
        if (!is_same(from, to)) {
            print_message("%s:\n", name);
            print_tree(from);
            fail_msg("%s: not the canonical tree", name);
        }
        assert_false(sl_config_migrate(&arena, from, &diags));
        expect_loads(name, from);
    }
    print_message("%u shapes migrated\n", cases->n);
    sl_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
