/*
 * Figures of the process (resident memory, CPU, descriptors, threads) at scrape time, and of each
 * loop (how late its timers fire, memory kept for reuse) from a timer on it.
 */
#ifndef SL_OBS_PROCESS_H
#define SL_OBS_PROCESS_H

#include "http/client.h"
#include "http/server.h"
#include "obs/metrics.h"
#include "sys/loop.h"

#define SL_WATCH_SERVERS 16

/* Registers the collector of process figures. Once, at start. */
void sl_process_collect(void);

struct sl_process_figures {
    uint64_t rss_bytes, virtual_bytes, n_fds, n_threads;
    double cpu_s, start_unix_s;
};
/* Of this process, from /proc. Zeros where it cannot be read. Any thread. */
void sl_process_read(struct sl_process_figures *out);

struct sl_loop_watch;

/*
 * Watches a loop until freed: two wake-ups a second that measure its lag and record its free arena
 * memory, its servers' connections and its client's. NULL when out of memory. Before the loop runs,
 * or on its thread.
 */
struct sl_loop_watch *sl_loop_watch_new(struct sl_loop *loop);
/* Adds a server of this loop, at most SL_WATCH_SERVERS; it must outlive the watch or its last turn.
 */
void sl_loop_watch_server(struct sl_loop_watch *watch, const struct sl_server *server);
/* The client of this loop, likewise. */
void sl_loop_watch_client(struct sl_loop_watch *watch, const struct sl_client *client);
void sl_loop_watch_free(struct sl_loop_watch *watch);

#endif
