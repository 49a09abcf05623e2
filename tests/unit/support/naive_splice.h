/* The naive twin of splices: parse, edit a tree, print. Also drives random edits on both. */
#ifndef SL_TESTS_NAIVE_SPLICE_H
#define SL_TESTS_NAIVE_SPLICE_H

#include "base/buf.h"
#include "codec/splice.h"

/* Prints value v without blanks. */
void compact_json(struct sl_buf *out, const struct sl_json *j, sl_json_ref v);

/*
 * Applies up to 12 random edits to a splice list over `doc` and to a tree, and renders both:
 * *spliced keeps the original's blanks, *naive has none.
 */
void random_edits(const struct sl_json *doc, struct sl_arena *arena, uint64_t seed, sl_str *spliced,
                  struct sl_buf *naive);

#endif
