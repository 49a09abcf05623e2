/* Filling a trace: evidence from signals, decisions from the program's nodes. See trace.h. */
#include "route/trace.h"

#include "route/trace_tree.h"

#define MAX_EVIDENCE 16384 /* of one request */

void sl_trace_note(struct sl_signal_run *run, sl_slot slot, sl_str text, double value,
                   double threshold, bool has_threshold)
{
    struct sl_trace *t = run->evidence;
    if (!t || t->n_evidence == MAX_EVIDENCE)
        return;
    if (t->n_evidence == t->cap_evidence) {
        uint32_t cap = t->cap_evidence ? 2 * t->cap_evidence : 64;
        struct sl_trace_evidence *bigger = SL_NEW_ARRAY(t->arena, struct sl_trace_evidence, cap);
        if (!bigger)
            return;
        if (t->n_evidence)
            memcpy(bigger, t->evidence, t->n_evidence * sizeof(*bigger));
        t->evidence = bigger;
        t->cap_evidence = cap;
    }
    sl_str copy = sl_arena_dup(t->arena, text);
    if (copy.p)
        t->evidence[t->n_evidence++] =
            (struct sl_trace_evidence){slot, copy, value, threshold, has_threshold};
}

static enum sl_node_op op_of(const struct sl_prog_node *node)
{
    switch ((enum sl_prog_op)node->op) {
    case SL_PROG_LEAF:
        return SL_OP_LEAF;
    case SL_PROG_OR:
        return SL_OP_OR;
    case SL_PROG_NOT:
    case SL_PROG_NEVER:
        return SL_OP_NOT;
    case SL_PROG_AND:
    case SL_PROG_FALLBACK:
        break;
    }
    return SL_OP_AND;
}

/* What lies behind the first failing child of an AND was not looked at, nor anything in it. */
static void mark_skipped(struct sl_trace_node *nodes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        bool fails = nodes[i].was_skipped;
        bool is_and = nodes[i].op == SL_OP_AND;
        for (uint32_t k = 0, c = i + 1; k < nodes[i].n_children; k++, c += nodes[c].n_nodes) {
            nodes[c].was_skipped = fails;
            fails |= is_and && !nodes[c].matched;
        }
    }
}

static struct sl_trace_node *copy_nodes(struct sl_run *run, const struct sl_prog_decision *d)
{
    const struct sl_prog_node *nodes = run->plan->program.nodes + d->first_node;
    struct sl_trace_node *out =
        SL_NEW_ARRAY(run->options->trace->arena, struct sl_trace_node, d->n_nodes);
    sl_program_states(&run->plan->program, d, &run->slots, NULL, &run->scratch->decide);
    for (uint32_t i = 0; out && i < d->n_nodes; i++) {
        const struct sl_node_state *state = &run->scratch->decide.nodes[i];
        out[i] = (struct sl_trace_node){
            .op = op_of(&nodes[i]),
            .is_fallback = nodes[i].op == SL_PROG_FALLBACK,
            .type = nodes[i].cfg->type,
            .name = nodes[i].cfg->name,
            .label = nodes[i].cfg->label,
            .matched = state->must,
            .confidence = state->must ? state->lo : 0,
            .n_children = nodes[i].n_children,
            .n_nodes = nodes[i].n_nodes,
        };
    }
    if (out)
        mark_skipped(out, d->n_nodes);
    return out;
}

static bool rests_on_unknown(const struct sl_run *run, const struct sl_prog_decision *d)
{
    const struct sl_prog_node *nodes = run->plan->program.nodes + d->first_node;
    for (uint32_t i = 0; i < d->n_nodes; i++)
        if (nodes[i].op == SL_PROG_LEAF && sl_bit(run->unknown, nodes[i].bit))
            return true;
    return false;
}

static void trace_candidates(struct sl_trace *t, const struct sl_verdict *verdict)
{
    const struct sl_decision_cfg *d = verdict->decision;
    if (!d)
        return;
    t->candidates = SL_NEW_ARRAY(t->arena, struct sl_trace_candidate, d->n_refs);
    for (uint32_t i = 0; t->candidates && i < d->n_refs; i++) {
        bool is_it = verdict->ref == &d->refs[i];
        const char *why = is_it ? verdict->fallback_reason : "not the best score";
        t->candidates[t->n_candidates++] = (struct sl_trace_candidate){
            .ref = &d->refs[i],
            .was_selected = is_it,
            .why = why ? why : verdict->method,
            .score = is_it ? 1 : 0,
        };
    }
}

enum sl_rc sl_trace_tree(struct sl_run *run, const struct sl_verdict *verdict)
{
    struct sl_trace *t = run->options->trace;
    const struct sl_program *p = &run->plan->program;
    const struct sl_decision_cfg *first = run->plan->recipe->decisions;
    struct sl_trace_decision *decisions =
        SL_NEW_ARRAY(t->arena, struct sl_trace_decision, p->n_decisions);
    if (!decisions)
        return SL_NOMEM;
    for (uint32_t i = 0; i < p->n_decisions; i++) {
        const struct sl_prog_decision *d = &p->decisions[i];
        uint64_t from = run->options->now_ns ? run->options->now_ns() : 0;
        struct sl_trace_node *nodes = copy_nodes(run, d);
        if (!nodes)
            return SL_NOMEM;
        struct sl_trace_decision *out = &decisions[d->cfg - first];
        *out = (struct sl_trace_decision){
            .decision = d->cfg, .matched = nodes[0].matched, .confidence = nodes[0].confidence};
        out->nodes = nodes;
        out->n_nodes = d->n_nodes;
        out->was_skipped = d->cfg != verdict->decision && rests_on_unknown(run, d);
        out->skip_reason = out->was_skipped ? "the decision was settled" : NULL;
        out->cost_ns = run->options->now_ns ? run->options->now_ns() - from : 0;
    }
    t->decisions = decisions;
    t->n_decisions = p->n_decisions;
    trace_candidates(t, verdict);
    return SL_OK;
}
