/* The pool: sources to ask, models merged by name, and which of them serves which role. */
#include "discover/discover_impl.h"

#include <stdlib.h>

#define MAX_SOURCES    32
#define MAX_MODELS     512
#define MAX_NAME_BYTES 200

static const char *process_env(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

/* Printable, and nothing that YAML cannot hold: no control characters (C1 too), no specials. */
static bool is_nameable(sl_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        unsigned char next = i + 1 < name.n ? (unsigned char)name.p[i + 1] : 0;
        if (c < ' ' || c == 0x7f || c == 0xef || (c == 0xc2 && next < 0xa0))
            return false;
    }
    return name.n > 0 && name.n <= MAX_NAME_BYTES;
}

struct sl_found_model *sl_pool_add(struct sl_pool *pool, sl_str name, uint32_t source)
{
    struct sl_name_traits traits;
    sl_name_read(name, &traits);
    if (traits.is_other || !is_nameable(name))
        return NULL;
    struct sl_found_model *model = NULL;
    for (uint32_t i = 0; i < pool->n_models && !model; i++)
        if (sl_str_eq(pool->models[i].name, name))
            model = &pool->models[i];
    if (!model) {
        if (pool->n_models == pool->cap_models)
            return NULL;
        model = &pool->models[pool->n_models++];
        *model = (struct sl_found_model){
            .name = name,
            .params_b = traits.params_b,
            .can_see = traits.can_see,
            .is_code = traits.is_code,
            .is_reasoning = traits.is_reasoning,
            .is_embedding = traits.is_embedding,
        };
    }
    for (uint32_t i = 0; i < model->n_sources; i++)
        if (model->sources[i] == source)
            return model;
    if (model->n_sources < SL_COUNT(model->sources)) {
        model->sources[model->n_sources++] = source;
        pool->sources[source].n_models++;
    }
    return model;
}

static struct sl_source *add_source(struct sl_pool *pool)
{
    return pool->n_sources < MAX_SOURCES ? &pool->sources[pool->n_sources++] : NULL;
}

static bool is_own(const struct sl_discover_options *o, uint16_t port)
{
    return port && (port == o->own_ports[0] || port == o->own_ports[1]);
}

static void add_usual(struct sl_pool *pool, const struct sl_discover_options *o)
{
    for (const struct sl_usual_server *s = sl_usual_servers; s->name && !o->skips_usual_ports;
         s++) {
        struct sl_source *source = is_own(o, s->port) ? NULL : add_source(pool);
        if (source)
            *source = (struct sl_source){.name = sl_str_from(s->name),
                                         .host = SL_STR("127.0.0.1"),
                                         .port = s->port,
                                         .is_local = true};
    }
}

/* "http://host[:port][/...]": plaintext only, the usual case of a server on this machine. */
static bool add_given(struct sl_pool *pool, sl_str url)
{
    int64_t port = 80;
    sl_str rest = sl_str_starts(url, SL_STR("http://")) ? sl_str_sub(url, 7, url.n) : url;
    rest = sl_str_sub(rest, 0, sl_str_chr(rest, '/'));
    size_t end = sl_str_chr(rest, ':');
    sl_str host = sl_str_sub(rest, 0, end);
    if (rest.n && rest.p[0] == '[') {
        size_t bracket = sl_str_chr(rest, ']');
        host = sl_str_sub(rest, 1, bracket);
        end = bracket + 1 < rest.n ? bracket + 1 : rest.n;
    }
    if (end < rest.n &&
        (rest.p[end] != ':' || !sl_str_to_i64(sl_str_sub(rest, end + 1, rest.n), &port)))
        return false;
    if (!host.n || port < 1 || port > 65535 || sl_str_chr(host, '@') < host.n)
        return false;
    struct sl_source *source = add_source(pool);
    if (source)
        *source = (struct sl_source){.name = sl_str_sub(url, 0, 100),
                                     .host = host,
                                     .port = (uint16_t)port,
                                     .is_local = true};
    return source != NULL;
}

