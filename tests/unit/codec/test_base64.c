/* RFC 4648's vectors, both alphabets, and what must be refused. */
#include "codec/base64.h"
#include "support/naive_json.h"
#include "unit.h"

static struct sl_buf out;

static void the_rfc_vectors_hold(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        sl_buf_reset(&out);
        sl_base64_encode(&out, sl_str_from(cases[i][0]));
        assert_true(sl_str_eq(sl_buf_str(&out), sl_str_from(cases[i][1])));
        sl_buf_reset(&out);
        assert_int_equal(sl_base64_decode(&out, sl_str_from(cases[i][1])), SL_OK);
        assert_true(sl_str_eq(sl_buf_str(&out), sl_str_from(cases[i][0])));
    }
    sl_buf_reset(&out);
    assert_int_equal(sl_base64_decode(&out, SL_STR("-_8")), SL_OK);
    assert_true(sl_str_eq(sl_buf_str(&out), SL_STR("\xfb\xff")));
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Z",      "Zg=",  "Zg===", "Zm9v=", "Zh==", "Zm9=", "Zm 9",
        "Zm9v\n", "+_8=", "=",     "==",    "====", "Z===", "Zg==Zg=="};
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        sl_buf_reset(&out);
        if (sl_base64_decode(&out, sl_str_from(bad[i])) != SL_INVALID || out.n)
            fail_msg("\"%s\" was taken", bad[i]);
    }
}

static void random_bytes_come_back(void **state)
{
    (void)state;
    uint64_t random = 5;
    for (int round = 0; round < 2000; round++) {
        char bytes[100];
        size_t n = next_random(&random) % sizeof bytes;
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)next_random(&random);
        sl_buf_reset(&out);
        sl_base64_encode(&out, (sl_str){bytes, n});
        sl_str text = {out.p, out.n};
        struct sl_buf back;
        sl_buf_init(&back, 1000);
        assert_int_equal(sl_base64_decode(&back, text), SL_OK);
        assert_true(sl_str_eq(sl_buf_str(&back), (sl_str){bytes, n}));
        sl_buf_free(&back);
    }
}

static int set_up(void **state)
{
    (void)state;
    sl_buf_init(&out, 4096);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sl_buf_free(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rfc_vectors_hold),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(random_bytes_come_back),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
