/* The end of an exchange, however it came: stop what still runs, then the books. */
#include "proxy/parts.h"

static const char *const gate_names[] = {
    [SL_GATE_CHAT] = "/v1/chat/completions",
    [SL_GATE_COMPLETIONS] = "/v1/completions",
    [SL_GATE_EMBEDDINGS] = "/v1/embeddings",
    [SL_GATE_MODELS] = "/v1/models",
    [SL_GATE_HEALTH] = "/health",
    [SL_GATE_NOT_FOUND] = "other",
    [SL_GATE_METHOD_NOT_ALLOWED] = "other",
};
_Static_assert(SL_COUNT(gate_names) <= SL_COUNT_GATES, "a cell for each gate");

static void count(struct sl_px *px, uint64_t total_ns)
{
    sl_count_answer(px, gate_names[px->gate], px->gate);
    if (!px->backend)
        return;
    if (!px->is_head_sent)
        return;
    const struct sl_model_cells *cells = sl_px_model_cells(px);
    sl_cell_observe(cells->ttft, (double)px->first_byte_ns * 1e-9);
    sl_cell_observe(cells->latency, (double)total_ns * 1e-9);
    if (px->completion_tok > 0)
        sl_cell_observe(cells->tpot, (double)total_ns * 1e-9 / (double)px->completion_tok);
}

static void write_log(const struct sl_px *px, uint64_t total_ns)
{
    const struct sl_verdict *v = &px->verdict;
    struct sl_access_line line = {
        .request_id = px->request_id,
        .peer = px->x->peer,
        .method = px->x->method_text,
        .path = px->x->path,
        .status = px->status,
        .bytes_in = px->bytes_in,
        .bytes_out = px->bytes_out,
        .route_ns = px->route_ns,
        .first_byte_ns = px->first_byte_ns,
        .total_ns = total_ns,
        .prompt_tok = px->prompt_tok,
        .completion_tok = px->completion_tok,
        .end = px->end,
    };
    if (px->has_verdict) {
        line.recipe = v->recipe ? v->recipe->name : (sl_str){NULL, 0};
        line.decision = v->decision ? v->decision->name : (sl_str){NULL, 0};
        line.algorithm = v->method ? sl_str_from(v->method) : (sl_str){NULL, 0};
        line.model = v->model_name;
        line.confidence = v->confidence;
    }
    if (px->backend)
        line.backend = px->backend->name;
    sl_access_log_write(px->proxy->log, &line);
}

void sl_px_on_done(void *app, struct sl_exchange *x, bool was_delivered)
{
    struct sl_px *px = x->user;
    (void)app;
    if (!px)
        return;
    if (px->asking)
        sl_engine_cancel(px->asking);
    px->asking = NULL;
    if (px->call) {
        if (!px->has_head)
            sl_count_call(px, 0);
        sl_call_cancel(px->call);
    }
    px->call = NULL;
    sl_timer_stop(px->proxy->loop, &px->backoff);
    sl_px_attempt_over(px, true, -1);
    sl_buf_free(&px->collected);
    if (px->has_stream)
        sl_chat_stream_free(&px->stream);
    if (px->in_flight)
        sl_cell_add(px->in_flight, -1);
    if (px->is_counted_stream)
        sl_cell_add(px->proxy->cell_streams, -1);
    if (x->refused_status) {
        px->end = "refused";
        px->status = x->refused_status;
    } else if (!was_delivered && (!px->end || px->end[0] == 'c')) {
        px->end = "client_aborted";
        px->status = px->is_head_sent ? px->status : 499;
    }
    if (!px->end)
        px->end = "refused";
    uint64_t total_ns = sl_loop_now_ns(px->proxy->loop) - x->started_ns;
    count(px, total_ns);
    write_log(px, total_ns);
    sl_lane_unref(px->lane);
    x->user = NULL;
}
