/* The program as the parser writes it: instructions, character atoms, and the first mistake. */
#include "match/regex_parser.h"

bool regex_fail(struct regex_parser *p, const char *what, sl_str piece)
{
    if (p->rc == SL_OK)
        p->rc =
            sl_err_set(p->err, SL_INVALID, "error parsing regexp: %s: `%.*s`", what, SL_FMT(piece));
    return false;
}

bool regex_no_memory(struct regex_parser *p)
{
    if (p->rc == SL_OK)
        p->rc = sl_err_set(p->err, SL_NOMEM, "out of memory while parsing a regular expression");
    return false;
}

/* ---- program ------------------------------------------------------------------------------ */

static bool room(struct regex_parser *p, uint32_t more)
{
    struct sl_regex *re = p->re;
    if (re->n_code + more > REGEX_MAX_CODE)
        return regex_fail(p, "expression is too large", p->text);
    if (re->n_code + more <= p->cap_code)
        return true;
    uint32_t cap = p->cap_code ? p->cap_code * 2 : 32;
    while (cap < re->n_code + more)
        cap *= 2;
    struct sl_regex_inst *code = sl_arena_alloc(p->arena, cap * sizeof(*code));
    if (!code)
        return regex_no_memory(p);
    if (re->n_code)
        memcpy(code, re->code, re->n_code * sizeof(*code));
    re->code = code;
    p->cap_code = cap;
    return true;
}

bool regex_emit(struct regex_parser *p, enum sl_regex_op op, int32_t arg, bool prefers_jump)
{
    if (!room(p, 1))
        return false;
    p->re->code[p->re->n_code++] = (struct sl_regex_inst){(uint8_t)op, prefers_jump, arg};
    return true;
}

bool regex_insert(struct regex_parser *p, int32_t at, enum sl_regex_op op, int32_t arg,
                  bool prefers_jump)
{
    if (!regex_emit(p, op, arg, prefers_jump))
        return false;
    struct sl_regex_inst inst = p->re->code[p->re->n_code - 1];
    memmove(p->re->code + at + 1, p->re->code + at,
            (p->re->n_code - 1 - (uint32_t)at) * sizeof(inst));
    p->re->code[at] = inst;
    return true;
}

bool regex_copy(struct regex_parser *p, int32_t from, int32_t n)
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

void regex_settle(struct regex_parser *p)
{
    if (p->atom >= 0)
        sl_regex_info_cat(&p->frames[p->depth].cat, &p->atom_info);
    if (p->atom >= 0 && p->atom_repeat > p->frame_repeat[p->depth])
        p->frame_repeat[p->depth] = p->atom_repeat;
    p->atom = -1;
    p->op_at = SIZE_MAX;
}

static void begin_atom(struct regex_parser *p)
{
    regex_settle(p);
    p->atom = (int32_t)p->re->n_code;
    p->atom_repeat = 1;
}

bool regex_add_class(struct regex_parser *p, struct sl_charset *set)
{
    if (set->is_out_of_memory)
        return regex_no_memory(p);
    struct sl_regex *re = p->re;
    if (re->n_sets == p->cap_sets) {
        uint32_t cap = p->cap_sets ? p->cap_sets * 2 : 16;
        struct sl_charset *sets = sl_arena_alloc(p->arena, cap * sizeof(*sets));
        if (!sets)
            return regex_no_memory(p);
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
    return regex_emit(p, SL_RE_CLASS, (int32_t)at, false);
}

bool regex_add_char(struct regex_parser *p, uint32_t cp)
{
    struct sl_charset set;
    sl_charset_init(&set, p->arena);
    sl_charset_add(&set, cp, cp);
    if (p->flags & REGEX_FOLD)
        sl_charset_fold(&set);
    return regex_add_class(p, &set);
}

bool regex_add_assert(struct regex_parser *p, enum sl_regex_assert kind)
{
    begin_atom(p);
    sl_regex_info_empty(&p->atom_info);
    p->re->has_asserts = true;
    return regex_emit(p, SL_RE_ASSERT, kind, false);
}

bool regex_add_dot(struct regex_parser *p)
{
    struct sl_charset set;
    sl_charset_init(&set, p->arena);
    if (p->flags & REGEX_DOT_ALL) {
        sl_charset_add(&set, 0, 0x10ffff);
    } else {
        sl_charset_add(&set, 0, '\n' - 1);
        sl_charset_add(&set, '\n' + 1, 0x10ffff);
    }
    return regex_add_class(p, &set);
}
