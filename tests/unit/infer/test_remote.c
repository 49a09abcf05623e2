/* Requests to embedding providers, and what is made of their answers. */
#include "infer/remote.h"
#include "unit.h"

#include <math.h>

static void requests_are_json(void **state)
{
    (void)state;
    struct sl_arena arena;
    struct sl_infer infer;
    struct sl_buf out;
    struct sl_embedding_cfg cfg = {.remote = {.model = SL_STR("m"), .dimensions = 8}};
    const uint32_t ids[] = {1, 0};
    sl_arena_init(&arena, NULL, 1 << 20);
    sl_buf_init(&out, 1 << 20);
    sl_infer_init(&infer, &arena, 10);
    assert_non_null(sl_infer_embed(&infer, SL_STR("a \"quoted\"\ntext")));
    assert_non_null(sl_infer_embed(&infer, SL_STR("b")));
    assert_non_null(sl_infer_embed(&infer, SL_STR("b")));
    assert_int_equal(infer.n, 2);
    sl_remote_write(&out, &cfg, &infer, ids, 2);
    assert_true(sl_str_eq(sl_buf_str(&out),
                          SL_STR("{\"model\":\"m\",\"input\":[\"b\",\"a \\\"quoted\\\"\\ntext\"],"
                                 "\"dimensions\":8}")));
    sl_buf_free(&out);
    sl_arena_reset(&arena);
}

static const struct answer {
    const char *text;
    uint32_t n, dimension;
    const char *error; /* NULL: two vectors, (0.6, 0.8) and (0, 1) */
} answers[] = {
    {"{\"data\":[{\"index\":0,\"embedding\":[3,4]},{\"index\":1,\"embedding\":[0,2]}]}", 2, 2,
     NULL},
    {"{\"data\":[{\"index\":1,\"embedding\":[0,2]},{\"index\":0,\"embedding\":[3,4]}]}", 2, 0,
     NULL},
    {"{\"data\":[{\"embedding\":[3,4]},{\"embedding\":[0,2]}]}", 2, 2, NULL},
    {"{\"data\":[{\"index\":0,\"embedding\":[3,4]}]}", 2, 2, "1 embeddings for 2 texts"},
    {"{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":0,\"embedding\":[1]}]}", 2, 1,
     "index 0 was answered twice"},
    {"{\"data\":[{\"index\":2,\"embedding\":[1]},{\"index\":0,\"embedding\":[1]}]}", 2, 1,
     "data[0].index is 2, expected below 2"},
    {"{\"data\":[{\"index\":0,\"embedding\":[1,2]}]}", 1, 3, "has 2 numbers, expected 3"},
    {"{\"data\":[{\"embedding\":[1,2]},{\"embedding\":[1]}]}", 2, 0, "has 1 numbers, expected 2"},
    {"{\"data\":[{\"embedding\":\"AAAA\"}]}", 1, 0, "data[0].embedding is no array"},
    {"{\"data\":[{\"embedding\":[1,null]}]}", 1, 0, "something that is no number"},
    {"{\"data\":[{\"embedding\":[1e300]}]}", 1, 0, "something that is no number"},
    {"{\"data\":[{\"embedding\":[]}]}", 1, 0, "has 0 numbers"},
    {"{\"error\":\"no\"}", 1, 0, "no array \"data\""},
    {"<html>", 1, 0, ""},
};

static void answers_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < SL_COUNT(answers); i++) {
        const struct answer *a = &answers[i];
        struct sl_embedding_cfg cfg = {.dimension = a->dimension};
        struct sl_vector out[2];
        struct sl_arena arena;
        struct sl_err err = {0};
        sl_arena_init(&arena, NULL, 1 << 20);
        enum sl_rc rc = sl_remote_read(out, a->n, sl_str_from(a->text), &cfg, &arena, &err);
        if (a->error) {
            if (rc == SL_OK || !strstr(err.message, a->error))
                fail_msg("%s: \"%s\", expected \"%s\"", a->text, err.message, a->error);
        } else {
            assert_int_equal(rc, SL_OK);
            assert_true(fabsf(out[0].p[0] - 0.6f) < 1e-6f && fabsf(out[0].p[1] - 0.8f) < 1e-6f);
            assert_true(out[1].p[0] == 0 && out[1].p[1] == 1);
        }
        sl_arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(requests_are_json),
                                       cmocka_unit_test(answers_are_checked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
