/* global.stores: response cache, memory and vector store, with the blocks of their servers. */
#include "config/field.h"
#include "config/global/connections.h"
#include "config/global/tables.h"

static const struct sl_field cache_qdrant_fields[] = {
    {"host", SL_F_STR, SL_CHECKED, .help = "Host name or address."},
    {"port", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_PORT), .fallback = "6334",
     .help = "gRPC port."},
    {"api_key", SL_F_STR, .flags = SL_CHECKED_ONLY | SL_SECRET, .help = "Key."},
    {"use_tls", SL_F_BOOL, SL_CHECKED, .help = "Speaks TLS."},
    {"connect_timeout", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .help = "Seconds."},
    {"collection_name", SL_F_STR, SL_CHECKED, .help = "Collection."},
    SL_FIELD_END,
};

static const struct sl_field response_cache_fields[] = {
    {"enabled", SL_F_BOOL, SL_WITHIN(sl_stores_cfg, response_cache, enabled), .fallback = "true",
     .help = "Switches the store on; decisions use it by plugin."},
    {"backend_type", SL_F_STR, SL_WITHIN(sl_stores_cfg, response_cache, backend_type),
     .fallback = "memory", .flags = SL_KEEPS_DEFAULT_ON_EMPTY | SL_TRIMMED,
     .help = "`memory`, `redis`, `valkey`, `milvus`, `qdrant` or `hybrid`."},
    {"similarity_threshold", SL_F_OPT_FLOAT,
     SL_WITHIN(sl_stores_cfg, response_cache, similarity_threshold), SL_BETWEEN(0, 1),
     .help = "Similarity from which an entry is a hit; omitted: the embedding minimum."},
    {"max_entries", SL_F_INT, SL_WITHIN(sl_stores_cfg, response_cache, max_entries),
     SL_BETWEEN(0, SL_MAX_COUNT), .fallback = "1000", .help = "Entries in memory; 0: any number."},
    {"ttl_seconds", SL_F_INT, SL_WITHIN(sl_stores_cfg, response_cache, ttl_seconds),
     SL_BETWEEN(0, SL_MAX_SECONDS), .fallback = "3600", .help = "Life of an entry; 0: for ever."},
    {"eviction_policy", SL_F_ENUM, SL_CHECKED_CHOICE("", "fifo", "lru", "lfu"), .fallback = "fifo",
     .help = "Which entry goes when memory is full."},
    {"embedding_model", SL_F_STR, SL_WITHIN(sl_stores_cfg, response_cache, embedding_model),
     .help = "`bert`, `qwen3`, `gemma`, `mmbert` or `multimodal`; empty: the first that is "
             "configured."},
    {"redis", SL_F_STRUCT, SL_CHECKED_SUB(sl_redis_index_fields), .help = "The Redis server."},
    {"valkey", SL_F_STRUCT, SL_CHECKED_SUB(sl_redis_index_fields), .help = "The Valkey server."},
    {"milvus", SL_F_STRUCT, SL_CHECKED_SUB(sl_milvus_store_fields), .help = "The Milvus server."},
    {"qdrant", SL_F_STRUCT, SL_CHECKED_SUB(cache_qdrant_fields), .help = "The Qdrant server."},
    SL_FIELD_END,
};

static const struct sl_field memory_milvus_fields[] = {
    {"address", SL_F_STR, SL_CHECKED, .help = "host:port."},
    {"collection", SL_F_STR, SL_CHECKED, .fallback = "agentic_memory", .help = "Collection."},
    {"dimension", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_DIMENSION), .fallback = "384",
     .help = "Length of the vectors."},
    {"num_partitions", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 4096), .help = "Partitions."},
    SL_FIELD_END,
};

