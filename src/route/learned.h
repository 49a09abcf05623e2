/*
 * What signals that rest on vectors share: the vector of a text, slots of details, pieces of long
 * texts. For files in route/signal/.
 */
#ifndef SL_ROUTE_LEARNED_H
#define SL_ROUTE_LEARNED_H

#include "route/bank.h"
#include "route/signal.h"

/*
 * SL_AGAIN: asked just now, and run->is_waiting is set. SL_IO: there is no model, or it failed.
 * `text` must live as long as the request.
 */
SL_MUST_USE enum sl_rc sl_signal_vector(struct sl_signal_run *run, sl_str text,
                                        struct sl_vector *out);

/* The slot "<name>:<detail>" of the type that is being compiled. */
sl_slot sl_signal_detail(struct sl_signal_build *b, sl_str name, const char *detail);

/* Room for the similarities of any of these banks; NULL: out of memory. */
float *sl_signal_scores(struct sl_signal_run *run, uint32_t n_most);

/* Says in the trace which example was nearest. */
void sl_signal_note_nearest(struct sl_signal_run *run, sl_slot slot,
                            const struct sl_bank_score *score, double threshold);

/*
 * The next piece of a long text from *from on, which moves; empty behind the last. A piece holds
 * at most `budget` units: a letter or digit 1, one more where a word begins, a character of East
 * Asia 6, any other 1. Pieces share 64 code points, so that nothing is cut in two for all of them.
 */
sl_str sl_text_piece(sl_str text, size_t *from, uint32_t budget);

#endif
