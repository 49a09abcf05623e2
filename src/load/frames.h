/*
 * Counts the events of a stream as they arrive, without building them: blank lines end an event,
 * "data: [DONE]" ends the stream, and "mock_sent_ns":N tells when the fake provider wrote it.
 * Counting must cost less than what is measured, hence no codec/sse.h here.
 */
#ifndef SL_LOAD_FRAMES_H
#define SL_LOAD_FRAMES_H

#include "base/str.h"

struct sl_frames {
    uint64_t n;                 /* events so far */
    uint64_t sent_ns;           /* stamp within the unfinished event; 0: none */
    unsigned at_stamp, at_done; /* bytes of the two marks matched so far */
    bool is_in_number;
    bool is_line_empty;
    bool has_bytes; /* the unfinished event is not empty */
    bool is_done;
};

void sl_frames_reset(struct sl_frames *f);
/*
 * Eats *bytes up to behind the next event's end. True: an event ended, *sent_ns is its stamp or 0;
 * false: all bytes are eaten.
 */
bool sl_frames_feed(struct sl_frames *f, sl_str *bytes, uint64_t *sent_ns);

#endif
