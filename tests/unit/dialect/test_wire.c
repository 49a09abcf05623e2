/*
 * The reference's recorded exchanges: from the client's body to the body that the provider got,
 * through parsing, facts, rewriting and plugins. Decisions are taken from the keyword in the text,
 * models and plugins from the recorded configuration.
 */
#include "dialect/openai/chat.h"
#include "support/fixtures.h"
#include "support/plugin_case.h"
#include "support/wire_case.h"
#include "unit.h"

#include <stdlib.h>

static struct sl_arena arena;
static struct sl_yaml *wire;

static const struct sl_yaml *named(const struct sl_yaml *list, const char *prefix, sl_str name)
{
    for (uint32_t i = 0; list && i < list->n; i++) {
        sl_str own = sl_yaml_get(list->items[i], SL_STR("name"))->text;
        if (sl_str_starts(own, sl_str_from(prefix)) &&
            sl_str_eq(sl_str_sub(own, strlen(prefix), own.n), name))
            return list->items[i];
    }
    return NULL;
}

static sl_str text_at(const struct sl_yaml *map, const char *key)
{
    struct sl_yaml *v = map ? sl_yaml_get(map, sl_str_from(key)) : NULL;
    return v ? v->text : (sl_str){NULL, 0};
}

static const struct sl_yaml *at(const struct sl_yaml *map, const char *a, const char *b)
{
    return sl_yaml_get(sl_yaml_get(map, sl_str_from(a)), sl_str_from(b));
}

struct world {
    struct sl_reasoning_family families[8];
    struct sl_config config;
    struct sl_model_cfg model;
    struct sl_backend_cfg backend;
    struct sl_verdict verdict;
    const struct sl_yaml *decision;
};

static void load_families(struct world *w)
{
    static const char *const types[] = {"chat_template_kwargs", "reasoning_effort",
                                        "top_level_reasoning_effort"};
    const struct sl_yaml *families =
        sl_yaml_get(at(wire, "providers", "defaults"), SL_STR("reasoning_families"));
    w->config.families = w->families;
    w->config.n_families = families->n;
    w->config.default_effort = SL_STR("medium");
    for (uint32_t i = 0; i < families->n; i++) {
        w->families[i].name = families->keys[i]->text;
        w->families[i].parameter = text_at(families->items[i], "parameter");
        for (int t = 0; t < 3; t++)
            if (sl_str_eq(text_at(families->items[i], "type"), sl_str_from(types[t])))
                w->families[i].type = t;
    }
}

static void choose_model(struct world *w, sl_str name)
{
    const struct sl_yaml *model = named(at(wire, "providers", "models"), "", name);
    w->model.name = w->verdict.model_name = name;
    w->verdict.model = &w->model;
    w->model.reasoning_family = SL_NO_INDEX;
    w->backend.model_id = text_at(model, "provider_model_id");
    if (!w->backend.model_id.n && model)
        w->backend.model_id = text_at(sl_yaml_get(model, SL_STR("external_model_ids")), "vllm");
    for (uint32_t i = 0; i < w->config.n_families; i++)
        if (sl_str_eq(w->families[i].name, text_at(model, "reasoning_family")))
            w->model.reasoning_family = i;
}

