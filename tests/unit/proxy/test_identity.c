/* Trust, what is private, the credential chain, and session keys. */
#include "unit.h"

#include "proxy/identity.h"
#include "proxy/session.h"

#include <arpa/inet.h>

static struct sl_arena arena;

static int begin(void **state)
{
    (void)state;
    sl_arena_init(&arena, NULL, 1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    sl_arena_reset(&arena);
    return 0;
}

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *range, *peer;
        bool expect;
    } cases[] = {
        {"10.0.0.0/8", "10.200.3.4", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"192.168.4.0/22", "192.168.7.255", true},
        {"192.168.4.0/22", "192.168.8.0", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"::1", "::1", true},
        {"fd00::/8", "fdff::1", true},
        {"fd00::/8", "fe80::1", false},
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},
        {"::/0", "2001:db8::1", true},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        sl_str text = sl_str_from(cases[i].range), bad;
        struct sl_global_cfg cfg = {.identity.trusted_proxies = {&text, 1}};
        struct sl_identity id;
        struct sockaddr_storage peer = {0};
        const struct sl_headers none = {NULL, 0, 0};
        assert_int_equal(sl_identity_init(&id, &cfg, &arena, &bad), SL_OK);
        struct sockaddr_in6 *v6 = (void *)&peer;
        struct sockaddr_in *v4 = (void *)&peer;
        if (inet_pton(AF_INET, cases[i].peer, &v4->sin_addr) == 1)
            peer.ss_family = AF_INET;
        else if (inet_pton(AF_INET6, cases[i].peer, &v6->sin6_addr) == 1)
            peer.ss_family = AF_INET6;
        if (sl_identity_is_trusted(&id, &peer, &none) != cases[i].expect)
            fail_msg("%s in %s", cases[i].peer, cases[i].range);
        assert_false(sl_identity_is_trusted(&id, NULL, &none));
    }
    static const char *const bad_texts[] = {"",       "x",        "10.0.0.0/33",  "10.0.0.0/-1",
                                            "::/129", "10.0.0/8", "10.0.0.0/8/9", "10.0.0.0/ 8x"};
    for (size_t i = 0; i < SL_COUNT(bad_texts); i++) {
        struct sl_trust_range range;
        if (sl_trust_range_parse(sl_str_from(bad_texts[i]), &range))
            fail_msg("accepted \"%s\"", bad_texts[i]);
    }
}

static void test_secret(void **state)
{
    (void)state;
    struct sl_global_cfg cfg = {.identity.trusted_secret_header = SL_STR("x-edge"),
                                .identity.trusted_secret = SL_STR("s3cret")};
    struct sl_identity id;
    sl_str bad;
    assert_int_equal(sl_identity_init(&id, &cfg, &arena, &bad), SL_OK);
    static const struct {
        const char *value;
        bool expect;
    } cases[] = {{"s3cret", true},   {"S3cret", false}, {"s3cre", false},
                 {"s3crets", false}, {"", false},       {"s3crets3cret", false}};
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_header h = {SL_STR("X-Edge"), sl_str_from(cases[i].value)};
        const struct sl_headers headers = {&h, 1, 1};
        assert_int_equal(sl_identity_is_trusted(&id, NULL, &headers), cases[i].expect);
    }
    assert_true(sl_identity_is_private(&id, SL_STR("X-Edge")));
    cfg.identity.trusted_secret = SL_STR("");
    struct sl_header h = {SL_STR("x-edge"), SL_STR("")};
    const struct sl_headers headers = {&h, 1, 1};
    assert_false(sl_identity_is_trusted(&id, NULL, &headers)); /* no secret: nobody knows it */
}

static void test_private_headers(void **state)
{
    (void)state;
    struct sl_global_cfg cfg = {.identity.user_id_header = SL_STR("x-my-user"),
                                .identity.user_groups_header = SL_STR("x-my-groups")};
    struct sl_identity id = {.cfg = &cfg};
    static const struct {
        const char *name;
        bool expect;
    } cases[] = {
        {"x-authz-user-id", true},
        {"X-Authz-Team-Id", true},
        {"x-user-openai-key", true},
        {"X-USER-GEMINI-KEY", true},
        {"x-vsr-debug", true},
        {"x-vsr-looper-request", true},
        {"x-vsr-internal-auth", true},
        {"x-selected-model", true},
        {"X-My-User", true},
        {"x-my-groups", true},
        {"x-user-agent", false},
        {"x-session-id", false},
        {"authorization", false},
        {"x-request-id", false},
        {"x-vs", false},
        {"content-type", false},
        {"x", false},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++)
        if (sl_identity_is_private(&id, sl_str_from(cases[i].name)) != cases[i].expect)
            fail_msg("%s", cases[i].name);
}

