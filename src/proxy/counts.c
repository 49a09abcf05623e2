/* Finding the cells, and what a request adds to them. */
#include "proxy/counts.h"

#include "proxy/parts.h"

#include <stdio.h>

static struct sl_cell *memo(struct sl_px *px, struct sl_memo *at, const void *label,
                            enum sl_metric_id id, const sl_str *labels, unsigned n_labels)
{
    if (!at->cell || at->label != label) {
        at->cell = sl_metrics_cell(px->proxy->metrics, id, labels, n_labels);
        at->label = label;
    }
    return at->cell;
}

/* Counts without a place to remember the cell; fine for what is rare. */
static void add(struct sl_px *px, enum sl_metric_id id, const sl_str *labels, unsigned n_labels)
{
    sl_cell_add(sl_metrics_cell(px->proxy->metrics, id, labels, n_labels), 1);
}

/* ---- models and backends ------------------------------------------------------------------ */

static void fill_model(struct sl_model_cells *c, struct sl_metrics *m,
                       const struct sl_model_cfg *model)
{
    const sl_str *name = &model->name;
    const sl_str priced[2] = {model->name, model->pricing.currency};
    c->in_flight = sl_metrics_cell(m, SL_M_MODEL_INFLIGHT, name, 1);
    c->ttft = sl_metrics_cell(m, SL_M_TTFT, name, 1);
    c->latency = sl_metrics_cell(m, SL_M_COMPLETION_LATENCY, name, 1);
    c->tpot = sl_metrics_cell(m, SL_M_TPOT, name, 1);
    c->itl = sl_metrics_cell(m, SL_M_ITL, name, 1);
    c->prompt_tok = sl_metrics_cell(m, SL_M_PROMPT_TOKENS, name, 1);
    c->completion_tok = sl_metrics_cell(m, SL_M_COMPLETION_TOKENS, name, 1);
    c->tok = sl_metrics_cell(m, SL_M_MODEL_TOKENS, name, 1);
    c->prompt_hist = sl_metrics_cell(m, SL_M_PROMPT_TOKENS_PER_REQUEST, name, 1);
    c->completion_hist = sl_metrics_cell(m, SL_M_COMPLETION_TOKENS_PER_REQUEST, name, 1);
    c->cost = model->pricing.is_priced ? sl_metrics_cell(m, SL_M_MODEL_COST, priced, 2) : NULL;
    c->requests = sl_metrics_cell(m, SL_M_MODEL_REQUESTS, name, 1);
}

struct sl_model_cells *sl_px_model_cells(const struct sl_px *px)
{
    const struct sl_model_cfg *model = px->verdict.model;
    struct sl_model_cells *c = &px->lane->cells.models[model - px->lane->config->models];
    if (!c->requests)
        fill_model(c, px->proxy->metrics, model);
    return c;
}

/* NULL: out of memory. */
static struct sl_backend_cells *backend_cells(struct sl_px *px)
{
    const struct sl_model_cfg *model = px->verdict.model;
    struct sl_model_cells *cells = sl_px_model_cells(px);
    if (!cells->backends)
        cells->backends =
            SL_NEW_ARRAY(&px->lane->arena, struct sl_backend_cells, model->n_backends);
    if (!cells->backends)
        return NULL;
    struct sl_backend_cells *c = &cells->backends[px->backend - model->backends];
    if (!c->opened) {
        struct sl_metrics *m = px->proxy->metrics;
        const sl_str opened[2] = {px->backend->name, SL_STR("new")};
        const sl_str reused[2] = {px->backend->name, SL_STR("reused")};
        c->first_byte = sl_metrics_cell(m, SL_M_UPSTREAM_FIRST_BYTE, opened, 1);
        c->reused = sl_metrics_cell(m, SL_M_UPSTREAM_CONNECTIONS, reused, 2);
        c->opened = sl_metrics_cell(m, SL_M_UPSTREAM_CONNECTIONS, opened, 2);
    }
    return c;
}

static sl_str code_text(char out[3], int status)
{
    if (!status)
        return SL_STR("0");
    out[0] = (char)('0' + status / 100 % 10);
    out[1] = (char)('0' + status / 10 % 10);
    out[2] = (char)('0' + status % 10);
    return sl_str_of(out, 3);
}

