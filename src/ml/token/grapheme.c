/*
 * The rules from GB3 to GB13, walked forwards from the beginning of a cluster. GB9c (an Indic
 * conjunct is one cluster) is left out: the one user asks only for clusters of less than six bytes,
 * and a conjunct has nine.
 */
#include "ml/token/grapheme.h"

#include "ml/token/chars.h"

/* Values of the generated table (tools/token_tables.py), then the Hangul kinds. */
enum kind {
    OTHER,
    CONTROL,
    EXTEND,
    SPACING,
    PREPEND,
    PICTOGRAPHIC,
    CR,
    LF,
    ZWJ,
    REGIONAL,
    L,
    V,
    T,
    LV,
    LVT,
};

static enum kind kind_of(uint32_t cp)
{
    if (cp < 0x80)
        return cp == '\r' ? CR : cp == '\n' ? LF : cp < 0x20 || cp == 0x7f ? CONTROL : OTHER;
    if (cp == 0x200d)
        return ZWJ;
    if (cp >= 0x1f1e6 && cp <= 0x1f1ff)
        return REGIONAL;
    if ((cp >= 0x1100 && cp < 0x1160) || (cp >= 0xa960 && cp <= 0xa97c))
        return L;
    if ((cp >= 0x1160 && cp < 0x11a8) || (cp >= 0xd7b0 && cp <= 0xd7c6))
        return V;
    if ((cp >= 0x11a8 && cp < 0x1200) || (cp >= 0xd7cb && cp <= 0xd7fb))
        return T;
    if (cp >= 0xac00 && cp < 0xd7a4)
        return (cp - 0xac00) % 28 ? LVT : LV;
    return (enum kind)sl_token_gcb_blocks[sl_token_gcb_index[cp >> 7] * 128u + (cp & 127)];
}

/* What the cluster so far says about the next character. */
struct state {
    enum kind last;
    bool has_odd_regional; /* the regional indicators at its end are an odd number */
    bool has_pictograph;   /* ends in a pictograph and extenders, so that ZWJ joins the next one */
};

static bool is_joined(const struct state *s, enum kind next)
{
    enum kind last = s->last;
    if (last == CR)
        return next == LF;
    if (last == LF || last == CONTROL || next == CR || next == LF || next == CONTROL)
        return false;
    if (last == L && (next == L || next == V || next == LV || next == LVT))
        return true;
    if ((last == LV || last == V) && (next == V || next == T))
        return true;
    if ((last == LVT || last == T) && next == T)
        return true;
    if (next == EXTEND || next == ZWJ || next == SPACING || last == PREPEND)
        return true;
    if (last == ZWJ && next == PICTOGRAPHIC)
        return s->has_pictograph;
    return last == REGIONAL && next == REGIONAL && s->has_odd_regional;
}

uint32_t sl_grapheme_end(sl_str text, uint32_t at)
{
    unsigned n;
    struct state s = {0};
    s.last = kind_of(sl_utf8_at(text, at, &n));
    s.has_odd_regional = s.last == REGIONAL;
    s.has_pictograph = s.last == PICTOGRAPHIC;
    for (at += n; at < text.n; at += n) {
        enum kind next = kind_of(sl_utf8_at(text, at, &n));
        if (!is_joined(&s, next))
            break;
        s.has_odd_regional = next == REGIONAL && !s.has_odd_regional;
        s.has_pictograph =
            next == PICTOGRAPHIC || (s.has_pictograph && (next == EXTEND || next == ZWJ));
        s.last = next;
    }
    return at;
}
