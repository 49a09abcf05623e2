/* Descriptions: every topic in every form, names that are near, and the schema's shape. */
#include "unit.h"

#include "codec/json.h"
#include "config/describe.h"
#include "config/feature.h"

#include <stdio.h>

struct fixture {
    struct sl_buf out;
    struct sl_arena arena;
    struct sl_topic topics[SL_TOPICS_MAX];
    uint32_t n;
};

static int set_up(void **state)
{
    static struct fixture f;
    sl_buf_init(&f.out, 16 << 20);
    sl_arena_init(&f.arena, NULL, 64 << 20);
    f.n = sl_topics(f.topics, SL_TOPICS_MAX);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sl_buf_free(&f->out);
    sl_arena_reset(&f->arena);
    return 0;
}

static struct sl_json parse(struct fixture *f)
{
    struct sl_json json;
    struct sl_err err = {0};
    if (sl_json_parse(&json, &f->arena, sl_buf_str(&f->out), NULL, &err) != SL_OK)
        fail_msg("no JSON: %s at %u:%u", err.message, err.line, err.column);
    return json;
}

static bool has(const struct sl_buf *out, const char *text)
{
    return sl_str_find(sl_buf_str(out), sl_str_from(text)) != SIZE_MAX;
}

static void a_default_that_means_something_is_told_in_words(void **state)
{
    struct fixture *f = *state;
    uint32_t i = 0;
    while (i < f->n && strcmp(f->topics[i].name, "context"))
        i++;
    assert_true(i < f->n);
    sl_buf_reset(&f->out);
    sl_describe_text(&f->out, &f->topics[i]);
    assert_true(has(&f->out, "default unlimited"));
    assert_false(has(&f->out, "1000000000M"));
}

static void every_topic_has_a_text(void **state)
{
    struct fixture *f = *state;
    assert_true(f->n > 50 && f->n < SL_TOPICS_MAX);
    for (uint32_t i = 0; i < f->n; i++) {
        sl_buf_reset(&f->out);
        sl_describe_text(&f->out, &f->topics[i]);
        assert_int_equal(sl_buf_rc(&f->out), SL_OK);
        assert_true(has(&f->out, f->topics[i].name));
        for (const struct sl_field *field = f->topics[i].fields; field && field->key; field++)
            assert_true(has(&f->out, field->key));
    }
}

static void every_topic_has_json(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < f->n; i++) {
        sl_buf_reset(&f->out);
        sl_describe_json(&f->out, &f->topics[i]);
        struct sl_json json = parse(f);
        uint32_t n_fields = 0;
        for (const struct sl_field *field = f->topics[i].fields; field && field->key; field++)
            n_fields++;
        assert_true(sl_json_is_str(&json, sl_json_get(&json, 0, SL_STR("name")),
                                   sl_str_from(f->topics[i].name)));
        assert_int_equal(sl_json_count(&json, sl_json_get(&json, 0, SL_STR("fields"))), n_fields);
        sl_arena_reset(&f->arena);
    }
}

static void pages_hold_their_kind(void **state)
{
    struct fixture *f = *state;
    sl_buf_reset(&f->out);
    sl_describe_page(&f->out, "plugin");
    assert_true(has(&f->out, "## system_prompt\n"));
    assert_true(has(&f->out, "| `targets.tool_outputs.mode` | one of: preserve, extractive"));
    assert_false(has(&f->out, "## keyword\n"));
}

static void near_names_are_told(void **state)
{
    (void)state;
    struct sl_topic topic;
    const char *nearest = NULL;
    assert_true(sl_topic_find(SL_STR(""), SL_STR("keyword"), &topic, &nearest));
    assert_string_equal(topic.kind, "signal");
    assert_true(sl_topic_find(SL_STR("algorithm"), SL_STR("fusion"), &topic, &nearest));
    assert_false(sl_topic_find(SL_STR("plugin"), SL_STR("keyword"), &topic, &nearest));
    assert_false(sl_topic_find(SL_STR(""), SL_STR("keywrod"), &topic, &nearest));
    assert_string_equal(nearest, "keyword");
    assert_false(sl_topic_find(SL_STR(""), SL_STR("zzzzzzzz"), &topic, &nearest));
    assert_null(nearest);
}

static void types_are_words(void **state)
{
    struct fixture *f = *state;
    static const char *const choices[] = {"", "a", "b", NULL};
    const struct {
        struct sl_field field;
        const char *expected;
    } cases[] = {
        {{.type = SL_F_INT, .min = 1, .max = 5}, "whole number from 1 to 5"},
        {{.type = SL_F_FLOAT, .max = 1, .flags = SL_OPEN_MIN}, "number above 0 and at most 1"},
        {{.type = SL_F_FLOAT, .min = -1e15, .max = 1e15}, "number"},
        {{.type = SL_F_ENUM, .choices = choices}, "one of: a, b"},
        {{.type = SL_F_STRS}, "list of texts"},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        sl_buf_reset(&f->out);
        sl_describe_type(&f->out, &cases[i].field);
        assert_true(sl_str_eq(sl_buf_str(&f->out), sl_str_from(cases[i].expected)));
    }
}

/* Every $ref of the schema leads to a definition; every signal list and plugin is in it. */
static void the_schema_is_whole(void **state)
{
    struct fixture *f = *state;
    sl_buf_reset(&f->out);
    sl_describe_schema(&f->out);
    struct sl_json json = parse(f);
    sl_json_ref definitions = sl_json_get(&json, 0, SL_STR("$defs"));
    sl_json_ref signals = sl_json_get(&json, sl_json_get(&json, definitions, SL_STR("signals")),
                                      SL_STR("properties"));
    uint32_t n_refs = 0;
    for (sl_json_ref r = 0; r + 1 < json.n_nodes; r++) {
        if (sl_json_type(&json, r) != SL_JSON_STRING || !sl_json_is_str(&json, r, SL_STR("$ref")))
            continue;
        sl_str path = sl_json_str(&json, r + 1, &f->arena);
        assert_true(sl_str_starts(path, SL_STR("#/$defs/")));
        sl_str name = sl_str_sub(path, 8, path.n);
        if (sl_json_get(&json, definitions, name) == SL_JSON_NONE)
            fail_msg("nothing defines %.*s", SL_FMT(name));
        n_refs++;
    }
    assert_true(n_refs > 10);
    for (uint32_t i = 0; sl_signal_features[i]; i++)
        assert_int_not_equal(
            sl_json_get(&json, signals, sl_str_from(sl_signal_features[i]->list_key)),
            SL_JSON_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_topic_has_a_text),
        cmocka_unit_test(a_default_that_means_something_is_told_in_words),
        cmocka_unit_test(every_topic_has_json),
        cmocka_unit_test(pages_hold_their_kind),
        cmocka_unit_test(near_names_are_told),
        cmocka_unit_test(types_are_words),
        cmocka_unit_test(the_schema_is_whole),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
