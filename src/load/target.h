/* What to send: a chat body of a given size. Pure. */
#ifndef SL_LOAD_TARGET_H
#define SL_LOAD_TARGET_H

#include "base/buf.h"

struct sl_chat_body {
    sl_str model;
    uint64_t prompt_bytes; /* of the user's message */
    bool is_stream;
    int64_t max_tokens; /* 0: not sent */
};

/* A chat completion request whose user message is exactly prompt_bytes of English words. */
void sl_chat_body_write(struct sl_buf *out, const struct sl_chat_body *body);

#endif
