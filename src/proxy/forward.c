/*
 * Attempts: which backend, with which body and headers, and what follows a failure. An attempt may
 * be repeated on another backend of the model (retry policy, backoff, budget) and the request may
 * move to the decision's next candidate; both only before any body byte reached the client.
 */
#include "proxy/parts.h"

#include "codec/json_write.h"
#include "proxy/session.h"
#include "proxy/upstream/outlier.h"

#define NS_PER_MS 1000000u

static uint32_t model_index(const struct sl_px *px)
{
    return (uint32_t)(px->verdict.model - px->lane->config->models);
}

static struct sl_balance *balance_of(const struct sl_px *px)
{
    return &px->lane->balances[model_index(px)];
}

/* ---- where ------------------------------------------------------------------------------- */

static uint64_t session_key(struct sl_px *px)
{
    if (!px->session_key)
        px->session_key =
            sl_session_key(&px->x->headers, px->facts.user_id, &px->json, px->chat.messages);
    return px->session_key;
}

static bool pick_backend(struct sl_px *px)
{
    struct sl_balance *b = balance_of(px);
    struct sl_balance_query q = {
        .now_ns = sl_loop_now_ns(px->proxy->loop),
        .random = sl_proxy_random(px->proxy),
        .key = b->policy == SL_LB_CONSISTENT_HASH ? session_key(px) : 0,
        .excluded = px->excluded,
    };
    int i = sl_balance_pick(b, &q);
    if (i < 0 && px->excluded) { /* all tried: a second round is better than none */
        q.excluded = px->excluded = 0;
        i = sl_balance_pick(b, &q);
    }
    if (i < 0)
        return false;
    px->member = (uint32_t)i;
    px->backend = &px->verdict.model->backends[i];
    return true;
}

static void become_candidate(struct sl_px *px, uint32_t i)
{
    struct sl_verdict *v = &px->verdict;
    const struct sl_config *config = px->lane->config;
    const struct sl_model_ref *ref = &v->decision->refs[i];
    const sl_str labels[2] = {v->model->name, config->models[ref->model].name};
    sl_cell_add(sl_metrics_cell(px->proxy->metrics, SL_M_UPSTREAM_FAILOVERS, labels, 2), 1);
    v->ref = ref;
    v->model = &config->models[ref->model];
    v->model_name = ref->lora_name.n ? ref->lora_name : v->model->name;
    v->use_reasoning = ref->use_reasoning == SL_YES;
    v->effort = ref->reasoning_effort.n ? ref->reasoning_effort : config->default_effort;
    v->fallback_reason = "upstream_unavailable";
    if (v->method) {
        const sl_str why[3] = {sl_str_from(v->method), v->decision->name,
                               sl_str_from(v->fallback_reason)};
        sl_cell_add(sl_metrics_cell(px->proxy->metrics, SL_M_SELECTION_FALLBACKS, why, 3), 1);
    }
    px->backend = NULL; /* the former model's */
    px->excluded = 0;
    px->n_retries = 0;
}

/* Moves to the decision's next candidate that has backends; false when there is none. */
static bool next_candidate(struct sl_px *px)
{
    const struct sl_decision_cfg *d = px->verdict.decision;
    if (!d || !px->verdict.ref)
        return false;
    uint32_t current = (uint32_t)(px->verdict.ref - d->refs);
    px->tried_refs |= current < 64 ? (uint64_t)1 << current : 0;
    for (uint32_t i = 0; i < d->n_refs && i < 64; i++) {
        bool is_usable = d->refs[i].model < px->lane->config->n_models &&
                         px->lane->config->models[d->refs[i].model].n_backends;
        if (px->tried_refs >> i & 1 || !is_usable)
            continue;
        px->tried_refs |= (uint64_t)1 << i;
        become_candidate(px, i);
        return true;
    }
    return false;
}

/* ---- what -------------------------------------------------------------------------------- */

