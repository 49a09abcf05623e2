/*
 * The normaliser that SentencePiece compiles into its models: a Darts double array over UTF-8 that
 * leads to replacement texts. As in the `tokenizers` package it is asked for each grapheme cluster
 * of less than six bytes, then for each character, and the shortest entry that begins it counts.
 */
#include "ml/token/chars.h"
#include "ml/token/grapheme.h"
#include "ml/token/parts.h"

static uint32_t offset_of(uint32_t unit)
{
    return unit >> 10 << ((unit & 1u << 9) >> 6);
}

/* The replacement of the shortest entry that `chunk` begins with; false when there is none. */
static bool find(const struct sl_normal_step *m, sl_str chunk, sl_str *content)
{
    uint32_t at = offset_of(m->map_units[0]);
    for (size_t i = 0; i < chunk.n; i++) {
        unsigned char c = (unsigned char)chunk.p[i];
        at ^= c;
        if (!c || at >= m->n_map_units)
            return false;
        uint32_t unit = m->map_units[at];
        if ((unit & (1u << 31 | 0xff)) != c)
            return false;
        at ^= offset_of(unit);
        if (!(unit >> 8 & 1))
            continue;
        if (at >= m->n_map_units)
            return false;
        uint32_t start = m->map_units[at] & ~(1u << 31);
        if (start > m->map_text.n)
            return false;
        *content = sl_str_sub(m->map_text, start, m->map_text.n);
        content->n = sl_str_chr(*content, '\0');
        return true;
    }
    return false;
}

/* Characters wait one step: what follows may still swallow or add to the last one. */
struct writer {
    struct sl_token_rewrite rewrite;
    uint32_t cp;
    int change;
    bool has_waiting;
    bool is_changed;
};

static void put(struct writer *w, uint32_t cp, int change)
{
    if (w->has_waiting)
        sl_token_rewrite_put(&w->rewrite, w->cp, w->change);
    w->cp = cp;
    w->change = change;
    w->has_waiting = true;
}

static void replace(struct writer *w, sl_str old, sl_str content)
{
    int n_old = (int)sl_utf8_count(old), n_new = (int)sl_utf8_count(content), i = 0;
    for (size_t at = 0; at < content.n; i++) {
        unsigned n;
        uint32_t cp = sl_utf8_at(content, at, &n);
        put(w, cp, i < n_old ? 0 : 1);
        at += n;
    }
    if (n_new < n_old && w->has_waiting)
        w->change += n_new - n_old;
    w->is_changed = true;
}

enum sl_rc sl_normal_precompiled(const struct sl_normal_step *step, struct sl_token_scratch *s,
                                 struct sl_token_text *text)
{
    struct writer w = {0};
    sl_str all = sl_str_of(text->p, text->n), content;
    sl_token_rewrite_begin(&w.rewrite, s, text);
    for (uint32_t at = 0; at < text->n && !w.rewrite.is_full;) {
        uint32_t end = sl_grapheme_end(all, at);
        sl_str cluster = sl_str_sub(all, at, end);
        if (cluster.n < 6 && find(step, cluster, &content)) {
            replace(&w, cluster, content);
            at = end;
            continue;
        }
        while (at < end) {
            unsigned n;
            uint32_t cp = sl_utf8_at(all, at, &n);
            sl_str one = sl_str_sub(all, at, at + n);
            if (find(step, one, &content))
                replace(&w, one, content);
            else
                put(&w, cp, 0);
            at += n;
        }
    }
    if (!w.is_changed)
        return SL_OK;
    if (w.has_waiting)
        sl_token_rewrite_put(&w.rewrite, w.cp, w.change);
    return sl_token_rewrite_end(&w.rewrite, text);
}
