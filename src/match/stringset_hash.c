/*
 * Any number of strings, by windows: four bytes of each string (two of one that is shorter). One
 * bit per hash of a window says at which places something may be; there the strings of that
 * window are compared.
 */
#include "match/stringset_parts.h"

#define BLOCK    64         /* places between two looks at what was found */
#define FOLD     0x20202020 /* what the two cases of a letter differ in; no harm to others */
#define MIN_BITS 15
#define MAX_BITS 22

struct sl_windows {
    uint32_t *pairs;  /* a bit for each first two bytes of a short string; NULL: none */
    uint32_t *longs;  /* a bit for each hash of a window of four bytes; NULL: none */
    unsigned n_bits;  /* of those hashes */
    unsigned n_slots; /* of long strings, in bits; as many slots again hold the short ones */
};

static uint32_t load32(const char *p)
{
    uint32_t value;
    memcpy(&value, p, sizeof(value));
    return value;
}

static unsigned load16(const char *p)
{
    return (unsigned char)p[0] | (unsigned)(unsigned char)p[1] << 8;
}

static uint32_t hash_of(uint32_t window)
{
    return (window | FOLD) * 0x9e3779b1u;
}

static uint32_t long_slot(const struct sl_windows *w, uint32_t hash)
{
    return hash >> (32 - w->n_slots);
}

static uint32_t short_slot(const struct sl_windows *w, unsigned pair)
{
    return (1u << w->n_slots) + (hash_of(pair) >> (32 - w->n_slots));
}

static void set_bit(uint32_t *bits, uint32_t at)
{
    bits[at >> 5] |= 1u << (at & 31);
}

static uint32_t get_bit(const uint32_t *bits, uint32_t at)
{
    return bits[at >> 5] >> (at & 31) & 1;
}

/* The window that is rare in texts and among the strings; how full a slot is counts as a place. */
static uint32_t choose_offset(const struct sl_windows *w, const uint32_t *n_in_slot,
                              const struct sl_stringset_string *s)
{
    uint32_t best = 0;
    double least = 1e9;
    for (uint32_t at = 0; at + 4 <= s->text.n; at++) {
        double rate = 1e-6;
        for (uint32_t k = at; k < at + 4; k++)
            rate *= 20 * sl_stringset_share((unsigned char)s->text.p[k]);
        rate *= 1 + n_in_slot[long_slot(w, hash_of(load32(s->text.p + at)))];
        if (rate < least) {
            least = rate;
            best = at;
        }
        if (s->is_ordered || at == 60)
            break;
    }
    return best;
}

static void set_pairs(struct sl_windows *w, const struct sl_stringset_string *s)
{
    unsigned pair = load16(s->text.p);
    bool folds[2];
    for (int k = 0; k < 2; k++)
        folds[k] = s->is_caseless && s->text.p[k] >= 'a' && s->text.p[k] <= 'z';
    for (unsigned which = 0; which < 4; which++)
        if ((!(which & 1) || folds[0]) && (!(which & 2) || folds[1]))
            set_bit(w->pairs, pair ^ (which & 1 ? 0x20 : 0) ^ (which & 2 ? 0x2000 : 0));
}

static unsigned bits_for(uint32_t n, uint32_t each, unsigned min)
{
    unsigned bits = min;
    while (bits < MAX_BITS && (uint64_t)n * each > (uint64_t)1 << bits)
        bits++;
    return bits;
}

/* Chooses every string's window and slot, and sets its bits. */
static void place(struct sl_windows *w, const struct sl_stringset_string *strings, uint32_t n,
                  uint32_t *slot, uint32_t *offset, uint32_t *n_in_slot)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct sl_stringset_string *s = &strings[i];
        slot[i] = UINT32_MAX;
        if (s->text.n < 2)
            continue;
        if (s->text.n < 4) {
            slot[i] = short_slot(w, load16(s->text.p));
            set_pairs(w, s);
            continue;
        }
        offset[i] = choose_offset(w, n_in_slot, s);
        uint32_t hash = hash_of(load32(s->text.p + offset[i]));
        slot[i] = long_slot(w, hash);
        n_in_slot[slot[i]]++;
        set_bit(w->longs, hash >> (32 - w->n_bits));
    }
}

