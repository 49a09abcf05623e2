/* What the files of mock/ share. Nobody else includes it. */
#ifndef SL_MOCK_MOCK_IMPL_H
#define SL_MOCK_MOCK_IMPL_H

#include "base/buf.h"
#include "codec/json.h"
#include "mock/mock.h"

#define SL_MOCK_MAX_ANSWER (64u << 20)

struct sl_mock {
    struct sl_mock_shared *shared;
    struct sl_loop *loop;
    struct sl_handler handler;
    struct sl_buf out; /* the answer being written; reused by every request of the loop */
    uint64_t n_answers;
};

/* One request being answered; in the exchange's arena. */
struct sl_mock_request {
    struct sl_mock *mock;
    struct sl_exchange *x;
    struct sl_mock_plan plan;
    struct sl_json body; /* n_nodes == 0: none or not JSON */
    sl_str model;
    sl_str answer; /* whole body, while it waits or trickles */
    size_t n_sent; /* of answer */
    int status;
    struct sl_timer timer;
    struct sl_mock_stream *stream;
};

/* control.c: what is shared, recorded and set from outside. */
const struct sl_mock_options *sl_mock_shared_options(const struct sl_mock_shared *shared);
void sl_mock_record(struct sl_mock_shared *shared, const struct sl_exchange *x, sl_str body);
/* Applies faults set over HTTP, if they are meant for this request. */
void sl_mock_apply_faults(struct sl_mock_shared *shared, sl_str model, struct sl_mock_plan *plan);
enum sl_mock_event { SL_MOCK_REQUEST, SL_MOCK_STREAM, SL_MOCK_ABORTED, SL_MOCK_TOKENS };
void sl_mock_count(struct sl_mock_shared *shared, enum sl_mock_event event, uint64_t n);
/* Answers /mock/...; false when the path is none of its. */
bool sl_mock_control(struct sl_mock *mock, struct sl_exchange *x, sl_str body);
/* {"headers": {...}, "body": ...} of what was received. */
void sl_mock_put_received(struct sl_buf *out, const struct sl_exchange *x, sl_str body);

/* knobs.c */
void sl_mock_read_knobs(struct sl_mock_request *r);
/* Knobs of object v into plan; false and the offending key when one is unknown. */
bool sl_mock_read_object(const struct sl_json *json, sl_json_ref v, struct sl_mock_plan *plan,
                         struct sl_arena *arena, sl_str *bad);

/* reply.c: a whole answer with the plan's delays and faults. body is copied when it must wait. */
void sl_mock_reply(struct sl_mock_request *r, int status, sl_str body);
void sl_mock_reply_error(struct sl_mock_request *r, int status, const char *type,
                         const char *message);
void sl_mock_json(struct sl_exchange *x, int status, sl_str body);

/* chat.c, stream.c, embeddings.c */
enum sl_mock_kind { SL_MOCK_CHAT, SL_MOCK_COMPLETION };
struct sl_mock_answer { /* what a chat or completion request will hear */
    enum sl_mock_kind kind;
    sl_str content;   /* fixed text (schema answers), else p == NULL: n_tok words */
    sl_str tool_name; /* not empty: a tool call ... */
    sl_str tool_args; /* ... with these arguments, JSON text */
    int64_t prompt_tok, n_tok;
    const char *finish_reason;
    int64_t n_choices;
    uint64_t id;
    bool wants_usage;
};
void sl_mock_chat(struct sl_mock_request *r, enum sl_mock_kind kind);
void sl_mock_stream_start(struct sl_mock_request *r, const struct sl_mock_answer *answer);
void sl_mock_stream_drained(struct sl_mock_request *r);
void sl_mock_embeddings(struct sl_mock_request *r);
/* Word i of the endless answer, with its leading blank. */
sl_str sl_mock_word(const struct sl_mock_answer *answer, sl_str model, int64_t i);
void sl_mock_put_usage(struct sl_buf *out, const struct sl_mock_answer *answer);

/* schema.c: the smallest instance of a JSON schema. False when out of memory. */
bool sl_mock_instance(struct sl_buf *out, const struct sl_json *json, sl_json_ref schema,
                      struct sl_arena *arena);

#endif
