/* sluice bench: load on a server, measured. The engine is load/; here are options and output. */
#include "base/buf.h"
#include "base/clock.h"
#include "http/url.h"
#include "load/load.h"
#include "load/report.h"
#include "load/target.h"
#include "main/loops.h"
#include "main/options.h"
#include "main/terminal.h"
#include "net/resolver.h"
#include "net/tls.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_HEADERS 64
#define PROGRESS_MS 500

struct worker {
    struct sl_load *load;
    struct sl_load_options options;
    struct sl_timer progress;
};

struct bench {
    struct sl_load_options options; /* of the whole run */
    struct sl_load_report report;
    struct sl_url url;
    struct sl_buf body;
    struct sl_header headers[MAX_HEADERS];
    struct sl_headers header_list;
    struct worker workers[SL_LOOPS_MAX];
    uint64_t n_threads;
    _Atomic unsigned n_running;
    bool has_progress;
    uint64_t started_ns, last_done;
    struct sl_load_result result;
};

static struct bench bench; /* megabytes of histograms: not for the stack */

static void on_over(void *ctx)
{
    (void)ctx;
    if (atomic_fetch_sub(&bench.n_running, 1) == 1)
        sl_loops_stop();
}

static void on_progress(struct sl_loop *loop, struct sl_timer *timer)
{
    uint64_t done = 0, bad = 0, in_flight = 0;
    for (uint64_t i = 0; i < bench.n_threads; i++) {
        if (!bench.workers[i].load)
            continue;
        const struct sl_load_progress *p = sl_load_get_progress(bench.workers[i].load);
        done += atomic_load(&p->n_done);
        bad += atomic_load(&p->n_bad);
        in_flight += atomic_load(&p->n_in_flight);
    }
    fprintf(stderr, "\r%6.1f s  %9llu done  %8.0f a second  %6llu in flight  %llu failed\033[K",
            (double)(sl_clock_ns() - bench.started_ns) / 1e9, (unsigned long long)done,
            (double)(done - bench.last_done) * 1000 / PROGRESS_MS, (unsigned long long)in_flight,
            (unsigned long long)bad);
    bench.last_done = done;
    sl_timer_start(loop, timer, PROGRESS_MS);
}

/* This worker's part of a whole that n workers share. */
static uint64_t share(uint64_t whole, uint64_t n, unsigned i)
{
    return whole / n + (i < whole % n);
}

static bool start(void *ctx, unsigned i, struct sl_loop *loop)
{
    struct worker *w = &bench.workers[i];
    (void)ctx;
    w->options = bench.options;
    w->options.rate_per_s = bench.options.rate_per_s / (double)bench.n_threads;
    w->options.n_concurrent = (uint32_t)share(bench.options.n_concurrent, bench.n_threads, i);
    w->options.n_requests = share(bench.options.n_requests, bench.n_threads, i);
    w->load = sl_load_start(loop, &w->options, on_over, NULL);
    if (!w->load) {
        fprintf(stderr, "sluice bench: out of memory\n");
        return false;
    }
    if (i == 0 && bench.has_progress) {
        w->progress.on_timer = on_progress;
        sl_timer_start(loop, &w->progress, PROGRESS_MS);
    }
    return true;
}

static void stop(void *ctx, unsigned i, struct sl_loop *loop)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct worker *w = &bench.workers[i];
    (void)ctx;
    sl_timer_stop(loop, &w->progress);
    pthread_mutex_lock(&mutex);
    sl_load_merge(&bench.result, sl_load_get_result(w->load));
    pthread_mutex_unlock(&mutex);
}

static bool read_file(const char *path, struct sl_buf *out)
{
    FILE *file = strcmp(path, "-") ? fopen(path, "rbe") : stdin;
    if (!file)
        return false;
    for (;;) {
        char *room = sl_buf_reserve(out, 65536);
        size_t n = room ? fread(room, 1, 65536, file) : 0;
        if (!n)
            break;
        out->n += n;
    }
    bool is_ok = !ferror(file) && !out->is_full;
    if (file != stdin)
        fclose(file);
    return is_ok;
}

