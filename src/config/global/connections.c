/* Connection blocks that several stores and services share. Their engines come with the stores. */
#include "config/global/connections.h"

#include "config/field.h"

#define PORT_FIELD(default_port)                                                                   \
    {                                                                                              \
        "port", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_PORT), .fallback = default_port,        \
                                                                  .help = "TCP port."              \
    }
#define SECRET_FIELD(name, text)                                                                   \
    {                                                                                              \
        name, SL_F_STR, .flags = SL_CHECKED_ONLY | SL_SECRET, .help = text                         \
    }

static const struct sl_field tls_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Speaks TLS."},
    {"cert_file", SL_F_STR, SL_CHECKED, .help = "Client certificate, PEM."},
    {"key_file", SL_F_STR, SL_CHECKED, .help = "Its key, PEM."},
    {"ca_file", SL_F_STR, SL_CHECKED, .help = "Authorities that are trusted, PEM."},
    SL_FIELD_END,
};

static const struct sl_field vector_field_fields[] = {
    {"name", SL_F_STR, SL_CHECKED, .fallback = "embedding", .help = "Name of the vector field."},
    {"dimension", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_DIMENSION),
     .help = "Length of the vectors; 0: the embedding model's."},
    {"metric_type", SL_F_ENUM, SL_CHECKED_CHOICE("", "COSINE", "L2", "IP"), .fallback = "COSINE",
     .help = "Distance between vectors."},
    SL_FIELD_END,
};

static const struct sl_field hnsw_fields[] = {
    {"M", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1024), .fallback = "16",
     .help = "Neighbours of a node in the HNSW graph."},
    {"efConstruction", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65536), .fallback = "64",
     .help = "Breadth of the search while the graph is built."},
    SL_FIELD_END,
};

static const struct sl_field logging_fields[] = {
    {"level", SL_F_STR, SL_CHECKED, .help = "Level of the client's log."},
    {"enable_query_log", SL_F_BOOL, SL_CHECKED, .help = "Logs every query."},
    {"enable_metrics", SL_F_BOOL, SL_CHECKED, .help = "Counts queries."},
    SL_FIELD_END,
};

static const struct sl_field redis_connection_fields[] = {
    {"host", SL_F_STR, SL_CHECKED, .fallback = "localhost", .help = "Host name or address."},
    PORT_FIELD("6379"),
    {"database", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65535), .help = "Number of the database."},
    SECRET_FIELD("password", "Password."),
    {"timeout", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .help = "Seconds."},
    {"tls", SL_F_STRUCT, SL_CHECKED_SUB(tls_fields), .help = "Encryption."},
    SL_FIELD_END,
};

static const struct sl_field redis_index_fields[] = {
    {"name", SL_F_STR, SL_CHECKED, .help = "Name of the index."},
    {"prefix", SL_F_STR, SL_CHECKED, .fallback = "doc:", .help = "Prefix of the keys."},
    {"vector_field", SL_F_STRUCT, SL_CHECKED_SUB(vector_field_fields), .help = "The vectors."},
    {"index_type", SL_F_ENUM, SL_CHECKED_CHOICE("", "HNSW", "FLAT"), .fallback = "HNSW",
     .help = "Kind of index."},
    {"params", SL_F_STRUCT, SL_CHECKED_SUB(hnsw_fields), .help = "Parameters of HNSW."},
    SL_FIELD_END,
};

static const struct sl_field redis_search_fields[] = {
    {"topk", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 10000), .fallback = "1",
     .help = "Neighbours that are looked at."},
    SL_FIELD_END,
};

static const struct sl_field redis_development_fields[] = {
    {"drop_index_on_startup", SL_F_BOOL, SL_CHECKED, .help = "Starts with an empty index."},
    {"auto_create_index", SL_F_BOOL, SL_CHECKED, .help = "Creates a missing index."},
    {"verbose_errors", SL_F_BOOL, SL_CHECKED, .help = "Longer error texts."},
    SL_FIELD_END,
};

const struct sl_field sl_redis_index_fields[] = {
    {"connection", SL_F_STRUCT, SL_CHECKED_SUB(redis_connection_fields), .help = "The server."},
    {"index", SL_F_STRUCT, SL_CHECKED_SUB(redis_index_fields), .help = "The vector index."},
    {"search", SL_F_STRUCT, SL_CHECKED_SUB(redis_search_fields), .help = "How it is searched."},
    {"development", SL_F_STRUCT, SL_CHECKED_SUB(redis_development_fields),
     .help = "Switches for development."},
    {"logging", SL_F_STRUCT, SL_CHECKED_SUB(logging_fields), .help = "Logging of the client."},
    SL_FIELD_END,
};

static const struct sl_field milvus_auth_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Logs in."},
    {"username", SL_F_STR, SL_CHECKED, .help = "User."},
    SECRET_FIELD("password", "Password."),
    SL_FIELD_END,
};

static const struct sl_field milvus_connection_fields[] = {
    {"host", SL_F_STR, SL_CHECKED, .fallback = "localhost", .help = "Host name or address."},
    PORT_FIELD("19530"),
    {"database", SL_F_STR, SL_CHECKED, .help = "Name of the database."},
    {"timeout", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .help = "Seconds."},
    {"auth", SL_F_STRUCT, SL_CHECKED_SUB(milvus_auth_fields), .help = "Login."},
    {"tls", SL_F_STRUCT, SL_CHECKED_SUB(tls_fields), .help = "Encryption."},
    SL_FIELD_END,
};

static const struct sl_field milvus_index_fields[] = {
    {"type", SL_F_STR, SL_CHECKED, .fallback = "HNSW", .help = "Kind of index."},
    {"params", SL_F_STRUCT, SL_CHECKED_SUB(hnsw_fields), .help = "Parameters of HNSW."},
    SL_FIELD_END,
};

