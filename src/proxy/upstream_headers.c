/*
 * What of a client's head goes to a provider. Left out: hop-by-hop fields (RFC 9110 7.6.1), what
 * the connection header names, everything that grants trust inside the router. Added: provider
 * authentication, the backend's own headers, a request id, and last the policy's header edits.
 */
#include "proxy/parts.h"

#define MAX_KEY_BYTES 4096

static bool is_hop_by_hop(sl_str n)
{
    static const sl_str names[] = {
        SL_STR_INIT("connection"),
        SL_STR_INIT("keep-alive"),
        SL_STR_INIT("host"),
        SL_STR_INIT("content-length"),
        SL_STR_INIT("te"),
        SL_STR_INIT("trailer"),
        SL_STR_INIT("transfer-encoding"),
        SL_STR_INIT("upgrade"),
        SL_STR_INIT("expect"),
        SL_STR_INIT("proxy-connection"),
        SL_STR_INIT("proxy-authorization"),
        SL_STR_INIT("proxy-authenticate"),
        SL_STR_INIT("accept-encoding"),
        SL_STR_INIT("http2-settings"),
    };
    for (size_t i = 0; i < SL_COUNT(names); i++)
        if (n.n == names[i].n && sl_str_eq_nocase(n, names[i]))
            return true;
    return false;
}

/* In any of its connection headers: the field may be repeated. */
static bool is_named_by_connection(const struct sl_headers *h, sl_str name)
{
    sl_str piece;
    for (uint32_t i = 0; i < h->n; i++) {
        sl_str list = h->items[i].value;
        if (!sl_str_eq_nocase(h->items[i].name, SL_STR("connection")))
            continue;
        while (sl_str_split(&list, ',', &piece))
            if (sl_str_eq_nocase(sl_str_trim(piece), name))
                return true;
    }
    return false;
}

/* Sets a header that the router owns: the client's one of that name goes. */
static enum sl_rc set(struct sl_headers *h, struct sl_arena *arena, sl_str name, sl_str value)
{
    for (uint32_t i = 0; i < h->n;) {
        if (sl_str_eq_nocase(h->items[i].name, name))
            h->items[i] = h->items[--h->n];
        else
            i++;
    }
    return value.p ? sl_headers_add(h, arena, name, value) : SL_OK;
}

static enum sl_rc copy_client_headers(struct sl_px *px, struct sl_headers *out)
{
    const struct sl_headers *in = &px->x->headers;
    bool has_connection = sl_headers_get(in, SL_STR("connection")).p;
    out->items = sl_arena_alloc(px->x->arena, (in->n + 12) * sizeof(*out->items));
    if (!out->items)
        return SL_NOMEM;
    out->n = 0;
    out->cap = in->n + 12;
    for (uint32_t i = 0; i < in->n; i++) {
        sl_str name = in->items[i].name;
        if (!is_hop_by_hop(name) && !sl_identity_is_private(&px->lane->identity, name) &&
            !(has_connection && is_named_by_connection(in, name)))
            out->items[out->n++] = in->items[i];
    }
    return SL_OK;
}

static sl_str user_key_value(struct sl_px *px, sl_str name)
{
    const struct sl_backend_cfg *b = px->backend;
    sl_str key = {NULL, 0};
    if (px->is_trusted)
        key = sl_identity_user_key(&px->lane->identity, &px->x->headers, b->provider,
                                   b->auth_value.n > 0);
    if (!key.n || key.n > MAX_KEY_BYTES)
        return (sl_str){NULL, 0};
    if (!sl_str_eq_nocase(name, SL_STR("authorization")))
        return key;
    return sl_arena_printf(px->x->arena, "Bearer %.*s", SL_FMT(key));
}

/* The key that the credential chain resolves replaces the client's own authorization. */
static enum sl_rc authenticate(struct sl_px *px, struct sl_headers *out)
{
    const struct sl_backend_cfg *b = px->backend;
    sl_str name = b->auth_header.n ? b->auth_header : SL_STR("authorization");
    sl_str value = user_key_value(px, name);
    if (!value.p)
        value = b->auth_value;
    if (!value.n)
        return sl_identity_needs_key(&px->lane->identity) ? SL_DENIED : SL_OK;
    enum sl_rc rc = set(out, px->x->arena, SL_STR("authorization"), (sl_str){NULL, 0});
    return rc == SL_OK ? set(out, px->x->arena, name, value) : rc;
}

/* A random (version 4) UUID. */
static sl_str new_request_id(struct sl_px *px)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t bits[2] = {sl_proxy_random(px->proxy), sl_proxy_random(px->proxy)};
    char *text = sl_arena_alloc_aligned(px->x->arena, 36, 1);
    if (!text)
        return (sl_str){NULL, 0};
    bits[0] = (bits[0] & ~(uint64_t)0xf000) | 0x4000;
    bits[1] = (bits[1] & (~(uint64_t)0 >> 2)) | (uint64_t)1 << 63;
    for (int i = 0, at = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            text[at++] = '-';
        text[at++] = digits[bits[i / 16] >> (60 - 4 * (i % 16)) & 15];
    }
    return sl_str_of(text, 36);
}

static enum sl_rc identify(struct sl_px *px, struct sl_headers *out)
{
    if (!px->request_id.n) {
        px->request_id = sl_headers_get(&px->x->headers, SL_STR("x-request-id"));
        if (px->request_id.n)
            return SL_OK;
        px->request_id = new_request_id(px);
        if (!px->request_id.p)
            return SL_NOMEM;
    } else if (sl_headers_get(out, SL_STR("x-request-id")).n) {
        return SL_OK;
    }
    return sl_headers_add(out, px->x->arena, SL_STR("x-request-id"), px->request_id);
}

enum sl_rc sl_px_upstream_headers(struct sl_px *px, const struct sl_rewrite *rewrite,
                                  struct sl_headers *out)
{
    struct sl_arena *arena = px->x->arena;
    enum sl_rc rc = copy_client_headers(px, out);
    if (rc == SL_OK)
        rc = authenticate(px, out);
    if (rc == SL_OK)
        rc = identify(px, out);
    if (rc == SL_OK)
        rc = sl_headers_add(out, arena, SL_STR("accept-encoding"), SL_STR("identity"));
    const struct sl_str_pairs *extra = &px->backend->extra_headers;
    for (uint32_t i = 0; rc == SL_OK && i < extra->n; i++)
        rc = set(out, arena, extra->items[i].name, extra->items[i].value);
    for (uint32_t i = 0; rc == SL_OK && i < rewrite->n_headers; i++)
        rc = set(out, arena, rewrite->headers[i].name, rewrite->headers[i].value);
    return rc;
}
