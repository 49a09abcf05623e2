/*
 * Response parser: any bytes, cut in two places that the input names, must give the same events
 * as the whole, and never more content than input.
 */
#include "http/http1_response.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum sl_rc rc;
    int status;
    uint64_t n_body;
    uint64_t sum;
    bool is_complete;
};

static void feed(struct outcome *o, struct sl_h1_response *p, sl_str in)
{
    while (o->rc == SL_OK && !o->is_complete) {
        enum sl_h1_event event;
        sl_str body = {NULL, 0};
        o->rc = sl_h1_response_next(p, &in, &event, &body);
        if (o->rc != SL_OK || event == SL_H1_MORE)
            return;
        if (event == SL_H1_HEAD)
            o->status = p->status;
        for (size_t i = 0; i < body.n; i++)
            o->sum = o->sum * 31 + (unsigned char)body.p[i];
        o->n_body += body.n;
        o->is_complete = event == SL_H1_END;
    }
}

static struct outcome run(sl_str text, size_t cut_a, size_t cut_b, bool is_for_head)
{
    struct sl_arena arena;
    struct sl_h1_response p;
    struct outcome o = {0};
    sl_arena_init(&arena, NULL, 1 << 22);
    sl_h1_response_init(&p, &arena, is_for_head, 16384);
    feed(&o, &p, sl_str_sub(text, 0, cut_a));
    feed(&o, &p, sl_str_sub(text, cut_a, cut_b));
    feed(&o, &p, sl_str_sub(text, cut_b, text.n));
    if (o.rc == SL_OK && !o.is_complete)
        o.rc = sl_h1_response_eof(&p);
    sl_arena_reset(&arena);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    sl_str text = sl_str_of(data + 3, size - 3);
    size_t a = text.n * data[0] / 256, b = text.n * data[1] / 256;
    struct outcome whole = run(text, text.n, text.n, data[2] & 1);
    struct outcome cut = run(text, a < b ? a : b, a < b ? b : a, data[2] & 1);
    if (whole.n_body > text.n || whole.rc != cut.rc || whole.status != cut.status ||
        whole.n_body != cut.n_body || whole.sum != cut.sum || whole.is_complete != cut.is_complete)
        __builtin_trap();
    return 0;
}
