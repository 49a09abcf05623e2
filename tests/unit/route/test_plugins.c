/* The request plugins: their records, and tests/vectors/plugin/NAME.yaml through each. */
#include "support/plugin_case.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static struct sl_arena arena;

static int set_up(void **state)
{
    (void)state;
    sl_arena_init(&arena, NULL, 1 << 26);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sl_arena_reset(&arena);
    return 0;
}

static struct sl_yaml *load(const char *path)
{
    static char text[1 << 18];
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s is missing", path);
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    struct sl_yaml *root;
    struct sl_err err;
    if (sl_yaml_parse(&root, &arena, sl_arena_dup(&arena, sl_str_of(text, n)), NULL, &err))
        fail_msg("%s:%u: %s", path, err.line, err.message);
    return root;
}

static sl_str text_at(const struct sl_yaml *map, const char *key)
{
    struct sl_yaml *v = sl_yaml_get(map, sl_str_from(key));
    return v ? v->text : (sl_str){NULL, 0};
}

static void expect(const char *plugin, sl_str name, const char *what, sl_str got, sl_str want)
{
    if (!sl_str_eq(got, want))
        fail_msg("%s, \"%.*s\": %s\n got %.*s\nwant %.*s", plugin, SL_FMT(name), what, SL_FMT(got),
                 SL_FMT(want));
}

static void run_vectors(const char *plugin)
{
    char path[256];
    snprintf(path, sizeof path, SLUICE_SOURCE_DIR "/tests/vectors/plugin/%s.yaml", plugin);
    struct sl_yaml *cases = load(path);
    assert_true(cases->n >= 3);
    for (uint32_t i = 0; i < cases->n; i++) {
        const struct sl_yaml *c = cases->items[i];
        sl_str name = text_at(c, "name"), body = text_at(c, "body"), want = text_at(c, "expect");
        if (!body.p)
            body = SL_STR("{}");
        struct plugin_result got =
            run_plugin(&arena, plugin, sl_yaml_get(c, SL_STR("configuration")), body);
        sl_str mistake = text_at(c, "mistake");
        if (mistake.n && sl_str_find(got.mistakes, mistake) == SIZE_MAX)
            fail_msg("%s, \"%.*s\": wanted \"%.*s\" in \"%.*s\"", plugin, SL_FMT(name),
                     SL_FMT(mistake), SL_FMT(got.mistakes));
        if (!mistake.n)
            expect(plugin, name, "mistakes", got.mistakes, SL_STR(""));
        if (got.body.p)
            expect(plugin, name, "body", got.body, want.p ? want : body);
        expect(plugin, name, "headers", got.headers, text_at(c, "headers"));
        expect(plugin, name, "answer", got.answer, text_at(c, "answer"));
    }
}

static void every_plugin_meets_its_vectors(void **state)
{
    (void)state;
    for (const struct sl_plugin_type *const *p = request_plugins; *p; p++)
        run_vectors((*p)->feature.name);
}

static void check_fields(const struct sl_feature *feature, const struct sl_field *fields)
{
    for (const struct sl_field *f = fields; f && f->key; f++) {
        if (!f->help || !f->help[0])
            fail_msg("%s.%s has no help", feature->name, f->key);
        check_fields(feature, f->sub);
    }
}

static void records_are_complete_and_examples_load(void **state)
{
    (void)state;
    for (const struct sl_plugin_type *const *p = request_plugins; *p; p++) {
        const struct sl_feature *f = &(*p)->feature;
        assert_true(f->is_active && f->summary && f->help && f->example);
        assert_true((*p)->apply && (*p)->phase != SL_PHASE_NONE);
        check_fields(f, f->fields);
        struct sl_yaml *example;
        struct sl_err err;
        struct sl_diags diags;
        sl_diags_init(&diags, &arena, 5);
        assert_int_equal(sl_yaml_parse(&example, &arena, sl_str_from(f->example), NULL, &err),
                         SL_OK);
        decode_plugin(&arena, *p, example, &diags);
        if (diags.n)
            fail_msg("%s: %.*s", f->name, SL_FMT(diags.items[0].message));
    }
}

/* What the router wrote stays, whichever ran first. */
static void request_params_spares_the_routers_own_fields(void **state)
{
    (void)state;
    struct sl_json body;
    struct sl_err err;
    assert_int_equal(
        sl_json_parse(&body, &arena,
                      SL_STR("{\"model\":\"auto\",\"messages\":[],\"foo\":1,"
                             "\"chat_template_kwargs\":{\"custom\":1,\"enable_thinking\":true}}"),
                      NULL, &err),
        SL_OK);
    struct sl_rewrite r = {.body = &body, .edits = sl_splice_new(&body, &arena), .arena = &arena};
    sl_json_ref kwargs = sl_json_get(&body, 0, SL_STR("chat_template_kwargs"));
    assert_int_equal(sl_splice_set(r.edits, kwargs, SL_STR("enable_thinking"), SL_STR("false")),
                     SL_OK);
    assert_int_equal(sl_splice_set(r.edits, 0, SL_STR("stream_options"), SL_STR("{}")), SL_OK);
    struct sl_yaml *cfg;
    struct sl_diags diags;
    sl_diags_init(&diags, &arena, 5);
    assert_int_equal(
        sl_yaml_parse(&cfg, &arena,
                      SL_STR("strip_unknown: true\nblocked_params: [chat_template_kwargs]\n"), NULL,
                      &err),
        SL_OK);
    const struct sl_plugin_type *plugin = find_plugin("request_params");
    assert_int_equal(plugin->apply(decode_plugin(&arena, plugin, cfg, &diags), &r), SL_OK);
    sl_str got;
    assert_int_equal(sl_splice_flat(r.edits, &got), SL_OK);
    assert_string_equal(got.p, "{\"model\":\"auto\",\"messages\":[],"
                               "\"chat_template_kwargs\":{\"enable_thinking\":false},"
                               "\"stream_options\":{}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_plugin_meets_its_vectors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(records_are_complete_and_examples_load, set_up, tear_down),
        cmocka_unit_test_setup_teardown(request_params_spares_the_routers_own_fields, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
