/*
 * Whether and when a failed attempt is made again. Only before the first body byte reached the
 * client; that is the caller's to know. Pure: randomness is a parameter. A budget belongs to one
 * loop.
 */
#ifndef SL_PROXY_UPSTREAM_RETRY_H
#define SL_PROXY_UPSTREAM_RETRY_H

#include "config/config.h"

enum sl_attempt_end {
    SL_ATTEMPT_ANSWERED,        /* a status came */
    SL_ATTEMPT_CONNECT_FAILURE, /* refused, unreachable, no address, TLS failed, connect timeout */
    SL_ATTEMPT_REFUSED_STREAM,  /* closed before any answer byte, nothing was processed */
    SL_ATTEMPT_RESET,           /* lost or timed out after the request was sent */
    SL_ATTEMPT_BAD_ANSWER,      /* not HTTP */
};

/* True when `retry_on` (bits of enum sl_retry_on) covers this end. */
bool sl_retry_covers(uint32_t retry_on, enum sl_attempt_end end, int status);

/* Full jitter: uniform in [0, 25 ms * 2^n_retried), at most 250 ms. In milliseconds. */
uint64_t sl_retry_delay_ms(uint32_t n_retried, uint64_t random);

/* At most 20 % of the active requests may be retries, but always 3 (Envoy's retry budget). */
struct sl_retry_budget {
    uint32_t n_active;
    uint32_t n_retrying;
};
bool sl_retry_budget_take(struct sl_retry_budget *b);
void sl_retry_budget_give(struct sl_retry_budget *b);

#endif