void sl_count_call(struct sl_px *px, int status)
{
    struct sl_backend_cells *c = backend_cells(px);
    struct sl_call_times times;
    char code[3];
    if (!c)
        return;
    if (!c->calls || c->code != status) {
        const sl_str labels[2] = {px->backend->name, code_text(code, status)};
        c->calls = sl_metrics_cell(px->proxy->metrics, SL_M_UPSTREAM_REQUESTS, labels, 2);
        c->code = status;
    }
    sl_cell_add(c->calls, 1);
    if (!status || !px->call)
        return;
    sl_call_get_times(px->call, &times);
    sl_cell_add(times.is_reused ? c->reused : c->opened, 1);
    sl_cell_observe(c->first_byte, (double)times.first_byte_ns * 1e-9);
}

static void count_end(struct sl_px *px)
{
    const sl_str label = sl_str_from(px->end);
    struct sl_memo *at = px->proxy->cells.ends;
    for (unsigned i = 0; i < SL_COUNT_ENDS; i++, at++)
        if (!at->cell || at->label == px->end) {
            sl_cell_add(memo(px, at, px->end, SL_M_HTTP_ENDS, &label, 1), 1);
            return;
        }
    add(px, SL_M_HTTP_ENDS, &label, 1);
}

void sl_count_answer(struct sl_px *px, const char *path, uint32_t gate)
{
    struct sl_proxy_cells *all = &px->proxy->cells;
    char code[3];
    if (!all->answers[gate].cell || all->answers[gate].status != px->status) {
        const sl_str labels[2] = {sl_str_from(path), code_text(code, px->status)};
        all->answers[gate].cell =
            sl_metrics_cell(px->proxy->metrics, SL_M_HTTP_REQUESTS, labels, 2);
        all->answers[gate].status = px->status;
    }
    sl_cell_add(all->answers[gate].cell, 1);
    count_end(px);
}

/* ---- decisions ---------------------------------------------------------------------------- */

/* NULL: out of memory. */
static struct sl_decision_cells *decision_cells(struct sl_px *px)
{
    const struct sl_decision_cfg *d = px->verdict.decision;
    struct sl_lane *lane = px->lane;
    struct sl_decision_cells **at =
        &lane->cells.decisions[(uintptr_t)d / sizeof(*d) % SL_COUNT_BUCKETS];
    for (struct sl_decision_cells *c = *at; c; c = c->next)
        if (c->decision == d)
            return c;
    struct sl_decision_cells *c = SL_NEW(&lane->arena, struct sl_decision_cells);
    if (!c)
        return NULL;
    c->refs = SL_NEW_ARRAY(&lane->arena, struct sl_ref_cells, d->n_refs + 1);
    c->plugins = SL_NEW_ARRAY(&lane->arena, struct sl_cell *, d->n_plugins + 1);
    if (!c->refs || !c->plugins)
        return NULL;
    c->decision = d;
    c->matches = sl_metrics_cell(px->proxy->metrics, SL_M_DECISION_MATCHES, &d->name, 1);
    c->confidence = sl_metrics_cell(px->proxy->metrics, SL_M_DECISION_CONFIDENCE, &d->name, 1);
    c->next = *at;
    *at = c;
    return c;
}

static void count_selection(struct sl_px *px, struct sl_ref_cells *ref)
{
    const struct sl_verdict *v = &px->verdict;
    if (v->method && ref->selection.label == v->method) {
        sl_cell_add(ref->selection.cell, 1);
    } else if (v->method) {
        char tier[24];
        int n = snprintf(tier, sizeof(tier), "%lld", (long long)v->decision->tier);
        const sl_str labels[4] = {sl_str_from(v->method), v->model_name, v->decision->name,
                                  sl_str_of(tier, (size_t)n)};
        sl_cell_add(memo(px, &ref->selection, v->method, SL_M_SELECTIONS, labels, 4), 1);
    }
    if (v->method && v->fallback_reason) {
        const sl_str labels[3] = {sl_str_from(v->method), v->decision->name,
                                  sl_str_from(v->fallback_reason)};
        add(px, SL_M_SELECTION_FALLBACKS, labels, 3);
    }
    if (!v->has_reasoning || !v->model)
        return;
    const sl_str labels[4] = {v->decision->name, v->model_name,
                              v->use_reasoning ? SL_STR("true") : SL_STR("false"),
                              v->use_reasoning ? v->effort : SL_STR("none")};
    if (ref->was_on != v->use_reasoning)
        ref->effort.cell = NULL;
    ref->was_on = v->use_reasoning;
    sl_cell_add(memo(px, &ref->effort, v->effort.p, SL_M_REASONING_DECISIONS, labels, 4), 1);
}

