/* Signals that rest on vectors: tests/vectors/signals/learned.yaml, whole requests over a stub. */
#include "codec/yaml.h"
#include "route/infer.h"
#include "route/plan.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FOLDER SLUICE_SOURCE_DIR "/tests/vectors/signals"

struct policy {
    struct sl_arena arena;
    const struct sl_yaml *node;
    struct sl_config *config;
    struct sl_scratch *scratch;
    sl_str id;
    uint32_t n_asked; /* cases that asked */
};

static struct sl_yaml *parse(struct sl_arena *arena, sl_str text)
{
    struct sl_yaml *root = NULL;
    struct sl_err err = {0};
    if (sl_yaml_parse(&root, arena, text, NULL, &err) != SL_OK)
        fail_msg("%s", err.message);
    return root;
}

static struct sl_yaml *read_cases(struct sl_arena *arena)
{
    static char text[1 << 16];
    FILE *file = fopen(FOLDER "/learned.yaml", "r");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof(text), file);
    fclose(file);
    assert_true(n > 0 && n < sizeof(text));
    return parse(arena, sl_str_of(text, n));
}

/* ---- the stub ------------------------------------------------------------------------------ */

static struct sl_vector vector_of(struct policy *p, const struct sl_yaml *list)
{
    float *numbers = SL_NEW_ARRAY(&p->arena, float, list->n);
    double sum = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        double number;
        assert_true(sl_str_to_f64(list->items[i]->text, &number));
        numbers[i] = (float)number;
        sum += number * number;
    }
    for (uint32_t i = 0; i < list->n; i++)
        numbers[i] /= (float)sqrt(sum);
    return (struct sl_vector){numbers, list->n};
}

static void answer(struct policy *p, struct sl_infer *infer)
{
    const struct sl_yaml *vectors = sl_yaml_get(p->node, SL_STR("vectors"));
    for (uint32_t i = 0; i < infer->n; i++) {
        const struct sl_yaml *v = sl_yaml_get(vectors, infer->asks[i].text);
        if (infer->asks[i].status != SL_INFER_OPEN)
            continue;
        if (!v)
            fail_msg("%.*s: no vector for \"%.*s\"", SL_FMT(p->id), SL_FMT(infer->asks[i].text));
        sl_infer_answer(infer, i, vector_of(p, v));
    }
}

/* ---- policies ------------------------------------------------------------------------------ */

static const char base[] =
    "version: v0.3\n"
    "listeners: [{name: l, address: 127.0.0.1, port: 8801}]\n"
    "providers: {defaults: {default_model: m}, models: [{name: m, backend_refs:\n"
    "  [{name: b, endpoint: '127.0.0.1:9', protocol: http, weight: 1}]}]}\n"
    "routing: {modelCards: [{name: m}], decisions: []}\n"
    "global: {model_catalog: {embeddings: {semantic: {endpoint: {base_url: 'http://127.0.0.1:9',\n"
    "  model: stub},\n"
    "  embedding_config: {backend: openai_compatible, model_type: remote,\n"
    "  target_dimension: 0}}}}}\n";

static struct sl_yaml *get(const struct sl_yaml *node, const char *key)
{
    return sl_yaml_get(node, sl_str_from(key));
}

static void load(struct policy *p)
{
    struct sl_yaml *root = parse(&p->arena, sl_str_from(base));
    struct sl_yaml *routing = get(root, "routing");
    struct sl_yaml *catalog = get(get(root, "global"), "model_catalog");
    struct sl_yaml *embedding =
        get(get(get(catalog, "embeddings"), "semantic"), "embedding_config");
    const struct sl_yaml *given = get(p->node, "embedding");
    for (uint32_t i = 0; given && i < given->n; i++)
        assert_int_equal(sl_yaml_set(&p->arena, embedding, given->keys[i]->text, given->items[i]),
                         SL_OK);
    static const char *const parts[][2] = {{"signals", "routing"},
                                           {"projections", "routing"},
                                           {"modules", "catalog"},
                                           {"kbs", "catalog"}};
    for (size_t i = 0; i < SL_COUNT(parts); i++) {
        struct sl_yaml *part = get(p->node, parts[i][0]);
        if (part)
            assert_int_equal(sl_yaml_set(&p->arena, parts[i][1][0] == 'r' ? routing : catalog,
                                         sl_str_from(parts[i][0]), part),
                             SL_OK);
    }
    struct sl_buf text;
    struct sl_diags diags;
    const struct sl_load_options options = {.name = p->id, .base_dir = SL_STR(FOLDER)};
    sl_buf_init(&text, 1 << 20);
    sl_yaml_dump(&text, root);
    sl_diags_init(&diags, &p->arena, 100);
    enum sl_rc rc = sl_config_load_text(&p->config, sl_buf_str(&text), &options, &diags);
    if (rc == SL_OK)
        rc = sl_policy_compile(p->config, &diags);
    sl_buf_free(&text);
    if (rc != SL_OK)
        fail_msg("%.*s: %.*s", SL_FMT(p->id), SL_FMT(diags.items[0].message));
    assert_int_equal(p->config->n_inactive, 0);
}

