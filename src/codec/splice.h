/*
 * Edits of a JSON text as a list of splices: byte ranges of the original and what stands there
 * instead. Everything not edited keeps its bytes: key order, number spelling, blanks, unknown
 * fields. The result is an iovec list for writev, or one flat copy.
 *
 * Edits address nodes of the parsed original. Several edits may touch one object; setting a key
 * twice keeps the last; removing the only member leaves a valid empty object. An edit inside a
 * value that another edit replaced is dropped with it. All memory comes from the arena.
 */
#ifndef SL_CODEC_SPLICE_H
#define SL_CODEC_SPLICE_H

#include "codec/json.h"

#include <sys/uio.h>

struct sl_splice; /* the edit list */

/* NULL when the arena is full. The document must outlive the list. */
struct sl_splice *sl_splice_new(const struct sl_json *doc, struct sl_arena *arena);

/* Each `value` is JSON text (not checked again) and must live until the result is sent. */

/* Replaces the whole value v. */
SL_MUST_USE enum sl_rc sl_splice_replace(struct sl_splice *s, sl_json_ref v, sl_str value);
/* Sets `key` (plain text, is escaped here) of object v, replacing or appending behind the last. */
SL_MUST_USE enum sl_rc sl_splice_set(struct sl_splice *s, sl_json_ref v, sl_str key, sl_str value);
/* Removes `key` of object v with its comma; fine when absent. */
SL_MUST_USE enum sl_rc sl_splice_remove(struct sl_splice *s, sl_json_ref v, sl_str key);
/* Removes the member of object v whose key is node `key`, without a search. */
SL_MUST_USE enum sl_rc sl_splice_remove_member(struct sl_splice *s, sl_json_ref v, sl_json_ref key);
/*
 * Inserts an element before element i of array v; i == count appends. Positions are those of the
 * original; several insertions at one keep the order of their calls.
 */
SL_MUST_USE enum sl_rc sl_splice_insert(struct sl_splice *s, sl_json_ref v, uint32_t i,
                                        sl_str value);
/* Removes element i of array v: for plugins that take a message or a tool away. None does today. */
SL_MUST_USE enum sl_rc sl_splice_remove_at(struct sl_splice *s, sl_json_ref v, uint32_t i);

/* True when value v, or anything in it, was edited (not merely removed with its parent). */
bool sl_splice_is_edited(const struct sl_splice *s, sl_json_ref v);

/* True when no edit was made: the original bytes are the result. */
bool sl_splice_is_empty(const struct sl_splice *s);

/*
 * The result as pieces that point into the original text, the values and the arena.
 * *total = its length in bytes.
 */
SL_MUST_USE enum sl_rc sl_splice_iov(struct sl_splice *s, const struct iovec **iov, size_t *n_iov,
                                     size_t *total);

/* The result as one string in the arena: for tests and tools; requests leave as pieces. */
SL_MUST_USE enum sl_rc sl_splice_flat(struct sl_splice *s, sl_str *out);

#endif
