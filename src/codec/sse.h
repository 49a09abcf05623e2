/*
 * Server-sent events (WHATWG HTML 9.2): an incremental parser. Fed any cut of the stream, it calls
 * back once per complete event; LF, CRLF and CR end lines; the blank behind a colon is optional.
 * Pure. One owner.
 */
#ifndef SL_CODEC_SSE_H
#define SL_CODEC_SSE_H

#include "base/buf.h"

struct sl_sse_event {
    sl_str event; /* "" = message */
    sl_str data;  /* data lines joined by \n */
    sl_str id;
};

struct sl_sse {
    struct sl_buf line;  /* an unfinished line, carried between feeds */
    struct sl_buf event; /* field values of the unfinished event */
    struct sl_buf data;
    struct sl_buf id;
    bool had_cr;
    bool has_data;
    bool is_started; /* the byte order mark is behind us */
    /* Views die with the call. Return non-SL_OK to stop the feed with that code. */
    enum sl_rc (*on_event)(void *ctx, const struct sl_sse_event *event);
    void *ctx;
};

/* max_event_bytes bounds one event and one line; beyond it feed returns SL_LIMIT. */
void sl_sse_init(struct sl_sse *p, size_t max_event_bytes,
                 enum sl_rc (*on_event)(void *ctx, const struct sl_sse_event *event), void *ctx);
void sl_sse_free(struct sl_sse *p);
/*
 * For readers that want whole events: tests judge the frames we write with it. The relay passes
 * frames on by their lines (sl_sse_line_end) and copies no data.
 */
SL_MUST_USE enum sl_rc sl_sse_feed(struct sl_sse *p, sl_str bytes);

/*
 * Offset of the first LF or CR, or s.n: for those who frame a stream themselves. One pass: CR-only
 * streams must not rescan their tail.
 */
size_t sl_sse_line_end(sl_str s);

/* True when no part of an event is pending: the stream ended cleanly. */
bool sl_sse_is_idle(const struct sl_sse *p);

#endif
