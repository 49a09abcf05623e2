/* Percentile rows, a histogram with one bar a power-of-two step, and the same numbers as JSON. */
#include "load/report.h"

#include "codec/json_write.h"

#include <stdio.h>

static const double percents[] = {50, 90, 99, 99.9, 99.99};

const char *sl_load_duration(char text[16], uint64_t ns)
{
    static const struct {
        double per;
        const char *unit;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {0, "ns"}};
    unsigned i = 0;
    while (units[i].per > (double)ns)
        i++;
    double value = units[i].per > 0 ? (double)ns / units[i].per : (double)ns;
    snprintf(text, 16, "%.*f %s",
             value < 10 && units[i].per > 0 ? 2
             : value < 100                  ? 1
                                            : 0,
             value, units[i].unit);
    return text;
}

static double seconds(const struct sl_load_result *r)
{
    return r->last_ns > r->first_ns ? (double)(r->last_ns - r->first_ns) / 1e9 : 0;
}

static uint64_t n_unanswered(const struct sl_load_result *r)
{
    uint64_t n = r->n_timeout;
    for (unsigned i = 0; i < SL_COUNT(r->n_failed); i++)
        n += r->n_failed[i];
    return n;
}

static uint64_t n_refused(const struct sl_load_result *r)
{
    return r->n_status[0] + r->n_status[1] + r->n_status[3] + r->n_status[4] + r->n_status[5];
}

static void put_row(struct sl_buf *out, const char *name, const struct sl_hist *h)
{
    char text[16];
    if (!h->n)
        return;
    sl_buf_printf(out, "%-14s", name);
    for (unsigned i = 0; i < SL_COUNT(percents); i++)
        sl_buf_printf(out, " %9s", sl_load_duration(text, sl_hist_percentile(h, percents[i])));
    sl_buf_printf(out, " %9s", sl_load_duration(text, h->max));
    sl_buf_printf(out, " %9s\n", sl_load_duration(text, (uint64_t)sl_hist_mean(h)));
}

/* Bars over the steps 1, 2, 5 of each decade that hold anything. */
static void put_bars(struct sl_buf *out, const struct sl_hist *h)
{
    static const uint64_t steps[] = {1, 2, 5};
    uint64_t most = 1, below = 0;
    uint64_t counts[64] = {0}, tops[64];
    unsigned n = 0;
    uint64_t decade = 1000; /* from a microsecond */
    for (unsigned i = 0; n < SL_COUNT(counts) && decade < 1000000000000u; i++) {
        uint64_t top = decade * steps[i % 3];
        uint64_t not_above = h->n - sl_hist_above(h, top);
        counts[n] = not_above - below;
        below = not_above;
        most = counts[n] > most ? counts[n] : most;
        tops[n++] = top;
        if (i % 3 == 2)
            decade *= 10;
    }
    unsigned first = 0, last = n;
    while (first < n && !counts[first])
        first++;
    while (last > first && !counts[last - 1])
        last--;
    for (unsigned i = first; i < last; i++) {
        char text[16], bar[41];
        unsigned width = (unsigned)(40 * counts[i] / most);
        memset(bar, '#', sizeof(bar));
        bar[width ? width : counts[i] ? 1 : 0] = '\0';
        sl_buf_printf(out, "  <= %9s %-40s %5.2f %%\n", sl_load_duration(text, tops[i]), bar,
                      100.0 * (double)counts[i] / (double)h->n);
    }
}

static void put_failures(struct sl_buf *out, const struct sl_load_result *r)
{
    for (unsigned i = 0; i < SL_COUNT(r->n_status); i++)
        if (i != 2 && r->n_status[i])
            sl_buf_printf(out, "status %s    %llu\n",
                          (const char *[]){"other", "1xx", "", "3xx", "4xx", "5xx"}[i],
                          (unsigned long long)r->n_status[i]);
    for (unsigned i = 0; i < SL_COUNT(r->n_failed); i++)
        if (r->n_failed[i])
            sl_buf_printf(out, "failed       %llu at %s\n", (unsigned long long)r->n_failed[i],
                          sl_call_phase_name((enum sl_call_phase)i));
    if (r->n_timeout)
        sl_buf_printf(out, "timed out    %llu\n", (unsigned long long)r->n_timeout);
    if (r->n_incomplete)
        sl_buf_printf(out, "cut streams  %llu\n", (unsigned long long)r->n_incomplete);
    if (r->n_unsent)
        sl_buf_printf(out, "never sent   %llu: the server is slower than the rate\n",
                      (unsigned long long)r->n_unsent);
    if (r->first_failure[0])
        sl_buf_printf(out, "first error  %s\n", r->first_failure);
}

