/*
 * Load on an HTTP server from one event loop: open loop at a set rate, or closed loop as fast as
 * answers come. At a set rate latency counts from the moment the request was due, not from when a
 * connection was free for it, so a stalled server cannot hide its stall (no coordinated omission).
 * Streamed answers (text/event-stream) are measured frame by frame.
 *
 * One struct sl_load per loop, used on that loop's thread; results are merged after the run.
 */
#ifndef SL_LOAD_LOAD_H
#define SL_LOAD_LOAD_H

#include "http/client.h"
#include "load/hist.h"

#include <stdatomic.h>

struct sl_load_options {
    sl_str host;
    uint16_t port;
    struct sl_tls_context *tls; /* NULL: plaintext */
    struct sl_resolver *resolver;
    sl_str method, target, body;
    const struct sl_headers *headers;
    double rate_per_s;     /* of this loop; 0: as fast as answers come */
    uint32_t n_concurrent; /* of this loop */
    uint64_t duration_ms;  /* 0: n_requests decide */
    uint64_t n_requests;   /* of this loop; 0: duration decides */
    uint64_t warm_up_ms;   /* requests due before it count nowhere */
    uint64_t timeout_ms;   /* of one request */
    uint64_t frame_ms;     /* expected pace of a stream; 0: unknown */
};

#define SL_LOAD_PHASES (SL_PHASE_BODY_READ + 1)

struct sl_load_result {
    struct sl_hist latency;     /* due -> answer complete, 2xx only */
    struct sl_hist service;     /* sent -> answer complete, 2xx only */
    struct sl_hist first_frame; /* due -> first event of a stream */
    struct sl_hist frame_gap;   /* between two events of a stream */
    struct sl_hist frame_late;  /* behind the frame's own time stamp, or behind the pace */
    struct sl_hist start_late;  /* due -> sent: the generator's own delay and the queue */
    uint64_t n_ok, n_streams, n_frames, n_incomplete; /* streams without [DONE] */
    uint64_t n_status[6];                             /* 1xx .. 5xx; [0]: others */
    uint64_t n_failed[SL_LOAD_PHASES];                /* no whole answer, by phase */
    uint64_t n_timeout;
    uint64_t n_sent, bytes_in;
    uint64_t n_unsent; /* due before the end, never sent */
    uint64_t first_ns, last_ns;
    char first_failure[160];
};

struct sl_load;

/* What a progress line reads from another thread. */
struct sl_load_progress {
    _Atomic uint64_t n_done, n_bad, n_in_flight;
};

/*
 * on_over is called once, on the loop, when everything was sent and answered (or given up after
 * the timeout). NULL when out of memory or the client cannot be made.
 */
struct sl_load *sl_load_start(struct sl_loop *loop, const struct sl_load_options *options,
                              void (*on_over)(void *ctx), void *ctx);
/* What is in flight is cancelled. on_over is not called. */
void sl_load_free(struct sl_load *load);
const struct sl_load_result *sl_load_get_result(const struct sl_load *load);
const struct sl_load_progress *sl_load_get_progress(const struct sl_load *load);
void sl_load_merge(struct sl_load_result *into, const struct sl_load_result *from);

#endif
