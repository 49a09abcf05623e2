/* Trust by address or secret; what is private; the credential chain of specification 05 8.1. */
#include "proxy/identity.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static bool parse_address(sl_str text, unsigned char out[16], bool *is_v4)
{
    char copy[64];
    if (text.n == 0 || text.n >= sizeof(copy))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    memset(out, 0, 16);
    *is_v4 = inet_pton(AF_INET, copy, out + 12) == 1;
    if (*is_v4) {
        out[10] = out[11] = 0xff;
        return true;
    }
    return inet_pton(AF_INET6, copy, out) == 1;
}

bool sl_trust_range_parse(sl_str text, struct sl_trust_range *out)
{
    text = sl_str_trim(text);
    size_t slash = sl_str_chr(text, '/');
    bool is_v4;
    int64_t bits = 0;
    if (!parse_address(sl_str_sub(text, 0, slash), out->address, &is_v4))
        return false;
    if (slash == text.n) {
        out->prefix = 128;
        return true;
    }
    if (!sl_str_to_i64(sl_str_sub(text, slash + 1, text.n), &bits) || bits < 0 ||
        bits > (is_v4 ? 32 : 128))
        return false;
    out->prefix = (uint32_t)bits + (is_v4 ? 96 : 0);
    return true;
}

enum sl_rc sl_identity_init(struct sl_identity *id, const struct sl_global_cfg *cfg,
                            struct sl_arena *arena, sl_str *bad)
{
    const struct sl_strs *texts = &cfg->identity.trusted_proxies;
    *id = (struct sl_identity){.cfg = cfg};
    id->ranges = SL_NEW_ARRAY(arena, struct sl_trust_range, texts->n);
    if (!id->ranges && texts->n)
        return SL_NOMEM;
    for (uint32_t i = 0; i < texts->n; i++) {
        if (!sl_trust_range_parse(texts->items[i], &id->ranges[id->n_ranges])) {
            *bad = texts->items[i];
            return SL_INVALID;
        }
        id->n_ranges++;
    }
    return SL_OK;
}

static bool is_in_range(const unsigned char address[16], const struct sl_trust_range *r)
{
    uint32_t whole = r->prefix / 8, rest = r->prefix % 8;
    if (memcmp(address, r->address, whole) != 0)
        return false;
    unsigned mask = rest ? 0xffu << (8 - rest) & 0xffu : 0;
    return !rest || ((address[whole] ^ r->address[whole]) & mask) == 0;
}

static bool peer_bytes(const void *peer, unsigned char out[16])
{
    const struct sockaddr *any = peer;
    if (!any)
        return false;
    memset(out, 0, 16);
    if (any->sa_family == AF_INET6) {
        memcpy(out, &((const struct sockaddr_in6 *)peer)->sin6_addr, 16);
        return true;
    }
    if (any->sa_family != AF_INET)
        return false;
    out[10] = out[11] = 0xff;
    memcpy(out + 12, &((const struct sockaddr_in *)peer)->sin_addr, 4);
    return true;
}

/* Takes the same time wherever the texts differ. */
static bool is_same_secret(sl_str a, sl_str b)
{
    unsigned difference = a.n != b.n;
    for (size_t i = 0; i < a.n && b.n; i++)
        difference |= (unsigned char)a.p[i] ^ (unsigned char)b.p[i % b.n];
    return difference == 0;
}

bool sl_identity_is_trusted(const struct sl_identity *id, const void *peer,
                            const struct sl_headers *headers)
{
    unsigned char address[16];
    const struct sl_identity_cfg *cfg = &id->cfg->identity;
    if (id->n_ranges && peer_bytes(peer, address))
        for (uint32_t i = 0; i < id->n_ranges; i++)
            if (is_in_range(address, &id->ranges[i]))
                return true;
    if (!cfg->trusted_secret_header.n || !cfg->trusted_secret.n)
        return false;
    sl_str shown = sl_headers_get(headers, cfg->trusted_secret_header);
    return shown.p && is_same_secret(shown, cfg->trusted_secret);
}

static bool appears_twice(const struct sl_headers *headers, sl_str name)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < headers->n; i++)
        n += sl_str_eq_nocase(headers->items[i].name, name);
    return n > 1;
}

