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
    /* Answers every open ask before it returns; NULL: no model can be asked. */
    void (*answer)(void *ctx, struct sl_infer *infer);
    void *answer_ctx;
};

/* Answers `body`; appends JSON to out and returns the HTTP status. Memory comes from arena. */
int sl_eval_answer(const struct sl_config *config, sl_str body,
                   const struct sl_eval_options *options, struct sl_scratch *scratch,
                   struct sl_arena *arena, struct sl_buf *out);

#endif
