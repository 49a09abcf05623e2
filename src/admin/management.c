/*
 * Routes of the management listener as one table: method, path, permission, answer. Bodies and
 * envelopes are the reference's; unknown paths and methods get its JSON envelope too.
 */
#include "admin/management.h"

#include "admin/auth.h"
#include "admin/envelope.h"
#include "admin/eval.h"
#include "admin/vectors.h"
#include "base/clock.h"
#include "base/log.h"
#include "dialect/openai/answer.h"
#include "http/server.h"
#include "infer/engine.h"
#include "net/listen.h"
#include "obs/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define MAX_ANSWER_BYTES (64u << 20)

struct sl_management {
    struct sl_loop *loop;
    struct sl_config *config;
    struct sl_server *server;
    struct sl_server *metrics_server;
    struct sl_handler handler, metrics_handler;
    struct sl_scratch *scratch;
    struct sl_resolver *resolver;
    int64_t updated_unix_s;
    uint64_t random;
    uint16_t port; /* 0: no management listener */
    bool is_ready;
};

struct reply {
    int status;
    const char *type;
    struct sl_buf body;
};

typedef void answer_fn(struct sl_management *m, struct sl_exchange *x, sl_str body,
                       struct reply *r);

static void fail(struct reply *r, int status, const char *code, const char *message)
{
    r->status = status;
    sl_buf_reset(&r->body);
    sl_admin_error(&r->body, sl_clock_unix_s(), code, message);
    sl_buf_add_char(&r->body, '\n');
}

