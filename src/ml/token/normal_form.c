/*
 * NFC, NFD, NFKC, NFKD (UAX 15). A run from one inert starter to the next is decomposed, ordered by
 * combining class and, for the composed forms, composed again. Every character keeps a count of
 * the source characters that went into it, in the way of the `tokenizers` package: the first part
 * of a decomposition replaces (0), the others are added (1), a composition adds its parts' counts
 * and swallows one. Text that the form does not change is left where it is.
 */
#include "ml/token/chars.h"
#include "ml/token/parts.h"

/* A decomposed character; `change` as in text.h. */
struct sl_token_run {
    uint32_t cp;
    int32_t change;
    uint32_t ccc;
};

struct former {
    const struct sl_normal_step *step;
    struct sl_token_scratch *scratch;
    struct sl_token_rewrite rewrite;
    uint32_t n;     /* of scratch->run */
    uint32_t marks; /* the first of the marks at its end, which wait to be ordered */
    bool is_full;
};

static unsigned unstable_flag(const struct sl_normal_step *step)
{
    if (step->is_composed)
        return step->is_compatible ? SL_CHAR_NOT_NFKC : SL_CHAR_NOT_NFC;
    return step->is_compatible ? SL_CHAR_NOT_NFKD : SL_CHAR_NOT_NFD;
}

/*
 * Orders the waiting marks by class. Counting, as it is stable and linear even for the long runs
 * that hostile text is made of.
 */
static void order_marks(struct former *f)
{
    struct sl_token_scratch *s = f->scratch;
    uint32_t from = f->marks, n = f->n - from;
    bool is_ordered = true;
    for (uint32_t i = 1; i < n && is_ordered; i++)
        is_ordered = s->run[from + i - 1].ccc <= s->run[from + i].ccc;
    if (is_ordered)
        return;
    if (!SL_TOKEN_GROW(s, s->run, s->cap_run, (uint64_t)f->n + n)) {
        f->is_full = true;
        return;
    }
    struct sl_token_run *marks = s->run + from, *room = s->run + f->n;
    uint32_t starts[257] = {0};
    for (uint32_t i = 0; i < n; i++)
        starts[marks[i].ccc + 1u]++;
    for (uint32_t c = 0; c < 256; c++)
        starts[c + 1] += starts[c];
    for (uint32_t i = 0; i < n; i++)
        room[starts[marks[i].ccc]++] = marks[i];
    memcpy(marks, room, n * sizeof *marks);
}

/*
 * Composes run[0..n) in place, its marks being in order; the number left. A mark is blocked from
 * the last starter by one of its class or a higher one between them.
 */
static uint32_t compose(struct sl_token_run *run, uint32_t n)
{
    uint32_t kept = 0, starter = SL_TOKEN_NONE;
    int last_ccc = -1;
    for (uint32_t i = 0; i < n; i++) {
        struct sl_token_run c = run[i];
        if (starter != SL_TOKEN_NONE && last_ccc < (int)c.ccc) {
            uint32_t whole = sl_char_compose(run[starter].cp, c.cp);
            if (whole) {
                run[starter].cp = whole;
                run[starter].change += c.change - 1;
                continue;
            }
        }
        if (c.ccc == 0) {
            starter = kept;
            last_ccc = -1;
        } else if (starter != SL_TOKEN_NONE) {
            last_ccc = c.ccc;
        }
        run[kept++] = c;
    }
    return kept;
}

static void flush(struct former *f)
{
    struct sl_token_run *run;
    order_marks(f);
    run = f->scratch->run;
    uint32_t n = f->step->is_composed ? compose(run, f->n) : f->n;
    for (uint32_t i = 0; i < n; i++)
        sl_token_rewrite_put(&f->rewrite, run[i].cp, run[i].change);
    f->n = f->marks = 0;
}

static void add(struct former *f, uint32_t cp, int change)
{
    struct sl_token_scratch *s = f->scratch;
    unsigned ccc = sl_char_ccc(cp);
    if (ccc == 0) {
        /* Decomposed, a starter ends what came before; composed, it may still join it. */
        if (!f->step->is_composed)
            flush(f);
        else
            order_marks(f);
    }
    if (f->is_full || !SL_TOKEN_GROW(s, s->run, s->cap_run, (uint64_t)f->n + 1)) {
        f->is_full = true;
        return;
    }
    s->run[f->n++] = (struct sl_token_run){cp, change, ccc};
    if (ccc == 0)
        f->marks = f->n;
}

static bool is_stable(const struct sl_token_text *text, unsigned unstable)
{
    for (uint32_t at = 0; at < text->n;) {
        unsigned n = 1;
        if ((unsigned char)text->p[at] >= 0x80 &&
            sl_char_is(sl_utf8_at(sl_str_of(text->p, text->n), at, &n), unstable))
            return false;
        at += n;
    }
    return true;
}

enum sl_rc sl_normal_form(const struct sl_normal_step *step, struct sl_token_scratch *s,
                          struct sl_token_text *text)
{
    unsigned unstable = unstable_flag(step);
    if (is_stable(text, unstable))
        return SL_OK;
    struct former f = {.step = step, .scratch = s};
    sl_token_rewrite_begin(&f.rewrite, s, text);
    for (uint32_t at = 0; at < text->n && !f.is_full;) {
        unsigned n;
        uint32_t cp = sl_utf8_at(sl_str_of(text->p, text->n), at, &n);
        at += n;
        /* A stable one joins nothing before it; taken apart, marks behind it may go between. */
        if (!sl_char_is(cp, unstable))
            flush(&f);
        uint32_t parts[SL_CHAR_PARTS_MAX];
        unsigned n_parts = sl_char_decompose(cp, step->is_compatible, parts);
        for (unsigned i = 0; i < n_parts; i++)
            add(&f, parts[i], i > 0);
    }
    flush(&f);
    if (f.is_full)
        return SL_NOMEM;
    return sl_token_rewrite_end(&f.rewrite, text);
}
