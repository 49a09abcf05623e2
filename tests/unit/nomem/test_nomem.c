/*
 * Memory that runs out: the n-th allocation fails, for every n until the work is done without a
 * failure; once alone and once with all that follow. Loading, parsing and routing answer with an
 * error code; AddressSanitizer sees to crashes and leaks. The linker's --wrap leads the calls of
 * our own code here; libraries keep theirs.
 */
#include "dialect/openai/chat.h"
#include "route/policy.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
int __real_posix_memalign(void **out, size_t align, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
int __wrap_posix_memalign(void **out, size_t align, size_t n);

static struct {
    bool is_armed, goes_on; /* goes_on: all after the first fail too */
    long left;              /* allocations that still succeed */
    long n_failed;
} faults;

static bool fails(void)
{
    if (!faults.is_armed || faults.left-- > 0)
        return false;
    if (faults.left < -1 && !faults.goes_on)
        return false;
    faults.n_failed++;
    return true;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return fails() ? NULL : __real_realloc(p, n);
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
    return fails() ? NULL : __real_aligned_alloc(align, n);
}

int __wrap_posix_memalign(void **out, size_t align, size_t n)
{
    return fails() ? 12 /* ENOMEM */ : __real_posix_memalign(out, align, n);
}

static void arm(long n, bool goes_on)
{
    faults.n_failed = 0;
    faults.left = n;
    faults.goes_on = goes_on;
    faults.is_armed = true;
}

/* True when a failure was met since arm(). */
static bool disarm(void)
{
    faults.is_armed = false;
    return faults.n_failed > 0;
}

static const char policy[] =
    "version: v0.3\n"
    "listeners: [{port: 8801}]\n"
    "providers:\n"
    "  defaults: {default_model: small, reasoning_families: {qwen3: {type: chat_template_kwargs, "
    "parameter: thinking}}}\n"
    "  models:\n"
    "  - name: small\n"
    "    reasoning_family: qwen3\n"
    "    pricing: {prompt_per_1m: 1}\n"
    "    reliability: {retry_count: 2, retry_on: '5xx,reset'}\n"
    "    backend_refs: [{name: a, endpoint: '127.0.0.1:1', weight: 2, api_key: k, extra_headers: "
    "{x-a: b}}]\n"
    "  - {name: large, backend_refs: [{base_url: 'https://api.openai.com/v1', provider: openai}]}\n"
    "routing:\n"
    "  modelCards: [{name: small, loras: [{name: sql}]}, {name: large, param_size: 70B}]\n"
    "  signals:\n"
    "    keywords:\n"
    "    - {name: code, operator: OR, keywords: [typeerror, parse, stack trace]}\n"
    "    - {name: maths, operator: OR, method: regex, keywords: ['pro(ve|of)[^.]* sum', "
    "'a{2,40}b']}\n"
    "    - {name: near, operator: OR, fuzzy_match: true, fuzzy_threshold: 2, keywords: [urgent]}\n"
    "    - {name: bm, operator: OR, method: bm25, keywords: [database, index]}\n"
    "    - {name: ng, operator: OR, method: ngram, keywords: [kubernetes]}\n"
    "    context: [{name: long, min_tokens: '1K', max_tokens: '8K'}]\n"
    "    language: [{name: en}, {name: de}]\n"
    "    structure: [{name: many, feature: {type: count, source: {type: regex, pattern: "
    "'[?]'}}, predicate: {gte: 2}}]\n"
    "  projections:\n"
    "    scores:\n"
    "    - name: hard\n"
    "      method: weighted_sum\n"
    "      inputs: [{type: keyword, name: code, weight: 0.5}, {type: context, name: long, weight: "
    "0.5}]\n"
    "    mappings: [{name: band, source: hard, outputs: [{name: easy, lt: 0.4}, {name: tough, gte: "
    "0.4}]}]\n"
    "  decisions:\n"
    "  - name: deep\n"
    "    priority: 9\n"
    "    rules: {operator: AND, conditions: [{type: projection, name: tough}, {operator: OR, "
    "conditions: [{type: keyword, name: maths}, {type: keyword, name: near}, {type: keyword, name: "
    "bm}, {type: keyword, name: ng}, {type: language, name: de}, {type: structure, name: "
    "many}]}]}\n"
    "    modelRefs: [{model: small, lora_name: sql, use_reasoning: true}, {model: large}]\n"
    "    plugins:\n"
    "    - {type: system_prompt, configuration: {enabled: true, system_prompt: 'Be exact.'}}\n"
    "  - name: easy\n"
    "    priority: 1\n"
    "    rules: {operator: OR, conditions: [{type: keyword, name: code}]}\n"
    "    modelRefs: [{model: small}]\n";

static enum sl_rc load(struct sl_config **out, bool *has_diags)
{
    struct sl_arena arena;
    struct sl_diags diags;
    const struct sl_load_options options = {.name = SL_STR("policy.yaml")};
    *out = NULL;
    sl_arena_init(&arena, NULL, 16 << 20);
    sl_diags_init(&diags, &arena, 10);
    enum sl_rc rc =
        sl_config_load_text(out, sl_str_of(policy, sizeof(policy) - 1), &options, &diags);
    if (rc == SL_OK)
        rc = sl_policy_compile(*out, &diags);
    *has_diags = diags.n_errors > 0;
    for (uint32_t i = 0; !faults.is_armed && i < diags.n; i++)
        fprintf(stderr, "%.*s: %.*s\n", SL_FMT(diags.items[i].path),
                SL_FMT(diags.items[i].message));
    sl_arena_reset(&arena);
    return rc;
}

static struct sl_config *load_well(void)
{
    struct sl_config *config;
    bool has_diags;
    assert_int_equal(load(&config, &has_diags), SL_OK);
    assert_false(has_diags);
    return config;
}

static const char request[] =
    "{\"model\":\"auto\",\"temperature\":0.5,\"messages\":["
    "{\"role\":\"system\",\"content\":\"You help with \\u00fcber-long traces.\"},"
    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"A TypeError: can you parse "
    "it?\"},"
    "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]},"
    "{\"role\":\"assistant\",\"content\":\"Which one? Where?\"},"
    "{\"role\":\"user\",\"content\":\"TypeError! A proof of the sum, urgnt, in the database index? "
    "Why? "
    "\\\"quoted\\\" kuberntes und auch etwas auf Deutsch, bitte sehr!\"}],"
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{}}}]}";

