/* Metrics: exact text of each type, labels and their bound, threads added up, totals that stay. */
#include "unit.h"

#include "obs/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *scrape(void)
{
    struct sl_buf out;
    sl_buf_init(&out, 1 << 24);
    sl_metrics_write(&out);
    sl_buf_add_char(&out, '\0');
    assert_false(out.is_full);
    return out.p; /* freed by the caller: a buffer's memory is malloc's */
}

static void assert_has(const char *line)
{
    char *text = scrape();
    char *found = strstr(text, line);
    if (!found || (found != text && found[-1] != '\n')) {
        print_error("no line \"%s\" in:\n%.2000s\n", line, text);
        fail();
    }
    free(text);
}

static void counters_and_gauges(void **state)
{
    (void)state;
    struct sl_metrics *m = sl_metrics_new();
    sl_str model = SL_STR("a \"quoted\\ name\nend");
    sl_cell_add(sl_metrics_cell(m, SL_M_MODEL_REQUESTS, &model, 1), 1);
    sl_cell_add(sl_metrics_cell(m, SL_M_MODEL_REQUESTS, &model, 1), 2);
    sl_cell_set(sl_metrics_cell(m, SL_M_CONFIG_GENERATION, NULL, 0), 7);
    assert_has("# TYPE llm_model_requests_total counter\n");
    assert_has("llm_model_requests_total{model=\"a \\\"quoted\\\\ name\\nend\"} 3\n");
    assert_has("sluice_config_generation 7\n");
    sl_metrics_free(m);
    assert_has("llm_model_requests_total{model=\"a \\\"quoted\\\\ name\\nend\"} 3\n");
    char *text = scrape();
    assert_null(strstr(text, "sluice_config_generation")); /* gauges end with their thread */
    free(text);
}

static void histograms(void **state)
{
    (void)state;
    struct sl_metrics *m = sl_metrics_new();
    sl_str model = SL_STR("h");
    struct sl_cell *cell = sl_metrics_cell(m, SL_M_TTFT, &model, 1);
    sl_cell_observe(cell, 0.005); /* a bound belongs to its own bucket */
    sl_cell_observe(cell, 0.006);
    sl_cell_observe(cell, 100);
    sl_cell_observe(cell, 0.0 / 0.0); /* ignored */
    assert_has("# TYPE llm_model_ttft_seconds histogram\n");
    assert_has("llm_model_ttft_seconds_bucket{model=\"h\",le=\"0.005\"} 1\n");
    assert_has("llm_model_ttft_seconds_bucket{model=\"h\",le=\"0.01\"} 2\n");
    assert_has("llm_model_ttft_seconds_bucket{model=\"h\",le=\"10\"} 2\n");
    assert_has("llm_model_ttft_seconds_bucket{model=\"h\",le=\"+Inf\"} 3\n");
    assert_has("llm_model_ttft_seconds_count{model=\"h\"} 3\n");
    assert_has("llm_model_ttft_seconds_sum{model=\"h\"} 100.01");
    struct sl_cell *bare = sl_metrics_cell(m, SL_M_ROUTING_LATENCY, NULL, 0);
    sl_cell_observe(bare, 0.000002);
    assert_has("llm_model_routing_latency_seconds_bucket{le=\"1e-06\"} 0\n");
    assert_has("llm_model_routing_latency_seconds_bucket{le=\"2.5e-06\"} 1\n");
    sl_metrics_free(m);
}

static void label_sets_are_bounded(void **state)
{
    (void)state;
    struct sl_metrics *m = sl_metrics_new();
    for (int i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "f%d", i);
        sl_str labels[2] = {SL_STR("d"), sl_str_from(name)};
        sl_cell_add(sl_metrics_cell(m, SL_M_PARAMS_STRIPPED, labels, 2), 1);
    }
    assert_has("sr_request_params_unknown_field_stripped_total{decision=\"other\",field=\"other\"} "
               "744\n");
    char *text = scrape();
    size_t n = 0;
    for (char *at = text; (at = strstr(at, "sr_request_params_unknown_field_stripped_total{"));
         at++)
        n++;
    assert_int_equal(n, 257);
    free(text);
    sl_metrics_free(m);
}

static void missing_and_long_labels(void **state)
{
    (void)state;
    struct sl_metrics *m = sl_metrics_new();
    char name[1000];
    memset(name, 'x', sizeof(name));
    sl_str label = sl_str_of(name, sizeof(name));
    sl_cell_add(sl_metrics_cell(m, SL_M_MODEL_TOKENS, &label, 1), 1);
    sl_cell_add(sl_metrics_cell(m, SL_M_MODEL_COST, &label, 0), 0.25);
    char *text = scrape();
    char *line = strstr(text, "llm_model_tokens_total{model=\"");
    assert_non_null(line);
    assert_int_equal(strspn(line + strlen("llm_model_tokens_total{model=\""), "x"), 256);
    assert_non_null(strstr(text, "llm_model_cost_total{model=\"\",currency=\"\"} 0.25\n"));
    free(text);
    sl_metrics_free(m);
}

static void collect(void *ctx, struct sl_buf *out)
{
    sl_str model = SL_STR("c");
    sl_metrics_sample(out, SL_M_RSS_BYTES, NULL, 0, *(double *)ctx);
    sl_metrics_sample(out, SL_M_MODEL_INFLIGHT, &model, 1, 1);
}

static void collectors_add_up_with_cells(void **state)
{
    (void)state;
    static double rss = 4096;
    struct sl_metrics *m = sl_metrics_new();
    sl_str model = SL_STR("c");
    sl_cell_set(sl_metrics_cell(m, SL_M_MODEL_INFLIGHT, &model, 1), 2);
    sl_metrics_collect(collect, &rss);
    assert_has("process_resident_memory_bytes 4096\n");
    assert_has("llm_model_inflight_requests{model=\"c\"} 3\n");
    sl_metrics_free(m);
}

static void *count_many(void *arg)
{
    struct sl_metrics *m = sl_metrics_new();
    sl_str decision = SL_STR("threads");
    for (int i = 0; i < 20000; i++) {
        char name[8];
        snprintf(name, sizeof(name), "s%d", i % 50);
        sl_str labels[2] = {SL_STR("keyword"), sl_str_from(name)};
        sl_cell_add(sl_metrics_cell(m, SL_M_SIGNAL_MATCHES, labels, 2), 1);
        sl_cell_observe(sl_metrics_cell(m, SL_M_DECISION_CONFIDENCE, &decision, 1), 0.5);
    }
    sl_metrics_free(m);
    return arg;
}

static void threads_are_summed_while_scraped(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, NULL), 0);
    for (int i = 0; i < 20; i++)
        free(scrape());
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_has("llm_decision_confidence_count{decision_name=\"threads\"} 80000\n");
    assert_has("llm_decision_confidence_sum{decision_name=\"threads\"} 40000\n");
    assert_has("llm_signal_match_total{signal_type=\"keyword\",signal_name=\"s0\"} 1600\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_and_gauges),
        cmocka_unit_test(histograms),
        cmocka_unit_test(label_sets_are_bounded),
        cmocka_unit_test(missing_and_long_labels),
        cmocka_unit_test(collectors_add_up_with_cells),
        cmocka_unit_test(threads_are_summed_while_scraped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
