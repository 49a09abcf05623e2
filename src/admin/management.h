/*
 * The management listener: health, readiness, metrics, models, evaluation. One a process, on the
 * control loop; every call is on that loop's thread.
 */
#ifndef SL_ADMIN_MANAGEMENT_H
#define SL_ADMIN_MANAGEMENT_H

#include "base/err.h"
#include "config/config.h"
#include "sys/loop.h"

struct sl_resolver;
struct sl_management;

#define SL_METRICS_PORT 9190

/*
 * Ports of config's global.services.management_api.bind_address; 0: no such listener. A port that
 * somebody asked for is an error when it is in use; a default is given up with a warning.
 */
struct sl_management_ports {
    uint16_t management;
    uint16_t metrics; /* /metrics alone; the management listener has it too */
    bool is_management_asked_for;
    bool is_metrics_asked_for;
};

/* Takes its own reference to the configuration; the resolver must outlive it. */
SL_MUST_USE enum sl_rc sl_management_start(struct sl_management **out, struct sl_loop *loop,
                                           struct sl_config *config, struct sl_resolver *resolver,
                                           const struct sl_management_ports *ports,
                                           struct sl_err *err);
/* The management listener's port; 0 when there is none. NULL is fine. */
uint16_t sl_management_port(const struct sl_management *m);
void sl_management_stop(struct sl_management *m); /* NULL is fine; closes what is open */
void sl_management_adopt(struct sl_management *m, struct sl_config *config);
/* What /ready says; false at first. NULL is fine. */
void sl_management_set_ready(struct sl_management *m, bool is_ready);

#endif
