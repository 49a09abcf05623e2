/* Shape errors, facts, and rewrites of chat bodies. */
#include "dialect/openai/chat.h"
#include "unit.h"

#include <stdlib.h>

static struct sl_arena arena;
static struct sl_json body;

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

static void parse(const char *text)
{
    struct sl_err err;
    if (sl_json_parse(&body, &arena, sl_str_from(text), NULL, &err))
        fail_msg("%s: %s", text, err.message);
}

/* ---- shape ------------------------------------------------------------------------------- */

static void mistakes_are_named_in_order(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{", "malformed JSON body"},
        {"", "malformed JSON body"},
        {"{\"model\":\"a\",\"messages\":[],\"model\":\"b\"}",
         "invalid request body: duplicate key \"model\""},
        {"{\"model\":\"\xff\"}", "invalid request body: invalid UTF-8: byte 0xff"},
        {"[1]", "messages field is required"},
        {"{\"model\":\"auto\"}", "messages field is required"},
        {"{\"model\":\"auto\",\"messages\":{}}", "messages field must be an array"},
        {"{\"model\":\"auto\",\"messages\":null}", "messages field must be an array"},
        {"{\"messages\":[]}", "invalid request body: missing required field: model"},
        {"{\"model\":3,\"messages\":[]}",
         "invalid request body: field model must be string, got Number"},
        {"{\"model\":null,\"messages\":[1]}",
         "invalid request body: field model must be string, got Null"},
        {"{\"model\":\"a\",\"messages\":[1],\"stream\":\"yes\"}",
         "invalid request body: field stream must be boolean, got String"},
        {"{\"model\":\"a\",\"messages\":[1],\"metadata\":[]}",
         "invalid request body: field metadata must be object, got Array"},
        {"{\"model\":\"a\",\"messages\":[1],\"metadata\":{\"k\":1}}",
         "invalid request body: metadata value of \"k\" must be string, got Number"},
        {"{\"model\":\"a\",\"messages\":[1],\"metadata\":{\"\":\"1\"}}",
         "invalid request body: metadata keys must have 1 to 128 bytes, got 0"},
        {"{\"model\":\"a\",\"messages\":[]}", "messages field must not be empty"},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_chat_request request;
        struct sl_err err;
        assert_int_equal(
            sl_chat_parse(sl_str_from(cases[i][0]), &arena, NULL, &body, &request, &err),
            SL_INVALID);
        assert_string_equal(err.message, cases[i][1]);
    }
}

static void metadata_has_bounds(void **state)
{
    (void)state;
    for (int n = 32; n <= 33; n++) {
        struct sl_buf b;
        struct sl_chat_request request;
        struct sl_err err;
        sl_buf_init(&b, 1 << 16);
        sl_buf_add(&b, SL_STR("{\"model\":\"a\",\"messages\":[1],\"metadata\":{"));
        for (int i = 0; i < n; i++)
            sl_buf_printf(&b, "%s\"k%d\":\"v\"", i ? "," : "", i);
        sl_buf_add(&b, SL_STR("}}"));
        assert_int_equal(
            sl_chat_parse(sl_buf_str(&b), &arena, NULL, &body, &request, &err) == SL_OK, n == 32);
        if (n == 33)
            assert_string_equal(
                err.message, "invalid request body: metadata cannot contain more than 32 entries");
        sl_buf_free(&b);
    }
}

static void the_envelope_is_read(void **state)
{
    (void)state;
    struct sl_chat_request r;
    struct sl_err err;
    assert_int_equal(sl_chat_parse(SL_STR("{\"model\":\"a\\u0062\",\"messages\":[{}],"
                                          "\"stream\":true,\"stream_options\":"
                                          "{\"include_usage\":true}}"),
                                   &arena, NULL, &body, &r, &err),
                     SL_OK);
    assert_true(sl_str_eq(r.model, SL_STR("ab")) && r.is_stream && r.wants_usage);
    struct sl_verdict routed = {.status = SL_ROUTED}, passed = {.status = SL_ROUTE_PASSTHROUGH};
    assert_false(sl_chat_adds_usage(&r, &routed));
    r.wants_usage = false;
    assert_true(sl_chat_adds_usage(&r, &routed));
    assert_false(sl_chat_adds_usage(&r, &passed));
}

/* ---- facts ------------------------------------------------------------------------------- */

static struct sl_facts facts_of(const char *text)
{
    struct sl_facts f;
    parse(text);
    assert_int_equal(sl_chat_facts(&body, &arena, &f), SL_OK);
    return f;
}

