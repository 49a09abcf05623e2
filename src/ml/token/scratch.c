/* Growth of the scratch: doubling, counted against its maximum. */
#include "ml/token/scratch.h"

#include <stdlib.h>

struct sl_token_scratch *sl_token_scratch_new(size_t max_bytes)
{
    struct sl_token_scratch *s = calloc(1, sizeof *s);
    if (s)
        s->max_bytes = max_bytes;
    return s;
}

void sl_token_scratch_free(struct sl_token_scratch *s)
{
    if (!s)
        return;
    for (int i = 0; i < 2; i++) {
        free(s->buffers[i].p);
        free(s->buffers[i].at);
        free(s->pieces[i].v);
        free(s->texts[i].ids);
        free(s->texts[i].spans);
    }
    free(s->source.v);
    free(s->out.ids);
    free(s->out.spans);
    free(s->out_texts);
    free(s->out_types);
    free(s->symbols);
    free(s->merges);
    free(s->cache);
    free(s->nodes);
    free(s->run);
    free(s);
}

static bool resize(struct sl_token_scratch *s, void **p, uint32_t old, uint32_t cap, size_t size)
{
    size_t more = (size_t)(cap - old) * size;
    if (more > s->max_bytes - s->n_bytes)
        return false;
    void *moved = realloc(*p, (size_t)cap * size);
    if (!moved)
        return false;
    *p = moved;
    s->n_bytes += more;
    return true;
}

/* The capacity to grow to, or 0. */
static uint32_t next_cap(uint32_t cap, uint64_t need)
{
    if (need > UINT32_MAX / 2)
        return 0;
    uint32_t next = cap ? cap * 2 : 64;
    return next < need ? (uint32_t)need + (uint32_t)need / 8 : next;
}

bool sl_token_grow(struct sl_token_scratch *s, void **p, uint32_t *cap, uint64_t need, size_t size)
{
    if (need <= *cap)
        return true;
    uint32_t next = next_cap(*cap, need);
    /* Close to the maximum what is needed may fit where the double does not. */
    if (!next ||
        (!resize(s, p, *cap, next, size) && !resize(s, p, *cap, next = (uint32_t)need, size)))
        return false;
    *cap = next;
    return true;
}

bool sl_token_buffer_room(struct sl_token_scratch *s, struct sl_token_buffer *b, uint64_t need)
{
    uint32_t cap = b->cap, spans_cap = b->cap;
    if (!sl_token_grow(s, (void **)(void *)&b->p, &cap, need, 1))
        return false;
    if (cap == b->cap)
        return true;
    if (!resize(s, (void **)(void *)&b->at, spans_cap, cap, sizeof *b->at)) {
        s->n_bytes -= cap - b->cap; /* the bytes grew alone: count what is in use */
        return false;
    }
    b->cap = cap;
    return true;
}

bool sl_token_list_room(struct sl_token_scratch *s, struct sl_token_list *l, uint64_t need)
{
    uint32_t cap = l->cap;
    if (!sl_token_grow(s, (void **)(void *)&l->ids, &cap, need, sizeof *l->ids))
        return false;
    if (cap == l->cap)
        return true;
    if (!resize(s, (void **)(void *)&l->spans, l->cap, cap, sizeof *l->spans)) {
        s->n_bytes -= (size_t)(cap - l->cap) * sizeof *l->ids;
        return false;
    }
    l->cap = cap;
    return true;
}
