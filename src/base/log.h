/*
 * Structured log lines to standard error, one write(2) a line, as JSON or as text. Safe from any
 * thread. Not on the request path: requests have the access log (obs/access_log.h).
 */
#ifndef SL_BASE_LOG_H
#define SL_BASE_LOG_H

#include "base/rc.h"
#include "base/str.h"

enum sl_log_level { SL_LOG_DEBUG, SL_LOG_INFO, SL_LOG_WARN, SL_LOG_ERROR, SL_LOG_OFF };

/* Set once at start, before threads. Without it: text, from SL_LOG_INFO on. */
void sl_log_setup(enum sl_log_level least, bool is_json);
bool sl_log_is_json(void);

/* `event` is a fixed snake_case name to search for; the message is for people. */
void sl_log(enum sl_log_level level, const char *event, const char *format, ...) SL_PRINTF(3, 4);

#endif
