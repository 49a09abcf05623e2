/* Signals through a signalfd. */
#include "sys/signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void fill(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

enum sl_rc sl_signals_block(void)
{
    sigset_t set;
    fill(&set);
    signal(SIGPIPE, SIG_IGN);
    return pthread_sigmask(SIG_BLOCK, &set, NULL) == 0 ? SL_OK : SL_IO;
}

static void on_readable(struct sl_loop *loop, struct sl_io *io, uint32_t events)
{
    (void)loop;
    (void)events;
    struct sl_signals *s = SL_CONTAINER(io, struct sl_signals, io);
    struct signalfd_siginfo info;
    while (s->io.fd >= 0 && read(s->io.fd, &info, sizeof info) == sizeof info)
        s->on_signal(s, (int)info.ssi_signo);
}

enum sl_rc sl_signals_open(struct sl_loop *loop, struct sl_signals *s)
{
    sigset_t set;
    fill(&set);
    s->io = (struct sl_io){signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), on_readable};
    if (s->io.fd >= 0 && sl_loop_add(loop, &s->io) == SL_OK)
        return SL_OK;
    if (s->io.fd >= 0)
        close(s->io.fd);
    s->io.fd = -1;
    return SL_IO;
}

void sl_signals_close(struct sl_loop *loop, struct sl_signals *s)
{
    if (s->io.fd < 0)
        return;
    sl_loop_remove(loop, &s->io);
    close(s->io.fd);
    s->io.fd = -1;
}
