/*
 * Parser of RE2's syntax. It writes the program directly: every piece is a run of instructions
 * with relative jumps, so that alternation inserts, repetition copies, and nothing recurses.
 * Beside the program it carries what each piece must contain (regex_literals.c).
 */
#include "match/regex_parser.h"

#include "base/unicode.h"
#include "base/utf8.h"

#include <stdlib.h>

/* ---- groups and alternatives -------------------------------------------------------------- */

static bool open_group(struct regex_parser *p, unsigned outer_flags)
{
    if (p->depth + 1 >= REGEX_MAX_DEPTH)
        return regex_fail(p, "expression nests too deeply", p->text);
    regex_settle(p);
    p->depth++;
    struct regex_frame *f = &p->frames[p->depth];
    f->flags = outer_flags;
    f->start = f->alt_start = (int32_t)p->re->n_code;
    f->last_jump = -1;
    f->has_alts = false;
    sl_regex_info_empty(&f->cat);
    p->frame_repeat[p->depth] = 1;
    return true;
}

static void end_alternative(struct regex_parser *p)
{
    struct regex_frame *f = &p->frames[p->depth];
    regex_settle(p);
    if (f->has_alts)
        sl_regex_info_alt(&f->alts, &f->cat);
    else
        f->alts = f->cat;
    f->has_alts = true;
    sl_regex_info_empty(&f->cat);
}

static bool alternate(struct regex_parser *p)
{
    struct regex_frame *f = &p->frames[p->depth];
    end_alternative(p);
    int32_t length = (int32_t)p->re->n_code - f->alt_start;
    if (!regex_insert(p, f->alt_start, SL_RE_SPLIT, length + 2, false) ||
        !regex_emit(p, SL_RE_JUMP, f->last_jump, false))
        return false;
    f->last_jump = (int32_t)p->re->n_code - 1;
    f->alt_start = (int32_t)p->re->n_code;
    return true;
}

static void close_group(struct regex_parser *p)
{
    struct regex_frame *f = &p->frames[p->depth];
    end_alternative(p);
    for (int32_t at = f->last_jump; at >= 0;) {
        int32_t before = p->re->code[at].arg;
        p->re->code[at].arg = (int32_t)p->re->n_code - at;
        at = before;
    }
    p->atom_info = f->alts;
    p->group_repeat = p->frame_repeat[p->depth];
}

static bool check_name(struct regex_parser *p, sl_str name, sl_str piece)
{
    bool is_good = name.n > 0;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        is_good &= c == '_' || regex_is_letter(c) || regex_is_digit(c);
    }
    if (!is_good)
        return regex_fail(p, "invalid named capture", piece);
    for (uint32_t i = 0; i < p->n_names; i++)
        if (sl_str_eq(p->names[i], name))
            return regex_fail(p, "duplicate capture group name", name);
    if (p->n_names == REGEX_MAX_NAMES)
        return regex_fail(p, "too many named groups", piece);
    p->names[p->n_names++] = name;
    return true;
}

/* "(?" was seen: a named group, flags for the rest, or a group with flags. */
static bool parse_perl_group(struct regex_parser *p)
{
    size_t begin = p->at;
    sl_str rest = sl_str_sub(p->text, p->at + 2, p->text.n);
    size_t skip = sl_str_starts(rest, SL_STR("P<")) ? 2 : sl_str_starts(rest, SL_STR("<")) ? 1 : 0;
    bool is_look = skip == 1 && rest.n > 1 && (rest.p[1] == '=' || rest.p[1] == '!');
    if (skip && !is_look) {
        sl_str after = sl_str_sub(rest, skip, rest.n);
        size_t end = sl_str_chr(after, '>');
        sl_str piece = sl_str_sub(p->text, begin, begin + 3 + skip + end);
        if (end == after.n)
            return regex_fail(p, "invalid named capture", piece);
        if (!check_name(p, sl_str_sub(after, 0, end), piece))
            return false;
        p->at = begin + 2 + skip + end + 1;
        return open_group(p, p->flags);
    }
    unsigned flags = p->flags;
    bool is_negated = false, has_flag = false;
    for (size_t i = 0; i < rest.n; i++) {
        unsigned bit = 0;
        switch (rest.p[i]) {
        case 'i':
            bit = REGEX_FOLD;
            break;
        case 'm':
            bit = REGEX_MULTI_LINE;
            break;
        case 's':
            bit = REGEX_DOT_ALL;
            break;
        case 'U':
            bit = REGEX_UNGREEDY;
            break;
        case '-':
            if (is_negated)
                goto bad;
            is_negated = true;
            has_flag = false;
            continue;
        case ':':
        case ')': {
            if (is_negated && !has_flag)
                goto bad;
            unsigned outer = p->flags;
            p->at = begin + 2 + i + 1;
            if (rest.p[i] == ')') {
                regex_settle(p);
                p->flags = flags;
                return true;
            }
            if (!open_group(p, outer))
                return false;
            p->flags = flags;
            return true;
        }
        default:
            goto bad;
        }
        has_flag = true;
        flags = is_negated ? flags & ~bit : flags | bit;
    }
    return regex_fail(p, "missing closing )", p->text);
bad:
    return regex_fail(p, "invalid or unsupported Perl syntax",
                      sl_str_sub(p->text, begin, begin + 3 + (is_look ? 1u : 0u)));
}

