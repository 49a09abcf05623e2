/* Windows over long text: the text is encoded once, each window is a slice within the template. */
#include "ml/token/encode.h"

enum sl_rc sl_token_windows_begin(struct sl_token_windows *w, const struct sl_tokenizer *t,
                                  sl_str text, sl_str pair, const struct sl_token_options *options,
                                  struct sl_token_scratch *s)
{
    *w = (struct sl_token_windows){
        .tokenizer = t, .scratch = s, .options = *options, .has_pair = pair.p != NULL};
    s->texts[1].n = 0;
    enum sl_rc rc = sl_token_encode_text(t, s, text, options->parse_specials, &s->texts[0]);
    if (rc == SL_OK && w->has_pair)
        rc = sl_token_encode_text(t, s, pair, options->parse_specials, &s->texts[1]);
    if (rc != SL_OK)
        return rc;
    w->n[0] = s->texts[0].n;
    w->n[1] = s->texts[1].n;
    int sliding = w->has_pair && options->cut == SL_TOKEN_CUT_SECOND;
    uint64_t fixed = (uint64_t)w->n[!sliding] +
                     (options->without_specials ? 0 : t->templates[w->has_pair].n_tokens);
    w->n_total = 1;
    w->room = w->n[sliding];
    if (!options->max_tokens || fixed + w->n[sliding] <= options->max_tokens)
        return SL_OK;
    /* A window must move on by a token at least. */
    if (fixed >= options->max_tokens || options->max_tokens - fixed <= options->overlap)
        return SL_LIMIT;
    w->room = options->max_tokens - (uint32_t)fixed;
    uint32_t step = w->room - options->overlap;
    w->n_total += (w->n[sliding] - w->room + step - 1) / step;
    return SL_OK;
}

enum sl_rc sl_token_windows_next(struct sl_token_windows *w, struct sl_tokens *out)
{
    if (w->is_done)
        return SL_EOF;
    int sliding = w->has_pair && w->options.cut == SL_TOKEN_CUT_SECOND;
    struct sl_token_slice slices[2] = {{0, w->n[0]}, {0, w->n[1]}};
    uint32_t left = w->n[sliding] - w->at;
    slices[sliding].from = w->at;
    slices[sliding].to = w->at + (left < w->room ? left : w->room);
    w->is_done = slices[sliding].to == w->n[sliding];
    w->at += w->room - (w->is_done ? 0 : w->options.overlap);
    return sl_template_apply(w->tokenizer, w->scratch, slices, w->has_pair,
                             w->options.without_specials, out);
}
