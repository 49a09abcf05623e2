/* JSON compared as values, and lines of recorded exchanges. */
#ifndef SL_TESTS_WIRE_CASE_H
#define SL_TESTS_WIRE_CASE_H

#include "base/buf.h"
#include "codec/json.h"

/* v with sorted keys and canonical escapes; numbers keep their spelling. */
void canonical_json(struct sl_buf *out, const struct sl_json *j, sl_json_ref v,
                    struct sl_arena *arena);

/* The whole file with a NUL behind it, malloc'd; p == NULL when there is none. */
sl_str read_file(const char *path);

#endif
