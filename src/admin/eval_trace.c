/*
 * The decision trace as JSON: decisions and projections in the reference's field names (chapter 02
 * sections 1.5 and 2.3), and what Sluice adds: costs, reasons for skipping, near misses.
 */
#include "admin/eval_parts.h"

static void put_us(struct sl_json_writer *w, uint64_t ns)
{
    sl_json_add_f64(w, "cost_us", (double)ns / 1000);
}

static void open_list(struct sl_json_writer *w, const char *key)
{
    sl_json_key(w, sl_str_from(key));
    sl_json_open(w, '[');
}

static void write_signals(struct sl_json_writer *w, const struct sl_trace *t)
{
    open_list(w, "signals");
    for (uint32_t i = 0; i < t->n_signals; i++) {
        const struct sl_trace_signal *s = &t->signals[i];
        sl_json_open(w, '{');
        sl_json_add_str(w, "signal_type", sl_str_from(s->type->feature.name));
        sl_json_add_bool(w, "evaluated", s->was_run);
        if (!s->was_run && s->skip_reason)
            sl_json_add_str(w, "skip_reason", sl_str_from(s->skip_reason));
        put_us(w, s->cost_ns);
        sl_json_close(w, '}');
    }
    sl_json_close(w, ']');
}

static void write_evidence(struct sl_json_writer *w, const struct sl_trace *t,
                           const struct sl_config *config, const struct sl_recipe_cfg *recipe)
{
    open_list(w, "evidence");
    for (uint32_t i = 0; i < t->n_evidence; i++) {
        const struct sl_trace_evidence *e = &t->evidence[i];
        const struct sl_slot_info *info = sl_policy_slot(config, recipe, e->slot);
        if (!info)
            continue;
        sl_json_open(w, '{');
        sl_json_add_str(w, "signal", info->full);
        sl_json_add_str(w, "text", e->text);
        if (e->has_threshold) {
            sl_json_add_f64(w, "value", e->value);
            sl_json_add_f64(w, "threshold", e->threshold);
        }
        sl_json_close(w, '}');
    }
    sl_json_close(w, ']');
}

static void write_partitions(struct sl_json_writer *w, const struct sl_trace *t,
                             const struct sl_config *config, const struct sl_recipe_cfg *recipe)
{
    open_list(w, "partitions");
    for (uint32_t i = 0; i < t->n_partitions; i++) {
        const struct sl_trace_partition *p = &t->partitions[i];
        const struct sl_slot_info *winner = sl_policy_slot(config, recipe, p->winner);
        sl_json_open(w, '{');
        sl_json_add_str(w, "group_name", p->cfg->name);
        sl_json_add_str(w, "signal_type", p->type);
        sl_json_add_str(w, "semantics",
                        p->cfg->is_softmax ? SL_STR("softmax_exclusive") : SL_STR("exclusive"));
        sl_json_add_f64(w, "temperature", p->cfg->temperature);
        if (winner)
            sl_json_add_str(w, "winner", winner->name);
        if (p->was_default) {
            sl_json_add_bool(w, "default_used", true);
        } else {
            sl_json_add_f64(w, "winner_score", p->score);
            sl_json_add_f64(w, "raw_winner_score", p->raw_score);
            sl_json_add_f64(w, "margin", p->margin);
        }
        sl_json_close(w, '}');
    }
    sl_json_close(w, ']');
}

static void write_scores(struct sl_json_writer *w, const struct sl_trace *t)
{
    open_list(w, "scores");
    for (uint32_t i = 0; i < t->n_scores; i++) {
        const struct sl_trace_score *s = &t->scores[i];
        sl_json_open(w, '{');
        sl_json_add_str(w, "name", s->name);
        sl_json_add_f64(w, "total", s->total);
        open_list(w, "inputs");
        for (uint32_t k = 0; k < s->n_inputs; k++) {
            const struct sl_trace_input *in = &s->inputs[k];
            sl_json_open(w, '{');
            sl_json_add_str(w, "type", in->type);
            sl_json_add_str(w, "name", in->name);
            if (in->kb.n) {
                sl_json_add_str(w, "kb", in->kb);
                sl_json_add_str(w, "metric", in->metric);
            }
            sl_json_add_f64(w, "weight", in->weight);
            sl_json_add_f64(w, "value", in->value);
            sl_json_add_f64(w, "contribution", in->contribution);
            sl_json_close(w, '}');
        }
        sl_json_close(w, ']');
        sl_json_close(w, '}');
    }
    sl_json_close(w, ']');
}

