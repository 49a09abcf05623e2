/*
 * A pool of threads that turn texts into vectors with a local model. Bounded queue; work whose
 * deadline has passed is dropped, not done; texts that wait together are computed together; equal
 * texts that wait are computed once. Results come back to the loop that asked, by mailbox.
 */
#ifndef SL_INFER_POOL_H
#define SL_INFER_POOL_H

#include "infer/local.h"
#include "sys/loop.h"

struct sl_pool;
struct sl_work;

struct sl_pool_options {
    unsigned n_threads;  /* 0: one less than the processors, at least one */
    uint32_t max_queued; /* 0: 4096 */
};

/* The model must outlive the pool. */
SL_MUST_USE enum sl_rc sl_pool_create(struct sl_pool **out, struct sl_local_model *model,
                                      const struct sl_pool_options *options, struct sl_err *err);
/* No work may be wanted any more. Waits for what runs. */
void sl_pool_destroy(struct sl_pool *pool);

enum sl_work_end { SL_WORK_DONE, SL_WORK_FAILED, SL_WORK_LATE };

/*
 * Called on the loop that asked. The result is valid during the call; its error says why it is not
 * DONE.
 */
typedef void sl_work_fn(void *ctx, uint32_t tag, enum sl_work_end end,
                        const struct sl_local_result *result);

/*
 * Queues a text (copied). NULL: the queue is full, or no memory. deadline_ns is of the monotonic
 * clock; 0: none.
 */
struct sl_work *sl_pool_start(struct sl_pool *pool, struct sl_loop *loop, sl_str text,
                              uint64_t deadline_ns, sl_work_fn *over, void *ctx, uint32_t tag);
/* No callback follows. On the loop that asked. */
void sl_work_abandon(struct sl_work *work);

#endif
