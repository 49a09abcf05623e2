/*
 * WHATWG HTML 9.2.6, one line at a time. A line that lies whole in one feed is read in place;
 * only the piece that a cut leaves over is copied.
 */
#include "codec/sse.h"
#include "codec/json_scan.h"

static const sl_str mark = SL_STR_INIT("\xef\xbb\xbf");

void sl_sse_init(struct sl_sse *p, size_t max_event_bytes,
                 enum sl_rc (*on_event)(void *ctx, const struct sl_sse_event *event), void *ctx)
{
    *p = (struct sl_sse){.on_event = on_event, .ctx = ctx};
    sl_buf_init(&p->line, max_event_bytes);
    sl_buf_init(&p->event, max_event_bytes);
    sl_buf_init(&p->data, max_event_bytes);
    sl_buf_init(&p->id, max_event_bytes);
}

void sl_sse_free(struct sl_sse *p)
{
    sl_buf_free(&p->line);
    sl_buf_free(&p->event);
    sl_buf_free(&p->data);
    sl_buf_free(&p->id);
}

static enum sl_rc dispatch(struct sl_sse *p)
{
    enum sl_rc rc = SL_OK;
    if (p->has_data) {
        struct sl_sse_event event = {sl_buf_str(&p->event), sl_buf_str(&p->data),
                                     sl_buf_str(&p->id)};
        rc = p->on_event(p->ctx, &event);
    }
    /* The id stays: it is the stream's last event id until another is sent. */
    sl_buf_reset(&p->event);
    sl_buf_reset(&p->data);
    p->has_data = false;
    return rc;
}

static enum sl_rc take_line(struct sl_sse *p, sl_str line)
{
    if (!p->is_started) {
        p->is_started = true;
        if (sl_str_starts(line, mark))
            line = sl_str_sub(line, mark.n, line.n);
    }
    if (line.n == 0)
        return dispatch(p);
    size_t colon = sl_str_chr(line, ':');
    if (colon == 0)
        return SL_OK; /* a comment */
    sl_str name = sl_str_sub(line, 0, colon), value = sl_str_sub(line, colon + 1, line.n);
    if (value.n && value.p[0] == ' ')
        value = sl_str_sub(value, 1, value.n);
    struct sl_buf *field = NULL;
    if (sl_str_eq(name, SL_STR("data"))) {
        field = &p->data;
        if (p->has_data)
            sl_buf_add_char(field, '\n');
        p->has_data = true;
    } else if (sl_str_eq(name, SL_STR("event"))) {
        field = &p->event;
        sl_buf_reset(field);
    } else if (sl_str_eq(name, SL_STR("id")) && sl_str_chr(value, 0) == value.n) {
        field = &p->id;
        sl_buf_reset(field);
    } else {
        return SL_OK;
    }
    sl_buf_add(field, value);
    return sl_buf_rc(field) ? SL_LIMIT : SL_OK;
}

size_t sl_sse_line_end(sl_str s)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    size_t at = 0;
    for (; s.n - at >= 8; at += 8) {
        uint64_t w = sl_load_le64(s.p + at), lf = w ^ (ones * '\n'), cr = w ^ (ones * '\r');
        uint64_t found = (((lf - ones) & ~lf) | ((cr - ones) & ~cr)) & high;
        if (found)
            return at + (size_t)(__builtin_ctzll(found) >> 3);
    }
    while (at < s.n && s.p[at] != '\n' && s.p[at] != '\r')
        at++;
    return at;
}

enum sl_rc sl_sse_feed(struct sl_sse *p, sl_str bytes)
{
    while (bytes.n) {
        if (p->had_cr) {
            p->had_cr = false;
            if (bytes.p[0] == '\n') {
                bytes = sl_str_sub(bytes, 1, bytes.n);
                continue;
            }
        }
        size_t end = sl_sse_line_end(bytes);
        sl_str line = {bytes.p, end};
        if (end == bytes.n || p->line.n) {
            sl_buf_add(&p->line, line);
            if (sl_buf_rc(&p->line))
                return SL_LIMIT;
            if (end == bytes.n)
                return SL_OK;
            line = sl_buf_str(&p->line);
        } else if (line.n > p->line.max) {
            return SL_LIMIT;
        }
        p->had_cr = bytes.p[end] == '\r';
        enum sl_rc rc = take_line(p, line);
        sl_buf_reset(&p->line);
        if (rc)
            return rc;
        bytes = sl_str_sub(bytes, end + 1, bytes.n);
    }
    return SL_OK;
}

bool sl_sse_is_idle(const struct sl_sse *p)
{
    return !p->line.n && !p->has_data && !p->event.n;
}
