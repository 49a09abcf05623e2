/* Listening TCP sockets. */
#include "net/listen.h"

#include "net/address.h"

#include <errno.h>
#include <unistd.h>

#define BACKLOG 4096

/* Bound and, where the port is shared between loops, listening. */
static int open_bound(const struct sl_address *a, bool is_both_families, bool is_shared)
{
    int on = 1, off = 0;
    int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (is_both_families)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (is_shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 &&
        bind(fd, &a->any, a->n) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    if (!is_shared && bind(fd, &a->any, a->n) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

enum sl_rc sl_listen(sl_str address, uint16_t port, int *fd, uint16_t *bound_port,
                     struct sl_err *err)
{
    struct sl_address a;
    bool is_any = address.n == 0 || sl_str_eq(address, SL_STR("*"));
    if (!sl_address_parse(is_any ? SL_STR("::") : address, port, &a))
        return sl_err_set(err, SL_INVALID,
                          "\"%.*s\" is not a numeric address; expected one such as 0.0.0.0, "
                          "127.0.0.1 or ::",
                          SL_FMT(address));
    int opened = open_bound(&a, is_any, true);
    if (opened < 0 && is_any && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        sl_address_parse(SL_STR("0.0.0.0"), port, &a);
        opened = open_bound(&a, false, true);
    }
    if (opened < 0) {
        char reason[96];
        const char *text = strerror_r(errno, reason, sizeof reason);
        return sl_err_set(err, SL_IO, "cannot listen on %.*s port %u: %s", SL_FMT(address),
                          (unsigned)port, text);
    }
    socklen_t n = sizeof a.v6;
    if (bound_port)
        *bound_port = getsockname(opened, &a.any, &n) == 0 ? sl_address_port(&a) : port;
    *fd = opened;
    return SL_OK;
}

enum sl_rc sl_listen_is_free(sl_str address, uint16_t port, struct sl_err *err)
{
    struct sl_address a;
    bool is_any = address.n == 0 || sl_str_eq(address, SL_STR("*"));
    if (port == 0 || !sl_address_parse(is_any ? SL_STR("::") : address, port, &a))
        return SL_OK;
    /* Binding tells; listening would take in clients that closing then resets. */
    int fd = open_bound(&a, is_any, false);
    if (fd < 0 && errno == EADDRINUSE)
        return sl_err_set(err, SL_IO,
                          "cannot listen on %.*s port %u: something else listens there already",
                          SL_FMT(address), (unsigned)port);
    if (fd >= 0)
        close(fd);
    return SL_OK;
}
