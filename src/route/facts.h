/*
 * Facts of one request, as signals see them: text spans, conversation counts, identity. Made by a
 * dialect (or by the eval API) from the parsed body; views into it. route/ knows no HTTP.
 */
#ifndef SL_ROUTE_FACTS_H
#define SL_ROUTE_FACTS_H

#include "base/str.h"

struct sl_metadata_pair {
    sl_str key;
    sl_str value;
};

struct sl_conversation_facts {
    uint32_t n_user, n_assistant, n_system, n_tool;
    bool has_developer;
    uint32_t n_tool_definitions; /* tools[] + functions[] */
    uint32_t n_assistant_tool_calls;
    uint32_t n_images; /* image parts of user messages */
    bool is_last_tool_result;
    bool does_last_user_follow_tool_result; /* the last message is a user's behind a tool result */
    bool has_assistant_reply;               /* an assistant message with text */
    uint32_t n_messages;
};

/* Parts of the context estimate, chapter 01 section 6.9 B; saturating. */
struct sl_context_parts {
    uint64_t text_bytes;
    uint64_t structured_bytes;
    uint64_t framing_tok;
    uint64_t output_reserve_tok;
};

struct sl_facts {
    sl_str current;      /* last user message with text */
    const sl_str *prior; /* earlier user texts, oldest first */
    uint32_t n_prior;
    const sl_str *nonuser; /* system, assistant, developer texts in order */
    uint32_t n_nonuser;
    sl_str eval;           /* current, or nonuser joined by a blank */
    uint64_t all_bytes;    /* length of nonuser[] + current joined by blanks */
    sl_str image_data_uri; /* first inline image of a user message, or empty */
    const struct sl_metadata_pair *metadata;
    uint32_t n_metadata;
    struct sl_conversation_facts conversation;
    struct sl_context_parts context;
    bool has_message_facts; /* any message, metadata, image or tool: evaluation is not skipped */

    sl_str user_id; /* from trusted headers only */
    const sl_str *groups;
    uint32_t n_groups;
};

#endif