#define IS(s, literal) assert_true(sl_str_eq(s, SL_STR(literal)))

static void texts_are_sorted_by_role(void **state)
{
    (void)state;
    struct sl_facts f = facts_of(
        "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},"
        "{\"role\":\"user\",\"content\":\"one\"},{\"role\":\"assistant\",\"content\":\"A\\n\"},"
        "{\"role\":\"tool\",\"content\":\"never\"},"
        "{\"role\":\"developer\",\"content\":\"D\"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"t\\u0077o\"},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}},"
        "{\"text\":\"three\"},{\"type\":\"text\",\"text\":\"\"}]},"
        "{\"role\":\"user\",\"content\":\"\"},{\"role\":\"other\",\"content\":\"x\"}],"
        "\"metadata\":{\"a\":\"b\"}}");
    IS(f.current, "two three");
    IS(f.eval, "two three");
    assert_int_equal(f.n_prior, 1);
    IS(f.prior[0], "one");
    assert_int_equal(f.n_nonuser, 3);
    IS(f.nonuser[0], "S");
    IS(f.nonuser[1], "A\n");
    IS(f.nonuser[2], "D");
    assert_int_equal(f.all_bytes, strlen("S A\n D two three"));
    IS(f.image_data_uri, "data:image/png;base64,AAAA");
    assert_int_equal(f.n_metadata, 1);
    IS(f.metadata[0].value, "b");
    assert_int_equal(f.conversation.n_user, 3);
    assert_int_equal(f.conversation.n_tool, 1);
    assert_int_equal(f.conversation.n_images, 1);
    assert_int_equal(f.conversation.n_messages, 8);
    assert_true(f.conversation.has_developer && f.conversation.has_assistant_reply);
    assert_false(f.conversation.does_last_user_follow_tool_result);
    assert_true(f.has_message_facts);
}

static void without_a_user_the_others_are_evaluated(void **state)
{
    (void)state;
    struct sl_facts f = facts_of("{\"messages\":[{\"role\":\"system\",\"content\":\"a\"},"
                                 "{\"role\":\"assistant\",\"content\":\"b\"}]}");
    assert_int_equal(f.current.n, 0);
    IS(f.eval, "a b");
    assert_int_equal(f.all_bytes, 3);
    f = facts_of("{\"messages\":[{\"role\":\"user\",\"content\":5},1,null,{}]}");
    assert_int_equal(f.eval.n, 0);
    assert_true(f.has_message_facts);
}

static void only_inline_images_of_known_types_count(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        bool is_taken;
    } cases[] = {
        {"data:image/png;base64,AA", true},      {"DATA:image/JPEG;BASE64,AA", true},
        {"data:image/webp;x=1;base64,AA", true}, {"data:image/png;base64,", false},
        {"data:image/svg+xml;base64,AA", false}, {"data:image/png,AA", false},
        {"https://example.org/a.png", false},    {"data:image/png;base64", false},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        sl_str text = sl_arena_printf(
            &arena,
            "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
            "\"image_url\":{\"url\":\"%s\"}}]}]}",
            cases[i].uri);
        struct sl_facts f = facts_of(text.p);
        assert_int_equal(f.image_data_uri.n > 0, cases[i].is_taken);
        assert_int_equal(f.conversation.n_images, 1);
    }
}

static void tools_and_limits_weigh(void **state)
{
    (void)state;
    struct sl_facts f = facts_of(
        "{\"messages\":[{\"role\":\"user\",\"content\":\"ab\"},"
        "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\","
        "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"res\"},"
        "{\"role\":\"user\",\"content\":\"cd\"}],"
        "\"tools\":[{\"a\":1}],\"functions\":[{}],\"tool_choice\":\"auto\",\"max_tokens\":50,"
        "\"max_completion_tokens\":20}");
    assert_int_equal(f.conversation.n_tool_definitions, 2);
    assert_int_equal(f.conversation.n_assistant_tool_calls, 1);
    assert_true(f.conversation.does_last_user_follow_tool_result);
    assert_false(f.conversation.is_last_tool_result);
    assert_int_equal(f.context.output_reserve_tok, 20);
    assert_int_equal(f.context.framing_tok, 4 * 4 + 8 + 8 + 2 * 8);
    assert_int_equal(f.context.structured_bytes,
                     strlen("\"{}\"") + strlen("\"res\"") + strlen("{\"a\":1}{}\"auto\""));
    assert_int_equal(f.context.text_bytes, strlen("useruserassistanttool") + strlen("c1") +
                                               strlen("abcd") + strlen("c1functionf"));
}

