/* Facts against the reference's recorded evaluations: context bands and conversation counts. */
#include "dialect/openai/chat.h"
#include "route/context_estimate.h"
#include "support/fixtures.h"
#include "support/wire_case.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#define CASES "compat/goldens/wide_priority.cases.jsonl"

static struct sl_arena arena;

/* The band of the recorded configuration that holds `tok`. */
static const char *band_of(uint64_t tok)
{
    return tok <= 20 ? "tiny" : tok <= 200 ? "short" : tok <= 1000 ? "medium" : "long";
}

static void count_is(const struct sl_json *j, sl_json_ref values, const char *name, uint64_t got)
{
    char key[64];
    int64_t want;
    snprintf(key, sizeof key, "conversation:%s", name);
    if (sl_json_i64(j, sl_json_get(j, values, sl_str_from(key)), &want) && got != (uint64_t)want)
        fail_msg("%s: %d, not %d in %.*s", name, (int)got, (int)want, SL_FMT(j->text));
}

static void compare(const struct sl_json *line)
{
    sl_json_ref expect = sl_json_get(line, 0, SL_STR("expect"));
    sl_json_ref matched = sl_json_get(line, expect, SL_STR("matched"));
    sl_json_ref values = sl_json_get(line, expect, SL_STR("values"));
    struct sl_json body;
    struct sl_facts f;
    struct sl_err err;
    sl_str request = sl_json_raw(line, sl_json_get(line, 0, SL_STR("request")));
    assert_int_equal(sl_json_parse(&body, &arena, request, NULL, &err), SL_OK);
    enum sl_rc rc = sl_eval_facts(&body, &arena, &f, &err);
    if (matched == SL_JSON_NONE) {
        assert_int_equal(rc, SL_INVALID);
        return;
    }
    assert_int_equal(rc, SL_OK);
    const char *band = band_of(sl_context_tok(&f));
    sl_json_ref bands = sl_json_get(line, matched, SL_STR("context"));
    if (sl_json_count(line, bands) && !sl_json_is_str(line, bands + 1, sl_str_from(band)))
        fail_msg("%s (%d tokens), not %.*s: %.*s", band, (int)sl_context_tok(&f),
                 SL_FMT(sl_json_raw(line, bands)), SL_FMT(request));
    const struct sl_conversation_facts *c = &f.conversation;
    count_is(line, values, "multi_turn", c->n_user);
    count_is(line, values, "assistant2", c->n_assistant);
    count_is(line, values, "has_system", c->n_system);
    count_is(line, values, "has_dev", c->has_developer);
    count_is(line, values, "tools3", c->n_tool_definitions);
    count_is(line, values, "called", c->n_assistant_tool_calls);
    count_is(line, values, "toolmsg", c->n_tool);
    count_is(line, values, "any_msgs4",
             c->n_user + c->n_assistant + c->n_system + c->n_tool + c->has_developer);
    bool is_looping = c->is_last_tool_result || c->does_last_user_follow_tool_result ||
                      c->n_assistant_tool_calls > c->n_tool;
    count_is(line, values, "loop", is_looping);
}

static void facts_are_those_of_the_reference(void **state)
{
    (void)state;
    skip_without_fixture(CASES);
    sl_str lines = read_file(fixture(CASES));
    assert_non_null(lines.p);
    sl_str rest = lines, piece;
    int n = 0;
    while (sl_str_split(&rest, '\n', &piece)) {
        struct sl_json line;
        struct sl_err err;
        if (!piece.n)
            continue;
        sl_arena_init(&arena, NULL, 1 << 26);
        assert_int_equal(sl_json_parse(&line, &arena, piece, NULL, &err), SL_OK);
        compare(&line);
        sl_arena_reset(&arena);
        n++;
    }
    print_message("%d evaluations compared\n", n);
    assert_true(n > 500);
    free((char *)lines.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(facts_are_those_of_the_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
