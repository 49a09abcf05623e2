/* Which conversation a request belongs to (specification 05 8.4, with its fix). Pure. */
#ifndef SL_PROXY_SESSION_H
#define SL_PROXY_SESSION_H

#include "codec/json.h"
#include "http/message.h"

/*
 * A hash of the session for consistent balancing; never 0. From x-session-id, else
 * x-claude-code-session-id, else metadata.user_id, else the user with the first user message, else
 * the leading system message with the first user message: the same on every turn.
 */
uint64_t sl_session_key(const struct sl_headers *headers, sl_str user_id,
                        const struct sl_json *body, sl_json_ref messages);

#endif
