/*
 * From the head and body of a request to its verdict: gate, identity, one parse, facts, routing.
 * Then forward.c takes over, or the answer is given here.
 */
#include "proxy/parts.h"

#include "base/clock.h"
#include "dialect/openai/answer.h"

static const struct sl_listener_cfg *listener_of(const struct sl_lane *lane, uint32_t index)
{
    return index < lane->config->n_listeners ? &lane->config->listeners[index] : NULL;
}

static uint64_t deadline(const struct sl_lane *lane, uint32_t listener, uint64_t now_ns)
{
    const struct sl_listener_cfg *l = listener_of(lane, listener);
    int64_t ms = lane->config->global.limits.total_timeout_ms;
    if (l && l->timeout_ms > 0 && (ms <= 0 || l->timeout_ms < ms))
        ms = l->timeout_ms;
    return ms > 0 ? now_ns + (uint64_t)ms * 1000000u : UINT64_MAX;
}

static void answer_json(struct sl_px *px, int status, sl_str body)
{
    struct sl_header item = {SL_STR("content-type"), SL_STR("application/json")};
    struct sl_headers headers = {.items = &item, .n = 1, .cap = 1};
    px->status = status;
    px->end = "complete";
    px->is_answered = true;
    px->bytes_out = body.n;
    sl_reply_all(px->x, status, &headers, body);
}

static void answer_models(struct sl_px *px)
{
    struct sl_buf body;
    sl_buf_init(&body, 4 << 20);
    sl_answer_models(&body, px->lane->config, sl_clock_unix_s());
    answer_json(px, 200, sl_buf_str(&body));
    sl_buf_free(&body);
}

static void pass_gate(struct sl_px *px)
{
    switch (px->gate) {
    case SL_GATE_MODELS:
        answer_models(px);
        return;
    case SL_GATE_HEALTH:
        answer_json(px, 200,
                    SL_STR("{\"status\": \"healthy\", \"service\": \"classification-api\"}"));
        return;
    case SL_GATE_METHOD_NOT_ALLOWED:
        sl_px_error(px, 405, "method not allowed");
        return;
    case SL_GATE_NOT_FOUND:
        sl_px_error(px, 404, "endpoint not found");
        return;
    default:
        return; /* the body decides */
    }
}

void sl_px_on_request(void *app, struct sl_exchange *x)
{
    struct sl_listener_app *l = app;
    struct sl_proxy *proxy = l->proxy;
    struct sl_px *px = SL_NEW(x->arena, struct sl_px);
    x->user = px;
    if (!px) {
        sl_reply_all(x, 503, &(struct sl_headers){NULL, 0, 0}, SL_STR(""));
        return;
    }
    px->proxy = proxy;
    px->x = x;
    px->lane = proxy->lane;
    px->path = "error";
    px->prompt_tok = px->completion_tok = -1;
    px->deadline_ns = deadline(proxy->lane, l->listener, sl_loop_now_ns(proxy->loop));
    sl_lane_ref(px->lane);
    px->gate = sl_gate(x->method, x->path);
    px->is_trusted = sl_identity_is_trusted(&px->lane->identity, x->peer_addr, &x->headers);
    px->wants_debug = sl_str_eq_nocase(
        sl_str_trim(sl_headers_get(&x->headers, SL_STR("x-vsr-debug"))), SL_STR("true"));
    px->skips =
        px->is_trusted && px->lane->config->global.skip_processing &&
        sl_str_eq_nocase(sl_str_trim(sl_headers_get(&x->headers, SL_STR("x-vsr-skip-processing"))),
                         SL_STR("true"));
    pass_gate(px);
}

/* ---- the body ---------------------------------------------------------------------------- */

static bool refuse_body(struct sl_px *px, enum sl_rc rc, const struct sl_err *err)
{
    if (rc == SL_NOMEM && px->x->arena->hit_max)
        sl_px_error(px, 413,
                    "the body holds more values than a request may: reading it takes more than "
                    "%zu MiB",
                    px->x->arena->max_bytes >> 20);
    else if (rc == SL_NOMEM)
        sl_px_error(px, 503, "out of memory for this request");
    else
        sl_px_error(px, 400, "%s", err->message);
    return false;
}

static struct sl_json_limits json_limits(const struct sl_px *px)
{
    return (struct sl_json_limits){.max_bytes =
                                       (size_t)px->lane->config->global.limits.max_body_bytes};
}

/* The body's own `stream` wins; an Accept of nothing but event streams speaks when it is silent. */
static bool expects_stream(const struct sl_px *px)
{
    if (px->chat.is_stream)
        return true;
    bool stated;
    if (sl_json_bool(&px->json, sl_json_get(&px->json, 0, SL_STR("stream")), &stated))
        return false;
    sl_str accept = sl_str_trim(sl_headers_get(&px->x->headers, SL_STR("accept")));
    size_t end = sl_str_chr(accept, ';');
    return sl_str_eq_nocase(sl_str_trim(sl_str_sub(accept, 0, end)), SL_STR("text/event-stream"));
}

/* Legacy completions are routed by their prompt, as if one user had said it. */
static void prompt_facts(struct sl_px *px)
{
    const struct sl_json *j = &px->json;
    sl_str prompt = sl_json_str(j, sl_json_get(j, 0, SL_STR("prompt")), px->x->arena);
    if (!prompt.p)
        return;
    px->facts.current = px->facts.eval = prompt;
    px->facts.all_bytes = px->facts.context.text_bytes = prompt.n;
    px->facts.conversation.n_user = px->facts.conversation.n_messages = 1;
    px->facts.has_message_facts = true;
}

