/*
 * The acceptance cases of decisions, projections, names and selection, as data in
 * tests/vectors/{decision,projection,route}/. A case gives `routing` (and more of a policy) and
 * either `signals`, results as engines would report them, or a `request` that is routed whole; or
 * it must be `rejected` at load.
 */
#include "admin/eval.h"
#include "codec/yaml.h"
#include "route/run.h"
#include "route/select.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char base[] = "version: v0.3\n"
                           "listeners: [{name: http, address: 127.0.0.1, port: 8801}]\n"
                           "providers:\n"
                           "  defaults: {default_model: m0}\n"
                           "  models:\n"
                           "  - {name: m0, backend_refs: [{name: a, endpoint: \"127.0.0.1:9\"}]}\n"
                           "  - {name: m1, backend_refs: [{name: a, endpoint: \"127.0.0.1:9\"}]}\n"
                           "  - {name: m2, backend_refs: [{name: a, endpoint: \"127.0.0.1:9\"}]}\n"
                           "routing: {}\n";
static const char cards[] = "[{name: m0}, {name: m1, loras: [{name: law-lora}]}, {name: m2}]";

struct test {
    struct sl_arena arena;
    const struct sl_yaml *node;
    sl_str id;
    struct sl_config *config;
    struct sl_scratch *scratch;
    struct sl_slots slots;
    double totals[64];
    struct sl_verdict verdict;
};

static int n_failed, n_cases;

#define EXPECT(t, condition, ...)                                                                  \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            n_failed++;                                                                            \
            printf("%.*s: ", SL_FMT((t)->id));                                                     \
            printf(__VA_ARGS__);                                                                   \
            printf("\n");                                                                          \
        }                                                                                          \
    } while (0)

static struct sl_yaml *parse(struct sl_arena *arena, sl_str text)
{
    struct sl_yaml *root = NULL;
    struct sl_err err = {0};
    if (sl_yaml_parse(&root, arena, text, NULL, &err) != SL_OK)
        fail_msg("line %u: %s", err.line, err.message);
    return root;
}

static double number(const struct sl_yaml *node)
{
    double v = NAN;
    if (node && !sl_str_eq(node->text, SL_STR("nan")))
        assert_true(sl_str_to_f64(node->text, &v));
    return v;
}

/* The case's parts of a policy put into the base. */
static sl_str policy_text(struct test *t, struct sl_buf *out)
{
    static const char *const parts[] = {"routing", "recipes", "entrypoints", "global", "providers"};
    struct sl_yaml *root = parse(&t->arena, sl_str_from(base));
    for (size_t i = 0; i < SL_COUNT(parts); i++) {
        struct sl_yaml *part = sl_yaml_get(t->node, sl_str_from(parts[i]));
        if (part)
            assert_int_equal(sl_yaml_set(&t->arena, root, sl_str_from(parts[i]), part), SL_OK);
    }
    struct sl_yaml *routing = sl_yaml_get(root, SL_STR("routing"));
    if (!sl_yaml_get(routing, SL_STR("modelCards")))
        assert_int_equal(sl_yaml_set(&t->arena, routing, SL_STR("modelCards"),
                                     parse(&t->arena, sl_str_from(cards))),
                         SL_OK);
    sl_buf_init(out, 1 << 20);
    sl_yaml_dump(out, root);
    return sl_buf_str(out);
}

/* Loads and compiles; false when the policy is rejected, with what was said in `said`. */
static bool load(struct test *t, sl_str *said)
{
    struct sl_diags diags;
    struct sl_buf text;
    const struct sl_load_options options = {.name = t->id};
    sl_diags_init(&diags, &t->arena, 100);
    enum sl_rc rc = sl_config_load_text(&t->config, policy_text(t, &text), &options, &diags);
    if (rc == SL_OK)
        rc = sl_policy_compile(t->config, &diags);
    sl_buf_free(&text);
    *said = SL_STR("");
    for (uint32_t i = 0; i < diags.n; i++)
        if (diags.items[i].severity == SL_ERROR)
            *said = sl_arena_printf(&t->arena, "%.*s%.*s: %.*s; ", SL_FMT(*said),
                                    SL_FMT(diags.items[i].path), SL_FMT(diags.items[i].message));
    return rc == SL_OK;
}

