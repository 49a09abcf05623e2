/* The normalisers but for the normal forms and the precompiled map, which have files of their own.
 */
#include "ml/token/chars.h"
#include "ml/token/parts.h"

/* A walk over the characters of the old text that writes the new one. */
struct walk {
    struct sl_token_rewrite rewrite;
    sl_str text;
    uint32_t at;   /* of the current character */
    uint32_t next; /* of the one behind it */
};

static struct walk walk_begin(struct sl_token_scratch *s, const struct sl_token_text *text)
{
    struct walk w = {.text = sl_str_of(text->p, text->n)};
    sl_token_rewrite_begin(&w.rewrite, s, text);
    return w;
}

static bool walk_next(struct walk *w, uint32_t *cp)
{
    w->at = w->next;
    if (w->at >= w->text.n)
        return false;
    unsigned n;
    *cp = sl_utf8_at(w->text, w->at, &n);
    w->next += n;
    return true;
}

static void keep(struct walk *w, uint32_t cp)
{
    sl_token_rewrite_from(&w->rewrite, cp, w->at);
}

static enum sl_rc clean(struct sl_token_scratch *s, struct sl_token_text *text)
{
    struct walk w = walk_begin(s, text);
    uint32_t cp;
    while (walk_next(&w, &cp)) {
        unsigned flags = sl_char_flags(cp);
        if (flags & SL_CHAR_SPACE && !(flags & SL_CHAR_OTHER))
            keep(&w, ' ');
        else if (!(flags & SL_CHAR_OTHER))
            keep(&w, cp);
    }
    return sl_token_rewrite_end(&w.rewrite, text);
}

static enum sl_rc space_chinese(struct sl_token_scratch *s, struct sl_token_text *text)
{
    struct walk w = walk_begin(s, text);
    uint32_t cp;
    while (walk_next(&w, &cp)) {
        bool is_chinese = sl_char_is_chinese(cp);
        if (is_chinese)
            keep(&w, ' ');
        keep(&w, cp);
        if (is_chinese)
            keep(&w, ' ');
    }
    return sl_token_rewrite_end(&w.rewrite, text);
}

static enum sl_rc without(struct sl_token_scratch *s, struct sl_token_text *text, unsigned flags)
{
    struct walk w = walk_begin(s, text);
    uint32_t cp;
    while (walk_next(&w, &cp)) {
        if (!sl_char_is(cp, flags))
            keep(&w, cp);
    }
    return sl_token_rewrite_end(&w.rewrite, text);
}

static enum sl_rc lowercase(struct sl_token_scratch *s, struct sl_token_text *text)
{
    struct walk w = walk_begin(s, text);
    uint32_t cp;
    while (walk_next(&w, &cp)) {
        keep(&w, sl_char_lower(cp));
        if (cp == 0x130)
            keep(&w, 0x307);
    }
    return sl_token_rewrite_end(&w.rewrite, text);
}

static enum sl_rc bert(const struct sl_normal_step *step, struct sl_token_scratch *s,
                       struct sl_token_text *text)
{
    static const struct sl_normal_step decomposed = {.kind = SL_NORMAL_FORM};
    enum sl_rc rc = SL_OK;
    if (step->clean_text)
        rc = clean(s, text);
    if (rc == SL_OK && step->handle_chinese)
        rc = space_chinese(s, text);
    if (rc == SL_OK && step->strip_accents) {
        rc = sl_normal_form(&decomposed, s, text);
        if (rc == SL_OK)
            rc = without(s, text, SL_CHAR_NONSPACING);
    }
    if (rc == SL_OK && step->lowercase)
        rc = lowercase(s, text);
    return rc;
}

static void strip(const struct sl_normal_step *step, struct sl_token_text *text)
{
    sl_str all = sl_str_of(text->p, text->n);
    uint32_t from = 0, to = text->n;
    unsigned n;
    while (step->left && from < to && sl_char_is(sl_utf8_at(all, from, &n), SL_CHAR_SPACE))
        from += n;
    while (step->right && to > from && sl_char_is(sl_utf8_before(all, to, &n), SL_CHAR_SPACE))
        to -= n;
    /* A view of a view: what is left knows its source as before. */
    text->p += from;
    text->n = to - from;
    if (text->at)
        text->at += from;
    else
        text->base += from;
}

static enum sl_rc replace(const struct sl_normal_step *step, struct sl_token_scratch *s,
                          struct sl_token_text *text)
{
    sl_str all = sl_str_of(text->p, text->n);
    uint32_t from, to, done = 0;
    if (!sl_pattern_find(&step->pattern, all, 0, &from, &to))
        return SL_OK;
    struct sl_token_rewrite r;
    sl_token_rewrite_begin(&r, s, text);
    do {
        sl_token_rewrite_copy(&r, done, from);
        for (size_t i = 0; i < step->content.n;) {
            unsigned n;
            uint32_t cp = sl_utf8_at(step->content, i, &n);
            sl_token_rewrite_from(&r, cp, to - 1);
            i += n;
        }
        done = to;
    } while (!r.is_full && sl_pattern_find(&step->pattern, all, done, &from, &to));
    sl_token_rewrite_copy(&r, done, text->n);
    return sl_token_rewrite_end(&r, text);
}

static enum sl_rc prepend(const struct sl_normal_step *step, struct sl_token_scratch *s,
                          struct sl_token_text *text)
{
    if (!text->n)
        return SL_OK;
    struct sl_token_rewrite r;
    sl_token_rewrite_begin(&r, s, text);
    for (size_t i = 0; i < step->content.n;) {
        unsigned n;
        uint32_t cp = sl_utf8_at(step->content, i, &n);
        sl_token_rewrite_from(&r, cp, 0);
        i += n;
    }
    sl_token_rewrite_copy(&r, 0, text->n);
    return sl_token_rewrite_end(&r, text);
}

static enum sl_rc one(const struct sl_normal_step *step, struct sl_token_scratch *s,
                      struct sl_token_text *text)
{
    switch (step->kind) {
    case SL_NORMAL_BERT:
        return bert(step, s, text);
    case SL_NORMAL_FORM:
        return sl_normal_form(step, s, text);
    case SL_NORMAL_LOWERCASE:
        return lowercase(s, text);
    case SL_NORMAL_STRIP:
        strip(step, text);
        return SL_OK;
    case SL_NORMAL_STRIP_ACCENTS:
        return without(s, text, SL_CHAR_MARK);
    case SL_NORMAL_REPLACE:
        return replace(step, s, text);
    case SL_NORMAL_PREPEND:
        return prepend(step, s, text);
    case SL_NORMAL_PRECOMPILED:
        return sl_normal_precompiled(step, s, text);
    }
    return SL_UNSUPPORTED;
}

enum sl_rc sl_token_normalize(const struct sl_tokenizer *t, struct sl_token_scratch *s,
                              struct sl_token_text *text)
{
    for (uint32_t i = 0; i < t->n_normal; i++) {
        enum sl_rc rc = one(&t->normal[i], s, text);
        if (rc != SL_OK)
            return rc;
    }
    return SL_OK;
}
