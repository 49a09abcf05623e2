/*
 * Pieces of a text by bit sets of 64 bytes, a window of blocks at a time: first the places where
 * pieces begin and end are listed, then the wanted ones are chosen, then counted in a hash table
 * (three short loops, each without surprises for the processor). What finds no place in the table
 * is handed out at once, and maybe again.
 */
#include "match/lexicon.h"

#include "base/hash.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define N_BLOCKS   32 /* of a window */
#define MAX_PLACES (N_BLOCKS * 32 + 9)
#define MAX_SLOTS  4096
#define MAX_PROBES 8
#define MAX_PIECE  64 /* bytes; longer ones hardly repeat */
#define KEY_BYTES  16

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { HARD, WORD, JOINER, SOFT, OTHER };

/* Classes of bytes: JOINER and OTHER (not ASCII) belong to pieces, SOFT only between letters. */
static const unsigned char classes[256] = {
    ['0' ... '9'] = WORD, ['A' ... 'Z'] = WORD, ['a' ... 'z'] = WORD,
    ['_'] = JOINER,       ['-'] = JOINER,       [0x80 ... 0xff] = OTHER,
    ['.'] = SOFT,         [','] = SOFT,         [':'] = SOFT,
    [';'] = SOFT,         ['\''] = SOFT,
};

/* One bit a byte of a block of 64. */
struct sets {
    uint64_t word, joiner, soft, other;
};

typedef struct sets classify_fn(const unsigned char *p);

static inline struct sets classify(const unsigned char *p)
{
    uint64_t sets[5] = {0};
    for (int i = 0; i < 64; i++)
        sets[classes[p[i]]] |= (uint64_t)1 << i;
    return (struct sets){sets[WORD], sets[JOINER], sets[SOFT], sets[OTHER]};
}

#ifdef __x86_64__
/*
 * Two looks by half bytes, whose common bits are: digit, letter of the columns 4 and 6, of 5 and 7,
 * underscore, hyphen, soft of the columns 2 and 3.
 */
#define IS_WORD   0x07
#define IS_JOINER 0x18
#define IS_SOFT   0x60

__attribute__((target("avx2"))) static inline uint64_t bits_of(__m256i low, __m256i high, int mask)
{
    __m256i bits = _mm256_set1_epi8((char)mask), none = _mm256_setzero_si256();
    low = _mm256_cmpeq_epi8(_mm256_and_si256(low, bits), none);
    high = _mm256_cmpeq_epi8(_mm256_and_si256(high, bits), none);
    return ~((uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
                                                       << 32);
}

__attribute__((target("avx2"))) static inline __m256i look(__m256i block)
{
    const __m256i by_low =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0x05, 0x07, 0x07, 0x07, 0x07, 0x07, 0x07, 0x27,
                                                  0x07, 0x07, 0x46, 0x42, 0x22, 0x12, 0x22, 0x0a));
    const __m256i by_high = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 0, 0x30, 0x41, 0x02, 0x0c, 0x02, 0x04, 0, 0, 0, 0, 0, 0, 0, 0));
    const __m256i half = _mm256_set1_epi8(15);
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(block, 4), half);
    return _mm256_and_si256(_mm256_shuffle_epi8(by_low, _mm256_and_si256(block, half)),
                            _mm256_shuffle_epi8(by_high, high));
}

__attribute__((target("avx2"))) static inline struct sets classify_avx2(const unsigned char *p)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
    uint64_t other =
        (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
    low = look(low);
    high = look(high);
    return (struct sets){bits_of(low, high, IS_WORD), bits_of(low, high, IS_JOINER),
                         bits_of(low, high, IS_SOFT), other};
}
#endif

struct slot {
    uint32_t from;
    uint16_t times; /* 0: free */
    uint8_t n;      /* with IS_SPECIAL */
    uint8_t tag;
};

#define IS_SPECIAL 0x80 /* in a length: more than one ASCII word */

struct pass {
    sl_str text;
    const struct sl_lexicon_filter *filter;
    sl_lexicon_fn f;
    void *ctx;
    struct slot *slots;
    uint32_t last_slot;
};

/* Pieces that end in a window; one more may have begun. */
struct window {
    size_t base;
    uint64_t special[N_BLOCKS]; /* ends of pieces that are more than one ASCII word */
    uint32_t begins[MAX_PLACES], ends[MAX_PLACES];
    bool is_special[MAX_PLACES]; /* of the pieces that were chosen */
    uint32_t n_begins, n_ends;
};

