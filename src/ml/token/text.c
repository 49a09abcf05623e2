/* Texts that know their source, and how they are rewritten. */
#include "ml/token/text.h"

void sl_token_rewrite_begin(struct sl_token_rewrite *r, struct sl_token_scratch *s,
                            const struct sl_token_text *in)
{
    const struct sl_token_buffer *first = &s->buffers[0];
    bool is_in_first = in->at && in->at >= first->at && in->at <= first->at + first->cap;
    struct sl_token_buffer *out = &s->buffers[is_in_first];
    out->n = 0;
    *r = (struct sl_token_rewrite){.scratch = s, .in = in, .out = out};
    r->is_full = !sl_token_buffer_room(s, out, (uint64_t)in->n + 16);
}

static void add(struct sl_token_rewrite *r, uint32_t cp, struct sl_token_span span)
{
    struct sl_token_buffer *out = r->out;
    if (SL_UNLIKELY(r->is_full || out->cap - out->n < 4) &&
        (r->is_full || !sl_token_buffer_room(r->scratch, out, (uint64_t)out->n + 4))) {
        r->is_full = true;
        return;
    }
    unsigned n = sl_utf8_encode(cp, out->p + out->n);
    for (unsigned i = 0; i < n; i++)
        out->at[out->n + i] = span;
    out->n += n;
}

static uint32_t length_at(const struct sl_token_text *t, uint32_t at)
{
    unsigned n;
    sl_utf8_at(sl_str_of(t->p, t->n), at, &n);
    return n;
}

void sl_token_rewrite_put(struct sl_token_rewrite *r, uint32_t cp, int change)
{
    const struct sl_token_text *in = r->in;
    if (change > 0) {
        struct sl_token_span nowhere = {in->base, in->base};
        add(r, cp, r->at ? sl_token_text_at(in, r->at - 1) : nowhere);
        return;
    }
    add(r, cp, sl_token_text_at(in, r->at < in->n ? r->at : in->n - 1));
    for (int i = 0; i <= -change && r->at < in->n; i++)
        r->at += length_at(in, r->at);
}

void sl_token_rewrite_from(struct sl_token_rewrite *r, uint32_t cp, uint32_t at)
{
    add(r, cp, sl_token_text_at(r->in, at));
}

void sl_token_rewrite_copy(struct sl_token_rewrite *r, uint32_t from, uint32_t to)
{
    const struct sl_token_text *in = r->in;
    struct sl_token_buffer *out = r->out;
    uint32_t n = to - from;
    if (r->is_full || !sl_token_buffer_room(r->scratch, out, (uint64_t)out->n + n)) {
        r->is_full = true;
        return;
    }
    if (!n)
        return;
    memcpy(out->p + out->n, in->p + from, n);
    struct sl_token_span *at = out->at + out->n;
    if (in->at) {
        memcpy(at, in->at + from, n * sizeof *at);
    } else {
        for (uint32_t i = 0; i < n;) {
            uint32_t length = (unsigned char)in->p[from + i] < 0x80 ? 1 : length_at(in, from + i);
            struct sl_token_span span = {in->base + from + i, in->base + from + i + length};
            for (uint32_t end = i + length; i < end; i++)
                at[i] = span;
        }
    }
    out->n += n;
}

enum sl_rc sl_token_rewrite_end(struct sl_token_rewrite *r, struct sl_token_text *text)
{
    if (r->is_full)
        return SL_NOMEM;
    *text = (struct sl_token_text){r->out->p, r->out->at, r->out->n, r->in->base};
    return SL_OK;
}

enum sl_rc sl_token_text_source(struct sl_token_scratch *s, sl_str source, uint32_t from,
                                uint32_t to, struct sl_token_text *out)
{
    sl_str part = sl_str_sub(source, from, to);
    *out = (struct sl_token_text){part.p, NULL, (uint32_t)part.n, from};
    if (sl_utf8_is_valid(part))
        return SL_OK;
    struct sl_token_buffer *b = &s->buffers[0];
    if (!sl_token_buffer_room(s, b, (uint64_t)part.n * 3))
        return SL_NOMEM;
    b->n = 0;
    for (uint32_t i = 0; i < part.n;) {
        unsigned n;
        uint32_t cp = sl_utf8_at(part, i, &n);
        unsigned length = sl_utf8_encode(cp, b->p + b->n);
        for (unsigned k = 0; k < length; k++)
            b->at[b->n + k] = (struct sl_token_span){from + i, from + i + n};
        b->n += length;
        i += n;
    }
    *out = (struct sl_token_text){b->p, b->at, b->n, from};
    return SL_OK;
}
