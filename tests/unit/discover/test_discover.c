/* Discovery: names, model lists of every server's shape, roles, and the policy as YAML. */
#include "unit.h"

#include "codec/yaml.h"
#include "discover/discover_impl.h"

#include <stdlib.h>
#include <string.h>

static void names_tell_size_and_trade(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double params_b;
        bool see, code, think, embed;
    } cases[] = {
        {"llama3.2:3b", 3, false, false, false, false},
        {"Qwen/Qwen2.5-Coder-32B-Instruct", 32, false, true, false, false},
        {"mixtral-8x7b-instruct", 56, false, false, false, false},
        {"qwen3-30b-a3b", 30, false, false, false, false},
        {"qwen2.5-vl:7b", 7, true, false, false, false},
        {"smollm2:135m", 0.135, false, false, false, false},
        {"deepseek-r1:1.5b", 1.5, false, false, true, false},
        {"gpt-4.1-mini", 0, true, false, false, false},
        {"o4-mini", 0, false, false, true, false},
        {"nomic-embed-text", 0, false, false, false, true},
        {"bge-m3", 0, false, false, false, true},
        {"phi-2-1234567890b5", 0, false, false, false, false},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_name_traits t;
        sl_name_read(sl_str_from(cases[i].name), &t);
        if (t.params_b < cases[i].params_b - 1e-9 || t.params_b > cases[i].params_b + 1e-9)
            fail_msg("%s: %g", cases[i].name, t.params_b);
        assert_int_equal(t.can_see, cases[i].see);
        assert_int_equal(t.is_code, cases[i].code);
        assert_int_equal(t.is_reasoning, cases[i].think);
        assert_int_equal(t.is_embedding, cases[i].embed);
    }
}

static const char *no_env(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return NULL;
}

static const char *all_keys(void *ctx, const char *name)
{
    (void)ctx;
    return strstr(name, "_API_KEY") ? "secret" : NULL;
}

static struct sl_pool *pool_of(const char *(*env)(void *, const char *))
{
    struct sl_pool *pool;
    struct sl_err err;
    struct sl_discover_options options = {.skips_usual_ports = true, .getenv = env};
    enum sl_rc rc = sl_discover(&pool, &options, &err);
    assert_true(rc == SL_OK || rc == SL_NOTFOUND);
    return pool;
}

static void add_local(struct sl_pool *pool, const char *body)
{
    pool->sources[pool->n_sources] = (struct sl_source){.name = SL_STR("local"),
                                                        .host = SL_STR("127.0.0.1"),
                                                        .port = 9000,
                                                        .is_local = true,
                                                        .has_answered = true};
    sl_shape_read(pool, pool->n_sources++, sl_str_from(body));
}

static const struct sl_found_model *model(const struct sl_pool *pool, const char *name)
{
    for (uint32_t i = 0; i < pool->n_models; i++)
        if (sl_str_eq(pool->models[i].name, sl_str_from(name)))
            return &pool->models[i];
    fail_msg("no model %s", name);
    return NULL;
}

static void every_shape_is_read(void **state)
{
    (void)state;
    struct sl_pool *pool = pool_of(no_env);
    add_local(pool, "{\"data\":[{\"id\":\"vllm\",\"max_model_len\":32768}]}");
    add_local(pool, "{\"models\":[{\"name\":\"ollama:latest\",\"details\":{\"parameter_size\":"
                    "\"7.6B\",\"families\":[\"qwen2\",\"clip\"]}}]}");
    add_local(pool, "{\"data\":[{\"id\":\"cpp\",\"meta\":{\"n_ctx_train\":4096,"
                    "\"n_params\":3000000000}}]}");
    add_local(pool, "{\"data\":[{\"id\":\"lms\",\"type\":\"vlm\",\"max_context_length\":8192},"
                    "{\"id\":\"lms-e\",\"type\":\"embeddings\"}]}");
    add_local(pool,
              "{\"data\":[{\"id\":\"auto\",\"owned_by\":\"x\"},{\"id\":\"q\",\"owned_by\":"
              "\"vllm-semantic-router\"},{\"id\":\"whisper-1\"},{\"id\":7},{},{\"id\":\"a\x7f\"},"
              "{\"id\":\"b\\u0085\"},{\"id\":\"c\\n\"},{\"id\":\"\"}]}");
    add_local(pool, "not json");
    assert_int_equal(pool->n_models, 5);
    assert_int_equal(model(pool, "vllm")->context_tok, 32768);
    assert_true(model(pool, "ollama:latest")->params_b > 7.5);
    assert_true(model(pool, "ollama:latest")->can_see);
    assert_int_equal(model(pool, "cpp")->context_tok, 4096);
    assert_true(model(pool, "cpp")->params_b == 3);
    assert_true(model(pool, "lms")->can_see);
    assert_true(model(pool, "lms-e")->is_embedding);
    sl_pool_free(pool);
}