static bool read_other(struct sl_px *px, sl_str body)
{
    struct sl_json *j = &px->json;
    const struct sl_json_limits limits = json_limits(px);
    struct sl_err err = {0};
    enum sl_rc rc = sl_json_parse(j, px->x->arena, body, &limits, &err);
    if (rc != SL_OK)
        return refuse_body(px, rc, &err);
    sl_json_ref model = sl_json_get(j, 0, SL_STR("model"));
    if (model == SL_JSON_NONE)
        sl_err_set(&err, SL_INVALID, "invalid request body: missing required field: model");
    else if (sl_json_type(j, model) != SL_JSON_STRING)
        sl_err_set(&err, SL_INVALID, "invalid request body: field model must be string, got %s",
                   sl_json_type_name(j, model));
    if (err.code != SL_OK)
        return refuse_body(px, SL_INVALID, &err);
    px->chat = (struct sl_chat_request){.model = sl_json_str(j, model, px->x->arena),
                                        .model_ref = model,
                                        .wants_usage = true,
                                        .messages = SL_JSON_NONE};
    if (!px->chat.model.p)
        return refuse_body(px, SL_NOMEM, &err);
    (void)sl_json_bool(j, sl_json_get(j, 0, SL_STR("stream")), &px->chat.is_stream);
    if (px->gate == SL_GATE_COMPLETIONS)
        prompt_facts(px);
    return true;
}

static bool read_chat(struct sl_px *px, sl_str body)
{
    const struct sl_json_limits limits = json_limits(px);
    struct sl_err err = {0};
    enum sl_rc rc = sl_chat_parse(body, px->x->arena, &limits, &px->json, &px->chat, &err);
    if (rc == SL_OK)
        rc = sl_chat_facts(&px->json, px->x->arena, &px->facts);
    return rc == SL_OK || refuse_body(px, rc, &err);
}

/* ---- the answer of a verdict --------------------------------------------------------------- */

/* Text of the decision's own answer; p == NULL: the decision asks a model. */
static sl_str own_answer(struct sl_px *px)
{
    const struct sl_decision_cfg *d = px->verdict.decision;
    struct sl_rewrite rewrite = {.body = &px->json, .arena = px->x->arena};
    for (uint32_t i = 0; d && i < d->n_plugins && !rewrite.answer.p; i++) {
        const struct sl_plugin_type *type =
            SL_CONTAINER(d->plugins[i].feature, struct sl_plugin_type, feature);
        if (type->phase != SL_PHASE_ANSWER || !type->apply)
            continue;
        enum sl_rc rc = type->apply(d->plugins[i].decoded, &rewrite);
        sl_count_plugin(px, i, rc);
        if (rc != SL_OK)
            break;
    }
    return rewrite.answer;
}

static void answer_fast(struct sl_px *px, sl_str text)
{
    struct sl_headers headers = {NULL, 0, 0};
    bool is_stream = expects_stream(px);
    struct sl_buf body;
    sl_buf_init(&body, 16 << 20);
    if (is_stream)
        sl_answer_fast_sse(&body, text, px->chat.wants_usage, sl_clock_unix_s());
    else
        sl_answer_fast_json(&body, text, sl_clock_unix_s());
    px->path = "fast_response";
    enum sl_rc rc =
        sl_headers_add(&headers, px->x->arena, SL_STR("content-type"),
                       is_stream ? SL_STR("text/event-stream") : SL_STR("application/json"));
    if (rc == SL_OK)
        rc = sl_px_answer_headers(px, 200, &headers);
    if (rc != SL_OK || sl_buf_rc(&body) != SL_OK) {
        sl_px_error(px, 503, "out of memory for this request");
    } else {
        px->status = 200;
        px->end = "complete";
        px->is_answered = true;
        px->bytes_out = body.n;
        sl_reply_all(px->x, 200, &headers, sl_buf_str(&body));
    }
    sl_buf_free(&body);
}

static void act_on_verdict(struct sl_px *px, enum sl_rc rc)
{
    const struct sl_verdict *v = &px->verdict;
    if (rc == SL_INVALID) {
        sl_px_error(px, 400, "a header that names the user or the groups appears more than once");
        return;
    }
    if (rc != SL_OK) {
        sl_px_error(px, 503, "out of memory for this request");
        return;
    }
    switch (v->status) {
    case SL_ROUTE_UNKNOWN_MODEL:
        sl_px_error(px, 400, "model \"%.*s\" is not available", SL_FMT(px->chat.model));
        return;
    case SL_ROUTE_NO_MODEL:
        sl_px_error(px, 400, "%s",
                    v->error ? v->error
                             : "unable to route request: no model selected and no default model "
                               "configured");
        return;
    case SL_ROUTE_REFUSED:
        sl_px_error(px, 403, "%s", v->error ? v->error : "refused by policy");
        return;
    case SL_ROUTED:
    case SL_ROUTE_PASSTHROUGH:
        break;
    }
    sl_str text = own_answer(px);
    if (text.p)
        answer_fast(px, text);
    else
        sl_px_forward(px);
}

void sl_px_on_end(void *app, struct sl_exchange *x, sl_str body)
{
    struct sl_px *px = x->user;
    (void)app;
    if (!px || px->is_answered)
        return;
    px->bytes_in = body.n;
    if (!(px->gate == SL_GATE_CHAT ? read_chat(px, body) : read_other(px, body)))
        return;
    if (px->gate == SL_GATE_EMBEDDINGS && sl_px_is_own_embedding(px)) {
        sl_px_embed(px);
        return;
    }
    if (px->gate == SL_GATE_EMBEDDINGS && sl_config_name(px->lane->config, px->chat.model)) {
        sl_px_error(px, 400, "embeddings need the name of a model; \"%.*s\" stands for a policy",
                    SL_FMT(px->chat.model));
        return;
    }
    sl_px_route(px, act_on_verdict);
}
