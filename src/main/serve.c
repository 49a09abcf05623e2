/* The process that serves: its parts in order, its signals, its end. */
#include "main/serve_parts.h"

#include "base/log.h"
#include "infer/engine.h"
#include "main/logging.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "obs/metrics.h"
#include "proxy/upstream/registry.h"
#include "route/policy.h"
#include "sys/cpu.h"
#include "sys/descriptors.h"
#include "sys/memory.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_MISTAKES 200

/* ---- loading ----------------------------------------------------------------------------- */

static void note_inactive(const struct sl_config *config, struct sl_diags *diags,
                          bool allows_inactive)
{
    for (uint32_t i = 0; i < config->n_inactive; i++) {
        const struct sl_inactive *f = &config->inactive[i];
        sl_diags_add(diags, allows_inactive ? SL_WARNING : SL_ERROR, 0, 0, f->path,
                     "%.*s is recognised, but its engine is not built%s", SL_FMT(f->what),
                     allows_inactive ? "; it never applies" : "");
    }
}

/* Drops a configuration whose engine cannot be opened. */
static void attach_engine(struct sl_config **config, struct sl_engine *previous)
{
    struct sl_err err = {0};
    enum sl_rc rc = sl_engine_attach(*config, previous, &err);
    if (rc == SL_OK)
        return;
    sl_log((*config)->lacks_examples ? SL_LOG_WARN : SL_LOG_ERROR, "examples_missing",
           "rules that compare with examples fail: %s", err.message);
    if ((*config)->lacks_examples)
        return;
    sl_config_unref(*config);
    *config = NULL;
}

struct sl_config *sl_serve_load(sl_str path, const struct sl_load_options *options,
                                bool allows_inactive, struct sl_engine *previous)
{
    struct sl_arena arena;
    struct sl_diags diags;
    struct sl_config *config = NULL;
    sl_arena_init(&arena, NULL, 64 << 20);
    sl_diags_init(&diags, &arena, MAX_MISTAKES);
    enum sl_rc rc = sl_config_load(&config, path, options, &diags);
    if (rc == SL_OK)
        rc = sl_policy_compile(config, &diags);
    bool is_valid = config && rc == SL_OK && !diags.n_errors;
    if (is_valid)
        note_inactive(config, &diags, allows_inactive);
    sl_logging_diags(&diags, path);
    if (is_valid && diags.n_errors)
        sl_logging_fatal("serve", "refuses a policy whose rules would silently not apply; "
                                  "--allow-inactive serves it all the same");
    else if (rc != SL_OK && !diags.n_errors)
        sl_logging_fatal("serve", "%.*s cannot be loaded: %s", SL_FMT(path), sl_rc_name(rc));
    if (config && (!is_valid || diags.n_errors)) {
        sl_config_unref(config);
        config = NULL;
    }
    sl_arena_reset(&arena);
    if (config)
        attach_engine(&config, previous);
    return config;
}

/* ---- TLS to backends --------------------------------------------------------------------- */

static bool needs_client_tls(const struct sl_config *config)
{
    for (uint32_t m = 0; m < config->n_models; m++)
        for (uint32_t i = 0; i < config->models[m].n_backends; i++)
            if (config->models[m].backends[i].is_tls)
                return true;
    return false;
}

/* Reading the system's roots takes milliseconds and megabytes: only when a backend needs them. */
static bool open_client_tls(struct serve *s, const struct sl_config *config, struct sl_err *err)
{
    const struct sl_tls_client_options options = {.ca_file = NULL};
    if (s->runtime.tls || !needs_client_tls(config))
        return true;
    return sl_tls_client_create(&s->runtime.tls, &options, err) == SL_OK;
}

/* ---- descriptors ------------------------------------------------------------------------- */

#define OWN_DESCRIPTORS 64u /* log, listeners, loops, management, the file watch */

/*
 * A client's request needs a connection to a provider too: clients get half of the descriptors, so
 * that idle ones can neither keep requests from being forwarded nor probes from being answered.
 */
static void share_descriptors(struct serve *s)
{
    uint64_t limit = sl_descriptors_raise();
    uint64_t own = OWN_DESCRIPTORS < limit / 2 ? OWN_DESCRIPTORS : limit / 2;
    int64_t wanted = s->config->global.limits.max_connections;
    s->share.most = (limit - own) / 2 + 1;
    if (wanted > 0 && (uint64_t)wanted > s->share.most)
        sl_log(SL_LOG_WARN, "connections_limited",
               "%llu descriptors (ulimit -n) let in %llu client connections at one time; "
               "max_connections is %lld",
               (unsigned long long)limit, (unsigned long long)s->share.most, (long long)wanted);
}

/* ---- the new configuration --------------------------------------------------------------- */

