/* What all answers of the management API share: its error body and its timestamps. */
#ifndef SL_ADMIN_ENVELOPE_H
#define SL_ADMIN_ENVELOPE_H

#include "base/buf.h"

/* "2026-01-31T12:00:00Z"; empty when the year does not fit. */
void sl_admin_time(int64_t unix_s, char out[32]);
/* Appends {"error": {"code", "message", "timestamp"}}. */
void sl_admin_error(struct sl_buf *out, int64_t unix_s, const char *code, const char *message);

#endif
