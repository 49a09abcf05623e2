/*
 * A byte stream over a non-blocking TCP (or Unix) socket, with TLS when asked for. Reads and
 * writes never block: SL_AGAIN means wait for the descriptor's next event. Belongs to one loop.
 */
#ifndef SL_NET_STREAM_H
#define SL_NET_STREAM_H

#include "base/rc.h"
#include "base/str.h"

#include <sys/types.h>
#include <sys/uio.h>

struct sl_stream;
struct sl_tls_context; /* net/tls.h: server or client side, shared and refcounted */

/* Takes the connected or connecting fd, sets TCP_NODELAY. tls NULL: plaintext. host: SNI, checks.
 */
struct sl_stream *sl_stream_new(int fd, struct sl_tls_context *tls, bool is_server, sl_str host);
void sl_stream_close(struct sl_stream *s); /* closes the fd and frees */
/* Closes so that the peer sees a reset, never an end in order. */
void sl_stream_reset(struct sl_stream *s);
int sl_stream_fd(const struct sl_stream *s);

/* TLS handshake step; SL_OK when done (at once for plaintext), SL_AGAIN, or why it failed. */
enum sl_rc sl_stream_handshake(struct sl_stream *s);
/* After the handshake: "h2", "http/1.1" or "". For a server or client of HTTP/2, once there is one.
 */
sl_str sl_stream_alpn(const struct sl_stream *s);
/* Why the last operation failed, for people. Static or owned by the stream. */
const char *sl_stream_error(const struct sl_stream *s);

/*
 * Up to n bytes: SL_OK and *got > 0, SL_EOF, SL_AGAIN, or SL_IO. After SL_AGAIN any event of the
 * descriptor is a reason to try again (TLS may have to write in order to read, and back).
 */
SL_MUST_USE enum sl_rc sl_stream_read(struct sl_stream *s, void *to, size_t n, size_t *got);
/*
 * True when the last read took all that the socket had, so that reading on before its next event
 * would only meet SL_AGAIN. An event with EPOLLRDHUP or EPOLLERR is a reason to read all the same.
 */
bool sl_stream_is_drained(const struct sl_stream *s);
/*
 * Some of the pieces: SL_OK and *sent > 0, SL_AGAIN, or SL_IO (peer gone). TLS joins small pieces
 * into full records; after SL_AGAIN the next call must begin with the same bytes.
 */
SL_MUST_USE enum sl_rc sl_stream_writev(struct sl_stream *s, const struct iovec *iov, size_t n,
                                        size_t *sent);
/* Ends our direction in order (TLS close_notify, FIN). SL_AGAIN: not yet, the socket is full. */
enum sl_rc sl_stream_shutdown(struct sl_stream *s);

#endif