static const struct sl_field milvus_collection_fields[] = {
    {"name", SL_F_STR, SL_CHECKED, .help = "Name of the collection."},
    {"description", SL_F_STR, SL_CHECKED, .help = "For people."},
    {"vector_field", SL_F_STRUCT, SL_CHECKED_SUB(vector_field_fields), .help = "The vectors."},
    {"index", SL_F_STRUCT, SL_CHECKED_SUB(milvus_index_fields), .help = "The vector index."},
    SL_FIELD_END,
};

static const struct sl_field milvus_ef_fields[] = {
    {"ef", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65536), .help = "Breadth of the search."},
    SL_FIELD_END,
};

static const struct sl_field milvus_search_fields[] = {
    {"params", SL_F_STRUCT, SL_CHECKED_SUB(milvus_ef_fields), .help = "Parameters of HNSW."},
    {"topk", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 16384), .help = "Neighbours looked at."},
    {"consistency_level", SL_F_STR, SL_CHECKED,
     .help = "`Strong`, `Bounded`, `Session` or `Eventually`."},
    SL_FIELD_END,
};

static const struct sl_field milvus_pool_fields[] = {
    {"max_connections", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65536), .help = "Most connections."},
    {"max_idle_connections", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65536), .help = "Most idle ones."},
    {"acquire_timeout", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS),
     .help = "Seconds to wait for one."},
    SL_FIELD_END,
};

static const struct sl_field milvus_batch_fields[] = {
    {"insert_batch_size", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1000000), .help = "Rows at once."},
    {"timeout", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .help = "Seconds."},
    SL_FIELD_END,
};

static const struct sl_field milvus_performance_fields[] = {
    {"connection_pool", SL_F_STRUCT, SL_CHECKED_SUB(milvus_pool_fields), .help = "Connections."},
    {"batch", SL_F_STRUCT, SL_CHECKED_SUB(milvus_batch_fields), .help = "Writes."},
    SL_FIELD_END,
};

static const struct sl_field milvus_ttl_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Drops old rows."},
    {"timestamp_field", SL_F_STR, SL_CHECKED, .help = "Field with the time."},
    {"cleanup_interval", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .help = "Seconds."},
    SL_FIELD_END,
};

static const struct sl_field milvus_compaction_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Compacts the collection."},
    {"interval", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS), .help = "Seconds."},
    SL_FIELD_END,
};

static const struct sl_field milvus_data_fields[] = {
    {"ttl", SL_F_STRUCT, SL_CHECKED_SUB(milvus_ttl_fields), .help = "Life of rows."},
    {"compaction", SL_F_STRUCT, SL_CHECKED_SUB(milvus_compaction_fields), .help = "Compaction."},
    SL_FIELD_END,
};

static const struct sl_field milvus_development_fields[] = {
    {"drop_collection_on_startup", SL_F_BOOL, SL_CHECKED, .help = "Starts empty."},
    {"auto_create_collection", SL_F_BOOL, SL_CHECKED, .help = "Creates a missing collection."},
    {"verbose_errors", SL_F_BOOL, SL_CHECKED, .help = "Longer error texts."},
    SL_FIELD_END,
};

const struct sl_field sl_milvus_store_fields[] = {
    {"connection", SL_F_STRUCT, SL_CHECKED_SUB(milvus_connection_fields), .help = "The server."},
    {"collection", SL_F_STRUCT, SL_CHECKED_SUB(milvus_collection_fields), .help = "The rows."},
    {"search", SL_F_STRUCT, SL_CHECKED_SUB(milvus_search_fields), .help = "How it is searched."},
    {"performance", SL_F_STRUCT, SL_CHECKED_SUB(milvus_performance_fields), .help = "Sizes."},
    {"data_management", SL_F_STRUCT, SL_CHECKED_SUB(milvus_data_fields), .help = "Cleaning up."},
    {"logging", SL_F_STRUCT, SL_CHECKED_SUB(logging_fields), .help = "Logging of the client."},
    {"development", SL_F_STRUCT, SL_CHECKED_SUB(milvus_development_fields),
     .help = "Switches for development."},
    SL_FIELD_END,
};

const struct sl_field sl_redis_simple_fields[] = {
    {"address", SL_F_STR, SL_CHECKED, .fallback = "localhost:6379", .help = "host:port."},
    {"db", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65535), .help = "Number of the database."},
    SECRET_FIELD("password", "Password."),
    {"use_tls", SL_F_BOOL, SL_CHECKED, .help = "Speaks TLS."},
    {"tls_skip_verify", SL_F_BOOL, SL_CHECKED, .help = "Does not verify the certificate."},
    {"max_retries", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1000), .help = "Tries after the first."},
    {"pool_size", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65536), .help = "Connections; 0: default."},
    {"key_prefix", SL_F_STR, SL_CHECKED, .help = "Prefix of the keys."},
    SL_FIELD_END,
};

const struct sl_field sl_postgres_fields[] = {
    {"host", SL_F_STR, SL_CHECKED, .help = "Host name or address."},
    PORT_FIELD("5432"),
    {"database", SL_F_STR, SL_CHECKED, .help = "Name of the database."},
    {"user", SL_F_STR, SL_CHECKED, .help = "User."},
    SECRET_FIELD("password", "Password."),
    {"ssl_mode", SL_F_STR, SL_CHECKED, .help = "`disable`, `require`, `verify-full` ..."},
    {"max_open_conns", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65536), .help = "Most connections."},
    {"max_idle_conns", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65536), .help = "Most idle ones."},
    {"conn_max_lifetime", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS),
     .help = "Seconds that a connection lives."},
    {"table_name", SL_F_STR, SL_CHECKED, .help = "Name of the table."},
    SL_FIELD_END,
};
