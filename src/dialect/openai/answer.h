/*
 * Answers in the OpenAI shape: what a provider's answer says about usage, and the bodies that the
 * router writes itself (errors, fast_response, the model list). Pure; the time comes in.
 */
#ifndef SL_DIALECT_OPENAI_ANSWER_H
#define SL_DIALECT_OPENAI_ANSWER_H

#include "base/buf.h"
#include "codec/json.h"
#include "config/config.h"

struct sl_usage {
    bool is_present;
    uint64_t prompt_tok;
    uint64_t completion_tok;
    uint64_t total_tok;
    uint64_t cached_tok;      /* prompt_tokens_details.cached_tokens */
    uint64_t cache_write_tok; /* prompt_tokens_details.cache_write_tokens */
    uint64_t reasoning_tok;   /* completion_tokens_details.reasoning_tokens */
};

/* Usage of a parsed answer or chunk; false (and all zero) when it has none. */
bool sl_answer_usage(const struct sl_json *answer, struct sl_usage *out);

/* "invalid_request_error", "rate_limit_error" ... by HTTP status. */
const char *sl_error_type(int status);

/* {"error":{"message":...,"type":...,"code":<status>}} */
void sl_answer_error(struct sl_buf *out, int status, sl_str message);

/* Answers of the fast_response plugin: model "router", usage all zero. */
void sl_answer_fast_json(struct sl_buf *out, sl_str message, int64_t unix_s);
/* Word by word; the deltas joined are the message byte for byte. */
void sl_answer_fast_sse(struct sl_buf *out, sl_str message, bool wants_usage, int64_t unix_s);

/* GET /v1/models. */
void sl_answer_models(struct sl_buf *out, const struct sl_config *config, int64_t unix_s);

#endif
