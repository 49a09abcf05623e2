/*
 * What the evaluation of one request asks of models. Signals ask for the vectors of texts while
 * they are evaluated and come back empty-handed the first time; sl_route then says SL_AGAIN,
 * whoever called it answers every ask (from a cache, a pool of threads, a provider), and
 * sl_route_resume goes on. Each distinct text is asked for once, whatever number of rules reads it.
 *
 * Belongs to one request and its thread; everything lives in the arena.
 */
#ifndef SL_ROUTE_INFER_H
#define SL_ROUTE_INFER_H

#include "base/map.h"

#define SL_INFER_MAX_ASKS 1024 /* of a request */

struct sl_vector {
    const float *p;
    uint32_t n;
};

enum sl_infer_status { SL_INFER_OPEN, SL_INFER_DONE, SL_INFER_FAILED };

struct sl_infer_ask {
    sl_str text;
    enum sl_infer_status status;
    struct sl_vector vector; /* DONE: of length 1 */
    uint32_t n_tok;          /* of the text; 0: not told */
    const char *error;       /* FAILED: for the trace; static or in the arena */
};

struct sl_infer {
    struct sl_arena *arena;
    struct sl_infer_ask *asks;
    uint32_t n, cap, max;
    struct sl_map by_text;
};

void sl_infer_init(struct sl_infer *infer, struct sl_arena *arena, uint32_t max_asks);

/*
 * The ask for this text; a new one is open. The text must live as long as the arena. NULL: too many
 * asks, or out of memory. The pointer is good until the next call.
 */
const struct sl_infer_ask *sl_infer_embed(struct sl_infer *infer, sl_str text);

/* Answers ask i; the vector is not copied. */
void sl_infer_answer(struct sl_infer *infer, uint32_t i, struct sl_vector vector);
/* Fails whatever is open. */
void sl_infer_fail_open(struct sl_infer *infer, const char *error);
uint32_t sl_infer_count_open(const struct sl_infer *infer);

#endif
