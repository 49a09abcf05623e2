/* Ejection as Envoy's outlier detection does it for consecutive_5xx. */
#include "proxy/upstream/outlier.h"

#define MAX_MULTIPLIER 10u /* an ejection lasts at most ten times the base */

static uint32_t count_ejected(const struct sl_balance *b, uint64_t now_ns)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n; i++)
        n += atomic_load_explicit(&b->members[i].state->ejected_until_ns, memory_order_relaxed) >
             now_ns;
    return n;
}

static void note_success(struct sl_endpoint_state *s, uint64_t now_ns)
{
    if (atomic_load_explicit(&s->consecutive_5xx, memory_order_relaxed))
        atomic_store_explicit(&s->consecutive_5xx, 0, memory_order_relaxed);
    uint32_t n = atomic_load_explicit(&s->n_ejections, memory_order_relaxed);
    if (n && atomic_load_explicit(&s->ejected_until_ns, memory_order_relaxed) <= now_ns)
        atomic_compare_exchange_strong(&s->n_ejections, &n, n - 1);
}

bool sl_outlier_note(const struct sl_balance *b, uint32_t i, const struct sl_reliability_cfg *cfg,
                     bool was_ok, uint64_t now_ns)
{
    struct sl_endpoint_state *s = b->members[i].state;
    if (was_ok) {
        note_success(s, now_ns);
        return false;
    }
    atomic_fetch_add_explicit(&s->n_failures, 1, memory_order_relaxed);
    if (cfg->consecutive_5xx <= 0 || b->n < 2)
        return false;
    uint32_t in_a_row = atomic_fetch_add_explicit(&s->consecutive_5xx, 1, memory_order_relaxed) + 1;
    uint64_t until = atomic_load_explicit(&s->ejected_until_ns, memory_order_relaxed);
    if ((int64_t)in_a_row < cfg->consecutive_5xx || until > now_ns)
        return false;
    uint32_t out = count_ejected(b, now_ns);
    if (cfg->max_ejection_percent <= 0 ||
        (out && (int64_t)(out + 1) * 100 > cfg->max_ejection_percent * (int64_t)b->n))
        return false;
    uint32_t times = atomic_load_explicit(&s->n_ejections, memory_order_relaxed) + 1;
    times = times > MAX_MULTIPLIER ? MAX_MULTIPLIER : times;
    uint64_t due = now_ns + (uint64_t)cfg->base_ejection_ms * 1000000u * times;
    if (!atomic_compare_exchange_strong(&s->ejected_until_ns, &until, due))
        return false;
    atomic_store_explicit(&s->n_ejections, times, memory_order_relaxed);
    atomic_store_explicit(&s->consecutive_5xx, 0, memory_order_relaxed);
    return true;
}
