/* Listening TCP sockets. */
#ifndef SL_NET_LISTEN_H
#define SL_NET_LISTEN_H

#include "base/err.h"

/*
 * A non-blocking listening socket on a numeric address ("" and "*": every address, both
 * families), with SO_REUSEPORT so that each loop has its own. port 0 picks one; *bound_port (may
 * be NULL) tells which. SL_INVALID: not an address; SL_IO: refused by the system, err says why.
 */
SL_MUST_USE enum sl_rc sl_listen(sl_str address, uint16_t port, int *fd, uint16_t *bound_port,
                                 struct sl_err *err);

/*
 * Whether nothing listens there yet: sl_listen() alone would share the port with another process
 * of the same user, and each would get a part of the connections. Ask once, before the first
 * loop listens. SL_OK for port 0 and for what is no address; SL_IO: err says why not.
 */
SL_MUST_USE enum sl_rc sl_listen_is_free(sl_str address, uint16_t port, struct sl_err *err);

#endif