static const struct sl_field memory_valkey_fields[] = {
    {"host", SL_F_STR, SL_CHECKED, .fallback = "localhost", .help = "Host name or address."},
    {"port", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_PORT), .fallback = "6379",
     .help = "TCP port."},
    {"database", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65535), .help = "Number of the database."},
    {"password", SL_F_STR, .flags = SL_CHECKED_ONLY | SL_SECRET, .help = "Password."},
    {"timeout", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .fallback = "10",
     .help = "Seconds."},
    {"collection_prefix", SL_F_STR, SL_CHECKED, .fallback = "mem:", .help = "Prefix of keys."},
    {"index_name", SL_F_STR, SL_CHECKED, .fallback = "mem_idx", .help = "Name of the index."},
    {"dimension", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_DIMENSION), .fallback = "384",
     .help = "Length of the vectors."},
    {"metric_type", SL_F_ENUM, SL_CHECKED_CHOICE("", "COSINE", "L2", "IP"), .fallback = "COSINE",
     .help = "Distance between vectors."},
    {"index_m", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1024), .fallback = "16",
     .help = "Neighbours of a node in the HNSW graph."},
    {"index_ef_construction", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65536), .fallback = "256",
     .help = "Breadth of the search while the graph is built."},
    {"tls_enabled", SL_F_BOOL, SL_CHECKED, .help = "Speaks TLS."},
    {"tls_ca_path", SL_F_STR, SL_CHECKED, .help = "Authorities that are trusted, PEM."},
    {"tls_insecure_skip_verify", SL_F_BOOL, SL_CHECKED, .help = "Does not verify."},
    SL_FIELD_END,
};

static const struct sl_field memory_qdrant_fields[] = {
    {"host", SL_F_STR, SL_CHECKED, .help = "Host name or address."},
    {"port", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_PORT), .fallback = "6334",
     .help = "gRPC port."},
    {"api_key", SL_F_STR, .flags = SL_CHECKED_ONLY | SL_SECRET, .help = "Key."},
    {"use_tls", SL_F_BOOL, SL_CHECKED, .help = "Speaks TLS."},
    {"connect_timeout", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .help = "Seconds."},
    {"collection", SL_F_STR, SL_CHECKED, .help = "Collection."},
    {"dimension", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_DIMENSION),
     .help = "Length of the vectors."},
    SL_FIELD_END,
};

static const struct sl_field memory_redis_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Keeps results in Redis."},
    {"address", SL_F_STR, SL_CHECKED, .help = "host:port."},
    {"ttl_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .help = "How long."},
    {"db", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65535), .help = "Number of the database."},
    {"key_prefix", SL_F_STR, SL_CHECKED, .help = "Prefix of the keys."},
    {"password", SL_F_STR, .flags = SL_CHECKED_ONLY | SL_SECRET, .help = "Password."},
    SL_FIELD_END,
};

static const struct sl_field quality_fields[] = {
    {"initial_strength_days", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 36500),
     .help = "Strength of a new memory."},
    {"prune_threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "Strength below which it is forgotten."},
    {"max_memories_per_user", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "Most memories of one user."},
    SL_FIELD_END,
};

static const struct sl_field reflection_fields[] = {
    {"enabled", SL_F_TRI, SL_CHECKED, .fallback = "true", .help = "Filters what is injected."},
    {"algorithm", SL_F_STR, SL_CHECKED, .help = "`heuristic` filters, `noop` passes everything."},
    {"max_inject_tokens", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_TOKENS),
     .help = "Budget of the injected message."},
    {"recency_decay_days", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 36500),
     .help = "Age at which a memory counts half."},
    {"dedup_threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "Overlap from which the weaker of two memories is dropped."},
    {"block_patterns", SL_F_STRS, SL_CHECKED, .help = "Memories with these texts are dropped."},
    SL_FIELD_END,
};