static sl_str request_id(struct sl_management *m, struct sl_exchange *x)
{
    sl_str shown = sl_str_trim(sl_headers_get(&x->headers, SL_STR("x-request-id")));
    if (shown.n)
        return shown;
    uint64_t a = m->random = m->random * 6364136223846793005u + 1442695040888963407u;
    uint64_t b = m->random = m->random * 6364136223846793005u + 1442695040888963407u;
    return sl_arena_printf(x->arena, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
                           (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
                           (unsigned)(b >> 48 & 0x3fff) | 0x8000u,
                           (unsigned long long)(b & 0xffffffffffffu));
}

/* `allow`: for a 405, else NULL. */
static void send(struct sl_management *m, struct sl_exchange *x, struct reply *r, const char *allow)
{
    struct sl_headers headers = {NULL, 0, 0};
    if (sl_buf_rc(&r->body) != SL_OK)
        fail(r, 500, "ANSWER_TOO_LARGE", "the answer does not fit in memory");
    enum sl_rc rc =
        sl_headers_add(&headers, x->arena, SL_STR("content-type"), sl_str_from(r->type));
    if (rc == SL_OK)
        rc = sl_headers_add(&headers, x->arena, SL_STR("x-request-id"), request_id(m, x));
    if (rc == SL_OK && allow)
        rc = sl_headers_add(&headers, x->arena, SL_STR("allow"), sl_str_from(allow));
    sl_reply_all(x, rc == SL_OK ? r->status : 500, &headers, sl_buf_str(&r->body));
}

/* ---- answers ----------------------------------------------------------------------------- */

static void answer_health(struct sl_management *m, struct sl_exchange *x, sl_str body,
                          struct reply *r)
{
    (void)m, (void)x, (void)body;
    sl_buf_add(&r->body, SL_STR("{\"status\": \"healthy\", \"service\": \"classification-api\"}"));
}

static void answer_ready(struct sl_management *m, struct sl_exchange *x, sl_str body,
                         struct reply *r)
{
    (void)x, (void)body;
    const char *status = m->is_ready ? "ready" : "starting";
    r->status = m->is_ready ? 200 : 503;
    sl_buf_printf(&r->body,
                  "{\"status\":\"%s\",\"service\":\"classification-api\",\"ready\":%s,"
                  "\"phase\":\"%s\",\"message\":\"%s\",\"downloading_model\":\"\","
                  "\"pending_models\":null,\"ready_models\":0,\"total_models\":0}\n",
                  status, m->is_ready ? "true" : "false", status,
                  m->is_ready ? "Router is ready" : "Router is starting or draining");
}

static void answer_startup(struct sl_management *m, struct sl_exchange *x, sl_str body,
                           struct reply *r)
{
    (void)x, (void)body;
    char updated[32];
    sl_admin_time(m->updated_unix_s, updated);
    r->status = m->is_ready ? 200 : 503;
    sl_buf_printf(&r->body,
                  "{\"phase\":\"%s\",\"ready\":%s,\"message\":\"%s\",\"updated_at\":\"%s\"}\n",
                  m->is_ready ? "ready" : "starting", m->is_ready ? "true" : "false",
                  m->is_ready ? "Router is ready" : "Router is starting or draining", updated);
}

static void answer_models(struct sl_management *m, struct sl_exchange *x, sl_str body,
                          struct reply *r)
{
    (void)x, (void)body;
    sl_answer_models(&r->body, m->config, sl_clock_unix_s());
    sl_buf_add_char(&r->body, '\n');
}

static void answer_metrics(struct sl_management *m, struct sl_exchange *x, sl_str body,
                           struct reply *r)
{
    (void)x, (void)body;
    if (!m->config->global.metrics_enabled) {
        fail(r, 404, "NOT_FOUND", "metrics are switched off by the configuration");
        return;
    }
    r->type = "text/plain; version=0.0.4; charset=utf-8";
    sl_metrics_write(&r->body);
}

static void answer_hash(struct sl_management *m, struct sl_exchange *x, sl_str body,
                        struct reply *r)
{
    (void)x, (void)body;
    sl_buf_printf(&r->body, "{\"hash\":\"%s\",\"generation\":%llu}\n", m->config->sha256_hex,
                  (unsigned long long)m->config->generation);
}

static bool has_query_flag(sl_str query, sl_str flag)
{
    sl_str piece;
    while (query.p && sl_str_split(&query, '&', &piece))
        if (sl_str_eq(piece, flag))
            return true;
    return false;
}

static void read_groups(struct sl_management *m, struct sl_exchange *x,
                        struct sl_eval_options *options)
{
    sl_str list = sl_headers_get(&x->headers, m->config->global.identity.user_groups_header);
    sl_str piece;
    uint32_t cap = 1;
    for (size_t i = 0; i < list.n; i++)
        cap += list.p[i] == ',';
    sl_str *groups = list.n ? SL_NEW_ARRAY(x->arena, sl_str, cap) : NULL;
    while (groups && sl_str_split(&list, ',', &piece))
        if (sl_str_trim(piece).n)
            groups[options->n_groups++] = sl_str_trim(piece);
    options->groups = groups;
}

/* An answer that waits for models; in its exchange's arena, ends with it. */
struct waiting {
    struct sl_management *m;
    struct sl_exchange *x;
    struct sl_config *config;
    struct sl_engine_loop *engine;
    struct sl_engine_job *job;
    struct sl_infer *asks;
    /* Writes the answer, behind the asks; 0: there are new asks. */
    int (*go_on)(struct waiting *w, struct sl_buf *out);
    void *what; /* struct sl_eval or struct sl_vectors */
};

static void on_answers(void *ctx)
{
    struct waiting *w = ctx;
    struct reply r = {.type = "application/json"};
    sl_buf_init(&r.body, MAX_ANSWER_BYTES);
    do {
        w->job = NULL;
        r.status = w->go_on(w, &r.body);
        if (!r.status)
            w->job = sl_engine_start(w->engine, w->asks, on_answers, w);
    } while (!r.status && !w->job);
    if (r.status) {
        if (r.body.n && r.body.p[r.body.n - 1] != '\n')
            sl_buf_add_char(&r.body, '\n');
        send(w->m, w->x, &r, NULL);
    }
    sl_buf_free(&r.body);
}

/* False: no memory. */
static bool wait_for_models(struct sl_management *m, struct sl_exchange *x, struct sl_infer *asks,
                            int (*go_on)(struct waiting *, struct sl_buf *), void *what)
{
    struct waiting *w = SL_NEW(x->arena, struct waiting);
    if (!w || sl_engine_loop_create(&w->engine, m->config->engine, m->loop, m->resolver) != SL_OK)
        return false;
    w->m = m;
    w->x = x;
    w->config = sl_config_ref(m->config);
    w->asks = asks;
    w->go_on = go_on;
    w->what = what;
    x->user = w;
    w->job = sl_engine_start(w->engine, asks, on_answers, w);
    if (!w->job)
        on_answers(w);
    return true;
}

static void on_done(void *app, struct sl_exchange *x, bool was_delivered)
{
    struct waiting *w = x->user;
    (void)app, (void)was_delivered;
    if (!w)
        return;
    sl_engine_loop_destroy(w->engine);
    sl_config_unref(w->config);
}

static int go_on_evaluating(struct waiting *w, struct sl_buf *out)
{
    return sl_eval_resume(w->what, w->m->scratch, out);
}

static void answer_eval(struct sl_management *m, struct sl_exchange *x, sl_str body,
                        struct reply *r)
{
    m->random = m->random * 6364136223846793005u + 1442695040888963407u;
    struct sl_eval *eval;
    struct sl_eval_options options = {
        .wants_trace = has_query_flag(x->query, SL_STR("trace=true")),
        .random = m->random,
        .now_ns = sl_clock_ns,
        .unix_s = sl_clock_unix_s(),
        .user_id =
            sl_str_trim(sl_headers_get(&x->headers, m->config->global.identity.user_id_header)),
        .can_ask = m->config->engine != NULL,
    };
    read_groups(m, x, &options);
    r->status = sl_eval_start(&eval, m->config, body, &options, m->scratch, x->arena, &r->body);
    if (r->status && r->body.n && r->body.p[r->body.n - 1] != '\n')
        sl_buf_add_char(&r->body, '\n');
    if (!r->status && !wait_for_models(m, x, sl_eval_asks(eval), go_on_evaluating, eval))
        fail(r, 500, "CLASSIFICATION_ERROR", "out of memory for this request");
}

static int finish_vectors(struct waiting *w, struct sl_buf *out)
{
    return sl_vectors_finish(w->what, out);
}

static void answer_vectors(struct sl_management *m, struct sl_exchange *x, sl_str body,
                           struct reply *r, enum sl_vectors_kind kind)
{
    struct sl_vectors *v;
    r->status = sl_vectors_start(&v, kind, m->config, body, sl_clock_ns, sl_clock_unix_s(),
                                 x->arena, &r->body);
    if (r->status)
        sl_buf_add_char(&r->body, '\n');
    else if (!wait_for_models(m, x, sl_vectors_asks(v), finish_vectors, v))
        fail(r, 500, "EMBEDDING_GENERATION_FAILED", "out of memory for this request");
}

static void answer_embeddings(struct sl_management *m, struct sl_exchange *x, sl_str body,
                              struct reply *r)
{
    answer_vectors(m, x, body, r, SL_VECTORS_EMBED);
}

static void answer_similarity(struct sl_management *m, struct sl_exchange *x, sl_str body,
                              struct reply *r)
{
    answer_vectors(m, x, body, r, SL_VECTORS_SIMILARITY);
}

static void answer_similarities(struct sl_management *m, struct sl_exchange *x, sl_str body,
                                struct reply *r)
{
    answer_vectors(m, x, body, r, SL_VECTORS_BATCH);
}

static answer_fn answer_index;

static const struct route {
    enum sl_http_method method;
    const char *method_name;
    const char *path;
    enum sl_permission permission;
    answer_fn *answer;
    const char *summary;
} routes[] = {
    {SL_GET, "GET", "/health", SL_MAY_READ_HEALTH, answer_health, "the process is alive"},
    {SL_GET, "GET", "/ready", SL_MAY_READ_READY, answer_ready, "the router takes requests"},
    {SL_GET, "GET", "/startup-status", SL_MAY_READ_READY, answer_startup, "how far the start is"},
    {SL_GET, "GET", "/api/v1", SL_MAY_READ_DOCS, answer_index, "this list"},
    {SL_POST, "POST", "/api/v1/eval", SL_MAY_CLASSIFY, answer_eval,
     "the decision for a request, without forwarding it"},
    {SL_POST, "POST", "/api/v1/embeddings", SL_MAY_CLASSIFY, answer_embeddings,
     "the vectors of texts"},
    {SL_POST, "POST", "/api/v1/similarity", SL_MAY_CLASSIFY, answer_similarity,
     "how near two texts are"},
    {SL_POST, "POST", "/api/v1/similarity/batch", SL_MAY_CLASSIFY, answer_similarities,
     "candidates by nearness to a query"},
    {SL_GET, "GET", "/v1/models", SL_MAY_READ_CONFIG, answer_models, "names to ask for"},
    {SL_GET, "GET", "/config/hash", SL_MAY_READ_CONFIG, answer_hash, "which file is in force"},
    {SL_GET, "GET", "/metrics", SL_MAY_READ_METRICS, answer_metrics, "Prometheus metrics"},
};

static void answer_index(struct sl_management *m, struct sl_exchange *x, sl_str body,
                         struct reply *r)
{
    (void)m, (void)x, (void)body;
    sl_buf_printf(&r->body, "{\"api\":\"sluice\",\"version\":\"%s\",\"endpoints\":[",
                  SLUICE_VERSION);
    for (size_t i = 0; i < SL_COUNT(routes); i++)
        sl_buf_printf(&r->body, "%s{\"path\":\"%s\",\"method\":\"%s\",\"description\":\"%s\"}",
                      i ? "," : "", routes[i].path, routes[i].method_name, routes[i].summary);
    sl_buf_add(&r->body, SL_STR("]}\n"));
}

/* ---- dispatch ---------------------------------------------------------------------------- */

static const char *read_env(const char *name)
{
    return getenv(name);
}

static const struct route *find(const struct sl_exchange *x, bool is_metrics_only,
                                const struct route **same_path)
{
    *same_path = NULL;
    for (size_t i = 0; i < SL_COUNT(routes); i++) {
        if (!sl_str_eq(x->path, sl_str_from(routes[i].path)) ||
            (is_metrics_only && routes[i].answer != answer_metrics))
            continue;
        *same_path = &routes[i];
        if (routes[i].method == x->method || (x->method == SL_HEAD && routes[i].method == SL_GET))
            return &routes[i];
    }
    return NULL;
}

static void respond(struct sl_management *m, struct sl_exchange *x, sl_str body,
                    bool is_metrics_only)
{
    struct reply r = {.status = 200, .type = "application/json"};
    const struct route *same_path, *route = find(x, is_metrics_only, &same_path);
    sl_buf_init(&r.body, MAX_ANSWER_BYTES);
    struct sl_refusal refusal = {0, NULL, NULL};
    if (route && !is_metrics_only)
        refusal = sl_management_authorize(&m->config->global.management, &x->headers,
                                          route->permission, read_env);
    if (!route && same_path)
        fail(&r, 405, "METHOD_NOT_ALLOWED", "method not allowed");
    else if (!route)
        fail(&r, 404, "NOT_FOUND", "endpoint not found");
    else if (refusal.status)
        fail(&r, refusal.status, refusal.code, refusal.message);
    else
        route->answer(m, x, body, &r);
    if (r.status) /* else it waits */
        send(m, x, &r, !route && same_path ? same_path->method_name : NULL);
    sl_buf_free(&r.body);
}

static void on_end(void *app, struct sl_exchange *x, sl_str body)
{
    respond(app, x, body, false);
}

static void on_metrics_end(void *app, struct sl_exchange *x, sl_str body)
{
    respond(app, x, body, true);
}

static void collect(void *ctx, struct sl_buf *out)
{
    const struct sl_management *m = ctx;
    sl_metrics_sample(out, SL_M_CONFIG_GENERATION, NULL, 0, (double)m->config->generation);
}

/* SL_IO with a text that names the address, the port and the reason. */
static enum sl_rc listen_on(struct sl_management *m, struct sl_server **out, uint16_t port,
                            const struct sl_handler *handler, struct sl_err *err)
{
    const struct sl_server_options options = {.handler = handler,
                                              .limits = m->config->global.limits};
    sl_str address = m->config->global.management.bind_address;
    enum sl_rc rc = sl_listen_is_free(address, port, err);
    return rc != SL_OK ? rc : sl_server_listen(out, m->loop, address, port, &options, NULL, err);
}

static enum sl_rc listen_management(struct sl_management *m,
                                    const struct sl_management_ports *ports, struct sl_err *err)
{
    struct sl_err why = {0};
    if (!ports->management)
        return SL_OK;
    enum sl_rc rc = listen_on(m, &m->server, ports->management, &m->handler, &why);
    if (rc == SL_OK) {
        m->port = ports->management;
    } else if (rc != SL_IO || ports->is_management_asked_for) {
        return sl_err_set(err, rc,
                          "management: %s; set global.services.management_api.port or give "
                          "--management-port PORT",
                          why.message);
    } else {
        sl_log(SL_LOG_WARN, "management_unavailable",
               "%s; the router runs without its management address. Set "
               "global.services.management_api.port or give --management-port PORT",
               why.message);
    }
    return SL_OK;
}

static enum sl_rc listen_metrics(struct sl_management *m, const struct sl_management_ports *ports,
                                 struct sl_err *err)
{
    struct sl_err why = {0};
    if (!m->config->global.metrics_enabled || !ports->metrics || ports->metrics == m->port)
        return SL_OK;
    enum sl_rc rc = listen_on(m, &m->metrics_server, ports->metrics, &m->metrics_handler, &why);
    if (rc != SL_OK && ports->is_metrics_asked_for)
        return sl_err_set(err, rc, "metrics: %s; give another --metrics-port PORT, 0 for none",
                          why.message);
    if (rc != SL_OK)
        sl_log(SL_LOG_WARN, "metrics_port_unavailable",
               "%s; metrics stay on the management address. Give --metrics-port PORT, 0 for none",
               why.message);
    return SL_OK;
}

enum sl_rc sl_management_start(struct sl_management **out, struct sl_loop *loop,
                               struct sl_config *config, struct sl_resolver *resolver,
                               const struct sl_management_ports *ports, struct sl_err *err)
{
    struct sl_management *m = calloc(1, sizeof(*m));
    struct sl_scratch *scratch = m ? sl_scratch_new() : NULL;
    if (!scratch) {
        free(m);
        return sl_err_set(err, SL_NOMEM, "out of memory");
    }
    m->loop = loop;
    m->resolver = resolver;
    m->scratch = scratch;
    m->config = sl_config_ref(config);
    m->updated_unix_s = sl_clock_unix_s();
    m->handler = (struct sl_handler){.app = m, .on_end = on_end, .on_done = on_done};
    m->metrics_handler = (struct sl_handler){.app = m, .on_end = on_metrics_end};
    if (getrandom(&m->random, sizeof(m->random), 0) != sizeof(m->random))
        m->random = (uint64_t)(uintptr_t)m;
    enum sl_rc rc = listen_management(m, ports, err);
    if (rc == SL_OK)
        rc = listen_metrics(m, ports, err);
    if (rc != SL_OK) {
        sl_management_stop(m);
        return rc;
    }
    sl_metrics_collect(collect, m);
    *out = m;
    return SL_OK;
}

uint16_t sl_management_port(const struct sl_management *m)
{
    return m ? m->port : 0;
}

void sl_management_stop(struct sl_management *m)
{
    if (!m)
        return;
    if (m->server)
        sl_server_destroy(m->server);
    if (m->metrics_server)
        sl_server_destroy(m->metrics_server);
    sl_scratch_free(m->scratch);
    sl_config_unref(m->config);
    free(m);
}

void sl_management_adopt(struct sl_management *m, struct sl_config *config)
{
    struct sl_config *before = m->config;
    m->config = sl_config_ref(config);
    m->updated_unix_s = sl_clock_unix_s();
    if (m->server)
        sl_server_use(m->server, &config->global.limits, NULL);
    if (m->metrics_server)
        sl_server_use(m->metrics_server, &config->global.limits, NULL);
    sl_config_unref(before);
}

void sl_management_set_ready(struct sl_management *m, bool is_ready)
{
    if (!m)
        return;
    m->is_ready = is_ready;
    m->updated_unix_s = sl_clock_unix_s();
}
