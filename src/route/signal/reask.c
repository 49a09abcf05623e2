/* Signal "reask": the user repeats an earlier question. */
#include "config/field.h"
#include "route/learned.h"
#include "route/trace.h"
#include "route/window.h"

#define MAX_TURNS 256 /* earlier ones that are compared, newest first */

struct reask_rule {
    sl_str name;
    sl_str description;
    double threshold;
    int64_t lookback_turns;
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(reask_rule, name), .flags = SL_REQUIRED,
     .help = "Name that decisions use."},
    {"description", SL_F_STR, SL_AT(reask_rule, description), .help = "For people."},
    {"threshold", SL_F_FLOAT, SL_AT(reask_rule, threshold), SL_BETWEEN(0, 1), .fallback = "0.8",
     .flags = SL_KEEPS_DEFAULT_ON_EMPTY,
     .help = "Similarity from which two turns count as the same question."},
    {"lookback_turns", SL_F_INT, SL_AT(reask_rule, lookback_turns), SL_BETWEEN(0, 1000),
     .fallback = "1", .flags = SL_KEEPS_DEFAULT_ON_EMPTY,
     .help = "How many user turns in a row must be similar to the current one."},
    SL_FIELD_END,
};

static const char *lacks(const struct sl_config *config, const void *decoded)
{
    (void)decoded;
    return config->global.embedding.lacks;
}

/* ---- the engine ---------------------------------------------------------------------------- */

struct reask_state {
    const struct reask_rule **rules;
    sl_slot *slots;
    uint32_t n;
};

static enum sl_rc compile(struct sl_signal_build *b, void **out)
{
    struct reask_state *s = SL_NEW(b->arena, struct reask_state);
    uint32_t n = b->signal->n_rules;
    if (!s || !(s->rules = SL_NEW_ARRAY(b->arena, const struct reask_rule *, n)) ||
        !(s->slots = SL_NEW_ARRAY(b->arena, sl_slot, n)))
        return SL_NOMEM;
    for (uint32_t i = 0; i < n && !b->config->global.embedding.lacks; i++) {
        s->rules[s->n] = b->signal->rules[i].decoded;
        s->slots[s->n] = b->slot(b, s->rules[s->n]->name);
        s->n++;
    }
    *out = s->n ? s : NULL;
    return SL_OK;
}

/* Similarities to earlier user turns, the newest first; how many, 0 also when a model failed. */
static uint32_t compare_turns(struct sl_signal_run *run, float *out)
{
    const struct sl_facts *facts = run->facts;
    struct sl_vector current, prior;
    uint32_t n = 0;
    bool is_whole = sl_signal_vector(run, run->text, &current) == SL_OK;
    for (uint32_t i = facts->n_prior; i-- > 0 && n < MAX_TURNS;) {
        if (!sl_str_trim(facts->prior[i]).n)
            continue;
        sl_str text = sl_window(facts->prior[i], run->arena);
        bool is_there = sl_signal_vector(run, text, &prior) == SL_OK;
        is_whole &= is_there;
        if (is_whole)
            out[n] = sl_vector_dot(current, prior);
        n++;
    }
    return is_whole ? n : 0;
}

static void eval(const void *state, struct sl_signal_run *run)
{
    const struct reask_state *s = state;
    float similar[MAX_TURNS];
    if (!sl_str_trim(run->facts->current).n || !run->facts->n_prior)
        return;
    uint32_t n = compare_turns(run, similar);
    int64_t furthest = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < s->n; i++) {
            const struct reask_rule *r = s->rules[i];
            uint32_t streak = 0;
            double least = 1;
            for (; streak < n && (double)similar[streak] >= r->threshold; streak++)
                if (streak < r->lookback_turns && (double)similar[streak] < least)
                    least = (double)similar[streak];
            if (pass == 0 && n)
                sl_trace_note(run, s->slots[i],
                              sl_arena_printf(run->arena, "%u turns in a row, the last at %.3f",
                                              streak, (double)similar[0]),
                              streak, (double)r->lookback_turns, true);
            if (streak < r->lookback_turns)
                continue;
            if (pass == 0) {
                furthest = r->lookback_turns > furthest ? r->lookback_turns : furthest;
            } else if (r->lookback_turns == furthest) {
                sl_slot_match(run->out, s->slots[i]);
                sl_slot_conf(run->out, s->slots[i], least);
                sl_slot_value(run->out, s->slots[i], streak);
            }
        }
    }
}

const struct sl_signal_type sl_signal_reask = {
    .feature =
        {
            .name = "reask",
            .list_key = "reasks",
            .summary = "The user asks the same thing again",
            .help = "Compares the current user turn with the earlier ones, newest first. The rule "
                    "matches when the last `lookback_turns` turns all reach `threshold`. Of "
                    "several matching rules those that look back furthest are kept.",
            .example = "name: asked_twice\n"
                       "description: The last two turns were the same question.\n"
                       "threshold: 0.8\n"
                       "lookback_turns: 2\n",
            .fields = fields,
            .size = sizeof(struct reask_rule),
            .is_active = true,
            .lacks = lacks,
        },
    .matched_key = "reask",
    .header = "x-vsr-matched-reask",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_NO_MATCH,
    .reads_window = true,
    .compile = compile,
    .eval = eval,
};