static void test_credential_chain(void **state)
{
    (void)state;
    struct sl_header items[] = {{SL_STR("x-user-openai-key"), SL_STR("u1")},
                                {SL_STR("x-ours"), SL_STR("u2")}};
    const struct sl_headers headers = {items, 2, 2};
    struct sl_global_cfg cfg = {0};
    struct sl_identity id = {.cfg = &cfg};
    assert_true(
        sl_str_eq(sl_identity_user_key(&id, &headers, SL_STR("openai"), true), SL_STR("u1")));
    assert_int_equal(sl_identity_user_key(&id, &headers, SL_STR("gemini"), true).n, 0);
    assert_false(sl_identity_needs_key(&id));

    const struct sl_str_pair pair = {SL_STR("openai"), SL_STR("x-ours")};
    const struct sl_credential_provider_cfg chain[] = {
        {.is_header_injection = false}, {.is_header_injection = true, .headers = {&pair, 1}}};
    cfg.credential_providers = chain;
    cfg.n_credential_providers = 2;
    assert_true(sl_identity_needs_key(&id));
    assert_int_equal(sl_identity_user_key(&id, &headers, SL_STR("openai"), true).n, 0);
    assert_true(
        sl_str_eq(sl_identity_user_key(&id, &headers, SL_STR("openai"), false), SL_STR("u2")));
    assert_true(sl_identity_is_private(&id, SL_STR("X-Ours")));
    cfg.authz_fail_open = true;
    assert_false(sl_identity_needs_key(&id));
}

static void test_groups(void **state)
{
    (void)state;
    struct sl_global_cfg cfg = {.identity.user_id_header = SL_STR("x-authz-user-id"),
                                .identity.user_groups_header = SL_STR("x-authz-user-groups")};
    struct sl_identity id = {.cfg = &cfg};
    struct sl_header items[] = {{SL_STR("x-authz-user-id"), SL_STR(" u ")},
                                {SL_STR("X-Authz-User-Groups"), SL_STR("a, b ,,c")}};
    const struct sl_headers headers = {items, 2, 2};
    struct sl_facts facts = {0};
    assert_int_equal(sl_identity_facts(&id, &headers, &arena, &facts), SL_OK);
    assert_true(sl_str_eq(facts.user_id, SL_STR("u")));
    assert_int_equal(facts.n_groups, 3);
    assert_true(sl_str_eq(facts.groups[1], SL_STR("b")));
}

static uint64_t key_of(const char *header, const char *user, const char *body)
{
    struct sl_json json;
    struct sl_err err;
    struct sl_header h = {SL_STR("x-session-id"), sl_str_from(header)};
    const struct sl_headers headers = {&h, header ? 1 : 0, 1};
    assert_int_equal(sl_json_parse(&json, &arena, sl_str_from(body), NULL, &err), SL_OK);
    return sl_session_key(&headers, sl_str_from(user), &json,
                          sl_json_get(&json, 0, SL_STR("messages")));
}

#define TURN1                                                                                      \
    "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":"       \
    "\"hi\"}"
#define TURN2                                                                                      \
    TURN1 ",{\"role\":\"assistant\",\"content\":\"yo\"},{\"role\":\"user\",\"content\":\"more\"}"

static void test_session_keys(void **state)
{
    (void)state;
    assert_int_equal(key_of(NULL, "", TURN1 "]}"), key_of(NULL, "", TURN2 "]}"));
    assert_int_equal(key_of(NULL, "u", TURN1 "]}"), key_of(NULL, "u", TURN2 "]}"));
    assert_int_not_equal(key_of(NULL, "u", TURN1 "]}"), key_of(NULL, "v", TURN1 "]}"));
    assert_int_equal(key_of("a", "u", TURN1 "]}"), key_of("a", "v", "{\"messages\":[]}"));
    assert_int_not_equal(key_of("a", "", TURN1 "]}"), key_of("b", "", TURN1 "]}"));
    assert_int_equal(key_of(NULL, "", TURN1 "],\"metadata\":{\"user_id\":\"m\"}}"),
                     key_of(NULL, "", "{\"messages\":[],\"metadata\":{\"user_id\":\"m\"}}"));
    assert_int_not_equal(key_of(NULL, "", "{}"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ranges, begin, end),
        cmocka_unit_test_setup_teardown(test_secret, begin, end),
        cmocka_unit_test_setup_teardown(test_private_headers, begin, end),
        cmocka_unit_test_setup_teardown(test_credential_chain, begin, end),
        cmocka_unit_test_setup_teardown(test_groups, begin, end),
        cmocka_unit_test_setup_teardown(test_session_keys, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
