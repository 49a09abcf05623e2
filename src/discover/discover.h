/*
 * Zero configuration: what models this machine can reach, and a policy made of them.
 *
 * sl_discover asks the usual loopback ports for their model lists and looks for provider keys in
 * the environment; the result is a pool. sl_pool_policy writes a canonical v0.3 configuration for
 * it, with comments, that routes by what needs no model. It goes through the ordinary loader, so
 * what discovery can do is exactly what a file can do.
 *
 * Blocking (up to timeout_ms): for the start of a program, not for event loops. Single thread.
 */
#ifndef SL_DISCOVER_DISCOVER_H
#define SL_DISCOVER_DISCOVER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct sl_source { /* where models come from */
    sl_str name;   /* "Ollama", "OpenAI" */
    sl_str host;   /* local servers */
    uint16_t port;
    sl_str base_url; /* providers: with path; local servers given by URL keep theirs empty */
    sl_str key_env;  /* providers: environment variable of the key */
    bool is_local;
    bool has_answered;
    uint32_t n_models;
};

struct sl_found_model {
    sl_str name;
    uint32_t
        sources[4]; /* indices: one name on several servers is one model with several backends */
    uint32_t n_sources;
    double params_b;     /* billions of parameters; 0: unknown */
    int64_t context_tok; /* 0: unknown */
    bool is_priced;
    double prompt_per_1m, completion_per_1m; /* USD */
    bool can_see, is_code, is_reasoning, is_embedding;
    double strength; /* comparable between models; from size, name or price */
};

/* What each kind of request goes to; indices into models, SL_NO_MODEL where none fits. */
#define SL_NO_MODEL UINT32_MAX
struct sl_roles {
    uint32_t small, middle, large, code, reasoning, vision, longest;
    int64_t long_from_tok; /* contexts from here on go to `longest` */
};

struct sl_pool {
    struct sl_arena arena;
    struct sl_source *sources;
    uint32_t n_sources;
    struct sl_found_model *models;
    uint32_t n_models, cap_models;
    struct sl_roles roles;
};

struct sl_discover_options {
    const sl_str *servers; /* base URLs besides the usual ports: "http://127.0.0.1:9000" */
    uint32_t n_servers;
    bool skips_usual_ports;
    bool skips_environment;
    uint16_t own_ports[2];                              /* ours: not asked; 0 = none */
    uint64_t timeout_ms;                                /* 0: 300 */
    const char *(*getenv)(void *ctx, const char *name); /* NULL: the process's environment */
    void *getenv_ctx;
};

/* SL_NOTFOUND with an empty pool (still to be freed) when nothing was found. err: a bad URL. */
SL_MUST_USE enum sl_rc sl_discover(struct sl_pool **out, const struct sl_discover_options *options,
                                   struct sl_err *err);
void sl_pool_free(struct sl_pool *pool);

/* Adds a model seen at `source`, or the source to a known one. NULL: out of memory or no chat use.
 */
struct sl_found_model *sl_pool_add(struct sl_pool *pool, sl_str name, uint32_t source);
/* Fills strengths and roles; after the last sl_pool_add. */
void sl_pool_rank(struct sl_pool *pool);

struct sl_policy_options {
    sl_str address; /* of the listener */
    uint16_t port;
    uint16_t management_port; /* 0: 8080, or 8081 where a model server has that one */
};

/* The configuration as YAML text. */
void sl_pool_policy(struct sl_buf *out, const struct sl_pool *pool,
                    const struct sl_policy_options *options);
/* What was found, for a person: a line a source, then a line a kind of request and its model. */
void sl_pool_describe(struct sl_buf *out, const struct sl_pool *pool);
/* How to get something found, when nothing was. */
void sl_pool_advise(struct sl_buf *out);

#endif
