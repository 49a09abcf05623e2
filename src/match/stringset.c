/* Sets of strings: the strings themselves, and which way they are searched. */
#include "match/stringset_parts.h"

/* In 1/10,000. */
static const uint16_t usual[128] = {
    ['\n'] = 150, [' '] = 1700, ['\''] = 40, ['"'] = 50,  ['('] = 40,   [')'] = 40,  [','] = 90,
    ['-'] = 50,   ['.'] = 90,   ['/'] = 40,  [':'] = 40,  [';'] = 20,   ['='] = 30,  ['_'] = 40,
    ['a'] = 650,  ['b'] = 130,  ['c'] = 260, ['d'] = 330, ['e'] = 1000, ['f'] = 170, ['g'] = 170,
    ['h'] = 400,  ['i'] = 580,  ['j'] = 15,  ['k'] = 60,  ['l'] = 340,  ['m'] = 200, ['n'] = 570,
    ['o'] = 620,  ['p'] = 180,  ['q'] = 10,  ['r'] = 500, ['s'] = 540,  ['t'] = 720, ['u'] = 230,
    ['v'] = 90,   ['w'] = 150,  ['x'] = 20,  ['y'] = 150, ['z'] = 10,
};

double sl_stringset_share(unsigned char c)
{
    if (c >= 0x80)
        return 0.0005;
    if ((unsigned)(c - 'A') < 26)
        return usual[c | 32] / 150000.0 + 0.0002;
    return usual[c] / 10000.0 + ((unsigned)(c - '0') < 10 ? 0.004 : 0.0003);
}

static uint64_t load(const void *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof(value));
    return value;
}

/* Mask and value of up to eight bytes at p. */
static void fill(const char *p, size_t n, bool is_caseless, uint64_t *mask, uint64_t *value)
{
    unsigned char masks[8] = {0}, values[8] = {0};
    for (size_t i = 0; i < n && i < 8; i++) {
        bool folds = is_caseless && p[i] >= 'a' && p[i] <= 'z';
        masks[i] = folds ? 0xdf : 0xff;
        values[i] = (unsigned char)p[i] & masks[i];
    }
    *mask = load(masks);
    *value = load(values);
}

bool sl_stringset_lay_out(struct sl_stringset *set, struct sl_arena *arena,
                          const struct sl_stringset_string *strings, uint32_t n,
                          const uint32_t *group_of, const uint32_t *offset, uint32_t n_groups)
{
    set->items = SL_NEW_ARRAY(arena, struct sl_stringset_item, n);
    set->first = SL_NEW_ARRAY(arena, uint32_t, n_groups + 2);
    if (!set->items || !set->first)
        return false;
    /* Counted two groups behind, so that filling leaves every group at its own beginning. */
    uint32_t *next = set->first + 1;
    for (uint32_t i = 0; i < n; i++)
        if (group_of[i] != UINT32_MAX)
            next[group_of[i] + 1]++;
    for (uint32_t g = 0; g < n_groups; g++)
        next[g + 1] += next[g];
    for (uint32_t i = 0; i < n; i++) {
        if (group_of[i] == UINT32_MAX)
            continue;
        const struct sl_stringset_string *from = &strings[i];
        struct sl_stringset_item *to = &set->items[next[group_of[i]]++];
        *to = (struct sl_stringset_item){.text = from->text.p,
                                         .n = (uint32_t)from->text.n,
                                         .id = i,
                                         .offset = offset[i],
                                         .is_caseless = from->is_caseless};
        size_t rest = from->text.n > 8 ? from->text.n - 8 : 0;
        fill(to->text, to->n, to->is_caseless, &to->mask, &to->value);
        fill(to->text + rest, to->n, to->is_caseless, &to->last_mask, &to->last_value);
    }
    return true;
}

/* Whether a string of more than sixteen bytes goes on as it must between its first and last eight.
 */
static bool has_middle(const struct sl_stringset_item *s, const char *at)
{
    for (uint32_t i = 8; i + 8 < s->n; i++) {
        unsigned char c = (unsigned char)at[i];
        if (s->is_caseless && (unsigned)(c - 'A') < 26)
            c |= 32;
        if (c != (unsigned char)s->text[i])
            return false;
    }
    return true;
}

static inline bool is_at(const struct sl_stringset_item *s, sl_str text, size_t from)
{
    const char *at = text.p + from;
    char copy[8] = {0};
    if (s->n > text.n - from)
        return false;
    if (SL_UNLIKELY(text.n - from < 8))
        at = memcpy(copy, at, text.n - from);
    if ((load(at) & s->mask) != s->value)
        return false;
    return s->n <= 8 || ((load(at + s->n - 8) & s->last_mask) == s->last_value &&
                         (s->n <= 16 || has_middle(s, at)));
}

void sl_stringset_compare(const struct sl_stringset_run *r, uint32_t group, size_t place)
{
    const struct sl_stringset *set = r->set;
    for (uint32_t i = set->first[group]; i < set->first[group + 1]; i++) {
        const struct sl_stringset_item *s = &set->items[i];
        if (place >= s->offset && place - s->offset < r->text.n &&
            is_at(s, r->text, place - s->offset))
            r->f(r->ctx, s->id, place - s->offset);
    }
}

enum sl_rc sl_stringset_new(struct sl_stringset **out, struct sl_arena *arena,
                            const struct sl_stringset_string *strings, uint32_t n,
                            enum sl_stringset_way way)
{
    bool is_empty = true;
    *out = NULL;
    for (uint32_t i = 0; i < n && is_empty; i++)
        is_empty = strings[i].text.n < 2;
    if (is_empty)
        return SL_OK;
    struct sl_stringset *set = SL_NEW(arena, struct sl_stringset);
    if (!set)
        return SL_NOMEM;
    enum sl_rc rc = SL_OK;
    if (way != SL_STRINGSET_HASH)
        rc = sl_teddy_new(&set->teddy, set, arena, strings, n, way);
    if (rc == SL_OK && !set->teddy && (way == SL_STRINGSET_BEST || way == SL_STRINGSET_HASH))
        rc = sl_windows_new(&set->windows, set, arena, strings, n);
    if (rc == SL_OK && (set->teddy || set->windows))
        *out = set;
    return rc;
}

void sl_stringset_run(const struct sl_stringset *set, sl_str text, sl_stringset_fn f, void *ctx)
{
    struct sl_stringset_run r = {.set = set, .text = text, .f = f, .ctx = ctx};
    if (set->teddy)
        sl_teddy_run(&r);
    else
        sl_windows_run(&r);
}
