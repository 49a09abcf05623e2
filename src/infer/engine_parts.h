/* Private to infer/: an engine, and a loop's view of it. */
#ifndef SL_INFER_ENGINE_PARTS_H
#define SL_INFER_ENGINE_PARTS_H

#include "http/client.h"
#include "http/url.h"
#include "infer/engine.h"
#include "infer/pool.h"
#include "infer/vector_cache.h"

#include <stdatomic.h>

struct sl_engine {
    _Atomic uint32_t refs;
    struct sl_arena arena; /* of the settings */
    struct sl_embedding_cfg cfg;
    struct sl_url url;
    sl_str target;        /* path with /embeddings */
    sl_str authorization; /* empty: none is sent */
    struct sl_tls_context *tls;
    struct sl_local_model *model; /* NULL: the provider is asked */
    struct sl_pool *pool;
    struct sl_vector_cache *cache;
};

struct sl_engine_loop {
    struct sl_engine *engine;
    struct sl_loop *loop;
    struct sl_client *client;
    struct sl_engine_job *jobs;
    bool is_patient; /* a loading thread: examples may take their time */
};

/* engine_job.c: answers what the cache knows. */
void sl_engine_ask_cache(struct sl_engine *e, struct sl_infer *infer);
/* engine_job.c: ends a loop's jobs, without a callback. */
void sl_engine_drop_jobs(struct sl_engine_loop *l);

#endif
