/* Process figures are those of this process; the loop watch records lag and free memory. */
#include "unit.h"

#include "obs/process.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void figures_are_plausible(void **state)
{
    (void)state;
    struct sl_process_figures before, after;
    sl_process_read(&before);
    int extra = dup(0);
    size_t n = 8 << 20;
    char *block = malloc(n);
    memset(block, 1, n);
    sl_process_read(&after);
    assert_int_equal(after.n_fds, before.n_fds + 1);
    assert_true(after.rss_bytes >= before.rss_bytes + n / 2);
    assert_true(after.virtual_bytes >= after.rss_bytes);
    assert_true(after.n_threads >= 1);
    assert_true(after.cpu_s >= before.cpu_s && after.cpu_s > 0);
    assert_true(after.start_unix_s > (double)time(NULL) - 60);
    assert_true(after.start_unix_s < (double)time(NULL) + 2);
    assert_int_equal(block[n - 1], 1);
    free(block);
    close(extra);
}

static void stop(struct sl_loop *loop, struct sl_timer *timer)
{
    (void)timer;
    sl_loop_stop(loop);
}

static void a_watched_loop_reports(void **state)
{
    (void)state;
    struct sl_loop *loop;
    struct sl_timer timer = {.on_timer = stop};
    assert_int_equal(sl_loop_create(&loop), SL_OK);
    struct sl_loop_watch *watch = sl_loop_watch_new(loop);
    sl_process_collect();
    sl_timer_start(loop, &timer, 800);
    sl_loop_run(loop);
    struct sl_buf out;
    sl_buf_init(&out, 1 << 20);
    sl_metrics_write(&out);
    sl_buf_add_char(&out, '\0');
    assert_non_null(strstr(out.p, "sluice_loops 1\n"));
    assert_non_null(strstr(out.p, "sluice_loop_lag_seconds_count 1\n"));
    assert_non_null(strstr(out.p, "\nprocess_resident_memory_bytes "));
    assert_non_null(strstr(out.p, "sluice_build_info{version=\"" SLUICE_VERSION "\"} 1\n"));
    sl_buf_free(&out);
    sl_loop_watch_free(watch);
    sl_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_plausible),
        cmocka_unit_test(a_watched_loop_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
