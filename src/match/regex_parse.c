/*
 * Parser of RE2's syntax. It writes the program directly: every piece is a run of instructions
 * with relative jumps, so that alternation inserts, repetition copies, and nothing recurses.
 * Beside the program it carries what each piece must contain (regex_literals.c).
 */
#include "match/regex_prog.h"

#include "base/buf.h"
#include "base/unicode.h"
#include "base/utf8.h"

#include <stdlib.h>

#define MAX_CODE   20000
#define MAX_DEPTH  1000
#define MAX_REPEAT 1000
#define MAX_NAMES  64

enum { FOLD = 1, MULTI_LINE = 2, DOT_ALL = 4, UNGREEDY = 8 };

struct frame {
    unsigned flags;            /* to restore behind the group */
    int32_t start;             /* of the group */
    int32_t alt_start;         /* of the current alternative */
    int32_t last_jump;         /* newest jump to the group's end; its arg links to the one before */
    struct sl_regex_info alts; /* of the finished alternatives */
    bool has_alts;
    struct sl_regex_info cat; /* of the current one, without its last atom */
};

struct parser {
    struct sl_arena *arena;
    sl_str text;
    size_t at;
    unsigned flags;
    struct sl_regex *re;
    uint32_t cap_code, cap_sets;
    struct frame *frames;
    uint32_t depth;
    int32_t atom;         /* start of the last atom in this alternative, -1 without */
    int32_t atom_repeat;  /* greatest product of nested counts within it */
    int32_t group_repeat; /* the same, over the group that just closed */
    size_t op_at; /* where the last repetition operator began; SIZE_MAX: none right before */
    struct sl_regex_info atom_info;
    int32_t frame_repeat[MAX_DEPTH];
    sl_str names[MAX_NAMES];
    uint32_t n_names;
    struct sl_err *err;
    enum sl_rc rc;
};

static bool fail(struct parser *p, const char *what, sl_str piece)
{
    if (p->rc == SL_OK)
        p->rc =
            sl_err_set(p->err, SL_INVALID, "error parsing regexp: %s: `%.*s`", what, SL_FMT(piece));
    return false;
}

