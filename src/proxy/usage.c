/* What an answer cost, as the provider reports it. */
#include "proxy/parts.h"

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
    if (cells->cost)
        sl_cell_add(cells->cost, cost_of(&model->pricing, usage));
}

enum sl_rc sl_px_read_usage(struct sl_px *px, sl_str answer)
{
    struct sl_json json;
    struct sl_usage usage;
    struct sl_err err = {0};
    enum sl_rc rc = sl_json_parse(&json, px->x->arena, answer, NULL, &err);
    if (rc == SL_OK && sl_answer_usage(&json, &usage))
        sl_px_count_usage(px, &usage);
    return rc;
}
