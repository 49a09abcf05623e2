/* The path and method gate, case by case. */
#include "unit.h"

#include "proxy/gate.h"

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        enum sl_http_method method;
        const char *path;
        enum sl_gate expect;
    } cases[] = {
        {SL_POST, "/v1/chat/completions", SL_GATE_CHAT},
        {SL_POST, "/v1/chat/completions/", SL_GATE_CHAT},
        {SL_POST, "/v1/chat/completions//", SL_GATE_NOT_FOUND},
        {SL_GET, "/v1/chat/completions", SL_GATE_METHOD_NOT_ALLOWED},
        {SL_PUT, "/v1/chat/completions", SL_GATE_METHOD_NOT_ALLOWED},
        {SL_POST, "/v1/chat/Completions", SL_GATE_NOT_FOUND},
        {SL_POST, "/v1/completions", SL_GATE_COMPLETIONS},
        {SL_DELETE, "/v1/completions", SL_GATE_METHOD_NOT_ALLOWED},
        {SL_POST, "/v1/embeddings", SL_GATE_EMBEDDINGS},
        {SL_GET, "/v1/embeddings", SL_GATE_METHOD_NOT_ALLOWED},
        {SL_GET, "/v1/models", SL_GATE_MODELS},
        {SL_GET, "/v1/models/", SL_GATE_MODELS},
        {SL_GET, "/v1/models/auto", SL_GATE_MODELS},
        {SL_POST, "/v1/models", SL_GATE_METHOD_NOT_ALLOWED},
        {SL_POST, "/v1/models/auto", SL_GATE_NOT_FOUND},
        {SL_GET, "/health", SL_GATE_HEALTH},
        {SL_HEAD, "/health", SL_GATE_HEALTH},
        {SL_POST, "/health", SL_GATE_METHOD_NOT_ALLOWED},
        {SL_GET, "/v1/router_replay", SL_GATE_NOT_FOUND},
        {SL_POST, "/v1/router_replay/x", SL_GATE_NOT_FOUND},
        {SL_POST, "/v1/messages/count_tokens", SL_GATE_NOT_FOUND},
        {SL_POST, "/v1", SL_GATE_NOT_FOUND},
        {SL_POST, "/v1/nothing", SL_GATE_NOT_FOUND},
        {SL_POST, "/", SL_GATE_NOT_FOUND},
        {SL_POST, "/api/pull", SL_GATE_NOT_FOUND},
        {SL_OPTIONS, "*", SL_GATE_NOT_FOUND},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++)
        if (sl_gate(cases[i].method, sl_str_from(cases[i].path)) != cases[i].expect)
            fail_msg("case %zu: %s", i, cases[i].path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_paths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
