/*
 * The fake provider: an OpenAI-shaped server without a model, for tests, benchmarks and the demo.
 * Answers chat completions (JSON and streamed at a set pace, tool calls and schema-shaped answers
 * when asked), completions, embeddings and model lists; fails on demand; tells what it received.
 *
 * One struct sl_mock per loop over one shared struct; the shared one is safe from any loop.
 */
#ifndef SL_MOCK_MOCK_H
#define SL_MOCK_MOCK_H

#include "http/server.h"

/*
 * What one answer is like. Set by options, then by POST /mock/faults, then by the request's
 * `x-mock-<name>` headers, then by its body's "mock" object: the later wins. Names and meanings
 * are the table sl_mock_knobs.
 */
struct sl_mock_plan {
    int64_t tokens, first_token_ms, token_ms;
    int64_t delay_ms, status, retry_after_s;
    int64_t cut_after, error_after; /* -1: never */
    int64_t slow_byte_ms, close, hang, malformed, end_early, echo, timestamps;
    int64_t every, count; /* of /mock/faults: each every-th request, at most count times */
};

struct sl_mock_knob {
    const char *name; /* "first-token-ms" */
    uint32_t offset;  /* of the int64_t in struct sl_mock_plan */
    int64_t min, max;
    const char *help;
};
extern const struct sl_mock_knob sl_mock_knobs[]; /* ends with name == NULL */

/* Sets a knob by name ('_' counts as '-'). False: no such knob or out of bounds. */
bool sl_mock_set(struct sl_mock_plan *plan, sl_str name, int64_t value);

struct sl_mock_options {
    const sl_str *models; /* of /v1/models */
    uint32_t n_models;
    bool is_strict;      /* other names are 404 */
    sl_str api_key;      /* required as a bearer token when not empty */
    uint32_t n_recorded; /* requests kept for GET /mock/requests; 0 = none */
    struct sl_mock_plan plan;
};

void sl_mock_default_options(struct sl_mock_options *options);

struct sl_mock_shared;
/* Keeps the options' views, which must outlive it. NULL when out of memory. */
struct sl_mock_shared *sl_mock_shared_new(const struct sl_mock_options *options);
void sl_mock_shared_free(struct sl_mock_shared *shared);

struct sl_mock; /* one per loop */
struct sl_mock *sl_mock_new(struct sl_mock_shared *shared, struct sl_loop *loop);
void sl_mock_free(struct sl_mock *mock); /* after its server is gone */
/* For sl_server_options.handler; lives as long as the mock. */
const struct sl_handler *sl_mock_handler(struct sl_mock *mock);

#endif
