/* Process figures from /proc/self and getrusage; loop figures from a timer that watches itself. */
#include "obs/process.h"

#include "base/clock.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void read_stat(struct sl_process_figures *out)
{
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file)
        return;
    size_t n = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[n] = '\0';
    /* proc(5): numbers behind the name, which may hold blanks and brackets; [0] is field 4. */
    int64_t fields[21] = {0};
    char *at = strrchr(text, ')');
    if (!at || strlen(at) < 4)
        return;
    sl_str rest = sl_str_from(at + 4), piece; /* behind ") S " */
    for (unsigned i = 0; i < SL_COUNT(fields); i++)
        if (!sl_str_split(&rest, ' ', &piece) || !sl_str_to_i64(piece, &fields[i]))
            return;
    struct timespec wall, boot;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    double booted =
        (double)(wall.tv_sec - boot.tv_sec) + (double)(wall.tv_nsec - boot.tv_nsec) / 1e9;
    out->n_threads = (uint64_t)fields[20 - 4];
    out->virtual_bytes = (uint64_t)fields[23 - 4];
    out->rss_bytes = (uint64_t)fields[24 - 4] * (uint64_t)sysconf(_SC_PAGESIZE);
    out->start_unix_s = booted + (double)fields[22 - 4] / (double)sysconf(_SC_CLK_TCK);
}

static uint64_t count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return 0;
    uint64_t n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n > 3 ? n - 3 : 0; /* ".", ".." and the one opened here */
}

void sl_process_read(struct sl_process_figures *out)
{
    struct rusage usage;
    *out = (struct sl_process_figures){0};
    read_stat(out);
    out->n_fds = count_fds();
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        out->cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void collect(void *ctx, struct sl_buf *out)
{
    (void)ctx;
    struct sl_process_figures now;
    sl_process_read(&now);
    const struct {
        enum sl_metric_id id;
        double value;
    } samples[] = {
        {SL_M_RSS_BYTES, (double)now.rss_bytes}, {SL_M_VIRTUAL_BYTES, (double)now.virtual_bytes},
        {SL_M_CPU_SECONDS, now.cpu_s},           {SL_M_OPEN_FDS, (double)now.n_fds},
        {SL_M_THREADS, (double)now.n_threads},   {SL_M_START_TIME, now.start_unix_s},
    };
    for (size_t i = 0; i < SL_COUNT(samples); i++)
        sl_metrics_sample(out, samples[i].id, NULL, 0, samples[i].value);
    sl_str version = SL_STR(SLUICE_VERSION);
    sl_metrics_sample(out, SL_M_BUILD_INFO, &version, 1, 1);
}

void sl_process_collect(void)
{
    sl_metrics_collect(collect, NULL);
}

#define WATCH_MS 500

struct sl_loop_watch {
    struct sl_loop *loop;
    struct sl_timer timer;
    uint64_t due_ns;
    struct sl_metrics *metrics;
    const struct sl_server *servers[SL_WATCH_SERVERS];
    uint32_t n_servers;
    const struct sl_client *client; /* NULL: none */
};

static struct sl_cell *cell(struct sl_loop_watch *watch, enum sl_metric_id id)
{
    return sl_metrics_cell(watch->metrics, id, NULL, 0);
}

static void again(struct sl_loop_watch *watch)
{
    watch->due_ns = sl_clock_ns() + WATCH_MS * 1000000ull;
    sl_timer_start(watch->loop, &watch->timer, WATCH_MS);
}

static void record_servers(struct sl_loop_watch *watch)
{
    struct sl_server_stats sum = {0};
    for (uint32_t i = 0; i < watch->n_servers; i++) {
        struct sl_server_stats one;
        sl_server_get_stats(watch->servers[i], &one);
        sum.accepted += one.accepted;
        sum.active += one.active;
        sum.rejected += one.rejected;
        sum.bytes_in += one.bytes_in;
        sum.bytes_out += one.bytes_out;
    }
    /* The server counts from its start as a counter does, so its totals are set, not added. */
    sl_cell_set(cell(watch, SL_M_CONNECTIONS), (double)sum.active);
    sl_cell_set(cell(watch, SL_M_CONNECTIONS_ACCEPTED), (double)sum.accepted);
    sl_cell_set(cell(watch, SL_M_CONNECTIONS_REJECTED), (double)sum.rejected);
    sl_cell_set(cell(watch, SL_M_BYTES_IN), (double)sum.bytes_in);
    sl_cell_set(cell(watch, SL_M_BYTES_OUT), (double)sum.bytes_out);
}

static void record_client(struct sl_loop_watch *watch)
{
    const sl_str idle = SL_STR("idle"), active = SL_STR("active");
    struct sl_client_stats stats;
    if (!watch->client)
        return;
    sl_client_get_stats(watch->client, &stats);
    sl_cell_set(sl_metrics_cell(watch->metrics, SL_M_UPSTREAM_POOL, &idle, 1), stats.n_idle);
    sl_cell_set(sl_metrics_cell(watch->metrics, SL_M_UPSTREAM_POOL, &active, 1), stats.n_busy);
}

static void on_timer(struct sl_loop *loop, struct sl_timer *timer)
{
    struct sl_loop_watch *watch = SL_CONTAINER(timer, struct sl_loop_watch, timer);
    uint64_t now = sl_clock_ns();
    sl_cell_observe(cell(watch, SL_M_LOOP_LAG),
                    now > watch->due_ns ? (double)(now - watch->due_ns) / 1e9 : 0);
    sl_cell_set(cell(watch, SL_M_ARENA_FREE_BYTES),
                (double)sl_loop_arena_pool(loop)->n_free * SL_ARENA_CHUNK_BYTES);
    record_servers(watch);
    record_client(watch);
    again(watch);
}

struct sl_loop_watch *sl_loop_watch_new(struct sl_loop *loop)
{
    struct sl_loop_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return NULL;
    watch->loop = loop;
    watch->timer.on_timer = on_timer;
    watch->metrics = sl_metrics_new();
    sl_cell_set(cell(watch, SL_M_LOOPS), 1);
    again(watch);
    return watch;
}

void sl_loop_watch_server(struct sl_loop_watch *watch, const struct sl_server *server)
{
    if (watch && watch->n_servers < SL_WATCH_SERVERS)
        watch->servers[watch->n_servers++] = server;
}

void sl_loop_watch_client(struct sl_loop_watch *watch, const struct sl_client *client)
{
    if (watch)
        watch->client = client;
}

void sl_loop_watch_free(struct sl_loop_watch *watch)
{
    if (!watch)
        return;
    sl_timer_stop(watch->loop, &watch->timer);
    sl_metrics_free(watch->metrics);
    free(watch);
}
