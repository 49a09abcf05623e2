/*
 * The verdict of a request. Signals that need a model ask for it; the exchange then waits, and is
 * routed on when the answers are there. Its loop goes on meanwhile.
 */
#include "proxy/parts.h"

#include "base/clock.h"

static void count_routing(struct sl_px *px)
{
    const struct sl_verdict *v = &px->verdict;
    sl_cell_observe(px->proxy->cell_routing, (double)px->route_ns * 1e-9);
    if (v->recipe) {
        sl_cell_add(px->proxy->cell_evaluations, 1);
        sl_cell_observe(px->proxy->cell_evaluation_s, (double)px->route_ns * 1e-9);
    }
    sl_count_verdict(px);
}

/* Where processing is skipped, a name that stands for a policy means the default model. */
static sl_str wanted_model(const struct sl_px *px)
{
    const struct sl_config *config = px->lane->config;
    bool is_default =
        px->skips && config->default_model_name.n && sl_config_name(config, px->chat.model) != NULL;
    return is_default ? config->default_model_name : px->chat.model;
}

static void on_answers(void *ctx);

/* Behind sl_route or sl_route_resume, which said rc; asks and resumes until it is something else.
 */
static void go_on(struct sl_px *px, enum sl_rc rc)
{
    while (rc == SL_AGAIN) {
        px->asked_ns = sl_clock_ns();
        px->asking = sl_engine_start(px->lane->engine, &px->infer, on_answers, px);
        if (px->asking)
            return;
        rc = sl_route_resume(px->lane->config, wanted_model(px), px->proxy->scratch, &px->verdict);
    }
    px->has_verdict = rc == SL_OK;
    if (rc == SL_OK)
        count_routing(px);
    px->routed(px, rc);
}

static void on_answers(void *ctx)
{
    struct sl_px *px = ctx;
    px->asking = NULL;
    uint64_t before = sl_clock_ns();
    px->route_ns += before - px->asked_ns;
    enum sl_rc rc =
        sl_route_resume(px->lane->config, wanted_model(px), px->proxy->scratch, &px->verdict);
    px->route_ns += sl_clock_ns() - before;
    go_on(px, rc);
}

void sl_px_route(struct sl_px *px, void (*then)(struct sl_px *px, enum sl_rc rc))
{
    enum sl_rc rc = SL_OK;
    px->routed = then;
    if (px->is_trusted)
        rc = sl_identity_facts(&px->lane->identity, &px->x->headers, px->x->arena, &px->facts);
    px->route_options = (struct sl_route_options){
        .needs_families = px->wants_debug,
        .random = sl_proxy_random(px->proxy),
    };
    if (px->lane->engine) {
        sl_infer_init(&px->infer, px->x->arena, SL_INFER_MAX_ASKS);
        px->route_options.infer = &px->infer;
    }
    uint64_t before = sl_clock_ns();
    if (rc == SL_OK)
        rc = sl_route(px->lane->config, wanted_model(px), &px->facts, &px->route_options,
                      px->proxy->scratch, px->x->arena, &px->verdict);
    px->route_ns = sl_clock_ns() - before;
    go_on(px, rc);
}