/* What one block leaves to the next. */
struct carry {
    uint64_t is_letter, is_inside, is_special;
};

ALWAYS_INLINE uint32_t list_bits(uint64_t bits, uint32_t base, uint32_t *to)
{
    uint32_t n = (uint32_t)__builtin_popcountll(bits);
    for (uint32_t at = 0; at < n; at += 8) {
        /* Eight at a time; what is too much has no meaning and is written over. */
        for (uint32_t k = 0; k < 8; k++) {
            to[at + k] = base + (uint32_t)__builtin_ctzll(bits | (uint64_t)1 << 63);
            bits &= bits - 1;
        }
    }
    return n;
}

static bool is_letter_like(unsigned char c)
{
    return classes[c] == WORD || classes[c] == OTHER;
}

/* Lists the pieces of a window; the place behind it. The block behind the text closes a piece. */
ALWAYS_INLINE size_t list_pieces(struct window *w, struct carry *c, sl_str text, size_t base,
                                 classify_fn *classify_block)
{
    const unsigned char *p = (const unsigned char *)text.p;
    w->base = base;
    w->n_ends = 0;
    for (size_t i = 0; i < N_BLOCKS && base <= text.n; i++, base += 64) {
        unsigned char last[64];
        const unsigned char *block = p + base;
        if (text.n - base < 64) {
            memset(last, 0, sizeof(last));
            memcpy(last, block, text.n - base);
            block = last;
        }
        struct sets s = classify_block(block);
        uint64_t letters = s.word | s.other;
        uint64_t next = text.n - base > 64 && is_letter_like(p[base + 64]);
        uint64_t inner = s.soft & (letters << 1 | c->is_letter) & (letters >> 1 | next << 63);
        uint64_t special = s.joiner | s.other | inner, set = s.word | special, sum;
        uint64_t before = set << 1 | c->is_inside;
        /* A special bit carries through the rest of its piece, to the end. */
        bool carries = __builtin_add_overflow(set, special, &sum);
        carries |= __builtin_add_overflow(sum, c->is_special, &sum);
        w->special[i] = sum & ~set;
        w->n_begins += list_bits(set & ~before, (uint32_t)base, w->begins + w->n_begins);
        w->n_ends += list_bits(~set & before, (uint32_t)base, w->ends + w->n_ends);
        *c = (struct carry){letters >> 63, set >> 63, carries};
    }
    return base;
}

static inline unsigned lower(unsigned c)
{
    return c | (unsigned)(c - 'A' < 26) << 5;
}

/* Keeps the wanted pieces of a window, without a branch, since nobody can guess which. */
ALWAYS_INLINE uint32_t choose(struct window *w, sl_str text, const struct sl_lexicon_filter *filter,
                              bool has_starts)
{
    const unsigned char *p = (const unsigned char *)text.p;
    uint32_t n_kept = 0;
    for (uint32_t i = 0; i < w->n_ends; i++) {
        uint32_t from = w->begins[i], to = w->ends[i], n = to - from;
        size_t end = to - w->base;
        uint64_t is_special = w->special[end >> 6] >> (end & 63) & 1;
        uint64_t is_wanted = is_special | filter->lengths >> (n < 63 ? n : 63);
        if (has_starts) {
            unsigned second = lower(p[from + (n > 1)]) & -(unsigned)(n > 1);
            unsigned start = lower(p[from]) << 8 | second;
            is_wanted |= filter->starts[start >> 6] >> (start & 63);
        }
        w->begins[n_kept] = from;
        w->ends[n_kept] = to;
        w->is_special[n_kept] = is_special;
        n_kept += is_wanted & 1;
    }
    return n_kept;
}

static inline uint64_t load(const void *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof(value));
    return value;
}

struct key {
    uint64_t low, high;
};

/* The first n bytes, at most sixteen, of sixteen that may be read; zeros behind them. */
static inline struct key key_of(const char *p, uint32_t n)
{
    static const unsigned char masks[2 * KEY_BYTES] = {[0 ... KEY_BYTES - 1] = 0xff};
    return (struct key){load(p) & load(masks + 16 - n), load(p + 8) & load(masks + 24 - n)};
}

static void hand_out(struct pass *pass, uint32_t from, uint32_t n, bool is_special, uint32_t times)
{
    pass->f(pass->ctx, sl_str_of(pass->text.p + from, n), !is_special, times);
}

static void count_more(struct pass *pass, struct slot *slot)
{
    if (SL_UNLIKELY(slot->times == UINT16_MAX)) {
        hand_out(pass, slot->from, slot->n & ~IS_SPECIAL, slot->n & IS_SPECIAL, UINT16_MAX);
        slot->times = 0;
    }
    slot->times++;
}

