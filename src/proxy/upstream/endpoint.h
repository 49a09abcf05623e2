/*
 * What all loops know of one backend endpoint: how busy it is, whether its health checks pass,
 * whether it is ejected. Lives as long as any configuration snapshot names the same backend, so a
 * reload that does not change a backend does not forget what was learned about it.
 *
 * Threads: every field is atomic and advisory; a loop that reads a value one turn old does no
 * harm. Time is a parameter: nothing here reads a clock.
 */
#ifndef SL_PROXY_UPSTREAM_ENDPOINT_H
#define SL_PROXY_UPSTREAM_ENDPOINT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct sl_endpoint_state {
    _Atomic uint32_t in_flight;
    _Atomic bool is_check_failing; /* active health checks say so */
    _Atomic uint32_t consecutive_5xx;
    _Atomic uint32_t n_ejections; /* in a row: multiplies the next ejection's time */
    _Atomic uint64_t ejected_until_ns;
    _Atomic uint64_t n_requests; /* for tests and metrics */
    _Atomic uint64_t n_failures;
};

/* May be picked at now_ns. */
static inline bool sl_endpoint_is_available(const struct sl_endpoint_state *s, uint64_t now_ns)
{
    return !atomic_load_explicit(&s->is_check_failing, memory_order_relaxed) &&
           atomic_load_explicit(&s->ejected_until_ns, memory_order_relaxed) <= now_ns;
}

#endif
