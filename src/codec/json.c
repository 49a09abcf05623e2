/*
 * The parser: one walk over the text that checks the grammar and lays the tape. Strings are skipped
 * by vector kernels (json_scan.h); most of a chat body is long strings. Open containers live on an
 * explicit stack, so that depth costs memory and never the C stack.
 *
 * Duplicate keys: each open object keeps a 64-bit set of cheap key hashes; a key whose bit is new
 * is unique at once, otherwise the object's earlier keys are compared. An object that grows beyond
 * SMALL_OBJECT keys is checked when it closes, with a hash table (json_keys.c).
 */
#include "codec/json.h"
#include "codec/json_parts.h"
#include "codec/json_scan.h"

enum { FIRST_FRAMES = 32, FIRST_NODES = 128, SMALL_OBJECT = 24 };

struct frame {
    uint64_t seen;  /* bit per cheap hash of a key */
    uint32_t node;  /* the container */
    uint32_t count; /* members so far */
};

struct parser {
    const char *text, *end;
    struct sl_arena *arena;
    struct sl_err *err;
    const struct sl_json_scan *scan;
    struct sl_json_node *nodes;
    uint32_t n, cap, max_nodes;
    struct frame *frames;
    uint32_t depth, cap_frames, max_depth;
    struct sl_json_keys keys;
    struct frame first_frames[FIRST_FRAMES];
};

/* ---- errors ------------------------------------------------------------------------------ */

static void set_place(struct parser *ps, const char *at)
{
    if (!ps->err)
        return;
    uint32_t line = 1;
    const char *line_start = ps->text;
    for (const char *p = ps->text; p < at; p++) {
        if (*p == '\n') {
            line++;
            line_start = p + 1;
        }
    }
    ps->err->offset = (size_t)(at - ps->text);
    ps->err->line = line;
    ps->err->column = (uint32_t)(at - line_start) + 1;
}

