/* After warming, a first request takes nothing from the system, and its verdict is the cold one. */
#include "route/policy.h"
#include "unit.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static const char policy[] =
    "version: v0.3\n"
    "providers:\n"
    "  defaults: {default_model: m}\n"
    "  models: [{name: m, backend_refs: [{name: b, endpoint: '127.0.0.1:1'}]}]\n"
    "routing:\n"
    "  modelCards: [{name: m}]\n"
    "  signals:\n"
    "    keywords:\n"
    "    - {name: code, operator: OR, keywords: [typeerror, parse]}\n"
    "    - {name: maths, operator: OR, method: regex, keywords: ['pro(ve|of)[^.]* sum']}\n"
    "  decisions:\n"
    "  - name: d\n"
    "    priority: 1\n"
    "    rules:\n"
    "      operator: OR\n"
    "      conditions: [{type: keyword, name: code}, {type: keyword, name: maths}]\n"
    "    modelRefs: [{model: m}]\n";

static struct sl_config *load(void)
{
    struct sl_arena arena;
    struct sl_diags diags;
    struct sl_config *config = NULL;
    const struct sl_load_options options = {0};
    sl_arena_init(&arena, NULL, 16 << 20);
    sl_diags_init(&diags, &arena, 10);
    assert_int_equal(sl_config_load_text(&config, sl_str_from(policy), &options, &diags), SL_OK);
    assert_int_equal(sl_policy_compile(config, &diags), SL_OK);
    sl_arena_reset(&arena);
    return config;
}

static bool counts_memory(void)
{
    size_t before = mallinfo2().uordblks;
    void *volatile p = malloc(4096);
    size_t after = mallinfo2().uordblks;
    free(p);
    return after >= before + 4096;
}

/* Bytes that the heap grew by while one request was routed. */
static size_t route_one(const struct sl_config *config, struct sl_scratch *scratch,
                        struct sl_arena *arena, struct sl_verdict *verdict)
{
    const sl_str text = SL_STR("Please give a proof that the sum is odd; parse it well.");
    const struct sl_facts facts = {.current = text, .eval = text, .has_message_facts = true};
    const struct sl_route_options options = {0};
    assert_non_null(sl_arena_alloc(arena, 16)); /* the arena's own chunk is not the question */
    size_t before = mallinfo2().uordblks;
    assert_int_equal(sl_route(config, SL_STR("auto"), &facts, &options, scratch, arena, verdict),
                     SL_OK);
    size_t after = mallinfo2().uordblks;
    sl_arena_reset(arena);
    return after > before ? after - before : 0;
}

static void warms(void **state)
{
    (void)state;
    struct sl_arena arena;
    struct sl_verdict cold, warm;
    struct sl_config *config = load();
    struct sl_scratch *fresh = sl_scratch_new(), *warmed = sl_scratch_new();
    sl_arena_init(&arena, NULL, 16 << 20);

    sl_route_warm(config, warmed, &arena);
    assert_null(arena.chunks);
    size_t warm_bytes = route_one(config, warmed, &arena, &warm);
    size_t cold_bytes = route_one(config, fresh, &arena, &cold);
    assert_non_null(cold.decision);
    assert_ptr_equal(warm.decision, cold.decision);
    if (counts_memory()) {
        assert_int_equal(warm_bytes, 0);
        assert_true(cold_bytes > 0);
    } else {
        printf("SKIP: this allocator does not count\n");
    }
    sl_scratch_free(fresh);
    sl_scratch_free(warmed);
    sl_config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(warms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
