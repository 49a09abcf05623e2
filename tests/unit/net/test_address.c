/* Numeric addresses and listening sockets. */
#include "net/address.h"
#include "net/listen.h"
#include "unit.h"

#include <unistd.h>

static void numeric_addresses_parse_and_print(void **state)
{
    (void)state;
    static const struct {
        sl_str text, printed;
    } good[] = {
        {SL_STR_INIT("127.0.0.1"), SL_STR_INIT("127.0.0.1")},
        {SL_STR_INIT("::1"), SL_STR_INIT("::1")},
        {SL_STR_INIT("[2001:db8::7]"), SL_STR_INIT("2001:db8::7")},
        {SL_STR_INIT("::ffff:10.1.2.3"), SL_STR_INIT("10.1.2.3")},
    };
    for (size_t i = 0; i < SL_COUNT(good); i++) {
        struct sl_address a;
        char buffer[SL_ADDRESS_TEXT_BYTES];
        assert_true(sl_address_parse(good[i].text, 8080, &a));
        assert_true(sl_str_eq(sl_address_print(&a, buffer), good[i].printed));
        assert_int_equal(sl_address_port(&a), 8080);
    }
    const sl_str bad[] = {SL_STR(""),          SL_STR("localhost"), SL_STR("1.2.3"),
                          SL_STR("[1.2.3.4]"), SL_STR("::1 "),      SL_STR("fe80::1%nonesuch0"),
                          SL_STR("1.2.3.4\0x")};
    struct sl_address a;
    for (size_t i = 0; i < SL_COUNT(bad); i++)
        assert_false(sl_address_parse(bad[i], 1, &a));
}

static void two_sockets_share_a_port_and_a_bad_address_says_so(void **state)
{
    (void)state;
    int first, second;
    uint16_t port = 0;
    struct sl_err err = {0};
    assert_int_equal(sl_listen(SL_STR("127.0.0.1"), 0, &first, &port, &err), SL_OK);
    assert_true(port != 0);
    assert_int_equal(sl_listen(SL_STR("127.0.0.1"), port, &second, NULL, &err), SL_OK);
    close(first);
    close(second);
    assert_int_equal(sl_listen(SL_STR("localhost"), 0, &first, &port, &err), SL_INVALID);
    assert_non_null(strstr(err.message, "localhost"));
    assert_int_equal(sl_listen(SL_STR("192.0.2.77"), 0, &first, &port, &err), SL_IO);
    assert_non_null(strstr(err.message, "192.0.2.77"));
    assert_int_equal(sl_listen(SL_STR("*"), 0, &first, &port, &err), SL_OK);
    close(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numeric_addresses_parse_and_print),
        cmocka_unit_test(two_sockets_share_a_port_and_a_bad_address_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
