/* What the files of the chat dialect share. Not for other rooms. */
#ifndef SL_DIALECT_OPENAI_CHAT_PARTS_H
#define SL_DIALECT_OPENAI_CHAT_PARTS_H

#include "dialect/openai/chat.h"

/* Limits of the body's `metadata` object; messages begin with `prefix`. */
SL_MUST_USE enum sl_rc sl_chat_check_metadata(const struct sl_json *j, struct sl_arena *arena,
                                              const char *prefix, struct sl_err *err);

#endif
