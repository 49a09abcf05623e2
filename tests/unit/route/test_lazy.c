/*
 * Evaluating only what can still change the outcome gives the same outcome as evaluating
 * everything: every recorded request against its policy, the wide ones also against every recipe.
 */
#include "dialect/openai/chat.h"
#include "route/trace.h"
#include "support/fixtures.h"
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t n_requests, n_skipped, n_families;

static struct sl_config *load(const char *path)
{
    struct sl_arena arena;
    struct sl_diags diags;
    struct sl_config *config = NULL;
    const struct sl_load_options options = {0};
    sl_arena_init(&arena, NULL, 64 << 20);
    sl_diags_init(&diags, &arena, 100);
    enum sl_rc rc = sl_config_load(&config, sl_str_from(path), &options, &diags);
    if (rc == SL_OK)
        rc = sl_policy_compile(config, &diags);
    for (uint32_t i = 0; rc != SL_OK && i < diags.n; i++)
        if (diags.items[i].severity == SL_ERROR)
            printf("%s:%u: %.*s\n", path, diags.items[i].line, SL_FMT(diags.items[i].message));
    sl_arena_reset(&arena);
    return rc == SL_OK ? config : NULL;
}

static void same(const struct sl_verdict *a, const struct sl_verdict *b)
{
    assert_int_equal(a->status, b->status);
    assert_ptr_equal(a->decision, b->decision);
    assert_ptr_equal(a->ref, b->ref);
    assert_true(a->confidence == b->confidence);
    assert_int_equal(a->n_matched_rules, b->n_matched_rules);
    for (uint32_t i = 0; i < a->n_matched_rules; i++)
        assert_true(sl_str_eq(a->matched_rules[i], b->matched_rules[i]));
}

static void compare(const struct sl_config *config, sl_str body, struct sl_scratch *scratch,
                    struct sl_arena *arena)
{
    struct sl_json json;
    struct sl_err err;
    struct sl_facts facts;
    struct sl_trace trace = {.arena = arena, .is_brief = true};
    struct sl_verdict all, families, lazy;
    const struct sl_route_options every = {.evaluates_all = true};
    const struct sl_route_options whole = {.needs_families = true};
    const struct sl_route_options least = {.trace = &trace};
    if (sl_json_parse(&json, arena, body, NULL, &err) != SL_OK ||
        sl_eval_facts(&json, arena, &facts, &err) != SL_OK)
        return;
    facts.user_id = SL_STR("somebody");
    sl_str model = SL_STR("auto");
    for (uint32_t i = 0; i < config->n_names; i++)
        if (config->names[i].kind == SL_NAME_AUTO)
            model = config->names[i].name;
    assert_int_equal(sl_route(config, model, &facts, &every, scratch, arena, &all), SL_OK);
    assert_int_equal(sl_route(config, model, &facts, &whole, scratch, arena, &families), SL_OK);
    assert_int_equal(sl_route(config, model, &facts, &least, scratch, arena, &lazy), SL_OK);
    same(&all, &families);
    same(&all, &lazy);
    n_requests++;
    n_families += trace.n_signals;
    for (uint32_t i = 0; i < trace.n_signals; i++)
        n_skipped += !trace.signals[i].was_run;
}

/* Requests of a recorded file: the value of "request" of each line. */
static void replay(const struct sl_config *config, const char *cases)
{
    static char line[1 << 20];
    struct sl_arena arena;
    struct sl_scratch *scratch = sl_scratch_new();
    FILE *f = fopen(cases, "rb");
    assert_non_null(f);
    sl_arena_init(&arena, NULL, 64 << 20);
    while (fgets(line, sizeof(line), f)) {
        struct sl_json json;
        struct sl_err err;
        assert_int_equal(sl_json_parse(&json, &arena, sl_str_from(line), NULL, &err), SL_OK);
        sl_json_ref request = sl_json_get(&json, 0, SL_STR("request"));
        compare(config, sl_json_raw(&json, request), scratch, &arena);
        sl_arena_reset(&arena);
    }
    fclose(f);
    sl_scratch_free(scratch);
}

static void recorded_requests(void **state)
{
    (void)state;
    char config_path[1024], cases[1024];
    skip_without_fixture("compat/goldens");
    const char *goldens = fixture("compat/goldens");
    DIR *d = opendir(goldens);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        size_t n = strlen(e->d_name);
        if (n < 6 || strcmp(e->d_name + n - 5, ".yaml") != 0 || !strcmp(e->d_name, "wire.yaml"))
            continue;
        snprintf(config_path, sizeof(config_path), "%s/%s", goldens, e->d_name);
        snprintf(cases, sizeof(cases), "%s/%.*s.cases.jsonl", goldens, (int)(n - 5), e->d_name);
        struct sl_config *config = load(config_path);
        assert_non_null(config);
        replay(config, cases);
        sl_config_unref(config);
    }
    closedir(d);
}

static void recipes_too(void **state)
{
    (void)state;
    static const char *const names[] = {"accuracy", "agent", "balance", "feedback", "knowledge"};
    char path[1024];
    const char *cases = fixture("compat/goldens/wide_priority.cases.jsonl");
    skip_without_fixture("compat/recipes");
    for (size_t i = 0; i < SL_COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/%s/config.yaml", fixture("compat/recipes"), names[i]);
        struct sl_config *config = load(path);
        assert_non_null(config);
        replay(config, cases);
        sl_config_unref(config);
    }
    printf("%llu requests, %llu of %llu families not run\n", (unsigned long long)n_requests,
           (unsigned long long)n_skipped, (unsigned long long)n_families);
    assert_true(n_skipped > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_requests),
        cmocka_unit_test(recipes_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
