/*
 * Engines: what answers the asks of signals. One engine serves a configuration; two configurations
 * with equal settings share it, so that what it has learned survives a reload.
 *
 * Threads: an engine may be shared; a loop's view of it belongs to that loop.
 */
#ifndef SL_INFER_ENGINE_H
#define SL_INFER_ENGINE_H

#include "config/config.h"
#include "route/infer.h"

struct sl_engine;
struct sl_engine_loop;
struct sl_engine_job;
struct sl_loop;
struct sl_resolver;

/*
 * *out is NULL with SL_OK when the configuration names no model. `previous` (may be NULL) is taken
 * again when its settings are the same. SL_INVALID: err says what is wrong with the settings.
 */
SL_MUST_USE enum sl_rc sl_engine_open(struct sl_engine **out, const struct sl_config *config,
                                      struct sl_engine *previous, struct sl_err *err);
struct sl_engine *sl_engine_ref(struct sl_engine *engine);
void sl_engine_unref(struct sl_engine *engine); /* NULL is fine */

/* The engine must outlive its loops. resolver: NULL for numeric addresses only. */
SL_MUST_USE enum sl_rc sl_engine_loop_create(struct sl_engine_loop **out, struct sl_engine *engine,
                                             struct sl_loop *loop, struct sl_resolver *resolver);
/* Jobs in flight end without a callback. */
void sl_engine_loop_destroy(struct sl_engine_loop *l);

/*
 * Answers or fails every open ask and then calls `done` on the loop; vectors are put into the
 * arena of `infer`, which must live until then. NULL: everything was answered at once, and `done`
 * is not called.
 */
struct sl_engine_job *sl_engine_start(struct sl_engine_loop *l, struct sl_infer *infer,
                                      void (*done)(void *ctx), void *ctx);
/* No callback follows. */
void sl_engine_cancel(struct sl_engine_job *job);

/* The same, waited for: for loading threads and commands, which run no loop. */
void sl_engine_wait(struct sl_engine *engine, struct sl_infer *infer);

/*
 * Opens the engine of a compiled configuration and hangs it on the snapshot, its examples learned.
 * Waits. SL_IO with err, and config->lacks_examples: the provider failed, and rules that need
 * examples will; the snapshot can be used all the same. Anything else: it cannot. `previous` as
 * above.
 */
SL_MUST_USE enum sl_rc sl_engine_attach(struct sl_config *config, struct sl_engine *previous,
                                        struct sl_err *err);

/*
 * Gives the compiled policy of `config` the vectors of its examples, before it is used. Waits.
 * engine NULL: nothing to do. SL_IO with err: some are missing, and rules that need them will fail.
 */
SL_MUST_USE enum sl_rc sl_engine_teach(struct sl_engine *engine, struct sl_config *config,
                                       struct sl_err *err);

#endif
