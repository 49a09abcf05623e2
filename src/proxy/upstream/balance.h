/*
 * Choosing an endpoint of one model. Three policies: smooth weighted round robin, least request
 * (the better of two random choices by in-flight per weight), and consistent hash (weighted
 * rendezvous: an endpoint that comes or goes moves only its own share of the keys). Pure: time
 * and randomness are parameters. A balancer belongs to one loop; endpoint states are shared.
 */
#ifndef SL_PROXY_UPSTREAM_BALANCE_H
#define SL_PROXY_UPSTREAM_BALANCE_H

#include "proxy/upstream/endpoint.h"

#include "base/str.h"
#include "config/config.h"

#define SL_BALANCE_MAX_ENDPOINTS 64 /* of one model; a bit each in masks */

struct sl_balance_member {
    struct sl_endpoint_state *state;
    uint64_t identity; /* hash of the backend's name and address */
    int64_t credit;    /* round robin: grows by weight, pays the sum when picked */
    uint32_t weight;   /* >= 1 */
};

struct sl_balance {
    struct sl_balance_member *members;
    uint32_t n;
    enum sl_lb_policy policy;
};

struct sl_balance_query {
    uint64_t now_ns;
    uint64_t random;   /* 64 fresh bits */
    uint64_t key;      /* session hash; 0 = none: consistent hash falls back to least request */
    uint64_t excluded; /* bit per member that must not be picked (tried already) */
};

/* Index of a member, or -1 when none is available. */
int sl_balance_pick(struct sl_balance *b, const struct sl_balance_query *q);

#endif
