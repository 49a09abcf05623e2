/* What an answer cost, as the provider reports it. */
#include "proxy/parts.h"

const struct sl_model_cells *sl_px_model_cells(const struct sl_px *px)
{
    const struct sl_model_cfg *model = px->verdict.model;
    struct sl_model_cells *c = &px->lane->cells[model - px->lane->config->models];
    if (c->requests)
        return c;
    struct sl_metrics *m = px->proxy->metrics;
    const sl_str *name = &model->name;
    c->requests = sl_metrics_cell(m, SL_M_MODEL_REQUESTS, name, 1);
    c->in_flight = sl_metrics_cell(m, SL_M_MODEL_INFLIGHT, name, 1);
    c->ttft = sl_metrics_cell(m, SL_M_TTFT, name, 1);
    c->latency = sl_metrics_cell(m, SL_M_COMPLETION_LATENCY, name, 1);
    c->tpot = sl_metrics_cell(m, SL_M_TPOT, name, 1);
    c->prompt_tok = sl_metrics_cell(m, SL_M_PROMPT_TOKENS, name, 1);
    c->completion_tok = sl_metrics_cell(m, SL_M_COMPLETION_TOKENS, name, 1);
    c->tok = sl_metrics_cell(m, SL_M_MODEL_TOKENS, name, 1);
    c->prompt_hist = sl_metrics_cell(m, SL_M_PROMPT_TOKENS_PER_REQUEST, name, 1);
    c->completion_hist = sl_metrics_cell(m, SL_M_COMPLETION_TOKENS_PER_REQUEST, name, 1);
    return c;
}

static double rate(double per_1m)
{
    return per_1m > 0 ? per_1m : 0;
}

/* Specification 03 7.3: read, written and plain prompt tokens have a price each. */
static double cost_of(const struct sl_pricing *p, const struct sl_usage *u)
{
    uint64_t cached = u->cached_tok < u->prompt_tok ? u->cached_tok : u->prompt_tok;
    uint64_t rest = u->prompt_tok - cached;
    uint64_t written = u->cache_write_tok < rest ? u->cache_write_tok : rest;
    double write_rate =
        p->cache_write_per_1m.is_set ? p->cache_write_per_1m.value : p->prompt_per_1m;
    return ((double)(rest - written) * rate(p->prompt_per_1m) +
            (double)cached * rate(p->cached_input_per_1m) + (double)written * rate(write_rate) +
            (double)u->completion_tok * rate(p->completion_per_1m)) *
           1e-6;
}

void sl_px_count_usage(struct sl_px *px, const struct sl_usage *usage)
{
    const struct sl_model_cfg *model = px->verdict.model;
    const sl_str labels[2] = {model->name, model->pricing.currency};
    if (!usage->is_present)
        return;
    double prompt = (double)usage->prompt_tok, completion = (double)usage->completion_tok;
    px->prompt_tok = (int64_t)usage->prompt_tok;
    px->completion_tok = (int64_t)usage->completion_tok;
    const struct sl_model_cells *cells = sl_px_model_cells(px);
    sl_cell_add(cells->prompt_tok, prompt);
    sl_cell_add(cells->completion_tok, completion);
    sl_cell_add(cells->tok, prompt + completion);
    sl_cell_observe(cells->prompt_hist, prompt);
    sl_cell_observe(cells->completion_hist, completion);
    if (!model->pricing.is_priced)
        return;
    sl_cell_add(sl_metrics_cell(px->proxy->metrics, SL_M_MODEL_COST, labels, 2),
                cost_of(&model->pricing, usage));
}

void sl_px_read_usage(struct sl_px *px, sl_str answer)
{
    struct sl_json json;
    struct sl_usage usage;
    struct sl_err err = {0};
    if (sl_json_parse(&json, px->x->arena, answer, NULL, &err) == SL_OK &&
        sl_answer_usage(&json, &usage))
        sl_px_count_usage(px, &usage);
}