static void count_decision(struct sl_px *px)
{
    const struct sl_verdict *v = &px->verdict;
    struct sl_decision_cells *c = decision_cells(px);
    if (!c)
        return;
    sl_cell_add(c->matches, 1);
    sl_cell_observe(c->confidence, v->confidence);
    count_selection(
        px, &c->refs[v->ref ? (uint32_t)(v->ref - v->decision->refs) : v->decision->n_refs]);
}

void sl_count_plugin(struct sl_px *px, uint32_t plugin, enum sl_rc rc)
{
    const struct sl_decision_cfg *d = px->verdict.decision;
    struct sl_decision_cells *c = decision_cells(px);
    const sl_str labels[3] = {sl_str_from(d->plugins[plugin].feature->name), d->name,
                              rc == SL_OK ? SL_STR("success") : SL_STR("error")};
    if (!c || rc != SL_OK) {
        add(px, SL_M_PLUGIN_EXECUTIONS, labels, 3);
        return;
    }
    if (!c->plugins[plugin])
        c->plugins[plugin] = sl_metrics_cell(px->proxy->metrics, SL_M_PLUGIN_EXECUTIONS, labels, 3);
    sl_cell_add(c->plugins[plugin], 1);
}

/* ---- signals ------------------------------------------------------------------------------ */

/* NULL: out of memory. */
static struct sl_recipe_cells *recipe_cells(struct sl_px *px)
{
    const struct sl_verdict *v = &px->verdict;
    struct sl_lane *lane = px->lane;
    for (struct sl_recipe_cells *c = lane->cells.recipes; c; c = c->next)
        if (c->recipe == v->recipe)
            return c;
    struct sl_recipe_cells *c = SL_NEW(&lane->arena, struct sl_recipe_cells);
    uint32_t n = v->slots.n_slots;
    if (!c)
        return NULL;
    c->matches = SL_NEW_ARRAY(&lane->arena, struct sl_cell *, n);
    c->infos = SL_NEW_ARRAY(&lane->arena, const struct sl_slot_info *, n);
    if (!c->matches || !c->infos)
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        c->infos[i] = sl_policy_slot(lane->config, v->recipe, i);
    c->recipe = v->recipe;
    c->next = lane->cells.recipes;
    lane->cells.recipes = c;
    return c;
}

static void count_families(struct sl_px *px)
{
    struct sl_cell **cells = px->proxy->cells.families;
    for (uint64_t left = px->verdict.families; left; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        if (!cells[i]) {
            const sl_str name = sl_str_from(sl_signal_features[i]->name);
            cells[i] = sl_metrics_cell(px->proxy->metrics, SL_M_SIGNAL_EXTRACTIONS, &name, 1);
        }
        sl_cell_add(cells[i], 1);
    }
}

/* Returns the context rule that matched; NULL without. */
static const struct sl_slot_info *count_matches(struct sl_px *px)
{
    const struct sl_slots *s = &px->verdict.slots;
    const struct sl_slot_info *context = NULL;
    struct sl_recipe_cells *c = s->n_order ? recipe_cells(px) : NULL;
    for (uint32_t i = 0; c && i < s->n_order; i++) {
        sl_slot slot = s->order[i];
        const struct sl_slot_info *info = c->infos[slot];
        if (!info)
            continue;
        if (!c->matches[slot]) {
            const sl_str labels[2] = {info->type, info->name};
            c->matches[slot] = sl_metrics_cell(px->proxy->metrics, SL_M_SIGNAL_MATCHES, labels, 2);
        }
        sl_cell_add(c->matches[slot], 1);
        if (info->type.n == 7 && sl_str_eq(info->type, SL_STR("context")))
            context = info;
    }
    return context;
}

