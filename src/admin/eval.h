/*
 * /api/v1/eval: routes a request without forwarding it and answers in the reference's shape
 * (chapter 05 1.5). Shared by the HTTP endpoint and by `sluice route --jsonl`.
 */
#ifndef SL_ADMIN_EVAL_H
#define SL_ADMIN_EVAL_H

#include "base/buf.h"
#include "route/policy.h"

struct sl_eval_options {
    bool wants_trace; /* ?trace=true */
    uint64_t random;
    uint64_t (*now_ns)(void); /* NULL: no timings */
    int64_t unix_s;           /* for error timestamps */
    sl_str user_id;           /* identity from trusted headers or from the command line */
    const sl_str *groups;
    uint32_t n_groups;
    bool can_ask; /* models: the caller answers asks, and resumes */
};

struct sl_eval; /* one evaluation; lives in the arena it was started with */

/*
 * Answers `body`: appends JSON to out and returns the HTTP status. 0, with *e: it waits for the
 * asks of sl_eval_asks; answer or fail them all, then resume, which may return 0 again. config,
 * body and what the options point to must live until the answer.
 */
int sl_eval_start(struct sl_eval **e, const struct sl_config *config, sl_str body,
                  const struct sl_eval_options *options, struct sl_scratch *scratch,
                  struct sl_arena *arena, struct sl_buf *out);
struct sl_infer *sl_eval_asks(struct sl_eval *e);
int sl_eval_resume(struct sl_eval *e, struct sl_scratch *scratch, struct sl_buf *out);

#endif
