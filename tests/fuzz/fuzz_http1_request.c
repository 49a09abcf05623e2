/*
 * Request parser and chunk decoder: any bytes, fed whole and cut in two places that the input
 * names, must give the same verdict, framing and content. Views must lie inside the head.
 */
#include "http/http1_chunks.h"
#include "http/http1_request.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum sl_rc head, body;
    int status;
    size_t head_bytes;
    uint64_t content_length, content_bytes, sum;
    bool is_keep_alive;
};

static void check_view(sl_str view, const char *from, size_t n)
{
    if (view.n && (view.p < from || view.p + view.n > from + n))
        __builtin_trap();
}

/* Copies of exactly the fed size, so that a read beyond them is seen. */
static enum sl_rc feed_head(struct sl_h1_request *r, sl_str text, const size_t cuts[3], char **copy,
                            size_t *head_bytes)
{
    enum sl_rc rc = SL_AGAIN;
    for (int i = 0; i < 3 && rc == SL_AGAIN; i++) {
        char *moved = malloc(cuts[i] ? cuts[i] : 1);
        if (!moved)
            return SL_NOMEM;
        memcpy(moved, text.p, cuts[i]);
        rc = sl_h1_request_feed(r, sl_str_of(moved, cuts[i]), head_bytes);
        free(*copy);
        *copy = moved;
    }
    return rc;
}

static void feed_chunks(struct outcome *o, sl_str text, const size_t cuts[3])
{
    struct sl_h1_chunks c;
    size_t from = o->head_bytes;
    sl_h1_chunks_init(&c);
    o->body = SL_AGAIN;
    for (int i = 0; i < 3 && o->body == SL_AGAIN; i++) {
        sl_str in = sl_str_sub(text, from, cuts[i] > from ? cuts[i] : from), data;
        from = cuts[i] > from ? cuts[i] : from;
        bool is_end = false;
        do {
            o->body = sl_h1_chunks_next(&c, &in, &data, &is_end);
            for (size_t k = 0; k < data.n; k++)
                o->sum = o->sum * 31 + (unsigned char)data.p[k];
            o->content_bytes += data.n;
        } while (o->body == SL_OK && !is_end);
    }
}

static struct outcome run(sl_str text, const size_t cuts[3])
{
    struct sl_arena arena;
    struct sl_h1_request r;
    struct outcome o = {0};
    char *copy = NULL;
    sl_arena_init(&arena, NULL, 1 << 22);
    sl_h1_request_init(&r, &arena, 4096);
    o.head = feed_head(&r, text, cuts, &copy, &o.head_bytes);
    o.status = r.status;
    if (o.head == SL_OK) {
        check_view(r.target, copy, o.head_bytes);
        check_view(r.query, copy, o.head_bytes);
        for (uint32_t i = 0; i < r.headers.n; i++) {
            check_view(r.headers.items[i].name, copy, o.head_bytes);
            check_view(r.headers.items[i].value, copy, o.head_bytes);
        }
        o.content_length = r.content_length;
        o.is_keep_alive = r.is_keep_alive;
        if (r.is_chunked)
            feed_chunks(&o, text, cuts);
    }
    free(copy);
    sl_arena_reset(&arena);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    sl_str text = sl_str_of(data + 2, size - 2);
    size_t a = text.n * data[0] / 256, b = text.n * data[1] / 256;
    struct outcome whole = run(text, (size_t[3]){text.n, text.n, text.n});
    struct outcome cut = run(text, (size_t[3]){a < b ? a : b, a < b ? b : a, text.n});
    if (whole.head != cut.head || whole.body != cut.body || whole.status != cut.status ||
        whole.head_bytes != cut.head_bytes || whole.content_length != cut.content_length ||
        whole.content_bytes != cut.content_bytes || whole.sum != cut.sum ||
        whole.is_keep_alive != cut.is_keep_alive || whole.content_bytes > text.n)
        __builtin_trap();
    return 0;
}