/* ---- the verdict -------------------------------------------------------------------------- */

static const char *reason_of(const struct sl_verdict *v)
{
    if (v->status == SL_ROUTE_PASSTHROUGH)
        return "model_named";
    if (v->fallback_reason)
        return v->fallback_reason;
    return v->decision ? "decision_matched" : "default_model";
}

static void count_model(struct sl_px *px, const struct sl_slot_info *context)
{
    const struct sl_verdict *v = &px->verdict;
    struct sl_model_cells *c = sl_px_model_cells(px);
    const char *reason = reason_of(v);
    const sl_str why[2] = {sl_str_from(reason), v->model->name};
    sl_cell_add(memo(px, &c->reason, reason, SL_M_ROUTING_REASONS, why, 2), 1);
    if (v->recipe && v->context_tok) {
        const sl_str labels[2] = {v->model->name, context ? context->name : SL_STR("none")};
        sl_cell_observe(memo(px, &c->context, context, SL_M_CONTEXT_TOKENS, labels, 2),
                        (double)v->context_tok);
    }
    if (v->status != SL_ROUTED)
        return;
    if (!c->modification || !sl_str_eq(c->source, px->chat.model)) {
        const struct sl_name_entry *entry = sl_config_name(px->lane->config, px->chat.model);
        if (!entry || sl_str_eq(px->chat.model, v->model_name))
            return;
        const sl_str labels[2] = {entry->name, v->model->name};
        c->source = entry->name;
        c->modification =
            sl_metrics_cell(px->proxy->metrics, SL_M_ROUTING_MODIFICATIONS, labels, 2);
    }
    sl_cell_add(c->modification, 1);
}

void sl_count_verdict(struct sl_px *px)
{
    const struct sl_verdict *v = &px->verdict;
    const struct sl_slot_info *context = NULL;
    if (v->recipe) {
        count_families(px);
        context = count_matches(px);
    }
    if (v->decision)
        count_decision(px);
    if (v->model && (v->status == SL_ROUTED || v->status == SL_ROUTE_PASSTHROUGH))
        count_model(px, context);
}

/* ---- rewrites ----------------------------------------------------------------------------- */

static void count_reasoning(struct sl_px *px, const struct sl_rewrite *r)
{
    const struct sl_config *config = px->lane->config;
    struct sl_model_cells *c = sl_px_model_cells(px);
    sl_str family = config->families[px->verdict.model->reasoning_family].name;
    const sl_str param[2] = {family, r->reasoning_param};
    sl_cell_add(memo(px, &c->param, r->reasoning_param.p, SL_M_REASONING_TEMPLATES, param, 2), 1);
    if (!px->verdict.use_reasoning)
        return;
    sl_str effort = px->verdict.effort.n ? px->verdict.effort : config->default_effort;
    const sl_str labels[2] = {family, effort};
    sl_cell_add(memo(px, &c->effort, effort.p, SL_M_REASONING_EFFORT, labels, 2), 1);
}

void sl_count_rewrite(struct sl_px *px, const struct sl_rewrite *r)
{
    static const enum sl_metric_id ids[] = {
        [SL_PARAM_BLOCKED] = SL_M_PARAMS_BLOCKED,
        [SL_PARAM_MAX_TOKENS] = SL_M_PARAMS_MAX_TOKENS,
        [SL_PARAM_MAX_N] = SL_M_PARAMS_MAX_N,
        [SL_PARAM_STRIPPED] = SL_M_PARAMS_STRIPPED,
    };
    if (r->reasoning_param.n)
        count_reasoning(px, r);
    for (const struct sl_param_edit *e = r->param_edits; e; e = e->next) {
        const sl_str labels[2] = {px->verdict.decision->name, e->name};
        add(px, ids[e->kind], labels, e->name.n ? 2 : 1);
    }
}