enum sl_rc sl_identity_facts(const struct sl_identity *id, const struct sl_headers *headers,
                             struct sl_arena *arena, struct sl_facts *facts)
{
    const struct sl_identity_cfg *cfg = &id->cfg->identity;
    if (appears_twice(headers, cfg->user_id_header) ||
        appears_twice(headers, cfg->user_groups_header))
        return SL_INVALID;
    facts->user_id = sl_str_trim(sl_headers_get(headers, id->cfg->identity.user_id_header));
    sl_str list = sl_headers_get(headers, id->cfg->identity.user_groups_header);
    if (!list.p)
        return SL_OK;
    uint32_t cap = 1, n = 0;
    for (size_t i = 0; i < list.n; i++)
        cap += list.p[i] == ',';
    sl_str *groups = SL_NEW_ARRAY(arena, sl_str, cap), piece;
    if (!groups)
        return SL_NOMEM;
    while (sl_str_split(&list, ',', &piece)) {
        piece = sl_str_trim(piece);
        if (piece.n)
            groups[n++] = piece;
    }
    facts->groups = groups;
    facts->n_groups = n;
    return SL_OK;
}

/* Many servers read '_' in a header's name as '-': a private name must not pass in that spelling.
 */
static char name_byte(char c)
{
    if (c == '_')
        return '-';
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool is_same_name(sl_str a, sl_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (name_byte(a.p[i]) != name_byte(b.p[i]))
            return false;
    return true;
}

static bool starts_as(sl_str s, sl_str prefix)
{
    return s.n >= prefix.n && is_same_name(sl_str_sub(s, 0, prefix.n), prefix);
}

static bool ends_as(sl_str s, sl_str suffix)
{
    return s.n >= suffix.n && is_same_name(sl_str_sub(s, s.n - suffix.n, s.n), suffix);
}

bool sl_identity_is_private(const struct sl_identity *id, sl_str name)
{
    const struct sl_identity_cfg *cfg = &id->cfg->identity;
    bool may_be_custom = cfg->trusted_secret_header.n || id->cfg->n_credential_providers;
    if (name.n > 2 && (name.p[0] | 0x20) == 'x' && (name.p[1] == '-' || name.p[1] == '_')) {
        if (starts_as(name, SL_STR("x-vsr-")) || starts_as(name, SL_STR("x-authz-")) ||
            is_same_name(name, SL_STR("x-selected-model")) ||
            (starts_as(name, SL_STR("x-user-")) && ends_as(name, SL_STR("-key"))))
            return true;
    }
    if (is_same_name(name, cfg->user_id_header) || is_same_name(name, cfg->user_groups_header))
        return true;
    if (!may_be_custom)
        return false;
    if (cfg->trusted_secret_header.n && is_same_name(name, cfg->trusted_secret_header))
        return true;
    for (uint32_t p = 0; p < id->cfg->n_credential_providers; p++) {
        const struct sl_str_pairs *h = &id->cfg->credential_providers[p].headers;
        for (uint32_t i = 0; i < h->n; i++)
            if (is_same_name(name, h->items[i].value))
                return true;
    }
    return false;
}

static sl_str injected_key(const struct sl_headers *headers, const struct sl_str_pairs *names,
                           sl_str provider)
{
    char fallback[64];
    for (uint32_t i = 0; i < names->n; i++)
        if (sl_str_eq(names->items[i].name, provider))
            return sl_str_trim(sl_headers_get(headers, names->items[i].value));
    if (provider.n > 40)
        return (sl_str){NULL, 0};
    size_t n = 0;
    memcpy(fallback, "x-user-", 7);
    n = 7;
    memcpy(fallback + n, provider.p, provider.n);
    n += provider.n;
    memcpy(fallback + n, "-key", 4);
    return sl_str_trim(sl_headers_get(headers, sl_str_of(fallback, n + 4)));
}

sl_str sl_identity_user_key(const struct sl_identity *id, const struct sl_headers *headers,
                            sl_str provider, bool has_static_key)
{
    static const struct sl_str_pairs none = {NULL, 0};
    if (!provider.n)
        provider = SL_STR("openai");
    if (!id->cfg->n_credential_providers)
        return injected_key(headers, &none, provider);
    for (uint32_t i = 0; i < id->cfg->n_credential_providers; i++) {
        const struct sl_credential_provider_cfg *p = &id->cfg->credential_providers[i];
        if (!p->is_header_injection && has_static_key)
            return (sl_str){NULL, 0};
        if (!p->is_header_injection)
            continue;
        sl_str key = injected_key(headers, &p->headers, provider);
        if (key.n)
            return key;
    }
    return (sl_str){NULL, 0};
}

bool sl_identity_needs_key(const struct sl_identity *id)
{
    return id->cfg->n_credential_providers && !id->cfg->authz_fail_open;
}