struct adoption {
    struct sl_message message;
    struct serve_loop *loop;
    struct sl_config *config;
    struct sl_tls_context *client_tls;
    struct sl_tls_context *tls[SL_PROXY_MAX_LISTENERS]; /* of the listeners; held */
};

static void adopt_on_loop(struct sl_loop *loop, struct sl_message *message)
{
    struct adoption *a = SL_CONTAINER(message, struct adoption, message);
    struct sl_err err = {0};
    (void)loop;
    sl_proxy_use_tls(a->loop->proxy, a->client_tls);
    if (sl_proxy_adopt(a->loop->proxy, a->config, &err) == SL_OK)
        serve_loop_use(a->loop, &a->config->global.limits, a->tls);
    else
        sl_log(SL_LOG_ERROR, "reload_failed", "loop %u keeps its configuration: %s", a->loop->index,
               err.message);
    serve_tls_release(a->tls);
    sl_config_unref(a->config);
    free(a);
}

static void post_adoption(struct serve *s, struct serve_loop *loop, struct sl_config *config,
                          struct sl_tls_context *const tls[SL_PROXY_MAX_LISTENERS])
{
    struct adoption *a = malloc(sizeof(*a));
    if (!a) {
        sl_log(SL_LOG_ERROR, "reload_failed", "out of memory: loop %u keeps its configuration",
               loop->index);
        return;
    }
    *a = (struct adoption){.message.run = adopt_on_loop,
                           .loop = loop,
                           .config = sl_config_ref(config),
                           .client_tls = s->runtime.tls};
    for (uint32_t i = 0; i < SL_PROXY_MAX_LISTENERS; i++)
        a->tls[i] = sl_tls_ref(tls[i]);
    sl_loop_post(loop->loop, &a->message);
}

bool serve_adopt(struct serve *s, struct sl_config *config)
{
    struct sl_err err = {0};
    struct sl_tls_context *tls[SL_PROXY_MAX_LISTENERS];
    const char *refused = NULL;
    if (!open_client_tls(s, config, &err))
        refused = "no TLS to backends";
    else if (!serve_open_listener_tls(s, config, tls, &err))
        refused = "no TLS for a listener";
    if (refused) {
        sl_log(SL_LOG_ERROR, "reload_refused", "%s: %s", refused, err.message);
        sl_config_unref(config);
        return false;
    }
    for (uint32_t i = 0; i < s->n_loops; i++)
        post_adoption(s, &s->loops[i], config, tls);
    serve_tls_release(s->tls);
    memcpy(s->tls, tls, sizeof(tls));
    serve_log_moved_listeners(s, config);
    serve_log_fixed_settings(s, config);
    sl_management_adopt(s->management, config);
    sl_log(SL_LOG_INFO, "reloaded", "generation %llu is in force: %u %s, %u %s",
           (unsigned long long)config->generation, config->recipes[0].n_decisions,
           config->recipes[0].n_decisions == 1 ? "decision" : "decisions", config->n_models,
           config->n_models == 1 ? "model" : "models");
    sl_config_unref(s->config);
    s->config = config;
    sl_memory_trim(); /* compiling a policy takes far more than keeping it */
    return true;
}

/* ---- signals and the end ----------------------------------------------------------------- */

static void stop(struct serve *s)
{
    if (!s->is_stopping)
        sl_log(SL_LOG_INFO, "draining", "no new connections; running requests end in order");
    s->is_stopping = true;
    sl_management_set_ready(s->management, false);
    for (uint32_t i = 0; i < s->n_loops; i++)
        serve_loop_drain(&s->loops[i]);
}

static void on_signal(struct sl_signals *signals, int number)
{
    struct serve *s = SL_CONTAINER(signals, struct serve, signals);
    if (number == SIGHUP && s->reload)
        reload_now(s->reload, "SIGHUP");
    else if (number != SIGHUP)
        stop(s);
}

/* Before any thread, so that every thread inherits the mask. */
static bool block_signals(struct sl_err *err)
{
    if (sl_signals_block() == SL_OK)
        return true;
    sl_err_set(err, SL_IO, "the system refuses a signal mask");
    return false;
}

static void on_all_stopped(struct sl_loop *loop, struct sl_message *message)
{
    (void)message;
    sl_loop_stop(loop);
}

/* ---- the start --------------------------------------------------------------------------- */

static uint32_t count_loops(const struct sl_config *config)
{
    int64_t n = config->global.limits.loops;
    if (n <= 0)
        n = sl_cpu_count();
    return n > SERVE_MAX_LOOPS ? SERVE_MAX_LOOPS : (uint32_t)n;
}

