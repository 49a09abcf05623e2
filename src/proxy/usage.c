/* What an answer cost, as the provider reports it. */
#include "proxy/parts.h"

void sl_px_count_usage(struct sl_px *px, const struct sl_usage *usage)
{
    struct sl_metrics *m = px->proxy->metrics;
    const struct sl_model_cfg *model = px->verdict.model;
    const sl_str labels[2] = {model->name, model->pricing.currency};
    if (!usage->is_present)
        return;
    double prompt = (double)usage->prompt_tok, completion = (double)usage->completion_tok;
    px->prompt_tok = (int64_t)usage->prompt_tok;
    px->completion_tok = (int64_t)usage->completion_tok;
    sl_cell_add(sl_metrics_cell(m, SL_M_PROMPT_TOKENS, labels, 1), prompt);
    sl_cell_add(sl_metrics_cell(m, SL_M_COMPLETION_TOKENS, labels, 1), completion);
    sl_cell_add(sl_metrics_cell(m, SL_M_MODEL_TOKENS, labels, 1), prompt + completion);
    sl_cell_observe(sl_metrics_cell(m, SL_M_PROMPT_TOKENS_PER_REQUEST, labels, 1), prompt);
    sl_cell_observe(sl_metrics_cell(m, SL_M_COMPLETION_TOKENS_PER_REQUEST, labels, 1), completion);
    if (!model->pricing.is_priced)
        return;
    double cached = (double)usage->cached_tok < prompt ? (double)usage->cached_tok : prompt;
    double cost = ((prompt - cached) * model->pricing.prompt_per_1m +
                   cached * model->pricing.cached_input_per_1m +
                   completion * model->pricing.completion_per_1m) *
                  1e-6;
    sl_cell_add(sl_metrics_cell(m, SL_M_MODEL_COST, labels, 2), cost > 0 ? cost : 0);
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
