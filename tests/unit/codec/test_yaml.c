#include "unit.h"

#include "codec/yaml.h"

#include <stdio.h>
#include <stdlib.h>

static struct sl_arena arena;

static int setup(void **state)
{
    (void)state;
    sl_arena_init(&arena, NULL, 64u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_arena_reset(&arena);
    return 0;
}

static struct sl_yaml *parse(const char *text)
{
    struct sl_yaml *root = NULL;
    struct sl_err err = {0};
    if (sl_yaml_parse(&root, &arena, sl_str_from(text), NULL, &err) != SL_OK)
        fail_msg("%u:%u: %s", err.line, err.column, err.message);
    return root;
}

static void expect_error(const char *text, enum sl_rc code, uint32_t line, uint32_t column,
                         const char *part)
{
    struct sl_yaml *root = NULL;
    struct sl_err err = {0};
    assert_int_equal(sl_yaml_parse(&root, &arena, sl_str_from(text), NULL, &err), code);
    assert_null(root);
    if (!strstr(err.message, part))
        fail_msg("\"%s\" lacks \"%s\"", err.message, part);
    assert_int_equal(err.line, line);
    assert_int_equal(err.column, column);
}

static const char *get(const struct sl_yaml *map, const char *key)
{
    const struct sl_yaml *value = sl_yaml_get(map, sl_str_from(key));
    return value ? value->text.p : "(absent)";
}

static void test_tree(void **state)
{
    (void)state;
    struct sl_yaml *root = parse("a: 1\nb:\n  - x\n  - 'y'\nc: {d: ~, e: \"\"}\nno: |\n  text\n");
    assert_int_equal(root->kind, SL_YAML_MAP);
    assert_string_equal(get(root, "a"), "1");
    const struct sl_yaml *b = sl_yaml_get(root, SL_STR("b"));
    assert_int_equal(b->n, 2);
    assert_int_equal(b->items[1]->line, 4);
    assert_int_equal(b->items[1]->column, 5);
    assert_true(b->items[1]->is_quoted);
    assert_false(b->items[0]->is_quoted);
    const struct sl_yaml *c = sl_yaml_get(root, SL_STR("c"));
    assert_int_equal(sl_yaml_get(c, SL_STR("d"))->kind, SL_YAML_NULL);
    assert_int_equal(sl_yaml_get(c, SL_STR("e"))->kind, SL_YAML_SCALAR);
    assert_string_equal(get(root, "no"), "text\n");
    assert_int_equal(parse("")->kind, SL_YAML_NULL);
}

static void test_aliases(void **state)
{
    (void)state;
    struct sl_yaml *root = parse("base: &b {x: 1, y: [2]}\nother: *b\n"
                                 "merged: {<<: *b, x: 9}\n"
                                 "both: {<<: [{x: 5}, *b]}\n");
    const struct sl_yaml *other = sl_yaml_get(root, SL_STR("other"));
    assert_string_equal(get(other, "x"), "1");
    assert_ptr_not_equal(other, sl_yaml_get(root, SL_STR("base")));
    const struct sl_yaml *merged = sl_yaml_get(root, SL_STR("merged"));
    assert_string_equal(get(merged, "x"), "9");
    assert_int_equal(sl_yaml_get(merged, SL_STR("y"))->n, 1);
    assert_int_equal(merged->n, 2);
    assert_string_equal(get(sl_yaml_get(root, SL_STR("both")), "x"), "5");
    /* A quoted "<<" is a key like any other. */
    assert_int_equal(parse("{\"<<\": 1}")->n, 1);
}

static void test_errors(void **state)
{
    (void)state;
    expect_error("a: 1\nb: 2\na: 3\n", SL_INVALID, 3, 1, "first at 1:1");
    expect_error("a: *x\n", SL_INVALID, 1, 4, "no anchor");
    expect_error("a: &x [*x]\n", SL_INVALID, 1, 8, "contain itself");
    expect_error("[a]: 1\n", SL_INVALID, 1, 1, "as a key");
    expect_error("a: !foo 1\n", SL_INVALID, 1, 4, "tag");
    expect_error("a: [\n", SL_INVALID, 2, 1, "not YAML");
    expect_error("a: 1\n---\nb: 1\n", SL_INVALID, 2, 1, "second document");
    expect_error("a: {<<: 3}\n", SL_INVALID, 1, 9, "merge key");
    expect_error("a: \"\\0\"\n", SL_INVALID, 1, 4, "NUL");
    char many[20 * 24];
    size_t at = 0;
    for (int i = 0; i < 20; i++)
        at += (size_t)snprintf(many + at, sizeof many - at, "key%d: 1\n", i == 19 ? 3 : i);
    expect_error(many, SL_INVALID, 20, 1, "first at 4:1");
}

static void test_limits(void **state)
{
    (void)state;
    char deep[400];
    memset(deep, '[', 200);
    memset(deep + 200, ']', 199);
    deep[399] = 0;
    expect_error(deep, SL_LIMIT, 1, 129, "deep");

    char laughs[1024];
    size_t at = (size_t)snprintf(laughs, sizeof laughs, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++)
        at += (size_t)snprintf(laughs + at, sizeof laughs - at,
                               "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
                               i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    struct sl_yaml *root = NULL;
    struct sl_err err = {0};
    const struct sl_yaml_limits limits = {.max_nodes = 100000};
    assert_int_equal(sl_yaml_parse(&root, &arena, sl_str_from(laughs), &limits, &err), SL_LIMIT);
}

static void assert_same(const struct sl_yaml *a, const struct sl_yaml *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->is_quoted, b->is_quoted);
    assert_int_equal(a->n, b->n);
    if (a->kind == SL_YAML_SCALAR && !sl_str_eq(a->text, b->text))
        fail_msg("\"%s\" became \"%s\"", a->text.p, b->text.p);
    for (uint32_t i = 0; i < a->n; i++) {
        if (a->keys)
            assert_true(sl_str_eq(a->keys[i]->text, b->keys[i]->text));
        assert_same(a->items[i], b->items[i]);
    }
}

static void test_dump(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "a: 1\nb: ['1', yes, ~, '', \"null\", 1e3]\n",
        "{}",
        "[]",
        "plain",
        "a: {b: {c: []}, d: {}}\n'no': \"a: b # c\"\n",
        "t: |\n  two\n  lines\nu: \"\\ttab \\u00e9 \\U0001F600 trailing \"\nv: '- x'\n",
        "NULL: a\n~: b\n'': c\nnull: d\n",
        "x: \"line\\n\\n  indented\\n\"\ny: \" leading\"\nz: \"a\\r\\nb\"\n",
    };
    for (size_t i = 0; i < SL_COUNT(texts); i++) {
        struct sl_yaml *root = parse(texts[i]);
        struct sl_buf out;
        sl_buf_init(&out, 1 << 20);
        sl_yaml_dump(&out, root);
        assert_int_equal(sl_buf_rc(&out), SL_OK);
        sl_buf_add_char(&out, 0);
        assert_same(root, parse(out.p));
        sl_buf_free(&out);
    }
}

