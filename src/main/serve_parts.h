/*
 * Private to serving: the process (serve.c), its listeners (serve_listeners.c), its data loops
 * (serve_loop.c), reloads (reload.c).
 */
#ifndef SL_MAIN_SERVE_PARTS_H
#define SL_MAIN_SERVE_PARTS_H

#include "admin/management.h"
#include "main/serve.h"
#include "net/tls.h"
#include "obs/process.h"
#include "proxy/proxy.h"
#include "sys/signals.h"

#include <pthread.h>
#include <stdatomic.h>

#define SERVE_MAX_LOOPS 64

struct serve;

/* One data loop on its own thread. */
struct serve_loop {
    struct serve *serve;
    uint32_t index;
    pthread_t thread;
    struct sl_loop *loop;
    struct sl_proxy *proxy;
    struct sl_server *servers[SL_PROXY_MAX_LISTENERS];
    uint32_t n_servers;
    uint32_t n_undrained;
    struct sl_timer drain_limit;
    struct sl_message drain;
    struct sl_loop_watch *watch;
    _Atomic bool is_draining; /* also read by the main thread */
};

struct serve {
    struct sl_serve_options options;
    struct sl_config *config; /* the one in force; owned by the main thread */
    struct sl_config *first;  /* the one at start: `listeners` points into it */
    struct sl_runtime runtime;
    struct serve_loop loops[SERVE_MAX_LOOPS];
    uint32_t n_loops;
    struct sl_listener_cfg override;         /* with options.has_listen */
    const struct sl_listener_cfg *listeners; /* as started; a reload does not move them */
    uint32_t n_listeners;
    struct sl_tls_context *tls[SL_PROXY_MAX_LISTENERS]; /* NULL: plain; a reload renews them */
    struct sl_server_share share;                       /* of all data connections */
    uint16_t ports[SL_PROXY_MAX_LISTENERS];             /* bound, when the file said 0 */

    struct sl_loop *loop; /* the main thread's: management, signals, file watch */
    struct sl_signals signals;
    struct sl_management *management;
    struct reload *reload;
    _Atomic uint32_t n_running;
    struct sl_message all_stopped;
    bool is_stopping;
};

/* serve_listeners.c. Fills s->listeners from the configuration or --listen. */
bool serve_pick_listeners(struct serve *s, struct sl_err *err);
/*
 * Certificates for the running listeners as the configuration says, a reference each; a listener
 * that the file moved keeps what it has. False: nothing is held, err names the file.
 */
bool serve_open_listener_tls(const struct serve *s, const struct sl_config *config,
                             struct sl_tls_context *tls[SL_PROXY_MAX_LISTENERS],
                             struct sl_err *err);
void serve_tls_release(struct sl_tls_context *const tls[SL_PROXY_MAX_LISTENERS]);
/* Warn of what the new configuration asks for and a reload cannot do. */
void serve_log_moved_listeners(const struct serve *s, const struct sl_config *config);
void serve_log_fixed_settings(const struct serve *s, const struct sl_config *config);

/* serve_loop.c: starts the loop's servers on the calling thread, then its thread. */
bool serve_loop_start(struct serve *s, uint32_t index, struct sl_err *err);
/* Main thread: asks the loop to end in order (or at once, the second time). */
void serve_loop_drain(struct serve_loop *l);
/* On the loop: limits and certificates (NULL: plain) for what begins from now on. */
void serve_loop_use(struct serve_loop *l, const struct sl_limits_cfg *limits,
                    struct sl_tls_context *const tls[SL_PROXY_MAX_LISTENERS]);
void serve_loop_join(struct serve_loop *l);
/* Behind the last thread that may post to it. */
void serve_loop_free(struct serve_loop *l);

/* reload.c. NULL with errno when the file cannot be watched: SIGHUP works all the same. */
struct reload *reload_start(struct serve *s);
void reload_now(struct reload *r, const char *why);
void reload_stop(struct reload *r);
/* A new configuration is loaded; in serve.c. Takes the reference over. False:
 * refused, with a line in the log. */
bool serve_adopt(struct serve *s, struct sl_config *config);

#endif
