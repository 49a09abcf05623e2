/* Writing JSON: escaped strings, shortest round-trip numbers, and comma bookkeeping. Pure. */
#ifndef SL_CODEC_JSON_WRITE_H
#define SL_CODEC_JSON_WRITE_H

#include "base/buf.h"

/* A writer over a buffer; commas and colons are put by it. Nesting at most 64. */
struct sl_json_writer {
    struct sl_buf *out;
    uint64_t has_member; /* bit per level */
    uint32_t depth;
    bool is_after_key;
};

void sl_json_writer_init(struct sl_json_writer *w, struct sl_buf *out);

void sl_json_open(struct sl_json_writer *w, char bracket);  /* '{' or '[' */
void sl_json_close(struct sl_json_writer *w, char bracket); /* '}' or ']' */
void sl_json_key(struct sl_json_writer *w, sl_str key);
void sl_json_put_str(struct sl_json_writer *w, sl_str s); /* invalid UTF-8 becomes U+FFFD */
void sl_json_put_i64(struct sl_json_writer *w, int64_t v);
void sl_json_put_f64(struct sl_json_writer *w, double v); /* shortest that reads back; NaN = null */
void sl_json_put_bool(struct sl_json_writer *w, bool v);
void sl_json_put_null(struct sl_json_writer *w);
void sl_json_put_raw(struct sl_json_writer *w, sl_str json); /* trusted JSON text */

/* A member of an object: its key and its value. */
void sl_json_add_str(struct sl_json_writer *w, const char *key, sl_str value);
void sl_json_add_i64(struct sl_json_writer *w, const char *key, int64_t value);
void sl_json_add_f64(struct sl_json_writer *w, const char *key, double value);
void sl_json_add_bool(struct sl_json_writer *w, const char *key, bool value);

/* "..." with quotes, escaped, appended to any buffer. */
void sl_json_escape(struct sl_buf *out, sl_str s);

#endif
