/* Field tables of the connection blocks that several stores and services share. All checked only.
 */
#ifndef SL_CONFIG_GLOBAL_CONNECTIONS_H
#define SL_CONFIG_GLOBAL_CONNECTIONS_H

#include "config/schema.h"

extern const struct sl_field sl_redis_index_fields[];  /* response_cache.redis, .valkey */
extern const struct sl_field sl_milvus_store_fields[]; /* response_cache, vector_store */
extern const struct sl_field sl_redis_simple_fields[]; /* router_replay, looper flow state */
extern const struct sl_field sl_postgres_fields[];     /* router_replay, vector store metadata */

#endif
