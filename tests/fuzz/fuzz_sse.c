/* The event parser: any bytes, fed whole and fed in steps that the first byte names. */
#include "codec/sse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sl_rc note(void *ctx, const struct sl_sse_event *event)
{
    struct sl_buf *seen = ctx;
    sl_buf_add(seen, event->event);
    sl_buf_add_char(seen, '|');
    sl_buf_add(seen, event->data);
    sl_buf_add_char(seen, '|');
    sl_buf_add(seen, event->id);
    sl_buf_add_char(seen, '\n');
    return SL_OK;
}

static enum sl_rc parse(struct sl_buf *seen, sl_str bytes, size_t step, bool *is_idle)
{
    struct sl_sse p;
    enum sl_rc rc = SL_OK;
    sl_sse_init(&p, 512, note, seen);
    while (bytes.n && !rc) {
        sl_str piece = sl_str_sub(bytes, 0, step);
        rc = sl_sse_feed(&p, piece);
        bytes = sl_str_sub(bytes, piece.n, bytes.n);
    }
    *is_idle = sl_sse_is_idle(&p);
    sl_sse_free(&p);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct sl_buf whole, cut;
    bool is_whole_idle, is_cut_idle;
    sl_buf_init(&whole, 16 << 20);
    sl_buf_init(&cut, 16 << 20);
    sl_str bytes = sl_str_of(data + 1, size - 1);
    enum sl_rc rc = parse(&whole, bytes, bytes.n, &is_whole_idle);
    if (rc != parse(&cut, bytes, 1u + data[0], &is_cut_idle))
        abort();
    if (rc == SL_OK &&
        (!sl_str_eq(sl_buf_str(&whole), sl_buf_str(&cut)) || is_whole_idle != is_cut_idle))
        abort();
    sl_buf_free(&whole);
    sl_buf_free(&cut);
    return 0;
}