/* ---- repetition --------------------------------------------------------------------------- */

static bool parse_number(sl_str s, size_t *at, int32_t *out)
{
    size_t i = *at;
    if (i >= s.n || !regex_is_digit(s.p[i]) ||
        (s.p[i] == '0' && i + 1 < s.n && regex_is_digit(s.p[i + 1])))
        return false;
    int32_t value = 0;
    for (; i < s.n && regex_is_digit(s.p[i]); i++)
        if (value < 1000000)
            value = value * 10 + (s.p[i] - '0');
    *at = i;
    *out = value;
    return true;
}

/* "{n}", "{n,}", "{n,m}" at p->at; false: the brace is a plain character. */
static bool parse_counts(const struct regex_parser *p, int32_t *min, int32_t *max, size_t *end)
{
    size_t at = p->at + 1;
    if (!parse_number(p->text, &at, min))
        return false;
    *max = *min;
    if (at < p->text.n && p->text.p[at] == ',') {
        at++;
        if (at < p->text.n && p->text.p[at] == '}')
            *max = -1;
        else if (!parse_number(p->text, &at, max))
            return false;
    }
    if (at >= p->text.n || p->text.p[at] != '}')
        return false;
    *end = at + 1;
    return true;
}

static bool repeat(struct regex_parser *p, int32_t min, int32_t max, bool is_lazy)
{
    struct sl_regex *re = p->re;
    int32_t start = p->atom, n = (int32_t)re->n_code - start;
    sl_regex_info_repeat(&p->atom_info, min, max);
    if (max == 0) {
        re->n_code = (uint32_t)start;
        sl_regex_info_empty(&p->atom_info);
        return true;
    }
    /* The first copy stays; the mandatory ones follow it. */
    for (int32_t i = 1; i < min; i++)
        if (!regex_copy(p, start, n))
            return false;
    if (max < 0) {
        /* x+ is x and a split back over the last copy; x* makes that optional. */
        if (!regex_emit(p, SL_RE_SPLIT, -n, !is_lazy))
            return false;
        return min > 0 || regex_insert(p, start, SL_RE_SPLIT, n + 2, is_lazy);
    }
    /* x{2,4} is xx(x(x)?)?: every optional copy may jump to the very end. */
    int32_t n_optional = max - (min > 0 ? min : 0);
    if (min == 0) {
        n_optional--;
        if (!regex_insert(p, start, SL_RE_SPLIT, n + 1 + n_optional * (n + 1), is_lazy))
            return false;
        start++;
    }
    for (int32_t i = n_optional; i > 0; i--)
        if (!regex_emit(p, SL_RE_SPLIT, i * (n + 1), is_lazy) || !regex_copy(p, start, n))
            return false;
    return true;
}

static bool parse_repeat(struct regex_parser *p, int32_t min, int32_t max, size_t end)
{
    size_t begin = p->at;
    bool is_counted = p->text.p[begin] == '{';
    bool is_lazy = p->flags & REGEX_UNGREEDY;
    if (end < p->text.n && p->text.p[end] == '?') {
        is_lazy = !is_lazy;
        end++;
    }
    sl_str piece = sl_str_sub(p->text, begin, end);
    if (p->op_at != SIZE_MAX)
        return regex_fail(p, "invalid nested repetition operator",
                          sl_str_sub(p->text, p->op_at, end));
    if (is_counted && (min > REGEX_MAX_REPEAT || max > REGEX_MAX_REPEAT || (max >= 0 && min > max)))
        return regex_fail(p, "invalid repeat count", piece);
    if (p->atom < 0)
        return regex_fail(p, "missing argument to repetition operator", piece);
    if (is_counted) {
        int32_t most = max > min ? max : min;
        p->atom_repeat *= most > 1 ? most : 1;
        if (p->atom_repeat > REGEX_MAX_REPEAT)
            return regex_fail(p, "invalid repeat count", piece);
    }
    p->at = end;
    if (!repeat(p, min, max, is_lazy))
        return false;
    p->op_at = begin;
    return true;
}