static const struct sl_plugin_type *plugin_type(const struct sl_plugin_cfg *p)
{
    return SL_CONTAINER(p->feature, struct sl_plugin_type, feature);
}

static enum sl_rc apply_phase(struct sl_px *px, enum sl_plugin_phase phase, struct sl_rewrite *r)
{
    const struct sl_decision_cfg *d = px->verdict.decision;
    /* A decision has one plugin a type, so ranks differ; and few, so nothing is sorted. */
    int64_t last = -1;
    for (;;) {
        const struct sl_plugin_cfg *next = NULL;
        uint32_t rank = UINT32_MAX;
        for (uint32_t i = 0; i < d->n_plugins; i++) {
            const struct sl_plugin_type *t = plugin_type(&d->plugins[i]);
            if (t->phase == phase && t->apply && t->rank > last && t->rank < rank) {
                next = &d->plugins[i];
                rank = t->rank;
            }
        }
        if (!next)
            return SL_OK;
        enum sl_rc rc = plugin_type(next)->apply(next->decoded, r);
        sl_count_plugin(px, (uint32_t)(next - d->plugins), rc);
        if (rc != SL_OK)
            return rc;
        last = rank;
    }
}

static enum sl_rc rewrite_chat(struct sl_px *px, struct sl_rewrite *r)
{
    const struct sl_decision_cfg *d = px->verdict.decision;
    enum sl_rc rc = sl_chat_rewrite(r, &px->chat, px->lane->config, &px->verdict, px->backend);
    if (rc == SL_OK && d)
        rc = apply_phase(px, SL_PHASE_BODY, r);
    if (rc == SL_OK && d)
        rc = apply_phase(px, SL_PHASE_HEADERS, r);
    if (rc == SL_OK)
        sl_count_rewrite(px, r);
    px->has_injected_system_prompt = r->has_injected_system_prompt;
    return rc;
}

/* Other bodies only get the provider's name of the model. */
static enum sl_rc rewrite_model(struct sl_px *px, struct sl_rewrite *r)
{
    sl_str name = px->backend->model_id.n ? px->backend->model_id : px->verdict.model_name;
    if (sl_str_eq(name, px->chat.model))
        return SL_OK;
    struct sl_buf text;
    sl_buf_init(&text, 8192);
    sl_json_escape(&text, name);
    sl_str value = sl_arena_dup(r->arena, sl_buf_str(&text));
    sl_buf_free(&text);
    return value.p ? sl_splice_replace(r->edits, px->chat.model_ref, value) : SL_NOMEM;
}

static sl_str target_of(const struct sl_px *px)
{
    const struct sl_backend_cfg *b = px->backend;
    if (!b->has_profile)
        return px->x->target;
    if (px->gate == SL_GATE_CHAT)
        return b->path.n ? b->path : px->x->target;
    return sl_arena_printf(px->x->arena, "%.*s%s", SL_FMT(b->base_path),
                           px->gate == SL_GATE_COMPLETIONS ? "/completions" : "/embeddings");
}

static uint64_t positive(int64_t ms)
{
    return ms > 0 ? (uint64_t)ms : 0;
}

struct sl_client_timeouts sl_px_timeouts(const struct sl_px *px)
{
    const struct sl_limits_cfg *l = &px->lane->config->global.limits;
    uint64_t now = sl_loop_now_ns(px->proxy->loop);
    struct sl_client_timeouts t = {
        .connect_ms = positive(l->connect_timeout_ms),
        .tls_ms = positive(l->tls_timeout_ms),
        .send_ms = positive(l->send_timeout_ms),
        .first_byte_ms = positive(l->first_byte_timeout_ms),
        .idle_ms = positive(l->stream_idle_timeout_ms),
    };
    if (px->deadline_ns != UINT64_MAX)
        t.total_ms = px->deadline_ns > now ? (px->deadline_ns - now) / NS_PER_MS + 1 : 1;
    return t;
}

/* ---- the attempt ------------------------------------------------------------------------- */

