/* sluice top: a live view of a running router, from two scrapes of its metrics at a time. */
#include "base/clock.h"
#include "load/report.h"
#include "main/fetch.h"
#include "main/options.h"
#include "main/terminal.h"
#include "obs/scrape.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define MAX_ROWS 256

struct view { /* one scrape */
    struct sl_arena arena;
    struct sl_buf text;
    struct sl_scrape scrape;
    uint64_t at_ns;
};

struct top {
    struct sl_url url;
    const char *url_text;
    struct view views[2];
    struct view *before, *now;
    double elapsed_s;
    struct sl_buf screen;
};

struct row {
    sl_str name;
    double per_s;
};

static volatile sig_atomic_t is_over;

static void on_signal(int number)
{
    (void)number;
    is_over = 1;
}

static bool take(struct top *t, struct view *v, char reason[160])
{
    sl_buf_reset(&v->text);
    sl_arena_reset(&v->arena);
    if (!sl_fetch(&t->url, 5000, &v->text, reason))
        return false;
    v->at_ns = sl_clock_ns();
    snprintf(reason, 160, "the answer is too large");
    return sl_scrape_parse(&v->scrape, &v->arena, sl_buf_str(&v->text)) == SL_OK;
}

static double value(const struct top *t, const char *name)
{
    return sl_scrape_sum(&t->now->scrape, sl_str_from(name), SL_STR(""), SL_STR(""));
}

static double rate(const struct top *t, const char *name, const char *key, sl_str label)
{
    sl_str n = sl_str_from(name), k = sl_str_from(key);
    double delta = sl_scrape_sum(&t->now->scrape, n, k, label) -
                   sl_scrape_sum(&t->before->scrape, n, k, label);
    return delta > 0 && t->elapsed_s > 0 ? delta / t->elapsed_s : 0;
}

static void put_time(struct sl_buf *out, double seconds)
{
    char text[16];
    if (seconds < 0)
        sl_buf_printf(out, " %9s", "-");
    else
        sl_buf_printf(out, " %9s", sl_load_duration(text, (uint64_t)(seconds * 1e9)));
}

static void put_quantile(struct top *t, const char *name, const char *key, sl_str label, double q)
{
    put_time(&t->screen, sl_scrape_quantile(&t->before->scrape, &t->now->scrape, sl_str_from(name),
                                            sl_str_from(key), label, q));
}

static int by_rate(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->per_s != y->per_s)
        return x->per_s < y->per_s ? 1 : -1;
    return sl_str_cmp(x->name, y->name);
}

static uint32_t rows_of(const struct top *t, const char *name, const char *key, struct row *rows)
{
    sl_str values[MAX_ROWS];
    uint32_t n =
        sl_scrape_values(&t->now->scrape, sl_str_from(name), sl_str_from(key), values, MAX_ROWS);
    for (uint32_t i = 0; i < n; i++)
        rows[i] = (struct row){values[i], rate(t, name, key, values[i])};
    qsort(rows, n, sizeof(rows[0]), by_rate);
    return n;
}

static void put_heading(struct top *t)
{
    struct sl_buf *out = &t->screen;
    double up_s = (double)time(NULL) - value(t, "process_start_time_seconds");
    sl_buf_printf(out, "%ssluice%s %s   up %.0f:%02.0f:%02.0f   generation %.0f   %.0f loops   ",
                  sl_style(stdout, SL_BOLD), sl_style(stdout, SL_PLAIN), t->url_text,
                  floor(up_s / 3600), floor(fmod(up_s, 3600) / 60), floor(fmod(up_s, 60)),
                  value(t, "sluice_config_generation"), value(t, "sluice_loops"));
    sl_buf_printf(out, "RSS %.1f MiB   CPU %.0f %%\n\n",
                  value(t, "process_resident_memory_bytes") / 1048576,
                  100 * rate(t, "process_cpu_seconds_total", "", SL_STR("")));
    sl_buf_printf(out, "requests %9.1f /s   in flight %.0f   streams %.0f   connections %.0f\n",
                  rate(t, "sluice_http_requests_total", "", SL_STR("")),
                  value(t, "llm_model_inflight_requests"), value(t, "sluice_http_streams"),
                  value(t, "sluice_connections"));
    double errors = rate(t, "llm_request_errors_total", "", SL_STR(""));
    sl_buf_printf(out, "errors   %s%9.1f /s%s   retries %.1f /s   failovers %.1f /s\n",
                  errors > 0 ? sl_style(stdout, SL_RED) : "", errors,
                  errors > 0 ? sl_style(stdout, SL_PLAIN) : "",
                  rate(t, "sluice_upstream_retries_total", "", SL_STR("")),
                  rate(t, "sluice_upstream_failovers_total", "", SL_STR("")));
    sl_buf_printf(out, "\n%-24s %9s %9s\n", "", "p50", "p99");
    sl_buf_printf(out, "%-24s", "routing");
    put_quantile(t, "llm_model_routing_latency_seconds", "", SL_STR(""), 0.5);
    put_quantile(t, "llm_model_routing_latency_seconds", "", SL_STR(""), 0.99);
    sl_buf_printf(out, "\n%-24s", "loop lag");
    put_quantile(t, "sluice_loop_lag_seconds", "", SL_STR(""), 0.5);
    put_quantile(t, "sluice_loop_lag_seconds", "", SL_STR(""), 0.99);
    sl_buf_add_char(out, '\n');
}

