/*
 * Private to the pipeline: the state of a loop's proxy, its view of one configuration snapshot,
 * and one exchange. The way of a request: request.c -> forward.c -> relay.c -> finish.c.
 */
#ifndef SL_PROXY_PARTS_H
#define SL_PROXY_PARTS_H

#include "codec/json.h"
#include "dialect/openai/chat.h"
#include "dialect/openai/stream.h"
#include "http/client.h"
#include "infer/engine.h"
#include "obs/access_log.h"
#include "obs/metrics.h"
#include "proxy/counts.h"
#include "proxy/gate.h"
#include "proxy/identity.h"
#include "proxy/proxy.h"
#include "proxy/upstream/balance.h"
#include "proxy/upstream/retry.h"
#include "route/policy.h"

/* A loop's view of a snapshot: what does not fit the immutable configuration. */
struct sl_lane {
    uint32_t refs; /* the proxy and each running exchange; one loop, so no atomics */
    struct sl_config *config;
    struct sl_endpoint_registry *endpoints;
    struct sl_arena arena;
    struct sl_identity identity;
    struct sl_balance *balances; /* by model index */
    struct sl_str_pair generation;
    struct sl_lane_cells cells;
    struct sl_health_checks *checks; /* NULL: none on this loop */
    struct sl_engine_loop *engine;   /* answers the policy's asks; NULL: it has none */
};

struct sl_listener_app {
    struct sl_handler handler;
    struct sl_proxy *proxy;
    uint32_t listener;
};

struct sl_proxy {
    struct sl_loop *loop;
    struct sl_runtime runtime;
    struct sl_client *client;
    struct sl_scratch *scratch;
    struct sl_metrics *metrics;
    struct sl_access_log *log;
    struct sl_lane *lane;
    struct sl_retry_budget budget;
    uint64_t random;
    bool checks_health;
    struct sl_listener_app apps[SL_PROXY_MAX_LISTENERS];
    struct sl_cell *cell_routing, *cell_streams, *cell_evaluations, *cell_evaluation_s;
    struct sl_proxy_cells cells;
};

#define SL_PX_GATHER 16

/* One exchange; lives in its request's arena. */
struct sl_px {
    struct sl_proxy *proxy;
    struct sl_exchange *x;
    struct sl_lane *lane;
    enum sl_gate gate;
    bool is_trusted;
    bool wants_debug;
    bool skips;       /* a trusted client asked to be passed on as it is */
    bool is_answered; /* a reply was begun: nothing may begin another */
    void (*routed)(struct sl_px *px, enum sl_rc rc);
    sl_str request_id;

    struct sl_json json;
    struct sl_chat_request chat;
    struct sl_facts facts;
    struct sl_verdict verdict; /* of the candidate being tried */
    bool has_verdict;
    bool has_injected_system_prompt;
    struct sl_route_options route_options; /* the last two live while models are asked */
    struct sl_infer infer;
    struct sl_engine_job *asking; /* NULL: nothing is asked */
    struct embedding *embedding;  /* embeddings.c: a request for the router's own model */
    uint64_t asked_ns;            /* since when */

    /* the attempt */
    const struct sl_backend_cfg *backend;
    uint32_t member;      /* of the model's balance */
    uint64_t excluded;    /* members tried */
    uint64_t tried_refs;  /* candidates of the decision tried, by index */
    uint32_t n_retries;   /* on this model */
    uint64_t session_key; /* 0: not computed */
    uint64_t deadline_ns; /* of the whole exchange; UINT64_MAX: none */
    struct sl_call *call; /* NULL: none in flight */
    struct sl_timer backoff;
    bool is_counted;           /* in the endpoint's in_flight */
    struct sl_cell *in_flight; /* the model's gauge that holds this exchange; NULL: none yet */
    bool holds_retry;          /* of the retry budget */
    struct sl_splice *edits;   /* of this attempt */

    /* the answer */
    struct sl_response head; /* views live in the arena */
    bool has_head, is_head_sent;
    bool is_sse, is_json, is_coded;
    bool is_counted_stream;
    bool has_stream;              /* `stream` is in use: frames are observed */
    struct sl_chat_stream stream; /* of chat streams */
    uint64_t last_text_ns;        /* the latest read of the stream with text in it; 0: none */
    struct sl_buf collected;      /* of a JSON answer that came in several reads, for its usage */
    sl_str reading;               /* the bytes of on_body: views into them may be gathered */
    struct iovec gather[SL_PX_GATHER];
    uint32_t n_gather;

    /* for the books */
    int status;
    const char *path; /* response path: "upstream", "fast_response", "error" */
    const char *end;
    uint64_t bytes_in, bytes_out, route_ns, first_byte_ns;
    int64_t prompt_tok, completion_tok;
};