/* The decision whose keyword is a word of `text`, between "please " and " this". */
static void decide(struct world *w, sl_str model, sl_str text)
{
    model = sl_str_trim(model);
    bool is_auto = sl_str_eq(model, SL_STR("auto")) || sl_str_eq(model, SL_STR("MoM")) ||
                   sl_str_eq(model, SL_STR("vllm-sr/auto"));
    if (!is_auto) {
        w->verdict.status = SL_ROUTE_PASSTHROUGH;
        choose_model(w, model);
        if (sl_str_eq(model, SL_STR("law-lora")))
            w->model.name = SL_STR("plain");
        return;
    }
    sl_str word = sl_str_sub(text, 7, 7 + sl_str_chr(sl_str_sub(text, 7, text.n), ' '));
    w->decision = sl_str_starts(text, SL_STR("please "))
                      ? named(at(wire, "routing", "decisions"), "d_", word)
                      : NULL;
    w->verdict.status = SL_ROUTED;
    if (!w->decision) {
        choose_model(w, SL_STR("plain"));
        return;
    }
    const struct sl_yaml *ref = sl_yaml_get(w->decision, SL_STR("modelRefs"))->items[0];
    choose_model(w, text_at(ref, "model"));
    w->verdict.has_reasoning = true;
    w->verdict.use_reasoning = sl_str_eq(text_at(ref, "use_reasoning"), SL_STR("true"));
    w->verdict.effort = text_at(ref, "reasoning_effort");
    if (text_at(ref, "lora_name").n)
        w->verdict.model_name = text_at(ref, "lora_name");
}

static void run_plugins(struct world *w, struct sl_rewrite *r)
{
    const struct sl_yaml *plugins =
        w->decision ? sl_yaml_get(w->decision, SL_STR("plugins")) : NULL;
    static const char *const order[] = {"system_prompt", "request_params"};
    for (size_t k = 0; k < SL_COUNT(order); k++) {
        for (uint32_t i = 0; plugins && i < plugins->n; i++) {
            if (!sl_str_eq(text_at(plugins->items[i], "type"), sl_str_from(order[k])))
                continue;
            struct sl_diags diags;
            sl_diags_init(&diags, &arena, 5);
            const struct sl_plugin_type *plugin = find_plugin(order[k]);
            const void *decoded = decode_plugin(
                &arena, plugin, sl_yaml_get(plugins->items[i], SL_STR("configuration")), &diags);
            assert_int_equal(diags.n, 0);
            assert_int_equal(plugin->apply(decoded, r), SL_OK);
        }
    }
}

static sl_str rewritten(sl_str text, struct sl_err *err)
{
    struct sl_json body;
    struct sl_chat_request request;
    struct sl_facts facts;
    struct world w = {0};
    sl_str out = {NULL, 0};
    if (sl_chat_parse(text, &arena, NULL, &body, &request, err))
        return out;
    assert_int_equal(sl_chat_facts(&body, &arena, &facts), SL_OK);
    load_families(&w);
    decide(&w, request.model, facts.eval);
    struct sl_rewrite r = {.body = &body, .edits = sl_splice_new(&body, &arena), .arena = &arena};
    assert_int_equal(sl_chat_rewrite(&r, &request, &w.config, &w.verdict, &w.backend), SL_OK);
    run_plugins(&w, &r);
    assert_int_equal(sl_splice_flat(r.edits, &out), SL_OK);
    return out;
}

/* Where the reference is wrong: what the provider should get, or the message that it should give.
 */
static const struct {
    const char *name, *body, *error;
} better[] = {
    {"messages empty", NULL, "messages field must not be empty"},
    {"empty", NULL, "malformed JSON body"},
    {"duplicate keys", NULL, "invalid request body: duplicate key \"model\""},
    {"client effort with plain",
     "{\"model\":\"plain\",\"messages\":[{\"role\":\"user\",\"content\":\"please plain this\"}],"
     "\"reasoning_effort\":\"minimal\"}",
     NULL},
    {"client effort with plainon",
     "{\"model\":\"plain\",\"messages\":[{\"role\":\"user\",\"content\":\"please plainon this\"}],"
     "\"reasoning_effort\":\"minimal\"}",
     NULL},
    {"sysins with system parts",
     "{\"model\":\"plain\",\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":\"text\","
     "\"text\":\"You are a domain expert.\"},{\"type\":\"text\",\"text\":\"A\"},{\"type\":\"text\","
     "\"text\":\"B\"}]},{\"role\":\"user\",\"content\":\"please sysins this\"}]}",
     NULL},
    {"params completion tokens",
     "{\"model\":\"plain\",\"messages\":[{\"role\":\"user\",\"content\":\"please params this\"}],"
     "\"max_completion_tokens\":100}",
     NULL},
    {"strip stream",
     "{\"model\":\"plain\",\"messages\":[{\"role\":\"user\",\"content\":\"please strip this\"}],"
     "\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
     NULL},
};