static void put_percentiles(struct sl_buf *out, const struct sl_load_report *report,
                            const struct sl_load_result *r)
{
    sl_buf_printf(out, "\n%-14s %9s %9s %9s %9s %9s %9s %9s\n", "", "p50", "p90", "p99", "p99.9",
                  "p99.99", "max", "mean");
    put_row(out, "latency", &r->latency);
    if (report->rate_per_s > 0) {
        put_row(out, "  from sending", &r->service);
        put_row(out, "  start delay", &r->start_late);
    }
    put_row(out, "first frame", &r->first_frame);
    put_row(out, "between frames", &r->frame_gap);
    put_row(out, "frame late by", &r->frame_late);
}

void sl_load_write_text(struct sl_buf *out, const struct sl_load_report *report,
                        const struct sl_load_result *r)
{
    double time_s = seconds(r);
    sl_buf_printf(out, "requests     %llu in %.2f s, %.0f a second, %llu without a good answer\n",
                  (unsigned long long)r->n_sent, time_s, time_s > 0 ? (double)r->n_ok / time_s : 0,
                  (unsigned long long)(n_unanswered(r) + n_refused(r) + r->n_incomplete));
    put_failures(out, r);
    if (r->latency.n)
        put_percentiles(out, report, r);
    if (r->n_frames) {
        sl_buf_printf(out, "\nframes       %llu in %llu streams", (unsigned long long)r->n_frames,
                      (unsigned long long)r->n_streams);
        if (r->frame_late.n)
            sl_buf_printf(
                out, ", %llu later than %llu ms",
                (unsigned long long)sl_hist_above(&r->frame_late, report->late_ms * 1000000u),
                (unsigned long long)report->late_ms);
        sl_buf_add_char(out, '\n');
    }
    if (r->latency.n) {
        sl_buf_add(out, SL_STR("\nlatency\n"));
        put_bars(out, &r->latency);
    }
}

static void json_u64(struct sl_json_writer *w, const char *key, uint64_t value)
{
    sl_json_key(w, sl_str_from(key));
    sl_json_put_i64(w, (int64_t)value);
}

static void json_hist(struct sl_json_writer *w, const char *key, const struct sl_hist *h)
{
    if (!h->n)
        return;
    sl_json_key(w, sl_str_from(key));
    sl_json_open(w, '{');
    for (unsigned i = 0; i < SL_COUNT(percents); i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%g", percents[i]);
        json_u64(w, name, sl_hist_percentile(h, percents[i]));
    }
    json_u64(w, "max", h->max);
    json_u64(w, "min", h->min);
    json_u64(w, "mean", (uint64_t)sl_hist_mean(h));
    json_u64(w, "count", h->n);
    sl_json_close(w, '}');
}

void sl_load_write_json(struct sl_buf *out, const struct sl_load_report *report,
                        const struct sl_load_result *r)
{
    struct sl_json_writer w;
    double time_s = seconds(r);
    sl_json_writer_init(&w, out);
    sl_json_open(&w, '{');
    sl_json_key(&w, SL_STR("url"));
    sl_json_put_str(&w, sl_str_from(report->url));
    sl_json_key(&w, SL_STR("asked_per_s"));
    sl_json_put_f64(&w, report->rate_per_s);
    json_u64(&w, "concurrency", report->n_concurrent);
    json_u64(&w, "threads", report->n_threads);
    sl_json_key(&w, SL_STR("seconds"));
    sl_json_put_f64(&w, time_s);
    sl_json_key(&w, SL_STR("per_s"));
    sl_json_put_f64(&w, time_s > 0 ? (double)r->n_ok / time_s : 0);
    json_u64(&w, "sent", r->n_sent);
    json_u64(&w, "ok", r->n_ok);
    json_u64(&w, "refused", n_refused(r));
    json_u64(&w, "status_4xx", r->n_status[4]);
    json_u64(&w, "status_5xx", r->n_status[5]);
    json_u64(&w, "failed", n_unanswered(r) - r->n_timeout);
    json_u64(&w, "timed_out", r->n_timeout);
    json_u64(&w, "unsent", r->n_unsent);
    json_u64(&w, "streams", r->n_streams);
    json_u64(&w, "streams_cut", r->n_incomplete);
    json_u64(&w, "frames", r->n_frames);
    json_u64(&w, "frames_late", sl_hist_above(&r->frame_late, report->late_ms * 1000000u));
    json_u64(&w, "bytes_in", r->bytes_in);
    json_hist(&w, "latency_ns", &r->latency);
    json_hist(&w, "service_ns", &r->service);
    json_hist(&w, "start_late_ns", &r->start_late);
    json_hist(&w, "first_frame_ns", &r->first_frame);
    json_hist(&w, "frame_gap_ns", &r->frame_gap);
    json_hist(&w, "frame_late_ns", &r->frame_late);
    if (r->first_failure[0]) {
        sl_json_key(&w, SL_STR("first_error"));
        sl_json_put_str(&w, sl_str_from(r->first_failure));
    }
    sl_json_close(&w, '}');
    sl_buf_add_char(out, '\n');
}
