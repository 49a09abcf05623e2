/* What the parts of the parser share: regex_parse.c, regex_class.c and regex_build.c. */
#ifndef SL_MATCH_REGEX_PARSER_H
#define SL_MATCH_REGEX_PARSER_H

#include "match/regex_prog.h"

#define REGEX_MAX_CODE   20000
#define REGEX_MAX_DEPTH  1000
#define REGEX_MAX_REPEAT 1000
#define REGEX_MAX_NAMES  64

enum { REGEX_FOLD = 1, REGEX_MULTI_LINE = 2, REGEX_DOT_ALL = 4, REGEX_UNGREEDY = 8 };

struct regex_frame {
    unsigned flags;            /* to restore behind the group */
    int32_t start;             /* of the group */
    int32_t alt_start;         /* of the current alternative */
    int32_t last_jump;         /* newest jump to the group's end; its arg links to the one before */
    struct sl_regex_info alts; /* of the finished alternatives */
    bool has_alts;
    struct sl_regex_info cat; /* of the current one, without its last atom */
};

struct regex_parser {
    struct sl_arena *arena;
    sl_str text;
    size_t at;
    unsigned flags;
    struct sl_regex *re;
    uint32_t cap_code, cap_sets;
    struct regex_frame *frames;
    uint32_t depth;
    int32_t atom;         /* start of the last atom in this alternative, -1 without */
    int32_t atom_repeat;  /* greatest product of nested counts within it */
    int32_t group_repeat; /* the same, over the group that just closed */
    size_t op_at; /* where the last repetition operator began; SIZE_MAX: none right before */
    struct sl_regex_info atom_info;
    int32_t frame_repeat[REGEX_MAX_DEPTH];
    sl_str names[REGEX_MAX_NAMES];
    uint32_t n_names;
    struct sl_err *err;
    enum sl_rc rc;
};

static inline bool regex_is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static inline bool regex_is_octal(int c)
{
    return c >= '0' && c <= '7';
}

static inline bool regex_is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- regex_build.c: the program. False: failed, with rc and err set. ------------------------ */
bool regex_fail(struct regex_parser *p, const char *what, sl_str piece);
bool regex_no_memory(struct regex_parser *p);
bool regex_emit(struct regex_parser *p, enum sl_regex_op op, int32_t arg, bool prefers_jump);
/* Puts an instruction before `at`; what follows moves. */
bool regex_insert(struct regex_parser *p, int32_t at, enum sl_regex_op op, int32_t arg,
                  bool prefers_jump);
/* Appends a copy of n instructions. */
bool regex_copy(struct regex_parser *p, int32_t from, int32_t n);
/* Ends the last atom's turn as operand: what it contains joins the concatenation. */
void regex_settle(struct regex_parser *p);
/* One atom each. */
bool regex_add_class(struct regex_parser *p, struct sl_charset *set);
bool regex_add_char(struct regex_parser *p, uint32_t cp);
bool regex_add_assert(struct regex_parser *p, enum sl_regex_assert kind);
bool regex_add_dot(struct regex_parser *p);

/* ---- regex_class.c: what stands for characters, at p->at ------------------------------------ */
bool regex_next_char(struct regex_parser *p, uint32_t *out);
bool regex_parse_class(struct regex_parser *p);
bool regex_parse_escape(struct regex_parser *p);

#endif
