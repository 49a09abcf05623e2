/* One HTTP GET, waited for: for commands, not for loops. Main thread. */
#ifndef SL_MAIN_FETCH_H
#define SL_MAIN_FETCH_H

#include "base/buf.h"
#include "http/url.h"

/* The body of a 200 is appended to out. Else false and a reason in `reason`. */
bool sl_fetch(const struct sl_url *url, uint64_t timeout_ms, struct sl_buf *out, char reason[160]);

#endif
