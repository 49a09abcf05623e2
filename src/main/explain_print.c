/* See explain_print.h. Everything shown comes from the trace; nothing is computed anew. */
#include "main/explain_print.h"

#include "main/terminal.h"

struct printer {
    FILE *to;
    const struct sl_config *config;
    const struct sl_verdict *v;
    const struct sl_trace *t;
    const char *bold, *dim, *good, *bad, *plain;
};

static void heading(const struct printer *p, const char *text)
{
    fprintf(p->to, "\n%s%s%s\n", p->bold, text, p->plain);
}

/* Yes, no, or not looked at; the marks differ without colour too. */
static void mark(const struct printer *p, bool is_yes)
{
    fprintf(p->to, "%s%s%s", is_yes ? p->good : p->dim, is_yes ? "+" : "-", p->plain);
}

static const struct sl_slot_info *info_of(const struct printer *p, sl_slot slot)
{
    return sl_policy_slot(p->config, p->v->recipe, slot);
}

static bool has(const uint64_t *bits, sl_slot slot)
{
    return bits[slot >> 6] >> (slot & 63) & 1;
}

/* ---- signals ------------------------------------------------------------------------------ */

static const struct sl_trace_evidence *evidence_of(const struct printer *p, sl_slot slot)
{
    for (uint32_t i = 0; i < p->t->n_evidence; i++)
        if (p->t->evidence[i].slot == slot && p->t->evidence[i].text.n)
            return &p->t->evidence[i];
    return NULL;
}

static void print_slot(const struct printer *p, sl_slot slot)
{
    const struct sl_slots *s = &p->v->slots;
    const struct sl_trace_evidence *why = evidence_of(p, slot);
    bool is_part = sl_str_chr(info_of(p, slot)->name, ':') < info_of(p, slot)->name.n;
    if (is_part && !sl_slot_is_matched(s, slot) && !has(s->has_value, slot))
        return;
    fprintf(p->to, "    ");
    mark(p, sl_slot_is_matched(s, slot));
    fprintf(p->to, " %-28.*s", SL_FMT(info_of(p, slot)->name));
    if (has(s->has_conf, slot))
        fprintf(p->to, " confidence %.4f", s->conf[slot]);
    if (why)
        fprintf(p->to, "  %s%.*s%s", p->dim, SL_FMT(why->text), p->plain);
    else if (has(s->has_value, slot))
        fprintf(p->to, " value %g", s->value[slot]);
    fprintf(p->to, "\n");
}

static void print_signals(const struct printer *p)
{
    heading(p, "signals");
    for (uint32_t i = 0; i < p->t->n_signals; i++) {
        const struct sl_trace_signal *signal = &p->t->signals[i];
        fprintf(p->to, "  %s%s%s", p->bold, signal->type->feature.name, p->plain);
        if (!signal->was_run) {
            fprintf(p->to, "  %sskipped: %s%s\n", p->dim, signal->skip_reason, p->plain);
            continue;
        }
        fprintf(p->to, "  %.1f us\n", (double)signal->cost_ns / 1000);
        for (sl_slot slot = 0; slot < p->v->slots.n_slots; slot++)
            if (info_of(p, slot)->signal == signal->type)
                print_slot(p, slot);
    }
}

/* ---- projections -------------------------------------------------------------------------- */

static void print_score(const struct printer *p, const struct sl_trace_score *score)
{
    fprintf(p->to, "  %s%.*s%s = %.6g\n", p->bold, SL_FMT(score->name), p->plain, score->total);
    for (uint32_t k = 0; k < score->n_inputs; k++) {
        const struct sl_trace_input *in = &score->inputs[k];
        bool is_metric = in->kb.n != 0;
        fprintf(p->to, "    %+.4f = %g x %g  %.*s:%.*s\n", in->contribution, in->weight, in->value,
                SL_FMT(in->type), SL_FMT(is_metric ? in->metric : in->name));
    }
}

static void print_mapping(const struct printer *p, const struct sl_trace_mapping *mapping)
{
    fprintf(p->to, "  %s%.*s%s of %.*s\n", p->bold, SL_FMT(mapping->name), p->plain,
            SL_FMT(mapping->source));
    for (uint32_t k = 0; k < mapping->n_bands; k++) {
        const struct sl_trace_band *band = &mapping->bands[k];
        fprintf(p->to, "    ");
        mark(p, band->matched);
        fprintf(p->to, " %-28.*s %.4f from its bound\n", SL_FMT(band->name),
                band->boundary_distance);
    }
}

static void print_projections(const struct printer *p)
{
    if (!p->t->n_scores && !p->t->n_partitions)
        return;
    heading(p, "projections");
    for (uint32_t i = 0; i < p->t->n_partitions; i++) {
        const struct sl_trace_partition *part = &p->t->partitions[i];
        fprintf(p->to, "  %.*s: %.*s %s\n", SL_FMT(part->cfg->name),
                SL_FMT(info_of(p, part->winner)->name),
                part->was_default ? "by default, nothing matched" : "wins");
    }
    for (uint32_t i = 0; i < p->t->n_scores; i++)
        print_score(p, &p->t->scores[i]);
    for (uint32_t i = 0; i < p->t->n_mappings; i++)
        print_mapping(p, &p->t->mappings[i]);
}

/* ---- decisions ---------------------------------------------------------------------------- */

static const char *op_name(const struct sl_trace_node *node)
{
    if (node->is_fallback)
        return "always";
    return node->op == SL_OP_AND ? "all of" : node->op == SL_OP_OR ? "any of" : "not";
}

