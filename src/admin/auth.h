/*
 * Who may do what on the management listener (specification 05 1.2): bearer tokens from the
 * environment, each with a role; roles have fixed permissions.
 */
#ifndef SL_ADMIN_AUTH_H
#define SL_ADMIN_AUTH_H

#include "config/config.h"
#include "http/message.h"

enum sl_permission {
    SL_MAY_READ_HEALTH, /* everybody */
    SL_MAY_READ_READY,
    SL_MAY_READ_METRICS,
    SL_MAY_READ_CONFIG,
    SL_MAY_READ_DOCS,
    SL_MAY_CLASSIFY,
};

struct sl_refusal {
    int status; /* 0: allowed */
    const char *code;
    const char *message;
};

/* env: getenv, or a test's. The tokens are read at every request, so that they can be rotated. */
struct sl_refusal sl_management_authorize(const struct sl_management_cfg *cfg,
                                          const struct sl_headers *headers,
                                          enum sl_permission permission,
                                          const char *(*env)(const char *name));

#endif
