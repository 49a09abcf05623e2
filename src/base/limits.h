/* Limits and timeouts of listeners and upstream calls; configured under global.router.limits. */
#ifndef SL_BASE_LIMITS_H
#define SL_BASE_LIMITS_H

#include <stdint.h>

struct sl_limits_cfg {
    int64_t max_header_bytes;   /* 64 KiB */
    int64_t max_body_bytes;     /* 32 MiB */
    int64_t max_connections;    /* 0 = what the descriptors allow */
    int64_t header_timeout_ms;  /* slow loris: whole head */
    int64_t body_timeout_ms;    /* between two reads of a body */
    int64_t idle_timeout_ms;    /* keep-alive */
    int64_t connect_timeout_ms; /* upstream phases */
    int64_t tls_timeout_ms;
    int64_t send_timeout_ms;
    int64_t first_byte_timeout_ms;
    int64_t stream_idle_timeout_ms;
    int64_t total_timeout_ms;
    int64_t drain_timeout_ms;
    int64_t loops; /* 0 = one a core */
};

#endif
