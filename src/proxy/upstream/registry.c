/* A locked list: it has as many entries as there are backends and is used at reloads only. */
#include "proxy/upstream/registry.h"

#include "base/clock.h"
#include "obs/metrics.h"

#include <pthread.h>
#include <stdlib.h>

struct entry {
    struct sl_endpoint_state state; /* first: release casts back */
    struct entry *next;
    sl_str identity, backend; /* behind the struct */
    uint32_t holders;
};

struct sl_endpoint_registry {
    pthread_mutex_t lock;
    struct entry *entries;
};

enum sl_rc sl_endpoint_registry_create(struct sl_endpoint_registry **out)
{
    struct sl_endpoint_registry *r = calloc(1, sizeof(*r));
    if (!r)
        return SL_NOMEM;
    pthread_mutex_init(&r->lock, NULL);
    *out = r;
    return SL_OK;
}

void sl_endpoint_registry_destroy(struct sl_endpoint_registry *r)
{
    if (!r)
        return;
    while (r->entries) {
        struct entry *e = r->entries;
        r->entries = e->next;
        free(e);
    }
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static struct entry *new_entry(struct sl_endpoint_registry *r, sl_str identity, sl_str backend)
{
    struct entry *e = calloc(1, sizeof(*e) + identity.n + backend.n);
    if (!e)
        return NULL;
    char *text = (char *)(e + 1);
    memcpy(text, identity.p, identity.n);
    if (backend.n)
        memcpy(text + identity.n, backend.p, backend.n);
    e->identity = sl_str_of(text, identity.n);
    e->backend = sl_str_of(text + identity.n, backend.n);
    e->next = r->entries;
    r->entries = e;
    return e;
}

struct sl_endpoint_state *sl_endpoint_hold(struct sl_endpoint_registry *r, sl_str identity,
                                           sl_str backend)
{
    pthread_mutex_lock(&r->lock);
    struct entry *e = r->entries;
    while (e && !sl_str_eq(e->identity, identity))
        e = e->next;
    if (!e)
        e = new_entry(r, identity, backend);
    if (e)
        e->holders++;
    pthread_mutex_unlock(&r->lock);
    return e ? &e->state : NULL;
}

void sl_endpoint_release(struct sl_endpoint_registry *r, struct sl_endpoint_state *state)
{
    struct entry *gone = SL_CONTAINER(state, struct entry, state);
    pthread_mutex_lock(&r->lock);
    if (--gone->holders == 0) {
        struct entry **at = &r->entries;
        while (*at != gone)
            at = &(*at)->next;
        *at = gone->next;
        free(gone);
    }
    pthread_mutex_unlock(&r->lock);
}

/* Endpoints of one name are one sample: label sets must be distinct. */
static bool is_first(const struct sl_endpoint_registry *r, const struct entry *e)
{
    const struct entry *f = r->entries;
    while (f != e && !sl_str_eq(f->backend, e->backend))
        f = f->next;
    return f == e;
}

void sl_endpoint_collect(void *ctx, struct sl_buf *out)
{
    struct sl_endpoint_registry *r = ctx;
    uint64_t now = sl_clock_ns();
    pthread_mutex_lock(&r->lock);
    for (struct entry *e = r->entries; e; e = e->next) {
        uint32_t n = 0;
        if (!is_first(r, e))
            continue;
        for (struct entry *f = e; f; f = f->next)
            if (sl_str_eq(f->backend, e->backend) && sl_endpoint_is_available(&f->state, now))
                n++;
        sl_metrics_sample(out, SL_M_BACKEND_HEALTHY, &e->backend, 1, n);
    }
    pthread_mutex_unlock(&r->lock);
}