enum sl_rc sl_windows_new(const struct sl_windows **out, struct sl_stringset *set,
                          struct sl_arena *arena, const struct sl_stringset_string *strings,
                          uint32_t n)
{
    uint32_t n_short = 0, n_long = 0;
    *out = NULL;
    for (uint32_t i = 0; i < n; i++) {
        n_short += strings[i].text.n >= 2 && strings[i].text.n < 4;
        n_long += strings[i].text.n >= 4;
    }
    struct sl_windows *w = SL_NEW(arena, struct sl_windows);
    uint32_t *slot = SL_NEW_ARRAY(arena, uint32_t, n), *offset = SL_NEW_ARRAY(arena, uint32_t, n);
    if (!w || !slot || !offset)
        return SL_NOMEM;
    w->n_bits = bits_for(n_long, 32, MIN_BITS);
    w->n_slots = bits_for(n, 2, 4);
    uint32_t *n_in_slot = SL_NEW_ARRAY(arena, uint32_t, (size_t)1 << w->n_slots);
    if (n_short)
        w->pairs = SL_NEW_ARRAY(arena, uint32_t, 0x10000 / 32);
    if (n_long)
        w->longs = SL_NEW_ARRAY(arena, uint32_t, ((size_t)1 << w->n_bits) / 32);
    if (!n_in_slot || (n_short && !w->pairs) || (n_long && !w->longs))
        return SL_NOMEM;
    place(w, strings, n, slot, offset, n_in_slot);
    if (!sl_stringset_lay_out(set, arena, strings, n, slot, offset, 2u << w->n_slots))
        return SL_NOMEM;
    *out = w;
    return SL_OK;
}

static void compare_all(const struct sl_stringset_run *r, const char *p, size_t base,
                        uint64_t longs, uint64_t pairs)
{
    const struct sl_windows *w = r->set->windows;
    for (uint64_t places = longs | pairs; places; places &= places - 1) {
        unsigned at = (unsigned)__builtin_ctzll(places);
        if (longs >> at & 1)
            sl_stringset_compare(r, long_slot(w, hash_of(load32(p + at))), base + at);
        if (pairs >> at & 1) {
            unsigned pair = load16(p + at);
            sl_stringset_compare(r, short_slot(w, pair), base + at);
        }
    }
}

/* p has three bytes more than the block. */
static void look(const struct sl_stringset_run *r, const char *p, size_t base)
{
    const struct sl_windows *w = r->set->windows;
    uint64_t longs = 0, pairs = 0;
    unsigned shift = 32 - w->n_bits;
    if (w->longs)
        for (unsigned i = 0; i < BLOCK; i++)
            longs |= (uint64_t)get_bit(w->longs, hash_of(load32(p + i)) >> shift) << i;
    if (w->pairs)
        for (unsigned i = 0; i < BLOCK; i++)
            pairs |= (uint64_t)get_bit(w->pairs, load16(p + i)) << i;
    if (longs | pairs)
        compare_all(r, p, base, longs, pairs);
}

void sl_windows_run(const struct sl_stringset_run *r)
{
    size_t base = 0;
    for (; base + BLOCK + 3 <= r->text.n; base += BLOCK)
        look(r, r->text.p + base, base);
    char rest[2 * BLOCK + 6] = {0}; /* less than a block and three, with zeros behind it */
    if (base < r->text.n)
        memcpy(rest, r->text.p + base, r->text.n - base);
    for (size_t at = 0; base + at < r->text.n; at += BLOCK)
        look(r, rest + at, base + at);
}