static void print_node(const struct printer *p, const struct sl_trace_node *node, unsigned depth)
{
    fprintf(p->to, "    %*s", (int)(2 * (depth > 30 ? 30 : depth)), "");
    if (node->was_skipped)
        fprintf(p->to, "%s.%s", p->dim, p->plain);
    else
        mark(p, node->matched);
    if (node->op == SL_OP_LEAF)
        fprintf(p->to, " %.*s:%.*s%s%.*s", SL_FMT(node->type), SL_FMT(node->name),
                node->label.n ? ":" : "", SL_FMT(node->label));
    else
        fprintf(p->to, " %s", op_name(node));
    if (node->matched && !node->was_skipped)
        fprintf(p->to, "  %s%.4f%s", p->dim, node->confidence, p->plain);
    fprintf(p->to, "\n");
}

#define MAX_DEPTH 128

static void print_tree(const struct printer *p, const struct sl_trace_decision *d)
{
    uint32_t ends[MAX_DEPTH], depth = 0;
    for (uint32_t i = 0; i < d->n_nodes; i++) {
        while (depth && ends[depth - 1] <= i)
            depth--;
        print_node(p, &d->nodes[i], depth);
        if (d->nodes[i].n_children && depth < MAX_DEPTH)
            ends[depth++] = i + d->nodes[i].n_nodes;
    }
}

/* Leaves of the root that hold, of all its leaves: how near a decision was. */
static void count_leaves(const struct sl_trace_decision *d, uint32_t *holding, uint32_t *all)
{
    *holding = *all = 0;
    for (uint32_t i = 0; i < d->n_nodes; i++) {
        if (d->nodes[i].op != SL_OP_LEAF)
            continue;
        ++*all;
        *holding += d->nodes[i].matched;
    }
}

static void print_decision(const struct printer *p, const struct sl_trace_decision *d)
{
    bool is_winner = d->decision == p->v->decision;
    uint32_t holding, all;
    count_leaves(d, &holding, &all);
    fprintf(p->to, "  ");
    mark(p, d->matched);
    fprintf(p->to, " %s%.*s%s  priority %lld", is_winner ? p->bold : "", SL_FMT(d->decision->name),
            p->plain, (long long)d->decision->priority);
    if (d->decision->tier)
        fprintf(p->to, "  tier %lld", (long long)d->decision->tier);
    if (d->matched)
        fprintf(p->to, "  confidence %.4f", d->confidence);
    if (is_winner)
        fprintf(p->to, "  %s<- chosen%s", p->good, p->plain);
    else if (d->matched)
        fprintf(p->to, "  %smatches too, but comes later%s", p->dim, p->plain);
    else if (holding)
        fprintf(p->to, "  %snear miss: %u of %u leaves hold%s", p->dim, holding, all, p->plain);
    fprintf(p->to, "\n");
    print_tree(p, d);
}

static void print_decisions(const struct printer *p)
{
    heading(p, "decisions");
    for (uint32_t i = 0; i < p->t->n_decisions; i++)
        print_decision(p, &p->t->decisions[i]);
    if (!p->t->n_candidates)
        return;
    heading(p, "candidates");
    for (uint32_t i = 0; i < p->t->n_candidates; i++) {
        const struct sl_trace_candidate *c = &p->t->candidates[i];
        fprintf(p->to, "  ");
        mark(p, c->was_selected);
        fprintf(p->to, " %.*s  %s%s%s\n",
                SL_FMT(c->ref->lora_name.n ? c->ref->lora_name : c->ref->name), p->dim, c->why,
                p->plain);
    }
}

static void print_outcome(const struct printer *p)
{
    const struct sl_verdict *v = p->v;
    heading(p, "outcome");
    if (v->decision)
        fprintf(p->to, "  decision %s%.*s%s at %.4f\n", p->bold, SL_FMT(v->decision->name),
                p->plain, v->confidence);
    else
        fprintf(p->to, "  no decision matched; the default model answers\n");
    if (v->error)
        fprintf(p->to, "  %s%s%s\n", p->bad, v->error, p->plain);
    if (v->model_name.n)
        fprintf(p->to, "  model %s%.*s%s%s%s\n", p->bold, SL_FMT(v->model_name), p->plain,
                v->method ? ", selection " : "", v->method ? v->method : "");
    if (v->use_reasoning)
        fprintf(p->to, "  reasoning on, effort %.*s\n", SL_FMT(v->effort));
    fprintf(p->to, "  about %llu tokens; %.1f us with every rule and this trace\n",
            (unsigned long long)v->context_tok, (double)p->t->total_ns / 1000);
}

void sl_explain_print(FILE *to, const struct sl_config *config, const struct sl_verdict *verdict,
                      const struct sl_trace *trace)
{
    struct printer p = {.to = to,
                        .config = config,
                        .v = verdict,
                        .t = trace,
                        .bold = sl_style(to, SL_BOLD),
                        .dim = sl_style(to, SL_DIM),
                        .good = sl_style(to, SL_GREEN),
                        .bad = sl_style(to, SL_RED),
                        .plain = sl_style(to, SL_PLAIN)};
    if (verdict->recipe) {
        fprintf(to, "recipe %s%.*s%s\n", p.bold, SL_FMT(verdict->recipe->name), p.plain);
        print_signals(&p);
        print_projections(&p);
        print_decisions(&p);
    } else {
        fprintf(to, "a concrete model name: no policy is asked\n");
    }
    print_outcome(&p);
}