static void count_begin(struct sl_px *px)
{
    struct sl_endpoint_state *s = balance_of(px)->members[px->member].state;
    atomic_fetch_add_explicit(&s->in_flight, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->n_requests, 1, memory_order_relaxed);
    px->is_counted = true;
    px->proxy->budget.n_active++;
    const struct sl_model_cells *cells = sl_px_model_cells(px);
    if (!px->n_retries)
        sl_cell_add(cells->requests, 1);
    if (px->in_flight == cells->in_flight)
        return;
    if (px->in_flight)
        sl_cell_add(px->in_flight, -1);
    px->in_flight = cells->in_flight;
    sl_cell_add(px->in_flight, 1);
}

static void release_retry(struct sl_px *px)
{
    if (px->holds_retry)
        sl_retry_budget_give(&px->proxy->budget);
    px->holds_retry = false;
}

void sl_px_attempt_over(struct sl_px *px, bool was_ok, int status)
{
    release_retry(px);
    if (!px->is_counted)
        return;
    px->is_counted = false;
    px->proxy->budget.n_active--;
    struct sl_balance *b = balance_of(px);
    atomic_fetch_sub_explicit(&b->members[px->member].state->in_flight, 1, memory_order_relaxed);
    if (status < 0)
        return; /* cancelled by the client: says nothing about the endpoint */
    if (sl_outlier_note(b, px->member, &px->verdict.model->reliability, was_ok,
                        sl_loop_now_ns(px->proxy->loop))) {
        const sl_str labels[2] = {px->backend->name, SL_STR("consecutive_5xx")};
        sl_cell_add(sl_metrics_cell(px->proxy->metrics, SL_M_BACKEND_EJECTIONS, labels, 2), 1);
    }
}

/* False when the exchange was answered with an error (it may be gone then). */
static bool start_call(struct sl_px *px)
{
    struct sl_rewrite rewrite = {.body = &px->json, .arena = px->x->arena};
    struct sl_headers headers;
    const struct iovec *body = NULL;
    size_t n_body = 0, total = 0;
    rewrite.edits = sl_splice_new(&px->json, px->x->arena);
    enum sl_rc rc = rewrite.edits ? SL_OK : SL_NOMEM;
    if (rc == SL_OK)
        rc = px->gate == SL_GATE_CHAT ? rewrite_chat(px, &rewrite) : rewrite_model(px, &rewrite);
    if (rc == SL_OK)
        rc = sl_splice_iov(rewrite.edits, &body, &n_body, &total);
    if (rc == SL_OK)
        rc = sl_px_upstream_headers(px, &rewrite, &headers);
    if (rc == SL_DENIED) {
        sl_px_error(px, 401, "Authentication failed. Check your API key configuration.");
        return false;
    }
    if (rc != SL_OK) {
        sl_px_error(px, 503, "out of memory for this request");
        return false;
    }
    const struct sl_request request = {
        .host = px->backend->host,
        .port = px->backend->port,
        .tls = px->backend->is_tls ? px->proxy->runtime.tls : NULL,
        .method = SL_STR("POST"),
        .target = target_of(px),
        .headers = &headers,
        .body = body,
        .n_body = n_body,
        .timeouts = sl_px_timeouts(px),
        .arena = px->x->arena,
    };
    px->call = sl_client_start(px->proxy->client, &request, &sl_px_callbacks, px);
    if (!px->call) {
        sl_str at = sl_px_backend_address(px, px->backend);
        sl_px_error(px, 502,
                    "the request to %.*s cannot be written: control bytes in a header, or "
                    "out of memory",
                    SL_FMT(at));
        return false;
    }
    return true;
}

static void refuse_unhealthy(struct sl_px *px)
{
    sl_str list = sl_px_backend_list(px, px->verdict.model);
    sl_px_error(px, 503,
                "no healthy backend for model \"%.*s\": failed health checks or too many errors "
                "at %.*s",
                SL_FMT(px->verdict.model_name), SL_FMT(list));
}