/* `used_bytes` of the first chunk are gone, so that chunks end at other places of the work. */
static enum sl_rc route(const struct sl_config *config, size_t used_bytes, const char **decision)
{
    struct sl_arena arena;
    struct sl_json json;
    struct sl_chat_request chat;
    struct sl_facts facts;
    struct sl_verdict verdict;
    struct sl_err err;
    enum sl_rc rc = SL_NOMEM;
    *decision = "";
    sl_arena_init(&arena, NULL, 4 << 20);
    struct sl_scratch *scratch = sl_scratch_new();
    if (scratch && sl_arena_alloc(&arena, used_bytes))
        rc = sl_chat_parse(sl_str_of(request, sizeof(request) - 1), &arena, NULL, &json, &chat,
                           &err);
    if (rc == SL_OK)
        rc = sl_chat_facts(&json, &arena, &facts);
    const struct sl_route_options options = {.evaluates_all = true};
    if (rc == SL_OK)
        rc = sl_route(config, SL_STR("auto"), &facts, &options, scratch, &arena, &verdict);
    if (rc == SL_OK && verdict.decision)
        *decision = verdict.decision->name.p;
    sl_scratch_free(scratch);
    sl_arena_reset(&arena);
    return rc;
}

/* A load that succeeds although an allocation failed must not have lost anything. */
static void expect_same(const struct sl_config *config, const char *right, long n)
{
    const char *decision;
    assert_int_equal(route(config, 1, &decision), SL_OK);
    if (strcmp(decision, right))
        fail_msg("allocation %ld failed, and the policy decides \"%s\" instead of \"%s\"", n,
                 decision, right);
}

static void loading(void **state)
{
    (void)state;
    const char *decision;
    struct sl_config *well = load_well();
    assert_int_equal(route(well, 1, &decision), SL_OK);
    char right[64];
    snprintf(right, sizeof(right), "%s", decision);
    sl_config_unref(well);
    for (int goes_on = 0; goes_on < 2; goes_on++) {
        long n = 0;
        for (bool met = true; met; n++) {
            struct sl_config *config;
            bool has_diags;
            arm(n, goes_on);
            enum sl_rc rc = load(&config, &has_diags);
            met = disarm();
            if (!met)
                assert_int_equal(rc, SL_OK);
            else if (rc == SL_OK && goes_on)
                fail_msg("allocation %ld and all later ones failed, and the load did not", n);
            if (rc == SL_OK)
                expect_same(config, right, n);
            sl_config_unref(config);
        }
        printf("loading: %ld allocations\n", n - 1);
        assert_true(n > 20);
    }
}

static void routing(void **state)
{
    (void)state;
    struct sl_config *config = load_well();
    const char *right, *decision;
    assert_int_equal(route(config, 1, &right), SL_OK);
    assert_string_not_equal(right, "");
    long n_errors = 0;
    for (size_t used = 1; used < SL_ARENA_CHUNK_BYTES; used += 193) {
        bool met = true;
        for (long n = 0; met; n++) {
            for (int goes_on = 0; goes_on < 2; goes_on++) {
                arm(n, goes_on);
                enum sl_rc rc = route(config, used, &decision);
                met = disarm();
                if (!met)
                    assert_int_equal(rc, SL_OK);
                /* Never another decision because a signal had no memory. */
                if (rc == SL_OK)
                    assert_ptr_equal(decision, right);
                else
                    assert_int_equal(rc, SL_NOMEM);
                n_errors += rc != SL_OK;
            }
        }
    }
    printf("routing: %ld errors\n", n_errors);
    assert_true(n_errors > 100);
    sl_config_unref(config);
}

static void parsing(void **state)
{
    (void)state;
    char *text = malloc(1 << 20);
    assert_non_null(text);
    size_t size = 0;
    text[size++] = '[';
    for (int i = 0; i < 20000; i++)
        size += (size_t)sprintf(text + size, "%s{\"k%d\":[\"a\\nb\",%d]}", i ? "," : "", i, i);
    text[size++] = ']';
    bool met = true;
    long n = 0;
    for (; met; n++) {
        struct sl_arena arena;
        struct sl_json json;
        struct sl_err err;
        sl_arena_init(&arena, NULL, 64 << 20);
        arm(n, false);
        enum sl_rc rc = sl_json_parse(&json, &arena, sl_str_of(text, size), NULL, &err);
        met = disarm();
        assert_int_equal(rc, met ? SL_NOMEM : SL_OK);
        sl_arena_reset(&arena);
    }
    assert_true(n > 1);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing),
        cmocka_unit_test(routing),
        cmocka_unit_test(loading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