/* "expected X, found Y" at `at`. */
static enum sl_rc fail(struct parser *ps, const char *at, const char *expected)
{
    set_place(ps, at);
    if (at >= ps->end)
        return sl_err_set(ps->err, SL_INVALID, "unexpected end of JSON: expected %s", expected);
    unsigned char c = (unsigned char)*at;
    if (c == 0xef && ps->end - at >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
        return sl_err_set(ps->err, SL_INVALID, "expected %s, found a byte order mark", expected);
    if (c < 0x20 || c >= 0x7f)
        return sl_err_set(ps->err, SL_INVALID, "expected %s, found byte 0x%02x", expected, c);
    return sl_err_set(ps->err, SL_INVALID, "expected %s, found '%c'", expected, c);
}

static enum sl_rc fail_string(struct parser *ps, const char *at)
{
    set_place(ps, at);
    if (at >= ps->end)
        return sl_err_set(ps->err, SL_INVALID, "unexpected end of JSON: a string is not closed");
    if (*at == '\\')
        return sl_err_set(ps->err, SL_INVALID, "invalid escape sequence in a string");
    return sl_err_set(ps->err, SL_INVALID, "control character 0x%02x in a string must be escaped",
                      (unsigned char)*at);
}

static enum sl_rc fail_duplicate(struct parser *ps, uint32_t key)
{
    const struct sl_json_node *node = &ps->nodes[key];
    set_place(ps, ps->text + node->offset - 1);
    return sl_err_set(ps->err, SL_INVALID, "duplicate key \"%.*s\"",
                      (int)(node->len > 100 ? 100 : node->len), ps->text + node->offset);
}

/* ---- growth ------------------------------------------------------------------------------ */

static enum sl_rc grow_nodes(struct parser *ps, uint32_t n, const char *at)
{
    if (n >= ps->max_nodes) {
        set_place(ps, at);
        return sl_err_set(ps->err, SL_LIMIT, "more than %u values", ps->max_nodes);
    }
    /* As many as the text will need if it goes on as it began, within bounds that a text which
     * does not cannot abuse. */
    uint64_t behind = (uint64_t)(at - ps->text) + 1, all = (uint64_t)(ps->end - ps->text);
    uint64_t cap = n * all / behind + n / 8 + 16;
    if (cap < 2 * (uint64_t)n)
        cap = 2 * (uint64_t)n;
    if (cap > 16 * (uint64_t)n)
        cap = 16 * (uint64_t)n;
    if (cap < FIRST_NODES)
        cap = FIRST_NODES;
    if (cap > ps->max_nodes)
        cap = ps->max_nodes;
    struct sl_json_node *grown =
        sl_arena_alloc_aligned(ps->arena, (size_t)cap * sizeof *grown, sizeof *grown);
    if (!grown)
        return sl_err_set(ps->err, SL_NOMEM, "out of memory for %u values", (uint32_t)cap);
    if (n)
        memcpy(grown, ps->nodes, (size_t)n * sizeof *grown);
    ps->nodes = grown;
    ps->cap = (uint32_t)cap;
    return SL_OK;
}

static enum sl_rc grow_frames(struct parser *ps, const char *at)
{
    if (ps->depth >= ps->max_depth) {
        set_place(ps, at);
        return sl_err_set(ps->err, SL_LIMIT, "nested deeper than %u", ps->max_depth);
    }
    uint32_t cap = ps->cap_frames * 2 < ps->max_depth ? ps->cap_frames * 2 : ps->max_depth;
    struct frame *grown = sl_arena_alloc(ps->arena, (size_t)cap * sizeof *grown);
    if (!grown)
        return sl_err_set(ps->err, SL_NOMEM, "out of memory for depth %u", cap);
    memcpy(grown, ps->frames, (size_t)ps->depth * sizeof *grown);
    ps->frames = grown;
    ps->cap_frames = cap;
    return SL_OK;
}

/* ---- tokens ------------------------------------------------------------------------------ */

static const char *skip_run(const char *p, const char *end)
{
    while (end - p >= SL_JSON_PEEK) {
        unsigned n = sl_json_peek_blanks(p);
        p += n;
        if (n < SL_JSON_PEEK)
            return p;
    }
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* None or one blank is the rule; runs are indentation. */
static inline const char *skip_blanks(const char *p, const char *end)
{
    if (SL_LIKELY(p < end && (unsigned char)*p > ' '))
        return p;
    if (end - p >= 2 && *p == ' ' && (unsigned char)p[1] > ' ')
        return p + 1;
    return skip_run(p, end);
}

/* Closing quote of the string whose first byte is p, as json_scan.h's kernels return it. */
static inline const char *scan_string(const struct parser *ps, const char *p, const char *end,
                                      uint32_t *flags)
{
    if (SL_LIKELY(end - p >= SL_JSON_PEEK)) {
        unsigned plain = sl_json_peek(p);
        p += plain;
        if (SL_LIKELY(plain < SL_JSON_PEEK && *p == '"'))
            return p;
    }
    return ps->scan->string(p, end, flags);
}

static inline bool is_digit(const char *p, const char *end)
{
    return p < end && (unsigned)(*p - '0') <= 9;
}

/* Behind the number at p; on a mistake its place, and *expected is what should be there. */
static const char *scan_number(const char *p, const char *end, const char **expected)
{
    if (*p == '-')
        p++;
    if (!is_digit(p, end)) {
        *expected = "a digit";
        return p;
    }
    if (*p == '0')
        p++;
    else
        while (is_digit(p, end))
            p++;
    if (p < end && *p == '.') {
        if (!is_digit(++p, end)) {
            *expected = "a digit behind the decimal point";
            return p;
        }
        while (is_digit(p, end))
            p++;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if (!is_digit(p, end)) {
            *expected = "a digit of the exponent";
            return p;
        }
        while (is_digit(p, end))
            p++;
    }
    return p;
}

static inline bool is_word(const char *p, const char *end, const char *word, size_t n)
{
    return (size_t)(end - p) >= n && memcmp(p, word, n) == 0;
}

/* ---- objects ----------------------------------------------------------------------------- */

/* One of 64 classes of keys. Escaped keys may equal any plain one and are class 0. */
static inline unsigned key_class(const char *text, const struct sl_json_node *key)
{
    if (key->info & SL_JSON_ESCAPED)
        return 0;
    const unsigned char *p = (const unsigned char *)text + key->offset;
    uint32_t mixed = key->len;
    if (key->len)
        mixed += p[0] * 37u + p[key->len - 1] * 11u;
    return (mixed & 63) + !(mixed & 63);
}

/* True when an earlier key of the same object equals `key`. */
static bool is_repeated(const struct parser *ps, const struct frame *f, uint32_t key)
{
    uint32_t other = f->node + 1;
    for (uint32_t i = 0; i < f->count; i++) {
        if (sl_json_keys_equal(ps->text, &ps->nodes[other], &ps->nodes[key]))
            return true;
        other = ps->nodes[other + 1].next;
    }
    return false;
}

static inline bool is_new_key(const struct parser *ps, struct frame *f, uint32_t key)
{
    if (f->count >= SMALL_OBJECT)
        return true; /* checked when the object closes */
    const struct sl_json_node *node = &ps->nodes[key];
    uint64_t bit = 1ull << key_class(ps->text, node);
    bool may_repeat = (f->seen & (bit | 1)) || (f->seen && bit == 1);
    f->seen |= bit;
    return SL_LIKELY(!may_repeat) || !is_repeated(ps, f, key);
}

static enum sl_rc check_large_object(struct parser *ps, const struct frame *f)
{
    uint32_t repeated = SL_JSON_NONE;
    enum sl_rc rc =
        sl_json_keys_check(&ps->keys, ps->text, ps->nodes, f->node, f->count, &repeated);
    if (rc)
        return sl_err_set(ps->err, rc, "out of memory for an object of %u keys", f->count);
    return repeated == SL_JSON_NONE ? SL_OK : fail_duplicate(ps, repeated);
}

/* ---- the walk ---------------------------------------------------------------------------- */

/* Writes a node whose value ends where the next node begins. */
static inline void put_node(struct sl_json_node *node, uint32_t index, size_t offset, size_t len,
                            uint32_t info)
{
    *node = (struct sl_json_node){(uint32_t)offset, (uint32_t)len, index + 1, info};
}

/* Ends the innermost container; p is behind its bracket, n the index of the next node. */
static inline enum sl_rc close_container(struct parser *ps, const char *p, uint32_t n)
{
    struct frame *f = &ps->frames[--ps->depth];
    struct sl_json_node *node = &ps->nodes[f->node];
    node->len = (uint32_t)(p - (ps->text + node->offset));
    node->info |= f->count << 4;
    node->next = n;
    if (SL_UNLIKELY(f->count > SMALL_OBJECT) && (node->info & 7u) == SL_JSON_OBJECT)
        return check_large_object(ps, f);
    return SL_OK;
}

/*
 * The state machine. Labels are the grammar's states; `n` is the number of nodes so far, `f` the
 * innermost open container (NULL at the root) and is_object its kind.
 */
static enum sl_rc walk(struct parser *ps)
{
    const char *p = ps->text, *const text = p, *const end = ps->end, *expected = NULL, *behind;
    struct frame *f = NULL;
    bool is_object = false;
    uint32_t n = 0, info;
    enum sl_rc rc;

value:
    p = skip_blanks(p, end);
    if (SL_UNLIKELY(p >= end))
        return fail(ps, p, "a value");
    if (SL_UNLIKELY(n == ps->cap) && (rc = grow_nodes(ps, n, p)))
        return rc;
    switch (*p) {
    case '"':
        info = SL_JSON_STRING;
        behind = scan_string(ps, p + 1, end, &info);
        if (SL_UNLIKELY(behind >= end || *behind != '"'))
            return fail_string(ps, behind);
        put_node(&ps->nodes[n], n, p + 1 - text, behind - p - 1, info);
        behind++;
        break;
    case '{':
    case '[':
        if (SL_UNLIKELY(ps->depth == ps->cap_frames) && (rc = grow_frames(ps, p)))
            return rc;
        is_object = *p == '{';
        f = &ps->frames[ps->depth++];
        *f = (struct frame){.node = n};
        put_node(&ps->nodes[n], n, p - text, 0, is_object ? SL_JSON_OBJECT : SL_JSON_ARRAY);
        n++;
        p = skip_blanks(p + 1, end);
        if (p < end && *p == (is_object ? '}' : ']'))
            goto close;
        expected = "a key in quotes or '}'";
        if (is_object)
            goto key;
        f->count = 1;
        goto value;
    case 't':
        if (!is_word(p, end, "true", 4))
            return fail(ps, p, "a value");
        behind = p + 4;
        put_node(&ps->nodes[n], n, p - text, 4, SL_JSON_TRUE);
        break;
    case 'f':
        if (!is_word(p, end, "false", 5))
            return fail(ps, p, "a value");
        behind = p + 5;
        put_node(&ps->nodes[n], n, p - text, 5, SL_JSON_FALSE);
        break;
    case 'n':
        if (!is_word(p, end, "null", 4))
            return fail(ps, p, "a value");
        behind = p + 4;
        put_node(&ps->nodes[n], n, p - text, 4, SL_JSON_NULL);
        break;
    default:
        if (*p != '-' && !is_digit(p, end))
            return fail(ps, p, "a value");
        expected = NULL;
        behind = scan_number(p, end, &expected);
        if (SL_UNLIKELY(expected != NULL))
            return fail(ps, behind, expected);
        put_node(&ps->nodes[n], n, p - text, behind - p, SL_JSON_NUMBER);
    }
    n++;
    p = behind;

after:
    p = skip_blanks(p, end);
    if (SL_UNLIKELY(!f)) {
        ps->n = n;
        return p == end ? SL_OK : fail(ps, p, "the end of the JSON text");
    }
    if (SL_LIKELY(p < end && *p == ',')) {
        if (!is_object) {
            f->count++;
            p++;
            goto value;
        }
        p = skip_blanks(p + 1, end);
        expected = "a key in quotes";
        goto key;
    }
    if (SL_UNLIKELY(p >= end || *p != (is_object ? '}' : ']')))
        return fail(ps, p,
                    is_object ? "',' or '}' behind a member" : "',' or ']' behind an element");

close:
    p++;
    if ((rc = close_container(ps, p, n)))
        return rc;
    f = ps->depth ? f - 1 : NULL;
    is_object = f && (ps->nodes[f->node].info & 7u) == SL_JSON_OBJECT;
    goto after;

key:
    if (SL_UNLIKELY(p >= end || *p != '"'))
        return fail(ps, p, expected);
    if (SL_UNLIKELY(n == ps->cap) && (rc = grow_nodes(ps, n, p)))
        return rc;
    info = SL_JSON_STRING;
    behind = scan_string(ps, p + 1, end, &info);
    if (SL_UNLIKELY(behind >= end || *behind != '"'))
        return fail_string(ps, behind);
    put_node(&ps->nodes[n], n, p + 1 - text, behind - p - 1, info);
    if (SL_UNLIKELY(!is_new_key(ps, f, n)))
        return fail_duplicate(ps, n);
    n++;
    f->count++;
    p = skip_blanks(behind + 1, end);
    if (SL_UNLIKELY(p >= end || *p != ':'))
        return fail(ps, p, "':' behind a key");
    p++;
    goto value;
}

enum sl_rc sl_json_parse(struct sl_json *out, struct sl_arena *arena, sl_str text,
                         const struct sl_json_limits *limits, struct sl_err *err)
{
    const struct sl_json_limits none = {0};
    const struct sl_json_limits *l = limits ? limits : &none;
    size_t max_bytes = l->max_bytes ? l->max_bytes : (size_t)256 << 20;
    if (max_bytes > UINT32_MAX - 1)
        max_bytes = UINT32_MAX - 1;
    *out = (struct sl_json){.text = text};
    if (err)
        *err = (struct sl_err){0};
    if (text.n > max_bytes)
        return sl_err_set(err, SL_LIMIT, "JSON text of %zu bytes is larger than %zu", text.n,
                          max_bytes);
    struct parser ps = {
        .text = text.n ? text.p : "",
        .arena = arena,
        .err = err,
        .scan = sl_json_scan_best(),
        .max_nodes = l->max_nodes ? l->max_nodes : 4u << 20,
        .cap_frames = FIRST_FRAMES,
        .max_depth = l->max_depth ? l->max_depth : 512,
        .keys = {.arena = arena},
    };
    ps.end = ps.text + text.n;
    ps.frames = ps.first_frames;
    if (ps.max_nodes > 1u << 28)
        ps.max_nodes = 1u << 28;
    if (ps.max_depth < FIRST_FRAMES)
        ps.cap_frames = ps.max_depth;
    size_t bad = ps.scan->utf8(ps.text, text.n);
    if (bad != text.n) {
        set_place(&ps, ps.text + bad);
        return sl_err_set(err, SL_INVALID, "invalid UTF-8: byte 0x%02x",
                          (unsigned char)ps.text[bad]);
    }
    enum sl_rc rc = walk(&ps);
    if (rc)
        return rc;
    out->nodes = ps.nodes;
    out->n_nodes = ps.n;
    return SL_OK;
}
