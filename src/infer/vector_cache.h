/*
 * Vectors by text, capped in bytes: the least recently used leave. Any thread; one lock, held for
 * the copy of one vector.
 */
#ifndef SL_INFER_VECTOR_CACHE_H
#define SL_INFER_VECTOR_CACHE_H

#include "route/infer.h"

struct sl_vector_cache;

SL_MUST_USE enum sl_rc sl_vector_cache_create(struct sl_vector_cache **out, size_t max_bytes);
void sl_vector_cache_destroy(struct sl_vector_cache *cache);

/* A copy in the arena, and the text's tokens; false: unknown, or out of memory. */
bool sl_vector_cache_get(struct sl_vector_cache *cache, sl_str text, struct sl_arena *arena,
                         struct sl_vector *out, uint32_t *n_tok);
/* Vectors larger than a sixteenth of the cache are not kept. */
void sl_vector_cache_put(struct sl_vector_cache *cache, sl_str text, struct sl_vector vector,
                         uint32_t n_tok);

#endif