static void write_mappings(struct sl_json_writer *w, const struct sl_trace *t)
{
    open_list(w, "mappings");
    for (uint32_t i = 0; i < t->n_mappings; i++) {
        const struct sl_trace_mapping *m = &t->mappings[i];
        sl_json_open(w, '{');
        sl_json_add_str(w, "mapping_name", m->name);
        sl_json_add_str(w, "source_score", m->source);
        sl_json_add_f64(w, "score_value", m->score);
        if (m->selected.n) {
            sl_json_add_str(w, "selected_output", m->selected);
            sl_json_add_f64(w, "confidence", m->confidence);
            sl_json_add_f64(w, "boundary_distance", m->boundary_distance);
        }
        open_list(w, "outputs");
        for (uint32_t k = 0; k < m->n_bands; k++) {
            sl_json_open(w, '{');
            sl_json_add_str(w, "name", m->bands[k].name);
            sl_json_add_bool(w, "matched", m->bands[k].matched);
            sl_json_add_f64(w, "boundary_distance", m->bands[k].boundary_distance);
            sl_json_close(w, '}');
        }
        sl_json_close(w, ']');
        sl_json_close(w, '}');
    }
    sl_json_close(w, ']');
}

static const char *node_type(const struct sl_trace_node *node)
{
    if (node->is_fallback)
        return "fallback";
    switch (node->op) {
    case SL_OP_LEAF:
        return "leaf";
    case SL_OP_AND:
        return "AND";
    case SL_OP_NOT:
        return "NOT";
    case SL_OP_OR:
        break;
    }
    return "OR";
}

static void write_node(struct sl_json_writer *w, const struct sl_trace_node *node)
{
    sl_json_add_str(w, "node_type", sl_str_from(node_type(node)));
    if (node->op == SL_OP_LEAF) {
        sl_json_add_str(w, "signal_type", node->type);
        sl_json_add_str(w, "signal_name", node->name);
        if (node->label.n)
            sl_json_add_str(w, "label", node->label);
    }
    sl_json_add_bool(w, "matched", node->matched);
    sl_json_add_f64(w, "confidence", node->confidence);
}

#define MAX_TREE_DEPTH 24 /* the writer nests 64 levels, a node takes two */

/* Preorder with a stack of subtree ends; what an AND did not look at is left out. */
static void write_tree(struct sl_json_writer *w, const struct sl_trace_node *nodes, uint32_t n)
{
    uint32_t ends[MAX_TREE_DEPTH], depth = 0, i = 0;
    while (i < n) {
        while (depth && ends[depth - 1] == i) {
            sl_json_close(w, ']');
            sl_json_close(w, '}');
            depth--;
        }
        if (nodes[i].was_skipped) {
            i += nodes[i].n_nodes;
            continue;
        }
        sl_json_open(w, '{');
        write_node(w, &nodes[i]);
        if (!nodes[i].n_children || depth == MAX_TREE_DEPTH) {
            sl_json_close(w, '}');
            i += nodes[i].n_nodes;
            continue;
        }
        open_list(w, "children");
        ends[depth++] = i + nodes[i].n_nodes;
        i++;
    }
    for (; depth; depth--) {
        sl_json_close(w, ']');
        sl_json_close(w, '}');
    }
}

static void write_decisions(struct sl_json_writer *w, const struct sl_trace *t)
{
    open_list(w, "decisions");
    for (uint32_t i = 0; i < t->n_decisions; i++) {
        const struct sl_trace_decision *d = &t->decisions[i];
        sl_json_open(w, '{');
        sl_json_add_str(w, "decision_name", d->decision->name);
        sl_json_add_bool(w, "matched", d->matched);
        sl_json_add_f64(w, "confidence", d->confidence);
        if (d->was_skipped)
            sl_json_add_str(w, "skip_reason", sl_str_from(d->skip_reason));
        put_us(w, d->cost_ns);
        sl_json_key(w, SL_STR("root_trace"));
        write_tree(w, d->nodes, d->n_nodes);
        sl_json_close(w, '}');
    }
    sl_json_close(w, ']');
}

static void write_candidates(struct sl_json_writer *w, const struct sl_trace *t)
{
    open_list(w, "candidates");
    for (uint32_t i = 0; i < t->n_candidates; i++) {
        const struct sl_trace_candidate *c = &t->candidates[i];
        sl_json_open(w, '{');
        sl_json_add_str(w, "model", c->ref->lora_name.n ? c->ref->lora_name : c->ref->name);
        sl_json_add_bool(w, "selected", c->was_selected);
        sl_json_add_str(w, "reason", sl_str_from(c->why));
        sl_json_close(w, '}');
    }
    sl_json_close(w, ']');
}

void sl_eval_write_trace(struct sl_json_writer *w, const struct sl_trace *trace,
                         const struct sl_config *config, const struct sl_recipe_cfg *recipe)
{
    sl_json_open(w, '{');
    sl_json_add_f64(w, "total_us", (double)trace->total_ns / 1000);
    write_signals(w, trace);
    sl_json_key(w, SL_STR("projections"));
    sl_json_open(w, '{');
    sl_json_add_str(w, "schema_version", SL_STR("1"));
    write_partitions(w, trace, config, recipe);
    write_scores(w, trace);
    write_mappings(w, trace);
    sl_json_close(w, '}');
    write_decisions(w, trace);
    write_candidates(w, trace);
    write_evidence(w, trace, config, recipe);
    sl_json_close(w, '}');
}