static const struct sl_field memory_fields[] = {
    {"enabled", SL_F_BOOL, SL_WITHIN(sl_stores_cfg, memory, enabled), .help = "Remembers users."},
    {"backend", SL_F_ENUM, SL_CHECKED_CHOICE("", "memory", "milvus", "valkey", "qdrant"),
     .help = "Where memories are."},
    {"auto_store", SL_F_BOOL, SL_CHECKED, .help = "Stores every conversation."},
    {"milvus", SL_F_STRUCT, SL_CHECKED_SUB(memory_milvus_fields), .help = "The Milvus server."},
    {"valkey", SL_F_STRUCT, SL_CHECKED_SUB(memory_valkey_fields), .help = "The Valkey server."},
    {"qdrant", SL_F_STRUCT, SL_CHECKED_SUB(memory_qdrant_fields), .help = "The Qdrant server."},
    {"redis_cache", SL_F_STRUCT, SL_CHECKED_SUB(memory_redis_fields), .help = "Cache of results."},
    {"default_retrieval_limit", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "5",
     .help = "Memories looked up."},
    {"default_similarity_threshold", SL_F_OPT_FLOAT,
     SL_WITHIN(sl_stores_cfg, memory, default_similarity_threshold), SL_BETWEEN(0, 1),
     .fallback = "0.70", .help = "Similarity from which a memory counts."},
    {"extraction_batch_size", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 10000), .fallback = "10",
     .help = "Turns that are looked at together."},
    {"disabled_routes", SL_F_STRS, SL_CHECKED, .help = "Paths without memory."},
    {"disabled_models", SL_F_STRS, SL_CHECKED, .help = "Models without memory."},
    {"embedding_model", SL_F_STR, SL_CHECKED, .help = "Embedding model."},
    {"hybrid_search", SL_F_BOOL, SL_CHECKED, .help = "Also searches by words."},
    {"hybrid_mode", SL_F_STR, SL_CHECKED, .help = "How the two searches are joined."},
    {"adaptive_threshold", SL_F_BOOL, SL_CHECKED, .help = "Threshold from the scores found."},
    {"quality_scoring", SL_F_STRUCT, SL_CHECKED_SUB(quality_fields), .help = "Forgetting."},
    {"reflection", SL_F_STRUCT, SL_CHECKED_SUB(reflection_fields), .help = "Filter of memories."},
    SL_FIELD_END,
};

static const struct sl_field vs_memory_fields[] = {
    {"max_entries_per_store", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT),
     .fallback = "100000", .help = "Most passages of one store."},
    SL_FIELD_END,
};

static const struct sl_field llama_stack_fields[] = {
    {"endpoint", SL_F_STR, SL_CHECKED, .help = "URL."},
    {"auth_token", SL_F_STR, .flags = SL_CHECKED_ONLY | SL_SECRET, .help = "Token."},
    {"embedding_model", SL_F_STR, SL_CHECKED, .help = "Embedding model."},
    {"request_timeout_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 3600), .fallback = "30",
     .help = "Time for an answer."},
    {"search_type", SL_F_ENUM, SL_CHECKED_CHOICE("", "vector", "hybrid"), .help = "How."},
    SL_FIELD_END,
};

static const struct sl_field vs_valkey_fields[] = {
    {"host", SL_F_STR, SL_CHECKED, .fallback = "localhost", .help = "Host name or address."},
    {"port", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_PORT), .fallback = "6379",
     .help = "TCP port."},
    {"database", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65535), .help = "Number of the database."},
    {"password", SL_F_STR, .flags = SL_CHECKED_ONLY | SL_SECRET, .help = "Password."},
    {"connect_timeout", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .fallback = "10",
     .help = "Seconds."},
    {"collection_prefix", SL_F_STR, SL_CHECKED, .fallback = "vsr_vs_", .help = "Prefix of keys."},
    {"metric_type", SL_F_ENUM, SL_CHECKED_CHOICE("", "COSINE", "L2", "IP"), .fallback = "COSINE",
     .help = "Distance between vectors."},
    {"index_m", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1024), .fallback = "16",
     .help = "Neighbours of a node in the HNSW graph."},
    {"index_ef_construction", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65536), .fallback = "200",
     .help = "Breadth of the search while the graph is built."},
    SL_FIELD_END,
};

static const struct sl_field vs_qdrant_fields[] = {
    {"host", SL_F_STR, SL_CHECKED, .fallback = "localhost", .help = "Host name or address."},
    {"port", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_PORT), .fallback = "6334",
     .help = "gRPC port."},
    {"api_key", SL_F_STR, .flags = SL_CHECKED_ONLY | SL_SECRET, .help = "Key."},
    {"use_tls", SL_F_BOOL, SL_CHECKED, .help = "Speaks TLS."},
    {"connect_timeout", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .fallback = "10",
     .help = "Seconds."},
    {"collection_prefix", SL_F_STR, SL_CHECKED, .fallback = "vsr_vs_", .help = "Prefix."},
    SL_FIELD_END,
};