/* ---- injected signals --------------------------------------------------------------------- */

static void make_slots(struct test *t, const struct sl_plan *plan)
{
    uint32_t words = plan->program.n_words + 1;
    t->slots = (struct sl_slots){
        .matched = SL_NEW_ARRAY(&t->arena, uint64_t, words),
        .has_conf = SL_NEW_ARRAY(&t->arena, uint64_t, words),
        .has_value = SL_NEW_ARRAY(&t->arena, uint64_t, words),
        .has_error = SL_NEW_ARRAY(&t->arena, uint64_t, words),
        .conf = SL_NEW_ARRAY(&t->arena, double, words * 64),
        .value = SL_NEW_ARRAY(&t->arena, double, words * 64),
        .order = SL_NEW_ARRAY(&t->arena, sl_slot, words * 64),
        .n_slots = plan->table.n,
    };
    for (uint32_t i = 0; i < words * 64; i++)
        t->slots.conf[i] = 1;
}

static uint32_t find_slot(const struct sl_plan *plan, sl_str full)
{
    uint64_t slot;
    return sl_map_get(&plan->table.by_name, full, &slot) ? (uint32_t)slot : SL_NO_INDEX;
}

/* {"embedding:a": {conf: 0.4}}: matched unless `matched: false`. */
static void inject(struct test *t, const struct sl_plan *plan, const struct sl_yaml *signals)
{
    for (uint32_t i = 0; signals && i < signals->n; i++) {
        uint32_t slot = find_slot(plan, signals->keys[i]->text);
        const struct sl_yaml *given = signals->items[i], *field;
        bool matched = true;
        if (slot == SL_NO_INDEX)
            continue;
        if ((field = sl_yaml_get(given, SL_STR("matched"))) != NULL)
            sl_yaml_bool(field, &matched);
        if (matched)
            sl_slot_match(&t->slots, slot);
        if ((field = sl_yaml_get(given, SL_STR("conf"))) != NULL)
            sl_slot_conf(&t->slots, slot, number(field));
        if ((field = sl_yaml_get(given, SL_STR("value"))) != NULL)
            sl_slot_value(&t->slots, slot, number(field));
        if (sl_yaml_get(given, SL_STR("error")))
            t->slots.has_error[slot >> 6] |= (uint64_t)1 << (slot & 63);
    }
}

static void decide(struct test *t)
{
    const struct sl_policy *policy = t->config->policy;
    const struct sl_plan *plan = &policy->plans[0];
    const struct sl_route_options options = {0};
    struct sl_decide_memory *memory = &t->scratch->decide;
    make_slots(t, plan);
    inject(t, plan, sl_yaml_get(t->node, SL_STR("signals")));
    for (uint32_t i = 0; i < plan->n_partitions; i++)
        sl_partition_apply(&plan->partitions[i], &t->slots, NULL);
    for (uint32_t i = 0; i < plan->n_families; i++)
        if (!strcmp(plan->families[i].type->feature.name, "embedding"))
            sl_top_k(&t->slots, plan->families[i].slots, plan->top_k, plan->table.infos);
    for (uint32_t i = 0; i < plan->projection.n_scores; i++)
        sl_projection_eval(&plan->projection, i, &t->slots, t->totals, NULL);
    assert_int_equal(sl_decide_memory_fit(memory, &plan->program), SL_OK);
    sl_program_derive(&plan->program, &t->slots);
    const struct sl_prog_decision *d =
        sl_program_decide(&plan->program, &t->slots, memory, true, &t->verdict.confidence);
    if (!d)
        return;
    sl_str *rules = SL_NEW_ARRAY(&t->arena, sl_str, d->n_nodes);
    t->verdict.n_matched_rules = sl_program_rules(&plan->program, d, &t->slots, memory, rules);
    t->verdict.matched_rules = rules;
    t->verdict.decision = d->cfg;
    sl_select_model(t->config, plan, d->cfg, &options, &t->verdict);
}

/* ---- whole requests ----------------------------------------------------------------------- */

