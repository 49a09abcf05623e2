/* Sets of strings: their windows and slots, and what is compared at a place. */
#include "match/stringset_parts.h"

#define MIN_BITS   15
#define MAX_BITS   22
#define MAX_OFFSET 60

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

static uint32_t long_slot(const struct sl_stringset *set, uint32_t hash)
{
    return hash >> (32 - set->n_slots);
}

static uint32_t short_slot(const struct sl_stringset *set, unsigned pair)
{
    uint32_t hash = (pair | 0x2020) * 0x9e3779b1u;
    return (1u << set->n_slots) + (hash >> (32 - set->n_slots));
}

/* The window that is rare in texts and among the strings; how full a slot is counts as a place. */
static uint32_t choose_offset(const struct sl_stringset *set, const uint32_t *n_in_slot,
                              const struct sl_stringset_string *s)
{
    uint32_t best = 0;
    double least = 1e9;
    for (uint32_t at = 0; at + SL_WINDOW <= s->text.n && at <= MAX_OFFSET; at++) {
        double rate = 1;
        for (uint32_t k = at; k < at + SL_WINDOW; k++)
            rate *= sl_stringset_share((unsigned char)s->text.p[k]);
        rate *= 1 + n_in_slot[long_slot(set, sl_window_hash(s->text.p + at))];
        if (rate < least) {
            least = rate;
            best = at;
        }
        if (s->is_ordered)
            break;
    }
    return best;
}

static void set_bit(uint32_t *bits, uint32_t at)
{
    bits[at >> 5] |= 1u << (at & 31);
}

static void set_pairs(struct sl_stringset *set, const struct sl_stringset_string *s)
{
    unsigned pair = sl_window_pair(s->text.p);
    bool folds[2];
    for (int k = 0; k < 2; k++)
        folds[k] = s->is_caseless && s->text.p[k] >= 'a' && s->text.p[k] <= 'z';
    for (unsigned which = 0; which < 4; which++)
        if ((!(which & 1) || folds[0]) && (!(which & 2) || folds[1]))
            set_bit(set->pairs, pair ^ (which & 1 ? 0x20 : 0) ^ (which & 2 ? 0x2000 : 0));
}

/* Chooses every string's window and slot, and sets its bits. */
static void place(struct sl_stringset *set, const struct sl_stringset_string *strings, uint32_t n,
                  uint32_t *slot, uint32_t *offset, uint32_t *n_in_slot)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct sl_stringset_string *s = &strings[i];
        slot[i] = UINT32_MAX;
        if (s->text.n < 2)
            continue;
        if (s->text.n < SL_WINDOW) {
            slot[i] = short_slot(set, sl_window_pair(s->text.p));
            set_pairs(set, s);
        } else {
            offset[i] = choose_offset(set, n_in_slot, s);
            uint32_t hash = sl_window_hash(s->text.p + offset[i]);
            slot[i] = long_slot(set, hash);
            set_bit(set->longs, hash >> (32 - set->n_bits));
        }
        n_in_slot[slot[i]]++;
    }
}

/* Puts the items in the order of their slots, of which n_in_slot says the numbers. */
static void lay_out(struct sl_stringset *set, const struct sl_stringset_string *strings, uint32_t n,
                    const uint32_t *slot, const uint32_t *offset, const uint32_t *n_in_slot)
{
    /* Each slot's end is counted down to its beginning. */
    for (uint32_t k = 0, end = 0; k <= 2u << set->n_slots; k++)
        set->first[k] = end += k < 2u << set->n_slots ? n_in_slot[k] : 0;
    for (uint32_t i = n; i-- > 0;) {
        if (slot[i] == UINT32_MAX)
            continue;
        const struct sl_stringset_string *from = &strings[i];
        struct sl_stringset_item *to = &set->items[--set->first[slot[i]]];
        *to = (struct sl_stringset_item){.text = from->text.p,
                                         .n = (uint32_t)from->text.n,
                                         .id = i,
                                         .offset = offset[i],
                                         .is_caseless = from->is_caseless};
        size_t rest = from->text.n > 8 ? from->text.n - 8 : 0;
        fill(to->text, to->n, to->is_caseless, &to->mask, &to->value);
        fill(to->text + rest, to->n, to->is_caseless, &to->last_mask, &to->last_value);
    }
}

static unsigned bits_for(uint32_t n, uint32_t each, unsigned min)
{
    unsigned bits = min;
    while (bits < MAX_BITS && (uint64_t)n * each > (uint64_t)1 << bits)
        bits++;
    return bits;
}