static bool read_headers(const struct sl_options *o)
{
    const char *text;
    bench.header_list = (struct sl_headers){bench.headers, 0, MAX_HEADERS};
    bench.headers[bench.header_list.n++] =
        (struct sl_header){SL_STR("content-type"), SL_STR("application/json")};
    for (unsigned i = 0; (text = sl_option_at(o, "--header", i)); i++) {
        sl_str s = sl_str_from(text);
        size_t colon = sl_str_chr(s, ':');
        if (colon == s.n || colon == 0 || bench.header_list.n == MAX_HEADERS) {
            sl_usage_error(o, "--header: found \"%s\", expected \"name: value\", at most %d", text,
                           MAX_HEADERS - 1);
            return false;
        }
        bench.headers[bench.header_list.n++] =
            (struct sl_header){sl_str_sub(s, 0, colon), sl_str_trim(sl_str_sub(s, colon + 1, s.n))};
    }
    bench.options.headers = &bench.header_list;
    return true;
}

static bool make_body(const struct sl_options *o)
{
    const char *file = sl_option(o, "--body");
    const char *model = sl_option(o, "--model");
    uint64_t prompt = 320, tokens = 0;
    sl_buf_init(&bench.body, 256u << 20);
    if (!sl_option_bytes(o, "--prompt", &prompt) ||
        !sl_option_u64(o, "--tokens", 1, 1000000, &tokens))
        return false;
    if (sl_option_is_given(o, "--get"))
        return true;
    if (file) {
        if (read_file(file, &bench.body))
            return true;
        sl_usage_error(o, "--body: cannot read \"%s\"", file);
        return false;
    }
    struct sl_chat_body body = {.model = sl_str_from(model ? model : "auto"),
                                .prompt_bytes = prompt,
                                .is_stream = sl_option_is_given(o, "--stream"),
                                .max_tokens = (int64_t)tokens};
    sl_chat_body_write(&bench.body, &body);
    if (sl_buf_rc(&bench.body) != SL_OK)
        sl_usage_error(o, "--prompt: at most 256 MiB");
    return sl_buf_rc(&bench.body) == SL_OK;
}

static bool read_target(const struct sl_options *o)
{
    struct sl_load_options *l = &bench.options;
    if (o->n_operands != 1) {
        sl_usage_error(o, "expected one URL");
        return false;
    }
    if (!sl_url_parse(sl_str_from(o->operands[0]), &bench.url)) {
        sl_usage_error(o, "found \"%s\", expected http://HOST[:PORT][/PATH] or https://",
                       o->operands[0]);
        return false;
    }
    bool is_bare = sl_str_eq(bench.url.target, SL_STR("/"));
    l->host = bench.url.host;
    l->port = bench.url.port;
    l->target = is_bare ? SL_STR("/v1/chat/completions") : bench.url.target;
    l->method = sl_option_is_given(o, "--get") ? SL_STR("GET") : SL_STR("POST");
    l->body = sl_buf_str(&bench.body);
    bench.report.url = o->operands[0];
    return true;
}

static bool read_amounts(const struct sl_options *o)
{
    struct sl_load_options *l = &bench.options;
    uint64_t concurrent = 64;
    l->duration_ms = sl_option_is_given(o, "--requests") ? 0 : 10000;
    l->timeout_ms = 30000;
    bench.report.late_ms = 10;
    bench.n_threads = 1;
    if (!sl_option_f64(o, "--rate", 0, 1e7, &l->rate_per_s) ||
        !sl_option_u64(o, "--concurrency", 1, 100000, &concurrent) ||
        !sl_option_u64(o, "--requests", 1, UINT32_MAX, &l->n_requests) ||
        !sl_option_ms(o, "--duration", &l->duration_ms) ||
        !sl_option_ms(o, "--warm-up", &l->warm_up_ms) ||
        !sl_option_ms(o, "--timeout", &l->timeout_ms) ||
        !sl_option_ms(o, "--frame", &l->frame_ms) ||
        !sl_option_ms(o, "--late", &bench.report.late_ms) ||
        !sl_option_u64(o, "--threads", 1, SL_LOOPS_MAX, &bench.n_threads))
        return false;
    if (concurrent < bench.n_threads)
        bench.n_threads = concurrent;
    l->n_concurrent = (uint32_t)concurrent;
    bench.report.n_concurrent = concurrent;
    bench.report.n_threads = bench.n_threads;
    bench.report.rate_per_s = l->rate_per_s;
    return true;
}