static void route(struct test *t, const struct sl_yaml *request)
{
    const struct sl_yaml *text = sl_yaml_get(request, SL_STR("text"));
    const struct sl_yaml *user = sl_yaml_get(request, SL_STR("user"));
    struct sl_facts facts = {.current = text ? text->text : SL_STR(""),
                             .eval = text ? text->text : SL_STR(""),
                             .has_message_facts = text != NULL,
                             .user_id = user ? user->text : SL_STR("")};
    const struct sl_route_options options = {
        .needs_families = sl_yaml_get(request, SL_STR("debug")) != NULL,
        .evaluates_all = sl_yaml_get(request, SL_STR("all")) != NULL};
    facts.all_bytes = facts.eval.n;
    const struct sl_yaml *model = sl_yaml_get(request, SL_STR("model"));
    assert_int_equal(sl_route(t->config, model ? model->text : SL_STR("auto"), &facts, &options,
                              t->scratch, &t->arena, &t->verdict),
                     SL_OK);
    t->slots = t->verdict.slots;
}

/* ---- what is expected --------------------------------------------------------------------- */

static const char *status_name(enum sl_route_status status)
{
    static const char *const names[] = {"routed", "passthrough", "no_model", "unknown_model",
                                        "refused"};
    return names[status];
}

static void expect_text(struct test *t, const char *key, sl_str found)
{
    const struct sl_yaml *want =
        sl_yaml_get(sl_yaml_get(t->node, SL_STR("expect")), sl_str_from(key));
    if (want)
        EXPECT(t, sl_str_eq(want->text, found), "%s: found \"%.*s\", expected \"%.*s\"", key,
               SL_FMT(found), SL_FMT(want->text));
}

static const struct sl_plan *plan_of(const struct test *t)
{
    const struct sl_policy *policy = t->config->policy;
    for (uint32_t i = 0; i < policy->n_plans; i++)
        if (policy->plans[i].recipe == t->verdict.recipe)
            return &policy->plans[i];
    return &policy->plans[0];
}

static void expect_matches(struct test *t, const char *key, bool matched)
{
    const struct sl_yaml *list =
        sl_yaml_get(sl_yaml_get(t->node, SL_STR("expect")), sl_str_from(key));
    for (uint32_t i = 0; list && i < list->n; i++) {
        uint32_t slot = find_slot(plan_of(t), list->items[i]->text);
        bool is_matched = slot != SL_NO_INDEX && sl_slot_is_matched(&t->slots, slot);
        EXPECT(t, is_matched == matched, "%.*s: %s", SL_FMT(list->items[i]->text),
               is_matched ? "matched" : "not matched");
    }
}

static void expect_rules(struct test *t)
{
    const struct sl_yaml *list =
        sl_yaml_get(sl_yaml_get(t->node, SL_STR("expect")), SL_STR("rules"));
    if (!list)
        return;
    EXPECT(t, list->n == t->verdict.n_matched_rules, "%u matched rules, expected %u",
           t->verdict.n_matched_rules, list->n);
    for (uint32_t i = 0; i < list->n && i < t->verdict.n_matched_rules; i++)
        EXPECT(t, sl_str_eq(list->items[i]->text, t->verdict.matched_rules[i]),
               "rule %u: found %.*s, expected %.*s", i, SL_FMT(t->verdict.matched_rules[i]),
               SL_FMT(list->items[i]->text));
}

