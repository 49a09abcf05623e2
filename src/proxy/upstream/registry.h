/*
 * Endpoint states by backend identity. Every loop's view of every live configuration snapshot
 * holds the states of its backends; a state goes when the last holder does. So what was learned
 * about a backend survives each reload that does not change it, whatever else that changes.
 * Any thread; taken only when a snapshot is adopted or dropped.
 */
#ifndef SL_PROXY_UPSTREAM_REGISTRY_H
#define SL_PROXY_UPSTREAM_REGISTRY_H

#include "base/rc.h"
#include "proxy/upstream/endpoint.h"

#include "base/buf.h"

struct sl_endpoint_registry;

SL_MUST_USE enum sl_rc sl_endpoint_registry_create(struct sl_endpoint_registry **out);
void sl_endpoint_registry_destroy(struct sl_endpoint_registry *r); /* nothing may be held */

/* The state of that identity (any text) of a backend of that name, made when new; NULL when out of
 * memory. */
struct sl_endpoint_state *sl_endpoint_hold(struct sl_endpoint_registry *r, sl_str identity,
                                           sl_str backend);
void sl_endpoint_release(struct sl_endpoint_registry *r, struct sl_endpoint_state *state);

/* Collector of sluice_backend_healthy; ctx is the registry. By scrapes, on their thread. */
void sl_endpoint_collect(void *ctx, struct sl_buf *out);

#endif
