/* The tokens of one or two texts, cut to size, within the template of the file. */
#include "ml/token/encode.h"

static bool room(struct sl_token_scratch *s, uint64_t need)
{
    if (!sl_token_list_room(s, &s->out, need))
        return false;
    uint32_t cap = s->cap_out;
    if (!sl_token_grow(s, (void **)(void *)&s->out_texts, &cap, need, 1))
        return false;
    cap = s->cap_out;
    return sl_token_grow(s, (void **)(void *)&s->out_types, &s->cap_out, need, 1);
}

static void put(struct sl_token_scratch *s, const struct sl_template_part *part, uint32_t id,
                struct sl_token_span span)
{
    uint32_t at = s->out.n++;
    s->out.ids[at] = id;
    s->out.spans[at] = span;
    s->out_texts[at] = part->text;
    s->out_types[at] = part->type;
}

enum sl_rc sl_template_apply(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                             const struct sl_token_slice slices[2], bool is_pair,
                             bool without_specials, struct sl_tokens *out)
{
    const struct sl_template *template = &t->templates[is_pair];
    uint64_t n = template->n_tokens;
    for (uint32_t i = 0; i < template->n; i++) {
        const struct sl_template_part *part = &template->parts[i];
        if (part->id == SL_TOKEN_NONE)
            n += slices[part->text].to - slices[part->text].from;
    }
    if (!room(s, n))
        return SL_NOMEM;
    s->out.n = 0;
    for (uint32_t i = 0; i < template->n; i++) {
        const struct sl_template_part *part = &template->parts[i];
        if (part->id != SL_TOKEN_NONE) {
            if (!without_specials)
                put(s, part, part->id, (struct sl_token_span){0, 0});
            continue;
        }
        const struct sl_token_list *text = &s->texts[part->text];
        for (uint32_t k = slices[part->text].from; k < slices[part->text].to; k++)
            put(s, part, text->ids[k], text->spans[k]);
    }
    *out = (struct sl_tokens){.ids = s->out.ids,
                              .spans = s->out.spans,
                              .texts = s->out_texts,
                              .types = s->out_types,
                              .n = s->out.n};
    return SL_OK;
}

uint32_t sl_tokenizer_n_template(const struct sl_tokenizer *t, bool is_pair)
{
    return t->templates[is_pair].n_tokens;
}

/* How many tokens of each text fit `room`. False when the text that must stay whole does not. */
static bool cut(enum sl_token_cut how, uint32_t room_n, uint32_t n[2])
{
    uint64_t total = (uint64_t)n[0] + n[1];
    if (total <= room_n)
        return true;
    if (how != SL_TOKEN_CUT_LONGEST) {
        int first = how == SL_TOKEN_CUT_SECOND;
        uint32_t over = (uint32_t)(total - room_n);
        if (n[first] <= over)
            return false;
        n[first] -= over;
        return true;
    }
    int shorter = n[0] > n[1];
    uint32_t low = n[shorter], high = low > room_n || room_n - low < low ? low : room_n - low;
    if ((uint64_t)low + high > room_n) {
        low = room_n / 2;
        high = room_n - low;
    }
    n[shorter] = low;
    n[!shorter] = high;
    return true;
}

enum sl_rc sl_tokenizer_encode(const struct sl_tokenizer *t, sl_str text, sl_str pair,
                               const struct sl_token_options *options, struct sl_token_scratch *s,
                               struct sl_tokens *out)
{
    bool is_pair = pair.p != NULL;
    uint32_t n[2] = {0, 0}, all,
             extra = options->without_specials ? 0 : t->templates[is_pair].n_tokens;
    s->texts[1].n = 0;
    enum sl_rc rc = sl_token_encode_text(t, s, text, options->parse_specials, &s->texts[0]);
    if (rc == SL_OK && is_pair)
        rc = sl_token_encode_text(t, s, pair, options->parse_specials, &s->texts[1]);
    if (rc != SL_OK)
        return rc;
    n[0] = s->texts[0].n;
    n[1] = s->texts[1].n;
    all = n[0] + n[1];
    if (options->max_tokens) {
        if (options->max_tokens < extra)
            return SL_LIMIT;
        enum sl_token_cut how = is_pair ? options->cut : SL_TOKEN_CUT_LONGEST;
        uint32_t space = options->max_tokens - extra;
        if (!is_pair)
            n[0] = n[0] > space ? space : n[0];
        else if (!cut(how, space, n))
            return SL_LIMIT;
    }
    struct sl_token_slice slices[2] = {{0, n[0]}, {0, n[1]}};
    rc = sl_template_apply(t, s, slices, is_pair, options->without_specials, out);
    out->n_left_out = all - n[0] - n[1];
    return rc;
}
