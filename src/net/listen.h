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

#endif
