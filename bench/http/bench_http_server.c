/*
 * CPU per request of the HTTP server answering 200 with a short body, against nginx's `return 200`
 * in the same run: each server single-threaded on processor 0, wrk on processor 1, rounds taken in
 * turn. Then the memory of idle connections. CPU is the server process's own time on a processor
 * (/proc/PID/schedstat), which other load on the machine does not inflate much.
 */
#include "base/clock.h"
#include "http/server.h"
#include "net/listen.h"

#include <arpa/inet.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS      5
#define SECONDS     "2"
#define CONNECTIONS "32"
#define IDLE        10000

/* ---- our server, in a child -------------------------------------------------------------- */

static void on_end(void *app, struct sl_exchange *x, sl_str body)
{
    (void)app;
    (void)body;
    struct sl_headers headers = {0};
    if (sl_headers_add(&headers, x->arena, SL_STR("Content-Type"), SL_STR("text/plain")) == SL_OK)
        sl_reply_all(x, 200, &headers, SL_STR("ok\n"));
}

static void pin(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void serve(int report_fd)
{
    static const struct sl_handler handler = {.on_end = on_end};
    struct sl_server_options options = {.handler = &handler, .limits.header_timeout_ms = 600000};
    struct sl_loop *loop;
    struct sl_server *server;
    struct sl_err err = {0};
    uint16_t port = 0;
    pin(0);
    if (sl_loop_create(&loop) != SL_OK ||
        sl_server_listen(&server, loop, SL_STR("127.0.0.1"), 0, &options, &port, &err) != SL_OK) {
        fprintf(stderr, "cannot serve: %s\n", err.message);
        _exit(1);
    }
    if (write(report_fd, &port, sizeof port) == sizeof port)
        sl_loop_run(loop);
    _exit(0);
}

static pid_t start_ours(uint16_t *port)
{
    int fds[2];
    if (pipe(fds) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        serve(fds[1]);
    close(fds[1]);
    if (read(fds[0], port, sizeof *port) != sizeof *port)
        return -1;
    close(fds[0]);
    return pid;
}

/* ---- nginx ------------------------------------------------------------------------------- */

static pid_t start_nginx(uint16_t port)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/bench-nginx.%d.conf", (int)getpid());
    FILE *file = fopen(path, "w");
    if (!file)
        return -1;
    fprintf(file,
            "daemon off; master_process off; worker_processes 1; error_log /dev/null crit;\n"
            "pid /tmp/bench-nginx.%d.pid;\n"
            "events { worker_connections 20000; use epoll; }\n"
            "http { access_log off; keepalive_requests 1000000000; tcp_nodelay on;\n"
            "  default_type text/plain;\n"
            "  server { listen 127.0.0.1:%u reuseport; location / { return 200 \"ok\\n\"; } } }\n",
            (int)getpid(), (unsigned)port);
    fclose(file);
    pid_t pid = fork();
    if (pid == 0) {
        pin(0);
        execlp("nginx", "nginx", "-c", path, (char *)NULL);
        execl("/usr/sbin/nginx", "nginx", "-c", path, (char *)NULL);
        _exit(127);
    }
    usleep(500000);
    unlink(path);
    return waitpid(pid, NULL, WNOHANG) == 0 ? pid : -1;
}

static uint16_t free_port(void)
{
    int fd;
    uint16_t port = 0;
    if (sl_listen(SL_STR("127.0.0.1"), 0, &fd, &port, NULL) == SL_OK)
        close(fd);
    return port;
}

/* ---- measuring --------------------------------------------------------------------------- */

static uint64_t cpu_ns(pid_t pid)
{
    char path[64];
    unsigned long long ns = 0;
    snprintf(path, sizeof path, "/proc/%d/schedstat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%llu", &ns) != 1)
        ns = 0;
    if (file)
        fclose(file);
    return ns;
}

