/*
 * Inside of the sets of strings. Every string has a window: four of its bytes, or the first two of
 * one shorter than that. A filter says at which places of the text a window may be; a bit for each
 * hash of a window, then the strings in its slot, say what is there.
 */
#ifndef SL_MATCH_STRINGSET_PARTS_H
#define SL_MATCH_STRINGSET_PARTS_H

#include "match/stringset.h"

#define SL_WINDOW 4

/* A string, made ready to be compared. */
struct sl_stringset_item {
    uint64_t mask, value;           /* of the first eight bytes */
    uint64_t last_mask, last_value; /* of the last eight, when there are more */
    const char *text;
    uint32_t n, id;
    uint32_t offset; /* of the window */
    bool is_caseless;
};

struct sl_stringset {
    struct sl_stringset_item *items; /* by slot */
    uint32_t *first;                 /* item of each slot, and of the one behind the last */
    uint32_t *pairs;  /* a bit for each first two bytes of a short string; NULL: none */
    uint32_t *longs;  /* a bit for each hash of a window of four bytes; NULL: none */
    unsigned n_bits;  /* of those hashes */
    unsigned n_slots; /* of long strings, in bits; as many slots again hold the short ones */
    const struct sl_teddy *teddy; /* the filter; NULL: the bits are */
    unsigned width;               /* of the vectors, in bytes; 0: none */
};

static inline uint32_t sl_window_hash(const char *p)
{
    uint32_t window;
    memcpy(&window, p, sizeof(window));
    /* The bit that the two cases of a letter differ in is set; no harm to other bytes. */
    return (window | 0x20202020u) * 0x9e3779b1u;
}

static inline unsigned sl_window_pair(const char *p)
{
    return (unsigned char)p[0] | (unsigned)(unsigned char)p[1] << 8;
}

static inline uint32_t sl_window_bit(const uint32_t *bits, uint32_t at)
{
    return bits[at >> 5] >> (at & 31) & 1;
}

struct sl_stringset_run {
    const struct sl_stringset *set;
    sl_str text;
    sl_stringset_fn f;
    void *ctx;
};

/*
 * Reports the strings whose windows are at some of 64 places from `base` on; p is the text there,
 * or a copy of its end, three bytes longer than the last place.
 */
void sl_stringset_verify(const struct sl_stringset_run *r, const char *p, size_t base,
                         uint64_t places);

/*
 * A filter looks at [0, n) of p, which is the text from `base` on, as far as blocks with the
 * bytes behind them can be read whole, and says where it stopped.
 */
typedef size_t (*sl_stringset_filter)(const struct sl_stringset_run *r, const char *p, size_t n,
                                      size_t base);
sl_stringset_filter sl_teddy_filter(unsigned width);
sl_stringset_filter sl_windows_filter(unsigned width);
#define SL_FILTER_MAX (64 + SL_WINDOW) /* bytes that a filter may leave, at most */

/* How often a byte is in texts; a guess that only speed depends on. */
double sl_stringset_share(unsigned char c);

/* *out is NULL with SL_OK when the bits are the better filter. offset: of every window. */
SL_MUST_USE enum sl_rc sl_teddy_new(const struct sl_teddy **out, struct sl_arena *arena,
                                    const struct sl_stringset_string *strings, uint32_t n,
                                    const uint32_t *offset);

#endif