/* ---- lane.c ------------------------------------------------------------------------------ */
SL_MUST_USE enum sl_rc sl_lane_create(struct sl_lane **out, struct sl_proxy *proxy,
                                      struct sl_config *config, struct sl_err *err);
void sl_lane_ref(struct sl_lane *lane);
void sl_lane_unref(struct sl_lane *lane);

/* ---- health_checks.c --------------------------------------------------------------------- */
SL_MUST_USE enum sl_rc sl_health_checks_start(struct sl_health_checks **out, struct sl_proxy *proxy,
                                              struct sl_lane *lane);
void sl_health_checks_stop(struct sl_health_checks *checks);

/* ---- routing.c --------------------------------------------------------------------------- */
/*
 * Routes px->facts and calls `then` with the outcome: at once, or when the models that signals
 * asked have answered. Not called when the exchange ends before.
 */
void sl_px_route(struct sl_px *px, void (*then)(struct sl_px *px, enum sl_rc rc));

/* ---- embeddings.c ------------------------------------------------------------------------ */
/* Whether px->chat.model is the router's own embedding model, and no model of the configuration. */
bool sl_px_is_own_embedding(const struct sl_px *px);
/* Answers an OpenAI embeddings request with it. */
void sl_px_embed(struct sl_px *px);

/* ---- request.c --------------------------------------------------------------------------- */
void sl_px_on_request(void *app, struct sl_exchange *x);
void sl_px_on_end(void *app, struct sl_exchange *x, sl_str body);

/* ---- forward.c --------------------------------------------------------------------------- */
/* Begins an attempt for the verdict's model, or for the next candidate, or answers 503. */
void sl_px_forward(struct sl_px *px);
/*
 * An attempt ended without an answer that goes to the client: again, elsewhere, or the error, 504
 * after a timeout, else 502. `reason` is a label of metrics, `why` a text for people.
 */
void sl_px_attempt_failed(struct sl_px *px, enum sl_attempt_end end, bool is_timeout,
                          const char *reason, sl_str why);
/* The limits of a call that begins now. */
struct sl_client_timeouts sl_px_timeouts(const struct sl_px *px);
/* True when an answer of that status should not go to the client because another try may do
 * better; the attempt is then already over and the next begun. */
bool sl_px_retries_status(struct sl_px *px, int status);
/* Books the end of the attempt at its endpoint; fine when none is in flight. */
void sl_px_attempt_over(struct sl_px *px, bool was_ok, int status);

/* ---- upstream_headers.c ------------------------------------------------------------------ */
/* Headers of the call to px->backend. SL_DENIED: a key is needed and none resolves. */
SL_MUST_USE enum sl_rc sl_px_upstream_headers(struct sl_px *px, const struct sl_rewrite *rewrite,
                                              struct sl_headers *out);

/* ---- failure.c --------------------------------------------------------------------------- */
/* Texts for people, in the exchange's arena. Why the call to px->backend failed; never empty. */
sl_str sl_px_failure(const struct sl_px *px, enum sl_rc rc, enum sl_call_phase phase,
                     const char *reason);
/* "host:port", and the first of a model's in a list. */
sl_str sl_px_backend_address(const struct sl_px *px, const struct sl_backend_cfg *b);
sl_str sl_px_backend_list(const struct sl_px *px, const struct sl_model_cfg *model);

/* ---- relay.c ----------------------------------------------------------------------------- */
extern const struct sl_call_callbacks sl_px_callbacks;
void sl_px_on_drain(void *app, struct sl_exchange *x);

/* ---- answer_headers.c -------------------------------------------------------------------- */
/* The x-vsr-* headers of an answer with that status, and what every answer carries. SL_NOMEM. */
SL_MUST_USE enum sl_rc sl_px_answer_headers(const struct sl_px *px, int status,
                                            struct sl_headers *out);

/* ---- errors.c ---------------------------------------------------------------------------- */
/* Answers with an error in the client's dialect. */
void sl_px_error(struct sl_px *px, int status, const char *format, ...) SL_PRINTF(3, 4);

/* ---- usage.c ----------------------------------------------------------------------------- */
/* Usage of a whole JSON answer into the books; nothing when it has none. SL_INVALID: not JSON. */
enum sl_rc sl_px_read_usage(struct sl_px *px, sl_str answer);
void sl_px_count_usage(struct sl_px *px, const struct sl_usage *usage);

/* ---- finish.c ---------------------------------------------------------------------------- */
void sl_px_on_done(void *app, struct sl_exchange *x, bool was_delivered);

uint64_t sl_proxy_random(struct sl_proxy *proxy);

#endif