static bool no_memory(struct parser *p)
{
    if (p->rc == SL_OK)
        p->rc = sl_err_set(p->err, SL_NOMEM, "out of memory while parsing a regular expression");
    return false;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_octal(int c)
{
    return c >= '0' && c <= '7';
}

static bool is_ascii_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- program ------------------------------------------------------------------------------ */

static bool room(struct parser *p, uint32_t more)
{
    struct sl_regex *re = p->re;
    if (re->n_code + more > MAX_CODE)
        return fail(p, "expression is too large", p->text);
    if (re->n_code + more <= p->cap_code)
        return true;
    uint32_t cap = p->cap_code ? p->cap_code * 2 : 32;
    while (cap < re->n_code + more)
        cap *= 2;
    struct sl_regex_inst *code = sl_arena_alloc(p->arena, cap * sizeof(*code));
    if (!code)
        return no_memory(p);
    if (re->n_code)
        memcpy(code, re->code, re->n_code * sizeof(*code));
    re->code = code;
    p->cap_code = cap;
    return true;
}

static bool emit(struct parser *p, enum sl_regex_op op, int32_t arg, bool prefers_jump)
{
    if (!room(p, 1))
        return false;
    p->re->code[p->re->n_code++] = (struct sl_regex_inst){(uint8_t)op, prefers_jump, arg};
    return true;
}

static bool insert(struct parser *p, int32_t at, enum sl_regex_op op, int32_t arg,
                   bool prefers_jump)
{
    if (!emit(p, op, arg, prefers_jump))
        return false;
    struct sl_regex_inst inst = p->re->code[p->re->n_code - 1];
    memmove(p->re->code + at + 1, p->re->code + at,
            (p->re->n_code - 1 - (uint32_t)at) * sizeof(inst));
    p->re->code[at] = inst;
    return true;
}

static bool copy(struct parser *p, int32_t from, int32_t n)
{
    if (!room(p, (uint32_t)n))
        return false;
    if (n == 0)
        return true;
    memcpy(p->re->code + p->re->n_code, p->re->code + from,
           (size_t)n * sizeof(struct sl_regex_inst));
    p->re->n_code += (uint32_t)n;
    return true;
}

/* ---- pieces ------------------------------------------------------------------------------- */

/* Ends the last atom's turn as operand: what it contains joins the concatenation. */
static void settle(struct parser *p)
{
    if (p->atom >= 0)
        sl_regex_info_cat(&p->frames[p->depth].cat, &p->atom_info);
    if (p->atom >= 0 && p->atom_repeat > p->frame_repeat[p->depth])
        p->frame_repeat[p->depth] = p->atom_repeat;
    p->atom = -1;
    p->op_at = SIZE_MAX;
}

static void begin_atom(struct parser *p)
{
    settle(p);
    p->atom = (int32_t)p->re->n_code;
    p->atom_repeat = 1;
}

static bool add_class(struct parser *p, struct sl_charset *set)
{
    if (set->is_out_of_memory)
        return no_memory(p);
    struct sl_regex *re = p->re;
    if (re->n_sets == p->cap_sets) {
        uint32_t cap = p->cap_sets ? p->cap_sets * 2 : 16;
        struct sl_charset *sets = sl_arena_alloc(p->arena, cap * sizeof(*sets));
        if (!sets)
            return no_memory(p);
        if (re->n_sets)
            memcpy(sets, re->sets, re->n_sets * sizeof(*sets));
        re->sets = sets;
        p->cap_sets = cap;
    }
    begin_atom(p);
    sl_regex_info_class(&p->atom_info, set);
    uint32_t at = 0;
    while (at < re->n_sets &&
           (re->sets[at].n != set->n ||
            (set->n && memcmp(re->sets[at].ranges, set->ranges, set->n * sizeof(*set->ranges)))))
        at++;
    if (at == re->n_sets)
        re->sets[re->n_sets++] = *set;
    return emit(p, SL_RE_CLASS, (int32_t)at, false);
}

static bool add_char(struct parser *p, uint32_t cp)
{
    struct sl_charset set;
    sl_charset_init(&set, p->arena);
    sl_charset_add(&set, cp, cp);
    if (p->flags & FOLD)
        sl_charset_fold(&set);
    return add_class(p, &set);
}

static bool add_assert(struct parser *p, enum sl_regex_assert kind)
{
    begin_atom(p);
    sl_regex_info_empty(&p->atom_info);
    p->re->has_asserts = true;
    return emit(p, SL_RE_ASSERT, kind, false);
}

static bool add_dot(struct parser *p)
{
    struct sl_charset set;
    sl_charset_init(&set, p->arena);
    if (p->flags & DOT_ALL) {
        sl_charset_add(&set, 0, 0x10ffff);
    } else {
        sl_charset_add(&set, 0, '\n' - 1);
        sl_charset_add(&set, '\n' + 1, 0x10ffff);
    }
    return add_class(p, &set);
}

/* ---- groups and alternatives -------------------------------------------------------------- */

static bool open_group(struct parser *p, unsigned outer_flags)
{
    if (p->depth + 1 >= MAX_DEPTH)
        return fail(p, "expression nests too deeply", p->text);
    settle(p);
    p->depth++;
    struct frame *f = &p->frames[p->depth];
    f->flags = outer_flags;
    f->start = f->alt_start = (int32_t)p->re->n_code;
    f->last_jump = -1;
    f->has_alts = false;
    sl_regex_info_empty(&f->cat);
    p->frame_repeat[p->depth] = 1;
    return true;
}

static void end_alternative(struct parser *p)
{
    struct frame *f = &p->frames[p->depth];
    settle(p);
    if (f->has_alts)
        sl_regex_info_alt(&f->alts, &f->cat);
    else
        f->alts = f->cat;
    f->has_alts = true;
    sl_regex_info_empty(&f->cat);
}

static bool alternate(struct parser *p)
{
    struct frame *f = &p->frames[p->depth];
    end_alternative(p);
    int32_t length = (int32_t)p->re->n_code - f->alt_start;
    if (!insert(p, f->alt_start, SL_RE_SPLIT, length + 2, false) ||
        !emit(p, SL_RE_JUMP, f->last_jump, false))
        return false;
    f->last_jump = (int32_t)p->re->n_code - 1;
    f->alt_start = (int32_t)p->re->n_code;
    return true;
}

static void close_group(struct parser *p)
{
    struct frame *f = &p->frames[p->depth];
    end_alternative(p);
    for (int32_t at = f->last_jump; at >= 0;) {
        int32_t before = p->re->code[at].arg;
        p->re->code[at].arg = (int32_t)p->re->n_code - at;
        at = before;
    }
    p->atom_info = f->alts;
    p->group_repeat = p->frame_repeat[p->depth];
}

static bool check_name(struct parser *p, sl_str name, sl_str piece)
{
    bool is_good = name.n > 0;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        is_good &= c == '_' || is_ascii_letter(c) || is_digit(c);
    }
    if (!is_good)
        return fail(p, "invalid named capture", piece);
    for (uint32_t i = 0; i < p->n_names; i++)
        if (sl_str_eq(p->names[i], name))
            return fail(p, "duplicate capture group name", name);
    if (p->n_names == MAX_NAMES)
        return fail(p, "too many named groups", piece);
    p->names[p->n_names++] = name;
    return true;
}

