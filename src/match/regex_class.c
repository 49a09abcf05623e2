/* Escapes and character classes: what stands for a set of characters in RE2's syntax. */
#include "match/regex_parser.h"

#include "base/utf8.h"

static int hex(unsigned char c)
{
    int lower = c | 32;
    return regex_is_digit(c) ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* An escape that stands for one character; p->at is on the backslash. */
static bool parse_escaped_char(struct regex_parser *p, uint32_t *out)
{
    sl_str s = p->text;
    size_t begin = p->at, at = begin + 1;
    if (at >= s.n)
        return regex_fail(p, "trailing backslash at end of expression", SL_STR(""));
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
    if (c == '0' || (c >= '1' && c <= '7' && at < s.n && regex_is_octal(s.p[at]))) {
        value = c - '0';
        for (int i = 1; i < 3 && at < s.n && regex_is_octal(s.p[at]); i++)
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
    } else if (c < 0x80 && !regex_is_letter(c) && !regex_is_digit(c)) {
        value = c;
    } else {
        goto bad;
    }
    *out = value;
    p->at = at;
    return true;
bad:
    return regex_fail(p, "invalid escape sequence", sl_str_sub(s, begin, at));
}

/* \d \s \w \pN \p{Name} and their negations at p->at: 1 added, 0 something else, -1 failed. */
static int parse_group_escape(struct regex_parser *p, struct sl_charset *into)
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
                regex_fail(p, "invalid character class range", sl_str_sub(s, p->at, s.n));
                return -1;
            }
        }
        end++;
        if (name.n && name.p[0] == '^') {
            is_negated = !is_negated;
            name = sl_str_sub(name, 1, name.n);
        }
        if (!sl_charset_add_unicode(&set, name)) {
            regex_fail(p, "invalid character class range", sl_str_sub(s, p->at, end));
            return -1;
        }
    } else {
        return 0;
    }
    sl_charset_normalise(&set);
    if (p->flags & REGEX_FOLD)
        sl_charset_fold(&set);
    if (is_negated)
        sl_charset_negate(&set);
    sl_charset_add_set(into, &set);
    p->at = end;
    return 1;
}

bool regex_next_char(struct regex_parser *p, uint32_t *out)
{
    unsigned n;
    *out = sl_utf8_at(p->text, p->at, &n);
    p->at += n;
    return true;
}

static bool class_char(struct regex_parser *p, sl_str whole, uint32_t *out)
{
    if (p->at >= p->text.n)
        return regex_fail(p, "missing closing ]", whole);
    return p->text.p[p->at] == '\\' ? parse_escaped_char(p, out) : regex_next_char(p, out);
}

/* "[:name:]" within a class: 1 added, 0 no such thing, -1 failed. */
static int parse_posix(struct regex_parser *p, struct sl_charset *into)
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
        regex_fail(p, "invalid character class range", sl_str_sub(rest, 0, end + 4));
        return -1;
    }
    sl_charset_normalise(&set);
    if (p->flags & REGEX_FOLD)
        sl_charset_fold(&set);
    if (is_negated)
        sl_charset_negate(&set);
    sl_charset_add_set(into, &set);
    p->at += end + 4;
    return 1;
}

bool regex_parse_class(struct regex_parser *p)
{
    sl_str s = p->text, whole = sl_str_sub(s, p->at, s.n);
    struct sl_charset set;
    sl_charset_init(&set, p->arena);
    p->at++;
    bool is_negated = p->at < s.n && s.p[p->at] == '^';
    p->at += is_negated;
    for (bool is_first = true;; is_first = false) {
        if (p->at >= s.n)
            return regex_fail(p, "missing closing ]", whole);
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
                return regex_fail(p, "invalid character class range", sl_str_sub(s, begin, p->at));
        }
        struct sl_charset one;
        sl_charset_init(&one, p->arena);
        sl_charset_add(&one, low, high);
        if (p->flags & REGEX_FOLD)
            sl_charset_fold(&one);
        sl_charset_add_set(&set, &one);
    }
    p->at++;
    sl_charset_normalise(&set);
    if (is_negated)
        sl_charset_negate(&set);
    return regex_add_class(p, &set);
}

bool regex_parse_escape(struct regex_parser *p)
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
            return regex_add_assert(p, asserts[i].kind);
        }
    }
    if (c == 'Q') {
        p->at += 2;
        size_t end = sl_str_find(sl_str_sub(rest, 2, rest.n), SL_STR("\\E"));
        size_t stop = end == SIZE_MAX ? p->text.n : p->at + end;
        while (p->at < stop) {
            uint32_t cp;
            regex_next_char(p, &cp);
            if (!regex_add_char(p, cp))
                return false;
        }
        p->at = end == SIZE_MAX ? stop : stop + 2;
        return true;
    }
    struct sl_charset set;
    sl_charset_init(&set, p->arena);
    int group = parse_group_escape(p, &set);
    if (group)
        return group > 0 && regex_add_class(p, &set);
    uint32_t cp;
    return parse_escaped_char(p, &cp) && regex_add_char(p, cp);
}