static const struct sl_field vector_store_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Serves the vector store API."},
    {"backend_type", SL_F_ENUM,
     SL_CHECKED_CHOICE("", "memory", "milvus", "llama_stack", "valkey", "qdrant"),
     .help = "Where passages are."},
    {"file_storage_dir", SL_F_STR, SL_CHECKED, .fallback = "/var/lib/vsr/data",
     .help = "Folder of the files."},
    {"max_file_size_mb", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1048576), .fallback = "50",
     .help = "Largest file."},
    {"embedding_model", SL_F_STR, SL_CHECKED, .fallback = "bert", .help = "Embedding model."},
    {"embedding_dimension", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_DIMENSION),
     .help = "Length of the vectors; 0: 384 for bert and multimodal, else 768."},
    {"ingestion_workers", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1024), .fallback = "2",
     .help = "Files taken in at once."},
    {"ingestion_drain_timeout_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 86400),
     .fallback = "30", .help = "Time to finish at the end."},
    {"supported_formats", SL_F_STRS, SL_CHECKED, .fallback = "[.txt, .md, .json, .csv, .html]",
     .help = "Endings of files that are taken."},
    {"metadata_store", SL_F_ENUM, SL_CHECKED_CHOICE("", "memory", "postgres"),
     .help = "Where the list of files is."},
    {"milvus", SL_F_STRUCT, SL_CHECKED_SUB(sl_milvus_store_fields), .help = "The Milvus server."},
    {"memory", SL_F_STRUCT, SL_CHECKED_SUB(vs_memory_fields), .help = "In this process."},
    {"llama_stack", SL_F_STRUCT, SL_CHECKED_SUB(llama_stack_fields), .help = "Llama Stack."},
    {"valkey", SL_F_STRUCT, SL_CHECKED_SUB(vs_valkey_fields), .help = "The Valkey server."},
    {"qdrant", SL_F_STRUCT, SL_CHECKED_SUB(vs_qdrant_fields), .help = "The Qdrant server."},
    {"metadata_postgres", SL_F_STRUCT, SL_CHECKED_SUB(sl_postgres_fields),
     .help = "The PostgreSQL server of the list of files."},
    SL_FIELD_END,
};

const struct sl_field sl_global_stores_fields[] = {
    {"response_cache", SL_F_STRUCT, SL_AT(sl_stores_cfg, response_cache),
     .sub = response_cache_fields, .help = "Answers given before."},
    {"memory", SL_F_STRUCT, SL_AT(sl_stores_cfg, memory), .sub = memory_fields,
     .help = "What users said before."},
    {"vector_store", SL_F_STRUCT, SL_CHECKED_SUB(vector_store_fields),
     .help = "Documents to retrieve from."},
    SL_FIELD_END,
};

void sl_global_check_stores(struct sl_check *c, const struct sl_stores_cfg *stores,
                            const struct sl_yaml *node)
{
    static const char *const backends[] = {"memory", "redis",  "valkey", "milvus",
                                           "qdrant", "hybrid", NULL};
    sl_str backend = stores->response_cache.backend_type;
    for (uint32_t i = 0; backends[i]; i++) {
        if (sl_str_eq_nocase(backend, sl_str_from(backends[i])))
            return;
    }
    const char *near = sl_str_nearest(backend, backends);
    size_t length = sl_check_push(c, SL_STR("response_cache"));
    sl_check_push(c, SL_STR("backend_type"));
    sl_check_warn(
        c, sl_yaml_get(sl_yaml_get(node, SL_STR("response_cache")), SL_STR("backend_type")),
        "found \"%.*s\", expected one of: memory, redis, valkey, milvus, qdrant, "
        "hybrid%s%s%s",
        SL_FMT(backend), near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    sl_check_pop(c, length);
}
