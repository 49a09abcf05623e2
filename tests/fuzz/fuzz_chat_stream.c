/*
 * Streaming answers: fed whole and in steps, the client sees the same bytes; when no usage chunk is
 * taken out, it sees what was sent but for a torn end.
 */
#include "dialect/openai/stream.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sl_rc collect(void *ctx, sl_str bytes)
{
    sl_buf_add(ctx, bytes);
    return SL_OK;
}

static bool run(struct sl_buf *out, sl_str bytes, size_t step, bool takes_out, uint64_t *n_frames)
{
    struct sl_chat_stream s;
    sl_chat_stream_init(&s, takes_out, 100000);
    while (bytes.n) {
        sl_str piece = sl_str_sub(bytes, 0, step);
        if (sl_chat_stream_feed(&s, piece, collect, out))
            abort();
        bytes = sl_str_sub(bytes, piece.n, bytes.n);
    }
    size_t before_end = out->n;
    bool is_complete = sl_chat_stream_end(&s, collect, out);
    if (!takes_out)
        out->n = before_end;
    *n_frames = s.n_frames;
    sl_chat_stream_free(&s);
    return is_complete;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 50000)
        return 0;
    sl_str bytes = sl_str_of(data + 1, size - 1);
    for (int takes_out = 0; takes_out < 2; takes_out++) {
        struct sl_buf whole, cut;
        uint64_t n_whole, n_cut;
        sl_buf_init(&whole, 1 << 20);
        sl_buf_init(&cut, 1 << 20);
        bool is_whole_complete = run(&whole, bytes, bytes.n, takes_out, &n_whole);
        if (is_whole_complete != run(&cut, bytes, 1u + data[0], takes_out, &n_cut) ||
            n_whole != n_cut || !sl_str_eq(sl_buf_str(&whole), sl_buf_str(&cut)))
            abort();
        if (!takes_out && !sl_str_starts(bytes, sl_buf_str(&whole)))
            abort();
        sl_buf_free(&whole);
        sl_buf_free(&cut);
    }
    return 0;
}
