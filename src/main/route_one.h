/* One prompt through the policy, for the commands that show what became of it. */
#ifndef SL_MAIN_ROUTE_ONE_H
#define SL_MAIN_ROUTE_ONE_H

#include "route/trace.h"

#include "base/buf.h"
#include "infer/engine.h"

#define SL_ROUTE_MAX_GROUPS 64

struct sl_route_one {
    const struct sl_config *config;
    sl_str model; /* empty: the automatic name */
    sl_str prompt;
    sl_str user_id;
    const sl_str *groups;
    uint32_t n_groups;
    struct sl_route_options options;
    struct sl_scratch *scratch;
    struct sl_arena *arena;
    struct sl_facts facts; /* filled by read */
    struct sl_verdict verdict;
};

/* The prompt as an eval request body. */
void sl_prompt_request(struct sl_buf *out, sl_str prompt, sl_str model);

/* Facts of the prompt; err says what is wrong with it. */
SL_MUST_USE enum sl_rc sl_route_one_read(struct sl_route_one *one, struct sl_err *err);
SL_MUST_USE enum sl_rc sl_route_one_run(struct sl_route_one *one);

/* "gold, silver" into out (room for SL_ROUTE_MAX_GROUPS); returns how many. */
uint32_t sl_split_groups(sl_str list, sl_str *out);

#endif
