/*
 * The access log. A line is built in the loop's buffer; a timer or a full buffer sends the lines
 * out. Regular files take the buffer in one write; anything that may block (a pipe, a terminal)
 * is asked first and gets whole lines of at most PIPE_BUF bytes, which the kernel does not mix
 * with those of other loops. A reader that does not keep up loses lines, counted in the next one
 * that gets through; it never stops requests.
 */
#include "obs/access_log.h"

#include "base/buf.h"
#include "codec/json_write.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FLUSH_MS       5
#define FLUSH_BYTES    (32u << 10)
#define MAX_BYTES      (256u << 10) /* kept for a slow reader */
#define MAX_TEXT_BYTES 512          /* of one field */

struct sl_access_log {
    struct sl_loop *loop;
    struct sl_timer timer; /* first member that is an owner: found with SL_CONTAINER */
    bool is_timer_on;
    bool is_json;
    bool is_file;
    int fd;
    struct sl_buf lines;
    uint64_t n_lost;
    int64_t stamped_s; /* second of `stamp` */
    char stamp[24];    /* "2026-01-31T12:00:00" */
};

/* Bytes of whole lines that one write may carry; 0 when the reader has to catch up first. */
static size_t sendable(const struct sl_access_log *log, const char *p, size_t n)
{
    if (log->is_file)
        return n;
    struct pollfd ready = {.fd = log->fd, .events = POLLOUT};
    if (poll(&ready, 1, 0) <= 0 || !(ready.revents & POLLOUT))
        return 0;
    if (n <= PIPE_BUF)
        return n;
    const char *end = memrchr(p, '\n', PIPE_BUF);
    return end ? (size_t)(end - p) + 1 : PIPE_BUF;
}

static void flush(struct sl_access_log *log)
{
    size_t sent = 0;
    while (sent < log->lines.n) {
        size_t n = sendable(log, log->lines.p + sent, log->lines.n - sent);
        if (!n)
            break;
        ssize_t wrote = write(log->fd, log->lines.p + sent, n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0 && errno == EAGAIN)
            break;
        if (wrote < 0) { /* a full disk, a closed pipe: nobody will ever read these */
            for (; sent < log->lines.n; sent++)
                log->n_lost += log->lines.p[sent] == '\n';
            break;
        }
        sent += (size_t)wrote;
    }
    if (sent && sent < log->lines.n)
        memmove(log->lines.p, log->lines.p + sent, log->lines.n - sent);
    log->lines.n -= sent;
}

static void on_timer(struct sl_loop *loop, struct sl_timer *timer)
{
    struct sl_access_log *log = SL_CONTAINER(timer, struct sl_access_log, timer);
    flush(log);
    log->is_timer_on = log->lines.n > 0;
    if (log->is_timer_on)
        sl_timer_start(loop, timer, FLUSH_MS);
}

struct sl_access_log *sl_access_log_new(struct sl_loop *loop, int fd, bool is_json)
{
    struct sl_access_log *log = calloc(1, sizeof(*log));
    if (!log)
        return NULL;
    struct stat status;
    log->loop = loop;
    log->fd = fd;
    log->is_json = is_json;
    log->is_file = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    log->timer.on_timer = on_timer;
    sl_buf_init(&log->lines, MAX_BYTES);
    return log;
}

void sl_access_log_free(struct sl_access_log *log)
{
    if (!log)
        return;
    if (log->is_timer_on)
        sl_timer_stop(log->loop, &log->timer);
    flush(log);
    sl_buf_free(&log->lines);
    free(log);
}

static void put_time(struct sl_access_log *log)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != log->stamped_s || !log->stamp[0]) {
        struct tm utc;
        gmtime_r(&now.tv_sec, &utc);
        strftime(log->stamp, sizeof(log->stamp), "%Y-%m-%dT%H:%M:%S", &utc);
        log->stamped_s = now.tv_sec;
    }
    sl_buf_printf(&log->lines, "%s.%03dZ", log->stamp, (int)(now.tv_nsec / 1000000));
}

static void json_text(struct sl_buf *b, const char *key, sl_str value)
{
    if (!value.n)
        return;
    sl_buf_printf(b, ",\"%s\":", key);
    sl_json_escape(b, sl_str_sub(value, 0, MAX_TEXT_BYTES));
}

static void json_ms(struct sl_buf *b, const char *key, uint64_t ns)
{
    if (ns)
        sl_buf_printf(b, ",\"%s\":%.3f", key, (double)ns / 1e6);
}

