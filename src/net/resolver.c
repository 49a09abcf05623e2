/*
 * The resolver: one lock around a queue of jobs and a small cache, held only for moments; lookups
 * run on at most two threads, so that one dead name server cannot stop all names. A job belongs to
 * the queue, then to the thread that runs it, then (by mailbox) to the loop that asked.
 */
#include "net/resolver.h"

#include "base/clock.h"
#include "base/hash.h"

#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>

#define MAX_THREADS     2
#define STACK_BYTES     (256 * 1024)
#define MAX_HOST_BYTES  254
#define FAILURE_NS      UINT64_C(1000000000)
#define STALE_LIFETIMES 10

struct sl_resolve_job {
    struct sl_message message;
    struct sl_loop *loop;     /* NULL: a refresh nobody waits for */
    struct sl_resolve *asker; /* touched on `loop` only; NULL: cancelled */
    struct sl_resolve_job *next;
    struct sl_address_list list;
    enum sl_rc rc;
    const char *reason;
    uint16_t port;
    char host[MAX_HOST_BYTES + 1];
};

struct entry {
    uint64_t hash;
    uint64_t asked_ns;   /* when the last lookup ended */
    uint64_t success_ns; /* when the list was learned; 0: never */
    struct sl_address_list list;
    enum sl_rc rc; /* of the last lookup */
    const char *reason;
    bool is_refreshing;
    char host[MAX_HOST_BYTES + 1];
};

struct sl_resolver {
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    struct sl_resolve_job *first, **end;
    uint32_t n_waiting, n_idle, n_threads;
    bool is_closing;
    pthread_t threads[MAX_THREADS];
    uint64_t ttl_ns;
    uint32_t max_names, max_waiting, n_names;
    sl_lookup_fn *lookup;
    struct entry *entries[];
};

static enum sl_rc system_lookup(const char *host, struct sl_address_list *out, const char **reason)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(host, NULL, &hints, &found);
    if (code != 0) {
        *reason = gai_strerror(code);
        return code == EAI_NONAME || code == EAI_NODATA ? SL_NOTFOUND : SL_IO;
    }
    out->n = 0;
    for (struct addrinfo *at = found; at && out->n < SL_RESOLVE_MAX; at = at->ai_next)
        if (sl_address_from(at->ai_addr, &out->items[out->n]))
            out->n++;
    freeaddrinfo(found);
    *reason = out->n ? "" : "the name has no address";
    return out->n ? SL_OK : SL_NOTFOUND;
}

enum sl_rc sl_resolver_create(struct sl_resolver **out, const struct sl_resolver_options *options)
{
    uint32_t max_names = options->max_names ? options->max_names : 256;
    struct sl_resolver *r = calloc(1, sizeof *r + max_names * sizeof r->entries[0]);
    if (!r)
        return SL_NOMEM;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->has_work, NULL);
    r->end = &r->first;
    r->ttl_ns = (options->ttl_ms ? options->ttl_ms : 30000) * UINT64_C(1000000);
    r->max_names = max_names;
    r->max_waiting = options->max_waiting ? options->max_waiting : 1024;
    r->lookup = options->lookup ? options->lookup : system_lookup;
    *out = r;
    return SL_OK;
}

