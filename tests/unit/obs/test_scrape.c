/* Reading our own exposition back: names, labels, sums, quantiles between two scrapes. */
#include "unit.h"

#include "obs/metrics.h"
#include "obs/scrape.h"

#include <math.h>

static struct sl_arena arena;

static struct sl_scrape parse(sl_str text)
{
    struct sl_scrape s;
    assert_int_equal(sl_scrape_parse(&s, &arena, text), SL_OK);
    return s;
}

static struct sl_scrape scrape(void)
{
    struct sl_buf out;
    sl_buf_init(&out, 1 << 22);
    sl_metrics_write(&out);
    sl_str text = sl_arena_dup(&arena, sl_buf_str(&out));
    sl_buf_free(&out);
    return parse(text);
}

static void lines_and_labels(void **state)
{
    (void)state;
    struct sl_scrape s =
        parse(SL_STR("# HELP a b\na 1\nb{x=\"1\",y=\"q\\\"}{\"} 2.5 1700000\n"
                     "b{x=\"2\",y=\"\"} 4\nbroken{x=\"\n\nnot a number\nc +Inf\n"));
    assert_true(s.n >= 3);
    assert_true(sl_scrape_sum(&s, SL_STR("a"), SL_STR(""), SL_STR("")) == 1);
    assert_true(sl_scrape_sum(&s, SL_STR("b"), SL_STR(""), SL_STR("")) == 6.5);
    assert_true(sl_scrape_sum(&s, SL_STR("b"), SL_STR("x"), SL_STR("2")) == 4);
    assert_true(sl_scrape_sum(&s, SL_STR("b"), SL_STR("y"), SL_STR("q\\\"}{")) == 2.5);
    sl_str values[4];
    assert_int_equal(sl_scrape_values(&s, SL_STR("b"), SL_STR("x"), values, 4), 2);
    assert_null(sl_sample_label(&s.samples[0], SL_STR("x")).p);
}

static void our_own_text_reads_back(void **state)
{
    (void)state;
    struct sl_metrics *m = sl_metrics_new();
    sl_str model = SL_STR("we\"ird\\ {name}");
    sl_cell_add(sl_metrics_cell(m, SL_M_MODEL_REQUESTS, &model, 1), 12);
    struct sl_scrape s = scrape();
    sl_str values[4];
    assert_int_equal(
        sl_scrape_values(&s, SL_STR("llm_model_requests_total"), SL_STR("model"), values, 4), 1);
    assert_true(sl_scrape_sum(&s, SL_STR("llm_model_requests_total"), SL_STR("model"), values[0]) ==
                12);
    sl_metrics_free(m);
}

static double p(const struct sl_scrape *a, const struct sl_scrape *b, const char *model, double q)
{
    return sl_scrape_quantile(a, b, SL_STR("llm_model_ttft_seconds"), SL_STR("model"),
                              sl_str_from(model), q);
}

static void quantiles_between_scrapes(void **state)
{
    (void)state;
    struct sl_metrics *m = sl_metrics_new();
    sl_str model = SL_STR("q");
    struct sl_cell *cell = sl_metrics_cell(m, SL_M_TTFT, &model, 1);
    for (int i = 0; i < 100; i++)
        sl_cell_observe(cell, 5); /* before: slow */
    struct sl_scrape before = scrape();
    for (int i = 0; i < 90; i++)
        sl_cell_observe(cell, 0.02);
    for (int i = 0; i < 10; i++)
        sl_cell_observe(cell, 0.4);
    struct sl_scrape now = scrape();
    assert_true(p(&before, &now, "q", 0.5) > 0.01 && p(&before, &now, "q", 0.5) <= 0.025);
    assert_true(p(&before, &now, "q", 0.99) > 0.25 && p(&before, &now, "q", 0.99) <= 0.5);
    assert_true(p(NULL, &now, "q", 0.99) > 2.5);
    assert_true(p(&before, &now, "none", 0.5) < 0);
    assert_true(p(&now, &now, "q", 0.5) < 0);
    sl_cell_observe(cell, 1000); /* beyond the last bound: the bound is all that is known */
    struct sl_scrape later = scrape();
    assert_true(p(&now, &later, "q", 0.5) == 10);
    sl_metrics_free(m);
}

static int setup(void **state)
{
    (void)state;
    sl_arena_init(&arena, NULL, 16 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sl_arena_reset(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_labels),
        cmocka_unit_test(our_own_text_reads_back),
        cmocka_unit_test(quantiles_between_scrapes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