static void put_json(struct sl_access_log *log, const struct sl_access_line *line)
{
    struct sl_buf *b = &log->lines;
    sl_buf_add(b, SL_STR("{\"ts\":\""));
    put_time(log);
    sl_buf_add_char(b, '"');
    json_text(b, "request_id", line->request_id);
    json_text(b, "peer", line->peer);
    json_text(b, "method", line->method);
    json_text(b, "path", line->path);
    sl_buf_printf(b, ",\"status\":%d", line->status);
    json_text(b, "recipe", line->recipe);
    json_text(b, "decision", line->decision);
    if (line->decision.n)
        sl_buf_printf(b, ",\"confidence\":%.4g", line->confidence);
    json_text(b, "algorithm", line->algorithm);
    json_text(b, "model", line->model);
    json_text(b, "backend", line->backend);
    sl_buf_printf(b, ",\"bytes_in\":%llu,\"bytes_out\":%llu", (unsigned long long)line->bytes_in,
                  (unsigned long long)line->bytes_out);
    if (line->route_ns)
        sl_buf_printf(b, ",\"route_us\":%.1f", (double)line->route_ns / 1e3);
    json_ms(b, "first_byte_ms", line->first_byte_ns);
    json_ms(b, "total_ms", line->total_ns);
    if (line->prompt_tok >= 0)
        sl_buf_printf(b, ",\"prompt_tokens\":%lld", (long long)line->prompt_tok);
    if (line->completion_tok >= 0)
        sl_buf_printf(b, ",\"completion_tokens\":%lld", (long long)line->completion_tok);
    json_text(b, "end", sl_str_from(line->end));
    if (log->n_lost)
        sl_buf_printf(b, ",\"lines_lost\":%llu", (unsigned long long)log->n_lost);
    sl_buf_add(b, SL_STR("}\n"));
}

/* Client text in a text line: no blanks, quotes or control characters that would forge fields. */
static void put_plain(struct sl_buf *b, sl_str value)
{
    value = sl_str_sub(value, 0, MAX_TEXT_BYTES);
    if (!value.n)
        sl_buf_add_char(b, '-');
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (c <= ' ' || c == '"' || c == '\\' || c == 0x7f)
            sl_buf_printf(b, "\\x%02x", c);
        else
            sl_buf_add_char(b, (char)c);
    }
}

static void text_pair(struct sl_buf *b, const char *key, sl_str value)
{
    if (!value.n)
        return;
    sl_buf_printf(b, " %s=", key);
    put_plain(b, value);
}

static void put_text(struct sl_access_log *log, const struct sl_access_line *line)
{
    struct sl_buf *b = &log->lines;
    put_time(log);
    sl_buf_add_char(b, ' ');
    put_plain(b, line->peer);
    sl_buf_add_char(b, ' ');
    put_plain(b, line->method);
    sl_buf_add_char(b, ' ');
    put_plain(b, line->path);
    sl_buf_printf(b, " %d", line->status);
    text_pair(b, "recipe", line->recipe);
    text_pair(b, "decision", line->decision);
    text_pair(b, "model", line->model);
    text_pair(b, "backend", line->backend);
    if (line->route_ns)
        sl_buf_printf(b, " route=%.1fus", (double)line->route_ns / 1e3);
    if (line->first_byte_ns)
        sl_buf_printf(b, " first=%.3fms", (double)line->first_byte_ns / 1e6);
    sl_buf_printf(b, " total=%.3fms in=%llu out=%llu", (double)line->total_ns / 1e6,
                  (unsigned long long)line->bytes_in, (unsigned long long)line->bytes_out);
    if (line->prompt_tok >= 0 && line->completion_tok >= 0)
        sl_buf_printf(b, " tokens=%lld+%lld", (long long)line->prompt_tok,
                      (long long)line->completion_tok);
    text_pair(b, "end", sl_str_from(line->end));
    text_pair(b, "id", line->request_id);
    if (log->n_lost)
        sl_buf_printf(b, " lost=%llu", (unsigned long long)log->n_lost);
    sl_buf_add_char(b, '\n');
}

void sl_access_log_write(struct sl_access_log *log, const struct sl_access_line *line)
{
    if (!log || log->fd < 0)
        return;
    size_t before = log->lines.n;
    if (log->is_json)
        put_json(log, line);
    else
        put_text(log, line);
    if (log->lines.is_full) { /* the whole line goes, not a part of it */
        log->lines.n = before;
        log->lines.is_full = false;
        log->n_lost++;
    } else {
        log->n_lost = 0;
    }
    if (log->lines.n >= FLUSH_BYTES)
        flush(log);
    if (!log->is_timer_on && log->lines.n) {
        log->is_timer_on = true;
        sl_timer_start(log->loop, &log->timer, FLUSH_MS);
    }
}
