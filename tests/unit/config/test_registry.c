/*
 * Every record of every registry is complete: it can be found, explained, and its example loads.
 * The checks are proved on records that are broken on purpose, one mistake each.
 */
#include "unit.h"

#include "config/describe.h"
#include "config/sections.h"
#include "route/plugin.h"
#include "route/selector.h"
#include "route/signal.h"

#include <dirent.h>
#include <stdio.h>

struct problems {
    struct sl_buf text;
    uint32_t n;
};

static void report(struct problems *p, const char *record, const char *what, const char *detail)
{
    sl_buf_printf(&p->text, "%s: %s%s%s\n", record, what, detail ? " " : "", detail ? detail : "");
    p->n++;
}

static bool is_blank(const char *text)
{
    return !text || !sl_str_trim(sl_str_from(text)).n;
}

/* ---- fields -------------------------------------------------------------------------------- */

static bool is_number(const struct sl_field *f)
{
    return f->type == SL_F_INT || f->type == SL_F_FLOAT || f->type == SL_F_OPT_INT ||
           f->type == SL_F_OPT_FLOAT || f->type == SL_F_INTS || f->type == SL_F_DURATION ||
           f->type == SL_F_TOKENS;
}

static bool has_bounds(const struct sl_field *f)
{
    return f->max > f->min;
}

/* True when the default, read as if a file gave it, is right. */
static bool is_default_valid(const struct sl_field *f)
{
    struct sl_arena arena;
    struct sl_diags diags;
    struct sl_yaml *node = NULL;
    _Alignas(16) char memory[256] = {0};
    struct sl_field alone[2] = {*f, SL_FIELD_END};
    alone[0].offset = 0;
    alone[0].flags &= ~(uint32_t)(SL_REQUIRED | SL_KEEPS_DEFAULT_ON_EMPTY | SL_LENIENT);
    alone[0].fallback = NULL;
    sl_arena_init(&arena, NULL, 1 << 20);
    sl_diags_init(&diags, &arena, 8);
    struct sl_check c = {.arena = &arena, .diags = &diags};
    sl_buf_init(&c.path, 1024);
    /* A text may look like anything; the rest is written as the table writes it. */
    sl_str text = f->type == SL_F_STR ? sl_arena_printf(&arena, "%s: '%s'\n", f->key, f->fallback)
                                      : sl_arena_printf(&arena, "%s: %s\n", f->key, f->fallback);
    bool is_valid = sl_yaml_parse(&node, &arena, text, NULL, NULL) == SL_OK;
    if (is_valid)
        sl_schema_decode(&c, alone, node, memory);
    is_valid = is_valid && diags.n_errors == 0;
    sl_buf_free(&c.path);
    sl_arena_reset(&arena);
    return is_valid;
}

static void check_field(struct problems *p, const char *record, const struct sl_field *f)
{
    if (is_blank(f->help))
        report(p, record, "no help for field", f->key);
    if (is_number(f) && !has_bounds(f))
        report(p, record, "no bounds for field", f->key);
    if (f->type == SL_F_ENUM && (!f->choices || !f->choices[0]))
        report(p, record, "no choices for field", f->key);
    bool needs_sub = f->type == SL_F_STRUCT || f->type == SL_F_LIST || f->type == SL_F_MAP;
    if (needs_sub && !f->sub)
        report(p, record, "no table for field", f->key);
    if (f->type == SL_F_CUSTOM && !f->decode)
        report(p, record, "no decoder for field", f->key);
    bool has_default = f->fallback && *f->fallback && !needs_sub && f->type != SL_F_CUSTOM;
    if (has_default && (f->type != SL_F_ENUM || f->choices) && !is_default_valid(f))
        report(p, record, "wrong default of field", f->key);
}

