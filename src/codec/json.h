/*
 * JSON, read once. sl_json_parse validates a whole text (RFC 8259, UTF-8, depth, size, duplicate
 * keys) in one pass and leaves a tape: one 16-byte node a value, in document order, that points
 * into the original bytes. Nothing is copied or unescaped until asked for. Pure: no I/O, no clock.
 *
 * Threads: a document belongs to the thread of its arena. Lifetime: nodes live in the arena, text
 * stays the caller's and must outlive the document.
 */
#ifndef SL_CODEC_JSON_H
#define SL_CODEC_JSON_H

#include "base/arena.h"
#include "base/err.h"

enum sl_json_type {
    SL_JSON_NULL,
    SL_JSON_FALSE,
    SL_JSON_TRUE,
    SL_JSON_NUMBER,
    SL_JSON_STRING,
    SL_JSON_ARRAY,
    SL_JSON_OBJECT,
};

/*
 * One value, or one object key (a STRING that precedes its value). For containers `len` spans
 * from the bracket to its partner inclusive; for strings the bytes between the quotes.
 */
struct sl_json_node {
    uint32_t offset; /* into text: first byte of the value (for strings: behind the quote) */
    uint32_t len;    /* bytes */
    uint32_t next;   /* index of the node behind this value and everything in it */
    uint32_t info;   /* type in bits 0-2, SL_JSON_ESCAPED in bit 3, count of members above bit 4 */
};

#define SL_JSON_ESCAPED 8u /* the string holds at least one backslash */

struct sl_json {
    sl_str text;
    const struct sl_json_node *nodes;
    uint32_t n_nodes;
};

struct sl_json_limits {
    uint32_t max_depth; /* containers within containers; 0 = 512 */
    uint32_t max_nodes; /* 0 = 4 Mi */
    size_t max_bytes;   /* 0 = 256 MiB; never above 4 GiB - 1 */
};

/* An index into nodes; SL_JSON_NONE = no such value. The root is 0. */
typedef uint32_t sl_json_ref;
#define SL_JSON_NONE UINT32_MAX

/*
 * Parses the whole of `text` (one value, blanks around it). limits may be NULL. On failure: the
 * code (SL_INVALID, SL_LIMIT, SL_NOMEM), err with byte offset, line and column, and a message
 * that names what was found and expected; a duplicate key is named.
 */
SL_MUST_USE enum sl_rc sl_json_parse(struct sl_json *out, struct sl_arena *arena, sl_str text,
                                     const struct sl_json_limits *limits, struct sl_err *err);

static inline enum sl_json_type sl_json_type(const struct sl_json *j, sl_json_ref v)
{
    return (enum sl_json_type)(j->nodes[v].info & 7u);
}

/* Members of an array or object (an object's keys and values count once a pair). */
static inline uint32_t sl_json_count(const struct sl_json *j, sl_json_ref v)
{
    return j->nodes[v].info >> 4;
}

/* The value's own bytes as written: "1e3", "[1, 2]"; for strings with their quotes. */
sl_str sl_json_raw(const struct sl_json *j, sl_json_ref v);

/* Value of `key` in object v; SL_JSON_NONE when v is NONE, no object, or has no such key. */
sl_json_ref sl_json_get(const struct sl_json *j, sl_json_ref v, sl_str key);

/* Element i of array v, or SL_JSON_NONE. O(i). */
sl_json_ref sl_json_at(const struct sl_json *j, sl_json_ref v, uint32_t i);

/*
 * Iteration: for (r = sl_json_first(j, v); r != SL_JSON_NONE; r = sl_json_after(j, v, r)).
 * In an object r is the key's node and r + 1 the value's.
 */
sl_json_ref sl_json_first(const struct sl_json *j, sl_json_ref v);
sl_json_ref sl_json_after(const struct sl_json *j, sl_json_ref v, sl_json_ref r);

/* True when v is a string whose unescaped content equals s. */
bool sl_json_is_str(const struct sl_json *j, sl_json_ref v, sl_str s);

/*
 * Content of string (or key) v: a view of the text when nothing is escaped, else a copy in the
 * arena. p == NULL when v is NONE, no string, or the arena is full. Lone surrogates become U+FFFD.
 */
sl_str sl_json_str(const struct sl_json *j, sl_json_ref v, struct sl_arena *arena);

/* True and *out when v is a number that is an integer in range (1e2 counts, 1.5 does not). */
bool sl_json_i64(const struct sl_json *j, sl_json_ref v, int64_t *out);
bool sl_json_f64(const struct sl_json *j, sl_json_ref v, double *out);
/* True and *out when v is true or false. */
bool sl_json_bool(const struct sl_json *j, sl_json_ref v, bool *out);

/* Name of v's type for messages: "Number", "String", "Bool", "Null", "Array", "Object". */
const char *sl_json_type_name(const struct sl_json *j, sl_json_ref v);

#endif