static bool connect_parts(const struct sl_options *o)
{
    struct sl_err err;
    struct sl_resolver_options resolver = {0};
    struct sl_tls_client_options tls = {.skips_verification = sl_option_is_given(o, "--insecure"),
                                        .ca_file = sl_option(o, "--ca")};
    if (sl_resolver_create(&bench.options.resolver, &resolver) != SL_OK) {
        fprintf(stderr, "sluice bench: out of memory\n");
        return false;
    }
    if (bench.url.is_tls && sl_tls_client_create(&bench.options.tls, &tls, &err) != SL_OK) {
        fprintf(stderr, "sluice bench: %s\n", err.message);
        return false;
    }
    return true;
}

static int print_result(const struct sl_options *o)
{
    struct sl_buf out;
    sl_buf_init(&out, 1 << 20);
    if (bench.has_progress)
        fprintf(stderr, "\r\033[K");
    if (sl_option_is_given(o, "--json"))
        sl_load_write_json(&out, &bench.report, &bench.result);
    else
        sl_load_write_text(&out, &bench.report, &bench.result);
    fwrite(out.p, 1, out.n, stdout);
    sl_buf_free(&out);
    return bench.result.n_ok && bench.result.n_ok == bench.result.n_sent ? 0 : 1;
}

static int run(int argc, char **argv)
{
    struct sl_options o;
    int status = sl_options_parse(&o, argc, argv);
    if (status != SL_OPTIONS_RUN)
        return status;
    if (!read_amounts(&o) || !read_headers(&o) || !make_body(&o) || !read_target(&o))
        return 2;
    if (!connect_parts(&o))
        return 1;
    bench.has_progress = isatty(2) && !sl_option_is_given(&o, "--quiet");
    bench.started_ns = sl_clock_ns();
    atomic_store(&bench.n_running, (unsigned)bench.n_threads);
    struct sl_loops group = {.n = (unsigned)bench.n_threads, .start = start, .stop = stop};
    if (!sl_loops_run(&group))
        return 1;
    return print_result(&o);
}

static const struct sl_option options[] = {
    {"--rate", 'r', "N", "requests a second, open loop (default: as fast as answers come)"},
    {"--concurrency", 'c', "N", "requests in flight at most (64)"},
    {"--duration", 'd', "TIME", "how long (10s)"},
    {"--requests", 'n', "N", "how many, instead of or besides a duration"},
    {"--warm-up", 0, "TIME", "before it counts (0)"},
    {"--threads", 't', "N", "event loops (1)"},
    {"--model", 'm', "NAME", "model of the generated request (auto)"},
    {"--prompt", 'p', "BYTES", "size of its user message (320)"},
    {"--tokens", 0, "N", "max_tokens of it"},
    {"--stream", 's', NULL, "ask for a stream"},
    {"--frame", 0, "TIME", "the pace the stream should have: frames behind it are late"},
    {"--late", 0, "TIME", "count frames later than this (10ms)"},
    {"--body", 'b', "FILE", "send this instead; - is standard input"},
    {"--get", 0, NULL, "GET without a body"},
    {"--header", 'H', "\"N: V\"", "a request header; may be repeated"},
    {"--timeout", 0, "TIME", "of one request (30s)"},
    {"--insecure", 'k', NULL, "do not verify the server's certificate"},
    {"--ca", 0, "FILE", "trust these certificates"},
    {"--json", 'j', NULL, "print one JSON object (durations in nanoseconds)"},
    {"--quiet", 'q', NULL, "no progress line"},
    {.name = NULL},
};

const struct sl_command sl_command_bench = {
    .name = "bench",
    .summary = "put load on a server and measure it",
    .usage = "sluice bench URL [options]",
    .help =
        "With --rate the load is an open loop: each request has a moment at which it is due, and\n"
        "its latency counts from then even when the server is too slow to take it on time. "
        "Without\n"
        "it, as many requests as --concurrency are always in flight. Streams are measured frame "
        "by\n"
        "frame: time to the first, gaps, and lateness against --frame or against the time stamps "
        "of\n"
        "`sluice mock --set timestamps=1`.\n"
        "\n"
        "A URL without a path means /v1/chat/completions. Exit status 1 when any request failed.\n"
        "\n"
        "  sluice bench http://127.0.0.1:8801 --rate 20000 --duration 30s\n"
        "  sluice bench http://127.0.0.1:8801 --stream -c 2000 -n 2000 --frame 20ms",
    .options = options,
    .run = run,
};