/* "(?" was seen: a named group, flags for the rest, or a group with flags. */
static bool parse_perl_group(struct parser *p)
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
            return fail(p, "invalid named capture", piece);
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
            bit = FOLD;
            break;
        case 'm':
            bit = MULTI_LINE;
            break;
        case 's':
            bit = DOT_ALL;
            break;
        case 'U':
            bit = UNGREEDY;
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
                settle(p);
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
    return fail(p, "missing closing )", p->text);
bad:
    return fail(p, "invalid or unsupported Perl syntax",
                sl_str_sub(p->text, begin, begin + 3 + (is_look ? 1u : 0u)));
}

/* ---- repetition --------------------------------------------------------------------------- */

static bool parse_number(sl_str s, size_t *at, int32_t *out)
{
    size_t i = *at;
    if (i >= s.n || !is_digit(s.p[i]) || (s.p[i] == '0' && i + 1 < s.n && is_digit(s.p[i + 1])))
        return false;
    int32_t value = 0;
    for (; i < s.n && is_digit(s.p[i]); i++)
        if (value < 1000000)
            value = value * 10 + (s.p[i] - '0');
    *at = i;
    *out = value;
    return true;
}

/* "{n}", "{n,}", "{n,m}" at p->at; false: the brace is a plain character. */
static bool parse_counts(const struct parser *p, int32_t *min, int32_t *max, size_t *end)
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

static bool repeat(struct parser *p, int32_t min, int32_t max, bool is_lazy)
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
        if (!copy(p, start, n))
            return false;
    if (max < 0) {
        /* x+ is x and a split back over the last copy; x* makes that optional. */
        if (!emit(p, SL_RE_SPLIT, -n, !is_lazy))
            return false;
        return min > 0 || insert(p, start, SL_RE_SPLIT, n + 2, is_lazy);
    }
    /* x{2,4} is xx(x(x)?)?: every optional copy may jump to the very end. */
    int32_t n_optional = max - (min > 0 ? min : 0);
    if (min == 0) {
        n_optional--;
        if (!insert(p, start, SL_RE_SPLIT, n + 1 + n_optional * (n + 1), is_lazy))
            return false;
        start++;
    }
    for (int32_t i = n_optional; i > 0; i--)
        if (!emit(p, SL_RE_SPLIT, i * (n + 1), is_lazy) || !copy(p, start, n))
            return false;
    return true;
}

static bool parse_repeat(struct parser *p, int32_t min, int32_t max, size_t end)
{
    size_t begin = p->at;
    bool is_counted = p->text.p[begin] == '{';
    bool is_lazy = p->flags & UNGREEDY;
    if (end < p->text.n && p->text.p[end] == '?') {
        is_lazy = !is_lazy;
        end++;
    }
    sl_str piece = sl_str_sub(p->text, begin, end);
    if (p->op_at != SIZE_MAX)
        return fail(p, "invalid nested repetition operator", sl_str_sub(p->text, p->op_at, end));
    if (is_counted && (min > MAX_REPEAT || max > MAX_REPEAT || (max >= 0 && min > max)))
        return fail(p, "invalid repeat count", piece);
    if (p->atom < 0)
        return fail(p, "missing argument to repetition operator", piece);
    if (is_counted) {
        int32_t most = max > min ? max : min;
        p->atom_repeat *= most > 1 ? most : 1;
        if (p->atom_repeat > MAX_REPEAT)
            return fail(p, "invalid repeat count", piece);
    }
    p->at = end;
    if (!repeat(p, min, max, is_lazy))
        return false;
    p->op_at = begin;
    return true;
}

/* ---- escapes and classes ------------------------------------------------------------------ */

