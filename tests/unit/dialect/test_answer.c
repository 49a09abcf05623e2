/* Bodies that the router writes itself, and usage of those it relays. */
#include "codec/sse.h"
#include "dialect/openai/answer.h"
#include "unit.h"

static struct sl_arena arena;
static struct sl_buf out;

static int set_up(void **state)
{
    (void)state;
    sl_arena_init(&arena, NULL, 1 << 24);
    sl_buf_init(&out, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sl_arena_reset(&arena);
    sl_buf_free(&out);
    return 0;
}

static void is_written(const char *want)
{
    sl_buf_add_char(&out, 0);
    assert_string_equal(out.p, want);
    sl_buf_reset(&out);
}

static void usage_is_read(void **state)
{
    (void)state;
    struct sl_json j;
    struct sl_usage u;
    assert_int_equal(
        sl_json_parse(&j, &arena,
                      SL_STR("{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,"
                             "\"total_tokens\":15,\"prompt_tokens_details\":{\"cached_tokens\":4},"
                             "\"completion_tokens_details\":{\"reasoning_tokens\":2}}}"),
                      NULL, NULL),
        SL_OK);
    assert_true(sl_answer_usage(&j, &u));
    assert_int_equal(u.prompt_tok, 10);
    assert_int_equal(u.completion_tok, 5);
    assert_int_equal(u.total_tok, 15);
    assert_int_equal(u.cached_tok, 4);
    assert_int_equal(u.reasoning_tok, 2);
    static const char *const none[] = {"{}", "[]", "{\"usage\":null}", "{\"usage\":[1]}", "1"};
    for (size_t i = 0; i < SL_COUNT(none); i++) {
        assert_int_equal(sl_json_parse(&j, &arena, sl_str_from(none[i]), NULL, NULL), SL_OK);
        assert_false(sl_answer_usage(&j, &u));
        assert_int_equal(u.prompt_tok, 0);
    }
    assert_int_equal(sl_json_parse(&j, &arena,
                                   SL_STR("{\"usage\":{\"prompt_tokens\":-1,"
                                          "\"completion_tokens\":\"x\"}}"),
                                   NULL, NULL),
                     SL_OK);
    assert_true(sl_answer_usage(&j, &u) && u.prompt_tok == 0 && u.completion_tok == 0);
}

static void errors_have_a_type_by_status(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *type;
    } cases[] = {
        {400, "invalid_request_error"}, {401, "authentication_error"},  {403, "permission_error"},
        {404, "invalid_request_error"}, {405, "invalid_request_error"}, {408, "timeout_error"},
        {413, "invalid_request_error"}, {429, "rate_limit_error"},      {500, "server_error"},
        {502, "server_error"},          {503, "server_error"},          {504, "timeout_error"},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++)
        assert_string_equal(sl_error_type(cases[i].status), cases[i].type);
    sl_answer_error(&out, 400, SL_STR("model \"x\" is not available"));
    is_written("{\"error\":{\"message\":\"model \\\"x\\\" is not available\",\"type\":"
               "\"invalid_request_error\",\"code\":400}}");
}

static void fast_answers_are_complete(void **state)
{
    (void)state;
    sl_answer_fast_json(&out, SL_STR("no\n"), 1700000000);
    struct sl_json j;
    struct sl_usage usage;
    assert_int_equal(sl_json_parse(&j, &arena, sl_buf_str(&out), NULL, NULL), SL_OK);
    sl_json_ref choices = sl_json_get(&j, 0, SL_STR("choices")),
                message = sl_json_get(&j, sl_json_at(&j, choices, 0), SL_STR("message"));
    assert_int_equal(sl_json_count(&j, choices), 1);
    assert_true(sl_json_is_str(&j, sl_json_get(&j, message, SL_STR("content")), SL_STR("no\n")));
    assert_true(sl_json_is_str(&j, sl_json_get(&j, message, SL_STR("role")), SL_STR("assistant")));
    assert_true(sl_json_is_str(&j, sl_json_get(&j, 0, SL_STR("model")), SL_STR("router")));
    assert_true(
        sl_json_is_str(&j, sl_json_get(&j, 0, SL_STR("id")), SL_STR("chatcmpl-fast-1700000000")));
    assert_true(
        sl_json_is_str(&j, sl_json_get(&j, choices + 1, SL_STR("finish_reason")), SL_STR("stop")));
    assert_true(sl_answer_usage(&j, &usage) && usage.total_tok == 0);
    sl_buf_reset(&out);
}