/* n_strings: short ones, long ones. */
static enum sl_rc build(struct sl_stringset *set, struct sl_arena *arena,
                        const struct sl_stringset_string *strings, uint32_t n,
                        const uint32_t *n_strings, bool may_teddy)
{
    set->n_bits = bits_for(n_strings[1], 32, MIN_BITS);
    set->n_slots = bits_for(n_strings[0] + n_strings[1], 2, 4);
    uint32_t *slot = SL_NEW_ARRAY(arena, uint32_t, n), *offset = SL_NEW_ARRAY(arena, uint32_t, n);
    uint32_t *n_in_slot = SL_NEW_ARRAY(arena, uint32_t, 2u << set->n_slots);
    set->first = SL_NEW_ARRAY(arena, uint32_t, (2u << set->n_slots) + 1);
    set->items = SL_NEW_ARRAY(arena, struct sl_stringset_item, n_strings[0] + n_strings[1]);
    set->pairs = n_strings[0] ? SL_NEW_ARRAY(arena, uint32_t, 0x10000 / 32) : NULL;
    set->longs = n_strings[1] ? SL_NEW_ARRAY(arena, uint32_t, (1u << set->n_bits) / 32) : NULL;
    if (!slot || !offset || !n_in_slot || !set->first || !set->items ||
        (n_strings[0] && !set->pairs) || (n_strings[1] && !set->longs))
        return SL_NOMEM;
    place(set, strings, n, slot, offset, n_in_slot);
    lay_out(set, strings, n, slot, offset, n_in_slot);
    return may_teddy ? sl_teddy_new(&set->teddy, arena, strings, n, offset) : SL_OK;
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

static void compare(const struct sl_stringset_run *r, uint32_t slot, size_t place)
{
    const struct sl_stringset *set = r->set;
    for (uint32_t i = set->first[slot]; i < set->first[slot + 1]; i++) {
        const struct sl_stringset_item *s = &set->items[i];
        if (place >= s->offset && place - s->offset < r->text.n &&
            is_at(s, r->text, place - s->offset))
            r->f(r->ctx, s->id, place - s->offset);
    }
}

void sl_stringset_verify(const struct sl_stringset_run *r, const char *p, size_t base,
                         uint64_t places)
{
    const struct sl_stringset *set = r->set;
    for (; places; places &= places - 1) {
        size_t at = (size_t)__builtin_ctzll(places);
        uint32_t hash = sl_window_hash(p + at);
        unsigned pair = sl_window_pair(p + at);
        if (set->longs && sl_window_bit(set->longs, hash >> (32 - set->n_bits)))
            compare(r, long_slot(set, hash), base + at);
        if (set->pairs && sl_window_bit(set->pairs, pair))
            compare(r, short_slot(set, pair), base + at);
    }
}

static unsigned width_of_processor(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
        return 64;
    if (__builtin_cpu_supports("avx2"))
        return 32;
#endif
    return 0;
}

enum sl_rc sl_stringset_new(struct sl_stringset **out, struct sl_arena *arena,
                            const struct sl_stringset_string *strings, uint32_t n,
                            const struct sl_stringset_options *options)
{
    uint32_t n_strings[2] = {0};
    *out = NULL;
    for (uint32_t i = 0; i < n; i++)
        if (strings[i].text.n >= 2)
            n_strings[strings[i].text.n >= SL_WINDOW]++;
    if (n_strings[0] + n_strings[1] == 0)
        return SL_OK;
    struct sl_stringset *set = SL_NEW(arena, struct sl_stringset);
    if (!set)
        return SL_NOMEM;
    set->width = width_of_processor();
    if (options && options->max_width < set->width)
        set->width = options->max_width;
    bool may_teddy = set->width && !(options && options->is_hashed);
    enum sl_rc rc = build(set, arena, strings, n, n_strings, may_teddy);
    if (rc == SL_OK)
        *out = set;
    return rc;
}

void sl_stringset_run(const struct sl_stringset *set, sl_str text, sl_stringset_fn f, void *ctx)
{
    struct sl_stringset_run r = {.set = set, .text = text, .f = f, .ctx = ctx};
    sl_stringset_filter filter =
        set->teddy ? sl_teddy_filter(set->width) : sl_windows_filter(set->width);
    size_t done = filter(&r, text.p, text.n, 0);
    /* The rest, with zeros behind it. */
    char rest[3 * SL_FILTER_MAX] = {0};
    if (done < text.n) {
        memcpy(rest, text.p + done, text.n - done);
        filter(&r, rest, sizeof(rest), done);
    }
}
