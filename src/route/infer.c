/* Asks of one request; see infer.h. */
#include "route/infer.h"

void sl_infer_init(struct sl_infer *infer, struct sl_arena *arena, uint32_t max_asks)
{
    *infer = (struct sl_infer){.arena = arena, .max = max_asks};
    sl_map_init(&infer->by_text, arena, 0x1f3e);
}

const struct sl_infer_ask *sl_infer_embed(struct sl_infer *infer, sl_str text)
{
    uint64_t known;
    if (sl_map_get(&infer->by_text, text, &known))
        return &infer->asks[known];
    if (infer->n == infer->max)
        return NULL;
    if (infer->n == infer->cap) {
        uint32_t cap = infer->cap ? 2 * infer->cap : 16;
        struct sl_infer_ask *asks = SL_NEW_ARRAY(infer->arena, struct sl_infer_ask, cap);
        if (!asks)
            return NULL;
        if (infer->n)
            memcpy(asks, infer->asks, infer->n * sizeof(*asks));
        infer->asks = asks;
        infer->cap = cap;
    }
    if (sl_map_put(&infer->by_text, text, infer->n) != SL_OK)
        return NULL;
    infer->asks[infer->n] = (struct sl_infer_ask){.text = text};
    return &infer->asks[infer->n++];
}

void sl_infer_answer(struct sl_infer *infer, uint32_t i, struct sl_vector vector)
{
    infer->asks[i].vector = vector;
    infer->asks[i].status = SL_INFER_DONE;
}

void sl_infer_fail_open(struct sl_infer *infer, const char *error)
{
    for (uint32_t i = 0; i < infer->n; i++) {
        if (infer->asks[i].status != SL_INFER_OPEN)
            continue;
        infer->asks[i].status = SL_INFER_FAILED;
        infer->asks[i].error = error;
    }
}

uint32_t sl_infer_count_open(const struct sl_infer *infer)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < infer->n; i++)
        n += infer->asks[i].status == SL_INFER_OPEN;
    return n;
}