static bool open_runtime(struct serve *s, struct sl_err *err)
{
    const struct sl_resolver_options resolver = {0};
    s->runtime.access_log_fd = s->options.has_access_log ? STDOUT_FILENO : -1;
    s->runtime.is_access_log_json = true;
    if (sl_resolver_create(&s->runtime.resolver, &resolver) != SL_OK ||
        sl_endpoint_registry_create(&s->runtime.endpoints) != SL_OK) {
        sl_err_set(err, SL_NOMEM, "out of memory");
        return false;
    }
    return open_client_tls(s, s->config, err);
}

static bool open_control(struct serve *s, struct sl_err *err)
{
    s->signals.on_signal = on_signal;
    s->all_stopped.run = on_all_stopped;
    if (sl_loop_create(&s->loop) != SL_OK || sl_signals_open(s->loop, &s->signals) != SL_OK) {
        sl_err_set(err, SL_IO, "no control loop: the system refuses epoll, signalfd or memory");
        return false;
    }
    sl_process_collect();
    sl_metrics_collect(sl_endpoint_collect, s->runtime.endpoints);
    return true;
}

/* Behind the data listeners: a default port of ours never takes one of theirs. */
static bool open_management(struct serve *s, struct sl_err *err)
{
    const struct sl_management_cfg *cfg = &s->config->global.management;
    const struct sl_serve_options *o = &s->options;
    const struct sl_management_ports ports = {
        .management = o->has_management_port ? o->management_port : (uint16_t)cfg->port,
        .metrics = o->metrics_port,
        /* without a file nobody has asked for the port in the policy that was made up */
        .is_management_asked_for = o->has_management_port || (cfg->has_port && s->config->path.n),
        .is_metrics_asked_for = o->has_metrics_port,
    };
    return sl_management_start(&s->management, s->loop, s->config, s->runtime.resolver, &ports,
                               err) == SL_OK;
}

static bool start_loops(struct serve *s, struct sl_err *err)
{
    uint32_t wanted = count_loops(s->config);
    while (s->n_loops < wanted) {
        atomic_fetch_add(&s->n_running, 1);
        if (!serve_loop_start(s, s->n_loops, err)) {
            atomic_fetch_sub(&s->n_running, 1);
            return false;
        }
        s->n_loops++;
    }
    return true;
}

static void say_ready(struct serve *s)
{
    for (uint32_t i = 0; i < s->n_listeners; i++)
        sl_log(SL_LOG_INFO, "listening", "%s://%.*s:%u (%u loops, generation %llu)",
               s->tls[i] ? "https" : "http", SL_FMT(s->listeners[i].address), s->ports[i],
               s->n_loops, (unsigned long long)s->config->generation);
    sl_management_set_ready(s->management, true);
    const struct sl_serve_addresses at = {
        .data = s->listeners[0].address,
        .data_port = s->ports[0],
        .management = s->config->global.management.bind_address,
        .management_port = sl_management_port(s->management),
    };
    if (at.management_port)
        sl_log(SL_LOG_INFO, "management_listening", "http://%.*s:%u", SL_FMT(at.management),
               at.management_port);
    if (s->options.on_ready)
        s->options.on_ready(&at);
}

static void close_everything(struct serve *s)
{
    reload_stop(s->reload);
    sl_management_stop(s->management);
    serve_tls_release(s->tls);
    sl_tls_unref(s->runtime.tls);
    if (s->runtime.resolver)
        sl_resolver_destroy(s->runtime.resolver);
    for (uint32_t i = 0; i < s->n_loops; i++)
        serve_loop_free(&s->loops[i]);
    sl_endpoint_registry_destroy(s->runtime.endpoints);
    sl_signals_close(s->loop, &s->signals);
    sl_loop_destroy(s->loop);
    sl_config_unref(s->config);
    sl_config_unref(s->first);
}

int sl_serve_with_config(struct sl_config *config, const struct sl_serve_options *options)
{
    struct serve *s = calloc(1, sizeof(*s));
    struct sl_err err = {0};
    int status = 1;
    if (!s) {
        sl_config_unref(config);
        return 1;
    }
    s->options = *options;
    s->config = config;
    s->first = sl_config_ref(config);
    s->signals.io.fd = -1;
    share_descriptors(s);
    sl_memory_trim(); /* what loading took; the loops warm up after it */
    bool is_up = block_signals(&err) && serve_pick_listeners(s, &err) &&
                 serve_open_listener_tls(s, s->config, s->tls, &err) && open_runtime(s, &err) &&
                 open_control(s, &err) && start_loops(s, &err) && open_management(s, &err);
    if (is_up) {
        if (config->path.n)
            s->reload = reload_start(s);
        say_ready(s);
        status = 0;
    } else {
        sl_logging_fatal("serve", "%s", err.message);
        stop(s);
    }
    if (s->n_loops)
        sl_loop_run(s->loop);
    for (uint32_t i = 0; i < s->n_loops; i++)
        serve_loop_join(&s->loops[i]);
    close_everything(s);
    free(s);
    return status;
}