static void assert_role(const struct sl_pool *pool, uint32_t index, const char *name)
{
    assert_int_not_equal(index, SL_NO_MODEL);
    if (!sl_str_eq(pool->models[index].name, sl_str_from(name)))
        fail_msg("%.*s, expected %s", SL_FMT(pool->models[index].name), name);
}

static void roles_follow_size_price_and_skill(void **state)
{
    (void)state;
    struct sl_pool *pool = pool_of(no_env);
    add_local(pool, "{\"data\":[{\"id\":\"a:3b\"},{\"id\":\"coder:14b\"},{\"id\":\"big:70b\","
                    "\"max_model_len\":8192},{\"id\":\"see-vl:7b\",\"max_model_len\":131072},"
                    "{\"id\":\"think-r1:32b\"},{\"id\":\"tiny-coder:1b\"},{\"id\":\"bge-m3\"}]}");
    add_local(pool, "{\"data\":[{\"id\":\"a:3b\"}]}"); /* the same model on a second server */
    sl_pool_rank(pool);
    const struct sl_roles *r = &pool->roles;
    assert_role(pool, r->small, "a:3b");
    assert_role(pool, r->large, "big:70b");
    assert_role(pool, r->code, "coder:14b");
    assert_role(pool, r->reasoning, "think-r1:32b");
    assert_role(pool, r->vision, "see-vl:7b");
    assert_role(pool, r->longest, "see-vl:7b");
    assert_role(pool, r->middle, "think-r1:32b");
    assert_int_equal(model(pool, "a:3b")->n_sources, 2);
    sl_pool_free(pool);
}

static sl_str scalar(const struct sl_yaml *map, const char *key)
{
    const struct sl_yaml *v = sl_yaml_get(map, sl_str_from(key));
    assert_non_null(v);
    return v->text;
}

static void check_policy(const struct sl_pool *pool, uint32_t n_decisions)
{
    struct sl_buf text;
    struct sl_arena arena;
    struct sl_yaml *root;
    struct sl_err err;
    struct sl_policy_options options = {.address = SL_STR("127.0.0.1"), .port = 8801};
    sl_buf_init(&text, 1 << 20);
    sl_arena_init(&arena, NULL, 8 << 20);
    sl_pool_policy(&text, pool, &options);
    if (sl_yaml_parse(&root, &arena, sl_buf_str(&text), NULL, &err) != SL_OK)
        fail_msg("%u: %s", err.line, err.message);
    const struct sl_yaml *routing = sl_yaml_get(root, SL_STR("routing"));
    const struct sl_yaml *decisions = sl_yaml_get(routing, SL_STR("decisions"));
    assert_true(sl_str_eq(scalar(root, "version"), SL_STR("v0.3")));
    assert_int_equal(decisions->n, n_decisions);
    for (uint32_t i = 0; i < decisions->n; i++)
        assert_true(sl_str_find(scalar(decisions->items[i], "description"),
                                SL_STR("goes to the model that is")) != SIZE_MAX);
    assert_null(memmem(text.p, text.n, "secret", 6)); /* keys stay in the environment */
    sl_arena_reset(&arena);
    sl_buf_free(&text);
}

static void policies_are_yaml_with_reasons(void **state)
{
    (void)state;
    struct sl_pool *pool = pool_of(all_keys);
    assert_int_equal(pool->n_sources, 8);
    check_policy(pool, 8);
    sl_pool_free(pool);
    pool = pool_of(no_env);
    add_local(pool, "{\"data\":[{\"id\":\"only\\\"one: #\"}]}");
    sl_pool_rank(pool);
    check_policy(pool, 7); /* nothing sees pictures */
    sl_pool_free(pool);
}

static void nothing_found_and_bad_servers(void **state)
{
    (void)state;
    struct sl_pool *pool;
    struct sl_err err;
    static const sl_str bad[] = {SL_STR_INIT("http://"), SL_STR_INIT("http://h:port"),
                                 SL_STR_INIT("http://u@h"), SL_STR_INIT("h:70000")};
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        struct sl_discover_options options = {
            .servers = &bad[i], .n_servers = 1, .skips_usual_ports = true, .getenv = no_env};
        assert_int_equal(sl_discover(&pool, &options, &err), SL_INVALID);
        sl_pool_free(pool);
    }
    static const sl_str closed = SL_STR_INIT("http://127.0.0.1:1");
    struct sl_discover_options options = {
        .servers = &closed, .n_servers = 1, .skips_usual_ports = true, .getenv = no_env};
    assert_int_equal(sl_discover(&pool, &options, &err), SL_NOTFOUND);
    sl_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_tell_size_and_trade),
        cmocka_unit_test(every_shape_is_read),
        cmocka_unit_test(roles_follow_size_price_and_skill),
        cmocka_unit_test(policies_are_yaml_with_reasons),
        cmocka_unit_test(nothing_found_and_bad_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
