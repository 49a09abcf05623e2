/* Tokens a request needs, estimated from its facts (chapter "context" of the guide). Pure. */
#ifndef SL_ROUTE_CONTEXT_ESTIMATE_H
#define SL_ROUTE_CONTEXT_ESTIMATE_H

#include "route/facts.h"

static inline uint64_t sl_context_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/*
 * The larger of the routed text at four bytes a token and the admission floor: text at four bytes,
 * structured parts at one byte a token, framing and the output reserve. Saturating.
 */
static inline uint64_t sl_context_tok(const struct sl_facts *facts)
{
    uint64_t text_tok = facts->all_bytes / 4 + (facts->all_bytes % 4 != 0);
    const struct sl_context_parts *c = &facts->context;
    uint64_t floor_tok = c->text_bytes / 4 + (c->text_bytes % 4 != 0);
    floor_tok = sl_context_add(floor_tok, c->structured_bytes);
    floor_tok = sl_context_add(floor_tok, c->framing_tok);
    floor_tok = sl_context_add(floor_tok, c->output_reserve_tok);
    return text_tok > floor_tok ? text_tok : floor_tok;
}

#endif
