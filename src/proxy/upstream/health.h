/*
 * Active health checks of one endpoint: when the next probe is due and what its result means.
 * Unhealthy after 3 failures in a row, healthy again after 1 success. Belongs to the loop that
 * runs the checks; the verdict goes to the shared endpoint state. Pure: time is a parameter.
 */
#ifndef SL_PROXY_UPSTREAM_HEALTH_H
#define SL_PROXY_UPSTREAM_HEALTH_H

#include "proxy/upstream/endpoint.h"

#define SL_HEALTH_UNHEALTHY_AFTER 3u
#define SL_HEALTH_HEALTHY_AFTER   1u

struct sl_health {
    struct sl_endpoint_state *endpoint;
    uint64_t interval_ns;
    uint64_t due_ns; /* of the next probe */
    uint32_t n_failed, n_passed;
    bool is_probing;
};

/* The first probe is due at now_ns + jitter, jitter = random share of the interval. */
void sl_health_init(struct sl_health *h, struct sl_endpoint_state *endpoint, uint64_t interval_ns,
                    uint64_t now_ns, uint64_t random);
/* True when a probe must start now; it is then counted as running until sl_health_result. */
bool sl_health_begin(struct sl_health *h, uint64_t now_ns);
/* A probe ended. True when the verdict changed. */
bool sl_health_result(struct sl_health *h, bool has_passed, uint64_t now_ns);

#endif
