/*
 * sl_route: what the request's model name means, then signals, decision, model. All of it is
 * arithmetic over the compiled plan; the request arena is the only memory.
 */
#include "route/context_estimate.h"
#include "route/run.h"
#include "route/select.h"
#include "route/trace_tree.h"

static const char no_model_text[] =
    "unable to route request: no model selected and no default model configured";

/* Cards and their adapters answer to their names; ids that only providers know do not. */
static const struct sl_model_cfg *concrete_model(const struct sl_config *config, sl_str name)
{
    const struct sl_model_cfg *model = sl_config_model(config, name);
    if (!model || sl_str_eq(model->name, name))
        return model;
    for (uint32_t i = 0; i < model->n_loras; i++)
        if (sl_str_eq(model->loras[i].name, name))
            return model;
    return NULL;
}

static enum sl_rc pass_through(const struct sl_config *config, sl_str name, struct sl_arena *arena,
                               struct sl_verdict *out)
{
    out->model = concrete_model(config, name);
    out->model_name = name;
    out->status = out->model ? SL_ROUTE_PASSTHROUGH : SL_ROUTE_UNKNOWN_MODEL;
    if (out->model)
        return SL_OK;
    out->error = sl_arena_printf(arena, "model \"%.*s\" is not available", SL_FMT(name)).p;
    return out->error ? SL_OK : SL_NOMEM;
}

/* No decision matched: the default model answers, or nobody can. */
static void fall_back(const struct sl_config *config, struct sl_verdict *out)
{
    if (sl_select_default(config, out))
        return;
    out->status = SL_ROUTE_NO_MODEL;
    out->error = no_model_text;
}

static enum sl_rc take_decision(const struct sl_config *config, struct sl_run *run,
                                const struct sl_prog_decision *winner, struct sl_verdict *out)
{
    const struct sl_plan *plan = run->plan;
    sl_str *rules = SL_NEW_ARRAY(run->arena, sl_str, winner->n_nodes);
    if (!rules)
        return SL_NOMEM;
    out->decision = winner->cfg;
    out->n_matched_rules =
        sl_program_rules(&plan->program, winner, &run->slots, &run->scratch->decide, rules);
    out->matched_rules = rules;
    sl_select_model(config, plan, winner->cfg, run->options, out);
    if (out->status == SL_ROUTE_NO_MODEL)
        out->error = no_model_text;
    return SL_OK;
}

/* Behind sl_run_signals or sl_run_resume, which said rc. */
static enum sl_rc conclude(const struct sl_config *config, struct sl_run *run, enum sl_rc rc,
                           struct sl_verdict *out)
{
    out->slots = run->slots;
    out->families = run->families_run;
    if (rc != SL_OK)
        return rc;
    if (run->error) {
        out->status = SL_ROUTE_REFUSED;
        out->error = run->error;
        return SL_OK;
    }
    out->context_tok = sl_context_tok(run->facts);
    const struct sl_prog_decision *winner = sl_program_decide(
        &run->plan->program, &run->slots, &run->scratch->decide, false, &out->confidence);
    if (winner)
        rc = take_decision(config, run, winner, out);
    else
        fall_back(config, out);
    if (rc == SL_OK && run->options->trace && !run->options->trace->is_brief)
        rc = sl_trace_tree(run, out);
    return rc;
}

/* Nothing to look at: no text, no messages, no metadata. */
static bool has_evidence(const struct sl_facts *facts)
{
    return facts->eval.n || facts->has_message_facts;
}

static enum sl_rc refuse_looper(const struct sl_name_entry *entry, struct sl_arena *arena,
                                struct sl_verdict *out)
{
    out->status = SL_ROUTE_NO_MODEL;
    out->model = NULL;
    out->error = sl_arena_printf(arena, "no eligible decision matched for model \"%.*s\"",
                                 SL_FMT(entry->name))
                     .p;
    return out->error ? SL_OK : SL_NOMEM;
}

static enum sl_rc finish(const struct sl_config *config, const struct sl_name_entry *entry,
                         struct sl_run *run, enum sl_rc rc, struct sl_verdict *out)
{
    out->waiting = rc == SL_AGAIN ? run : NULL;
    if (rc == SL_AGAIN)
        return rc;
    if (run->slots.matched)
        rc = conclude(config, run, rc, out);
    if (rc == SL_OK && entry->kind == SL_NAME_LOOPER && out->status == SL_ROUTED && !out->decision)
        rc = refuse_looper(entry, run->arena, out);
    /* A signal that had no memory would read as one that did not match. */
    if (rc == SL_OK && run->arena->n_refused != run->n_refused)
        rc = SL_NOMEM;
    if (run->options->trace && run->options->now_ns)
        run->options->trace->total_ns = run->options->now_ns() - run->started_ns;
    return rc;
}

enum sl_rc sl_route(const struct sl_config *config, sl_str model, const struct sl_facts *facts,
                    const struct sl_route_options *options, struct sl_scratch *scratch,
                    struct sl_arena *arena, struct sl_verdict *out)
{
    const struct sl_policy *policy = config->policy;
    const struct sl_name_entry *entry = sl_config_name(config, model);
    uint64_t from = options->trace && options->now_ns ? options->now_ns() : 0;
    *out = (struct sl_verdict){.status = SL_ROUTED};
    if (!entry || entry->recipe == SL_NO_INDEX || !policy)
        return pass_through(config, sl_str_trim(model), arena, out);
    struct sl_run *run = SL_NEW(arena, struct sl_run);
    if (!run)
        return SL_NOMEM;
    *run = (struct sl_run){.plan = &policy->plans[policy->plan_of_name[entry - config->names]],
                           .facts = facts,
                           .options = options,
                           .scratch = scratch,
                           .arena = arena,
                           .n_refused = arena->n_refused,
                           .started_ns = from};
    out->recipe = run->plan->recipe;
    if (has_evidence(facts))
        return finish(config, entry, run, sl_run_signals(run), out);
    fall_back(config, out);
    return finish(config, entry, run, SL_OK, out);
}

enum sl_rc sl_route_resume(const struct sl_config *config, sl_str model, struct sl_scratch *scratch,
                           struct sl_verdict *out)
{
    struct sl_run *run = out->waiting;
    run->scratch = scratch;
    return finish(config, sl_config_name(config, model), run, sl_run_resume(run), out);
}
