/*
 * Hot reload: the file and its folder are watched (editors replace files, Kubernetes replaces
 * links), changes settle for a moment, and only other content counts. A helper thread reads,
 * validates and compiles; the loops go on meanwhile and swap at the end. A file with mistakes
 * changes nothing and says why.
 */
#include "main/serve_parts.h"

#include "base/hash.h"
#include "base/log.h"
#include "infer/engine.h"
#include "obs/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTLE_MS        150
#define ASK_AGAIN_MS     2000
#define ASK_AGAIN_MAX_MS 60000
#define MAX_FILE_BYTES   ((off_t)32 << 20)

struct reload {
    struct serve *serve;
    struct sl_io watch; /* fd < 0: none */
    struct sl_timer settle;
    char *path;
    uint64_t content_hash; /* of the content loaded or refused last */
    pthread_t thread;
    bool is_loading, is_due; /* due: asked for again while loading */
    struct sl_config *loaded;
    struct sl_engine *previous; /* while loading: of the configuration in force */
    struct sl_timer ask_again;  /* for examples that could not be had */
    uint64_t ask_again_ms;
    struct sl_message done;
    struct sl_metrics *metrics;
};

/* 0 when it cannot be read. */
static uint64_t hash_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint64_t hash = 0;
    if (fd < 0)
        return 0;
    if (fstat(fd, &st) == 0 && st.st_size >= 0 && st.st_size <= MAX_FILE_BYTES) {
        char *text = malloc((size_t)st.st_size + 1);
        ssize_t n = text ? read(fd, text, (size_t)st.st_size) : -1;
        if (n >= 0)
            hash = sl_hash(sl_str_of(text, (size_t)n), 0x10ad) | 1;
        free(text);
    }
    close(fd);
    return hash;
}

static void begin(struct reload *r);

/* A provider that was down when examples were asked for is asked again, ever less often. */
static void watch_examples(struct reload *r)
{
    if (!r->serve->config->lacks_examples || r->serve->is_stopping) {
        r->ask_again_ms = 0;
        return;
    }
    r->ask_again_ms = r->ask_again_ms ? 2 * r->ask_again_ms : ASK_AGAIN_MS;
    if (r->ask_again_ms > ASK_AGAIN_MAX_MS)
        r->ask_again_ms = ASK_AGAIN_MAX_MS;
    sl_timer_start(r->serve->loop, &r->ask_again, r->ask_again_ms);
}

static void on_ask_again(struct sl_loop *loop, struct sl_timer *timer)
{
    (void)loop;
    begin(SL_CONTAINER(timer, struct reload, ask_again));
}

static void count(struct reload *r, bool was_ok)
{
    const sl_str result = was_ok ? SL_STR("ok") : SL_STR("rejected");
    sl_cell_add(sl_metrics_cell(r->metrics, SL_M_CONFIG_RELOADS, &result, 1), 1);
}

static void on_loaded(struct sl_loop *loop, struct sl_message *message)
{
    struct reload *r = SL_CONTAINER(message, struct reload, done);
    (void)loop;
    pthread_join(r->thread, NULL);
    sl_engine_unref(r->previous);
    r->is_loading = false;
    if (r->loaded && !r->serve->is_stopping)
        count(r, serve_adopt(r->serve, r->loaded));
    else if (r->loaded)
        sl_config_unref(r->loaded);
    else {
        count(r, false);
        sl_log(SL_LOG_ERROR, "reload_refused",
               "%s has mistakes (above); the configuration in force stays", r->path);
    }
    r->loaded = NULL;
    watch_examples(r);
    if (r->is_due) {
        r->is_due = false;
        begin(r);
    }
}

static void *load(void *arg)
{
    struct reload *r = arg;
    r->loaded = sl_serve_load(sl_str_from(r->path), &r->serve->options.load,
                              r->serve->options.allows_inactive, r->previous);
    sl_loop_post(r->serve->loop, &r->done);
    return NULL;
}

static void begin(struct reload *r)
{
    if (r->is_loading) {
        r->is_due = true;
        return;
    }
    r->content_hash = hash_file(r->path);
    r->done.run = on_loaded;
    r->previous = sl_engine_ref(r->serve->config->engine);
    r->is_loading = pthread_create(&r->thread, NULL, load, r) == 0;
    if (r->is_loading)
        return;
    sl_engine_unref(r->previous);
    sl_log(SL_LOG_ERROR, "reload_refused", "no thread to load %s", r->path);
}

void reload_now(struct reload *r, const char *why)
{
    sl_log(SL_LOG_INFO, "reloading", "loading %s: %s", r->path, why);
    begin(r);
}

static void on_settled(struct sl_loop *loop, struct sl_timer *timer)
{
    struct reload *r = SL_CONTAINER(timer, struct reload, settle);
    (void)loop;
    uint64_t hash = hash_file(r->path);
    if (hash && hash != r->content_hash)
        reload_now(r, "the file changed");
}

static void on_change(struct sl_loop *loop, struct sl_io *io, uint32_t events)
{
    struct reload *r = SL_CONTAINER(io, struct reload, watch);
    char buffer[4096] __attribute__((aligned(8)));
    (void)events;
    while (read(io->fd, buffer, sizeof(buffer)) > 0)
        ;
    sl_timer_start(loop, &r->settle, SETTLE_MS); /* again: after the last change */
}

static void watch(struct reload *r)
{
    const uint32_t mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ATTRIB | IN_MODIFY;
    char folder[4096];
    const char *slash = strrchr(r->path, '/');
    int n = slash ? snprintf(folder, sizeof(folder), "%.*s/", (int)(slash - r->path), r->path)
                  : snprintf(folder, sizeof(folder), ".");
    r->watch.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    r->watch.on_event = on_change;
    if (r->watch.fd >= 0 && n > 0 && (size_t)n < sizeof(folder) &&
        inotify_add_watch(r->watch.fd, folder, mask) >= 0 &&
        sl_loop_add(r->serve->loop, &r->watch) == SL_OK)
        return;
    sl_log(SL_LOG_WARN, "reload_unwatched", "%s cannot be watched; send SIGHUP after changes",
           r->path);
    if (r->watch.fd >= 0)
        close(r->watch.fd);
    r->watch.fd = -1;
}

struct reload *reload_start(struct serve *s)
{
    struct reload *r = calloc(1, sizeof(*r));
    char *path = r ? malloc(s->config->path.n + 1) : NULL;
    if (!path) {
        free(r);
        return NULL;
    }
    memcpy(path, s->config->path.p, s->config->path.n);
    path[s->config->path.n] = 0;
    r->serve = s;
    r->metrics = sl_metrics_new();
    r->path = path;
    r->settle.on_timer = on_settled;
    r->content_hash = hash_file(path);
    r->ask_again.on_timer = on_ask_again;
    watch(r);
    watch_examples(r);
    return r;
}

void reload_stop(struct reload *r)
{
    if (!r)
        return;
    if (r->is_loading) {
        pthread_join(r->thread, NULL);
        sl_engine_unref(r->previous);
        if (r->loaded)
            sl_config_unref(r->loaded);
    }
    sl_timer_stop(r->serve->loop, &r->ask_again);
    sl_timer_stop(r->serve->loop, &r->settle);
    if (r->watch.fd >= 0) {
        sl_loop_remove(r->serve->loop, &r->watch);
        close(r->watch.fd);
    }
    sl_metrics_free(r->metrics);
    free(r->path);
    free(r);
}