struct deltas {
    struct sl_buf text;
    int n_content, n_roles, n_finished, n_done, n_usage;
};

static enum sl_rc take(void *ctx, const struct sl_sse_event *event)
{
    struct deltas *d = ctx;
    if (sl_str_eq(event->data, SL_STR("[DONE]"))) {
        d->n_done++;
        return SL_OK;
    }
    struct sl_json j;
    assert_int_equal(sl_json_parse(&j, &arena, event->data, NULL, NULL), SL_OK);
    sl_json_ref choice = sl_json_at(&j, sl_json_get(&j, 0, SL_STR("choices")), 0);
    sl_json_ref delta = sl_json_get(&j, choice, SL_STR("delta"));
    sl_str content = sl_json_str(&j, sl_json_get(&j, delta, SL_STR("content")), &arena);
    sl_buf_add(&d->text, content);
    d->n_content += content.p != NULL;
    d->n_roles += sl_json_get(&j, delta, SL_STR("role")) != SL_JSON_NONE;
    d->n_finished +=
        sl_json_is_str(&j, sl_json_get(&j, choice, SL_STR("finish_reason")), SL_STR("stop"));
    d->n_usage += sl_json_get(&j, 0, SL_STR("usage")) != SL_JSON_NONE;
    return SL_OK;
}

static void fast_streams_keep_white_space(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        int n_words;
    } cases[] = {
        {"Request blocked by policy", 4}, {"one\n\n  two\n", 2}, {"  lead", 1}, {"", 1}, {" ", 1},
        {"caf\xc3\xa9 \xe6\xbc\xa2", 2},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        for (int wants_usage = 0; wants_usage < 2; wants_usage++) {
            struct deltas d = {0};
            struct sl_sse p;
            sl_buf_init(&d.text, 4096);
            sl_answer_fast_sse(&out, sl_str_from(cases[i].message), wants_usage, 1700000000);
            sl_sse_init(&p, 4096, take, &d);
            assert_int_equal(sl_sse_feed(&p, sl_buf_str(&out)), SL_OK);
            assert_true(sl_str_eq(sl_buf_str(&d.text), sl_str_from(cases[i].message)));
            assert_int_equal(d.n_content, cases[i].n_words);
            assert_true(d.n_roles == 1 && d.n_finished == 1 && d.n_done == 1);
            assert_int_equal(d.n_usage, wants_usage);
            sl_sse_free(&p);
            sl_buf_free(&d.text);
            sl_buf_reset(&out);
        }
    }
}

static void models_are_listed_in_order(void **state)
{
    (void)state;
    struct sl_recipe_cfg recipes[] = {{.name = SL_STR("default")}, {.name = SL_STR("coding")}};
    struct sl_name_entry names[] = {
        {SL_STR("auto"), SL_NAME_AUTO, 0, SL_STR("Router"), true},
        {SL_STR("hidden"), SL_NAME_AUTO, 0, SL_STR(""), false},
        {SL_STR("code"), SL_NAME_ENTRYPOINT, 1, SL_STR("For code"), true},
        {SL_STR("m"), SL_NAME_CONCRETE, SL_NO_INDEX, {NULL, 0}, true},
    };
    struct sl_config config = {.recipes = recipes, .n_recipes = 2, .names = names, .n_names = 4};
    sl_answer_models(&out, &config, 5);
    is_written(
        "{\"object\":\"list\",\"data\":["
        "{\"id\":\"auto\",\"object\":\"model\",\"created\":5,\"owned_by\":\"vllm-semantic-router\","
        "\"description\":\"Router\",\"routing\":{\"resolution\":\"virtual\",\"selectable\":true,"
        "\"default_route\":true,\"recipe\":\"default\"}},"
        "{\"id\":\"code\",\"object\":\"model\",\"created\":5,\"owned_by\":\"vllm-semantic-router\","
        "\"description\":\"For code\",\"routing\":{\"resolution\":\"virtual\",\"selectable\":true,"
        "\"recipe\":\"coding\"}},"
        "{\"id\":\"m\",\"object\":\"model\",\"created\":5,\"owned_by\":\"upstream-endpoint\","
        "\"routing\":{\"resolution\":\"passthrough\",\"selectable\":false}}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage_is_read),
        cmocka_unit_test(errors_have_a_type_by_status),
        cmocka_unit_test(fast_answers_are_complete),
        cmocka_unit_test(fast_streams_keep_white_space),
        cmocka_unit_test(models_are_listed_in_order),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
