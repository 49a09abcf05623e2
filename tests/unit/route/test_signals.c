/* tests/vectors/signals: rules and requests with what must come out, and rules with a mistake. */
#include "codec/yaml.h"
#include "support/signals.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct sl_yaml *read_vectors(const char *name, struct sl_arena *arena)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/tests/vectors/signals/%s", SLUICE_SOURCE_DIR, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *text = sl_arena_alloc(arena, 1 << 18);
    size_t n = fread(text, 1, 1 << 18, f);
    fclose(f);
    struct sl_yaml *root;
    struct sl_err err;
    if (sl_yaml_parse(&root, arena, sl_str_of(text, n), NULL, &err) != SL_OK)
        fail_msg("%s:%u: %s", name, err.line, err.message);
    return root;
}

static sl_str text_of(const struct sl_yaml *map, const char *key)
{
    const struct sl_yaml *node = sl_yaml_get(map, sl_str_from(key));
    return node ? node->text : (sl_str){0};
}

static uint32_t number_of(const struct sl_yaml *map, const char *key, uint32_t fallback)
{
    sl_str text = text_of(map, key);
    return text.n ? (uint32_t)atoi(text.p) : fallback;
}

static struct sl_facts facts_of(const struct sl_yaml *c, struct sl_arena *arena)
{
    struct sl_facts f = signals_text_facts(text_of(c, "text"));
    const struct sl_yaml *facts = sl_yaml_get(c, SL_STR("facts"));
    f.conversation.n_user = number_of(facts, "user", 1);
    f.conversation.n_assistant = number_of(facts, "assistant", 0);
    f.conversation.n_tool = number_of(facts, "tool", 0);
    f.conversation.n_assistant_tool_calls = number_of(facts, "tool_calls", 0);
    f.conversation.n_images = number_of(facts, "images", 0);
    f.conversation.is_last_tool_result = number_of(facts, "last_is_tool", 0);
    f.context.output_reserve_tok = number_of(facts, "output_reserve", 0);
    f.user_id = text_of(c, "user");
    const struct sl_yaml *groups = sl_yaml_get(c, SL_STR("groups"));
    const struct sl_yaml *metadata = sl_yaml_get(c, SL_STR("metadata"));
    sl_str *names = SL_NEW_ARRAY(arena, sl_str, groups ? groups->n : 0);
    for (uint32_t i = 0; groups && i < groups->n; i++)
        names[f.n_groups++] = groups->items[i]->text;
    f.groups = names;
    struct sl_metadata_pair *pairs =
        SL_NEW_ARRAY(arena, struct sl_metadata_pair, metadata ? metadata->n : 0);
    for (uint32_t i = 0; metadata && i < metadata->n; i++)
        pairs[f.n_metadata++] =
            (struct sl_metadata_pair){metadata->keys[i]->text, metadata->items[i]->text};
    f.metadata = pairs;
    return f;
}

static void check_matches(const struct signals *s, const struct sl_slots *out,
                          const struct sl_yaml *c, const char *key, bool want, const char *where)
{
    const struct sl_yaml *list = sl_yaml_get(c, sl_str_from(key));
    for (uint32_t i = 0; list && i < list->n; i++) {
        const char *slot = list->items[i]->text.p;
        if (signals_slot(s, slot) == UINT32_MAX)
            fail_msg("%s: no slot %s", where, slot);
        if (signals_matched(s, out, slot) != want)
            fail_msg("%s: %s %s for \"%s\"", where, slot, want ? "did not match" : "matched",
                     text_of(c, "text").p);
    }
}

static void check_numbers(const struct signals *s, const struct sl_yaml *want, const uint64_t *has,
                          const double *got, const char *where)
{
    for (uint32_t i = 0; want && i < want->n; i++) {
        sl_slot slot = signals_slot(s, want->keys[i]->text.p);
        double number = atof(want->items[i]->text.p);
        if (slot == UINT32_MAX || !(has[slot >> 6] >> (slot & 63) & 1) ||
            fabs(got[slot] - number) > 1e-6)
            fail_msg("%s: %s is not %g", where, want->keys[i]->text.p, number);
    }
}

