/* Structured log lines. A line is built on the stack and written with one write(2). */
#include "base/log.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static enum sl_log_level least_level = SL_LOG_INFO;
static bool writes_json;

void sl_log_setup(enum sl_log_level least, bool is_json)
{
    least_level = least;
    writes_json = is_json;
}

bool sl_log_is_json(void)
{
    return writes_json;
}

/* JSON is UTF-8: a message with other bytes (a path, a cut character) loses all that are not ASCII,
 * which is better than a line that no collector can read. */
static void make_valid(char *message)
{
    if (sl_utf8_is_valid(sl_str_from(message)))
        return;
    for (; *message; message++)
        if ((unsigned char)*message >= 0x80)
            *message = '?';
}

/* Escapes for JSON; control bytes become blanks in text lines so that a line stays one line. */
static size_t add_escaped(char *to, size_t room, const char *from)
{
    size_t n = 0;
    for (; *from && n + 7 < room; from++) {
        unsigned char c = (unsigned char)*from;
        if (c < 0x20) {
            to[n++] = ' ';
        } else if (writes_json && (c == '"' || c == '\\')) {
            to[n++] = '\\';
            to[n++] = (char)c;
        } else {
            to[n++] = (char)c;
        }
    }
    return n;
}

void sl_log(enum sl_log_level level, const char *event, const char *format, ...)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    if (level < least_level || level >= SL_LOG_OFF)
        return;
    char message[1024], line[2400];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (writes_json)
        make_valid(message);

    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    char stamp[32];
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);

    long ms = now.tv_nsec / 1000000;
    int n =
        writes_json
            ? snprintf(line, sizeof line,
                       "{\"ts\":\"%s.%03ldZ\",\"level\":\"%s\",\"event\":\"%s\",\"msg\":\"", stamp,
                       ms, names[level], event)
            : snprintf(line, sizeof line, "%s.%03ldZ %-5s %s: ", stamp, ms, names[level], event);
    size_t at = n < 0 ? 0 : (size_t)n;
    at += add_escaped(line + at, sizeof line - at - 4, message);
    if (writes_json) {
        line[at++] = '"';
        line[at++] = '}';
    }
    line[at++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line, at);
    (void)ignored;
}
