/* Endpoint states live exactly as long as a snapshot names their backend. */
#include "unit.h"

#include "proxy/upstream/registry.h"

static void test_states_survive_while_held(void **state)
{
    (void)state;
    struct sl_endpoint_registry *r;
    assert_int_equal(sl_endpoint_registry_create(&r), SL_OK);
    struct sl_endpoint_state *a = sl_endpoint_hold(r, SL_STR("m|b|127.0.0.1|80|0"), SL_STR("b"));
    struct sl_endpoint_state *b = sl_endpoint_hold(r, SL_STR("m|b|127.0.0.1|81|0"), SL_STR("b"));
    assert_non_null(a);
    assert_ptr_not_equal(a, b);
    a->consecutive_5xx = 4;
    a->ejected_until_ns = 99;

    /* A reload: the new snapshot takes hold before the old one lets go. */
    assert_ptr_equal(sl_endpoint_hold(r, SL_STR("m|b|127.0.0.1|80|0"), SL_STR("b")), a);
    sl_endpoint_release(r, a);
    sl_endpoint_release(r, b);
    assert_int_equal(a->consecutive_5xx, 4);
    assert_int_equal(a->ejected_until_ns, 99);

    /* Named by no snapshot any more: forgotten. */
    sl_endpoint_release(r, a);
    a = sl_endpoint_hold(r, SL_STR("m|b|127.0.0.1|80|0"), SL_STR("b"));
    assert_int_equal(a->consecutive_5xx, 0);
    sl_endpoint_release(r, a);
    sl_endpoint_registry_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_states_survive_while_held)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