static void run_group(const struct sl_yaml *group)
{
    struct signals *s = malloc(sizeof(*s));
    struct sl_buf yaml;
    sl_buf_init(&yaml, 1 << 20);
    sl_yaml_dump(&yaml, sl_yaml_get(group, SL_STR("signals")));
    signals_load(s, sl_buf_str(&yaml));
    const char *where = text_of(group, "name").p;
    if (s->diags.n_errors)
        fail_msg("%s: %s", where, s->diags.items[0].message.p);
    const struct sl_yaml *cases = sl_yaml_get(group, SL_STR("cases"));
    for (uint32_t i = 0; i < cases->n; i++) {
        struct sl_arena arena;
        sl_arena_init(&arena, NULL, 16 << 20);
        const struct sl_yaml *c = cases->items[i];
        struct sl_facts facts = facts_of(c, &arena);
        const char *error = NULL;
        struct sl_slots out = signals_eval(s, &facts, &arena, &error);
        check_matches(s, &out, c, "match", true, where);
        check_matches(s, &out, c, "none", false, where);
        check_numbers(s, sl_yaml_get(c, SL_STR("value")), out.has_value, out.value, where);
        check_numbers(s, sl_yaml_get(c, SL_STR("confidence")), out.has_conf, out.conf, where);
        sl_str want_error = text_of(c, "error");
        if (want_error.n)
            assert_true(error && strstr(error, want_error.p));
        else if (error)
            fail_msg("%s: refused: %s", where, error);
        sl_arena_reset(&arena);
    }
    sl_buf_free(&yaml);
    signals_free(s);
    free(s);
}

static void heuristic_signals(void **state)
{
    (void)state;
    struct sl_arena arena;
    sl_arena_init(&arena, NULL, 64 << 20);
    const struct sl_yaml *root = read_vectors("heuristic.yaml", &arena);
    for (uint32_t i = 0; i < root->n; i++)
        run_group(root->items[i]);
    sl_arena_reset(&arena);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    struct sl_arena arena;
    sl_arena_init(&arena, NULL, 64 << 20);
    const struct sl_yaml *root = read_vectors("mistakes.yaml", &arena);
    struct signals *s = malloc(sizeof(*s));
    for (uint32_t i = 0; i < root->n; i++) {
        struct sl_buf rule, yaml;
        sl_buf_init(&rule, 1 << 16);
        sl_buf_init(&yaml, 1 << 16);
        struct sl_yaml *map = sl_yaml_new(&arena, SL_YAML_MAP, NULL);
        struct sl_yaml *list = sl_yaml_new(&arena, SL_YAML_LIST, NULL);
        assert_int_equal(sl_yaml_push(&arena, list, sl_yaml_get(root->items[i], SL_STR("rule"))),
                         SL_OK);
        assert_int_equal(sl_yaml_set(&arena, map, text_of(root->items[i], "list"), list), SL_OK);
        sl_yaml_dump(&yaml, map);
        signals_load(s, sl_buf_str(&yaml));
        sl_str says = text_of(root->items[i], "says");
        bool is_named = false;
        for (uint32_t d = 0; d < s->diags.n; d++)
            is_named |= s->diags.items[d].severity == SL_ERROR &&
                        (strstr(s->diags.items[d].message.p, says.p) ||
                         (s->diags.items[d].path.n && strstr(s->diags.items[d].path.p, says.p)));
        if (!is_named)
            fail_msg("%.*s: nothing says \"%s\" (%s)", SL_FMT(sl_buf_str(&yaml)), says.p,
                     s->diags.n ? s->diags.items[0].message.p : "no error");
        signals_free(s);
        sl_buf_free(&rule);
        sl_buf_free(&yaml);
    }
    free(s);
    sl_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heuristic_signals),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