static void learn(struct policy *p)
{
    struct sl_infer infer;
    struct sl_err err = {0};
    sl_infer_init(&infer, &p->arena, 1000);
    assert_int_equal(sl_policy_ask(p->config, &infer), SL_OK);
    answer(p, &infer);
    if (sl_policy_learn(p->config, &infer, &err) != SL_OK)
        fail_msg("%.*s: %s", SL_FMT(p->id), err.message);
}

/* ---- cases --------------------------------------------------------------------------------- */

static uint32_t find_slot(const struct policy *p, sl_str full)
{
    uint64_t slot = 0;
    const struct sl_policy *policy = p->config->policy;
    if (!sl_map_get(&policy->plans[0].table.by_name, full, &slot))
        fail_msg("%.*s: no slot %.*s", SL_FMT(p->id), SL_FMT(full));
    return (uint32_t)slot;
}

static void expect_matches(const struct policy *p, const struct sl_yaml *names, bool matched,
                           const struct sl_slots *slots, sl_str text)
{
    for (uint32_t i = 0; names && i < names->n; i++)
        if (sl_slot_is_matched(slots, find_slot(p, names->items[i]->text)) != matched)
            fail_msg("%.*s, \"%.*s\": %.*s is %smatched", SL_FMT(p->id), SL_FMT(text),
                     SL_FMT(names->items[i]->text), matched ? "not " : "");
}

static void expect_numbers(const struct policy *p, const struct sl_yaml *numbers,
                           const double *found, const uint64_t *has, sl_str text)
{
    for (uint32_t i = 0; numbers && i < numbers->n; i++) {
        uint32_t slot = find_slot(p, numbers->keys[i]->text);
        double want;
        assert_true(sl_str_to_f64(numbers->items[i]->text, &want));
        if (!sl_bit(has, slot) || fabs(found[slot] - want) > 1e-5)
            fail_msg("%.*s, \"%.*s\": %.*s is %f, expected %f", SL_FMT(p->id), SL_FMT(text),
                     SL_FMT(numbers->keys[i]->text), found[slot], want);
    }
}

static void run_case(struct policy *p, const struct sl_yaml *node)
{
    struct sl_infer infer;
    struct sl_verdict verdict;
    const struct sl_yaml *prior = get(node, "prior");
    sl_str texts[8], text = get(node, "text")->text;
    for (uint32_t i = 0; prior && i < prior->n; i++)
        texts[i] = prior->items[i]->text;
    const struct sl_facts facts = {.current = text,
                                   .eval = text,
                                   .prior = texts,
                                   .n_prior = prior ? prior->n : 0,
                                   .has_message_facts = true};
    sl_infer_init(&infer, &p->arena, SL_INFER_MAX_ASKS);
    const struct sl_route_options options = {.evaluates_all = true, .infer = &infer};
    enum sl_rc rc =
        sl_route(p->config, SL_STR("auto"), &facts, &options, p->scratch, &p->arena, &verdict);
    p->n_asked += rc == SL_AGAIN;
    while (rc == SL_AGAIN) {
        assert_true(sl_infer_count_open(&infer) > 0);
        if (get(node, "fails"))
            sl_infer_fail_open(&infer, "down");
        else
            answer(p, &infer);
        rc = sl_route_resume(p->config, SL_STR("auto"), p->scratch, &verdict);
    }
    assert_int_equal(rc, SL_OK);
    const struct sl_slots *s = &verdict.slots;
    expect_matches(p, get(node, "match"), true, s, text);
    expect_matches(p, get(node, "none"), false, s, text);
    expect_numbers(p, get(node, "value"), s->value, s->has_value, text);
    expect_numbers(p, get(node, "confidence"), s->conf, s->has_conf, text);
}

static void vectors_hold(void **state)
{
    (void)state;
    struct sl_arena arena;
    uint32_t n = 0;
    sl_arena_init(&arena, NULL, 16 << 20);
    const struct sl_yaml *all = read_cases(&arena);
    for (uint32_t i = 0; i < all->n; i++) {
        struct policy p = {.node = all->items[i], .scratch = sl_scratch_new()};
        sl_arena_init(&p.arena, NULL, 64 << 20);
        p.id = get(p.node, "name")->text;
        load(&p);
        learn(&p);
        const struct sl_yaml *cases = get(p.node, "cases");
        for (uint32_t k = 0; k < cases->n; k++, n++)
            run_case(&p, cases->items[k]);
        assert_true(p.n_asked > 0);
        sl_config_unref(p.config);
        sl_scratch_free(p.scratch);
        sl_arena_reset(&p.arena);
    }
    sl_arena_reset(&arena);
    assert_true(n > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