/* Recursion follows the tables, which are finite. */
static void check_fields(struct problems *p, const char *record, const struct sl_field *fields)
{
    for (const struct sl_field *f = fields; f && f->key; f++) {
        check_field(p, record, f);
        for (const struct sl_field *g = fields; g != f; g++) {
            if (!strcmp(g->key, f->key))
                report(p, record, "two fields called", f->key);
        }
        if (f->sub)
            check_fields(p, record, f->sub);
    }
}

/* ---- records ------------------------------------------------------------------------------- */

/* Decodes the example as the loader would; the first diagnostic, or NULL. */
static void check_example(struct problems *p, const struct sl_feature *feature, bool is_plugin)
{
    struct sl_arena arena;
    struct sl_diags diags;
    struct sl_err err = {0};
    struct sl_yaml *node = NULL;
    sl_arena_init(&arena, NULL, 4 << 20);
    sl_diags_init(&diags, &arena, 8);
    struct sl_check c = {.arena = &arena, .diags = &diags, .wants_texts = is_plugin};
    sl_buf_init(&c.path, 4096);
    void *decoded = sl_arena_zero(&arena, 1, feature->size ? feature->size : 1);
    if (sl_yaml_parse(&node, &arena, sl_str_from(feature->example), NULL, &err) != SL_OK) {
        report(p, feature->name, "example is no YAML:", err.message);
    } else {
        sl_schema_decode(&c, feature->fields, node, decoded);
        if (feature->validate)
            feature->validate(&c, node, decoded);
        if (diags.n)
            report(p, feature->name, "example:", diags.items[0].message.p);
    }
    sl_buf_free(&c.path);
    sl_arena_reset(&arena);
}

static void check_feature(struct problems *p, const struct sl_feature *feature, const char *kind)
{
    const char *name = is_blank(feature->name) ? "(nameless)" : feature->name;
    bool is_signal = !strcmp(kind, "signal");
    if (is_blank(feature->name))
        report(p, name, "no name", NULL);
    if (is_blank(feature->summary))
        report(p, name, "no summary", NULL);
    if (is_blank(feature->help))
        report(p, name, "no help", NULL);
    if (is_signal && is_blank(feature->list_key))
        report(p, name, "no list_key", NULL);
    if (feature->fields && is_blank(feature->example))
        report(p, name, "no example", NULL);
    if (feature->fields && !is_blank(feature->example))
        check_example(p, feature, !strcmp(kind, "plugin"));
    check_fields(p, name, feature->fields);
}

/* True when tests/vectors/<kind>/ holds <name>.yaml or the like. */
static bool has_vectors(const char *kind, const char *name)
{
    char path[512];
    size_t length = strlen(name);
    bool is_found = false;
    (void)snprintf(path, sizeof(path), SLUICE_SOURCE_DIR "/tests/vectors/%s", kind);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        is_found =
            is_found || (!strncmp(entry->d_name, name, length) && entry->d_name[length] == '.');
    if (folder)
        closedir(folder);
    return is_found;
}

/* True when a file of tests/vectors/signals has cases for rules of that list. */
static bool has_signal_vectors(const char *list_key)
{
    bool is_found = false;
    DIR *folder = opendir(SLUICE_SOURCE_DIR "/tests/vectors/signals");
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char path[512], line[4096], wanted[64];
        (void)snprintf(path, sizeof(path), SLUICE_SOURCE_DIR "/tests/vectors/signals/%s",
                       entry->d_name);
        (void)snprintf(wanted, sizeof(wanted), "    %s:", list_key);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        while (file && !is_found && fgets(line, sizeof(line), file))
            is_found = !strncmp(line, wanted, strlen(wanted));
        if (file)
            fclose(file);
    }
    if (folder)
        closedir(folder);
    return is_found;
}