/* ---- the walk ----------------------------------------------------------------------------- */

static bool parse_one(struct regex_parser *p)
{
    int32_t min, max;
    size_t end;
    uint32_t cp;
    switch (p->text.p[p->at]) {
    case '(':
        if (p->at + 1 < p->text.n && p->text.p[p->at + 1] == '?')
            return parse_perl_group(p);
        p->at++;
        return open_group(p, p->flags);
    case ')': {
        if (p->depth == 0)
            return regex_fail(p, "unexpected )", p->text);
        close_group(p);
        p->atom = p->frames[p->depth].start;
        p->atom_repeat = p->group_repeat;
        p->flags = p->frames[p->depth].flags;
        p->depth--;
        p->at++;
        return true;
    }
    case '|':
        p->at++;
        return alternate(p);
    case '*':
        return parse_repeat(p, 0, -1, p->at + 1);
    case '+':
        return parse_repeat(p, 1, -1, p->at + 1);
    case '?':
        return parse_repeat(p, 0, 1, p->at + 1);
    case '{':
        if (parse_counts(p, &min, &max, &end))
            return parse_repeat(p, min, max, end);
        p->at++;
        return regex_add_char(p, '{');
    case '[':
        return regex_parse_class(p);
    case '\\':
        return regex_parse_escape(p);
    case '.':
        p->at++;
        return regex_add_dot(p);
    case '^':
        p->at++;
        return regex_add_assert(p,
                                p->flags & REGEX_MULTI_LINE ? SL_RE_BEGIN_LINE : SL_RE_BEGIN_TEXT);
    case '$':
        p->at++;
        return regex_add_assert(p, p->flags & REGEX_MULTI_LINE ? SL_RE_END_LINE : SL_RE_END_TEXT);
    default:
        return regex_next_char(p, &cp) && regex_add_char(p, cp);
    }
}

static enum sl_rc parse_all(struct regex_parser *p)
{
    if (!sl_utf8_is_valid(p->text))
        return sl_err_set(p->err, SL_INVALID, "error parsing regexp: invalid UTF-8");
    while (p->at < p->text.n)
        if (!parse_one(p))
            return p->rc;
    if (p->depth) {
        regex_fail(p, "missing closing )", p->text);
        return p->rc;
    }
    close_group(p);
    if (!regex_emit(p, SL_RE_MATCH, 0, false))
        return p->rc;
    p->re->is_nullable = p->frames[0].alts.is_nullable;
    p->re->is_exact = p->frames[0].alts.is_exact && !p->re->has_asserts;
    sl_regex_info_finish(&p->frames[0].alts, &p->re->required);
    return sl_regex_analyse(p->re, p->arena, p->err);
}

enum sl_rc sl_regex_compile(struct sl_regex **out, struct sl_arena *arena, sl_str pattern,
                            unsigned flags, struct sl_err *err)
{
    *out = NULL;
    struct sl_regex *re = SL_NEW(arena, struct sl_regex);
    struct regex_parser *p = calloc(1, sizeof(*p));
    struct regex_frame *frames = calloc(REGEX_MAX_DEPTH, sizeof(*frames));
    enum sl_rc rc = SL_NOMEM;
    if (!re || !p || !frames) {
        sl_err_set(err, rc, "out of memory while parsing a regular expression");
        goto out;
    }
    p->arena = arena;
    p->text = pattern;
    p->re = re;
    p->frames = frames;
    p->err = err;
    p->atom = -1;
    p->op_at = SIZE_MAX;
    p->flags = flags & SL_REGEX_CASELESS ? REGEX_FOLD : 0;
    frames[0].last_jump = -1;
    sl_regex_info_empty(&frames[0].cat);
    p->frame_repeat[0] = 1;
    rc = parse_all(p);
    if (rc == SL_OK)
        *out = re;
out:
    free(frames);
    free(p);
    return rc;
}

const struct sl_regex_literals *sl_regex_required(const struct sl_regex *re)
{
    return &re->required;
}

bool sl_regex_is_chars(const struct sl_regex *re)
{
    const struct sl_regex_literals *l = &re->required;
    for (uint32_t i = 0; i < l->n; i++) {
        unsigned n;
        sl_str text = sl_str_of(l->items[i].p, l->items[i].n);
        uint32_t cp = sl_utf8_at(text, 0, &n);
        if (n != text.n || sl_unicode_next_case(cp) != cp)
            return false;
    }
    return re->is_exact && l->n > 0;
}
