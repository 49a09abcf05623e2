/*
 * The management listener: health, readiness, metrics, models, evaluation. One a process, on the
 * control loop; every call is on that loop's thread.
 */
#ifndef SL_ADMIN_MANAGEMENT_H
#define SL_ADMIN_MANAGEMENT_H

#include "base/err.h"
#include "config/config.h"
#include "sys/loop.h"

struct sl_management;

#define SL_METRICS_PORT 9190

/*
 * Listens as config's global.services.management_api says; metrics also on metrics_port of the
 * same address (0: not; a failure there is logged, no more). Takes its own reference.
 */
SL_MUST_USE enum sl_rc sl_management_start(struct sl_management **out, struct sl_loop *loop,
                                           struct sl_config *config, uint16_t metrics_port,
                                           struct sl_err *err);
void sl_management_stop(struct sl_management *m); /* NULL is fine; closes what is open */
void sl_management_adopt(struct sl_management *m, struct sl_config *config);
/* What /ready says; false at first. NULL is fine. */
void sl_management_set_ready(struct sl_management *m, bool is_ready);

#endif