/* ---- the eval API ------------------------------------------------------------------------ */

static enum sl_rc eval(const char *text, struct sl_facts *f, struct sl_err *err)
{
    parse(text);
    return sl_eval_facts(&body, &arena, f, err);
}

static void eval_bodies_are_looser(void **state)
{
    (void)state;
    struct sl_facts f;
    struct sl_err err;
    assert_int_equal(eval("{\"text\":\"hello\"}", &f, &err), SL_OK);
    IS(f.eval, "hello");
    assert_int_equal(f.all_bytes, 5);
    assert_int_equal(eval("{\"text\":\" \"}", &f, &err), SL_OK);
    assert_int_equal(eval("{\"text\":\"\",\"metadata\":{\"a\":\"b\"}}", &f, &err), SL_OK);
    assert_int_equal(eval("{\"text\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":"
                          "{\"type\":\"input_text\",\"text\":\"one\"}}]}",
                          &f, &err),
                     SL_OK);
    IS(f.eval, "one");
    assert_int_equal(eval("{\"text\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":"
                          "[{\"type\":\"input_image\",\"image_url\":"
                          "\"data:image/gif;base64,AA\"}]}]}",
                          &f, &err),
                     SL_OK);
    IS(f.eval, "x");
    IS(f.image_data_uri, "data:image/gif;base64,AA");
    static const char *const bad[][2] = {
        {"{}", "text cannot be empty"},
        {"{\"text\":\"\"}", "text cannot be empty"},
        {"[]", "request body must be an object, got Array"},
        {"{\"text\":1}", "text must be a string, got Number"},
        {"{\"text\":\"a\",\"messages\":{}}", "messages must be an array, got Object"},
        {"{\"text\":\"a\",\"metadata\":{\"k\":true}}",
         "metadata value of \"k\" must be string, got Bool"},
    };
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        assert_int_equal(eval(bad[i][0], &f, &err), SL_INVALID);
        assert_string_equal(err.message, bad[i][1]);
    }
}

/* ---- reasoning --------------------------------------------------------------------------- */

