/* The mock's handler: which path gets which answer, and the life of a request being answered. */
#include "mock/mock_impl.h"

#include "codec/json_write.h"

#include <stdlib.h>

static bool is_path(const struct sl_exchange *x, const char *path)
{
    return sl_str_eq(x->path, sl_str_from(path));
}

static void put_model(struct sl_buf *out, sl_str name)
{
    sl_buf_add(out, SL_STR("{\"id\":"));
    sl_json_escape(out, name);
    sl_buf_add(out, SL_STR(",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"mock\"}"));
}

static bool has_model(const struct sl_mock_options *o, sl_str name)
{
    for (uint32_t i = 0; i < o->n_models; i++)
        if (sl_str_eq(o->models[i], name))
            return true;
    return false;
}

static void reply_models(struct sl_mock_request *r)
{
    static const sl_str prefix = SL_STR_INIT("/v1/models/");
    const struct sl_mock_options *o = sl_mock_shared_options(r->mock->shared);
    struct sl_buf *out = &r->mock->out;
    sl_buf_reset(out);
    if (sl_str_starts(r->x->path, prefix)) {
        sl_str name = sl_str_sub(r->x->path, prefix.n, r->x->path.n);
        if (!has_model(o, name)) {
            sl_mock_reply_error(r, 404, "invalid_request_error", "the model does not exist");
            return;
        }
        put_model(out, name);
    } else {
        sl_buf_add(out, SL_STR("{\"object\":\"list\",\"data\":["));
        for (uint32_t i = 0; i < o->n_models; i++) {
            if (i)
                sl_buf_add_char(out, ',');
            put_model(out, o->models[i]);
        }
        sl_buf_add(out, SL_STR("]}"));
    }
    sl_mock_reply(r, 200, sl_buf_str(out));
}

static bool is_allowed(const struct sl_mock_request *r)
{
    static const sl_str scheme = SL_STR_INIT("Bearer ");
    sl_str key = sl_mock_shared_options(r->mock->shared)->api_key;
    sl_str given = sl_headers_get(&r->x->headers, SL_STR("authorization"));
    return !key.n ||
           (sl_str_starts(given, scheme) && sl_str_eq(sl_str_sub(given, scheme.n, given.n), key));
}

/* Faults that hold for every path. False: answered (or never to be). */
static bool pass_faults(struct sl_mock_request *r)
{
    if (r->plan.close) {
        sl_reply_abort(r->x);
        return false;
    }
    if (r->plan.hang)
        return false;
    if (r->plan.status && r->plan.status != 200) {
        sl_mock_reply_error(r, (int)r->plan.status,
                            r->plan.status == 429   ? "rate_limit_error"
                            : r->plan.status >= 500 ? "server_error"
                                                    : "invalid_request_error",
                            "mock failure on demand");
        return false;
    }
    return true;
}

static void answer_post(struct sl_mock_request *r)
{
    const struct sl_mock_options *o = sl_mock_shared_options(r->mock->shared);
    if (!r->body.n_nodes || sl_json_type(&r->body, 0) != SL_JSON_OBJECT) {
        sl_mock_reply_error(r, 400, "invalid_request_error", "the body is not a JSON object");
    } else if (o->is_strict && !has_model(o, r->model)) {
        sl_mock_reply_error(r, 404, "invalid_request_error", "the model does not exist");
    } else if (is_path(r->x, "/v1/chat/completions")) {
        sl_mock_chat(r, SL_MOCK_CHAT);
    } else if (is_path(r->x, "/v1/completions")) {
        sl_mock_chat(r, SL_MOCK_COMPLETION);
    } else if (is_path(r->x, "/v1/embeddings")) {
        sl_mock_embeddings(r);
    } else {
        sl_mock_reply_error(r, 404, "invalid_request_error", "no such path");
    }
}

static void on_end(void *app, struct sl_exchange *x, sl_str body)
{
    struct sl_mock *mock = app;
    struct sl_err err;
    if (sl_str_starts(x->path, SL_STR("/mock/")) && sl_mock_control(mock, x, body))
        return;
    if (is_path(x, "/health")) {
        sl_mock_json(x, 200, SL_STR("{\"status\":\"ok\"}"));
        return;
    }
    struct sl_mock_request *r = SL_NEW(x->arena, struct sl_mock_request);
    if (!r) {
        sl_reply_abort(x);
        return;
    }
    r->mock = mock;
    r->x = x;
    x->user = r;
    r->plan = sl_mock_shared_options(mock->shared)->plan;
    r->model = SL_STR("");
    if (body.n && sl_json_parse(&r->body, x->arena, body, NULL, &err) == SL_OK) {
        sl_str model = sl_json_str(&r->body, sl_json_get(&r->body, 0, SL_STR("model")), x->arena);
        r->model = model.p ? model : SL_STR("");
    } else {
        r->body.n_nodes = 0;
    }
    sl_mock_count(mock->shared, SL_MOCK_REQUEST, 1);
    sl_mock_record(mock->shared, x, body);
    sl_mock_apply_faults(mock->shared, r->model, &r->plan);
    sl_mock_read_knobs(r);
    if (!pass_faults(r))
        return;
    if (!is_allowed(r))
        sl_mock_reply_error(r, 401, "authentication_error", "incorrect API key provided");
    else if (x->method == SL_GET && sl_str_starts(x->path, SL_STR("/v1/models")))
        reply_models(r);
    else if (x->method == SL_POST)
        answer_post(r);
    else
        sl_mock_reply_error(r, 404, "invalid_request_error", "no such path");
}

static void on_request(void *app, struct sl_exchange *x)
{
    (void)app;
    x->user = NULL;
}

static void on_drain(void *app, struct sl_exchange *x)
{
    (void)app;
    if (x->user)
        sl_mock_stream_drained(x->user);
}

static void on_done(void *app, struct sl_exchange *x, bool was_delivered)
{
    struct sl_mock *mock = app;
    struct sl_mock_request *r = x->user;
    if (!was_delivered)
        sl_mock_count(mock->shared, SL_MOCK_ABORTED, 1);
    if (r)
        sl_timer_stop(mock->loop, &r->timer);
}

struct sl_mock *sl_mock_new(struct sl_mock_shared *shared, struct sl_loop *loop)
{
    struct sl_mock *mock = calloc(1, sizeof(*mock));
    if (!mock)
        return NULL;
    mock->shared = shared;
    mock->loop = loop;
    mock->handler = (struct sl_handler){
        .app = mock,
        .on_request = on_request,
        .on_end = on_end,
        .on_drain = on_drain,
        .on_done = on_done,
    };
    sl_buf_init(&mock->out, SL_MOCK_MAX_ANSWER);
    return mock;
}

void sl_mock_free(struct sl_mock *mock)
{
    if (!mock)
        return;
    sl_buf_free(&mock->out);
    free(mock);
}

const struct sl_handler *sl_mock_handler(struct sl_mock *mock)
{
    return &mock->handler;
}
