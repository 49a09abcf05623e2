#include "ml/encoder/spans.h"

#include <stdlib.h>

static bool has_mark(sl_str name, char *mark)
{
    if (name.n < 3 || name.p[1] != '-' ||
        (name.p[0] != 'B' && name.p[0] != 'I' && name.p[0] != 'E'))
        return false;
    *mark = name.p[0];
    return true;
}

struct sl_span_labels sl_span_labels_of(const struct sl_labels *labels)
{
    struct sl_span_labels s = {.labels = labels};
    char mark;
    for (uint32_t i = 0; i < labels->n; i++) {
        if (sl_str_eq(labels->names[i], SL_STR("O")))
            s.outside = i;
        s.is_bio = s.is_bio || has_mark(labels->names[i], &mark);
    }
    return s;
}

sl_str sl_span_type(const struct sl_labels *labels, sl_str name)
{
    static const sl_str numbered[] = {SL_STR_INIT("class_"), SL_STR_INIT("LABEL_")};
    for (size_t i = 0; i < SL_COUNT(numbered); i++) {
        int64_t index;
        if (sl_str_starts(name, numbered[i]) &&
            sl_str_to_i64(sl_str_sub(name, numbered[i].n, name.n), &index) && index >= 0 &&
            index < labels->n)
            name = labels->names[index];
    }
    char mark;
    return has_mark(name, &mark) ? sl_str_sub(name, 2, name.n) : name;
}

struct finder {
    const struct sl_span_labels *labels;
    const struct sl_span_tokens *tokens;
    struct sl_span *spans;
    uint32_t n, max;
    uint32_t first; /* spans before it belong to other windows */
    bool is_open;   /* the last span */
    bool is_full;
};

static uint32_t best_label(const float *p, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        best = p[i] > p[best] ? i : best;
    return best;
}

static void extend(struct sl_span *s, uint32_t to, float p)
{
    s->to = to;
    s->confidence += (p - s->confidence) / (float)(s->n_tokens + 1);
    s->least = p < s->least ? p : s->least;
    s->n_tokens++;
}

static void open_span(struct finder *f, sl_str type, uint32_t from, uint32_t to, float p,
                      bool began_inside)
{
    f->is_open = f->n < f->max;
    f->is_full = f->is_full || !f->is_open;
    if (f->is_open)
        f->spans[f->n++] = (struct sl_span){type, from, to, p, p, 1, began_inside};
}

static void take_token(struct finder *f, uint32_t i)
{
    const struct sl_labels *labels = f->labels->labels;
    const float *p = f->tokens->probabilities + (size_t)i * labels->n;
    uint32_t from = f->tokens->from[i], to = f->tokens->to[i];
    if (from >= to)
        return;
    uint32_t best = best_label(p, labels->n);
    sl_str name = labels->names[best];
    char mark = 'I';
    if (best == f->labels->outside || (f->labels->is_bio && !has_mark(name, &mark))) {
        f->is_open = false;
        return;
    }
    sl_str type = sl_span_type(labels, name);
    bool continues = f->is_open && sl_str_eq(f->spans[f->n - 1].type, type);
    if (continues && mark != 'B')
        extend(&f->spans[f->n - 1], to, p[best]);
    else
        open_span(f, type, from, to, p[best], f->labels->is_bio && mark != 'B');
}

/* Blanks, or exactly one of - . / @ among them. */
static bool is_thin(sl_str between)
{
    unsigned n_marks = 0;
    for (size_t i = 0; i < between.n; i++) {
        char c = between.p[i];
        if (c == '-' || c == '.' || c == '/' || c == '@')
            n_marks++;
        else if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return false;
    }
    return n_marks <= 1;
}

static void join(struct sl_span *a, const struct sl_span *b)
{
    uint32_t n = a->n_tokens + b->n_tokens;
    a->confidence =
        (a->confidence * (float)a->n_tokens + b->confidence * (float)b->n_tokens) / (float)n;
    a->least = b->least < a->least ? b->least : a->least;
    a->to = b->to > a->to ? b->to : a->to;
    a->n_tokens = n;
}

static void merge_neighbours(struct finder *f)
{
    uint32_t kept = f->first;
    for (uint32_t i = f->first; i < f->n; i++) {
        struct sl_span *last = kept > f->first ? &f->spans[kept - 1] : NULL;
        const struct sl_span *s = &f->spans[i];
        if (last && s->began_inside && sl_str_eq(last->type, s->type) &&
            is_thin(sl_str_sub(f->tokens->text, last->to, s->from)))
            join(last, s);
        else
            f->spans[kept++] = *s;
    }
    f->n = kept;
}

enum sl_rc sl_spans_find(const struct sl_span_labels *labels, const struct sl_span_tokens *tokens,
                         struct sl_span *spans, uint32_t *n, uint32_t max)
{
    struct finder f = {
        .labels = labels, .tokens = tokens, .spans = spans, .n = *n, .max = max, .first = *n};
    for (uint32_t i = 0; i < tokens->n; i++)
        take_token(&f, i);
    merge_neighbours(&f);
    for (uint32_t i = f.first; i < f.n; i++) {
        spans[i].from += tokens->base;
        spans[i].to += tokens->base;
    }
    *n = f.n;
    return f.is_full ? SL_LIMIT : SL_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct sl_span *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    if (x->to != y->to)
        return x->to < y->to ? -1 : 1;
    return sl_str_cmp(x->type, y->type);
}

uint32_t sl_spans_settle(struct sl_span *spans, uint32_t n)
{
    qsort(spans, n, sizeof(*spans), by_place);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct sl_span *same = NULL;
        for (uint32_t k = kept; k > 0 && !same; k--) {
            struct sl_span *s = &spans[k - 1];
            if (sl_str_eq(s->type, spans[i].type)) {
                same = s->to > spans[i].from ? s : NULL;
                break;
            }
        }
        if (!same) {
            spans[kept++] = spans[i];
            continue;
        }
        if (spans[i].confidence > same->confidence) {
            same->confidence = spans[i].confidence;
            same->least = spans[i].least;
            same->n_tokens = spans[i].n_tokens;
        }
        same->to = spans[i].to > same->to ? spans[i].to : same->to;
    }
    return kept;
}
