/*
 * The OpenAI chat dialect: from a parsed /v1/chat/completions (or eval) body to facts, and the
 * edits that make a body fit its model. Pure: no HTTP, no clock.
 */
#ifndef SL_DIALECT_OPENAI_CHAT_H
#define SL_DIALECT_OPENAI_CHAT_H

#include "codec/json.h"
#include "route/facts.h"
#include "route/plugin.h"
#include "route/policy.h"

/* What the pipeline needs of the request envelope. */
struct sl_chat_request {
    sl_str model; /* content of "model" */
    sl_json_ref model_ref;
    bool is_stream;
    bool wants_usage; /* the client itself set stream_options.include_usage */
    sl_json_ref messages;
};

/*
 * Parses and reads a body. A body that is not JSON gives err->message "malformed JSON body" in the
 * reference's words (with line and column set), naming the key when one is written twice; SL_LIMIT
 * when it is too deep or too large, SL_INVALID otherwise. Both are status 400.
 */
SL_MUST_USE enum sl_rc sl_chat_parse(sl_str text, struct sl_arena *arena,
                                     const struct sl_json_limits *limits, struct sl_json *body,
                                     struct sl_chat_request *out, struct sl_err *err);

/*
 * Checks the shape in the reference's order and words (chapter 02 3.2 stages 2-4, section 5.1);
 * err->message is the text for the client, status 400.
 */
SL_MUST_USE enum sl_rc sl_chat_read(const struct sl_json *body, struct sl_arena *arena,
                                    struct sl_chat_request *out, struct sl_err *err);

/* Facts of chapter 01 5.1, 6.9 and 02 3.3. Metadata limits are checked by sl_chat_read. */
SL_MUST_USE enum sl_rc sl_chat_facts(const struct sl_json *body, struct sl_arena *arena,
                                     struct sl_facts *out);

/* The same from an /api/v1/eval body ({text, messages, tools, ...}, chapter 05 1.5). */
SL_MUST_USE enum sl_rc sl_eval_facts(const struct sl_json *body, struct sl_arena *arena,
                                     struct sl_facts *out, struct sl_err *err);

/*
 * True when the router asks the backend for usage that the client did not ask for: the chunk that
 * carries it is then taken out of the stream (dialect/openai/stream.h).
 */
bool sl_chat_adds_usage(const struct sl_chat_request *request, const struct sl_verdict *verdict);

/*
 * Router-owned edits of chapter 02 3.7 for the chosen model on `backend`: model id, stream
 * options, reasoning. Plugins run behind it.
 */
SL_MUST_USE enum sl_rc sl_chat_rewrite(struct sl_rewrite *r, const struct sl_chat_request *request,
                                       const struct sl_config *config,
                                       const struct sl_verdict *verdict,
                                       const struct sl_backend_cfg *backend);

#endif
