/*
 * Who may speak for whom. Headers that grant trust (user, groups, team, tenant, per-user provider
 * keys, internal x-vsr-* controls) count only when the peer is a configured trusted proxy, by
 * address or by a shared secret; from anyone else they are as if absent. They are never forwarded
 * to a provider, whoever sent them. Immutable once made; any thread.
 */
#ifndef SL_PROXY_IDENTITY_H
#define SL_PROXY_IDENTITY_H

#include "config/config.h"
#include "http/message.h"
#include "route/facts.h"

struct sl_trust_range { /* an address block; IPv4 as ::ffff:a.b.c.d */
    unsigned char address[16];
    uint32_t prefix; /* bits */
};

struct sl_identity {
    const struct sl_global_cfg *cfg;
    struct sl_trust_range *ranges;
    uint32_t n_ranges;
};

/* Compiles the configured ranges. SL_INVALID with *bad: a text that is no address block. */
SL_MUST_USE enum sl_rc sl_identity_init(struct sl_identity *id, const struct sl_global_cfg *cfg,
                                        struct sl_arena *arena, sl_str *bad);

/* "10.0.0.0/8", "::1", "fd00::/8". */
bool sl_trust_range_parse(sl_str text, struct sl_trust_range *out);

/* peer: struct sockaddr_storage *, may be NULL (not trusted by address). */
bool sl_identity_is_trusted(const struct sl_identity *id, const void *peer,
                            const struct sl_headers *headers);

/*
 * User and groups of a trusted request into the facts. SL_INVALID: such a header appears twice, so
 * one of them may be a stranger's; SL_NOMEM.
 */
SL_MUST_USE enum sl_rc sl_identity_facts(const struct sl_identity *id,
                                         const struct sl_headers *headers, struct sl_arena *arena,
                                         struct sl_facts *facts);

/* True for headers that must never reach a provider. */
bool sl_identity_is_private(const struct sl_identity *id, sl_str name);

/*
 * The per-user key for a provider kind from the configured header-injection chain; empty without,
 * or when a static key exists and comes first. Only for trusted requests.
 */
sl_str sl_identity_user_key(const struct sl_identity *id, const struct sl_headers *headers,
                            sl_str provider, bool has_static_key);

/* True when a request without any key must be refused (specification 05 8.1). */
bool sl_identity_needs_key(const struct sl_identity *id);

#endif