void sl_resolver_destroy(struct sl_resolver *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->is_closing = true;
    pthread_cond_broadcast(&r->has_work);
    pthread_mutex_unlock(&r->lock);
    for (uint32_t i = 0; i < r->n_threads; i++)
        pthread_join(r->threads[i], NULL);
    while (r->first) {
        struct sl_resolve_job *job = r->first;
        r->first = job->next;
        free(job);
    }
    for (uint32_t i = 0; i < r->n_names; i++)
        free(r->entries[i]);
    pthread_cond_destroy(&r->has_work);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static struct entry *find_entry(struct sl_resolver *r, const char *host)
{
    uint64_t hash = sl_hash(sl_str_from(host), 0);
    for (uint32_t i = 0; i < r->n_names; i++)
        if (r->entries[i]->hash == hash && !strcmp(r->entries[i]->host, host))
            return r->entries[i];
    return NULL;
}

/* A free entry, else the one not asked for longest; NULL when out of memory. */
static struct entry *take_entry(struct sl_resolver *r, const char *host)
{
    struct entry *entry = NULL;
    if (r->n_names < r->max_names) {
        entry = malloc(sizeof *entry);
        if (!entry)
            return NULL;
        r->entries[r->n_names++] = entry;
    } else {
        entry = r->entries[0];
        for (uint32_t i = 1; i < r->n_names; i++)
            if (r->entries[i]->asked_ns < entry->asked_ns)
                entry = r->entries[i];
    }
    *entry = (struct entry){.hash = sl_hash(sl_str_from(host), 0)};
    memcpy(entry->host, host, strlen(host) + 1);
    return entry;
}

static void remember(struct sl_resolver *r, const struct sl_resolve_job *job)
{
    struct entry *entry = find_entry(r, job->host);
    if (!entry)
        entry = take_entry(r, job->host);
    if (!entry)
        return;
    entry->is_refreshing = false;
    entry->asked_ns = sl_clock_ns();
    entry->rc = job->rc;
    entry->reason = job->reason;
    if (job->rc == SL_OK) {
        entry->list = job->list;
        entry->success_ns = entry->asked_ns;
    }
}

static bool has_list(const struct sl_resolver *r, const struct entry *entry, uint64_t now_ns,
                     uint64_t lifetimes)
{
    return entry->success_ns && now_ns - entry->success_ns < r->ttl_ns * lifetimes;
}

static bool has_failed_lately(const struct entry *entry, uint64_t now_ns)
{
    return entry->rc != SL_OK && now_ns - entry->asked_ns < FAILURE_NS;
}

/* On the asker's loop. */
static void deliver(struct sl_loop *loop, struct sl_message *message)
{
    (void)loop;
    struct sl_resolve_job *job = SL_CONTAINER(message, struct sl_resolve_job, message);
    struct sl_resolve *asker = job->asker;
    enum sl_rc rc = job->rc;
    if (asker) {
        asker->list = job->list;
        for (uint32_t i = 0; i < asker->list.n; i++)
            sl_address_set_port(&asker->list.items[i], job->port);
        asker->reason = job->reason;
        asker->job = NULL;
    }
    free(job);
    if (asker)
        asker->on_resolved(asker, rc);
}

/* Called and returns with the lock held. */
static void run_job(struct sl_resolver *r, struct sl_resolve_job *job)
{
    const struct entry *entry = job->loop ? find_entry(r, job->host) : NULL;
    if (entry && has_list(r, entry, sl_clock_ns(), 1)) {
        job->rc = SL_OK; /* another job for the same name went before */
        job->list = entry->list;
    } else {
        pthread_mutex_unlock(&r->lock);
        job->list.n = 0;
        job->rc = r->lookup(job->host, &job->list, &job->reason);
        pthread_mutex_lock(&r->lock);
        remember(r, job);
    }
    if (job->loop)
        sl_loop_post(job->loop, &job->message);
    else
        free(job);
}

static void *work(void *arg)
{
    struct sl_resolver *r = arg;
    pthread_setname_np(pthread_self(), "sl-resolver");
    pthread_mutex_lock(&r->lock);
    while (!r->is_closing) {
        struct sl_resolve_job *job = r->first;
        if (!job) {
            r->n_idle++;
            pthread_cond_wait(&r->has_work, &r->lock);
            r->n_idle--;
            continue;
        }
        r->first = job->next;
        if (!r->first)
            r->end = &r->first;
        r->n_waiting--;
        run_job(r, job);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

static bool ensure_worker(struct sl_resolver *r)
{
    if (r->n_idle > 0 || r->n_threads == MAX_THREADS)
        return true;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    if (pthread_create(&r->threads[r->n_threads], &attr, work, r) == 0)
        r->n_threads++;
    pthread_attr_destroy(&attr);
    return r->n_threads > 0;
}

static enum sl_rc enqueue(struct sl_resolver *r, struct sl_resolve_job *job)
{
    if (r->n_waiting == r->max_waiting)
        return SL_LIMIT;
    if (!ensure_worker(r))
        return SL_NOMEM;
    *r->end = job;
    r->end = &job->next;
    r->n_waiting++;
    pthread_cond_signal(&r->has_work);
    return SL_OK;
}

static struct sl_resolve_job *new_job(const char *host, uint16_t port)
{
    struct sl_resolve_job *job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->message.run = deliver;
    job->port = port;
    memcpy(job->host, host, strlen(host) + 1);
    return job;
}

static void refresh(struct sl_resolver *r, struct entry *entry)
{
    struct sl_resolve_job *job = entry->is_refreshing ? NULL : new_job(entry->host, 0);
    if (!job)
        return;
    if (enqueue(r, job) == SL_OK)
        entry->is_refreshing = true;
    else
        free(job);
}

/* SL_AGAIN: not known. */
static enum sl_rc ask_cache(struct sl_resolver *r, const char *host, struct sl_resolve *asker)
{
    uint64_t now_ns = sl_clock_ns();
    struct entry *entry = find_entry(r, host);
    if (!entry)
        return SL_AGAIN;
    if (has_list(r, entry, now_ns, STALE_LIFETIMES)) {
        asker->list = entry->list;
        if (!has_list(r, entry, now_ns, 1) && !has_failed_lately(entry, now_ns))
            refresh(r, entry);
        return SL_OK;
    }
    if (!has_failed_lately(entry, now_ns))
        return SL_AGAIN;
    asker->reason = entry->reason;
    return entry->rc;
}

static enum sl_rc ask_thread(struct sl_resolver *r, struct sl_loop *loop, const char *host,
                             uint16_t port, struct sl_resolve *asker)
{
    struct sl_resolve_job *job = new_job(host, port);
    enum sl_rc rc = SL_NOMEM;
    if (job) {
        job->loop = loop;
        job->asker = asker;
        rc = enqueue(r, job);
    }
    if (rc == SL_OK) {
        asker->job = job;
        return SL_AGAIN;
    }
    free(job);
    asker->reason = rc == SL_LIMIT ? "too many names are being looked up" : "out of memory";
    return rc;
}

static bool copy_name(char to[MAX_HOST_BYTES + 1], sl_str host)
{
    if (host.n == 0 || host.n > MAX_HOST_BYTES)
        return false;
    for (size_t i = 0; i < host.n; i++) {
        unsigned char c = (unsigned char)host.p[i];
        if (c <= ' ' || c == 0x7f)
            return false;
        to[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    to[host.n] = 0;
    return true;
}

enum sl_rc sl_resolve_start(struct sl_resolver *resolver, struct sl_loop *loop,
                            struct sl_resolve *r, sl_str host, uint16_t port)
{
    char name[MAX_HOST_BYTES + 1];
    r->job = NULL;
    r->reason = "";
    r->list.n = 0;
    if (sl_address_parse(host, port, &r->list.items[0])) {
        r->list.n = 1;
        return SL_OK;
    }
    if (!copy_name(name, host)) {
        r->reason = "not a host name";
        return SL_INVALID;
    }
    pthread_mutex_lock(&resolver->lock);
    enum sl_rc rc = ask_cache(resolver, name, r);
    if (rc == SL_AGAIN)
        rc = ask_thread(resolver, loop, name, port, r);
    pthread_mutex_unlock(&resolver->lock);
    for (uint32_t i = 0; rc == SL_OK && i < r->list.n; i++)
        sl_address_set_port(&r->list.items[i], port);
    return rc;
}

void sl_resolve_cancel(struct sl_resolve *r)
{
    if (r->job)
        r->job->asker = NULL;
    r->job = NULL;
}
