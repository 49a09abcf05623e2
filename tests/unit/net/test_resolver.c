/* The resolver with a lookup that the test controls. */
#include "net/resolver.h"
#include "unit.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static atomic_int n_lookups;
static atomic_int last_octet;

/* "slow." waits a little, "missing." fails, anything else is 192.0.2.N. */
static enum sl_rc fake_lookup(const char *host, struct sl_address_list *out, const char **reason)
{
    atomic_fetch_add(&n_lookups, 1);
    if (!strncmp(host, "slow.", 5))
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    if (!strncmp(host, "missing.", 8)) {
        *reason = "no such name";
        return SL_NOTFOUND;
    }
    char text[32];
    snprintf(text, sizeof text, "192.0.2.%d", atomic_load(&last_octet));
    sl_address_parse(sl_str_from(text), 0, &out->items[0]);
    sl_address_parse(SL_STR("2001:db8::1"), 0, &out->items[1]);
    out->n = 2;
    return SL_OK;
}

struct query {
    struct sl_resolve resolve;
    struct sl_loop *loop;
    enum sl_rc rc;
    unsigned n_answers;
    unsigned *n_open;
};

static void on_resolved(struct sl_resolve *r, enum sl_rc rc)
{
    struct query *q = SL_CONTAINER(r, struct query, resolve);
    q->rc = rc;
    q->n_answers++;
    if (--*q->n_open == 0)
        sl_loop_stop(q->loop);
}

static struct sl_loop *loop;
static struct sl_resolver *resolver;

static int setup(void **state)
{
    (void)state;
    atomic_store(&n_lookups, 0);
    atomic_store(&last_octet, 1);
    struct sl_resolver_options options = {.ttl_ms = 50, .max_names = 2, .lookup = fake_lookup};
    return sl_loop_create(&loop) || sl_resolver_create(&resolver, &options);
}

static int teardown(void **state)
{
    (void)state;
    sl_resolver_destroy(resolver);
    sl_loop_run_posted(loop); /* answers that nobody waits for any more */
    sl_loop_destroy(loop);
    return 0;
}

/* Asks and waits for the answer if there is one to wait for. */
static enum sl_rc ask(struct query *q, const char *host)
{
    unsigned n_open = 1;
    *q = (struct query){.resolve.on_resolved = on_resolved, .loop = loop, .n_open = &n_open};
    enum sl_rc rc = sl_resolve_start(resolver, loop, &q->resolve, sl_str_from(host), 8000);
    if (rc != SL_AGAIN)
        return rc;
    sl_loop_run(loop);
    return q->rc;
}

static void numbers_need_no_thread_and_names_are_cached(void **state)
{
    (void)state;
    struct query q;
    assert_int_equal(ask(&q, "127.0.0.1"), SL_OK);
    assert_int_equal(q.n_answers, 0);
    assert_int_equal(q.resolve.list.n, 1);
    assert_int_equal(atomic_load(&n_lookups), 0);
    assert_int_equal(ask(&q, "name.test"), SL_OK);
    assert_int_equal(q.n_answers, 1);
    assert_int_equal(q.resolve.list.n, 2);
    assert_int_equal(sl_address_port(&q.resolve.list.items[1]), 8000);
    assert_int_equal(ask(&q, "NAME.test"), SL_OK);
    assert_int_equal(q.n_answers, 0); /* from the cache, at once */
    assert_int_equal(sl_address_port(&q.resolve.list.items[0]), 8000);
    assert_int_equal(atomic_load(&n_lookups), 1);
    assert_int_equal(ask(&q, "not a name"), SL_INVALID);
    assert_int_equal(ask(&q, ""), SL_INVALID);
}

static void an_old_answer_serves_while_it_is_renewed(void **state)
{
    (void)state;
    struct query q;
    char text[SL_ADDRESS_TEXT_BYTES];
    assert_int_equal(ask(&q, "name.test"), SL_OK);
    atomic_store(&last_octet, 2);
    nanosleep(&(struct timespec){.tv_nsec = 80000000}, NULL);
    assert_int_equal(ask(&q, "name.test"), SL_OK);
    assert_string_equal(sl_address_print(&q.resolve.list.items[0], text).p, "192.0.2.1");
    for (int i = 0; i < 200; i++) {
        assert_int_equal(ask(&q, "name.test"), SL_OK);
        if (!strcmp(sl_address_print(&q.resolve.list.items[0], text).p, "192.0.2.2"))
            return;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    fail_msg("the new address never came");
}

static void failures_are_told_and_remembered_for_a_moment(void **state)
{
    (void)state;
    struct query q;
    assert_int_equal(ask(&q, "missing.test"), SL_NOTFOUND);
    assert_int_equal(q.n_answers, 1);
    assert_string_equal(q.resolve.reason, "no such name");
    assert_int_equal(ask(&q, "missing.test"), SL_NOTFOUND);
    assert_int_equal(q.n_answers, 0);
    assert_string_equal(q.resolve.reason, "no such name");
    assert_int_equal(atomic_load(&n_lookups), 1);
}

static void many_askers_of_one_name_share_a_lookup_and_may_leave(void **state)
{
    (void)state;
    enum { ASKERS = 20 };
    struct query queries[ASKERS];
    unsigned n_open = ASKERS / 2;
    for (int i = 0; i < ASKERS; i++) {
        queries[i] =
            (struct query){.resolve.on_resolved = on_resolved, .loop = loop, .n_open = &n_open};
        assert_int_equal(
            sl_resolve_start(resolver, loop, &queries[i].resolve, SL_STR("slow.test"), 1),
            SL_AGAIN);
    }
    for (int i = 0; i < ASKERS; i += 2)
        sl_resolve_cancel(&queries[i].resolve);
    sl_loop_run(loop);
    for (int i = 0; i < ASKERS; i++)
        assert_int_equal(queries[i].n_answers, i % 2);
    assert_true(atomic_load(&n_lookups) <= 2); /* at most one a thread */
}

static void the_cache_forgets_the_oldest(void **state)
{
    (void)state;
    struct query q;
    assert_int_equal(ask(&q, "a.test"), SL_OK);
    assert_int_equal(ask(&q, "b.test"), SL_OK);
    assert_int_equal(ask(&q, "c.test"), SL_OK);
    assert_int_equal(ask(&q, "c.test"), SL_OK);
    assert_int_equal(q.n_answers, 0);
    assert_int_equal(ask(&q, "a.test"), SL_OK);
    assert_int_equal(q.n_answers, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_need_no_thread_and_names_are_cached, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_old_answer_serves_while_it_is_renewed, setup, teardown),
        cmocka_unit_test_setup_teardown(failures_are_told_and_remembered_for_a_moment, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(many_askers_of_one_name_share_a_lookup_and_may_leave, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_cache_forgets_the_oldest, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