static void expect_numbers(struct test *t)
{
    const struct sl_yaml *expect = sl_yaml_get(t->node, SL_STR("expect"));
    const struct sl_yaml *conf = sl_yaml_get(expect, SL_STR("conf"));
    const struct sl_yaml *scores = sl_yaml_get(expect, SL_STR("scores"));
    const struct sl_yaml *confidence = sl_yaml_get(expect, SL_STR("confidence"));
    const struct sl_plan *plan = plan_of(t);
    if (confidence)
        EXPECT(t, fabs(number(confidence) - t->verdict.confidence) < 1e-5,
               "confidence %g, expected %.*s", t->verdict.confidence, SL_FMT(confidence->text));
    for (uint32_t i = 0; conf && i < conf->n; i++) {
        uint32_t slot = find_slot(plan, conf->keys[i]->text);
        double found = slot == SL_NO_INDEX ? NAN : t->slots.conf[slot];
        EXPECT(t, fabs(found - number(conf->items[i])) < 1e-5, "%.*s: confidence %g, expected %.*s",
               SL_FMT(conf->keys[i]->text), found, SL_FMT(conf->items[i]->text));
    }
    for (uint32_t i = 0; scores && i < scores->n; i++)
        for (uint32_t k = 0; k < plan->projection.n_scores; k++)
            if (sl_str_eq(plan->projection.scores[k].cfg->name, scores->keys[i]->text))
                EXPECT(t, fabs(t->totals[k] - number(scores->items[i])) < 1e-9,
                       "score %.*s: %g, expected %.*s", SL_FMT(scores->keys[i]->text), t->totals[k],
                       SL_FMT(scores->items[i]->text));
}

static void check(struct test *t)
{
    const struct sl_verdict *v = &t->verdict;
    expect_text(t, "decision", v->decision ? v->decision->name : SL_STR(""));
    expect_text(t, "model", v->model_name);
    expect_text(t, "method", sl_str_from(v->method));
    expect_text(t, "fallback_reason", sl_str_from(v->fallback_reason));
    expect_text(t, "status", sl_str_from(status_name(v->status)));
    expect_text(t, "recipe", v->recipe ? v->recipe->name : SL_STR(""));
    expect_text(t, "error", sl_str_from(v->error));
    expect_text(t, "effort", v->effort);
    expect_text(t, "reasoning", v->use_reasoning ? SL_STR("on") : SL_STR("off"));
    expect_rules(t);
    expect_matches(t, "matched", true);
    expect_matches(t, "unmatched", false);
    expect_numbers(t);
}

static void run_case(const struct sl_yaml *node)
{
    struct test t = {.node = node, .id = sl_yaml_get(node, SL_STR("id"))->text};
    const struct sl_yaml *rejected = sl_yaml_get(node, SL_STR("rejected"));
    const struct sl_yaml *request = sl_yaml_get(node, SL_STR("request"));
    sl_str said;
    n_cases++;
    sl_arena_init(&t.arena, NULL, 1 << 26);
    t.scratch = sl_scratch_new();
    bool is_loaded = load(&t, &said);
    if (rejected)
        EXPECT(&t, !is_loaded && sl_str_find(said, rejected->text) != SIZE_MAX,
               "expected to be rejected with \"%.*s\", found: %.*s", SL_FMT(rejected->text),
               SL_FMT(is_loaded ? SL_STR("accepted") : said));
    else
        EXPECT(&t, is_loaded, "rejected: %.*s", SL_FMT(said));
    if (is_loaded && !rejected) {
        if (request)
            route(&t, request);
        else
            decide(&t);
        check(&t);
    }
    if (t.config)
        sl_config_unref(t.config);
    sl_scratch_free(t.scratch);
    sl_arena_reset(&t.arena);
}

static void run_file(const char *path)
{
    static char text[1 << 20];
    char full[512];
    struct sl_arena arena;
    snprintf(full, sizeof(full), "%s/tests/vectors/%s", SLUICE_SOURCE_DIR, path);
    FILE *f = fopen(full, "rb");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof(text), f);
    fclose(f);
    sl_arena_init(&arena, NULL, 1 << 26);
    const struct sl_yaml *cases = parse(&arena, sl_str_of(text, n));
    n_failed = n_cases = 0;
    for (uint32_t i = 0; i < cases->n; i++)
        run_case(cases->items[i]);
    printf("%s: %d cases\n", path, n_cases);
    sl_arena_reset(&arena);
    assert_true(n_cases > 0);
    assert_int_equal(n_failed, 0);
}

static void decisions(void **state)
{
    (void)state;
    run_file("decision/decisions.yaml");
}

static void projections(void **state)
{
    (void)state;
    run_file("projection/projections.yaml");
}

static void names_and_selection(void **state)
{
    (void)state;
    run_file("route/names.yaml");
    run_file("route/selection.yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions),
        cmocka_unit_test(projections),
        cmocka_unit_test(names_and_selection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