static void check_registry(struct problems *p, const struct sl_feature *const *registry,
                           const char *kind)
{
    for (const struct sl_feature *const *f = registry; *f; f++) {
        check_feature(p, *f, kind);
        for (const struct sl_feature *const *g = registry; g != f; g++) {
            if (!strcmp((*g)->name, (*f)->name))
                report(p, (*f)->name, "registered twice", NULL);
            if ((*f)->list_key && (*g)->list_key && !strcmp((*g)->list_key, (*f)->list_key))
                report(p, (*f)->name, "list_key taken by", (*g)->name);
        }
        bool is_tested =
            (*f)->list_key ? has_signal_vectors((*f)->list_key) : has_vectors(kind, (*f)->name);
        if ((*f)->is_active && !is_tested)
            report(p, (*f)->name, "is active without vectors", NULL);
    }
}

static void expect_none(struct problems *p)
{
    if (p->n)
        print_message("%.*s", SL_FMT(sl_buf_str(&p->text)));
    assert_int_equal(p->n, 0);
    sl_buf_free(&p->text);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void registries_are_complete(void **state)
{
    (void)state;
    struct problems p = {.n = 0};
    sl_buf_init(&p.text, 1 << 20);
    check_registry(&p, sl_signal_features, "signal");
    check_registry(&p, sl_plugin_features, "plugin");
    check_registry(&p, sl_selector_features, "algorithm");
    check_registry(&p, sl_looper_features, "algorithm");
    expect_none(&p);
}

static void sections_are_complete(void **state)
{
    (void)state;
    struct problems p = {.n = 0};
    sl_buf_init(&p.text, 1 << 20);
    for (const struct sl_section *s = sl_sections; s->name; s++) {
        if (is_blank(s->summary))
            report(&p, s->name, "no summary", NULL);
        check_fields(&p, s->name, s->fields);
    }
    expect_none(&p);
}

/* An active type has its functions, an inactive one has none. */
static void engines_are_there_or_not(void **state)
{
    (void)state;
    for (uint32_t i = 0; sl_signal_features[i]; i++) {
        const struct sl_signal_type *type = (const void *)sl_signal_features[i];
        bool is_active = type->feature.is_active;
        if ((type->compile != NULL) != is_active || (type->eval != NULL) != is_active)
            fail_msg("%s: is_active and its functions disagree", type->feature.name);
        if (is_blank(type->matched_key))
            fail_msg("%s: no matched_key", type->feature.name);
    }
    for (uint32_t i = 0; sl_plugin_features[i]; i++) {
        const struct sl_plugin_type *type = (const void *)sl_plugin_features[i];
        if ((type->apply != NULL) != type->feature.is_active)
            fail_msg("%s: is_active and its function disagree", type->feature.name);
    }
}

/* Every record the reference knows is here, under its name. */
static void nothing_is_missing(void **state)
{
    (void)state;
    static const char *const signals[] = {
        "keyword",      "embedding",  "domain",    "fact_check", "user_feedback",
        "reask",        "preference", "context",   "structure",  "modality",
        "complexity",   "authz",      "jailbreak", "pii",        "kb",
        "conversation", "event",      "metadata",  "classifier", "language"};
    static const char *const plugins[] = {"fast_response",
                                          "hallucination",
                                          "header_mutation",
                                          "image_gen",
                                          "memory",
                                          "rag",
                                          "request_params",
                                          "context_compression",
                                          "response_jailbreak",
                                          "router_replay",
                                          "response_cache",
                                          "system_prompt",
                                          "tool_selection",
                                          "tools"};
    static const char *const algorithms[] = {
        "static",  "knn",    "kmeans",        "svm",          "mlp",    "router_dc",
        "automix", "hybrid", "latency_aware", "multi_factor", "prompt", "confidence",
        "ratings", "remom",  "fusion",        "workflows"};
    struct sl_topic topic;
    const char *nearest;
    for (size_t i = 0; i < SL_COUNT(signals); i++)
        assert_true(sl_topic_find(SL_STR("signal"), sl_str_from(signals[i]), &topic, &nearest));
    for (size_t i = 0; i < SL_COUNT(plugins); i++)
        assert_true(sl_topic_find(SL_STR("plugin"), sl_str_from(plugins[i]), &topic, &nearest));
    for (size_t i = 0; i < SL_COUNT(algorithms); i++)
        assert_true(
            sl_topic_find(SL_STR("algorithm"), sl_str_from(algorithms[i]), &topic, &nearest));
}

/* ---- the checks can fail ------------------------------------------------------------------- */

static uint32_t problems_of(const struct sl_feature *feature)
{
    struct problems p = {.n = 0};
    sl_buf_init(&p.text, 1 << 16);
    check_feature(&p, feature, "signal");
    sl_buf_free(&p.text);
    return p.n;
}

static uint32_t problems_of_field(struct sl_field field)
{
    struct problems p = {.n = 0};
    const struct sl_field fields[] = {field, SL_FIELD_END};
    sl_buf_init(&p.text, 1 << 16);
    check_fields(&p, "broken", fields);
    sl_buf_free(&p.text);
    return p.n;
}

static void broken_records_are_found(void **state)
{
    (void)state;
    static const char *const choices[] = {"a", "b", NULL};
    static const struct sl_field fields[] = {
        {.key = "name", .type = SL_F_STR, .help = "Name."},
        {.key = "n", .type = SL_F_INT, .flags = SL_CHECKED_ONLY, .max = 5, .help = "Number."},
        SL_FIELD_END,
    };
    const struct sl_feature good = {
        .name = "good",
        .list_key = "goods",
        .summary = "Good",
        .help = "Good.",
        .example = "{name: x, n: 3}",
        .fields = fields,
        .size = sizeof(sl_str),
    };
    assert_int_equal(problems_of(&good), 0);
    struct sl_feature bad = good;
    bad.name = "";
    assert_int_equal(problems_of(&bad), 1);
    bad = good, bad.summary = " ";
    assert_int_equal(problems_of(&bad), 1);
    bad = good, bad.help = NULL;
    assert_int_equal(problems_of(&bad), 1);
    bad = good, bad.list_key = NULL;
    assert_int_equal(problems_of(&bad), 1);
    bad = good, bad.example = NULL;
    assert_int_equal(problems_of(&bad), 1);
    bad = good, bad.example = "{name: x, n: 6}";
    assert_int_equal(problems_of(&bad), 1);
    bad = good, bad.example = "{nam: x}";
    assert_int_equal(problems_of(&bad), 1);
    bad = good, bad.example = "{name";
    assert_int_equal(problems_of(&bad), 1);

    struct sl_field field = {.key = "f", .type = SL_F_FLOAT, .max = 1, .help = "F."};
    assert_int_equal(problems_of_field(field), 0);
    field.help = NULL;
    assert_int_equal(problems_of_field(field), 1);
    field = (struct sl_field){.key = "f", .type = SL_F_FLOAT, .help = "F."};
    assert_int_equal(problems_of_field(field), 1);
    field = (struct sl_field){
        .key = "f", .type = SL_F_FLOAT, .max = 1, .fallback = "1.5", .help = "F."};
    assert_int_equal(problems_of_field(field), 1);
    field = (struct sl_field){.key = "f", .type = SL_F_ENUM, .help = "F."};
    assert_int_equal(problems_of_field(field), 1);
    field = (struct sl_field){
        .key = "f", .type = SL_F_ENUM, .choices = choices, .fallback = "c", .help = "F."};
    assert_int_equal(problems_of_field(field), 1);
    field = (struct sl_field){.key = "f", .type = SL_F_STRUCT, .help = "F."};
    assert_int_equal(problems_of_field(field), 1);
    assert_false(has_vectors("plugin", "no_such_plugin"));
    assert_false(has_signal_vectors("no_such_list"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registries_are_complete),  cmocka_unit_test(sections_are_complete),
        cmocka_unit_test(engines_are_there_or_not), cmocka_unit_test(nothing_is_missing),
        cmocka_unit_test(broken_records_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
