/* Thresholds and schedule of active health checks. */
#include "proxy/upstream/health.h"

void sl_health_init(struct sl_health *h, struct sl_endpoint_state *endpoint, uint64_t interval_ns,
                    uint64_t now_ns, uint64_t random)
{
    /* Endpoints of one configuration must not all be probed in the same instant. */
    uint64_t spread = interval_ns / 8 + 1;
    *h = (struct sl_health){
        .endpoint = endpoint, .interval_ns = interval_ns, .due_ns = now_ns + random % spread};
}

bool sl_health_begin(struct sl_health *h, uint64_t now_ns)
{
    if (h->is_probing || now_ns < h->due_ns)
        return false;
    h->is_probing = true;
    return true;
}

bool sl_health_result(struct sl_health *h, bool has_passed, uint64_t now_ns)
{
    h->is_probing = false;
    h->due_ns = now_ns + h->interval_ns;
    bool is_failing = atomic_load_explicit(&h->endpoint->is_check_failing, memory_order_relaxed);
    if (has_passed) {
        h->n_failed = 0;
        h->n_passed++;
        if (!is_failing || h->n_passed < SL_HEALTH_HEALTHY_AFTER)
            return false;
    } else {
        h->n_passed = 0;
        h->n_failed++;
        if (is_failing || h->n_failed < SL_HEALTH_UNHEALTHY_AFTER)
            return false;
    }
    atomic_store_explicit(&h->endpoint->is_check_failing, !has_passed, memory_order_relaxed);
    return true;
}