static void reasoning_is_spelled_for_the_backend(void **state)
{
    (void)state;
    static const struct {
        int type;
        const char *parameter;
        int dialect;
        bool is_on;
        const char *sent, *got; /* behind "messages":[] */
    } cases[] = {
        {SL_REASONING_TEMPLATE_KWARGS, "enable_thinking", SL_DIALECT_VLLM, true, "",
         ",\"chat_template_kwargs\":{\"enable_thinking\":true}"},
        {SL_REASONING_TEMPLATE_KWARGS, "enable_thinking", SL_DIALECT_GENERIC, false,
         ",\"chat_template_kwargs\":{\"a\":1.0}",
         ",\"chat_template_kwargs\":{\"a\":1.0,\"enable_thinking\":false}"},
        {SL_REASONING_TEMPLATE_KWARGS, "enable_thinking", SL_DIALECT_VLLM, false,
         ",\"chat_template_kwargs\":null,\"reasoning_effort\":\"high\"",
         ",\"chat_template_kwargs\":{\"enable_thinking\":false}"},
        {SL_REASONING_EFFORT, "reasoning_effort", SL_DIALECT_OPENAI, true, "",
         ",\"reasoning_effort\":\"high\""},
        {SL_REASONING_EFFORT, "reasoning_effort", SL_DIALECT_OPENAI, false,
         ",\"reasoning_effort\":\"medium\"", ",\"reasoning_effort\":\"medium\""},
        {SL_REASONING_EFFORT, "reasoning_effort", SL_DIALECT_OPENAI, false, "", ""},
        {SL_REASONING_EFFORT, "effort", SL_DIALECT_OPENROUTER, true,
         ",\"reasoning_effort\":\"medium\"", ",\"effort\":\"high\""},
        {SL_REASONING_EFFORT, "reasoning_effort", SL_DIALECT_VLLM, false, "",
         ",\"chat_template_kwargs\":{\"reasoning_effort\":\"low\"}"},
        {SL_REASONING_EFFORT, "reasoning_effort", SL_DIALECT_GENERIC, false,
         ",\"reasoning_effort\":\"medium\"",
         ",\"chat_template_kwargs\":{\"reasoning_effort\":\"medium\"}"},
        {SL_REASONING_EFFORT, "reasoning_effort", SL_DIALECT_VLLM, true,
         ",\"reasoning_effort\":\"medium\"",
         ",\"chat_template_kwargs\":{\"reasoning_effort\":\"high\"}"},
        {SL_REASONING_TOP_LEVEL, "reasoning_effort", SL_DIALECT_VLLM, true,
         ",\"chat_template_kwargs\":{\"reasoning_effort\":\"x\"}",
         ",\"reasoning_effort\":\"high\""},
        {SL_REASONING_TOP_LEVEL, "reasoning_effort", SL_DIALECT_VLLM, false,
         ",\"chat_template_kwargs\":{\"a\":1,\"reasoning_effort\":\"x\"},"
         "\"reasoning_effort\":\"low\"",
         ",\"chat_template_kwargs\":{\"a\":1},\"reasoning_effort\":\"low\""},
        {SL_REASONING_TEMPLATE_KWARGS, "thinking", SL_DIALECT_DEEPSEEK, true,
         ",\"chat_template_kwargs\":{\"a\":1}",
         ",\"thinking\":{\"type\":\"enabled\"},\"reasoning_effort\":\"high\""},
        {SL_REASONING_EFFORT, "reasoning_effort", SL_DIALECT_DEEPSEEK, false,
         ",\"reasoning_effort\":\"low\",\"thinking\":1", ",\"thinking\":{\"type\":\"disabled\"}"},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_reasoning_family family = {.type = cases[i].type,
                                             .parameter = sl_str_from(cases[i].parameter)};
        struct sl_config config = {.families = &family, .n_families = 1};
        struct sl_model_cfg model = {.name = SL_STR("m")};
        struct sl_backend_cfg backend = {.dialect = (enum sl_backend_dialect)cases[i].dialect,
                                         .model_id = SL_STR("vendor/\"m")};
        struct sl_verdict verdict = {.status = SL_ROUTED,
                                     .model = &model,
                                     .model_name = model.name,
                                     .has_reasoning = true,
                                     .use_reasoning = cases[i].is_on,
                                     .effort = SL_STR("high")};
        struct sl_chat_request request;
        struct sl_err err;
        sl_str text = sl_arena_printf(&arena, "{\"model\":\"auto\",\"messages\":[1]%s}",
                                      cases[i].sent),
               want = sl_arena_printf(&arena, "{\"model\":\"vendor/\\\"m\",\"messages\":[1]%s}",
                                      cases[i].got),
               got;
        assert_int_equal(sl_chat_parse(text, &arena, NULL, &body, &request, &err), SL_OK);
        struct sl_rewrite r = {
            .body = &body, .edits = sl_splice_new(&body, &arena), .arena = &arena};
        assert_int_equal(sl_chat_rewrite(&r, &request, &config, &verdict, &backend), SL_OK);
        assert_int_equal(sl_splice_flat(r.edits, &got), SL_OK);
        assert_string_equal(got.p, want.p);
    }
}

static void a_model_by_its_own_name_keeps_every_byte(void **state)
{
    (void)state;
    struct sl_model_cfg model = {.name = SL_STR("m"), .reasoning_family = SL_NO_INDEX};
    struct sl_backend_cfg backend = {.weight = 1};
    struct sl_config config = {.n_families = 0};
    struct sl_verdict verdict = {
        .status = SL_ROUTE_PASSTHROUGH, .model = &model, .model_name = model.name};
    struct sl_chat_request request;
    struct sl_err err;
    assert_int_equal(sl_chat_parse(SL_STR(" {\"model\" : \"m\", \"stream\":true,\"messages\":[1]}"),
                                   &arena, NULL, &body, &request, &err),
                     SL_OK);
    struct sl_rewrite r = {.body = &body, .edits = sl_splice_new(&body, &arena), .arena = &arena};
    assert_int_equal(sl_chat_rewrite(&r, &request, &config, &verdict, &backend), SL_OK);
    assert_true(sl_splice_is_empty(r.edits));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(mistakes_are_named_in_order),
        TEST(metadata_has_bounds),
        TEST(the_envelope_is_read),
        TEST(texts_are_sorted_by_role),
        TEST(without_a_user_the_others_are_evaluated),
        TEST(only_inline_images_of_known_types_count),
        TEST(tools_and_limits_weigh),
        TEST(eval_bodies_are_looser),
        TEST(reasoning_is_spelled_for_the_backend),
        TEST(a_model_by_its_own_name_keeps_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