static void same_value(const char *name, sl_str got, sl_str want)
{
    struct sl_json a, b;
    struct sl_err err;
    struct sl_buf left, right;
    sl_buf_init(&left, 1 << 20);
    sl_buf_init(&right, 1 << 20);
    if (sl_json_parse(&a, &arena, got, NULL, &err) || sl_json_parse(&b, &arena, want, NULL, &err))
        fail_msg("%s: %s", name, err.message);
    canonical_json(&left, &a, 0, &arena);
    canonical_json(&right, &b, 0, &arena);
    if (!sl_str_eq(sl_buf_str(&left), sl_buf_str(&right)))
        fail_msg("%s\n got %.*s\nwant %.*s", name, SL_FMT(sl_buf_str(&left)),
                 SL_FMT(sl_buf_str(&right)));
    sl_buf_free(&left);
    sl_buf_free(&right);
}

static sl_str member(const struct sl_json *j, sl_json_ref v, const char *key)
{
    return sl_json_str(j, sl_json_get(j, v, sl_str_from(key)), &arena);
}

/* True when the exchange was one of ours to compare. */
static bool compare(const struct sl_json *line)
{
    sl_json_ref request = sl_json_get(line, 0, SL_STR("request"));
    sl_json_ref response = sl_json_get(line, 0, SL_STR("response"));
    sl_json_ref upstream = sl_json_get(line, 0, SL_STR("upstream"));
    sl_str path = member(line, request, "path"), name = member(line, 0, "name");
    if (!sl_str_starts(path, SL_STR("/v1/chat/completions")) ||
        sl_str_eq(member(line, request, "method"), SL_STR("GET")))
        return false;
    const char *label = sl_arena_dup(&arena, name).p;
    struct sl_err err = {0};
    sl_str got = rewritten(member(line, request, "body"), &err);
    for (size_t i = 0; i < SL_COUNT(better); i++) {
        if (strcmp(label, better[i].name) != 0)
            continue;
        if (better[i].error)
            assert_string_equal(err.message, better[i].error);
        else
            same_value(label, got, sl_str_from(better[i].body));
        return true;
    }
    if (sl_json_count(line, upstream)) {
        if (!got.p)
            fail_msg("%s: %s", label, err.message);
        same_value(label, got, member(line, upstream + 1, "body"));
        return true;
    }
    struct sl_json answer;
    struct sl_err ignored;
    if (got.p || sl_json_parse(&answer, &arena, member(line, response, "body"), NULL, &ignored))
        return false; /* refused by routing, or answered by a plugin */
    sl_str message = member(&answer, sl_json_get(&answer, 0, SL_STR("error")), "message");
    assert_string_equal(err.message, sl_arena_dup(&arena, message).p);
    return true;
}

static void providers_get_what_the_reference_sent(void **state)
{
    (void)state;
    skip_without_fixture("compat/goldens/wire.cases.jsonl");
    sl_str config = read_file(fixture("compat/goldens/wire.yaml"));
    sl_str lines = read_file(fixture("compat/goldens/wire.cases.jsonl"));
    assert_true(config.p && lines.p);
    sl_arena_init(&arena, NULL, 1 << 28);
    struct sl_err err;
    assert_int_equal(sl_yaml_parse(&wire, &arena, config, NULL, &err), SL_OK);
    sl_str rest = lines, piece;
    int n = 0;
    while (sl_str_split(&rest, '\n', &piece)) {
        struct sl_json line;
        if (!piece.n)
            continue;
        assert_int_equal(sl_json_parse(&line, &arena, piece, NULL, &err), SL_OK);
        n += compare(&line);
    }
    print_message("%d exchanges compared\n", n);
    assert_true(n >= 80);
    sl_arena_reset(&arena);
    free((char *)config.p);
    free((char *)lines.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(providers_get_what_the_reference_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