static double rss_mib(pid_t pid)
{
    char path[64];
    unsigned long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

struct figure {
    double us; /* CPU per request */
    double per_s;
};

/* One run of wrk; requests are counted by wrk. */
static struct figure load(pid_t pid, uint16_t port)
{
    char command[256], line[256];
    snprintf(command, sizeof command,
             "taskset -c 1 wrk -t1 -c" CONNECTIONS " -d" SECONDS "s http://127.0.0.1:%u/v1/models",
             (unsigned)port);
    uint64_t before = cpu_ns(pid);
    struct figure f = {0, 0};
    double requests = 0;
    FILE *wrk = popen(command, "r");
    while (wrk && fgets(line, sizeof line, wrk)) {
        sscanf(line, " %lf requests in", &requests);
        sscanf(line, "Requests/sec: %lf", &f.per_s);
    }
    if (wrk)
        pclose(wrk);
    f.us = requests > 0 ? (double)(cpu_ns(pid) - before) / 1000 / requests : 0;
    return f;
}

static int by_us(const void *a, const void *b)
{
    const struct figure *x = a, *y = b;
    return x->us < y->us ? -1 : x->us > y->us;
}

static struct figure median(struct figure f[ROUNDS])
{
    qsort(f, ROUNDS, sizeof f[0], by_us);
    return f[ROUNDS / 2];
}

static bool exchange_once(int fd)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";
    char answer[512];
    return send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1 &&
           recv(fd, answer, sizeof answer, 0) > 0;
}

static void measure_idle(const char *name, pid_t pid, uint16_t port)
{
    static int fds[IDLE];
    int n = 0;
    double before = rss_mib(pid);
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (; n < IDLE; n++) {
        fds[n] = socket(AF_INET, SOCK_STREAM, 0);
        if (fds[n] < 0 || connect(fds[n], (struct sockaddr *)&a, sizeof a) != 0 ||
            !exchange_once(fds[n]))
            break;
    }
    double during = rss_mib(pid);
    for (int i = 0; i < n; i++)
        close(fds[i]);
    usleep(500000);
    printf("%-8s RSS %.1f MiB, with %d idle connections %.1f MiB (%.0f bytes each), after them "
           "%.1f MiB\n",
           name, before, n, during, n ? (during - before) * (1 << 20) / n : 0.0, rss_mib(pid));
}

int main(void)
{
    struct rlimit files = {32768, 32768};
    setrlimit(RLIMIT_NOFILE, &files);
    uint16_t port = 0, nginx_port;
    uint64_t began_ns = sl_clock_ns();
    pid_t ours = start_ours(&port);
    double ready_ms = (double)(sl_clock_ns() - began_ns) / 1e6;
    nginx_port = free_port();
    pid_t nginx = start_nginx(nginx_port);
    if (ours < 0 || nginx < 0) {
        fprintf(stderr, "cannot start %s\n", ours < 0 ? "our server" : "nginx");
        return 1;
    }
    struct figure us[ROUNDS], them[ROUNDS];
    load(ours, port);
    load(nginx, nginx_port);
    for (int i = 0; i < ROUNDS; i++) {
        us[i] = load(ours, port);
        them[i] = load(nginx, nginx_port);
    }
    struct figure a = median(us), b = median(them);
    printf("sluice   %6.2f us CPU a request, %8.0f requests/s\n", a.us, a.per_s);
    printf("nginx    %6.2f us CPU a request, %8.0f requests/s\n", b.us, b.per_s);
    printf("ratio    %6.2f of nginx's CPU\n", b.us > 0 ? a.us / b.us : 0);
    printf("ready    %6.2f ms from fork to listening\n", ready_ms);
    measure_idle("sluice", ours, port);
    measure_idle("nginx", nginx, nginx_port);
    kill(ours, SIGKILL);
    kill(nginx, SIGTERM);
    while (wait(NULL) > 0)
        ;
    return 0;
}
