/* The loader: vectors of mistakes, and what a loaded snapshot holds. */
#include "unit.h"

#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct sl_arena arena;
static struct sl_diags diags;

static const char *lookup(void *ctx, const char *name)
{
    const struct sl_yaml *value = sl_yaml_get(ctx, sl_str_from(name));
    return value ? value->text.p : NULL;
}

static struct sl_config *load(const char *text, const struct sl_yaml *env, bool is_strict)
{
    struct sl_config *config = NULL;
    const struct sl_load_options options = {
        .getenv = lookup,
        .getenv_ctx = (void *)(uintptr_t)env,
        .is_strict = is_strict,
    };
    sl_diags_init(&diags, &arena, 1000);
    enum sl_rc rc = sl_config_load_text(&config, sl_str_from(text), &options, &diags);
    assert_true((rc == SL_OK) == (config != NULL));
    return config;
}

static struct sl_config *load_right(const char *text)
{
    struct sl_config *config = load(text, NULL, true);
    for (uint32_t i = 0; !config && i < diags.n; i++)
        print_message("%.*s: %.*s\n", SL_FMT(diags.items[i].path), SL_FMT(diags.items[i].message));
    assert_non_null(config);
    return config;
}

static int setup(void **state)
{
    (void)state;
    sl_arena_init(&arena, NULL, 256u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_arena_reset(&arena);
    return 0;
}

/* ---- vectors ------------------------------------------------------------------------------- */

static sl_str read_vectors(const char *name)
{
    struct sl_buf text;
    sl_buf_init(&text, 8u << 20);
    char path[512];
    snprintf(path, sizeof path, "%s/tests/vectors/config/%s", SLUICE_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *room;
    size_t n;
    while ((room = sl_buf_reserve(&text, 65536)) && (n = fread(room, 1, 65536, file)) > 0)
        text.n += n;
    fclose(file);
    sl_str copy = sl_arena_dup(&arena, sl_buf_str(&text));
    sl_buf_free(&text);
    return copy;
}

static bool is_named(const struct sl_diag *d, const struct sl_yaml *parts, bool *used)
{
    sl_str whole = sl_arena_printf(&arena, "%.*s: %.*s", SL_FMT(d->path), SL_FMT(d->message));
    bool is_one = false;
    for (uint32_t i = 0; parts && i < parts->n; i++) {
        if (sl_str_find(whole, parts->items[i]->text) != SIZE_MAX)
            is_one = used[i] = true;
    }
    return is_one;
}

static unsigned run_case(const struct sl_yaml *vector)
{
    const struct sl_yaml *errors = sl_yaml_get(vector, SL_STR("errors"));
    const struct sl_yaml *warnings = sl_yaml_get(vector, SL_STR("warnings"));
    const char *name = sl_yaml_get(vector, SL_STR("name"))->text.p;
    bool used[2][32] = {{false}};
    unsigned n_wrong = 0;
    struct sl_config *config =
        load(sl_yaml_get(vector, SL_STR("config"))->text.p, sl_yaml_get(vector, SL_STR("env")),
             sl_yaml_get(vector, SL_STR("strict")) != NULL);
    sl_config_unref(config);
    for (uint32_t i = 0; i < diags.n; i++) {
        const struct sl_diag *d = &diags.items[i];
        bool is_error = d->severity == SL_ERROR;
        if (!is_named(d, is_error ? errors : warnings, used[is_error]) && is_error) {
            print_message("%s: unexpected error: %.*s: %.*s\n", name, SL_FMT(d->path),
                          SL_FMT(d->message));
            n_wrong++;
        }
    }
    for (uint32_t i = 0; errors && i < errors->n; i++)
        if (!used[1][i])
            print_message("%s: no error \"%s\"\n", name, errors->items[i]->text.p), n_wrong++;
    for (uint32_t i = 0; warnings && i < warnings->n; i++)
        if (!used[0][i])
            print_message("%s: no warning \"%s\"\n", name, warnings->items[i]->text.p), n_wrong++;
    return n_wrong;
}

static void test_vectors(void **state)
{
    (void)state;
    struct sl_yaml *cases = NULL;
    struct sl_err err = {0};
    if (sl_yaml_parse(&cases, &arena, read_vectors("loader.yaml"), NULL, &err) != SL_OK)
        fail_msg("loader.yaml:%u:%u: %s", err.line, err.column, err.message);
    unsigned n_wrong = 0;
    for (uint32_t i = 0; i < cases->n; i++)
        n_wrong += run_case(cases->items[i]) != 0;
    print_message("%u of %u cases hold\n", cases->n - n_wrong, cases->n);
    assert_int_equal(n_wrong, 0);
}

/* ---- snapshots ----------------------------------------------------------------------------- */

#define STR(s, text)                                                                               \
    do {                                                                                           \
        if (!sl_str_eq((s), SL_STR(text)))                                                         \
            fail_msg("found \"%.*s\", expected \"%s\"", SL_FMT(s), text);                          \
    } while (0)

static void expect_address(const char *field, const char *text, const char *host, uint16_t port,
                           bool is_tls)
{
    char yaml[400];
    snprintf(yaml, sizeof yaml,
             "providers: {models: [{name: m, backend_refs: [{%s: '%s'}]}]}\n"
             "routing: {modelCards: [{name: m}]}\n",
             field, text);
    struct sl_config *config = load_right(yaml);
    const struct sl_backend_cfg *backend = &config->models[0].backends[0];
    if (!sl_str_eq(backend->host, sl_str_from(host)) || backend->port != port ||
        backend->is_tls != is_tls)
        fail_msg("%s: %.*s %u %d", text, SL_FMT(backend->host), backend->port, backend->is_tls);
    sl_config_unref(config);
}

static void test_addresses(void **state)
{
    (void)state;
    expect_address("endpoint", "https://h/v1", "h", 443, true);
    expect_address("endpoint", "http://h", "h", 80, false);
    expect_address("endpoint", "[::1]:9000", "::1", 9000, false);
    expect_address("endpoint", "fe80::1", "fe80::1", 80, false);
    expect_address("endpoint", "h:8000/v1/chat", "h", 8000, false);
    expect_address("endpoint", " 127.0.0.1:8001", "127.0.0.1", 8001, false);
    expect_address("endpoint", "h:port", "h", 80, false);
    expect_address("base_url", "https://api.example.com/v1", "api.example.com", 443, true);
    expect_address("base_url", "http://[::1]:8080/v1/", "::1", 8080, false);
    expect_address("base_url", "https://user:pw@h:1234", "h", 1234, true);
}

static void test_backends(void **state)
{
    (void)state;
    struct sl_config *config = load_right(
        "providers:\n"
        "  models:\n"
        "  - name: m\n"
        "    provider_model_id: vendor/m\n"
        "    backend_refs:\n"
        "    - {endpoint: 'a:1', weight: 0, api_key: k1}\n"
        "    - {endpoint: 'b:2', weight: 5, auth_header: X-Api-Key, api_key: k2}\n"
        "    - {base_url: 'https://api.openai.com/v1/', provider: openai, name: oa, api_key: k3}\n"
        "    - {base_url: 'https://x.openai.azure.com/openai/deployments/d', provider: "
        "azure-openai, api_version: '2024', api_key: k4}\n"
        "    - {base_url: 'https://api.anthropic.com', provider: anthropic, api_key: k5}\n"
        "    - {endpoint: 'c:3', chat_path: /x/chat}\n"
        "  - name: ext\n"
        "    external_model_ids: {openai: o, vllm: v}\n"
        "    pricing: {prompt_per_1m: 1}\n"
        "    backend_refs: [{endpoint: h}, {endpoint: h, type: openai}, {endpoint: h, type: z}]\n"
        "routing: {modelCards: [{name: m}, {name: ext}]}\n");
    const struct sl_model_cfg *m = &config->models[0];
    const struct sl_backend_cfg *b = m->backends;
    assert_int_equal(m->n_backends, 6);
    assert_int_equal(m->primary_backend, 1);
    STR(m->access_key, "k1");
    STR(b[0].name, "m_primary");
    STR(b[1].name, "m_backend-2");
    STR(b[2].name, "m_oa");
    assert_int_equal(b[0].weight, 1);
    STR(b[0].path, "/v1/chat/completions");
    STR(b[0].base_path, "/v1");
    STR(b[0].auth_header, "authorization");
    STR(b[0].auth_value, "Bearer k1");
    STR(b[0].model_id, "vendor/m");
    assert_false(b[0].has_profile);
    assert_int_equal(b[0].dialect, SL_DIALECT_VLLM);
    STR(b[1].auth_header, "x-api-key");
    STR(b[1].auth_value, "k2");
    STR(b[1].path, "/v1/chat/completions");
    assert_true(b[1].has_profile);
    STR(b[2].path, "/v1/chat/completions");
    assert_int_equal(b[2].dialect, SL_DIALECT_OPENAI);
    STR(b[3].path, "/openai/deployments/d/chat/completions?api-version=2024");
    STR(b[3].auth_header, "api-key");
    STR(b[3].auth_value, "k4");
    STR(b[4].path, "/v1/messages");
    STR(b[4].auth_value, "k5");
    STR(b[5].path, "/x/chat");
    assert_int_equal(b[5].auth_value.n, 0);
    const struct sl_model_cfg *ext = &config->models[1];
    STR(ext->backends[0].model_id, "v");
    STR(ext->backends[1].model_id, "o");
    assert_int_equal(ext->backends[2].model_id.n, 0);
    assert_true(ext->pricing.is_priced);
    STR(ext->pricing.currency, "USD");
    assert_ptr_equal(sl_config_model(config, SL_STR("o")), ext);
    assert_ptr_equal(sl_config_model(config, SL_STR("vendor/m")), m);
    assert_null(sl_config_model(config, SL_STR("nobody")));
    sl_config_unref(config);
}

static void test_environment(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *env;
        const char *expected;
    } cases[] = {
        {"${K:-dflt}", "{}", "dflt"},
        {"${K:-dflt}", "{K: ''}", "dflt"},
        {"${K:-dflt}", "{K: x}", "x"},
        {"${K-dflt}", "{K: ''}", ""},
        {"${K-dflt}", "{}", "dflt"},
        {"cost-$$value", "{value: no}", "cost-$value"},
        {"^ERR\\\\d+$", "{}", "^ERR\\d+$"},
        {"$100", "{'100': no}", "$100"},
        {"$1", "{'1': no}", "$1"},
        {"$K/$K_2", "{K: a, K_2: b}", "a/b"},
        {"in $USD", "{}", "in $USD"},
        {"${K", "{K: x}", "${K"},
        {"${}", "{}", "${}"},
        {"a${K}b", "{K: 'p$$q${Z}$Z', Z: no}", "ap$$q${Z}$Zb"},
        {"${K}", "{}", "${K}"},
        {"$${K}", "{K: x}", "${K}"},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_yaml *env = NULL;
        char yaml[300];
        snprintf(yaml, sizeof yaml, "routing: {modelCards: [{name: m, description: \"%s\"}]}\n",
                 cases[i].text);
        assert_int_equal(sl_yaml_parse(&env, &arena, sl_str_from(cases[i].env), NULL, NULL), SL_OK);
        struct sl_config *config = load(yaml, env, true);
        assert_non_null(config);
        if (!sl_str_eq(config->models[0].description, sl_str_from(cases[i].expected)))
            fail_msg("%s: %.*s", cases[i].text, SL_FMT(config->models[0].description));
        sl_config_unref(config);
    }
}

static void test_reading_only(void **state)
{
    (void)state;
    struct sl_config *config = NULL;
    const struct sl_load_options options = {.is_reading_only = true};
    sl_diags_init(&diags, &arena, 10);
    assert_int_equal(sl_config_load_text(
                         &config,
                         SL_STR("routing: {modelCards: [{name: m, description: '${SECRET}'}]}\n"),
                         &options, &diags),
                     SL_OK);
    STR(config->models[0].description, "${SECRET}");
    sl_config_unref(config);
    assert_int_equal(
        sl_config_load_text(
            &config,
            SL_STR("routing: {signals: {kb: [{name: k, kb: own, target: {kind: label, value: "
                   "a}}]}}\n"
                   "global: {model_catalog: {kbs: [{name: own, source: {path: /etc}}]}}\n"),
            &options, &diags),
        SL_INVALID);
    STR(diags.items[0].path, "global.model_catalog.kbs[0].source.path");
}

static enum sl_name_kind kind_of(const struct sl_config *config, const char *name)
{
    const struct sl_name_entry *entry = sl_config_name(config, sl_str_from(name));
    return entry ? entry->kind : SL_NAME_CONCRETE;
}

static void test_names(void **state)
{
    (void)state;
    struct sl_config *config = load_right("routing: {modelCards: [{name: m}]}\n");
    assert_int_equal(kind_of(config, "MoM"), SL_NAME_AUTO);
    assert_int_equal(kind_of(config, "auto"), SL_NAME_AUTO);
    assert_int_equal(kind_of(config, " auto "), SL_NAME_AUTO);
    assert_int_equal(kind_of(config, "vllm-sr/auto"), SL_NAME_AUTO);
    assert_int_equal(kind_of(config, "vllm-sr/fusion"), SL_NAME_LOOPER);
    assert_int_equal(kind_of(config, "AUTO"), SL_NAME_CONCRETE);
    assert_int_equal(kind_of(config, "m"), SL_NAME_CONCRETE);
    assert_int_equal(config->n_recipes, 1);
    STR(config->recipes[0].name, "default");
    sl_config_unref(config);

    config = load_right("routing: {}\nglobal: {router: {auto_model_name: smart}}\n");
    assert_int_equal(kind_of(config, "smart"), SL_NAME_AUTO);
    assert_int_equal(kind_of(config, "MoM"), SL_NAME_CONCRETE);
    sl_config_unref(config);

    config = load_right("routing: {}\nglobal: {router: {auto_model_names: []}}\n");
    assert_int_equal(kind_of(config, "auto"), SL_NAME_CONCRETE);
    sl_config_unref(config);

    config = load_right("routing: {modelCards: [{name: m}]}\n"
                        "recipes: [{name: fast, description: Quick, routing: {decisions: [{name: "
                        "d, modelRefs: [{model: m}]}]}}]\n"
                        "entrypoints: [{model_names: [team/fast, ' team/fast '], recipe: fast}]\n"
                        "global: {router: {include_config_models_in_list: true}}\n");
    const struct sl_name_entry *entry = sl_config_name(config, SL_STR("team/fast"));
    assert_int_equal(entry->kind, SL_NAME_ENTRYPOINT);
    STR(config->recipes[entry->recipe].name, "fast");
    STR(entry->description, "Quick");
    assert_true(config->names[config->n_names - 1].is_listed);
    STR(config->names[config->n_names - 1].name, "m");
    sl_config_unref(config);
}

static void test_order_and_domains(void **state)
{
    (void)state;
    struct sl_config *config =
        load_right("routing:\n"
                   "  projections:\n"
                   "    scores:\n"
                   "    - {name: a, method: weighted_sum, inputs: [{type: projection, name: b}]}\n"
                   "    - {name: b, method: weighted_sum, inputs: [{type: domain, name: law}]}\n"
                   "    mappings:\n"
                   "    - {name: m, source: a, outputs: [{name: low, lt: 1}]}\n"
                   "  decisions:\n"
                   "  - name: d\n"
                   "    rules: {operator: OR, conditions: [{type: domain, name: math}, {type: "
                   "domain, name: law}, {type: projection, name: low}]}\n"
                   "  - {name: e, rules: {}}\n");
    STR(config->recipes[0].scores[0].name, "b");
    STR(config->recipes[0].scores[1].name, "a");
    assert_true(config->recipes[0].decisions[0].has_rules);
    assert_false(config->recipes[0].decisions[1].has_rules);
    uint32_t n_domains = 0;
    for (uint32_t i = 0; sl_signal_features[i]; i++)
        if (!strcmp(sl_signal_features[i]->name, "domain"))
            n_domains = config->recipes[0].signals[i].n_rules;
    assert_int_equal(n_domains, 2);
    assert_true(config->n_inactive >= 2);
    sl_config_unref(config);
}

/* Depth, size and aliases are bounded by the parser; this is about time. */
static void test_thousand_decisions(void **state)
{
    (void)state;
    struct sl_buf text;
    sl_buf_init(&text, 8u << 20);
    sl_buf_add(&text, SL_STR("routing:\n  modelCards: [{name: m}]\n  signals:\n    keywords:\n"));
    for (int i = 0; i < 1000; i++)
        sl_buf_printf(&text, "    - {name: k%d, operator: OR, keywords: [word%d]}\n", i, i);
    sl_buf_add(&text, SL_STR("  decisions:\n"));
    for (int i = 0; i < 1000; i++)
        sl_buf_printf(
            &text,
            "  - {name: d%d, priority: %d, modelRefs: [{model: m}], rules: {operator: "
            "AND, conditions: [{type: keyword, name: k%d}, {type: keyword, name: k%d}]}}\n",
            i, i, i, (i * 7) % 1000);
    sl_buf_add_char(&text, 0);
    struct timespec from;
    struct timespec to;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    struct sl_config *config = load_right(text.p);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    double ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
    print_message("1,000 decisions over 1,000 rules load in %.1f ms\n", ms);
    assert_true(ms < 5000);
    assert_int_equal(config->recipes[0].n_decisions, 1000);
    sl_config_unref(config);
    sl_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_vectors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reading_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order_and_domains, setup, teardown),
        cmocka_unit_test_setup_teardown(test_thousand_decisions, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
