/*
 * What went wrong with a call, in words that a client can act on: the backend's host and port, how
 * far the call came, and how long was waited. Never the path, the query or a header: they may hold
 * secrets.
 */
#include "proxy/parts.h"

#include <errno.h>

#define NS_PER_MS 1000000u

struct waiting {
    const char *before, *after; /* of the address; the milliseconds follow */
    uint64_t ms;
};

sl_str sl_px_backend_address(const struct sl_px *px, const struct sl_backend_cfg *b)
{
    bool is_ipv6 = sl_str_chr(b->host, ':') < b->host.n;
    return sl_arena_printf(px->x->arena, "%s%.*s%s:%u", is_ipv6 ? "[" : "", SL_FMT(b->host),
                           is_ipv6 ? "]" : "", b->port);
}

static sl_str timed_out(const struct sl_px *px, enum sl_call_phase phase, sl_str at)
{
    const struct sl_client_timeouts t = sl_px_timeouts(px);
    const struct waiting waits[] = {
        [SL_PHASE_RESOLVE] = {"no address for ", " within", t.connect_ms},
        [SL_PHASE_CONNECT] = {"no connection to ", " within", t.connect_ms},
        [SL_PHASE_TLS] = {"no TLS handshake with ", " within", t.tls_ms},
        [SL_PHASE_SEND] = {"", " took nothing of the request for", t.send_ms},
        [SL_PHASE_FIRST_BYTE] = {"no first byte from ", " within", t.first_byte_ms},
        [SL_PHASE_HEAD] = {"", " did not end the head of its answer within", t.idle_ms},
        [SL_PHASE_BODY_READ] = {"", " paused within its answer for", t.idle_ms},
    };
    struct waiting w = waits[phase];
    if (sl_loop_now_ns(px->proxy->loop) + NS_PER_MS >= px->deadline_ns)
        w = (struct waiting){"no whole answer from ", " within",
                             (px->deadline_ns - px->x->started_ns) / NS_PER_MS};
    return sl_arena_printf(px->x->arena, "%s%.*s%s %llu ms", w.before, SL_FMT(at), w.after,
                           (unsigned long long)w.ms);
}

static bool is_refused(const char *reason)
{
    char text[96];
    return strcmp(reason, strerror_r(ECONNREFUSED, text, sizeof(text))) == 0;
}

static sl_str failed(const struct sl_px *px, enum sl_call_phase phase, sl_str at,
                     const char *reason)
{
    struct sl_arena *arena = px->x->arena;
    switch (phase) {
    case SL_PHASE_RESOLVE:
        return sl_arena_printf(arena, "cannot resolve %.*s: %s", SL_FMT(px->backend->host), reason);
    case SL_PHASE_CONNECT:
        return is_refused(reason)
                   ? sl_arena_printf(arena, "connection refused by %.*s", SL_FMT(at))
                   : sl_arena_printf(arena, "cannot connect to %.*s: %s", SL_FMT(at), reason);
    case SL_PHASE_TLS:
        return sl_arena_printf(arena, "no TLS with %.*s: %s", SL_FMT(at), reason);
    case SL_PHASE_SEND:
        return sl_arena_printf(arena, "the request did not reach %.*s: %s", SL_FMT(at), reason);
    case SL_PHASE_FIRST_BYTE:
        return sl_arena_printf(arena, "no answer from %.*s: %s", SL_FMT(at), reason);
    default:
        return sl_arena_printf(arena, "broken answer from %.*s: %s", SL_FMT(at), reason);
    }
}

sl_str sl_px_failure(const struct sl_px *px, enum sl_rc rc, enum sl_call_phase phase,
                     const char *reason)
{
    sl_str at = sl_px_backend_address(px, px->backend);
    sl_str text =
        rc == SL_TIMEOUT ? timed_out(px, phase, at) : failed(px, phase, at, reason ? reason : "");
    return text.p ? text : SL_STR("the call to the provider failed");
}

#define MAX_NAMED 3u

sl_str sl_px_backend_list(const struct sl_px *px, const struct sl_model_cfg *model)
{
    sl_str list = {NULL, 0};
    for (uint32_t i = 0; i < model->n_backends && i < MAX_NAMED; i++) {
        sl_str at = sl_px_backend_address(px, &model->backends[i]);
        list = sl_arena_printf(px->x->arena, "%.*s%s%.*s", SL_FMT(list), i ? ", " : "", SL_FMT(at));
    }
    if (model->n_backends > MAX_NAMED)
        list = sl_arena_printf(px->x->arena, "%.*s and %u more", SL_FMT(list),
                               model->n_backends - MAX_NAMED);
    return list;
}
