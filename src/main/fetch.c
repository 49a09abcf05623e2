/* A loop of its own for one call. */
#include "main/fetch.h"

#include "http/client.h"
#include "net/resolver.h"
#include "net/tls.h"

#include <stdio.h>

struct fetch {
    struct sl_loop *loop;
    struct sl_buf *out;
    char *reason;
    int status;
    bool is_ok;
};

static void on_head(void *ctx, const struct sl_response *response)
{
    ((struct fetch *)ctx)->status = response->status;
}

static void on_body(void *ctx, sl_str bytes)
{
    sl_buf_add(((struct fetch *)ctx)->out, bytes);
}

static void on_end(void *ctx)
{
    struct fetch *f = ctx;
    f->is_ok = f->status == 200 && !f->out->is_full;
    if (!f->is_ok)
        snprintf(f->reason, 160, "status %d", f->status);
    sl_loop_stop(f->loop);
}

static void on_fail(void *ctx, enum sl_rc rc, enum sl_call_phase phase, bool was_sent,
                    bool got_bytes, const char *reason)
{
    struct fetch *f = ctx;
    (void)was_sent;
    (void)got_bytes;
    snprintf(f->reason, 160, "%s: %s", sl_call_phase_name(phase), reason ? reason : sl_rc_name(rc));
    sl_loop_stop(f->loop);
}

static bool start(struct fetch *f, struct sl_client *client, const struct sl_url *url,
                  struct sl_tls_context *tls, struct sl_arena *arena, uint64_t timeout_ms)
{
    static const struct sl_call_callbacks callbacks = {
        .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_fail};
    static const struct sl_headers no_headers = {0};
    struct sl_request request = {
        .host = url->host,
        .port = url->port,
        .tls = tls,
        .method = SL_STR("GET"),
        .target = url->target,
        .headers = &no_headers,
        .timeouts = {.connect_ms = timeout_ms, .total_ms = timeout_ms},
        .arena = arena,
    };
    return sl_client_start(client, &request, &callbacks, f) != NULL;
}

bool sl_fetch(const struct sl_url *url, uint64_t timeout_ms, struct sl_buf *out, char reason[160])
{
    struct fetch f = {.out = out, .reason = reason};
    struct sl_resolver *resolver = NULL;
    struct sl_client *client = NULL;
    struct sl_tls_context *tls = NULL;
    struct sl_arena arena;
    struct sl_err err = {0};
    struct sl_resolver_options names = {0};
    struct sl_tls_client_options trust = {0};
    sl_arena_init(&arena, NULL, 1 << 20);
    snprintf(reason, 160, "out of memory");
    if (sl_loop_create(&f.loop) != SL_OK || sl_resolver_create(&resolver, &names) != SL_OK)
        goto out;
    struct sl_client_options options = {.resolver = resolver};
    if (sl_client_create(&client, f.loop, &options) != SL_OK)
        goto out;
    if (url->is_tls && sl_tls_client_create(&tls, &trust, &err) != SL_OK) {
        snprintf(reason, 160, "%.150s", err.message);
        goto out;
    }
    if (start(&f, client, url, tls, &arena, timeout_ms))
        sl_loop_run(f.loop);
out:
    if (client)
        sl_client_destroy(client);
    if (resolver)
        sl_resolver_destroy(resolver);
    if (f.loop)
        sl_loop_destroy(f.loop);
    sl_tls_unref(tls);
    sl_arena_reset(&arena);
    return f.is_ok;
}
