/*
 * Names to addresses without blocking a loop: getaddrinfo on a few bounded threads, a cache with a
 * lifetime, answers by mailbox. One resolver serves all loops. Numeric addresses never leave the
 * calling thread, and no thread exists before the first name is asked for.
 */
#ifndef SL_NET_RESOLVER_H
#define SL_NET_RESOLVER_H

#include "net/address.h"
#include "sys/loop.h"

#define SL_RESOLVE_MAX 8 /* addresses kept a name */

struct sl_resolver;
struct sl_resolve_job;

struct sl_address_list {
    struct sl_address
        items[SL_RESOLVE_MAX]; /* both families, in the system's order of preference */
    uint32_t n;
};

/*
 * Embedded by the asker, alive until on_resolved or sl_resolve_cancel. `list` and `reason` are
 * valid from then on; reason is static text.
 */
struct sl_resolve {
    void (*on_resolved)(struct sl_resolve *r, enum sl_rc rc);
    struct sl_address_list list;
    const char *reason;         /* why it failed */
    struct sl_resolve_job *job; /* NULL: not waiting */
};

/* Fills out (ports are ignored); SL_NOTFOUND or SL_IO with a static reason. Any thread, may block.
 */
typedef enum sl_rc sl_lookup_fn(const char *host, struct sl_address_list *out, const char **reason);

struct sl_resolver_options {
    uint32_t ttl_ms;      /* then the name is asked for again; 0: 30 s */
    uint32_t max_names;   /* cached; 0: 256 */
    uint32_t max_waiting; /* lookups queued; 0: 1024 */
    sl_lookup_fn *lookup; /* NULL: the system's */
};

/*
 * An answer older than its ttl is still used at once while a new lookup runs behind it, and kept
 * for ten ttls when lookups fail. Failures are remembered for a second.
 */
SL_MUST_USE enum sl_rc sl_resolver_create(struct sl_resolver **out,
                                          const struct sl_resolver_options *options);
/* Waits for the lookup that is running. No query may be waiting. */
void sl_resolver_destroy(struct sl_resolver *resolver);

/*
 * SL_OK: r->list is filled (numeric or cached), no callback follows. SL_AGAIN: on_resolved will be
 * called on `loop`, which is the caller's. SL_NOTFOUND, SL_IO (remembered failure), SL_INVALID (not
 * a name), SL_LIMIT (queue full), SL_NOMEM: r->reason says why, no callback follows.
 */
SL_MUST_USE enum sl_rc sl_resolve_start(struct sl_resolver *resolver, struct sl_loop *loop,
                                        struct sl_resolve *r, sl_str host, uint16_t port);
/* No callback follows. Fine when not waiting. On the loop that started it. */
void sl_resolve_cancel(struct sl_resolve *r);

#endif
