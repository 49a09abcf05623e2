/*
 * Serving a configuration: data loops, the management loop, signals, hot reload, drain. Main
 * thread only; returns when the last request has ended after SIGTERM or SIGINT.
 */
#ifndef SL_MAIN_SERVE_H
#define SL_MAIN_SERVE_H

#include "config/config.h"

/* Where it listens, once it does. */
struct sl_serve_addresses {
    sl_str data, management;
    uint16_t data_port;
    uint16_t management_port; /* 0: no management listener */
};

struct sl_serve_options {
    sl_str listen_address; /* with listen_port: replaces the file's listeners by this one */
    uint16_t listen_port;
    bool has_listen;
    bool allows_inactive;     /* serve although features of the file have no engine */
    bool has_access_log;      /* one line a request on standard output */
    uint16_t management_port; /* with has_management_port: instead of the file's; 0: none */
    bool has_management_port;
    uint16_t metrics_port;       /* beside the management listener; 0: none */
    bool has_metrics_port;       /* asked for: an error when it is in use */
    struct sl_load_options load; /* for reloads of config->path */
    void (*on_ready)(const struct sl_serve_addresses *at); /* may be NULL */
};

/*
 * Takes over the caller's reference to `config`, whose policy is compiled. An empty config->path:
 * nothing to reload. Returns the exit status; what went wrong has been printed.
 */
int sl_serve_with_config(struct sl_config *config, const struct sl_serve_options *options);

/*
 * Loads and compiles a file for serving: all mistakes printed to standard error; features without
 * an engine refused, each named, unless allowed. NULL when it cannot be served. `previous`: the
 * engine of the configuration in force, taken again when its settings are the same; may be NULL.
 */
struct sl_config *sl_serve_load(sl_str path, const struct sl_load_options *options,
                                bool allows_inactive, struct sl_engine *previous);

#endif
