/* See learned.h. */
#include "route/learned.h"

#include "base/unicode.h"
#include "base/utf8.h"
#include "route/trace.h"

#define OVERLAP 64 /* code points that two pieces share */

enum sl_rc sl_signal_vector(struct sl_signal_run *run, sl_str text, struct sl_vector *out)
{
    const struct sl_infer_ask *ask = run->infer ? sl_infer_embed(run->infer, text) : NULL;
    if (!ask || ask->status == SL_INFER_FAILED)
        return SL_IO;
    if (ask->status == SL_INFER_OPEN) {
        run->is_waiting = true;
        return SL_AGAIN;
    }
    *out = ask->vector;
    return SL_OK;
}

sl_slot sl_signal_detail(struct sl_signal_build *b, sl_str name, const char *detail)
{
    return b->slot(b, sl_arena_printf(b->arena, "%.*s:%s", SL_FMT(name), detail));
}

float *sl_signal_scores(struct sl_signal_run *run, uint32_t n_most)
{
    return SL_NEW_ARRAY(run->arena, float, n_most);
}

void sl_signal_note_nearest(struct sl_signal_run *run, sl_slot slot,
                            const struct sl_bank_score *score, double threshold)
{
    if (!run->evidence)
        return;
    sl_str text = sl_arena_printf(run->arena, "nearest example \"%.*s\" at %.3f",
                                  SL_FMT(sl_str_sub(score->nearest, 0, 120)), score->best);
    sl_trace_note(run, slot, text, score->score, threshold, true);
}

static uint32_t units_of(uint32_t cp, bool *is_in_word)
{
    bool was_in_word = *is_in_word;
    *is_in_word = false;
    if (sl_unicode_is_cjk(cp))
        return 6;
    if (!sl_unicode_is_alnum(cp))
        return 1;
    *is_in_word = true;
    return was_in_word ? 1 : 2;
}

sl_str sl_text_piece(sl_str text, size_t *from, uint32_t budget)
{
    size_t begin = *from, at = begin;
    bool is_in_word = false;
    uint32_t used = 0;
    unsigned n;
    for (; at < text.n; at += n) {
        uint32_t units = units_of(sl_utf8_at(text, at, &n), &is_in_word);
        if (used + units > budget && at > begin)
            break;
        used += units;
    }
    *from = at;
    for (uint32_t i = 0; at < text.n && i<OVERLAP && * from> begin; i++) {
        sl_utf8_before(text, *from, &n);
        *from -= n;
    }
    if (at < text.n && *from <= begin) /* a budget below the overlap: go on all the same */
        *from = at;
    return sl_str_sub(text, begin, at);
}
