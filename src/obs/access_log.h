/*
 * The access log: one JSON (or text) line a request, with the decision. Lines gather in a buffer
 * per loop and go out in one write(2) per few milliseconds; never a lock on the request path.
 */
#ifndef SL_OBS_ACCESS_LOG_H
#define SL_OBS_ACCESS_LOG_H

#include "base/str.h"
#include "sys/loop.h"

struct sl_access_log; /* one per loop, all appending to the same descriptor */

struct sl_access_line {
    sl_str request_id, peer, method, path;
    int status;
    sl_str recipe, decision, algorithm, model, backend; /* empty: left out */
    double confidence;
    uint64_t bytes_in, bytes_out;
    uint64_t route_ns, first_byte_ns, total_ns;
    int64_t prompt_tok, completion_tok; /* -1: unknown */
    const char *end; /* "complete", "client_aborted", "upstream_failed", "timeout" ... */
};

/* fd: where lines go; -1: no log. */
struct sl_access_log *sl_access_log_new(struct sl_loop *loop, int fd, bool is_json);
void sl_access_log_free(struct sl_access_log *log);
void sl_access_log_write(struct sl_access_log *log, const struct sl_access_line *line);

#endif
