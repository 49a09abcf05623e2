/*
 * The cache: chained hashing over nodes in one doubly linked list by use. Texts are known by 128
 * bits of keyed hash, which nobody can aim at, so that long texts are not kept.
 */
#include "infer/vector_cache.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#define N_BUCKETS 16384u /* a power of two */

struct node {
    uint64_t key[2];
    struct node *chain;
    struct node *newer, *older;
    uint32_t n, n_tok;
    float vector[];
};

struct sl_vector_cache {
    pthread_mutex_t lock;
    uint64_t seeds[2];
    size_t max_bytes, n_bytes;
    struct node *newest, *oldest;
    struct node *buckets[N_BUCKETS];
};

enum sl_rc sl_vector_cache_create(struct sl_vector_cache **out, size_t max_bytes)
{
    struct sl_vector_cache *c = calloc(1, sizeof(*c));
    if (!c)
        return SL_NOMEM;
    c->max_bytes = max_bytes;
    if (getrandom(c->seeds, sizeof(c->seeds), 0) != (ssize_t)sizeof(c->seeds) ||
        pthread_mutex_init(&c->lock, NULL) != 0) {
        free(c);
        return SL_IO;
    }
    *out = c;
    return SL_OK;
}

void sl_vector_cache_destroy(struct sl_vector_cache *c)
{
    if (!c)
        return;
    for (struct node *n = c->newest, *next; n; n = next) {
        next = n->older;
        free(n);
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static size_t size_of(const struct node *n)
{
    return sizeof(*n) + n->n * sizeof(float);
}

static void unlink_node(struct sl_vector_cache *c, struct node *n)
{
    *(n->newer ? &n->newer->older : &c->newest) = n->older;
    *(n->older ? &n->older->newer : &c->oldest) = n->newer;
}

static void link_newest(struct sl_vector_cache *c, struct node *n)
{
    n->newer = NULL;
    n->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = n;
    c->newest = n;
}

static struct node **find(struct sl_vector_cache *c, const uint64_t key[2])
{
    struct node **at = &c->buckets[key[0] & (N_BUCKETS - 1)];
    while (*at && ((*at)->key[0] != key[0] || (*at)->key[1] != key[1]))
        at = &(*at)->chain;
    return at;
}

static void drop_oldest(struct sl_vector_cache *c)
{
    struct node *n = c->oldest;
    unlink_node(c, n);
    *find(c, n->key) = n->chain;
    c->n_bytes -= size_of(n);
    free(n);
}

static void key_of(const struct sl_vector_cache *c, sl_str text, uint64_t key[2])
{
    key[0] = sl_hash(text, c->seeds[0]);
    key[1] = sl_hash(text, c->seeds[1]);
}

bool sl_vector_cache_get(struct sl_vector_cache *c, sl_str text, struct sl_arena *arena,
                         struct sl_vector *out, uint32_t *n_tok)
{
    uint64_t key[2];
    float *copy = NULL;
    key_of(c, text, key);
    pthread_mutex_lock(&c->lock);
    struct node *n = *find(c, key);
    if (n && (copy = SL_NEW_ARRAY(arena, float, n->n))) {
        memcpy(copy, n->vector, n->n * sizeof(float));
        *out = (struct sl_vector){copy, n->n};
        *n_tok = n->n_tok;
        unlink_node(c, n);
        link_newest(c, n);
    }
    pthread_mutex_unlock(&c->lock);
    return copy != NULL;
}

void sl_vector_cache_put(struct sl_vector_cache *c, sl_str text, struct sl_vector vector,
                         uint32_t n_tok)
{
    uint64_t key[2];
    struct node *n = malloc(sizeof(*n) + vector.n * sizeof(float));
    if (!n || size_of(&(struct node){.n = vector.n}) > c->max_bytes / 16) {
        free(n);
        return;
    }
    key_of(c, text, key);
    *n = (struct node){.key = {key[0], key[1]}, .n = vector.n, .n_tok = n_tok};
    memcpy(n->vector, vector.p, vector.n * sizeof(float));
    pthread_mutex_lock(&c->lock);
    struct node **at = find(c, key);
    if (*at) {
        free(n); /* another thread was faster */
    } else {
        *at = n;
        link_newest(c, n);
        c->n_bytes += size_of(n);
        while (c->n_bytes > c->max_bytes)
            drop_oldest(c);
    }
    pthread_mutex_unlock(&c->lock);
}