static void add_provider(struct sl_pool *pool, const struct sl_known_provider *provider,
                         const char *key_env)
{
    struct sl_source *source = add_source(pool);
    if (!source)
        return;
    *source = (struct sl_source){.name = sl_str_from(provider->name),
                                 .base_url = sl_str_from(provider->base_url),
                                 .key_env = sl_str_from(key_env),
                                 .has_answered = true};
    for (const struct sl_known_model *k = provider->models; k->name; k++) {
        struct sl_found_model *model =
            sl_pool_add(pool, sl_str_from(k->name), (uint32_t)(source - pool->sources));
        if (!model)
            continue;
        model->context_tok = k->context_tok;
        model->is_priced = true;
        model->prompt_per_1m = k->prompt_per_1m;
        model->completion_per_1m = k->completion_per_1m;
        model->can_see = k->can_see;
    }
}

static void add_environment(struct sl_pool *pool, const struct sl_discover_options *o)
{
    const char *(*get)(void *, const char *) = o->getenv ? o->getenv : process_env;
    for (const struct sl_known_provider *p = sl_known_providers; p->name; p++) {
        for (size_t i = 0; i < SL_COUNT(p->key_envs) && p->key_envs[i]; i++) {
            const char *key = get(o->getenv_ctx, p->key_envs[i]);
            if (key && *key) {
                add_provider(pool, p, p->key_envs[i]);
                break;
            }
        }
    }
}

enum sl_rc sl_discover(struct sl_pool **out, const struct sl_discover_options *o,
                       struct sl_err *err)
{
    struct sl_pool *pool = calloc(1, sizeof(*pool));
    *out = pool;
    if (!pool)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    sl_arena_init(&pool->arena, NULL, 32u << 20);
    pool->sources = SL_NEW_ARRAY(&pool->arena, struct sl_source, MAX_SOURCES);
    pool->models = SL_NEW_ARRAY(&pool->arena, struct sl_found_model, MAX_MODELS);
    if (!pool->sources || !pool->models)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    pool->cap_models = MAX_MODELS;
    for (uint32_t i = 0; i < o->n_servers; i++)
        if (!add_given(pool, o->servers[i]))
            return sl_err_set(err, SL_INVALID,
                              "found \"%.*s\", expected a server such as http://127.0.0.1:8000",
                              SL_FMT(o->servers[i]));
    add_usual(pool, o);
    enum sl_rc rc = sl_probe(pool, o->timeout_ms ? o->timeout_ms : 300);
    if (rc != SL_OK)
        return sl_err_set(err, rc, "cannot ask the local servers");
    if (!o->skips_environment)
        add_environment(pool, o);
    sl_pool_rank(pool);
    return pool->roles.large == SL_NO_MODEL ? sl_err_set(err, SL_NOTFOUND, "no model was found")
                                            : SL_OK;
}

void sl_pool_free(struct sl_pool *pool)
{
    if (!pool)
        return;
    sl_arena_reset(&pool->arena);
    free(pool);
}

/* Size where known, else the name's rank, else what it costs: a dollar of output buys about 10 B.
 */
static double strength_of(const struct sl_found_model *model)
{
    struct sl_name_traits traits;
    sl_name_read(model->name, &traits);
    if (model->params_b > 0)
        return model->params_b;
    if (model->is_priced)
        return 1 + 10 * model->completion_per_1m;
    return traits.strength > 0 ? traits.strength : 14;
}

/* Cheapest first; of equal cost the weaker, which answers sooner; then by name, for stability. */
static int by_cost(const struct sl_found_model *a, const struct sl_found_model *b)
{
    if (a->completion_per_1m != b->completion_per_1m)
        return a->completion_per_1m < b->completion_per_1m ? -1 : 1;
    if (a->strength != b->strength)
        return a->strength < b->strength ? -1 : 1;
    return sl_str_cmp(a->name, b->name);
}