static void put_decisions(struct top *t, uint32_t room)
{
    struct row rows[MAX_ROWS];
    uint32_t n = rows_of(t, "llm_decision_match_total", "decision_name", rows);
    double most = n && rows[0].per_s > 0 ? rows[0].per_s : 1;
    char bar[31];
    memset(bar, '#', sizeof(bar));
    sl_buf_printf(&t->screen, "\n%s%-24s %9s%s\n", sl_style(stdout, SL_BOLD), "decision", "/s",
                  sl_style(stdout, SL_PLAIN));
    for (uint32_t i = 0; i < n && i < room; i++)
        sl_buf_printf(&t->screen, "%-24.*s %9.1f %.*s\n", SL_FMT(sl_str_sub(rows[i].name, 0, 24)),
                      rows[i].per_s, (int)(30 * rows[i].per_s / most), bar);
}

static void put_models(struct top *t, uint32_t room)
{
    struct row rows[MAX_ROWS];
    struct sl_buf *out = &t->screen;
    uint32_t n = rows_of(t, "llm_model_requests_total", "model", rows);
    sl_buf_printf(out, "\n%s%-24s %9s %9s %9s %9s %9s %9s %9s%s\n", sl_style(stdout, SL_BOLD),
                  "model", "/s", "first p50", "first p99", "whole p50", "whole p99", "tokens/s",
                  "errors/s", sl_style(stdout, SL_PLAIN));
    for (uint32_t i = 0; i < n && i < room; i++) {
        sl_buf_printf(out, "%-24.*s %9.1f", SL_FMT(sl_str_sub(rows[i].name, 0, 24)), rows[i].per_s);
        put_quantile(t, "llm_model_ttft_seconds", "model", rows[i].name, 0.5);
        put_quantile(t, "llm_model_ttft_seconds", "model", rows[i].name, 0.99);
        put_quantile(t, "llm_model_completion_latency_seconds", "model", rows[i].name, 0.5);
        put_quantile(t, "llm_model_completion_latency_seconds", "model", rows[i].name, 0.99);
        sl_buf_printf(out, " %9.0f %9.1f\n",
                      rate(t, "llm_model_tokens_total", "model", rows[i].name),
                      rate(t, "llm_request_errors_total", "model", rows[i].name));
    }
}

static void show(struct top *t, bool is_live)
{
    uint32_t room = is_live && sl_terminal_height(stdout) > 22
                        ? (sl_terminal_height(stdout) - 14) / 2
                    : is_live ? 4
                              : MAX_ROWS;
    sl_buf_reset(&t->screen);
    t->elapsed_s = (double)(t->now->at_ns - t->before->at_ns) / 1e9;
    if (is_live)
        sl_buf_add(&t->screen, SL_STR("\033[H\033[2J"));
    put_heading(t);
    put_decisions(t, room);
    put_models(t, room);
    fwrite(t->screen.p, 1, t->screen.n, stdout);
    fflush(stdout);
}

static void wait_ms(uint64_t ms)
{
    struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL); /* a signal ends it early, as it should */
}

static int watch(struct top *t, uint64_t interval_ms, bool is_live)
{
    char reason[160];
    if (!take(t, t->before, reason)) {
        fprintf(stderr, "sluice top: %s: %s\n", t->url_text, reason);
        return 1;
    }
    while (!is_over) {
        wait_ms(interval_ms);
        if (is_over)
            break;
        if (!take(t, t->now, reason)) {
            fprintf(stderr, "sluice top: %s: %s\n", t->url_text, reason);
            return 1;
        }
        show(t, is_live);
        if (!is_live)
            break;
        struct view *swap = t->before;
        t->before = t->now;
        t->now = swap;
    }
    return 0;
}

static int run(int argc, char **argv)
{
    struct sl_options o;
    static struct top t;
    uint64_t interval_ms = 1000;
    int status = sl_options_parse(&o, argc, argv);
    if (status != SL_OPTIONS_RUN)
        return status;
    if (o.n_operands > 1)
        return sl_usage_error(&o, "expected one URL");
    t.url_text = o.n_operands ? o.operands[0] : "http://127.0.0.1:8080";
    if (!sl_url_parse(sl_str_from(t.url_text), &t.url))
        return sl_usage_error(&o, "found \"%s\", expected http://HOST[:PORT]", t.url_text);
    if (!sl_option_ms(&o, "--interval", &interval_ms))
        return 2;
    if (sl_str_eq(t.url.target, SL_STR("/")))
        t.url.target = SL_STR("/metrics");
    t.before = &t.views[0];
    t.now = &t.views[1];
    sl_buf_init(&t.screen, 1 << 20);
    for (unsigned i = 0; i < 2; i++) {
        sl_buf_init(&t.views[i].text, 32 << 20);
        sl_arena_init(&t.views[i].arena, NULL, 64 << 20);
    }
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    bool is_live = !sl_option_is_given(&o, "--once") && sl_terminal_has_colour(stdout);
    return watch(&t, interval_ms < 100 ? 100 : interval_ms, is_live);
}

static const struct sl_option options[] = {
    {"--interval", 'i', "TIME", "between two looks (1s)"},
    {"--once", '1', NULL, "print one view and end; so it is too where output is no terminal"},
    {.name = NULL},
};

const struct sl_command sl_command_top = {
    .name = "top",
    .summary = "watch a running router",
    .usage = "sluice top [URL] [--interval TIME] [--once]",
    .help = "Shows rates, decisions, models, latency percentiles, errors, loops and memory of a\n"
            "router from its /metrics, refreshed every second. The URL is its management address\n"
            "(http://127.0.0.1:8080 by default).\n"
            "\n"
            "  sluice top http://127.0.0.1:8080 --interval 2s",
    .options = options,
    .run = run,
};
