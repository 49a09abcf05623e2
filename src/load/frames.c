/* A byte machine: two fixed marks matched beside the search for blank lines. */
#include "load/frames.h"

static const char stamp_mark[] = "\"mock_sent_ns\":";
static const char done_mark[] = "data: [DONE]";

void sl_frames_reset(struct sl_frames *f)
{
    *f = (struct sl_frames){.is_line_empty = true};
}

/* No proper prefix of a mark is also a suffix of a longer one, so a mismatch restarts at 0 or 1. */
static unsigned advance(const char *mark, unsigned at, char c)
{
    if (mark[at] == c)
        return at + 1;
    return mark[0] == c ? 1 : 0;
}

static void take_char(struct sl_frames *f, char c)
{
    f->is_line_empty = false;
    f->has_bytes = true;
    if (f->is_in_number && c >= '0' && c <= '9')
        f->sent_ns = f->sent_ns * 10 + (uint64_t)(c - '0');
    else
        f->is_in_number = false;
    f->at_stamp = advance(stamp_mark, f->at_stamp, c);
    f->at_done = advance(done_mark, f->at_done, c);
    if (f->at_stamp == sizeof(stamp_mark) - 1) {
        f->at_stamp = 0;
        f->sent_ns = 0;
        f->is_in_number = true;
    }
    if (f->at_done == sizeof(done_mark) - 1) {
        f->at_done = 0;
        f->is_done = true;
    }
}

bool sl_frames_feed(struct sl_frames *f, sl_str *bytes, uint64_t *sent_ns)
{
    while (bytes->n) {
        char c = *bytes->p++;
        bytes->n--;
        if (c == '\r')
            continue;
        if (c != '\n') {
            take_char(f, c);
            continue;
        }
        if (f->is_line_empty && f->has_bytes) {
            f->has_bytes = false;
            f->n++;
            *sent_ns = f->sent_ns;
            f->sent_ns = 0;
            return true;
        }
        f->is_line_empty = true;
    }
    return false;
}