static int by_strength(const void *a, const void *b)
{
    const struct sl_found_model *x = *(const struct sl_found_model *const *)a;
    const struct sl_found_model *y = *(const struct sl_found_model *const *)b;
    if (x->strength != y->strength)
        return x->strength < y->strength ? -1 : 1;
    return by_cost(x, y);
}

static uint32_t strongest(const struct sl_pool *pool, bool (*fits)(const struct sl_found_model *))
{
    uint32_t best = SL_NO_MODEL;
    for (uint32_t i = 0; i < pool->n_models; i++) {
        const struct sl_found_model *m = &pool->models[i];
        if (m->is_embedding || !fits(m))
            continue;
        if (best == SL_NO_MODEL || m->strength > pool->models[best].strength)
            best = i;
    }
    return best;
}

static bool is_code(const struct sl_found_model *m)
{
    return m->is_code;
}
static bool is_reasoning(const struct sl_found_model *m)
{
    return m->is_reasoning;
}
static bool can_see(const struct sl_found_model *m)
{
    return m->can_see;
}

/* A specialist is preferred to the strongest model unless it is less than an eighth as strong. */
static uint32_t specialist(const struct sl_pool *pool, uint32_t index)
{
    if (index == SL_NO_MODEL ||
        pool->models[index].strength * 8 < pool->models[pool->roles.large].strength)
        return pool->roles.large;
    return index;
}

static void find_longest(struct sl_pool *pool)
{
    struct sl_roles *r = &pool->roles;
    r->longest = r->large;
    for (uint32_t i = 0; i < pool->n_models; i++) {
        const struct sl_found_model *m = &pool->models[i];
        if (!m->is_embedding && m->context_tok > pool->models[r->longest].context_tok)
            r->longest = i;
    }
    /* What the middle model can still take with room for an answer; 16,000 when nobody says. */
    int64_t window = pool->models[r->middle].context_tok;
    r->long_from_tok = window ? window * 3 / 5 : 16000;
    if (r->long_from_tok > 64000)
        r->long_from_tok = 64000;
}

void sl_pool_rank(struct sl_pool *pool)
{
    struct sl_roles *r = &pool->roles;
    static const struct sl_roles none = {SL_NO_MODEL, SL_NO_MODEL, SL_NO_MODEL, SL_NO_MODEL,
                                         SL_NO_MODEL, SL_NO_MODEL, SL_NO_MODEL, 0};
    *r = none;
    struct sl_found_model **order =
        SL_NEW_ARRAY(&pool->arena, struct sl_found_model *, pool->n_models + 1);
    uint32_t n = 0;
    bool has_generalist = false;
    for (uint32_t i = 0; i < pool->n_models; i++) {
        struct sl_found_model *m = &pool->models[i];
        m->strength = strength_of(m);
        has_generalist |= !m->is_embedding && !m->is_code;
    }
    for (uint32_t i = 0; i < pool->n_models && order; i++)
        if (!pool->models[i].is_embedding && !(pool->models[i].is_code && has_generalist))
            order[n++] = &pool->models[i];
    if (!n)
        return;
    qsort(order, n, sizeof(struct sl_found_model *), by_strength);
    r->large = (uint32_t)(order[n - 1] - pool->models);
    r->middle = (uint32_t)(order[n / 2] - pool->models);
    r->small = (uint32_t)(order[0] - pool->models);
    for (uint32_t i = 1; i < n; i++)
        if (by_cost(order[i], &pool->models[r->small]) < 0)
            r->small = (uint32_t)(order[i] - pool->models);
    r->code = specialist(pool, strongest(pool, is_code));
    r->reasoning = specialist(pool, strongest(pool, is_reasoning));
    r->vision = strongest(pool, can_see);
    find_longest(pool);
}