static int hex(unsigned char c)
{
    int lower = c | 32;
    return is_digit(c) ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* An escape that stands for one character; p->at is on the backslash. */
static bool parse_escaped_char(struct parser *p, uint32_t *out)
{
    sl_str s = p->text;
    size_t begin = p->at, at = begin + 1;
    if (at >= s.n)
        return fail(p, "trailing backslash at end of expression", SL_STR(""));
    unsigned char c = (unsigned char)s.p[at++];
    static const char letters[] = "a\af\fn\nr\rt\tv\v";
    uint32_t value = 0;
    for (const char *l = letters; *l; l += 2) {
        if (c == (unsigned char)*l) {
            *out = (unsigned char)l[1];
            p->at = at;
            return true;
        }
    }
    if (c == '0' || (c >= '1' && c <= '7' && at < s.n && is_octal(s.p[at]))) {
        value = c - '0';
        for (int i = 1; i < 3 && at < s.n && is_octal(s.p[at]); i++)
            value = value * 8 + (uint32_t)(s.p[at++] - '0');
    } else if (c == 'x' && at < s.n) {
        int digit, n = 0;
        bool is_braced = s.p[at] == '{';
        at += is_braced;
        while (at < s.n && (digit = hex((unsigned char)s.p[at])) >= 0 && (is_braced || n < 2)) {
            value = value * 16 + (uint32_t)digit;
            if (value > 0x10ffff)
                goto bad;
            at++;
            n++;
        }
        if (n == 0 || (!is_braced && n != 2) || (is_braced && (at >= s.n || s.p[at++] != '}')))
            goto bad;
    } else if (c < 0x80 && !is_ascii_letter(c) && !is_digit(c)) {
        value = c;
    } else {
        goto bad;
    }
    *out = value;
    p->at = at;
    return true;
bad:
    return fail(p, "invalid escape sequence", sl_str_sub(s, begin, at));
}

/* \d \s \w \pN \p{Name} and their negations at p->at: 1 added, 0 something else, -1 failed. */
static int parse_group_escape(struct parser *p, struct sl_charset *into)
{
    sl_str s = p->text;
    if (p->at + 1 >= s.n)
        return 0;
    char c = s.p[p->at + 1];
    size_t end = p->at + 2;
    bool is_negated = c >= 'A' && c <= 'Z';
    char lower = (char)(c | 32);
    struct sl_charset set;
    sl_charset_init(&set, p->arena);
    if (lower == 'd' || lower == 's' || lower == 'w') {
        sl_charset_add_posix(&set, sl_str_of(&lower, 1));
    } else if (lower == 'p') {
        sl_str name = sl_str_sub(s, end, end + 1);
        if (name.n && name.p[0] == '{') {
            size_t length = sl_str_chr(sl_str_sub(s, end, s.n), '}');
            name = sl_str_sub(s, end + 1, end + length);
            end += length;
            if (end >= s.n) {
                fail(p, "invalid character class range", sl_str_sub(s, p->at, s.n));
                return -1;
            }
        }
        end++;
        if (name.n && name.p[0] == '^') {
            is_negated = !is_negated;
            name = sl_str_sub(name, 1, name.n);
        }
        if (!sl_charset_add_unicode(&set, name)) {
            fail(p, "invalid character class range", sl_str_sub(s, p->at, end));
            return -1;
        }
    } else {
        return 0;
    }
    sl_charset_normalise(&set);
    if (p->flags & FOLD)
        sl_charset_fold(&set);
    if (is_negated)
        sl_charset_negate(&set);
    sl_charset_add_set(into, &set);
    p->at = end;
    return 1;
}

static bool next_char(struct parser *p, uint32_t *out)
{
    unsigned n;
    *out = sl_utf8_at(p->text, p->at, &n);
    p->at += n;
    return true;
}

static bool class_char(struct parser *p, sl_str whole, uint32_t *out)
{
    if (p->at >= p->text.n)
        return fail(p, "missing closing ]", whole);
    return p->text.p[p->at] == '\\' ? parse_escaped_char(p, out) : next_char(p, out);
}

/* "[:name:]" within a class: 1 added, 0 no such thing, -1 failed. */
static int parse_posix(struct parser *p, struct sl_charset *into)
{
    sl_str rest = sl_str_sub(p->text, p->at, p->text.n);
    if (!sl_str_starts(rest, SL_STR("[:")))
        return 0;
    size_t end = sl_str_find(sl_str_sub(rest, 2, rest.n), SL_STR(":]"));
    if (end == SIZE_MAX)
        return 0;
    sl_str name = sl_str_sub(rest, 2, 2 + end);
    bool is_negated = name.n && name.p[0] == '^';
    struct sl_charset set;
    sl_charset_init(&set, p->arena);
    name = sl_str_sub(name, is_negated, name.n);
    if (name.n < 4 || !sl_charset_add_posix(&set, name)) {
        fail(p, "invalid character class range", sl_str_sub(rest, 0, end + 4));
        return -1;
    }
    sl_charset_normalise(&set);
    if (p->flags & FOLD)
        sl_charset_fold(&set);
    if (is_negated)
        sl_charset_negate(&set);
    sl_charset_add_set(into, &set);
    p->at += end + 4;
    return 1;
}

static bool parse_class(struct parser *p)
{
    sl_str s = p->text, whole = sl_str_sub(s, p->at, s.n);
    struct sl_charset set;
    sl_charset_init(&set, p->arena);
    p->at++;
    bool is_negated = p->at < s.n && s.p[p->at] == '^';
    p->at += is_negated;
    for (bool is_first = true;; is_first = false) {
        if (p->at >= s.n)
            return fail(p, "missing closing ]", whole);
        if (s.p[p->at] == ']' && !is_first)
            break;
        int group = parse_posix(p, &set);
        if (group == 0 && s.p[p->at] == '\\')
            group = parse_group_escape(p, &set);
        if (group < 0)
            return false;
        if (group)
            continue;
        size_t begin = p->at;
        uint32_t low, high;
        if (!class_char(p, whole, &low))
            return false;
        high = low;
        if (p->at + 1 < s.n && s.p[p->at] == '-' && s.p[p->at + 1] != ']') {
            p->at++;
            if (!class_char(p, whole, &high))
                return false;
            if (high < low)
                return fail(p, "invalid character class range", sl_str_sub(s, begin, p->at));
        }
        struct sl_charset one;
        sl_charset_init(&one, p->arena);
        sl_charset_add(&one, low, high);
        if (p->flags & FOLD)
            sl_charset_fold(&one);
        sl_charset_add_set(&set, &one);
    }
    p->at++;
    sl_charset_normalise(&set);
    if (is_negated)
        sl_charset_negate(&set);
    return add_class(p, &set);
}

static bool parse_escape(struct parser *p)
{
    sl_str rest = sl_str_sub(p->text, p->at, p->text.n);
    char c = rest.n > 1 ? rest.p[1] : 0;
    static const struct {
        char letter;
        enum sl_regex_assert kind;
    } asserts[] = {
        {'A', SL_RE_BEGIN_TEXT}, {'z', SL_RE_END_TEXT}, {'b', SL_RE_WORD}, {'B', SL_RE_NOT_WORD}};
    for (size_t i = 0; i < SL_COUNT(asserts); i++) {
        if (c == asserts[i].letter) {
            p->at += 2;
            return add_assert(p, asserts[i].kind);
        }
    }
    if (c == 'Q') {
        p->at += 2;
        size_t end = sl_str_find(sl_str_sub(rest, 2, rest.n), SL_STR("\\E"));
        size_t stop = end == SIZE_MAX ? p->text.n : p->at + end;
        while (p->at < stop) {
            uint32_t cp;
            next_char(p, &cp);
            if (!add_char(p, cp))
                return false;
        }
        p->at = end == SIZE_MAX ? stop : stop + 2;
        return true;
    }
    struct sl_charset set;
    sl_charset_init(&set, p->arena);
    int group = parse_group_escape(p, &set);
    if (group)
        return group > 0 && add_class(p, &set);
    uint32_t cp;
    return parse_escaped_char(p, &cp) && add_char(p, cp);
}

/* ---- the walk ----------------------------------------------------------------------------- */

static bool parse_one(struct parser *p)
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
            return fail(p, "unexpected )", p->text);
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
        return add_char(p, '{');
    case '[':
        return parse_class(p);
    case '\\':
        return parse_escape(p);
    case '.':
        p->at++;
        return add_dot(p);
    case '^':
        p->at++;
        return add_assert(p, p->flags & MULTI_LINE ? SL_RE_BEGIN_LINE : SL_RE_BEGIN_TEXT);
    case '$':
        p->at++;
        return add_assert(p, p->flags & MULTI_LINE ? SL_RE_END_LINE : SL_RE_END_TEXT);
    default:
        return next_char(p, &cp) && add_char(p, cp);
    }
}

static enum sl_rc parse_all(struct parser *p)
{
    if (!sl_utf8_is_valid(p->text))
        return sl_err_set(p->err, SL_INVALID, "error parsing regexp: invalid UTF-8");
    while (p->at < p->text.n)
        if (!parse_one(p))
            return p->rc;
    if (p->depth) {
        fail(p, "missing closing )", p->text);
        return p->rc;
    }
    close_group(p);
    if (!emit(p, SL_RE_MATCH, 0, false))
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
    struct parser *p = calloc(1, sizeof(*p));
    struct frame *frames = calloc(MAX_DEPTH, sizeof(*frames));
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
    p->flags = flags & SL_REGEX_CASELESS ? FOLD : 0;
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