static void count_long(struct pass *pass, uint32_t from, uint32_t n, bool is_special)
{
    const char *piece = pass->text.p + from;
    uint64_t hash = n <= MAX_PIECE ? sl_hash(sl_str_of(piece, n), n) : 0;
    uint8_t tag = (uint8_t)(hash >> 56), kept_n = (uint8_t)(n | (is_special ? IS_SPECIAL : 0));
    for (uint32_t probe = 0; probe < MAX_PROBES && n <= MAX_PIECE; probe++) {
        struct slot *slot = &pass->slots[(hash + probe) & pass->last_slot];
        if (slot->times == 0) {
            *slot = (struct slot){from, 1, kept_n, tag};
            return;
        }
        if (slot->n == kept_n && slot->tag == tag &&
            memcmp(pass->text.p + slot->from, piece, n) == 0) {
            count_more(pass, slot);
            return;
        }
    }
    hand_out(pass, from, n, is_special, 1);
}

/* Counts a piece in the table, or hands it out. */
static inline void count(struct pass *pass, uint32_t from, uint32_t n, bool is_special)
{
    const char *text = pass->text.p;
    if (SL_UNLIKELY(n > KEY_BYTES || pass->text.n - from < KEY_BYTES)) {
        count_long(pass, from, n, is_special);
        return;
    }
    struct key key = key_of(text + from, n);
    uint64_t hash = (key.low + key.high * 0xd6e8feb86659fd93u) * 0x9e3779b97f4a7c15u;
    uint32_t at = (uint32_t)(hash >> 32);
    uint8_t tag = (uint8_t)(hash >> 24), kept_n = (uint8_t)(n | (uint32_t)is_special << 7);
    for (uint32_t probe = 0; probe < MAX_PROBES; probe++) {
        struct slot *slot = &pass->slots[(at + probe) & pass->last_slot];
        if (slot->times == 0) {
            *slot = (struct slot){from, 1, kept_n, tag};
            return;
        }
        if (slot->n != kept_n || slot->tag != tag)
            continue;
        struct key kept = key_of(text + slot->from, n);
        if (((kept.low ^ key.low) | (kept.high ^ key.high)) == 0) {
            count_more(pass, slot);
            return;
        }
    }
    hand_out(pass, from, n, is_special, 1);
}

ALWAYS_INLINE void read_text(struct pass *pass, classify_fn *classify_block)
{
    struct window w;
    struct carry c = {0};
    w.n_begins = 0;
    const struct sl_lexicon_filter *filter = pass->filter;
    for (size_t base = 0; base <= pass->text.n;) {
        base = list_pieces(&w, &c, pass->text, base, classify_block);
        uint32_t open = w.n_begins > w.n_ends ? w.begins[w.n_ends] : 0;
        uint32_t n = filter->starts ? choose(&w, pass->text, filter, true)
                                    : choose(&w, pass->text, filter, false);
        for (uint32_t i = 0; i < n; i++)
            count(pass, w.begins[i], w.ends[i] - w.begins[i], w.is_special[i]);
        w.n_begins -= w.n_ends;
        w.begins[0] = open;
    }
}

static void read_plain(struct pass *pass)
{
    read_text(pass, classify);
}

#ifdef __x86_64__
__attribute__((target("avx2,bmi,popcnt"))) static void read_avx2(struct pass *pass)
{
    read_text(pass, classify_avx2);
}
#endif

static void read_best(struct pass *pass)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("popcnt")) {
        read_avx2(pass);
        return;
    }
#endif
    read_plain(pass);
}

void sl_lexicon_run(sl_str text, const struct sl_lexicon_filter *filter, sl_lexicon_fn f, void *ctx)
{
    struct slot slots[MAX_SLOTS];
    uint32_t n_slots = 16;
    while (n_slots < MAX_SLOTS && n_slots < text.n / 24)
        n_slots *= 2;
    memset(slots, 0, n_slots * sizeof(*slots));
    struct pass pass = {.text = text,
                        .filter = filter,
                        .f = f,
                        .ctx = ctx,
                        .slots = slots,
                        .last_slot = n_slots - 1};
    read_best(&pass);
    for (uint32_t i = 0; i < n_slots; i++)
        if (slots[i].times)
            hand_out(&pass, slots[i].from, slots[i].n & ~IS_SPECIAL, slots[i].n & IS_SPECIAL,
                     slots[i].times);
}