void sl_px_forward(struct sl_px *px)
{
    do {
        if (px->verdict.model->api_format == SL_API_OPENAI && pick_backend(px)) {
            if (px->backend->is_tls && !px->proxy->runtime.tls) {
                sl_str at = sl_px_backend_address(px, px->backend);
                sl_px_error(px, 502,
                            "no TLS with %.*s: the router has no TLS context for providers",
                            SL_FMT(at));
                return;
            }
            if (start_call(px))
                count_begin(px);
            return;
        }
    } while (next_candidate(px));
    if (px->verdict.model->api_format != SL_API_OPENAI)
        sl_px_error(px, 501, "model \"%.*s\" does not speak the OpenAI dialect",
                    SL_FMT(px->verdict.model_name));
    else if (px->verdict.model->n_backends)
        refuse_unhealthy(px);
    else
        sl_px_error(px, 503, "no backend is configured for model \"%.*s\"",
                    SL_FMT(px->verdict.model_name));
}

/* ---- after a failure --------------------------------------------------------------------- */

static void on_backoff(struct sl_loop *loop, struct sl_timer *timer)
{
    (void)loop;
    sl_px_forward(SL_CONTAINER(timer, struct sl_px, backoff));
}

static bool may_retry(struct sl_px *px, enum sl_attempt_end end, int status)
{
    const struct sl_reliability_cfg *r = &px->verdict.model->reliability;
    return (int64_t)px->n_retries < r->retry_count && sl_retry_covers(r->retry_on, end, status) &&
           sl_retry_budget_take(&px->proxy->budget);
}

static void retry(struct sl_px *px, const char *reason)
{
    const sl_str labels[2] = {px->backend->name, sl_str_from(reason)};
    sl_cell_add(sl_metrics_cell(px->proxy->metrics, SL_M_UPSTREAM_RETRIES, labels, 2), 1);
    px->holds_retry = true;
    px->excluded |= (uint64_t)1 << px->member;
    px->backoff.on_timer = on_backoff;
    sl_timer_start(px->proxy->loop, &px->backoff,
                   sl_retry_delay_ms(px->n_retries++, sl_proxy_random(px->proxy)));
}

/* Nothing was processed, or the policy says that such ends are tried elsewhere. */
static bool may_move_on(const struct sl_px *px, enum sl_attempt_end end, int status)
{
    return end == SL_ATTEMPT_CONNECT_FAILURE || end == SL_ATTEMPT_REFUSED_STREAM ||
           sl_retry_covers(px->verdict.model->reliability.retry_on, end, status);
}

void sl_px_attempt_failed(struct sl_px *px, enum sl_attempt_end end, bool is_timeout,
                          const char *reason, sl_str why)
{
    sl_px_attempt_over(px, false, 0);
    if (may_retry(px, end, 0)) {
        retry(px, reason);
        return;
    }
    sl_str failed = px->verdict.model_name;
    if (may_move_on(px, end, 0) && next_candidate(px)) {
        sl_px_forward(px);
        return;
    }
    px->end = is_timeout ? "timeout" : "upstream_failed";
    sl_px_error(px, is_timeout ? 504 : 502, "model \"%.*s\": %.*s", SL_FMT(failed), SL_FMT(why));
}

bool sl_px_retries_status(struct sl_px *px, int status)
{
    uint32_t on = px->verdict.model->reliability.retry_on;
    if (!on || !sl_retry_covers(on, SL_ATTEMPT_ANSWERED, status))
        return false;
    struct sl_call *call = px->call;
    px->call = NULL;
    sl_px_attempt_over(px, status < 500, status);
    if (may_retry(px, SL_ATTEMPT_ANSWERED, status)) {
        sl_call_cancel(call);
        retry(px, status == 429 ? "429" : "5xx");
        return true;
    }
    if (next_candidate(px)) {
        sl_call_cancel(call);
        sl_px_forward(px);
        return true;
    }
    px->call = call; /* nobody better: the client gets this answer */
    return false;
}
