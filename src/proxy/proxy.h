/*
 * The request pipeline over HTTP: one proxy a loop. A request is gated by its head, read once,
 * routed, rewritten, forwarded and its answer relayed as it comes. Everything here runs on the
 * proxy's loop; what loops share is in struct sl_runtime.
 */
#ifndef SL_PROXY_PROXY_H
#define SL_PROXY_PROXY_H

#include "config/config.h"
#include "http/server.h"

struct sl_client;
struct sl_proxy;
struct sl_resolver;
struct sl_tls_context;
struct sl_endpoint_registry;

/* Shared by all loops; made before and freed after them. */
struct sl_runtime {
    struct sl_resolver *resolver;
    struct sl_tls_context *tls;             /* client side, for https backends; may be NULL */
    struct sl_endpoint_registry *endpoints; /* proxy/upstream/registry.h */
    int access_log_fd;                      /* -1: none */
    bool is_access_log_json;
};

/* checks_health: this loop also runs the active health checks. Takes its own reference. */
SL_MUST_USE enum sl_rc sl_proxy_create(struct sl_proxy **out, struct sl_loop *loop,
                                       const struct sl_runtime *runtime, struct sl_config *config,
                                       bool checks_health, struct sl_err *err);
/* No exchange may be running. */
void sl_proxy_destroy(struct sl_proxy *proxy);

/*
 * New requests use `config` from now on; running ones keep theirs. On failure nothing changes.
 * On the proxy's loop.
 */
SL_MUST_USE enum sl_rc sl_proxy_adopt(struct sl_proxy *proxy, struct sl_config *config,
                                      struct sl_err *err);
/* Client TLS for https backends, when the first such backend comes with a reload. */
void sl_proxy_use_tls(struct sl_proxy *proxy, struct sl_tls_context *tls);
struct sl_config *sl_proxy_config(const struct sl_proxy *proxy);
/* Its connections to backends, for who counts them. Lives in the proxy. */
const struct sl_client *sl_proxy_client(const struct sl_proxy *proxy);

/*
 * The handler for the configuration's listener of that index (its timeout applies). Lives in the
 * proxy.
 */
const struct sl_handler *sl_proxy_handler(struct sl_proxy *proxy, uint32_t listener);

#define SL_PROXY_MAX_LISTENERS 16

#endif
