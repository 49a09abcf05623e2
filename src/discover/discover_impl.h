/* What the files of discover/ share. Nobody else includes it. */
#ifndef SL_DISCOVER_DISCOVER_IMPL_H
#define SL_DISCOVER_DISCOVER_IMPL_H

#include "discover/discover.h"

/* catalogue.c: what is known without asking. */
struct sl_usual_server {
    const char *name;
    uint16_t port;
    const char *details_path; /* a second list with sizes, or NULL */
};
extern const struct sl_usual_server sl_usual_servers[]; /* ends with name == NULL */

struct sl_known_model {
    const char *name;
    int64_t context_tok;
    double prompt_per_1m, completion_per_1m;
    bool can_see;
};
struct sl_known_provider {
    const char *name;
    const char *key_envs[3]; /* the first that is set is used */
    const char *base_url;
    const struct sl_known_model *models; /* ends with name == NULL */
};
extern const struct sl_known_provider sl_known_providers[]; /* ends with name == NULL */

/* name.c: what a model's name says about it. */
struct sl_name_traits {
    double params_b; /* 0: not in the name */
    double strength; /* from words such as "mini" or "large"; 0: none */
    bool can_see, is_code, is_reasoning, is_embedding, is_other; /* other: speech, images, ... */
};
void sl_name_read(sl_str name, struct sl_name_traits *out);
/* "8B", "7.6b", "8x7b" at the start of text, in billions; 0 when it is none. */
double sl_params_read(sl_str text);

/* requests.c: the kinds of request that the policy tells apart, first match first. */
enum sl_role {
    SL_ROLE_SMALL,
    SL_ROLE_MIDDLE,
    SL_ROLE_LARGE,
    SL_ROLE_CODE,
    SL_ROLE_REASONING,
    SL_ROLE_VISION,
    SL_ROLE_LONGEST
};
struct sl_request_kind {
    const char *decision; /* its name */
    const char *what;     /* "source code, or a question about it" */
    int priority;
    enum sl_role role;
    bool thinks;               /* reasoning is switched on where the model has it */
    const char *operator;      /* of the conditions */
    const char *conditions[6]; /* "keyword: code_words" */
};
extern const struct sl_request_kind sl_request_kinds[]; /* ends with decision == NULL */
/* routing.signals of these conditions, as YAML. */
extern const char sl_request_signals[];

uint32_t sl_role_model(const struct sl_pool *pool, enum sl_role role);
/* Why that model has that role, in words: "the strongest found (70B)". */
void sl_role_reason(struct sl_buf *out, const struct sl_pool *pool, enum sl_role role);

/* probe.c: asks every local source at once. */
SL_MUST_USE enum sl_rc sl_probe(struct sl_pool *pool, uint64_t timeout_ms);
/* shape.c: a model list in any of the shapes that servers answer with. */
void sl_shape_read(struct sl_pool *pool, uint32_t source, sl_str body);

#endif