static void test_edits(void **state)
{
    (void)state;
    struct sl_yaml *root = parse("a: 1\nb: 2\n");
    assert_int_equal(
        sl_yaml_set(&arena, root, SL_STR("c"), sl_yaml_new_str(&arena, SL_STR("3"), root)), SL_OK);
    assert_int_equal(
        sl_yaml_set(&arena, root, SL_STR("a"), sl_yaml_new_str(&arena, SL_STR("9"), root)), SL_OK);
    sl_yaml_remove(root, SL_STR("b"));
    assert_int_equal(root->n, 2);
    assert_string_equal(get(root, "a"), "9");
    assert_string_equal(get(root, "c"), "3");
    struct sl_yaml *copy = sl_yaml_copy(&arena, root);
    assert_same(root, copy);
}

static void test_bool(void **state)
{
    (void)state;
    struct sl_yaml *root = parse("[y, No, ON, 'yes', tRue, 1]");
    bool value = false;
    assert_true(sl_yaml_bool(root->items[0], &value) && value);
    assert_true(sl_yaml_bool(root->items[1], &value) && !value);
    assert_true(sl_yaml_bool(root->items[2], &value) && value);
    for (uint32_t i = 3; i < 6; i++)
        assert_false(sl_yaml_bool(root->items[i], &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tree, setup, teardown),
        cmocka_unit_test_setup_teardown(test_aliases, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dump, setup, teardown),
        cmocka_unit_test_setup_teardown(test_edits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bool, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
