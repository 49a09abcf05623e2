/*
 * The path and method gate, on the head alone and before any body (specification 05 2.1): what a
 * request asks for, or with which error it is refused. Pure.
 *
 * Stricter than the reference in one place: what is not under /v1 is answered by Sluice or not at
 * all, so that a client cannot reach a provider's other endpoints with the router's credentials.
 */
#ifndef SL_PROXY_GATE_H
#define SL_PROXY_GATE_H

#include "http/message.h"

enum sl_gate {
    SL_GATE_CHAT,
    SL_GATE_COMPLETIONS, /* legacy completions: routed by the prompt */
    SL_GATE_EMBEDDINGS,  /* passed through by model name */
    SL_GATE_MODELS,
    SL_GATE_HEALTH,
    SL_GATE_NOT_FOUND,          /* 404 */
    SL_GATE_METHOD_NOT_ALLOWED, /* 405 */
};

/* `path` without its query; one trailing slash is ignored. */
enum sl_gate sl_gate(enum sl_http_method method, sl_str path);

#endif
