/*
 * From a name to a connection that may send: addresses are tried one after the other, each with its
 * share of the limit, then TLS.
 */
#include "http/client_parts.h"

#include <errno.h>
#include <sys/socket.h>

#define MAX_HEAD_BYTES 65536u

void call_attach(struct sl_call *call, struct sl_client_conn *conn)
{
    call->conn = conn;
    conn->call = call;
    sl_h1_response_init(&call->parser, call->request.arena,
                        sl_str_eq(call->request.method, SL_STR("HEAD")), MAX_HEAD_BYTES);
}

static uint64_t connect_limit_ms(const struct sl_call *call)
{
    uint64_t ms = call->request.timeouts.connect_ms, n = call->resolve.list.n;
    return ms && n > 1 ? ms / n + 1 : ms;
}

static void begin_connect(struct sl_call *call)
{
    int error = EHOSTUNREACH;
    call->is_reused = false;
    call->phase = SL_PHASE_CONNECT;
    while (call->next_address < call->resolve.list.n) {
        struct sl_address to = call->resolve.list.items[call->next_address++];
        struct sl_client_conn *conn;
        sl_address_set_port(&to, call->request.port);
        if (sl_client_connect(call->client, call->host, &to, &conn) == SL_OK) {
            call_attach(call, conn);
            call_enter_phase(call, SL_PHASE_CONNECT, connect_limit_ms(call));
            return;
        }
        error = errno;
    }
    call_fail_errno(call, error);
}

void call_connect_failed(struct sl_call *call, enum sl_rc rc, int error, const char *reason)
{
    if (call->conn) {
        sl_client_close(call->conn);
        call->conn = NULL;
    }
    if (call->next_address < call->resolve.list.n)
        begin_connect(call);
    else if (error)
        call_fail_errno(call, error);
    else
        call_fail(call, rc, reason);
}

static void on_resolved(struct sl_resolve *r, enum sl_rc rc)
{
    struct sl_call *call = SL_CONTAINER(r, struct sl_call, resolve);
    call->is_busy = true;
    if (rc == SL_OK)
        begin_connect(call);
    else
        call_fail(call, rc, r->reason);
    call_leave(call);
}

void call_resolve(struct sl_call *call)
{
    struct sl_address numeric;
    call_enter_phase(call, SL_PHASE_RESOLVE, call->request.timeouts.connect_ms);
    call->next_address = 0;
    if (sl_address_parse(call->request.host, call->request.port, &numeric)) {
        call->resolve.list.items[0] = numeric;
        call->resolve.list.n = 1;
        begin_connect(call);
        return;
    }
    if (!call->client->resolver) {
        call_fail(call, SL_UNSUPPORTED, "no resolver for names");
        return;
    }
    call->resolve.on_resolved = on_resolved;
    enum sl_rc rc = sl_resolve_start(call->client->resolver, call->client->loop, &call->resolve,
                                     call->request.host, call->request.port);
    if (rc == SL_OK)
        begin_connect(call);
    else if (rc != SL_AGAIN)
        call_fail(call, rc, call->resolve.reason);
}

void call_handshake(struct sl_call *call)
{
    enum sl_rc rc = sl_stream_handshake(call->conn->stream);
    if (rc == SL_AGAIN)
        return;
    if (rc != SL_OK) {
        const char *why = call_keep_reason(call, sl_stream_error(call->conn->stream));
        call_connect_failed(call, rc, 0, why);
        return;
    }
    call->times.connected_ns = sl_loop_now_ns(call->client->loop) - call->started_ns;
    call->is_readable = call->request.tls != NULL; /* the handshake may have eaten the edge */
    call_enter_phase(call, SL_PHASE_SEND, call->request.timeouts.send_ms);
    call_send(call);
}

void call_connected(struct sl_call *call)
{
    int error = 0;
    socklen_t n = sizeof(error);
    if (getsockopt(call->conn->io.fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
        error = errno;
    if (error) {
        call_connect_failed(call, SL_IO, error, NULL);
        return;
    }
    call_enter_phase(call, SL_PHASE_TLS, call->request.timeouts.tls_ms);
    call_handshake(call);
}
