/*
 * Signal `context`: how many tokens the request needs, between two bounds. The estimate is the
 * larger of the text at four bytes a token and an admission floor over the whole request (tool
 * schemas, images, framing, the output that was asked for). An omitted upper bound is no limit.
 */
#include "route/context_estimate.h"
#include "route/rules.h"
#include "route/trace.h"

#include <stdio.h>

#define MAX_BOUND 1e15 /* as an upper bound: none */

struct context_rule {
    sl_str name;
    sl_str description;
    int64_t min_tok;
    int64_t max_tok;
};

static const struct sl_field fields[] = {
    {.key = "name",
     .type = SL_F_STR,
     .offset = offsetof(struct context_rule, name),
     .flags = SL_REQUIRED,
     .help = "Name that decisions refer to."},
    {.key = "description",
     .type = SL_F_STR,
     .offset = offsetof(struct context_rule, description),
     .help = "What the rule is for."},
    {.key = "min_tokens",
     .type = SL_F_TOKENS,
     .offset = offsetof(struct context_rule, min_tok),
     .fallback = "0",
     .max = MAX_BOUND,
     .help = "Least number of tokens, inclusive: 4096, \"8K\", \"1M\"."},
    {.key = "max_tokens",
     .type = SL_F_TOKENS,
     .offset = offsetof(struct context_rule, max_tok),
     .fallback = "1000000000M",
     .fallback_means = "unlimited",
     .max = MAX_BOUND,
     .help = "Greatest number of tokens, inclusive; without it there is no upper bound."},
    SL_FIELD_END,
};

static enum sl_rc compile(struct sl_signal_build *b, void **out)
{
    struct sl_signal_rules *rules = SL_NEW(b->arena, struct sl_signal_rules);
    enum sl_rc rc = rules ? sl_signal_rules(b, rules) : SL_NOMEM;
    *out = rc == SL_OK && rules->n ? rules : NULL;
    return rc;
}

static size_t write_bounds(char *to, size_t room, uint64_t tok, const struct context_rule *r)
{
    bool is_open = (double)r->max_tok >= MAX_BOUND;
    int n = is_open ? snprintf(to, room, "%llu tokens, needs at least %lld",
                               (unsigned long long)tok, (long long)r->min_tok)
                    : snprintf(to, room, "%llu tokens, needs %lld to %lld", (unsigned long long)tok,
                               (long long)r->min_tok, (long long)r->max_tok);
    return (size_t)n;
}

static void eval(const void *state, struct sl_signal_run *run)
{
    const struct sl_signal_rules *s = state;
    uint64_t tok = sl_context_tok(run->facts);
    for (uint32_t i = 0; i < s->n; i++) {
        const struct context_rule *r = s->decoded[i];
        uint64_t least = r->min_tok > 0 ? (uint64_t)r->min_tok : 0;
        if (r->max_tok >= 0 && tok >= least && tok <= (uint64_t)r->max_tok)
            sl_slot_match(run->out, s->slots[i]);
        if (run->evidence) {
            char text[96];
            size_t n = write_bounds(text, sizeof(text), tok, r);
            sl_trace_note(run, s->slots[i], sl_str_of(text, n), (double)tok, (double)r->min_tok,
                          true);
        }
    }
}

const struct sl_signal_type sl_signal_context = {
    .feature = {.name = "context",
                .list_key = "context",
                .summary = "Size of the request in tokens",
                .help = "Matches when the estimated number of tokens lies between `min_tokens` and "
                        "`max_tokens`, both inclusive. The estimate counts the text of system, "
                        "assistant and user messages, tool schemas, images, framing and the "
                        "output that the client asked for; earlier user turns and `max_tokens` "
                        "of the request count. Without `max_tokens` there is no upper bound.",
                .example = "name: long\nmin_tokens: 32K\nmax_tokens: 128K\n",
                .fields = fields,
                .size = sizeof(struct context_rule),
                .is_active = true},
    .matched_key = "context",
    .header = "x-vsr-matched-context",
    .cost = SL_COST_FACT,
    .on_failure = SL_FAIL_NO_MATCH,
    .compile = compile,
    .eval = eval,
};
